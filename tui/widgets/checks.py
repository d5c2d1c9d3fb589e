"""How checks read in a list: status, check, target, expected against observed, age, whom to call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from agent.board import Row
from agent.plan import Party, Plan
from agent.verdict import Standing
from tui.text import sign
from tui.widgets.cells import cut, harmless, want_got
from tui.widgets.listing import ON, Cell, Column, Listing
from tui.widgets.milestones import local

WAIVED = "W  WAIVED"
_CALL_FROM = 120
"""Cells that the list needs before whom to call has a column of its own."""
_TWO_COLUMNS_FROM = 72
_CLOCK_S = 5
_STATUS, _AGE, _CALL = 16, 5, 30
_LONGEST = {False: (16, 14), True: (20, 20)}
"""Cells of id and target, in the narrow and in the wide layout."""
_SAID = 76
"""Cells that the note gives to each of what was expected and observed: enter shows all of it."""
_ASSERTS = (Standing.PASS, Standing.WARN, Standing.FAIL, Standing.INCONCLUSIVE)


class Checks(Listing[Row]):
    """A list of checks as they stand in their gates."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__([], key=lambda row: row.id, paint=self._cells_of, id=id)
        self._now = datetime.now(UTC)
        self._telling = True
        self._flying: Collection[str] = ()
        self._widest = (0, 0)
        self._plan: Plan | None = None
        self._zone = "UTC"

    def tell(self, plan: Plan, now: datetime, *, telling: bool, flying: Collection[str]) -> None:
        """Say what holds for all rows: the time, the checks in flight, and whether a pass can be told."""
        if plan is not self._plan:
            self._plan, self._zone = plan, plan.project.timezone
            self._widest = (
                max((len(check.id) for check in plan.checks), default=0),
                max((len(check.target) for check in plan.checks), default=0),
            )
        self._now, self._telling, self._flying = now, telling, flying
        self.lay_out(self._columns())

    def on_resize(self) -> None:
        self.lay_out(self._columns())

    @property
    def _two(self) -> bool:
        return self.size.width >= _TWO_COLUMNS_FROM and self.screen.has_class("-wide")

    def _columns(self) -> list[Column]:
        most = _LONGEST[self._two]
        check = max(6, min(self._widest[0], most[0])) + 1
        target = max(7, min(self._widest[1], most[1])) + 1
        columns = [Column("STATUS", _STATUS), Column("CHECK", check), Column("TARGET", target)]
        columns += [Column("WANT"), Column("GOT")] if self._two else [Column("WANT, GOT")]
        columns += [Column("AGE", _AGE, right=True)]
        return [*columns, Column(" CALL", _CALL)] if self.size.width >= _CALL_FROM else columns

    def _cells_of(self, row: Row) -> list[Cell]:
        cells: list[Cell] = [self._status(row), (row.id, ""), (row.planned.target, "")]
        want, got = said(row, self._zone)
        tag = "advisory: " if not row.required and row.standing is not Standing.PASS else ""
        if self._two:
            cells += [(want, "dim"), (tag + got, "")] if want else [(tag + got, ""), ON]
        else:
            cells += [(tag + want_got(want, got, self.room(3) - len(tag)), "")]
        cells += [("runs", "running") if row.id in self._flying else (age(row.finished, self._now), "dim")]
        return [*cells, (f" {called(row.owner)}", "")]

    def _status(self, row: Row) -> Cell:
        """Return sign and word; only what passes and counts looks so, and only what blocks like a failure."""
        if row.waived:
            return WAIVED, "waived"
        word = sign(row.standing)
        if row.standing is Standing.PASS:
            return word, "pass" if self._telling else "dim"
        return word, "dim" if row.meets and row.standing is not Standing.WARN else row.standing.value


def said(row: Row, zone: str) -> tuple[str, str]:
    """Return what was expected (or nothing) and what was seen, or why nothing counts; raw text."""
    got = row.observed
    if row.waived and row.waiver is not None:
        return (
            "",
            f"{row.standing.value} until {local(row.waiver.expires, zone)} by {row.waiver.approver}: {got}",
        )
    return (row.expected if row.standing in _ASSERTS and row.expected != row.observed else ""), got


def age(moment: datetime | None, now: datetime) -> str:
    """Return `12s`, `2m`, `26h`, `3d`; `+2m` of what lies in the future."""
    if moment is None:
        return "-"
    seconds = int((now - moment).total_seconds())
    ahead, seconds = ("+", -seconds) if seconds < -_CLOCK_S else ("", max(0, seconds))
    for size, unit, until in ((1, "s", 100), (60, "m", 100), (3600, "h", 72)):
        if seconds < size * until:
            return f"{ahead}{seconds // size}{unit}"
    return f"{ahead}{min(seconds // 86400, 999)}d"


def called(owner: Party | None) -> str:
    """Return name and phone (or mail) of whom to call; raw text."""
    return "  ".join(part for part in (owner.name, owner.phone or owner.email) if part) if owner else ""


def note(row: Row | None, zone: str, *, full: bool) -> Sequence[tuple[str, str]]:
    """Return what the lines under the list say of the row under the cursor, as parts with looks.

    With `full` they repeat what was expected and observed, for which its column may have been too narrow.
    """
    if row is None:
        return ()
    parts: list[tuple[str, str]] = []
    want, got = said(row, zone)
    if full and want and not row.waived:
        want, got = cut(harmless(want), _SAID), cut(harmless(got), _SAID)
        parts += [("Want ", "dim"), (want, "bold"), (", got ", "dim"), (got, "bold"), ("  ", "")]
    if called(row.owner):
        parts += [("Call ", "dim"), (called(row.owner), "bold"), ("  ", "")]
    if row.waived and row.waiver is not None:
        until = local(row.waiver.expires, zone)
        parts += [("Waived ", "waived"), (f"until {until} by {row.waiver.approver}: {row.waiver.reason}", "")]
    elif row.judged.uncovered:
        parts += [("Its waiver does not cover it: ", "dim"), (row.judged.uncovered, "")]
    elif row.standing is Standing.BLOCKED:
        parts += [(f"It {row.observed}" if row.observed.startswith("waits") else row.observed, "bold")]
        parts += [(": until that is mended it is not tried.", "dim")]
    elif row.fix:
        parts += [("Fix ", "dim"), (row.fix, "")]
    elif row.standing in (Standing.NOT_RUN, Standing.STALE):
        parts += [(f"{row.reason[:1].upper()}{row.reason[1:]}: R runs it. ", "dim"), (row.planned.title, "")]
    else:
        parts += [(row.planned.title, "")]
    return parts
