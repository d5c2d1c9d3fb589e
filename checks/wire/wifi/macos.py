"""What macOS' own tools print: `system_profiler SPAirPortDataType -json`, `wdutil info`, `airport`.

Since macOS 15.6 system_profiler shows names as `<redacted>`, wdutil does so since 14; airport is gone since
14.4. The texts were read as recorded on real systems; the commands were never run by us.
"""

from __future__ import annotations

import json
import re
from typing import Any

from checks.wire.wifi.air import Heard, Joined
from checks.wire.wifi.raster import frequency_of, hardware
from checks.wire.wifi.words import ciphers_in, in_words, of_generations, of_suites

REDACTED = "<redacted>"
MAX_STATIONS = 2000
MAX_CHARS = 4_000_000
_CHANNEL = re.compile(r"(\d{1,3})(?:,([+-]1|\d{2,3}))?(?: \(([^()]{0,60})\))?\Z")
_WDUTIL = re.compile(r"([256])g(\d{1,3})/(\d{2,3})\Z")
_SIGNAL = re.compile(r"(-?\d{1,3}) dBm / (-?\d{1,3}) dBm")
_AIRPORT = re.compile(
    r"(?P<name>.*?)(?: (?P<bssid>[0-9a-fA-FxX]{1,2}(?::[0-9a-fA-FxX]{1,2}){5}))?\s+(?P<rssi>-\d{1,3})\s+"
    r"(?P<channel>\d{1,3}(?:,[+-]1)?)\s+(?:Y|N)\s+(?:--|[A-Z0-9]{2})\s+(?P<security>.*)\Z"
)
_MODES = {
    "none": "Open", "open": "Open", "wep": "WEP", "dynamic_wep": "WEP",
    "wpa_personal": "WPA-Personal", "wpa_personal_mixed": "WPA/WPA2-Personal",
    "wpa2_personal": "WPA2-Personal", "wpa2_personal_mixed": "WPA/WPA2-Personal",
    "wpa3_personal": "WPA3-Personal", "wpa3_transition": "WPA2/WPA3-Personal",
    "wpa_enterprise": "WPA-Enterprise", "wpa_enterprise_mixed": "WPA/WPA2-Enterprise",
    "wpa2_enterprise": "WPA2-Enterprise", "wpa2_enterprise_mixed": "WPA/WPA2-Enterprise",
    "wpa3_enterprise": "WPA3-Enterprise", "wpa3_enterprise_192": "WPA3-Enterprise-192",
    "owe": "OWE", "owe_transition": "OWE-Transition",
}  # fmt: skip


def mode(text: object) -> str:
    """Return the words for `spairport_security_mode_wpa2_personal`, or for CoreWLAN's `WPA2 Personal`."""
    if not isinstance(text, str):
        return ""
    plain = re.sub(r"\A(s?pairport_security_mode_)", "", text[:100])
    key = plain.lower().replace(" ", "_").replace("-", "_").replace("/", "_")
    return _MODES.get(key, plain)


def profiler(text: str) -> tuple[tuple[str, tuple[Heard, ...], Joined], ...]:
    """Read system_profiler's JSON: each radio's name, what it heard, and what it is joined to.

    Raises ValueError for what is no such report.
    """
    if len(text) > MAX_CHARS:
        raise ValueError("the report is too long to be read")
    try:
        report = json.loads(text)
    except RecursionError:
        raise ValueError("the report is nested too deeply") from None
    sections = report.get("SPAirPortDataType") if isinstance(report, dict) else None
    if not isinstance(sections, list):
        raise ValueError("the report has no Wi-Fi section")
    found = []
    for section in sections[:8]:
        for radio in _dicts(_get(section, "spairport_airport_interfaces"))[:16]:
            name = _get(radio, "_name")
            if "spairport_status_information" not in radio or not isinstance(name, str):
                continue
            now = _get(radio, "spairport_current_network_information")
            others = _dicts(_get(radio, "spairport_airport_other_local_wireless_networks"))
            current = [now] if isinstance(now, dict) and "spairport_network_channel" in now else []
            heard = tuple(_heard(one) for one in [*current, *others][:MAX_STATIONS])
            found.append((name, heard, _joined(name, radio, current)))
    return tuple(found)


