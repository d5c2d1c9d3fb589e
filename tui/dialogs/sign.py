"""The sign-off of a milestone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from agent.board import Board, Row, last_word, other_reasons
from agent.decide import Refused, draft_decision, with_decision
from agent.ledger.errors import LedgerError
from agent.records import Decision
from agent.report.text import when
from agent.verdict import GOES, MilestoneVerdict, Standing
from agent.watch import View
from checks.dataclass import dataclass
from tui.dialogs.fields import Field, line, pick
from tui.dialogs.form import Form
from tui.dialogs.gates import becomes, counted, stands
from tui.dialogs.reading import Reading
from tui.dialogs.subject import GENERAL, Before
from tui.text import joined, shown

_TRIES = 5
"""How often the ledger is looked at again when results arrive while it is looked at."""


@dataclass(frozen=True, slots=True)
class _Gist:
    """What is not pass in a gate: the rows, reasons that are about no check, and both counted in words."""

    view: View
    rows: tuple[Row, ...]
    others: tuple[str, ...]
    words: str


class Tick(Static, can_focus=True):
    """`[x] I have read ...`: enter opens the list; ticked only by coming back from it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "open", "Open the list", show=False, id="tick.open", tooltip="Open the list"),
    ]

    class Opened(Message):
        """The list is asked for."""

    def action_open(self) -> None:
        """Ask for the list."""
        self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.action_open()


