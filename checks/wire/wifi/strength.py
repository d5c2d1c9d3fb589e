"""How strong a network is heard, in dBm, whatever its source tells.

Sources: Microsoft, WLAN_ASSOCIATION_ATTRIBUTES (wlanSignalQuality: 0 is -100 dBm, 100 is -50 dBm, linear
between); NetworkManager derives its strength from -100 to -40 dBm, linear between.
"""

from __future__ import annotations

from checks.dataclass import dataclass
from checks.survey import Reading
from checks.wire.wifi.air import Heard, Joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """A level; `estimated` from a percentage, whose ends stand for everything beyond, too."""

    dbm: float
    estimated: bool = False


def strength(heard: Heard | Joined | Reading, source: str) -> Strength | None:
    """Return the level of what `source` heard, None where it tells none or what no radio measures."""
    if heard.signal_dbm is not None:
        return Strength(dbm=heard.signal_dbm) if -130 <= heard.signal_dbm < 0 else None
    quality = heard.quality_percent
    if quality is None or not 0 <= quality <= 100:
        return None
    span = 60 if any(word in source.lower() for word in ("nmcli", "networkmanager")) else 50
    return Strength(dbm=quality * span / 100 - 100, estimated=True)


def shown(level: Strength | None) -> str:
    """Return the level as text: `-67 dBm`, `about -67 dBm`, `unknown`."""
    if level is None:
        return "unknown"
    return f"{'about ' if level.estimated else ''}{level.dbm:.0f} dBm"
