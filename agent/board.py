"""What a reader of the verdicts looks at, row by row: the gate's checks, worst first, each with its cause.

Pure, and the same for the dashboard and for what `gonogo status` prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from operator import attrgetter

from agent.accepted import GO, decided, last_words
from agent.plan import Milestone, Party, Plan, PlannedCheck
from agent.records import Decision, Waiver
from agent.report.picture import Picture, Told
from agent.verdict import GOES, CheckStanding, MilestoneVerdict, Standing
from checks.dataclass import dataclass
from checks.words import Finding, Status, rank

WORST_FIRST = (
    Standing.FAIL, Standing.INCONCLUSIVE, Standing.STALE, Standing.NOT_RUN, Standing.BLOCKED, Standing.WARN,
    Standing.PASS,
)  # fmt: skip
"""The order in which a person wants to read: broken, not proven, then what waits for these."""
_BADNESS = {standing: place for place, standing in enumerate(WORST_FIRST)}
_NOT_COUNTED = (Standing.NOT_RUN, Standing.STALE)
_BY_A_PERSON = "manual"
_MOST_SEARCHED = 2000
_THIS_LAPTOP = "vantage"
"""What the engine names as the cause of checks that are blocked because this laptop has no link."""


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
        waived: bool = False,
        gate: str = "",
    ) -> None:
        self.planned = planned
        self.told = told
        """The result that the standing is about; None if there is none."""
        self.owner = owner
        """Whom to call."""
        self.gate = gate
        """Id of the milestone whose gate says so; empty for a check that no gate looks at."""
        self.judged = standing
        """What the gate says of it."""
        self.required = standing.required
        self.standing = standing.standing
        self.reason = standing.reason
        """Why no status counts (stale, not run), as the gate says it."""
        self.waiver: Waiver | None = standing.waiver
        self.meets = meets
        """Whether the gate is content with it as it stands, waivers included; advisory checks always meet."""
        self.waived = waived
        """Whether it is only a waiver that keeps it from being in the way."""
        self.order: tuple[int, ...] = ()
        """Where a `Board` puts it: the worst first, then in the plan's order."""

    @property
    def id(self) -> str:
        """Return the check's id."""
        return self.planned.id

    @property
    def attestable(self) -> bool:
        """Return whether a person's statement is what it waits for."""
        return self.planned.type == _BY_A_PERSON

    @cached_property
    def worst(self) -> Finding | None:
        """Return the finding that made the status; None without a result or without findings."""
        if self.told is None:
            return None
        return min(self.told.findings, key=lambda finding: rank(finding.status), default=None)

    @property
    def expected(self) -> str:
        """Return what was expected; raw text. Nothing where no result counts: the claim may have changed."""
        return self.worst.expected if self.worst is not None and self.standing not in _NOT_COUNTED else ""

    @property
    def observed(self) -> str:
        """Return what was seen, or why nothing counts; raw text."""
        if self.standing in _NOT_COUNTED:
            return self.reason
        if self.standing is Standing.BLOCKED and self.told is not None and self.told.blocked_by:
            cause = self.told.blocked_by
            return "this laptop has no link" if cause == _THIS_LAPTOP else f"waits for {cause}"
        if self.worst is None:
            return self.reason or "it ended without a finding"
        return self.worst.observed or self.worst.message

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Return what a person searches in: id, target, title and what was observed, in lower case."""
        texts = (self.planned.id, self.planned.target, self.planned.title, self.observed)
        return tuple(text[:_MOST_SEARCHED].casefold() for text in texts)

    @property
    def fix(self) -> str:
        """Return what to do about it, if a finding that counts says so; raw text."""
        return self.worst.fix if self.worst is not None and self.standing not in _NOT_COUNTED else ""

    @property
    def finished(self) -> datetime | None:
        """Return when it was last seen."""
        return getattr(self.told, "finished", None)

    @property
    def seen_from(self) -> str:
        """Return the name of the vantage that the result was seen from; raw text."""
        return str(getattr(self.told, "vantage_name", ""))

    def __repr__(self) -> str:
        return f"<Row {self.id} {self.standing}>"


class Board:
    """Makes the rows of one picture after another; a row that did not change is the same object again."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Row]] = {}
        """By gate and check; the gate of those that none looks at has no name."""
        self._plan: Plan | None = None
        self._place: dict[str, int] = {}
        self._parties: dict[str | None, Party] = {}

    def rows(self, picture: Picture, verdict: MilestoneVerdict, *, everything: bool = True) -> list[Row]:
        """Return the rows of one milestone's gate, worst first, in the plan's order where equally bad.

        Without `everything` only what is in the way, and what would be but for a waiver.
        """
        self._learn(picture.plan)
        return sorted(self._of(picture, verdict, everything=everything), key=_ORDER)

    def everything(self, picture: Picture, gate: Callable[[str], bool] = lambda _: True) -> list[Row]:
        """Return one row for each check, as it stands in that gate of those wanted where it stands worst.

        A check that no gate looks at is told by its result; it is in nobody's way.
        """
        self._learn(picture.plan)
        found: dict[str, Row] = {}
        for verdict in picture.verdicts:
            if gate(verdict.milestone.id):
                for row in self._of(picture, verdict):
                    other = found.get(row.planned.id)
                    if other is None or row.order < other.order:
                        found[row.planned.id] = row
        looked_at = {item.check for verdict in picture.verdicts for item in verdict.standings}
        for planned in picture.plan.checks:
            if planned.id not in looked_at and gate(planned.milestone):
                told = picture.results.get(planned.id)
                kept = self._rows.setdefault("", {})
                found[planned.id] = self._row(kept, planned, _outside(planned, told), told, meets=True)
        return sorted(found.values(), key=_ORDER)

    def _of(self, picture: Picture, verdict: MilestoneVerdict, *, everything: bool = True) -> Iterator[Row]:
        checks, results = picture.plan.by_id, picture.results
        warnings, gate = verdict.milestone.gate.warnings, verdict.milestone.id
        kept = self._rows.setdefault(gate, {})
        for item in verdict.standings:
            content = _content(item, warnings=warnings)
            waived = not content and item.waiver is not None
            if content and not everything:
                continue
            told, row = results.get(item.check), kept.get(item.check)
            if row is not None and row.judged is item and row.told is told:
                yield row
            elif (planned := checks.get(item.check)) is not None:
                yield self._row(kept, planned, item, told, meets=content or waived, waived=waived, gate=gate)

    def _row(
        self, kept: dict[str, Row], planned: PlannedCheck, item: CheckStanding, told: Told | None, *,
        meets: bool, waived: bool = False, gate: str = "",
    ) -> Row:  # fmt: skip
        row = kept.get(planned.id)
        if row is None or row.meets is not meets or not _same(row, item, told):
            owner = self._parties.get(planned.owner)
            row = Row(planned, item, told, owner=owner, meets=meets, waived=waived, gate=gate)
            kept[planned.id] = row
            row.order = (*badness(row), self._place[planned.id])
        return row

    def _learn(self, plan: Plan) -> None:
        if plan is not self._plan:
            self._plan = plan
            self._rows.clear()
            self._place = {check.id: number for number, check in enumerate(plan.checks)}
            self._parties = {party.id: party for party in plan.parties}