def _get(value: object, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def channel(value: object) -> tuple[int | None, int | None, int | None]:
    """Return channel, frequency and width of `44 (5GHz, 80MHz)`, `149,+1`, `48,80`, `5g44/40` or 6."""
    text = str(value).strip()[:80]
    if match := _WDUTIL.match(text):
        band = {"2": "2.4", "5": "5", "6": "6"}[match.group(1)]
        number = int(match.group(2))
        return number, frequency_of(number, band), int(match.group(3))
    match = _CHANNEL.match(text)
    if match is None:
        return None, None, None
    number, extra, inside = int(match.group(1)), match.group(2) or "", match.group(3) or ""
    told = re.search(r"([256])(?:\.4)?\s?GHz", inside)
    band = {"2": "2.4", "5": "5", "6": "6"}[told.group(1)] if told else ""
    width = re.search(r"(\d{2,3})\s?MHz", inside)
    wide = int(width.group(1)) if width else 40 if extra.endswith("1") else int(extra) if extra else None
    return number, frequency_of(number, band), wide


def _signal(value: object) -> tuple[float | None, float | None]:
    match = _SIGNAL.match(str(value)[:60])
    if match is None:
        return None, None
    signal, noise = float(match.group(1)), float(match.group(2))
    return signal if signal < 0 else None, noise if noise < 0 else None


def _name(value: object) -> str | None:
    return None if not isinstance(value, str) or value == REDACTED else value


def _heard(one: dict[str, Any]) -> Heard:
    number, frequency, width = channel(one.get("spairport_network_channel"))
    return Heard(
        bssid=hardware(one.get("spairport_network_bssid")), ssid=_name(one.get("_name")),
        frequency_mhz=frequency, channel=number, width_mhz=width,
        signal_dbm=_signal(one.get("spairport_signal_noise"))[0], quality_percent=None,
        security=mode(one.get("spairport_security_mode")),
        standard=str(one.get("spairport_network_phymode", ""))[:40],
    )  # fmt: skip


def _joined(name: str, radio: dict[str, Any], current: list[dict[str, Any]]) -> Joined:
    status = str(radio["spairport_status_information"]).removeprefix("spairport_status_")[:40]
    if status != "connected" or not current:
        return Joined(interface=name, state="disconnected" if status == "connected" else status)
    heard, now = _heard(current[0]), current[0]
    rate = now.get("spairport_network_rate")
    return Joined(
        interface=name, state="connected", ssid=heard.ssid, bssid=heard.bssid,
        frequency_mhz=heard.frequency_mhz, channel=heard.channel, width_mhz=heard.width_mhz,
        signal_dbm=heard.signal_dbm, noise_dbm=_signal(now.get("spairport_signal_noise"))[1],
        security=heard.security,
        standard=heard.standard,
        tx_mbps=float(rate) if isinstance(rate, int | float) and 0 < rate < 1e6 else None,
    )  # fmt: skip


def _labels(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines()[:4000]:
        label, colon, value = line[:2000].partition(":")
        if colon and label.strip():
            found.setdefault(label.strip(), value.strip())
    return found


def wdutil(text: str) -> Joined:
    """Read `wdutil info` (its WIFI section); raises ValueError for what is none."""
    start = re.search(r"^WIFI\s*$", text[:MAX_CHARS], re.MULTILINE)
    told = _labels(text[start.end() :]) if start else {}
    name = told.get("Interface Name", "")
    if not name:
        raise ValueError("the text has no Wi-Fi section")
    rssi = _unit(told.get("RSSI", ""), "dBm")
    if told.get("Op Mode", "None") == "None" or not rssi:
        off = told.get("Power", "").lower().startswith("off")
        return Joined(interface=name, state="powered off" if off else "disconnected")
    number, frequency, width = channel(re.sub(r", Active\)", ")", told.get("Channel", "")))
    return Joined(
        interface=name, state="connected", ssid=_name(told.get("SSID")), bssid=hardware(told.get("BSSID")),
        frequency_mhz=frequency, channel=number, width_mhz=width, signal_dbm=rssi,
        noise_dbm=_unit(told.get("Noise", ""), "dBm") or None, tx_mbps=_unit(told.get("Tx Rate", ""), "Mbps"),
        security=mode(told.get("Security", "")) if told.get("Security") != "None" else "",
        standard=f"802.{told['PHY Mode']}" if told.get("PHY Mode", "").startswith("11") else "",
    )  # fmt: skip


def _unit(text: str, unit: str) -> float | None:
    match = re.match(r"(-?\d{1,6}(?:\.\d{1,3})?) " + unit, text)
    return float(match.group(1)) if match else None


def airport(text: str) -> tuple[Heard, ...]:
    """Read `airport -s`: a heading, then name (right-aligned), address, strength, channel and security."""
    found = []
    for line in text.splitlines()[:MAX_STATIONS]:
        match = _AIRPORT.match(line[:400])
        if match is None:
            continue
        number, frequency, width = channel(match.group("channel"))
        name = match.group("name")
        found.append(
            Heard(
                bssid=hardware(match.group("bssid")),
                ssid=name.strip(),
                frequency_mhz=frequency,
                channel=number,
                width_mhz=width,
                signal_dbm=float(match.group("rssi")),
                quality_percent=None,
                security=_airport_words(match.group("security")),
            )
        )
    return tuple(found)


def _airport_words(text: str) -> str:
    groups = re.findall(r"(WPA3?2?|RSN)\(([^()]{0,60})\)", text[:300])
    if not groups:
        return {"NONE": "Open", "WEP": "WEP"}.get(text.strip().upper(), text.strip()[:40])
    ciphers = [cipher for _, inside in groups for cipher in ciphers_in(inside.partition("/")[2])]
    old = [inside.partition("/")[0] for kind, inside in groups if kind == "WPA"]
    new = [part for kind, inside in groups if kind != "WPA" for part in inside.partition("/")[0].split(",")]
    return of_suites(old, new, ciphers)


def airport_joined(text: str, interface: str) -> Joined:
    """Read `airport -I`."""
    told = _labels(text)
    if told.get("state") != "running" or not told.get("channel"):
        return Joined(interface=interface, state="disconnected")
    number, frequency, width = channel(told.get("channel"))
    auth = told.get("link auth", "")
    generations = [int(one or 1) for one in re.findall(r"wpa(\d)?", auth)]
    flavour = "Personal" if "psk" in auth or "sae" in auth else "Enterprise"
    rssi, noise, rate = (told.get(key, "") for key in ("agrCtlRSSI", "agrCtlNoise", "lastTxRate"))
    return Joined(
        interface=interface, state="connected", ssid=_name(told.get("SSID")),
        bssid=hardware(told.get("BSSID")), frequency_mhz=frequency, channel=number, width_mhz=width,
        signal_dbm=float(rssi) if re.fullmatch(r"-\d{1,3}", rssi) else None,
        noise_dbm=float(noise) if re.fullmatch(r"-\d{1,3}", noise) else None,
        tx_mbps=float(rate) if re.fullmatch(r"\d{1,6}", rate) else None,
        security=in_words(of_generations(generations, flavour)) if generations else mode(auth),
    )  # fmt: skip
