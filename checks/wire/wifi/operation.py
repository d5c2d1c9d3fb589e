"""On which channel a network works, as its HT, VHT, HE and EHT Operation elements say.

Sources: IEEE 802.11-2020 sections 9.4.2.56 (HT), 9.4.2.158 and table 11-23 (VHT, centre frequency segments),
802.11ax-2021 section 9.4.2.249 (HE, 6 GHz), 802.11be-2024 section 9.4.2.321 (EHT).
"""

from __future__ import annotations

from checks.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Channel numbers and the width; None where no element says so.

    `centre` is the channel number in the middle of what is occupied, `second` that of the other half of
    80+80 MHz, whose `width_mhz` is 160.
    """

    primary: int | None = None
    six_ghz: bool = False
    """The HE element speaks of 6 GHz: the numbers are of that band."""
    width_mhz: int | None = None
    centre: int | None = None
    second: int | None = None


def read_operation(
    ht: bytes | None, vht: bytes | None, he: bytes | None, eht: bytes | None
) -> tuple[Operation, tuple[str, ...]]:
    """Return where the network works, and the names of elements that are too short for what they announce."""
    odd: list[str] = []
    primary = width = centre = second = None
    six = False
    segment = 0
    if ht is not None and len(ht) >= 2:
        primary = ht[0]
        above = {1: 2, 3: -2}.get(ht[1] & 0x03)
        wide = above is not None and ht[1] & 0x04
        width, centre = (40, primary + above) if wide and above is not None else (20, primary)
        segment = (ht[2] >> 5) | (ht[3] & 0x1F) << 3 if len(ht) >= 4 else 0
    elif ht is not None:
        odd.append("HT Operation")
    if vht is not None and len(vht) >= 3:
        width, centre, second = _very_high(vht, width, centre, segment)
    elif vht is not None:
        odd.append("VHT Operation")
    if he is not None:
        inner, fits = _high_efficiency(he)
        if not fits:
            odd.append("HE Operation")
        elif inner is not None:
            primary, width, centre, second = inner
            six = True
    if eht is not None:
        found, fits = _extremely_high(eht)
        if not fits:
            odd.append("EHT Operation")
        elif found is not None:
            width, centre, second = *found, None
    return Operation(
        primary=primary, six_ghz=six, width_mhz=width, centre=centre or None, second=second
    ), tuple(odd)


def _very_high(
    body: bytes, width: int | None, centre: int | None, ht_segment: int
) -> tuple[int | None, int | None, int | None]:
    kind, first, other = body[0], body[1], body[2] or ht_segment
    if kind == 0:
        return width, centre, None
    if kind == 1:
        return _segments(first, other)
    if kind == 2:
        return 160, first, None
    return 160, first, (other or None) if kind == 3 else None


def _segments(first: int, other: int) -> tuple[int, int, int | None]:
    """Return width, centre and second centre of two segments that begin with 80 MHz."""
    if other in (0, first):
        return 80, first, None
    if abs(other - first) == 8:
        return 160, other, None
    return 160, first, other


def _high_efficiency(body: bytes) -> tuple[tuple[int, int, int, int | None] | None, bool]:
    """Return primary, width, centre and second centre where it speaks of 6 GHz, and whether it is whole."""
    if len(body) < 6:
        return None, False
    told = int.from_bytes(body[:3], "little")
    at = 6 + (3 if told & 1 << 14 else 0) + (1 if told & 1 << 15 else 0)
    if not told & 1 << 17:
        return None, len(body) >= at
    if len(body) < at + 5:
        return None, False
    primary, control, first, other = body[at], body[at + 1] & 0x03, body[at + 2], body[at + 3]
    if control == 3:
        width, centre, second = _segments(first, other)
        return (primary, max(width, 160), centre, second), True
    return (primary, 20 << control, first or primary, None), True


def _extremely_high(body: bytes) -> tuple[tuple[int, int] | None, bool]:
    """Return width and centre where it tells them, and whether it is whole."""
    if len(body) < 5:
        return None, False
    if not body[0] & 0x01:
        return None, True
    if len(body) < 8:
        return None, False
    code, first, other = body[5] & 0x07, body[6], body[7]
    if code > 4:
        return None, False
    return (20 << code, other if code >= 3 and other else first), True
