"""Two sets of results compared: regressions first, then what is no longer proven, then what else moved."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from agent.ledger import Ledger
from agent.plan import Plan
from agent.report.picture import Told
from checks.dataclass import dataclass


class Kind(enum.StrEnum):
    """What became of a check; in the order in which a person reads them."""

    REGRESSION = "regression"
    """It passed (or warned) and now is worse: it fails, or passes no more without a warning."""
    UNPROVEN = "no longer proven"
    """It passed or warned, and now it is inconclusive, blocked or has no result."""
    WORSE = "worse"
    """It was in trouble before, and is in worse trouble now."""
    NEW = "new"
    GONE = "gone"
    """It is no longer planned."""
    BETTER = "better"
    """Less bad, not yet passing."""
    FIXED = "fixed"
    """It did not pass, and passes now."""
    REDEFINED = "redefined"
    """Same status, but of another definition: it is not the same claim."""
    VALUE = "value only"
    """Same status, another value."""
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One check on both sides; `before` and `after` are results, None where there is none."""

    kind: Kind
    check: str
    title: str
    target: str
    before: Told | None
    after: Told | None
    before_text: str
    """What was observed, of the finding that differs; raw text."""
    after_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison."""

    name: str
    """A run's id, a baseline's name with its run, or `now` for the newest results."""
    results: Mapping[str, Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Every check of both sides, sorted by `Kind`, then in the plan's order."""

    before: Side
    after: Side
    changes: tuple[Change, ...]

    @property
    def changed(self) -> tuple[Change, ...]:
        """Return the changes that are some."""
        return tuple(change for change in self.changes if change.kind is not Kind.SAME)


class NoSuchSide(Exception):  # noqa: N818 - said to the person who asked
    """The word names no run and no baseline; the message says what there is."""


def side(ledger: Ledger, word: str) -> Side:
    """Return what `word` names: `now`, `last` (the newest run), a baseline, a run's id or the start of one.

    Raises NoSuchSide, LedgerError.
    """
    raise NotImplementedError


def compare(plan: Plan, before: Side, after: Side) -> Diff:
    """Return what changed from `before` to `after`; pure."""
    raise NotImplementedError
