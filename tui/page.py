"""What every screen is: a title with verdict and countdown, a body, the keys, and a way to hear of news."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
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
    it hear of nothing until they come back.
    """

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

    def hear(self, view: View) -> None:
        """Show a view in title and body, once they are there."""
        if not self.is_mounted:
            return
        self.query_one(Title).show(view, self.name_of_page)
        self.show(view)

    def on_mount(self) -> None:
        self.hear(self.store.view)

    def on_screen_resume(self) -> None:
        self.hear(self.store.view)