_ORDER = attrgetter("order")


def _same(row: Row, item: CheckStanding, told: Told | None) -> bool:
    """Return whether the row says it already."""
    before = row.judged
    if item is not before and (
        item.standing is not before.standing
        or item.required is not before.required
        or item.reason != before.reason
        or item.waiver != before.waiver
        or item.uncovered != before.uncovered
    ):
        return False
    return told is row.told or (told == row.told and getattr(told, "seq", None) is not None)


def _outside(planned: PlannedCheck, told: Told | None) -> CheckStanding:
    """Return how a check stands that no gate looks at."""
    standing, reason = Standing.NOT_RUN, "not run, and no gate looks at it"
    if told is not None and getattr(told, "digest", planned.digest) != planned.digest:
        standing, reason = Standing.STALE, "its definition has changed since it ran"
    elif told is not None:
        standing, reason = Standing(told.status.value), ""
    return CheckStanding(check=planned.id, required=False, standing=standing, reason=reason)


def rows(picture: Picture, verdict: MilestoneVerdict) -> list[Row]:
    """Return the rows of one milestone's gate, worst first, in the plan's order where equally bad."""
    return Board().rows(picture, verdict)


def badness(row: Row) -> tuple[bool, bool, int, bool]:
    """Return the sort key of a row: what stands in the way, then what is waived, then the worst first."""
    return row.meets, not row.waived, _BADNESS[row.standing], not row.required


