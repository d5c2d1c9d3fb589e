"""What NetworkManager's `nmcli --terse` prints: fields in the order that was asked for, colons escaped.

Source: nmcli(1) (`--terse`, `--escape`); NetworkManager's D-Bus interface AccessPoint (WpaFlags, RsnFlags).
"""

from __future__ import annotations

import re

from checks.wire.wifi.air import Heard, Joined
from checks.wire.wifi.raster import channel_of, hardware
from checks.wire.wifi.words import in_words, of_generations, of_suites

FIELDS = (
    "IN-USE", "SSID", "BSSID", "CHAN", "FREQ", "BANDWIDTH", "SIGNAL", "SECURITY", "WPA-FLAGS", "RSN-FLAGS",
    "DEVICE",
)  # fmt: skip
OLD_FIELDS = tuple(field for field in FIELDS if field != "BANDWIDTH")
"""Before NetworkManager 1.46."""
MAX_LINES = 5000
_PART = re.compile(r"((?:[^:\\]|\\.)*)(?::|\Z)", re.DOTALL)


def split(line: str) -> list[str]:
    r"""Split a terse line at its colons; `\:` and `\\` are a colon and a backslash of a value."""
    parts: list[str] = []
    at = 0
    line = line[:2000]
    while at <= len(line) and len(parts) < 40:
        match = _PART.match(line, at)
        if match is None:
            break
        parts.append(re.sub(r"\\(.)", r"\1", match.group(1)))
        if match.end() == len(line) and not match.group().endswith(":"):
            break
        at = match.end()
        if at == len(line):
            parts.append("")
            break
    return parts


def stations(text: str, fields: tuple[str, ...] = FIELDS) -> tuple[Heard, ...]:
    """Read `nmcli --terse --fields ... device wifi list`; lines that have other fields raise ValueError."""
    return tuple(_heard(row) for row in _rows(text, fields))


def _rows(text: str, fields: tuple[str, ...]) -> list[dict[str, str]]:
    keys = [field.lower() for field in fields]
    found = []
    for line in text.splitlines()[:MAX_LINES]:
        if not line.strip() or line.startswith("$ "):
            continue
        parts = split(line)
        if len(parts) != len(keys):
            raise ValueError(f"nmcli printed {len(parts)} fields where {len(keys)} were asked for")
        row = dict(zip(keys, parts, strict=True))
        if row.get("bssid") is not None and not hardware(row["bssid"]) and row["bssid"] != "--":
            raise ValueError("nmcli printed something else where the access point's address belongs")
        found.append(row)
    return found


def _heard(row: dict[str, str]) -> Heard:
    mhz = _leading(row.get("freq", ""))
    signal = _leading(row.get("signal", ""))
    name = row.get("ssid", "")
    return Heard(
        bssid=hardware(row.get("bssid", "")), ssid="" if name == "--" else name, frequency_mhz=mhz,
        channel=channel_of(mhz) or _leading(row.get("chan", "")),
        width_mhz=_leading(row.get("bandwidth", "")), signal_dbm=None,
        quality_percent=min(100, signal) if signal is not None else None, security=security(row),
    )  # fmt: skip


def security(row: dict[str, str]) -> str:
    """Return the words for SECURITY and, where they were asked for, WPA-FLAGS and RSN-FLAGS."""
    if "rsn-flags" in row and "wpa-flags" in row:
        wpa, rsn = _flags(row["wpa-flags"]), _flags(row["rsn-flags"])
        ciphers = [one.partition("_")[2].upper().replace("WEP40", "WEP").replace("WEP104", "WEP")
                   for one in (*wpa, *rsn) if one.startswith(("pair_", "group_"))]  # fmt: skip
        words = of_suites(
            [one for one in wpa if "_" not in one.replace("802.1x", "")],
            [one for one in rsn if not one.startswith(("pair_", "group_", "owe_transition"))],
            ciphers,
        )
        if words:
            return words
    shown = row.get("security", "").replace("--", "").strip()
    if not shown:
        return "Open" if "security" in row else ""
    if "OWE-TM" in shown:
        return "OWE-Transition"
    if "OWE" in shown:
        return "OWE"
    if "WPA" not in shown:
        return "WEP" if "WEP" in shown else shown
    if "192" in shown:
        return "WPA3-Enterprise-192"
    flavour = "Enterprise" if "802.1X" in shown else "Personal"
    return in_words(of_generations((int(one) for one in re.findall(r"WPA([123])", shown[:100])), flavour))


def _flags(text: str) -> list[str]:
    return [one.lower() for one in text.split()[:40] if one not in ("(none)", "--")]


def _leading(text: str) -> int | None:
    match = re.match(r"(\d{1,6})\b", text.strip())
    return int(match.group(1)) if match else None


def joined(text: str, fields: tuple[str, ...] = FIELDS) -> tuple[Joined, ...]:
    """Return what is in use, of the same list."""
    found = []
    for row in _rows(text, fields):
        if row.get("in-use", row.get("active", "")).strip() not in ("*", "yes"):
            continue
        heard = _heard(row)
        found.append(
            Joined(
                interface=row.get("device", "")[:40],
                state="connected",
                ssid=heard.ssid,
                bssid=heard.bssid,
                frequency_mhz=heard.frequency_mhz,
                channel=heard.channel,
                width_mhz=heard.width_mhz,
                quality_percent=heard.quality_percent,
                security=heard.security,
            )
        )
    return tuple(found)
