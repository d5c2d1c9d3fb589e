"""How far a run is, as a bar of plain characters: full, and 100 %, only when nothing is left."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from tui.text import joined

FULL, LEFT = "#", "-"
_BEHIND = len("  100%")


def bar(done: int, total: int, width: int) -> str:
    """Return `####------`; what is done never looks like more than it is."""
    width = max(0, width)
    full = width * max(0, min(done, total)) // total if total > 0 else 0
    return FULL * full + LEFT * (width - full)


def percent(done: int, total: int) -> str:
    """Return `54%`, rounded down."""
    return f"{100 * max(0, min(done, total)) // total}%" if total > 0 else "-"


class Progress(Static):
    """A bar across the screen."""

    DEFAULT_CSS = "Progress { height: 1; padding: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(Content(""), id=id)
        self._of = (0, 0)
        self._written = ""

    def show(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        self._of = (done, total)
        self._write()

    def on_resize(self, _: events.Resize) -> None:
        self._write()

    def _write(self) -> None:
        written = f"{bar(*self._of, self.content_size.width - _BEHIND)}  {percent(*self._of):>4}"
        if written != self._written:
            self._written = written
            self.update(joined((written, "running")))