def blocking(found: Iterable[Row]) -> list[Row]:
    """Return the rows that keep the gate from GO."""
    return [row for row in found if not row.meets]


def _content(item: CheckStanding, *, warnings: bool) -> bool:
    """Return whether the gate is content with a check as it stands, without any waiver."""
    if not item.required or item.standing is Standing.PASS:
        return True
    return item.standing is Standing.WARN and warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A gate in numbers. Each required check counts once: by its standing, or as waived."""

    counts: Mapping[Standing, int]
    """Of the required checks without a waiver in force; every standing is there."""
    waived: int
    advisory: Mapping[Standing, int]
    """Of the advisory checks that do not pass, which are in nobody's way."""
    blocking: Mapping[Standing, int]
    """Of what keeps the gate from GO, the worst first."""

    @property
    def required(self) -> int:
        """Return how many checks the gate requires."""
        return sum(self.counts.values()) + self.waived


def tally(verdict: MilestoneVerdict) -> Tally:
    """Count the checks of a gate, without making rows."""
    warnings = verdict.milestone.gate.warnings
    counts = dict.fromkeys(WORST_FIRST, 0)
    advisory = dict.fromkeys(WORST_FIRST, 0)
    waived = 0
    for item in verdict.standings:
        standing = item.standing
        if not item.required:
            advisory[standing] += 1
        elif item.waiver is None or _content(item, warnings=warnings):
            counts[standing] += 1
        else:
            waived += 1
    good = (Standing.PASS, Standing.WARN) if warnings else (Standing.PASS,)
    return Tally(
        counts=counts,
        waived=waived,
        advisory={kind: n for kind, n in advisory.items() if n and kind is not Standing.PASS},
        blocking={kind: n for kind, n in counts.items() if n and kind not in good},
    )


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
    """Return the milestone that matters now: the first that nobody is done with, else the last.

    Raises ValueError for a plan without milestones, which the loader refuses.
    """
    if not verdicts:
        raise ValueError("A plan has at least one milestone.")
    signed = last_words(decisions, now)
    ordered = sorted(verdicts, key=lambda item: _due(item.milestone))
    return next((item for item in ordered if not done(item, signed, now)), ordered[-1])


def done(item: MilestoneVerdict, signed: Mapping[str, Decision], now: datetime) -> bool:
    """Return whether nobody has to think of it any more: signed as a GO, or GO with its time past.

    Who signed NO-GO is still at it. `signed` is what `agent.accepted.last_words` returns.
    """
    said, due = signed.get(item.milestone.id), item.milestone.due
    if said is not None and decided(said) == GO:
        return True
    return item.verdict in GOES and due is not None and due < now


def holds(item: MilestoneVerdict, now: datetime) -> bool:
    """Return whether a verdict judged earlier can still be said at `now`: a GO ends by itself."""
    return item.verdict not in GOES or item.until is None or now <= item.until


def _due(milestone: Milestone) -> tuple[bool, float]:
    return milestone.due is None, milestone.due.timestamp() if milestone.due is not None else 0.0


def timeline(milestones: Iterable[Milestone]) -> list[Milestone]:
    """Return the milestones in the order of their due times; undated ones last, in the plan's order."""
    return sorted(milestones, key=_due)


STATUS_OF = {Standing(status.value): status for status in Status}
