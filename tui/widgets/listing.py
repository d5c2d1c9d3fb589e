"""A long list drawn line by line: only what is visible is ever painted, and the cursor stays on its item.

A DataTable of 5,000 rows takes two seconds to its first paint; this takes what its 20 visible lines take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

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
from tui.text import LOOKS
from tui.widgets.cells import MOST_CHARS, fitted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and its width in cells; None takes what is left, shared evenly."""

    heading: str
    width: int | None = None
    right: bool = False
    """Numbers stand at the right of their column."""


Cell = tuple[str, str]
"""Raw text and the name of its look (`tui.text.LOOKS`)."""
ON: Cell = ("", "on")
"""In the place of a cell: the one before goes on through this column."""
_Painted = tuple[tuple[Cell, ...], str]
"""A line's cells and its cursor's look."""


class Listing(ScrollView, Generic[T], can_focus=True, inherit_bindings=False):
    """A list of items, one line each, with a heading that does not scroll and a cursor.

    `key` names an item for ever, so that the cursor stays on the same one when rows move; `paint` gives its
    cells, one a column, as raw text: they are made harmless here. It is called for visible items only.
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
        """The cursor stands on another item, by a person's doing or because the one before is gone."""

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
        self._painted: dict[int, _Painted] = {}
        """What each line of the screen shows, so that only those that change are painted again."""

    # Items

    @property
    def items(self) -> Sequence[T]:
        """Return the items shown."""
        return self._items

    @property
    def chosen(self) -> T | None:
        """Return the item under the cursor; None for an empty list."""
        return self._items[self._cursor] if self._items else None

    @property
    def cursor(self) -> int:
        """Return the place of the item under the cursor, from 0."""
        return self._cursor

    def put(self, items: Sequence[T], *, empty: str | None = None, top: bool = False) -> None:
        """Show `items`; the cursor stays on its item where that is still there, or goes to the `top`."""
        here = self.chosen
        name = self._key(here) if here is not None else None
        seen = self._in_sight()
        if empty is not None and empty != self._empty:
            self._empty = empty
            self.refresh()
        if (len(items) == 0) is not (len(self._items) == 0):
            self.refresh()
        self._items = items
        if top:
            self._cursor = 0
        elif name is not None and not (self._cursor < len(items) and self._key(items[self._cursor]) == name):
            self._cursor = next((n for n, item in enumerate(items) if self._key(item) == name), self._cursor)
        self._cursor = max(0, min(self._cursor, len(items) - 1))
        self._measure()
        if seen or top:
            self._reveal()
        self.repaint()
        after = self.chosen
        if (self._key(after) if after is not None else None) != name:
            self.post_message(self.Moved(self))

    def lay_out(self, columns: Sequence[Column]) -> None:
        """Show other columns; `paint` must give their cells from now on."""
        if tuple(columns) != self.columns:
            self.columns = tuple(columns)
            self.refresh()

    def room(self, column: int) -> int:
        """Return the cells that a column's text may take now."""
        widths = self._widths(self.scrollable_content_region.width)
        return max(0, widths[column] - 1)

    def repaint(self) -> None:
        """Paint those visible lines again whose cells are not what they were."""
        stale = [line for line in range(1, self.size.height) if self._painted.get(line) != self._cells(line)]
        self.refresh(*(Region(0, line, self.size.width, 1) for line in stale)) if stale else None

    # Moving

    def go_to(self, name: str) -> bool:
        """Put the cursor on the item named `name`; False if it is not there."""
        for place, item in enumerate(self._items):
            if self._key(item) == name:
                self.go(place)
                return True
        return False

    def in_view(self) -> list[tuple[int, str]]:
        """Return the lines of the widget that show items, each with its item's name."""
        top = self.scroll_offset.y
        shown = enumerate(self._items[top : top + max(0, self.size.height - 1)], start=1)
        return [(line, self._key(item)) for line, item in shown]

    def go(self, place: int) -> None:
        """Put the cursor on the item at `place`, or on the nearest there is."""
        place = max(0, min(place, len(self._items) - 1))
        if place != self._cursor:
            self._cursor = place
            self.post_message(self.Moved(self))
        self._reveal()
        self.repaint()

    def _in_sight(self) -> bool:
        return 0 <= self._cursor - self.scroll_offset.y < max(1, self.size.height - 1)

    def _reveal(self) -> None:
        """Scroll as little as shows the cursor's line."""
        top, lines = self.scroll_offset.y, self.size.height - 1
        if lines < 1:
            return
        wanted = min(max(top, self._cursor - lines + 1), self._cursor)
        wanted = max(0, min(wanted, len(self._items) - lines))
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True, immediate=True)

    def action_move(self, step: int) -> None:
        """Move the cursor by lines."""
        self.go(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self.go(self._cursor + step * max(1, self.size.height - 2))

    def action_edge(self, step: int) -> None:
        """Move the cursor to the first or last line."""
        self.go(0 if step < 0 else len(self._items) - 1)

    def on_click(self, event: events.Click) -> None:
        place = event.y + self.scroll_offset.y - 1
        if event.button > 1 or event.y < 1 or not 0 <= place < len(self._items):
            return
        if place == self._cursor:
            self.post_message(self.Chosen(self))
        else:
            self.go(place)

    def key_enter(self, event: events.Key) -> None:
        """Choose the item; a screen that binds enter, to name it in the line of keys, is not asked twice."""
        if self._items:
            event.stop()
            self.post_message(self.Chosen(self))

    # Painting

    def notify_style_update(self) -> None:
        """Forget the looks of the theme before."""
        super().notify_style_update()
        self._looks.clear()

    def on_resize(self) -> None:
        self._measure()
        self._reveal()

    def watch_has_focus(self, value: bool) -> None:  # noqa: FBT001 - Textual's signature
        super().watch_has_focus(value)
        self.repaint()

    def _measure(self) -> None:
        """Tell the scroll bar how long the list is: all lines are painted anew where it comes or goes."""
        size = Size(self.size.width, len(self._items) + 1)
        if size != self.virtual_size:
            if (size.height > self.size.height) is not (self.virtual_size.height > self.size.height):
                self.refresh()
            self.virtual_size = size

    def _cells(self, y: int) -> _Painted:
        """Return what line `y` of the widget shows: an item's cells, cut to what could ever be seen."""
        place = y - 1 + self.scroll_offset.y
        if place >= len(self._items):
            return (), ""
        look = ("cursor" if self.has_focus else "cursor-away") if place == self._cursor else ""
        cells = self._paint(self._items[place])
        return tuple(cell if cell is ON else (cell[0][:MOST_CHARS], cell[1]) for cell in cells), look

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the widget: the heading, or an item."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y == 0:
            return self._line([(column.heading, "dim") for column in self.columns], width, base)
        self._painted[y] = cells, cursor = self._cells(y)
        if cells:
            return self._line(cells, width, base + self._look(cursor) if cursor else base)
        if not self._items and y == 1 and self._empty:
            return self._line([(self._empty, "")], width, base, widths=[width])
        return Strip.blank(width, base)

    def _line(self, cells: Sequence[Cell], width: int, base: RichStyle, widths: Sequence[int] = ()) -> Strip:
        segments = []
        rooms = list(widths or self._widths(width))
        for place, ((raw, look), column) in enumerate(zip(cells, self.columns, strict=False)):
            room = rooms[place]
            if place + 1 < len(cells) and cells[place + 1] is ON:
                room += rooms[place + 1]
            if room > 0 and cells[place] is not ON:
                before, text, after = fitted(raw, room, right=column.right)
                segments += [Segment(" " * before, base)] if before else []
                segments += [Segment(text, base + self._look(look))] if text else []
                segments += [Segment(" " * after, base)] if after else []
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
