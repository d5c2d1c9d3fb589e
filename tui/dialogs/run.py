"""Which run to start: a milestone with what its checks depend on, what the list shows, or everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from agent.board import current
from agent.ledger.errors import LedgerError
from agent.plan import Plan
from agent.records import RunRecord
from agent.selection import NothingSelected, select
from checks.dataclass import dataclass
from checks.words import span
from tui.dialogs.ask import Ask
from tui.store import ReadOnly
from tui.text import joined
from tui.widgets.listing import Cell, Column, Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One run that can be started."""

    name: str
    text: str
    milestone: str = ""
    only: tuple[str, ...] = ()
    checks: tuple[str, ...]
    """What it would run."""


class RunDialog(Ask[None]):
    """Starts a run in a process of its own and shows it.

    The cursor begins on the milestone and not on cancelling: a run takes nothing back and nothing away, it
    can be stopped, and starting it is what this dialog was opened for. It takes minutes and sends traffic,
    so one key alone does not start it: r opens the dialog, enter starts.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "Start", id="run.start", tooltip="Start the run under the cursor"),
    ]
    name_of_page = "run"
    help_text = "Starts a run. It is a process of its own: closing the dashboard leaves it running."

    def __init__(self, checks: Sequence[str], milestone: str) -> None:
        super().__init__()
        self._checks = tuple(checks)
        self._milestone = milestone
        self._plan: Plan | None = None
        self._past: list[RunRecord] = []
        self._error = ""

    def body(self) -> Iterable[Widget]:
        yield Listing[Choice](
            [Column("RUN"), Column("CHECKS", 8, right=True), Column("LAST TOOK", 14, right=True)],
            key=lambda choice: choice.name, paint=self._paint, id="answers",
        )  # fmt: skip
        yield Static(id="said")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#answers", Listing).focus()
        self.run_worker(self._read_past(), name="past")

    async def _read_past(self) -> None:
        try:
            self._past = await self.store.runs()
        except LedgerError as error:
            self._error = str(error)
        self.query_one("#answers", Listing).repaint()
        self.look()

    def look(self) -> None:
        """Show the choices of the plan as it is now, and the runs that go on."""
        answers = self.query_one("#answers", Listing)
        if self.store.plan is not self._plan:
            self._plan = self.store.plan
            made = self._choices(self._plan)
            answers.styles.height = len(made) + 1
            answers.put(made)
        said: list[tuple[str, str]] = [("\nIt sends traffic and may take minutes; it can be stopped.", "dim")]
        for run in self.store.view.runs:
            left = max(0, len(run.selected) - run.finished)
            said.append(
                (f"\nRun {run.id} goes on already, {left} of {len(run.selected)} checks to go.", "warn")
            )
        if self.store.read_only:
            said.append((f"\n{ReadOnly()}", "inconclusive"))
        if self._error:
            said.append((f"\n{self._error}", "inconclusive"))
        self.query_one("#said", Static).update(joined(*said))

    def _choices(self, plan: Plan) -> list[Choice]:
        view = self.store.view
        named = plan.milestone(self._milestone)
        if named is None:
            named = current(view.picture.verdicts, view.decisions, view.picture.now).milestone
        made = [
            Choice(
                name="milestone", text=f"{named.id} and what it depends on: {named.title}",
                milestone=named.id, checks=_of(plan, [named.id]),
            )
        ]  # fmt: skip
        listed = tuple(name for name in self._checks if name in plan.by_id)
        if listed:
            what = "The check that is shown" if len(listed) == 1 else "The checks that are listed"
            made.append(Choice(name="listed", text=what, only=listed, checks=listed))
        made.append(Choice(name="all", text="Everything", checks=_of(plan, ())))
        return [choice for choice in made if choice.checks]

    def _paint(self, choice: Choice) -> list[Cell]:
        return [(choice.text, ""), (str(len(choice.checks)), ""), (self._lasted(choice), "dim")]

    def _lasted(self, choice: Choice) -> str:
        wanted = set(choice.checks)
        for run in self._past:
            if run.outcome == "finished" and run.finished is not None and set(run.selected) == wanted:
                return span(max(0.0, (run.finished - run.started).total_seconds()))
        return "-"

    def on_listing_chosen(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Start the run under the cursor, and show it."""
        choice: Choice | None = self.query_one("#answers", Listing).chosen
        if choice is None:
            return
        milestones = [choice.milestone] if choice.milestone else []
        before = frozenset(run.id for run in self.store.view.runs)
        try:
            self.store.start_run(milestones=milestones, only=choice.only)
        except (ReadOnly, OSError) as error:
            self._error = f"The run cannot be started: {error}"
            self.look()
            return
        self._show_it(before)

    def _show_it(self, before: frozenset[str]) -> None:
        """Leave, and show the run: on the page that is there already, or on a new one."""
        from tui.screens.live import LivePage

        app = self.dashboard
        page = next((screen for screen in app.screen_stack if isinstance(screen, LivePage)), None)
        self.dismiss(None)
        if page is not None:
            page.expect(before)
            app.action_open_live()
        else:
            app.push_screen(LivePage(expecting=before))


def _of(plan: Plan, milestones: Sequence[str]) -> tuple[str, ...]:
    try:
        return select(plan, milestones).checks
    except NothingSelected:
        return ()
