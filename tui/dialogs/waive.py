"""A waiver: an accepted risk, in writing, by two people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.content import Content

from agent.board import Row
from agent.decide import RISKS, Refused, draft_waiver, expiry, with_waiver
from agent.plan import Plan
from agent.records import Waiver
from agent.report.text import when
from agent.verdict import MilestoneVerdict
from agent.watch import View
from checks.words import span
from tui.dialogs.fields import Field, line, pick
from tui.dialogs.form import Form
from tui.dialogs.gates import becomes, row_of, stands
from tui.dialogs.subject import GENERAL, Before
from tui.text import joined, shown, sign


class WaiveDialog(Form[Waiver]):
    """Asks for a waiver of one check."""

    name_of_page = "waive"
    save_word = "Save waiver"
    weightless = ("reason", "ticket")

    def __init__(self, check: str) -> None:
        super().__init__()
        self.check = check
        self._found: tuple[View, Row | None] | None = None

    def fields(self) -> Sequence[Field]:
        local = self.store.plan.project.timezone
        return (
            line("reason", "Reason", most=500),
            pick("risk", "Risk", [(risk, risk) for risk in RISKS], hint="that is accepted"),
            line("ticket", "Ticket", most=60, hint="or empty"),
            line("expires", "Expires", most=40, hint=f"like 2026-12-06 06:00, in {local}"),
            line("author", "Author", most=80, hint="who accepts the risk"),
            line("approver", "Approver", most=80, hint="another person, who agrees"),
        )

    def _gates(self, view: View) -> list[MilestoneVerdict]:
        return [
            item
            for item in view.picture.verdicts
            if any(need.check == self.check for need in item.milestone.gate.needs)
        ]

    def _row(self, view: View) -> Row | None:
        if self._found is None or self._found[0] is not view:
            self._found = view, row_of(view, self.check)
        return self._found[1]

    def heading(self, view: View) -> Content:
        row = self._row(view)
        if row is None:
            return joined(("Waive  ", "title"), (self.check[:200], "bold"))
        return joined(
            ("Waive  ", "title"), (row.id[:200], "bold"), "  ", (sign(row.standing), row.standing.value),
            "  ", row.planned.target[:200],
        )  # fmt: skip

    def about(self, view: View) -> Content:
        row = self._row(view)
        if row is None:
            return joined(("No gate of this project asks for this check.", "warn"))
        parts: list[Content | tuple[str, str] | str] = []
        if row.expected:
            parts += [("Expected ", "dim"), shown(row.expected, limit=160), "  "]
        parts += [("observed ", "dim"), shown(row.observed or "nothing", limit=160)]
        parts += ["\n", ("A waiver does not change the result. It is printed in the report.", "bold")]
        if row.waiver is not None:
            until = when(row.waiver.expires, view.picture.plan.project.timezone)
            parts += ["\n", (f"Waived until {until} by {row.waiver.approver[:80]} already.", "waived")]
        return joined(*parts)

    def before(self, view: View) -> Before:
        row = self._row(view)
        gates = self._gates(view)
        verdicts = ", ".join(f"{item.milestone.id} {item.verdict.value}" for item in gates)
        word = f"{row.standing.value if row is not None else 'unknown'} ({verdicts or 'no gate'})"
        return Before(word, (row.finished, row.planned.digest, row.waiver) if row is not None else ())

    def problems(self, view: View) -> dict[str, str]:
        if not self._gates(view):
            return {GENERAL: f"No gate of this project asks for a check called {self.check[:200]}."}
        return {}

    def draft(self, view: View, confirmation: str) -> Waiver:
        if self._row(view) is None:
            raise Refused(self.problems(view))
        return draft_waiver(
            view, self.check,
            reason=self.value("reason"), risk=self.value("risk"), author=self.value("author"),
            approver=self.value("approver"), expires=self.value("expires"), ticket=self.value("ticket"),
        )  # fmt: skip

    def preview(self, view: View, record: Waiver | None) -> Content:
        concerned = [item.milestone.id for item in self._gates(view)]
        if record is None:
            return stands(view, concerned, "the fields above are filled in")
        return becomes(view, with_waiver(view, record), concerned)

    def explain(self, view: View) -> None:
        plan = view.picture.plan
        project = plan.project
        ends = _moment(self.value("expires"), plan)
        if ends is None:
            said = joined((f"like 2026-12-06 06:00, in {project.timezone}", "dim"))
        else:
            away = (ends - view.picture.now).total_seconds()
            far = f"in {span(away)}" if away >= 0 else f"{span(-away)} ago"
            said = joined((f"{when(ends, project.timezone)}, {far}", "bold"))
        self.field("expires").hint(said)

    def said(self, record: Waiver) -> str:
        until = when(record.expires, self.store.plan.project.timezone)
        return f"The waiver of {record.check} is stored. It ends {until}."


def _moment(text: str, plan: Plan) -> datetime | None:
    try:
        return expiry(text, plan)
    except ValueError:
        return None
