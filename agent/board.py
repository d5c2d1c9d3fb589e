"""What a reader of the verdicts looks at, row by row: the gate's checks, worst first, each with its cause.

Pure, and the same for the dashboard and for what `gonogo status` prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from agent.plan import Milestone, Party, PlannedCheck
from agent.records import Decision, Waiver
from agent.report.picture import Picture, Told
from agent.verdict import GOES, CheckStanding, MilestoneVerdict, Standing
from checks.words import Finding, Status, rank

WORST_FIRST = (
    Standing.FAIL, Standing.INCONCLUSIVE, Standing.STALE, Standing.NOT_RUN, Standing.BLOCKED, Standing.WARN,
    Standing.PASS,
)  # fmt: skip
"""The order in which a person wants to read: broken, not proven, then what waits for these."""
_BADNESS = {standing: place for place, standing in enumerate(WORST_FIRST)}


class Row:
    """One check in one gate; what has to be decoded is decoded when it is asked for."""

    def __init__(
        self,
        planned: PlannedCheck,
        standing: CheckStanding,
        told: Told | None,
        *,
        owner: Party | None,
        meets: bool,
    ) -> None:
        self.planned = planned
        self.told = told
        """The result that the standing is about; None if there is none."""
        self.owner = owner
        """Whom to call."""
        self.required = standing.required
        self.standing = standing.standing
        self.reason = standing.reason
        """Why no status counts (stale, not run), as the gate says it."""
        self.waiver: Waiver | None = standing.waiver
        self.meets = meets
        """Whether the gate is content with it as it stands, waivers included; advisory checks always meet."""

    @property
    def id(self) -> str:
        """Return the check's id."""
        return self.planned.id

    @cached_property
    def worst(self) -> Finding | None:
        """Return the finding that made the status; None without a result or without findings."""
        if self.told is None:
            return None
        return min(self.told.findings, key=lambda finding: rank(finding.status), default=None)

    @property
    def expected(self) -> str:
        """Return what was expected; raw text."""
        return self.worst.expected if self.worst is not None else ""

    @property
    def observed(self) -> str:
        """Return what was seen, or why nothing counts; raw text."""
        if self.standing in (Standing.NOT_RUN, Standing.STALE):
            return self.reason
        if self.standing is Standing.BLOCKED and self.told is not None:
            return f"waits for {self.told.blocked_by}"
        if self.worst is None:
            return self.reason
        return self.worst.observed or self.worst.message

    @property
    def finished(self) -> datetime | None:
        """Return when it was last seen."""
        return getattr(self.told, "finished", None)

    def __repr__(self) -> str:
        return f"<Row {self.id} {self.standing}>"


def rows(picture: Picture, verdict: MilestoneVerdict) -> list[Row]:
    """Return the rows of one milestone's gate, worst first, in the plan's order where equally bad."""
    plan = picture.plan
    place = {check: number for number, check in enumerate(picture.shown)}
    warnings = verdict.milestone.gate.warnings
    found = []
    for item in verdict.standings:
        planned = plan.by_id.get(item.check)
        if planned is not None:
            told = picture.results.get(item.check)
            found.append(
                Row(
                    planned,
                    item,
                    told,
                    owner=plan.party(planned.owner),
                    meets=_meets(item, warnings=warnings),
                )
            )
    return sorted(found, key=lambda row: (*badness(row), place.get(row.id, 0)))


def badness(row: Row) -> tuple[bool, int, bool]:
    """Return the sort key of a row: what stands in the way first, then the worst, then the required."""
    return row.meets, _BADNESS[row.standing], not row.required


def blocking(found: Iterable[Row]) -> list[Row]:
    """Return the rows that keep the gate from GO."""
    return [row for row in found if not row.meets]


def _meets(item: CheckStanding, *, warnings: bool) -> bool:
    if not item.required or item.waiver is not None or item.standing is Standing.PASS:
        return True
    return item.standing is Standing.WARN and warnings


def other_reasons(picture: Picture, verdict: MilestoneVerdict) -> list[str]:
    """Return the reasons that are about no single check: predecessors, a gate that requires nothing."""
    return [reason for reason in verdict.reasons if reason.partition(":")[0] not in picture.plan.by_id]


def last_word(decisions: Iterable[Decision], milestone: str) -> Decision | None:
    """Return the newest decision on a milestone, if anybody signed."""
    said = [decision for decision in decisions if decision.milestone == milestone]
    return said[-1] if said else None


def current(
    verdicts: Sequence[MilestoneVerdict], decisions: Iterable[Decision], now: datetime
) -> MilestoneVerdict:
    """Return the milestone that matters now: the first that is neither signed nor both GO and past due.

    Raises ValueError for a plan without milestones, which the loader refuses.
    """
    signed = {decision.milestone for decision in decisions}
    for item in sorted(verdicts, key=_due):
        done = item.verdict in GOES and item.milestone.due is not None and item.milestone.due < now
        if item.milestone.id not in signed and not done:
            return item
    if not verdicts:
        raise ValueError("A plan has at least one milestone.")
    return verdicts[-1]


def _due(item: MilestoneVerdict) -> tuple[bool, float]:
    due = item.milestone.due
    return due is None, due.timestamp() if due is not None else 0.0


def timeline(milestones: Iterable[Milestone]) -> list[Milestone]:
    """Return the milestones in the order of their due times; undated ones last, in the plan's order."""
    return sorted(milestones, key=lambda item: (item.due is None, item.due.timestamp() if item.due else 0.0))


STATUS_OF = {Standing(status.value): status for status in Status}
