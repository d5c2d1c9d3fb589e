"""The dashboard: one app, one store, screens on a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.worker import WorkerFailed

from agent.board import timeline
from agent.plan import Plan
from agent.survey import names
from agent.watch import View
from checks.safe import safe
from tui.ending import TerminalGone, watch_for_the_end
from tui.page import Page
from tui.screens.home import Home
from tui.store import Store, utc_now
from tui.themes import DEFAULT, THEMES
from tui.widgets.keys import key_name
from tui.widgets.small import Small, too_small

TICK_S = 1.0
_COPIED_CHARS = 200_000


class _WholeCells(ScrollBarRender):
    """Scroll bars without the block characters that a Windows console has no glyphs for."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


ScrollBar.renderer = _WholeCells


class Dashboard(App[None]):
    """Shows a project's ledger and starts its runs; see `tui.store` for what it may do."""

    CSS_PATH = ["common.tcss", "screens/home.tcss"]  # noqa: RUF012 - Textual loads none for the first screen
    TITLE = "gonogo"
    ENABLE_COMMAND_PALETTE = False  # Textual's reads markup and shows signs that not every terminal has
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - declared so by Textual
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "d", "open_history", "History", id="app.history", show=False, tooltip="Runs, and any two compared"
        ),
        Binding("l", "open_live", "Live", id="app.live", show=False, tooltip="The run that goes on"),
        Binding(
            "v", "open_vantage", "Vantage", id="app.vantage", show=False, tooltip="Where this laptop stands"
        ),
        Binding(
            "S", "open_survey", "Survey", id="app.survey", show=False, tooltip="The Wi-Fi survey, walked"
        ),
        Binding(
            "space", "freeze", "Freeze", id="app.freeze", show=False,
            tooltip="Let the page stand still, or go on; runs and the title go on",
        ),
        Binding(
            "ctrl+o", "jump", "Jump", id="app.jump", show=False, tooltip="A letter for each line and pane"
        ),
        Binding(
            "ctrl+p", "palette", "Palette", id="app.palette", show=False,
            tooltip="Everything that can be done here, by name",
        ),
        Binding("question_mark", "keys", "Keys", id="app.help", tooltip="This page and all its keys"),
        Binding("q", "quit", "Quit", id="app.quit", tooltip="Close the dashboard; a run goes on"),
    ]  # fmt: skip

    def __init__(
        self,
        project_file: Path,
        plan: Plan,
        *,
        read_only: bool = False,
        now: Callable[[], datetime] = utc_now,
        theme: str = DEFAULT,
        keymap: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.store = Store(project_file, plan, read_only=read_only, now=now)
        self.selected = ""
        """Id of the milestone that home shows; empty until it has shown one."""
        self.frozen_at: datetime | None = None
        """Since when pages stand still; None while they move."""
        self.failure: BaseException | None = None
        """What ended the dashboard, if it was not a person."""
        self._frozen_view: View | None = None
        self.animation_level = "none"
        foreign = list(self.available_themes)
        for item in THEMES:
            self.register_theme(item)
        self.theme = theme
        for name in foreign:
            self.unregister_theme(name)
        self.set_keymap(keymap or {})

    def get_default_screen(self) -> Home:
        """Begin with the milestones."""
        return Home()

    def on_mount(self) -> None:
        self.screen_change_signal.subscribe(self, self._fit)
        self.run_worker(self.store.follow(self._tell), name="follow", exit_on_error=True)
        self.set_interval(TICK_S, self._tick, name="tick")
        self._fit(self.screen)
        if not self.is_headless:
            watch_for_the_end(lambda code: self.exit(return_code=code))

    def on_unmount(self) -> None:
        self.store.close()

    # News

    @property
    def frozen(self) -> bool:
        """Whether pages stand still; runs and titles go on."""
        return self.frozen_at is not None

    @frozen.setter
    def frozen(self, wanted: bool) -> None:
        if wanted != self.frozen:
            self.action_freeze()

    @property
    def view_shown(self) -> View:
        """Return the view that pages show: the newest, or while frozen the one of that moment."""
        return self._frozen_view or self.store.view

    def _tell(self, view: View) -> None:
        self._cover()
        page = self._page_in_sight()
        if page is not None:
            if self.frozen:
                page.tick()
            else:
                page.hear(view)

    def _tick(self) -> None:
        self._cover()
        page = self._page_in_sight()
        if page is not None:
            page.tick()

    def _page_in_sight(self) -> Page | None:
        """Return the page in front, or the one seen through what lies over it, once its parts stand."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Page):
                return screen if screen.stands else None
            if screen.styles.background.a == 1:
                return None
        return None

    def action_freeze(self) -> None:
        """Let pages stand still, or show at once what they missed."""
        if self.frozen:
            self.frozen_at, self._frozen_view = None, None
        else:
            self.frozen_at, self._frozen_view = self.store.now(), self.store.view
        if isinstance(self.screen, Page):
            self.screen.hear(self.view_shown)

    # A terminal that is too small

    def on_resize(self, _: events.Resize) -> None:
        self.call_later(lambda: self._fit(self.screen))

    def _fit(self, screen: Screen[Any]) -> None:
        if too_small(*self.size) and not screen.query(Small):
            screen.mount(Small())
            self.call_later(self._cover)
        else:
            self._cover()

    def _cover(self) -> None:
        for small in (one for screen in self.screen_stack[-1:] for one in screen.query(Small)):
            if too_small(*self.size):
                small.cover(self.store.view, *self.size)
            else:
                small.uncover()

    # The ways from one screen to another; a screen is imported when it is first opened.

    def open_detail(self, check: str, neighbours: Sequence[str] = ()) -> None:
        """Show one check; `neighbours` are the ids that previous and next walk through, itself included."""
        from tui.screens.detail import DetailPage

        self.push_screen(DetailPage(check, neighbours or (check,)))

    def action_open_live(self) -> None:
        """Show the run that goes on."""
        from tui.screens.live import LivePage

        self._open(LivePage)

    def action_open_history(self) -> None:
        """Show the runs and baselines."""
        from tui.screens.history import HistoryPage

        self._open(HistoryPage)

    def open_diff(self, before: str, after: str) -> None:
        """Compare two sides, named as `agent.diff.side` says."""
        from tui.screens.diff import DiffPage

        self.push_screen(DiffPage(before, after))

    def action_open_vantage(self) -> None:
        """Show where this laptop stands and what it cannot test."""
        from tui.screens.vantage import VantagePage

        self._open(VantagePage)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A plan without a survey has no page for one."""
        if action == "open_survey":
            return bool(names(self.store.plan))
        return True

    def action_open_survey(self) -> None:
        """Show the Wi-Fi survey."""
        from tui.screens.survey import SurveyPage

        self._open(SurveyPage)

    def action_keys(self) -> None:
        """Show what the page is for, and its keys."""
        from tui.screens.help import HelpPage

        if not isinstance(self.screen, HelpPage):
            self.push_screen(HelpPage(self.screen))

    def action_palette(self) -> None:
        """Ask what to do, by name."""
        from tui.palette import Palette

        self.push_screen(Palette(self.screen))

    def action_jump(self) -> None:
        """Put a letter on everything that can be gone to."""
        from tui.jump import Jump

        self.push_screen(Jump(self.screen))

    def go_home(self, milestone: str = "") -> None:
        """Leave all pages but home, and show `milestone` there if one is named."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        order = [item.id for item in timeline(self.store.plan.milestones)]
        if milestone in order and isinstance(self.screen, Home):
            self.screen.action_milestone(order.index(milestone) + 1)

    def _open(self, page: type[Page]) -> None:
        """Show a page of which one is enough: go back to it if it is somewhere below."""
        if any(type(screen) is page for screen in self.screen_stack):
            while type(self.screen) is not page:
                self.pop_screen()
        else:
            self.push_screen(page())

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

    # What Textual does in other ways

    def get_key_display(self, binding: Binding) -> str:
        """Name keys in letters that every terminal has."""
        return key_name(binding.key)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer none of Textual's own; see `tui.palette`."""
        return ()

    def copy_to_clipboard(self, text: str) -> None:
        """Copy text after making it harmless: it may be pasted into a shell."""
        super().copy_to_clipboard(safe(text, limit=_COPIED_CHARS, lines=True))

    def action_help_quit(self) -> None:
        """Say how to leave: ctrl+c copies what is selected."""
        self.notify("q closes the dashboard (ctrl+q from a dialog); a run goes on.", markup=False)

    def panic(self, *_: object) -> None:
        """End because the terminal cannot be read any more."""
        self._end_by(TerminalGone())

    def _handle_exception(self, error: Exception) -> None:
        """End at once, without printing the local variables: they may hold secrets and hostile text."""
        self._end_by(error.error if isinstance(error, WorkerFailed) else error)

    def _end_by(self, error: BaseException) -> None:
        self._return_code = 1
        self.failure = self.failure or error
        if self._exception is None:
            self._exception = error if isinstance(error, Exception) else RuntimeError(str(error))
            self._exception_event.set()
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        """Print nothing: whoever started the dashboard says what ended it."""
        self._exit_renderables.clear()
