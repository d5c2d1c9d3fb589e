"""Verdicts that cannot be relied on: the plan or the ledger behind them cannot be read as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.plan import Milestone
from agent.verdict import GOES, CheckStanding, MilestoneVerdict, Standing, Verdict

_GOOD = frozenset({Standing.PASS, Standing.WARN})
NOT_NOW = "it passed when this could still be read; whether it counts now cannot be told"


def doubted(verdicts: Sequence[MilestoneVerdict], problems: Sequence[str]) -> tuple[MilestoneVerdict, ...]:
    """Return the verdicts as they may be shown while there are `problems`: no GO, and nothing that passes.

    What was proven wrong stays so; what was good is stale, for it is not known whether it still counts.
    """
    if not problems:
        return tuple(verdicts)
    return tuple(_doubt(item, tuple(problems)) for item in verdicts)


def untold(milestone: Milestone, problems: Sequence[str]) -> MilestoneVerdict:
    """Return the verdict on a milestone that could not be judged at all."""
    standings = tuple(
        CheckStanding(check=need.check, required=need.required, standing=Standing.NOT_RUN, reason="not run")
        for need in milestone.gate.needs
    )
    return MilestoneVerdict(
        milestone=milestone, verdict=Verdict.INCOMPLETE, reasons=tuple(problems), standings=standings
    )


def _doubt(item: MilestoneVerdict, problems: tuple[str, ...]) -> MilestoneVerdict:
    goes = item.verdict in GOES
    return replace(
        item,
        verdict=Verdict.INCOMPLETE if goes else item.verdict,
        reasons=(*problems, *item.reasons),
        standings=tuple(map(_doubt_one, item.standings)),
        until=None,
    )


def _doubt_one(item: CheckStanding) -> CheckStanding:
    if item.standing not in _GOOD:
        return item
    return replace(item, standing=Standing.STALE, reason=NOT_NOW)
