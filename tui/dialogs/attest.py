"""A person's statement for what cannot be measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Static

from agent.decide import Refused, draft_attestation, statement_of
from agent.watch import View
from checks.safe import safe
from checks.vantage import Attestation
from tui.dialogs.fields import Field, line, pick
from tui.dialogs.form import Form
from tui.dialogs.gates import row_of
from tui.dialogs.subject import Before
from tui.store import ReadOnly
from tui.text import joined, shown, sign


class AttestDialog(Form[Attestation]):
    """Asks for a person's statement on one check, and offers to run it afterwards: only then it counts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "run_it", "Run it now", id="attest.run", show=False, tooltip="Run it: then it counts"),
    ]  # fmt: skip
    name_of_page = "attest"
    save_word = "Save statement"

    def __init__(self, check: str) -> None:
        super().__init__()
        self.check = check
        self._stored = False

    def fields(self) -> Sequence[Field]:
        return (
            pick("holds", "It", [("yes", "holds"), ("no", "does not hold")]),
            line("by", "By", most=80, hint="your name: you state it"),
            line("note", "Note", most=500),
        )

    def _statement(self, view: View) -> str:
        """Return what would be stated; empty where nothing can be."""
        try:
            return statement_of(view.picture.plan, self.check)
        except Refused:
            return ""

    def heading(self, view: View) -> Content:
        row = row_of(view, self.check)
        parts: list[Content | tuple[str, str] | str] = [("Attest  ", "title"), (self.check[:200], "bold")]
        if row is not None:
            parts += ["  ", (sign(row.standing), row.standing.value)]
        return joined(*parts)

    def about(self, view: View) -> Content:
        statement = self._statement(view)
        row = row_of(view, self.check)
        parts: list[Content | tuple[str, str] | str] = [
            ("Statement  ", "dim"), shown(statement, "bold", limit=600) if statement else "none",
        ]  # fmt: skip
        if row is not None and row.worst is not None:
            parts += ["\n", ("Last time  ", "dim"), shown(row.worst.observed, limit=300)]
            if row.worst.fix:
                parts += ["\n", ("To do      ", "dim"), shown(row.worst.fix, limit=300)]
        return joined(*parts)

    def before(self, view: View) -> Before:
        row = row_of(view, self.check)
        if row is None:
            return Before("unknown", ())
        return Before(row.standing.value, (row.planned.digest, row.finished))

    def draft(self, view: View, confirmation: str) -> Attestation:
        holds = {"yes": True, "no": False}.get(self.value("holds"))
        return draft_attestation(
            view.picture.plan, self.check,
            holds=holds, by=self.value("by"), note=self.value("note"), now=view.picture.now,
        )  # fmt: skip

    def preview(self, view: View, record: Attestation | None) -> Content:
        return joined(
            "It is kept with name and time. ",
            ("No gate changes by it: it counts from the next run of this check on.", "bold"),
        )

    def said(self, record: Attestation) -> str:
        word = "holds" if record.holds else "does not hold"
        return f"Written down: {record.by} says that it {word}."

    # After it was stored

    def finish(self, record: Attestation) -> None:
        self._stored = True
        self.query_one("#fields").disabled = True
        self.query_one("#save").display = False
        cancel = self.query_one("#cancel", Button)
        cancel.label = shown("Close  esc")
        cancel.focus()
        self._busy = False
        self._put("changed", Content(""))
        self._put(
            "preview",
            joined((self.said(record), "bold"), " It counts from the next run of this check on."),
        )
        self._put("state", joined(("R", "bold"), " runs this check now; ", ("esc", "bold"), " closes."))

    def _poll(self) -> None:
        if self._stored:
            self._tick()
        else:
            super()._poll()

    def action_save(self) -> None:
        if not self._stored:
            super().action_save()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the run once there is something to count."""
        return self._stored if action == "run_it" else True

    def action_run_it(self) -> None:
        """Run the check, so that the statement counts, and close."""
        if self._over:
            return
        try:
            self.store.start_run(only=(self.check,))
        except (OSError, ReadOnly) as error:
            said = joined(("The run did not start. ", "fail"), (str(error)[:400], "warn"))
            self.query_one("#state", Static).update(said)
            return
        self.app.notify(safe(f"{self.check} is run now.", limit=300), markup=False)
        self.leave()
