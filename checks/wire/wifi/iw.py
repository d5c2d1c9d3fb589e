"""What Linux' `iw` prints: `scan dump`, `link`, `dev`, `station dump`, `survey dump`.

iw warns that its output is no interface; it is the fall-back where netlink is not to be had. `iw scan` itself
can miss the end of its own scan and wait for ever: a scan is triggered, and its results are asked for.
Source: iw(8), and the printing functions of iw 5.19 as run in the tests' guest.
"""

from __future__ import annotations

import re

from checks.wire.wifi.air import Heard, Joined
from checks.wire.wifi.raster import channel_of, hardware, unescaped
from checks.wire.wifi.words import in_words, of_suites

MAX_LINES = 60_000
MAX_STATIONS = 2000
_BSS = re.compile(r"BSS ([0-9a-fx:]{17})\s?\(?")
_FIELD = re.compile(r"\*?\s*([A-Za-z][\w /-]{0,40}):\s*(.*)\Z")
_SECTION = re.compile(
    r"(RSN|WPA|HT operation|VHT operation|BSS Load|HE Operation|EHT Operation|OWE Transition Mode):"
)
_MHZ = re.compile(r"(\d{4,5})(\.\d)?")
_DBM = re.compile(r"(-?\d{1,3}(?:\.\d{1,2})?) dBm")
_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,2})?) M[Bb]it/s|(\d{1,6}(?:\.\d{1,2})?) Mbps")


def scan(text: str) -> tuple[Heard, ...]:
    """Read `iw dev X scan dump` (and `scan`)."""
    blocks: list[tuple[str, list[str]]] = []
    for line in text.splitlines()[:MAX_LINES]:
        match = _BSS.match(line)
        if match is not None:
            if len(blocks) >= MAX_STATIONS:
                break
            blocks.append((match.group(1), []))
        elif blocks:
            blocks[-1][1].append(line[:2000])
    return tuple(_heard(address, lines) for address, lines in blocks)


def _heard(address: str, lines: list[str]) -> Heard:
    fields: dict[str, str] = {}
    inside: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in lines:
        stripped = line.strip()
        head = _SECTION.match(stripped)
        if head and len(line) - len(line.lstrip()) <= 4:
            section = head.group(1)
            inside.setdefault(section, {})
            stripped = stripped[head.end() :].strip()
        elif not stripped.startswith("*") and _FIELD.match(stripped) and _indent(line) <= 1:
            section = ""
        match = _FIELD.match(stripped)
        if match is None:
            continue
        key, value = match.group(1).strip().lower(), match.group(2).strip()
        if section:
            inside[section].setdefault(key, []).append(value)
        elif key == "ssid" or key not in fields:
            fields.setdefault(key, value if key != "ssid" else match.group(2))
    mhz = _number(fields.get("freq", ""), _MHZ)
    frequency = int(mhz) if mhz else None
    capability = fields.get("capability", "")
    age = re.match(r"(\d{1,9}) ms ago", _last_seen(lines))
    load = inside.get("BSS Load", {})
    return Heard(
        bssid=hardware(address), ssid=unescaped(fields["ssid"]) if "ssid" in fields else "",
        frequency_mhz=frequency, channel=channel_of(frequency), width_mhz=_width(inside),
        signal_dbm=_number(fields.get("signal", ""), _DBM), quality_percent=None,
        privacy="Privacy" in capability if capability else None,
        security="OWE-Transition" if "OWE Transition Mode" in inside and "RSN" not in inside
        else _security(inside, privacy="Privacy" in capability, told=bool(capability)),
        age_s=int(age.group(1)) / 1000 if age else None,
        stations=_whole(load.get("station count", [""])[0]),
        utilisation=_whole(load.get("channel utilisation", [""])[0].partition("/")[0]),
        rates_mbps=_rates(f"{fields.get('supported rates')} {fields.get('extended supported rates')}"),
    )  # fmt: skip


def _indent(line: str) -> int:
    return (
        len(line) - len(line.lstrip("\t")) if line.startswith("\t") else (len(line) - len(line.lstrip())) // 4
    )


def _last_seen(lines: list[str]) -> str:
    seen = [line.strip().partition(":")[2].strip() for line in lines if line.strip().startswith("last seen:")]
    return next((text for text in seen if "ms ago" in text), "")


