"""What the short questions share: the title above, a box with a list of answers, esc to leave it as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from tui.store import Store
from tui.widgets.keys import KeyBar
from tui.widgets.title import Title

if TYPE_CHECKING:
    from tui.app import Dashboard

PERIOD_S = 0.5
R = TypeVar("R")


class Ask(ModalScreen[R]):
    """A question in a box; the title above it goes on telling verdict and time."""

    CSS_PATH: ClassVar[str] = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="ask.leave", tooltip="Close and change nothing"),
    ]
    name_of_page = ""
    help_text = ""

    def compose(self) -> ComposeResult:
        yield Title(id="title")
        with Vertical(id="box"):
            yield from self.body()
        yield KeyBar(id="keys")

    def body(self) -> Iterable[Widget]:
        """Return what stands in the box."""
        raise NotImplementedError

    def look(self) -> None:
        """Show what is new; called now and then."""

    @property
    def dashboard(self) -> Dashboard:
        """Return the app by its own type."""
        return cast("Dashboard", self.app)

    @property
    def store(self) -> Store:
        """Return the store."""
        return self.dashboard.store

    def on_mount(self) -> None:
        self._poll()
        self.set_interval(PERIOD_S, self._poll)

    def _poll(self) -> None:
        if self.is_current:
            self.query_one(Title).show(
                self.store.view, self.name_of_page, now=self.store.now(), read_only=self.store.read_only
            )
            self.look()

    def action_leave(self) -> None:
        """Close and change nothing."""
        self.dismiss(None)
