"""The kinds of Ethernet that IANA-MAU-MIB numbers: speed and duplex mode of each.

Source: RFC 4836 and the IANA-MAU-MIB that continues it. From 10 Gbit/s on there is full duplex only.
"""

from __future__ import annotations

from typing import Literal

_HALF = frozenset({10, 12, 15, 17, 19, 21, 23, 25, 27, 29})
_FULL = frozenset({11, 13, 16, 18, 20, 22, 24, 26, 28, 30})
_SPEEDS = (
    (1, 13, 10), (14, 20, 100), (21, 30, 1000), (31, 41, 10_000), (44, 46, 100), (47, 53, 1000),
    (54, 55, 10_000), (56, 56, 1000), (57, 58, 10_000), (103, 103, 2500), (104, 104, 5000),
)  # fmt: skip
"""First and last number with the speed in Mbit/s."""
_ALWAYS_FULL = frozenset({*range(31, 42), *range(46, 51), *range(54, 59), 103, 104})


def of_mau(kind: int) -> tuple[int | None, Literal["full", "half"] | None]:
    """Return speed (Mbit/s) and duplex mode of a MAU type; None for what the number does not tell."""
    speed = next((speed for first, last, speed in _SPEEDS if first <= kind <= last), None)
    if kind in _HALF:
        return speed, "half"
    return speed, "full" if kind in _FULL or kind in _ALWAYS_FULL else None