def _security(inside: dict[str, dict[str, list[str]]], *, privacy: bool, told: bool) -> str:
    rsn, wpa = inside.get("RSN"), inside.get("WPA")
    if rsn is None and wpa is None:
        return ("WEP" if privacy else "Open") if told else ""
    ciphers: list[str] = []
    suites: list[list[str]] = []
    pmf = ""
    for one in (wpa or {}, rsn or {}):
        for value in one.get("pairwise ciphers", []) + one.get("group cipher", []):
            ciphers += ["WEP" if part.startswith("WEP") else part for part in value.split()[:8]]
        shown = " ".join(one.get("authentication suites", []))
        suites.append(_SUITE.findall(shown[:400]))
    if rsn is not None:
        caps = " ".join(rsn.get("capabilities", []))
        pmf = "required" if "MFP-required" in caps else "capable" if "MFP-capable" in caps else "no"
    return of_suites(suites[0], suites[1], ciphers, pmf) or in_words("WPA2" if rsn else "WPA", ciphers, pmf)


_SUITE = re.compile(r"FT/IEEE 802\.1X[\w/-]*|IEEE 802\.1X[\w/-]*|FT/\w+|\w+(?:/SHA-\d+)?")


def _width(inside: dict[str, dict[str, list[str]]]) -> int | None:
    vht = inside.get("VHT operation", {}).get("channel width", [""])[0]
    if (match := re.match(r"(\d) \(", vht)) and match.group(1) != "0":
        return {"1": 80, "2": 160, "3": 160}.get(match.group(1))
    shown = inside.get("HT operation", {})
    offset = shown.get("secondary channel offset", [""])[0]
    if not shown:
        return None
    return 40 if offset in ("above", "below") else 20


def _number(text: str, pattern: re.Pattern[str]) -> float | None:
    match = pattern.search(text[:200])
    return float(match.group(1)) if match else None


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def _rates(text: str) -> tuple[float, ...]:
    return tuple(sorted({float(one) for one in re.findall(r"\b(\d{1,3}\.\d)\b", text[:400])}))


def interfaces(text: str) -> tuple[str, ...]:
    """Return the managed (client) interfaces of `iw dev`."""
    found: list[str] = []
    name = ""
    for line in text.splitlines()[:MAX_LINES]:
        stripped = line.strip()
        if stripped.startswith("Interface "):
            name = stripped.removeprefix("Interface ").strip()[:40]
        elif stripped.startswith("type ") and name:
            if stripped in ("type managed", "type P2P-client"):
                found.append(name)
            name = ""
    return tuple(found)


def link(text: str, interface: str) -> Joined:
    """Read `iw dev X link`, or the lines of `station dump` and `link` together."""
    fields: dict[str, str] = {}
    address = ""
    for line in text.splitlines()[:400]:
        if match := re.match(r"\s*(?:Connected to|Station) ([0-9a-f:]{17})", line):
            address = address or hardware(match.group(1))
        elif match := _FIELD.match(line.strip()[:500]):
            fields.setdefault(match.group(1).lower(), match.group(2))
    if not address:
        return Joined(interface=interface, state="disconnected")
    mhz = _number(fields.get("freq", ""), _MHZ)
    frequency = int(mhz) if mhz else None
    return Joined(
        interface=interface, state="authenticating" if fields.get("authorized") == "no" else "connected",
        ssid=unescaped(fields["ssid"]) if "ssid" in fields else None, bssid=address, frequency_mhz=frequency,
        channel=channel_of(frequency),
        signal_dbm=_number(re.sub(r"\[.*", "dBm", fields.get("signal", "")), _DBM),
        rx_mbps=_rate(fields.get("rx bitrate") or fields.get("rx", "")),
        tx_mbps=_rate(fields.get("tx bitrate") or fields.get("tx", "")),
        width_mhz=next((int(one) for one in re.findall(r"(\d{2,3})MHz", fields.get("tx bitrate", ""))), None),
    )  # fmt: skip


def protected(text: str) -> bool | None:
    """Return whether `station dump` says that management frames are protected (MFP), None if it is silent."""
    match = re.search(r"\bMFP:\s*(yes|no)\b", text[:20_000])
    return match.group(1) == "yes" if match else None


def authorised(text: str) -> bool | None:
    """Return whether `station dump` says that the handshake is over, None if it is silent."""
    match = re.search(r"\bauthorized:\s*(yes|no)\b", text[:20_000])
    return match.group(1) == "yes" if match else None


def noise(text: str, frequency: int | None) -> float | None:
    """Return the noise as `survey dump` tells it of the channel in use; not every driver marks it."""
    for part in text[:200_000].split("Survey data from"):
        here = "[in use]" in part or re.search(rf"frequency:\s*{frequency} MHz", part)
        if here and (match := re.search(r"noise:\s*(-?\d{1,3}) dBm", part)):
            return float(match.group(1))
    return None


def _rate(text: str) -> float | None:
    match = _RATE.search(text[:200])
    return float(match.group(1) or match.group(2)) if match else None
