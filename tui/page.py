"""What every screen is: a title with verdict and countdown, a body, the keys, and a way to hear of news."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widget import Widget

from agent.watch import View
from tui.store import Store
from tui.widgets.keys import KeyBar
from tui.widgets.title import Title

if TYPE_CHECKING:
    from tui.app import Dashboard


class Page(Screen[None]):
    """A screen of the dashboard. Subclasses give `body`, `name_of_page` and `show`.

    `show` is called when the page comes to the front and with every new view while it is there; pages behind
    it hear of nothing until they come back. While the dashboard is frozen only the title goes on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "back", "Back", id="page.back", show=False, tooltip="To the page before; never quits"
        ),
    ]
    name_of_page = ""
    """A word or two for title, help and palette."""
    help_text = ""
    """What this page is for, for the help screen."""

    def compose(self) -> ComposeResult:
        yield Title(id="title")
        with Vertical(id="body"):
            yield from self.body()
        yield KeyBar(id="keys")

    def body(self) -> Iterable[Widget]:
        """Return what stands between title and keys."""
        raise NotImplementedError

    def show(self, view: View) -> None:
        """Show `view`; must be quick and must not judge."""
        raise NotImplementedError

    @property
    def dashboard(self) -> Dashboard:
        """Return the app by its own type."""
        return cast("Dashboard", self.app)

    @property
    def store(self) -> Store:
        """Return the store."""
        return self.dashboard.store

    @property
    def stands(self) -> bool:
        """Return whether its parts are there: not before it is mounted, and not while it is removed."""
        return self.is_mounted and not self._closing and bool(self.query(Title))

    def hear(self, view: View) -> None:
        """Show a view in title and body, while they are there."""
        if self.stands:
            self.tick()
            self.show(view)

    def tick(self) -> None:
        """Let the title tell the time and the newest verdict; it goes on while the page is frozen."""
        if self.stands:
            self.query_one(Title).show(
                self.store.view, self.name_of_page, now=self.store.now(), read_only=self.store.read_only,
                frozen=self.dashboard.frozen_at,
            )  # fmt: skip

    def on_mount(self) -> None:
        self.hear(self.dashboard.view_shown)

    def on_screen_resume(self) -> None:
        self.hear(self.dashboard.view_shown)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Home has no way back: escape never quits."""
        if action == "back":
            return self is not self.app.screen_stack[0]
        return True

    def action_back(self) -> None:
        """Return to the page before."""
        if len(self.app.screen_stack) > 1:
            self.dismiss()
