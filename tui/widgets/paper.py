"""Text to read, drawn by the line: paragraphs of raw text, made harmless and wrapped to the width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from checks.dataclass import dataclass
from checks.safe import safe
from tui.text import LOOKS
from tui.widgets.cells import steady

Part = tuple[str, str]
"""Raw text and the name of its look (`tui.text.LOOKS`)."""
LIMIT = 2000
"""Characters shown of one part."""
_WORDS = re.compile(r"\n|[^\S\n]+|\S+")
_NARROWEST = 8


@dataclass(frozen=True, slots=True)
class Para:
    """One paragraph: a label in a column of its own, and raw text beside it."""

    parts: tuple[Part, ...]
    label: str = ""
    indent: int = 0
    """Cells that the text (and every line it is wrapped to) stands in from the left."""


def para(*parts: Part | str, label: str = "", indent: int = 0) -> Para:
    """Return a paragraph; a plain string has no look."""
    made = tuple(part if isinstance(part, tuple) else (part, "") for part in parts)
    return Para(made, label, indent)


BLANK = Para(())


def plain(paras: Iterable[Para]) -> str:
    """Return the paragraphs as harmless text without wrapping, for a clipboard."""
    lines = []
    for item in paras:
        text = "".join(safe(raw, limit=LIMIT, lines=True) for raw, _ in item.parts)
        label = f"{safe(item.label):<{item.indent}}" if item.label else " " * item.indent
        first, *more = text.split("\n")
        lines.append((label + first).rstrip())
        lines += [(" " * item.indent + line).rstrip() for line in more]
    return "\n".join(lines) + "\n"


def wrapped(item: Para, width: int) -> list[list[Part]]:
    """Return the paragraph's lines, each of harmless parts, none wider than `width`."""
    room = max(_NARROWEST, width - item.indent)
    lines: list[list[Part]] = [[]]
    used = 0
    for raw, look in item.parts:
        for word in _WORDS.findall(steady(safe(raw, limit=LIMIT, lines=True))):
            if word == "\n":
                lines.append([])
                used = 0
                continue
            wide = cell_len(word)
            if used + wide > room and used:
                lines.append([])
                used = 0
                if word.isspace():
                    continue
            for piece, cells in _pieces(word, wide, room):
                if used + cells > room:
                    lines.append([])
                    used = 0
                lines[-1].append((piece, look))
                used += cells
    label = safe(item.label)[: max(0, item.indent - 1)]
    for number, line in enumerate(lines):
        if item.indent:
            line.insert(0, (f"{label if number == 0 else '':<{item.indent}}", "dim"))
    return lines


def _pieces(word: str, wide: int, room: int) -> Iterable[tuple[str, int]]:
    if wide <= room:
        yield word, wide
        return
    step = room if wide == len(word) else room // 2
    for start in range(0, len(word), step):
        piece = word[start : start + step]
        yield piece, cell_len(piece)


class Paper(ScrollView, can_focus=True):
    """Shows paragraphs. Putting the same ones again repaints nothing; the place read stays where it is."""

    DEFAULT_CSS = """
    Paper { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, classes=classes)
        self._paras: tuple[Para, ...] = ()
        self._rows: list[list[Part]] = []
        self._width = 0
        self._looks: dict[str, RichStyle] = {}

    @property
    def paras(self) -> Sequence[Para]:
        """Return what is shown."""
        return self._paras

    def put(self, paras: Iterable[Para], *, top: bool = False) -> None:
        """Show `paras`; with `top` from their beginning."""
        made = tuple(paras)
        if top:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        if made != self._paras:
            self._paras = made
            self._wrap()

    def on_resize(self) -> None:
        if self._room() != self._width:
            self._wrap()

    def _room(self) -> int:
        """Return the cells a line has; the scroll bar's is kept free, so that its coming moves no text."""
        return max(_NARROWEST, self.content_size.width - 1)

    def _wrap(self) -> None:
        self._width = self._room()
        self._rows = [row for item in self._paras for row in wrapped(item, self._width)]
        self.virtual_size = Size(self._width, len(self._rows))
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget the looks of the theme before."""
        super().notify_style_update()
        self._looks.clear()

    def render_line(self, y: int) -> Strip:
        """Return line `y` of what is visible."""
        base = self.rich_style
        place = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if place >= len(self._rows):
            return Strip.blank(width, base)
        segments = [Segment(text, base + self._look(look)) for text, look in self._rows[place]]
        return Strip(segments).adjust_cell_length(width, base)

    def _look(self, name: str) -> RichStyle:
        if name not in self._looks:
            self._looks[name] = Style.parse(LOOKS[name], self.app.theme_variables).rich_style
        return self._looks[name]
