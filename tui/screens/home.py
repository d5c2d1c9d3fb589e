"""Home: the milestones on a timeline, and what blocks the selected one, worst first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from agent.board import Board, current
from agent.watch import View
from tui.filter import Filter, parse
from tui.page import Page
from tui.screens.rerun import Rerun
from tui.widgets import heading
from tui.widgets.checks import Checks, note
from tui.widgets.detail import DetailPane
from tui.widgets.filter_bar import FilterBar, FilterInput
from tui.widgets.milestones import Line, Timeline, lines
from tui.widgets.status_line import StatusLine
from tui.widgets.words import Words


class Home(Page):
    """See the module's docstring."""

    name_of_page = "milestones"
    help_text = (
        "The milestones in the order of their due times, and what blocks the selected one, worst first."
    )
    AUTO_FOCUS = "#checks"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run", "Run", id="home.run", tooltip="Run this milestone, or what the filter shows"),
        Binding("enter", "why", "Why", id="home.why", tooltip="The evidence of the check under the cursor"),
        Binding(
            "slash", "filter", "Filter", id="home.filter", tooltip="Search all checks of the project",
            priority=True,  # at once: what is typed right after it is the filter and no keys
        ),
        Binding("n", "problem(1)", "Next", id="home.next", tooltip="Next problem, in all milestones"),
        Binding("w", "waive", "Waive", id="home.waive", tooltip="Accept the risk of this check in writing"),
        Binding("s", "sign", "Sign off", id="home.sign", tooltip="Sign the selected milestone off"),
        Binding("a", "everything", "All", id="home.all", show=False, tooltip="All checks, or what blocks"),
        Binding("N", "problem(-1)", "Previous", id="home.previous", show=False, tooltip="Previous problem"),
        Binding("R", "rerun", "Re-run", id="home.rerun", show=False, tooltip="Run this check again, at once"),
        Binding("t", "attest", "Attest", id="home.attest", show=False, tooltip="State what you saw yourself"),
        Binding(
            "left", "step(-1)", "Previous milestone", id="home.left", show=False, tooltip="Earlier milestone"
        ),
        Binding("right", "step(1)", "Next milestone", id="home.right", show=False, tooltip="Later milestone"),
        *(
            Binding(
                str(n), f"milestone({n})", f"Milestone {n}", id=f"home.milestone_{n}", show=False,
                tooltip=f"Select milestone {n}",
            )
            for n in range(1, 10)
        ),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._board = Board()
        self._view: View | None = None
        self._lines: list[Line] = []
        self._chose = False
        """A person chose the milestone; until then it is the current one."""
        self._everything = False
        self._shows: object = None
        """What the list is of: when that changes it begins at its top."""
        self._able: object = None

    @cached_property
    def _rerun(self) -> Rerun:
        return Rerun(self.store)

    def body(self) -> Iterable[Widget]:
        yield Words(id="alarm")
        yield Timeline(id="timeline")
        yield Words(id="about")
        yield Words(id="blocks")
        yield Words(id="reasons")
        yield FilterBar(self._understand, id="filter")
        with Horizontal(id="main"):
            yield Checks(id="checks")
            yield DetailPane(id="pane")
        yield Words(id="note")
        yield StatusLine(id="status")

    # Showing

    def show(self, view: View) -> None:
        self._view = view
        self._select(view)
        self._fill(view)
        self._tell(view)

    def tick(self) -> None:
        """Let times go on: countdowns, ages, progress; what stands still while frozen does so."""
        super().tick()
        if self._view is not None and self._view is self.dashboard.view_shown:
            if self.dashboard.frozen_at is None:
                self._select(self._view)
            self._tell(self._view)

    @property
    def _now(self) -> datetime:
        return self.dashboard.frozen_at or self.store.now()

    @property
    def _line(self) -> Line:
        return next(line for line in self._lines if line.id == self.dashboard.selected)

    @property
    def _checks(self) -> Checks:
        return self.query_one(Checks)

    @property
    def _filter(self) -> Filter | None:
        return self.query_one(FilterBar).filter

    def _select(self, view: View) -> None:
        """Show the timeline; the current milestone is selected while a person chose no other that exists."""
        picture = view.picture
        self._lines = lines(view, self._now, still=self.dashboard.frozen_at is not None)
        self._chose = self._chose and any(line.id == self.dashboard.selected for line in self._lines)
        if not self._chose:
            self.dashboard.selected = current(picture.verdicts, view.decisions, picture.now).milestone.id
        self.query_one(Timeline).show(
            self._lines, self.dashboard.selected, self._now, picture.plan.project.timezone
        )

    def _fill(self, view: View) -> None:
        """Put the rows that are asked for into the list."""
        picture, line, wanted = view.picture, self._line, self._filter
        if wanted is not None:
            rows = [row for row in self._board.everything(picture, wanted.gate) if wanted.wants(row)]
        else:
            rows = self._board.rows(picture, line.item, everything=self._everything)
        shows = (line.id if wanted is None else wanted.text, wanted is None)
        self._tell_checks(view, line)
        self._checks.put(
            rows, top=shows != self._shows,
            empty=heading.nothing(
                view, line, everything=self._everything, filtered=wanted is not None,
                understood=self.query_one(FilterBar).understood,
            ),
        )  # fmt: skip
        self._shows = shows

    def _tell_checks(self, view: View, line: Line) -> None:
        flying = {check for run in view.runs for check in run.running}
        self._checks.tell(
            view.picture.plan, self._now, telling=line.telling and not line.still, flying=flying
        )

    def _tell(self, view: View) -> None:
        """Write what stands around the list."""
        line, now = self._line, self._now
        self.query_one("#alarm", Words).tell(heading.alarms(view, self.store.failed_start))
        self.query_one("#about", Words).tell(heading.about(view, line, now))
        hint = heading.never_run(view, read_only=self.store.read_only)
        all_shown = f"  all {len(self._checks.items)} shown" if self._everything and not self._filter else ""
        self.query_one("#blocks", Words).tell([*heading.blocks(view, line), *hint, (all_shown, "dim")])
        self.query_one("#reasons", Words).tell(heading.reasons(view, line))
        self._tell_checks(view, line)
        self._checks.repaint()
        self.query_one(FilterBar).say(len(self._checks.items), len(view.picture.plan.checks))
        self._tell_row(view)
        self.query_one(StatusLine).show(
            view, self.store.now(), file=self.store.project_file.name, frozen=self.dashboard.frozen_at,
            said=self._rerun.said(view),
        )  # fmt: skip

    def _tell_row(self, view: View) -> None:
        row = self._checks.chosen
        told = note(row, view.picture.plan.project.timezone, full=not self.has_class("-wide"))
        self.query_one("#note", Words).tell(told, keep=True)
        if self.has_class("-wide"):
            self.query_one(DetailPane).show_row(view, row, still=self.dashboard.frozen)
        able = tuple(
            self.check_action(name, ()) for name in ("run", "why", "waive", "attest", "rerun", "back")
        )
        if able != self._able:
            self._able = able
            self.refresh_bindings()

    def on_resize(self) -> None:
        self.call_after_refresh(self._turned)

    @on(Checks.Moved, "#checks")
    def _moved(self) -> None:
        if self._view is not None:
            self._tell_row(self._view)

    # Milestones

    @on(Timeline.Picked)
    def _picked(self, event: Timeline.Picked) -> None:
        self._choose(event.milestone)

    def _choose(self, milestone: str) -> None:
        self._chose, self.dashboard.selected = True, milestone
        self._rerun.forget()
        if self._view is not None:
            self.show(self._view)

    def action_milestone(self, number: int) -> None:
        """Select a milestone by its number."""
        if number <= len(self._lines):
            self._choose(self._lines[number - 1].id)

    def action_step(self, step: int) -> None:
        """Select the milestone before or after."""
        place = self._lines.index(self._line) + step
        if 0 <= place < len(self._lines):
            self._choose(self._lines[place].id)

    def action_problem(self, step: int) -> None:
        """Go to the next problem; past the last one to the next milestone that has some."""
        rows, here = self._checks.items, self._checks.cursor
        places = range(here + 1, len(rows)) if step > 0 else range(here - 1, -1, -1)
        found = next((place for place in places if not rows[place].meets), None)
        if found is None and self._filter is None:
            start = self._lines.index(self._line)
            others = [self._lines[(start + step * n) % len(self._lines)] for n in range(1, len(self._lines))]
            other = next((line for line in others if line.tally.blocking or not line.tally.required), None)
            if other is not None:
                self._choose(other.id)
                rows = self._checks.items
        if found is None:
            whole = range(len(rows)) if step > 0 else range(len(rows) - 1, -1, -1)
            found = next((place for place in whole if not rows[place].meets), None)
        if found is not None:
            self._checks.go(found)

    # What the list shows

    def _understand(self, text: str) -> Filter:
        project = self.store.plan.project
        names = [milestone.id for milestone in self.store.plan.milestones]
        return parse(text, site=project.site, milestones=names)

    @on(FilterBar.Turned)
    def _turned(self) -> None:
        if self._view is not None:
            self._fill(self._view)
            self._tell(self._view)

    @on(FilterBar.Left)
    def _left(self) -> None:
        self._checks.focus()

    def action_filter(self) -> None:
        """Let the person type a filter."""
        self.query_one(FilterBar).begin()

    def action_back(self) -> None:
        """Drop the filter; there is no page before this one."""
        self.query_one(FilterBar).clear()
        self._checks.focus()

    def action_everything(self) -> None:
        """Show all checks of the gate, or only what blocks it."""
        self._everything = not self._everything
        self._turned()

    # What a person does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now."""
        if action == "back":
            return self.is_mounted and self.query_one(FilterBar).open
        if action == "filter":
            return None if isinstance(self.focused, FilterInput) else True
        if action not in ("run", "why", "waive", "attest", "rerun", "sign"):
            return super().check_action(action, parameters)
        row = self._checks.chosen if self.is_mounted else None
        may = not self.store.read_only
        able = {
            "why": row is not None,
            "run": may and (self.is_mounted and (self._filter is None or row is not None)),
            "rerun": may and row is not None,
            "waive": may and row is not None and row.required and (not row.meets or row.waived),
            "attest": may and row is not None and row.attestable,
            "sign": may and bool(self._lines),
        }
        return True if able[action] else None

    @on(Checks.Chosen, "#checks")
    def action_why(self) -> None:
        """Open the check under the cursor."""
        row = self._checks.chosen
        if row is not None:
            self.dashboard.open_detail(row.id, [item.id for item in self._checks.items])

    def action_run(self) -> None:
        """Ask which run to start."""
        shown = tuple(row.id for row in self._checks.items) if self._filter is not None else ()
        self.dashboard.ask_run(checks=shown, milestone=self.dashboard.selected)

    def action_rerun(self) -> None:
        """Run the check under the cursor again, unless it is being run."""
        if (row := self._checks.chosen) is not None and self._view is not None:
            self._rerun.press(row)
            self._tell(self._view)

    def action_waive(self) -> None:
        """Ask for a waiver of the check under the cursor."""
        if (row := self._checks.chosen) is not None:
            self.dashboard.ask_waiver(row.id)

    def action_attest(self) -> None:
        """Ask for a person's statement on the check under the cursor."""
        if (row := self._checks.chosen) is not None:
            self.dashboard.ask_attestation(row.id)

    def action_sign(self) -> None:
        """Ask for the sign-off of the selected milestone."""
        self.dashboard.ask_decision(self.dashboard.selected)
