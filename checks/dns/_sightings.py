"""Since when a time to live is low, from what a row of runs saw. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from checks.dataclass import dataclass

MOST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one run saw: the highest time to live on any of `servers`; `complete` if each told its own."""

    at: datetime
    ttl: int | None
    complete: bool
    servers: tuple[str, ...] = ()


def merged(runs: Iterable[Sequence[Sighting]]) -> tuple[Sighting, ...]:
    """Join what runs saw and handed on into one row in the order of the runs, the same run once.

    Of a row of equal sightings the first and the last are kept; nothing else of it can matter. What is too
    long still is cut in the middle of the past: the highest value of what is left out stays.
    """
    row: dict[datetime, Sighting] = {}
    for run in runs:
        for one in run:
            row.setdefault(one.at, one)
    kept: list[Sighting] = []
    for one in row.values():
        if len(kept) > 1 and all(_like(before, one) for before in kept[-2:]) and kept[-1].at <= one.at:
            kept[-1] = one
        else:
            kept.append(one)
    if len(kept) > MOST:
        left_out = kept[: len(kept) - MOST + 1]
        highest = max(left_out, key=lambda one: -1 if one.ttl is None else one.ttl)
        kept = [highest, *kept[len(left_out) :]]
    return tuple(kept)


def _like(one: Sighting, other: Sighting) -> bool:
    return (one.ttl, one.complete, one.servers) == (other.ttl, other.complete, other.servers)


def set_back(row: Sequence[Sighting], now: datetime) -> bool:
    """Return whether a run is dated after this one: one of the two clocks was wrong."""
    return any(one.at > now for one in row)


def safe_from(
    row: Sequence[Sighting], now: Sighting, max_ttl: float, old_ttl: float | None
) -> tuple[datetime, datetime, float | None]:
    """Return when it was first seen low, when the last copy under an old value dies, and that old value.

    `row` is what runs saw before this one, in their order; `now` saw it low on every server. A value above
    `max_ttl` may have been fetched until the next run that saw it low on every server there is now. Where a
    clock was set back between two runs, times before that are not believed: only the values count. The old
    value is None where none was seen or stated.
    """
    begin = 0
    for index in range(1, len(row)):
        if row[index].at < row[index - 1].at:
            begin = index
    whole = [*row, now]

    def low(one: Sighting) -> bool:
        told = one.complete and one.ttl is not None and one.ttl <= max_ttl
        return one is now or (told and set(now.servers) <= set(one.servers))

    until: list[tuple[datetime, float]] = []
    first: datetime | None = None
    for index in range(len(whole) - 1, -1, -1):
        one = whole[index]
        high = one.ttl is not None and one.ttl > max_ttl
        if high and one.ttl is not None:
            gone = next(later.at for later in whole[max(index + 1, begin) :] if low(later))
            until.append((gone + timedelta(seconds=one.ttl), float(one.ttl)))
            first = first or gone
    if first is None:
        first = next(one.at for one in whole[begin:] if low(one))
    if old_ttl is not None:
        until.append((first + timedelta(seconds=old_ttl), old_ttl))
    if not until:
        return first, now.at, None
    last, old = max(until)
    return first, last, old
