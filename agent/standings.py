"""Judging again and again: what cannot stand otherwise than a moment ago is not judged again.

How a check stands in a gate follows from its planned definition, its result, the waivers that are in force,
and the time. Here it is remembered with the very objects it was made of and with the span of time in which
no comparison of it turns out otherwise. A test judges at random moments both ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from agent.accepted import CLOCK_TOLERANCE
from agent.plan import Gate, GateNeed, Milestone, Plan
from agent.records import Waiver
from agent.verdict import CheckStanding, Evidence, Stood, stand_one
from checks.dataclass import dataclass

_EDGE = timedelta(milliseconds=1)
_MINUTE_S = 60
_ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_NEVER = (_ALWAYS[1], _ALWAYS[0])
_Span = tuple[datetime, datetime]
"""Valid between the two, neither included."""
_Kept = tuple[Evidence | None, Sequence[Waiver], datetime, datetime, CheckStanding, datetime | None]


@dataclass(slots=True)
class _Gate:
    """What was found for one milestone the last time."""

    milestone: Milestone
    known: Mapping[str, Evidence]
    waived: Mapping[str, Sequence[Waiver]]
    span: _Span
    stood: Stood
    kept: list[_Kept]


class Standings:
    """Give it to `judge_plan` as `stand`. The mappings given must not change afterwards."""

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._gates: dict[str, _Gate] = {}

    def __call__(
        self,
        plan: Plan,
        milestone: Milestone,
        known: Mapping[str, Evidence],
        waived: Mapping[str, Sequence[Waiver]],
        now: datetime,
    ) -> Stood:
        """Do what `stand_all` does."""
        if plan is not self._plan:
            self._plan, self._gates = plan, {}
        gate = self._gates.get(milestone.id)
        if gate is None or gate.milestone is not milestone:
            kept: Sequence[_Kept | None] = [None] * len(milestone.gate.needs)
        elif gate.known is known and gate.waived == waived and gate.span[0] < now < gate.span[1]:
            return gate.stood
        else:
            kept = gate.kept
        gate = _look_over(plan, milestone, known, waived, now, kept)
        self._gates[milestone.id] = gate
        return gate.stood


def _look_over(
    plan: Plan,
    milestone: Milestone,
    known: Mapping[str, Evidence],
    waived: Mapping[str, Sequence[Waiver]],
    now: datetime,
    before: Sequence[_Kept | None],
) -> _Gate:
    found: list[_Kept] = []
    since, until = _ALWAYS
    for need, old in zip(milestone.gate.needs, before, strict=True):
        evidence, waivers = known.get(need.check), waived.get(need.check, ())
        if old is not None and old[0] is evidence and old[1] == waivers and old[2] < now < old[3]:
            kept = old
        else:
            kept = _stand(plan, milestone.gate, need, evidence, waivers, now)
        found.append(kept)
        if kept[2] > since:  # noqa: PLR1730 - thousands of times a second
            since = kept[2]
        if kept[3] < until:  # noqa: PLR1730
            until = kept[3]
    return _Gate(
        milestone, known, waived, (since, until),
        (tuple([kept[4] for kept in found]), tuple([kept[5] for kept in found if kept[5] is not None])),
        found,
    )  # fmt: skip


def _stand(
    plan: Plan,
    gate: Gate,
    need: GateNeed,
    evidence: Evidence | None,
    waivers: Sequence[Waiver],
    now: datetime,
) -> _Kept:
    standing, end = stand_one(plan, gate, need, evidence, waivers, now)
    since, until = _span(gate, evidence, now)
    if not since < now < until:
        since, until = _NEVER
    return evidence, waivers, since, until, standing, end


def _span(gate: Gate, evidence: Evidence | None, now: datetime) -> _Span:
    """Return the span of time around `now` in which a result is neither too new, too old, nor of other age.

    The reason for a result that is too old tells its age to the minute, and below a minute ever anew.
    """
    if evidence is None:
        return _ALWAYS
    try:
        begins = evidence.finished - CLOCK_TOLERANCE
        ends = evidence.finished + timedelta(seconds=gate.max_age_s)
        if now < begins:
            return _ALWAYS[0], min(begins, ends) - _EDGE
        if now < ends:
            return begins + _EDGE, ends - _EDGE
        age = (now - evidence.finished).total_seconds()
        if age < _MINUTE_S:
            return _NEVER
        mark = evidence.finished + timedelta(seconds=_MINUTE_S * (age // _MINUTE_S))
        return max(mark, ends) + _EDGE, mark + timedelta(seconds=_MINUTE_S) - _EDGE
    except OverflowError:
        return _NEVER
