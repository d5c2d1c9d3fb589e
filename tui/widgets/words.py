"""A piece of text of parts with looks, written again only when it changed."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.widgets import Static

from tui.text import shown

Part = tuple[str, str]
"""Raw text and the name of its look (`tui.text.LOOKS`)."""


class Words(Static):
    """Shows raw text harmlessly; without any it takes no room."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(Content(""), id=id, classes=classes)
        self._parts: tuple[Part, ...] = ()

    def tell(self, parts: Iterable[Part], *, keep: bool = False) -> None:
        """Show `parts`; with `keep` the room is kept where there is nothing to say."""
        made = tuple(parts)
        self.display = keep or bool(made)
        if made != self._parts:
            self._parts = made
            self.update(Content("").join([shown(raw, look, limit=600) for raw, look in made]))