class SignDialog(Form[Decision]):
    """Asks for the decision on one milestone."""

    CSS_PATH = ["form.tcss", "sign.tcss"]  # noqa: RUF012 - declared so by Textual
    name_of_page = "sign off"
    save_word = "Sign"
    weightless = ("note",)

    def __init__(self, milestone: str) -> None:
        super().__init__()
        self.milestone = milestone
        self._head = ""
        self._read = False
        """All that is not pass was read, as it stands now."""
        self._board = Board()
        self._gist: _Gist | None = None

    def parts(self) -> Iterable[Widget]:
        yield Tick(id="read-all")

    def fields(self) -> Sequence[Field]:
        return (
            pick("decided", "Decision", [("GO", "GO"), ("NO-GO", "NO-GO")]),
            line("by", "By", most=80, hint="who decides"),
            line("second", "Second", most=80, hint="needed for a GO against the rules"),
            line("note", "Note", most=500),
        )

    def on_mount(self) -> None:
        self.run_worker(self._first_head(), name="head")

    async def _first_head(self) -> None:
        try:
            self._head = await self.store.head()
        except LedgerError as error:
            self._error = str(error)
        if self._view is not None:
            self.query_one("#about", Static).update(self.about(self._view))
            self._write()

    def _item(self, view: View) -> MilestoneVerdict | None:
        found = (item for item in view.picture.verdicts if item.milestone.id == self.milestone)
        return next(found, None)

    def _open(self, view: View) -> _Gist:
        """Return what is not pass in `view`."""
        if self._gist is None or self._gist.view is not view:
            item = self._item(view)
            if item is None:
                self._gist = _Gist(view, (), (), "")
            else:
                found = [
                    row for row in self._board.rows(view.picture, item) if row.standing is not Standing.PASS
                ]
                others = other_reasons(view.picture, item)
                words = counted(found) or f"{len(others)} reasons"
                self._gist = _Gist(view, tuple(found), tuple(others), words)
        return self._gist

    def heading(self, view: View) -> Content:
        item = self._item(view)
        title = item.milestone.title[:200] if item is not None else ""
        return joined(("Sign off  ", "title"), (self.milestone[:200], "bold"), f"  {title}")

    def about(self, view: View) -> Content:
        item = self._item(view)
        if item is None:
            return joined(("The project has no such milestone now.", "warn"))
        word, look = item.verdict.value, item.verdict.value
        if view.problems:
            word, look = "CANNOT TELL", "INCOMPLETE"
        found = item.standings
        waived = sum(1 for standing in found if standing.waiver is not None)
        parts: list[Content | tuple[str, str] | str] = [
            "Verdict by the rules  ", (f" {word} ", look),
            f"  {counted(found)}{f', {waived} of these waived' if waived else ''}",
        ]  # fmt: skip
        for reason in self._open(view).others[:1]:
            parts += ["\n", shown(reason, "warn", limit=200)]
        run = view.picture.run
        number, _, digest = self._head.partition(":")
        parts += ["\n", ("Evidence  ", "dim"), f"run {run.id[:40]}" if run is not None else "no run"]
        parts.append(
            f", ledger up to entry {number} ({digest[:12]}...)" if digest else ", ledger not read yet"
        )
        if view.runs:
            parts += ["\n", ("A run goes on now: what it finds may change the verdict.", "warn")]
        said = last_word(view.decisions, self.milestone)
        if said is not None:
            at = when(said.at, view.picture.plan.project.timezone)
            word = (said.decided or said.verdict)[:20]
            parts += ["\n", (f"Signed before: {word} by {said.by[:80]}, {at}.", "warn")]
        return joined(*parts)

    def before(self, view: View) -> Before:
        item = self._item(view)
        if item is None:
            return Before("unknown", ())
        gist = self._open(view)
        standing = tuple((one.check, one.required, one.standing, one.waiver) for one in item.standings)
        unread = tuple((row.id, row.finished, row.planned.digest) for row in gist.rows)
        return Before(
            item.verdict.value, (standing, unread, gist.others, last_word(view.decisions, self.milestone))
        )

    def looked_away(self) -> None:
        self._read = False

    @property
    def _must_read(self) -> bool:
        view = self._view
        return view is not None and bool(self._open(view).rows or self._open(view).others)

    def explain(self, view: View) -> None:
        if self._item(view) is None:
            text = Content("")
        elif self._must_read:
            text = joined(
                f"[{'x' if self._read else ' '}] I have read what is not pass: {self._open(view).words}",
                ("" if self._read else "  (enter opens the list)", "dim"),
            )
        else:
            text = joined(("Every check of this gate passes: there is nothing else to read.", "dim"))
        self.query_one("#read-all", Static).update(text)
        goes = (item := self._item(view)) is not None and item.verdict in GOES
        if self.value("decided") == "GO" and not goes:
            self.field("decided").hint(
                joined((" GO AGAINST THE RULES ", "fail"), (" note and second needed", "warn"))
            )
        else:
            self.field("decided").hint(Content(""))

    def on_tick_opened(self) -> None:
        view = self._view
        if view is None or not self._must_read:
            return
        gist, seen = self._open(view), self._seen
        title = f"Not pass in {self.milestone[:100]}: {gist.words}"

        def answered(read: bool | None) -> None:  # noqa: FBT001 - as Textual calls it
            self._read = bool(read) and self._seen == seen
            self._write()

        self.app.push_screen(Reading(title, gist.rows, gist.others), answered)

    def problems(self, view: View) -> dict[str, str]:
        if self._item(view) is None:
            return {GENERAL: f"The project has no milestone called {self.milestone[:200]}."}
        if self._must_read and not self._read:
            return {"unread": "Read what is not pass first: enter on that line opens the list."}
        return {}

    def draft(self, view: View, confirmation: str) -> Decision:
        if self._item(view) is None:
            raise Refused(self.problems(view))
        return draft_decision(
            view, self.milestone,
            decided=self.value("decided"), by=self.value("by"), confirmation=confirmation,
            second=self.value("second"), note=self.value("note"), head=self._head,
        )  # fmt: skip

    def preview(self, view: View, record: Decision | None) -> Content:
        if record is None:
            return stands(view, (), "the fields above are filled in")
        told = becomes(view, with_decision(view, record), ())
        return told if told.plain else joined("With it no verdict changes; it is kept as it was signed.")

    async def newest(self) -> View:
        """Return the view that goes with the ledger's head, which the decision names."""
        for _ in range(_TRIES):
            head = await self.store.head()
            self.store.refresh(lambda _: None)
            view = self.now_of(self.store.view)
            if await self.store.head() == head:
                self._head = head
                return view
        raise Refused({GENERAL: "Results arrive all the time: wait until the run has ended, then sign."})

    def said(self, record: Decision) -> str:
        word, rules = record.decided, record.verdict
        return f"{word} for {record.milestone} is signed by {record.by}; the rules say {rules}."
