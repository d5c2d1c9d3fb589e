"""Whether planned devices fit into what several PoE supplies have left."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from checks.device.poe import PoeGroup

CLASS_WATTS = (15.4, 4.0, 7.0, 15.4, 30.0, 45.0, 60.0, 75.0, 90.0)
"""What a supply must have for a device of class 0 to 8 (IEEE 802.3 clauses 33 and 145)."""
_ROUNDING = 1e-6


@dataclasses.dataclass(kw_only=True)
class Supply:
    """One supply while devices are placed."""

    group: int
    left: float
    taken: float = 0.0


def used_w(group: PoeGroup) -> float | None:
    """Return what a supply has given away: drawn or promised, whichever is more."""
    told = [watts for watts in (group.consumption_w, group.reserved_w) if watts is not None]
    return max(told) if told else None


def left_w(group: PoeGroup) -> float:
    """Return what a supply can still give; nothing where it is off or faulty, or does not tell its use."""
    used = used_w(group)
    if used is None or group.status in ("off", "faulty"):
        return 0.0
    return max(0.0, group.power_w - used)


def fit(
    supplies: Sequence[Supply], wanted: Sequence[tuple[str, float, int | None]]
) -> list[tuple[str, float]]:
    """Place devices (name, watts, group or None for any) and return those that do not fit.

    Those with a group first, then the hungriest, each into the supply that it fits most tightly: that never
    says that devices fit where they do not, and seldom that they do not fit where another way would do.
    """
    missing = []
    for name, watts, group in sorted(wanted, key=lambda one: (one[2] is None, -one[1])):
        fits = [one for one in supplies if group in (None, one.group) and one.left + _ROUNDING >= watts]
        best = min(fits, key=lambda one: one.left, default=None)
        if best is None:
            missing.append((name, watts))
            continue
        best.left -= watts
        best.taken += watts
    return missing
