"""The dashboard: one app, one store, screens on a stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from agent.plan import Plan
from agent.watch import View
from tui.page import Page
from tui.screens.home import Home
from tui.store import Store, utc_now
from tui.themes import DEFAULT, THEMES


class Dashboard(App[None]):
    """Shows a project's ledger and starts its runs; see `tui.store` for what it may do."""

    CSS_PATH = "common.tcss"
    TITLE = "gonogo"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - declared so by Textual
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "d", "open_history", "History", id="app.history", show=False, tooltip="Runs, and any two compared"
        ),
        Binding("l", "open_live", "Live", id="app.live", show=False, tooltip="The run that goes on"),
        Binding(
            "v", "open_vantage", "Vantage", id="app.vantage", show=False, tooltip="Where this laptop stands"
        ),
        Binding("q", "quit", "Quit", id="app.quit", tooltip="Close the dashboard; a run goes on"),
    ]

    def __init__(
        self,
        project_file: Path,
        plan: Plan,
        *,
        read_only: bool = False,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__()
        self.store = Store(project_file, plan, read_only=read_only, now=now)
        self.selected = ""
        """Id of the milestone that home shows; empty until it has shown one."""
        self.frozen = False
        """Repainting stands still; runs go on."""
        self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DEFAULT

    def get_default_screen(self) -> Home:
        """Begin with the milestones."""
        return Home()

    def on_mount(self) -> None:
        self.run_worker(self.store.follow(self._tell), name="follow", exit_on_error=True)

    def _tell(self, view: View) -> None:
        if isinstance(self.screen, Page) and not self.frozen:
            self.screen.hear(view)

    def on_unmount(self) -> None:
        self.store.close()

    # The ways from one screen to another; a screen is imported when it is first opened.

    def open_detail(self, check: str, neighbours: Sequence[str] = ()) -> None:
        """Show one check; `neighbours` are the ids that previous and next walk through, itself included."""
        from tui.screens.detail import DetailPage

        self.push_screen(DetailPage(check, neighbours or (check,)))

    def action_open_live(self) -> None:
        """Show the run that goes on."""
        from tui.screens.live import LivePage

        self.push_screen(LivePage())

    def action_open_history(self) -> None:
        """Show the runs and baselines."""
        from tui.screens.history import HistoryPage

        self.push_screen(HistoryPage())

    def open_diff(self, before: str, after: str) -> None:
        """Compare two sides, named as `agent.diff.side` says."""
        from tui.screens.diff import DiffPage

        self.push_screen(DiffPage(before, after))

    def action_open_vantage(self) -> None:
        """Show where this laptop stands and what it cannot test."""
        from tui.screens.vantage import VantagePage

        self.push_screen(VantagePage())

    def ask_run(self, checks: Sequence[str] = (), milestone: str = "") -> None:
        """Ask which run to start: the milestone's, the checks listed (a selection), or all."""
        from tui.dialogs.run import RunDialog

        self.push_screen(RunDialog(tuple(checks), milestone or self.selected))

    def ask_waiver(self, check: str) -> None:
        """Ask for a waiver of `check`."""
        from tui.dialogs.waive import WaiveDialog

        self.push_screen(WaiveDialog(check))

    def ask_attestation(self, check: str) -> None:
        """Ask for a person's statement on the manual check `check`."""
        from tui.dialogs.attest import AttestDialog

        self.push_screen(AttestDialog(check))

    def ask_decision(self, milestone: str) -> None:
        """Ask for the sign-off of `milestone`."""
        from tui.dialogs.sign import SignDialog

        self.push_screen(SignDialog(milestone))
