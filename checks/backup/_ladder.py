"""The proof ladder: what is known of a backup, rung by rung, and how deep that goes.

0 nothing proven (at best somebody's word), 1 exists, 2 fresh, 3 complete, 4 integrity, 5 restored sample,
6 booted or queried. Freshness is judged beside the others: an old backup may be proven whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from checks.dataclass import dataclass

NAMES = ("nothing proven", "exists", "fresh", "complete", "integrity", "restored sample", "queried")
EXISTS, FRESH, COMPLETE, INTEGRITY, SAMPLE, QUERIED = range(1, 7)

Outcome = Literal["proven", "failed", "unknown", "absent"]
"""`unknown`: it was tried and could not be told. `absent`: this system has no such rung, so that a higher one
does not need it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was tried for one rung, and what came of it. Several may be tried for the same."""

    level: int
    outcome: Outcome
    how: str
    """What was done, as a noun: `restic check --read-data-subset=1/7`."""
    detail: str
    """What was seen; text from outside is safe already."""
    fix: str = ""
    """What to do where it is neither proven nor absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One earlier backup: when it was begun (RFC 3339, UTC), and what it holds where that is known."""

    id: str
    at: str
    bytes: int | None = None
    files: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One file of the sample: `same`, `differs`, `unreadable` (not restored) or `skipped` (with why).

    `doubtful`: it differs from a live file that something touched since, without a new date.
    """

    path: str
    outcome: Literal["same", "differs", "unreadable", "skipped", "doubtful"]
    bytes: int = 0
    sha256: str = ""
    """Of what was restored."""
    expected: str = ""
    """Of what it was compared with."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The random files that were restored: repeatable by seed and population."""

    seed: str
    population: int
    """Files that could have been drawn."""
    against: Literal["live", "manifest", "canary", "nothing"]
    files: tuple[Compared, ...]
    unaddressable: int = 0
    """Files whose names cannot be asked for, such as those that are no UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """What a timed restore took; an estimate for the whole follows from it."""

    bytes: int
    files: int
    seconds: float
    startup_s: float
    """What a restore of next to nothing takes."""
    total_bytes: int
    total_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSeen:
    """What was seen of one backup. `proof_level` is the deepest rung that was really proven."""

    system: str
    proof_level: int
    newest: str | None
    """When the newest backup was begun (RFC 3339, UTC): data of later is not in it."""
    age_s: float | None
    """Seconds from then to now, by the host's own clock; negative: it lies in the future."""
    host: str
    host_time: str
    """What the host's clock said (RFC 3339, UTC); empty if it was never read."""
    clock_offset_s: float | None
    steps: tuple[Step, ...]
    history: tuple[Past, ...] = ()
    """The newest first."""
    bytes: int | None = None
    files: int | None = None
    sample: Sample | None = None
    restore: Restore | None = None
    past_lock: str = ""
    """What was read although a lock stood, and whose lock it was."""
    notes: tuple[str, ...] = ()
    """What a person should know and no rung tells, as full sentences."""


def proof_level(steps: Iterable[Step]) -> int:
    """Return the deepest rung that is proven with nothing below it failed, unknown or left out.

    Freshness (2) is judged beside the others: neither being old nor an unknown age takes the deeper rungs
    away, and being fresh alone proves it only on top of `exists`. A rung that the system does not have
    (`absent`) is stepped over; one that was not tried is not.
    """
    tried: dict[int, set[Outcome]] = {}
    for step in steps:
        tried.setdefault(step.level, set()).add(step.outcome)
    level = 0
    for rung in range(EXISTS, QUERIED + 1):
        outcomes = tried.get(rung, set())
        proven = bool(outcomes) and outcomes <= {"proven", "absent"}
        if "proven" in outcomes and proven:
            level = rung
        elif rung != FRESH and (rung == EXISTS or not proven):
            break
    return level
