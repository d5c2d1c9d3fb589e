"""How strong a network is at one place: the median of several looks, in dBm."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from checks.survey import Look, Reading

SILENT_DBM = -math.inf
"""What a look counts for that heard others and not the network."""


def dbm(reading: Reading) -> float | None:
    """Return the signal in dBm; a percentage of Windows or NetworkManager is half of what -100 lacks to 0.

    Source: Microsoft, WLAN_ASSOCIATION_ATTRIBUTES, wlanSignalQuality.
    """
    if reading.signal_dbm is not None:
        return reading.signal_dbm
    if reading.quality_percent is None:
        return None
    return max(0, min(100, reading.quality_percent)) / 2 - 100


def band_of(frequency_mhz: int | None) -> str | None:
    """Return `2.4`, `5` or `6`, the band of a frequency."""
    if frequency_mhz is None:
        return None
    if 2400 <= frequency_mhz < 2500:
        return "2.4"
    if 5150 <= frequency_mhz < 5925:
        return "5"
    return "6" if 5925 <= frequency_mhz <= 7125 else None


def device_of(bssid: str) -> str:
    """Return what the addresses of one access point have in common: its radios count up in the last octet,
    and its networks differ in the first one's local bits."""
    first, _, rest = bssid.partition(":")
    try:
        first = f"{int(first, 16) & ~0x03:02x}"
    except ValueError:
        return bssid
    return f"{first}:{rest.rpartition(':')[0]}"


def strongest(look: Look, ssid: str, band: str | None) -> tuple[float, float]:
    """Return the strongest and the second access point of a network in one look, in dBm."""
    by_device: dict[str, float] = {}
    for reading in look.readings:
        level = dbm(reading)
        if reading.ssid != ssid or level is None or band not in (None, band_of(reading.frequency_mhz)):
            continue
        place = device_of(reading.bssid)
        by_device[place] = max(level, by_device.get(place, SILENT_DBM))
    best = sorted(by_device.values(), reverse=True)
    return (best[0] if best else SILENT_DBM, best[1] if len(best) > 1 else SILENT_DBM)


def median(levels: Iterable[float]) -> float | None:
    """Return the median in dBm, None if the network was silent in half of the looks or more."""
    found = list(levels)
    middle = statistics.median_low(found) if found else SILENT_DBM
    return None if middle == SILENT_DBM else middle
