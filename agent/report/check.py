"""All that is known of one check, gathered in one place: gates, result, past, what its type proves."""

from __future__ import annotations

from datetime import datetime

from agent.board import Board, Row
from agent.explanation import NoExplanation, explanation
from agent.ledger import Known, Ledger
from agent.plan import Plan, PlannedCheck
from agent.report.picture import Picture
from agent.running import stand
from agent.selection import NothingSelected
from agent.story import Story, story
from agent.verdict import Standing
from checks.dataclass import dataclass
from checks.docs import TypeDoc
from checks.words import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPicture:
    """One check at `picture.now`."""

    planned: PlannedCheck
    picture: Picture
    rows: tuple[Row, ...]
    """How it stands in each gate that looks at it; one row if none does."""
    known: Known | None
    """The result that counts; None if it was never run."""
    result: Result | None
    """The whole of it."""
    story: Story
    doc: TypeDoc | None
    undocumented: str = ""
    """Why there is no explanation; raw text."""


def look_at(plan: Plan, ledger: Ledger, check: str, *, now: datetime) -> CheckPicture:
    """Return what is known of the check `check`. Raises NothingSelected and LedgerError."""
    planned = plan.by_id.get(check)
    if planned is None:
        raise NothingSelected(_no_check(plan, check))
    picture = stand(plan, ledger, now=now)
    board = Board()
    rows = [
        row for verdict in picture.verdicts for row in board.rows(picture, verdict) if row.id == check
    ] or [row for row in board.everything(picture) if row.id == check]
    told = picture.results.get(check)
    known = told if isinstance(told, Known) else None
    doc, why = None, ""
    try:
        doc = explanation(planned.type)
    except NoExplanation as error:
        why = str(error)
    return CheckPicture(
        planned=planned,
        picture=picture,
        rows=tuple(rows),
        known=known,
        result=ledger.result(known.seq) if known is not None else None,
        story=story(check, ledger.history(check), counts=known.seq if known is not None else None),
        doc=doc,
        undocumented=why,
    )


def _no_check(plan: Plan, name: str) -> str:
    import difflib

    left_out = next((item.reason for item in plan.left_out if item.check == name), None)
    if left_out is not None:
        return f"The check {name!r} is left out: {left_out}"
    near = difflib.get_close_matches(name, plan.by_id, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(list(plan.by_id)[:12])}."
    return f"The project has no check {name[:80]!r}. {hint}"


def worst_standing(told: CheckPicture) -> Standing:
    """Return how it stands in the gate where it stands worst; what is waived there counts as a pass."""
    found = [
        Standing.PASS if row.waiver is not None else _as_the_gate_says(row)
        for row in told.rows
    ]  # fmt: skip
    order = (Standing.FAIL, Standing.INCONCLUSIVE, Standing.BLOCKED, Standing.STALE, Standing.NOT_RUN)
    return next((standing for standing in order if standing in found), Standing.PASS)


def _as_the_gate_says(row: Row) -> Standing:
    if row.standing is Standing.WARN:
        return Standing.PASS if row.meets else Standing.FAIL
    return row.standing
