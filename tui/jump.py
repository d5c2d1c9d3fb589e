"""ctrl+o: a letter on every line and pane that can be seen; pressing it goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from checks.dataclass import dataclass
from tui.text import joined
from tui.widgets.listing import Listing

PERIOD_S = 0.2
LETTERS = "asdfghjklqwertyuiopzxcvbnm1234567890"


@dataclass(frozen=True, slots=True)
class Target:
    """A place on the screen, and how to go there."""

    at: Offset
    go: Callable[[], object]
    name: str = ""
    """Of the item in a list."""


def targets(screen: Screen[Any]) -> list[Target]:
    """Return what can be gone to on a screen, from top to bottom."""
    found: list[Target] = []
    for widget in screen.focus_chain:
        found += _lines(widget) if isinstance(widget, Listing) and widget.items else [_pane(widget)]
    inside = [target for target in found if screen.size.region.contains_point(target.at)]
    return sorted(inside, key=lambda target: (target.at.y, target.at.x))


def _pane(widget: Widget) -> Target:
    return Target(widget.region.offset, widget.focus)


def _lines(listing: Listing[Any]) -> Iterator[Target]:
    corner = listing.content_region.offset
    for line, name in listing.in_view():

        def go(name: str = name) -> None:
            listing.focus()
            listing.go_to(name)

        yield Target(corner + Offset(0, line), go, name)


class Jump(ModalScreen[None]):
    """Lies over a screen until a key is pressed; any other key but a letter shown leaves all as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="jump.back", tooltip="Stay where you are")
    ]
    DEFAULT_CSS = """
    Jump { background: transparent; layers: default small; }
    Jump .letter {
        position: absolute; width: 3; height: 1; background: $look-warn; color: $background;
        text-style: bold;
    }
    """

    def __init__(self, under: Screen[Any]) -> None:
        super().__init__()
        self._under = under
        self._targets = dict(zip(LETTERS, targets(under), strict=False))

    def compose(self) -> ComposeResult:
        for letter, target in self._targets.items():
            mark = Static(joined(f" {letter} "), classes="letter")
            mark.styles.offset = target.at.x, target.at.y
            yield mark
        if not self._targets:
            yield Static(Content("There is nothing to go to here."))

    def on_mount(self) -> None:
        self.set_interval(PERIOD_S, self._look)

    def _look(self) -> None:
        """Leave when news moved what is below: a letter would lead elsewhere than it stands."""
        there = [(target.at, target.name) for target in targets(self._under)][: len(LETTERS)]
        if self.is_current and there != [(target.at, target.name) for target in self._targets.values()]:
            self.dismiss()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            return
        event.stop()
        target = self._targets.get(event.character or "")
        self.dismiss()
        if target is not None:
            self.app.call_later(target.go)

    def on_click(self) -> None:
        self.dismiss()

    def action_leave(self) -> None:
        """Stay."""
        self.dismiss()
