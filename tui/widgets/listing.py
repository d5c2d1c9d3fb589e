"""A long list drawn line by line: only what is visible is ever painted, and the cursor stays on its item.

A DataTable of 5,000 rows takes two seconds to its first paint; this takes what its 20 visible lines take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from checks.dataclass import dataclass
from checks.safe import safe
from tui.text import LOOKS

T = TypeVar("T")
_MOST_CHARS = 500


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and its width in cells; None takes what is left, shared evenly."""

    heading: str
    width: int | None = None


Cell = tuple[str, str]
"""Raw text and the name of its look (`tui.text.LOOKS`)."""


class Listing(ScrollView, Generic[T], can_focus=True):
    """A list of items, one line each, with a heading and a cursor.

    `key` names an item for ever, so that the cursor stays on the same one when rows move; `paint` gives its
    cells, one a column, as raw text: they are made harmless here.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up", tooltip="One line up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down", tooltip="One line down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.page_up", tooltip="One page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.page_down", tooltip="One page down"),
        Binding("home", "edge(-1)", "First", show=False, id="list.first", tooltip="To the first line"),
        Binding("end", "edge(1)", "Last", show=False, id="list.last", tooltip="To the last line"),
    ]
    DEFAULT_CSS = """
    Listing { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    class Moved(Message):
        """The cursor stands on another item."""

        def __init__(self, listing: Listing[Any]) -> None:
            super().__init__()
            self.listing = listing

        @property
        def control(self) -> Listing[Any]:
            return self.listing

    class Chosen(Moved):
        """An item was chosen by enter or a click on the cursor's line."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        key: Callable[[T], str],
        paint: Callable[[T], Sequence[Cell]],
        empty: str = "",
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns = tuple(columns)
        self._key = key
        self._paint = paint
        self._empty = empty
        self._items: Sequence[T] = ()
        self._cursor = 0
        self._looks: dict[str, RichStyle] = {}

    # Items

    @property
    def items(self) -> Sequence[T]:
        """Return the items shown."""
        return self._items

    @property
    def chosen(self) -> T | None:
        """Return the item under the cursor; None for an empty list."""
        return self._items[self._cursor] if self._items else None

    def put(self, items: Sequence[T], *, empty: str | None = None) -> None:
        """Show `items`; the cursor stays on its item where that is still there."""
        here = self.chosen
        name = self._key(here) if here is not None else None
        self._items = items
        if empty is not None:
            self._empty = empty
        if name is not None and not (self._cursor < len(items) and self._key(items[self._cursor]) == name):
            place = next((n for n, item in enumerate(items) if self._key(item) == name), self._cursor)
            self._cursor = place
        self._cursor = max(0, min(self._cursor, len(items) - 1))
        self.virtual_size = Size(self.size.width, len(items) + 1)
        self.refresh()
        after = self.chosen
        if (self._key(after) if after is not None else None) != name:
            self.post_message(self.Moved(self))

    def go_to(self, name: str) -> bool:
        """Put the cursor on the item named `name`; False if it is not there."""
        for place, item in enumerate(self._items):
            if self._key(item) == name:
                self._go(place)
                return True
        return False

    def _go(self, place: int) -> None:
        place = max(0, min(place, len(self._items) - 1))
        if place != self._cursor:
            before, self._cursor = self._cursor, place
            for line in (before, place):
                self.refresh(Region(0, line + 1 - self.scroll_offset.y, self.size.width, 1))
            self.post_message(self.Moved(self))
        self.scroll_to_region(Region(0, place, 1, 2), animate=False, force=True)

    def action_move(self, step: int) -> None:
        """Move the cursor by lines."""
        self._go(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self._go(self._cursor + step * max(1, self.size.height - 2))

    def action_edge(self, step: int) -> None:
        """Move the cursor to the first or last line."""
        self._go(0 if step < 0 else len(self._items) - 1)

    def on_click(self, event: events.Click) -> None:
        place = event.y + self.scroll_offset.y - 1
        if 0 <= place < len(self._items) and event.y > 0:
            if place == self._cursor:
                self.post_message(self.Chosen(self))
            self._go(place)

    def key_enter(self) -> None:
        if self._items:
            self.post_message(self.Chosen(self))

    # Painting

    def notify_style_update(self) -> None:
        """Forget the looks of the theme before."""
        super().notify_style_update()
        self._looks.clear()

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._items) + 1)

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the widget: the heading, which does not scroll, or an item."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y == 0:
            cells: Sequence[Cell] = [(column.heading, "dim") for column in self.columns]
            return self._line(cells, width, base)
        place = y - 1 + self.scroll_offset.y
        if not self._items and place == 0 and self._empty:
            return Strip([Segment(set_cell_size(safe(self._empty), width), base)])
        if place >= len(self._items):
            return Strip.blank(width, base)
        if place == self._cursor:
            base += self._look("cursor" if self.has_focus else "cursor-away")
        return self._line(self._paint(self._items[place]), width, base)

    def _line(self, cells: Sequence[Cell], width: int, base: RichStyle) -> Strip:
        segments = []
        for (raw, look), room in zip(cells, self._widths(width), strict=False):
            if room > 0:
                text = safe(raw[:_MOST_CHARS], limit=_MOST_CHARS)
                text = text if cell_len(text) < room else f"{set_cell_size(text, room - 2)}~"
                segments.append(Segment(set_cell_size(text, room), base + self._look(look)))
        return Strip(segments).adjust_cell_length(width, base)

    def _widths(self, width: int) -> list[int]:
        fixed = sum(column.width for column in self.columns if column.width is not None)
        free = sum(1 for column in self.columns if column.width is None)
        share, more = divmod(max(0, width - fixed), free) if free else (0, 0)
        widths = []
        for column in self.columns:
            if column.width is not None:
                widths.append(column.width)
            else:
                widths.append(share + (1 if more > 0 else 0))
                more -= 1
        return widths

    def _look(self, name: str) -> RichStyle:
        if name not in self._looks:
            style = {"cursor": "bold on $look-cursor", "cursor-away": "on $look-cursor-away"}.get(name)
            made = Style.parse(style if style is not None else LOOKS[name], self.app.theme_variables)
            self._looks[name] = made.rich_style
        return self._looks[name]
