"""What wpa_supplicant's `wpa_cli` prints: `scan_results`, `status`, `signal_poll`.

Source: wpa_supplicant's ctrl_iface documentation; run against wpa_supplicant 2.10 in the tests' guest.
"""

from __future__ import annotations

import re

from checks.wire.wifi.air import Heard, Joined
from checks.wire.wifi.raster import channel_of, hardware, unescaped
from checks.wire.wifi.words import of_suites

MAX_LINES = 5000
_GROUP = re.compile(r"\[([^\[\]]{1,80})\]")
_PMF = {"0": "no", "1": "capable", "2": "required"}
_GENERATIONS = {"4": "802.11n", "5": "802.11ac", "6": "802.11ax", "7": "802.11be"}


def results(text: str) -> tuple[Heard, ...]:
    """Read `scan_results`: a heading, then address, frequency, signal, flags and name between tabs."""
    found = []
    for line in text.splitlines()[:MAX_LINES]:
        parts = line[:2000].split("\t", 4)
        if len(parts) < 4 or not hardware(parts[0]):
            continue
        frequency = int(parts[1]) if re.fullmatch(r"\d{4,5}", parts[1]) else None
        level = int(parts[2]) if re.fullmatch(r"-?\d{1,3}", parts[2]) else None
        found.append(
            Heard(
                bssid=hardware(parts[0]),
                ssid=unescaped(parts[4]) if len(parts) > 4 else "",
                frequency_mhz=frequency,
                channel=channel_of(frequency),
                width_mhz=None,
                signal_dbm=float(level) if level is not None and level < 0 else None,
                quality_percent=min(100, level) if level is not None and level > 0 else None,
                security=flags(parts[3]),
            )
        )
    return tuple(found)


def flags(text: str) -> str:
    """Return the words for `[WPA2-PSK+SAE-CCMP][ESS]`."""
    groups = _GROUP.findall(text[:400])
    suites: dict[str, list[str]] = {"WPA": [], "RSN": []}
    ciphers: list[str] = []
    for group in groups:
        kind, _, rest = group.partition("-")
        if kind == "OWE":
            return "OWE-Transition" if rest.startswith("TRANS") else "OWE"
        if kind == "WEP":
            return "WEP"
        if kind not in ("WPA", "WPA2", "RSN"):
            continue
        suites["WPA" if kind == "WPA" else "RSN"] += re.split(r"\+", rest.removesuffix("-preauth"))
        ciphers += re.findall(r"CCMP-256|GCMP-256|CCMP|GCMP|TKIP", rest)
    return of_suites(suites["WPA"], suites["RSN"], ciphers) or "Open"


def status(text: str, interface: str, poll: str = "") -> Joined:
    """Read `status` and, where it is there, `signal_poll`."""
    told, polled = _fields(text), _fields(poll)
    state = told.get("wpa_state", "").lower()
    if state != "completed":
        return Joined(interface=interface, state=state[:40] or "disconnected")
    frequency = int(told["freq"]) if re.fullmatch(r"\d{4,5}", told.get("freq", "")) else None
    return Joined(
        interface=interface, state="connected", ssid=unescaped(told.get("ssid", "")),
        bssid=hardware(told.get("bssid", "")), frequency_mhz=frequency, channel=channel_of(frequency),
        width_mhz=_width(polled.get("WIDTH", "")), signal_dbm=_dbm(polled.get("RSSI", "")),
        noise_dbm=_dbm(polled.get("NOISE", "")), tx_mbps=_whole(polled.get("LINKSPEED", "")),
        security=in_use(told), standard=_GENERATIONS.get(told.get("wifi_generation", ""), ""),
    )  # fmt: skip


def in_use(told: dict[str, str]) -> str:
    """Return the words for the connection: its key management, ciphers, protected management frames."""
    suite = told.get("key_mgmt", "")
    ciphers = [told.get("pairwise_cipher", ""), told.get("group_cipher", "")]
    if suite in ("NONE", ""):
        return "WEP" if any(cipher.startswith("WEP") for cipher in ciphers) else "Open" if suite else ""
    pmf = _PMF.get(told.get("pmf", ""), "")
    if suite.startswith(("WPA2", "WPA3", "SAE", "FT", "OWE", "WPA2/")):
        return of_suites((), (suite,), ciphers, pmf)
    return of_suites((suite,), (), ciphers, pmf)


def fields(text: str) -> dict[str, str]:
    """Return `name=value` lines."""
    return _fields(text)


def _fields(text: str) -> dict[str, str]:
    return dict(line[:500].partition("=")[::2] for line in text.splitlines()[:200] if "=" in line)


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,6}", text) else None


def _dbm(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-\d{1,3}", text) else None


def _width(text: str) -> int | None:
    match = re.match(r"(\d{2,3}) MHz", text)
    return int(match.group(1)) if match else 160 if text.startswith("80+80") else None
