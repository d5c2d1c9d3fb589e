"""A check's past: how it stood each time, its measured values, and what changed since it last passed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent.ledger import Known
from checks.dataclass import dataclass
from checks.words import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One measured value over time, the oldest first; the same length as `Story.past`, None where absent."""

    name: str
    unit: str
    values: tuple[float | None, ...]
    warn: float | None = None
    fail: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One subject of the check that is not as it was at the last pass; raw text."""

    subject: str
    before: str
    """What was observed then; empty if the subject is new."""
    after: str
    """What is observed now; empty if the subject is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The last executions of one check, the oldest first."""

    check: str
    past: tuple[Known, ...]
    series: tuple[Series, ...]
    last_pass: datetime | None
    """When it last passed, of the executions in `past`."""
    first_trouble: datetime | None
    """When the trouble that it has now began: the first execution after the last pass."""
    changed: tuple[Changed, ...]
    """What is not as at the last pass; empty if it passes, or never passed."""

    @property
    def statuses(self) -> tuple[Status, ...]:
        """Return the status of each execution, the oldest first."""
        return tuple(item.status for item in self.past)


def story(check: str, newest_first: Sequence[Known]) -> Story:
    """Return the story that `Ledger.history(check)` tells."""
    raise NotImplementedError
