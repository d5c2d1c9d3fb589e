"""Raw text of any size, drawn by the line: a megabyte in one line holds up nothing."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from checks.safe import safe
from tui.widgets.cells import steady

MOST_CHARS = 2_000_000
"""Of raw text that are shown; the rest is in the ledger, and the last line says so."""
MOST_LINES = 200_000
_NARROWEST = 8


class Sheet:
    """Harmless lines, and how many rows each takes at a width. Making one may take seconds: do it aside."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines: list[str] = []
        self._narrow: list[bool] = []
        """Whether each character of the line takes one cell."""
        left = MOST_CHARS
        for line in lines:
            if left <= 0 or len(self.lines) >= MOST_LINES:
                self._add("[... more is in the ledger: gonogo status --json prints all of it]")
                break
            self._add(steady(safe(line[:left], limit=MOST_CHARS)))
            left -= len(line) + 1
        self._ends: list[int] = []
        self._width = 0

    def _add(self, line: str) -> None:
        self.lines.append(line)
        self._narrow.append(line.isascii() or cell_len(line) == len(line))

    def fit(self, width: int) -> int:
        """Return how many rows there are at `width`."""
        width = max(_NARROWEST, width)
        if width != self._width:
            self._width = width
            rows = (
                -(-len(line) // (width if narrow else width // 2)) or 1
                for line, narrow in zip(self.lines, self._narrow, strict=True)
            )
            self._ends = list(accumulate(rows))
        return self._ends[-1] if self._ends else 0

    def row(self, number: int) -> str:
        """Return row `number` at the width that was fitted last; empty past the end."""
        place = bisect_right(self._ends, number)
        if place >= len(self.lines):
            return ""
        within = number - (self._ends[place - 1] if place else 0)
        step = self._width if self._narrow[place] else self._width // 2
        return self.lines[place][within * step : (within + 1) * step]


def pretty(data: Any) -> Iterator[str]:
    """Yield the lines of `data` as JSON for a person; stops where nobody reads on."""
    line, total = "", 0
    for chunk in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(data):
        first, *more = chunk.split("\n")
        line += first
        for part in more:
            yield line
            line = part
        total += len(chunk)
        if total > MOST_CHARS:
            break
    yield line


class RawText(ScrollView, can_focus=True):
    """Shows a sheet."""

    DEFAULT_CSS = """
    RawText { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._sheet = Sheet(())

    @property
    def sheet(self) -> Sheet:
        """Return what is shown."""
        return self._sheet

    def put(self, sheet: Sheet) -> None:
        """Show `sheet` from its beginning."""
        self._sheet = sheet
        self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._fit()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        width = max(_NARROWEST, self.content_size.width - 1)
        self.virtual_size = Size(width, self._sheet.fit(width))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return line `y` of what is visible."""
        base = self.rich_style
        width = self.scrollable_content_region.width
        text = self._sheet.row(y + self.scroll_offset.y)
        return Strip([Segment(text, base)]).adjust_cell_length(width, base)
