"""A piece of text of parts with looks, written again only when it changed."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.widgets import Static

from tui.text import shown

Part = tuple[str, str]
"""Raw text and the name of its look (`tui.text.LOOKS`)."""


class Words(Static):
    """Shows raw text harmlessly; without any it takes no room, and a `~` says where there was too little."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(Content(""), id=id, classes=classes)
        self._parts: tuple[Part, ...] = ()

    def tell(self, parts: Iterable[Part], *, keep: bool = False) -> None:
        """Show `parts`; with `keep` the room is kept where there is nothing to say."""
        made = tuple(parts)
        self.display = keep or bool(made)
        if made != self._parts:
            self._parts = made
            self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        whole = Content("").join([shown(raw, look, limit=600) for raw, look in self._parts])
        width, most = self.content_size.width, self._most_lines()
        lines = whole.wrap(width) if width and most else []
        if len(lines) > most:
            last = lines[most - 1].rstrip().truncate(width - 1)
            whole = Content("\n").join([*lines[: most - 1], Content("").join([last, shown("~")])])
        if whole != self.visual:
            self.update(whole)

    def _most_lines(self) -> int:
        """Return how many lines the style allows; 0 for any number."""
        for rule in (self.styles.height, self.styles.max_height):
            if rule is not None and rule.cells is not None and self.styles.text_wrap == "wrap":
                return rule.cells
        return 0
