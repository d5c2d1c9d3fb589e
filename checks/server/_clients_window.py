"""What a row of looks at a server's clients comes to within a window. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from checks.dataclass import dataclass
from checks.server._clients_read import Look

MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One peer at one port, in how many of the looks."""

    peer: str
    port: int
    detail: str
    local: bool
    first: datetime
    last: datetime
    looks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The looks of a window that end with this one."""

    begin: datetime
    end: datetime
    looks: int
    slots: int
    """Looks that count: those that lie close together count once."""
    first: datetime | None
    longest_gap_s: float
    """The longest time without a look, also from the begin of the window to the first."""
    sightings: tuple[Sighting, ...]
    left_out: int = 0
    """Clients that were beyond what is kept."""
    idle: int = 0
    """Looks at which a service that is asked about was not running: they prove nothing."""
    later: int = 0
    """Looks that are dated after this one: a clock was wrong."""


def slot_s(window_s: float, min_samples: int) -> float:
    """Return how close two looks must be to count as one."""
    return window_s / (2 * min_samples)


def runs(look: Look, ports: Sequence[int]) -> bool:
    """Return whether the services that are asked about could have had clients at all."""
    return set(ports) <= set(look.listening)


def over(
    looks: Iterable[Look], now: datetime, *, window_s: float, min_samples: int, ports: Sequence[int]
) -> Window:
    """Return the looks within the window before `now` in one."""
    begin = now - timedelta(seconds=window_s)
    within = sorted({one.at: one for one in looks if one.at >= begin}.values(), key=lambda one: one.at)
    later = [one for one in within if one.at > now]
    timely = [one for one in within if one.at <= now]
    used = [one for one in timely if runs(one, ports)]
    slot = slot_s(window_s, min_samples) or 1.0
    moments = [begin, *(one.at for one in used)]
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
    gaps.append((now - moments[-1]).total_seconds())
    seen: dict[tuple[str, int], Sighting] = {}
    for one in timely:
        for client in one.clients:
            known = seen.get((client.peer, client.port))
            seen[client.peer, client.port] = Sighting(
                peer=client.peer, port=client.port, detail=client.detail, local=client.local,
                first=known.first if known else one.at, last=one.at, looks=known.looks + 1 if known else 1,
            )  # fmt: skip
    kept = sorted(seen.values(), key=lambda one: (one.local, -one.looks, one.peer, one.port))
    return Window(
        begin=begin, end=now, looks=len(used),
        slots=len({int((one.at - begin).total_seconds() // slot) for one in used}),
        first=used[0].at if used else None, longest_gap_s=max(gaps), sightings=tuple(kept[:MOST]),
        left_out=max(0, len(kept) - MOST) + sum(one.left_out for one in timely),
        idle=len(timely) - len(used), later=len(later),
    )  # fmt: skip
