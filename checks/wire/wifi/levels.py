"""How strong a network is at one place: the median of several looks, in dBm."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from checks.survey import Look
from checks.wire.wifi.channel import band_of
from checks.wire.wifi.strength import strength

SILENT_DBM = -math.inf
"""What a look counts for that heard others and not the network."""


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
        level = strength(reading, look.source)
        here = band_of(reading.frequency_mhz) if reading.frequency_mhz else ""
        if reading.ssid != ssid or level is None or band not in (None, here):
            continue
        place = device_of(reading.bssid)
        by_device[place] = max(level.dbm, by_device.get(place, SILENT_DBM))
    best = sorted(by_device.values(), reverse=True)
    return (best[0] if best else SILENT_DBM, best[1] if len(best) > 1 else SILENT_DBM)


def median(levels: Iterable[float]) -> float | None:
    """Return the median in dBm, None if the network was silent in half of the looks or more."""
    found = list(levels)
    middle = statistics.median_low(found) if found else SILENT_DBM
    return None if middle == SILENT_DBM else middle
