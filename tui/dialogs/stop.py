"""Whether to stop a run: results that are stored stay, and the rest will read as not run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from tui.dialogs.ask import Ask
from tui.text import joined
from tui.widgets.listing import Cell, Column, Listing

KEEP, STOP = "keep", "stop"
_ANSWERS = ((KEEP, "Keep it running"), (STOP, "Stop the run"))


class StopDialog(Ask[bool]):
    """Answers whether to stop; the cursor begins on keeping it running."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer", "Choose", id="stop.answer", tooltip="Do what is under the cursor"),
    ]
    name_of_page = "stop the run"
    help_text = "Stops a run cleanly; what it stored stays."

    def __init__(self, run: str, done: int, total: int) -> None:
        super().__init__()
        self._run = run
        self._done, self._total = done, total

    def body(self) -> Iterable[Widget]:
        left = self._total - self._done
        yield Static(
            joined(
                ("Stop run ", "bold"), (self._run, "bold"), ("?\n", "bold"),
                f"{self._done} of {self._total} checks have been tested; their results stay.\n"
                f"{left} {'was' if left == 1 else 'were'} not: they will read as not run, or keep an older "
                "result.\n",
            )
        )  # fmt: skip
        yield Listing[tuple[str, str]](
            [Column("")],
            key=lambda item: item[0], paint=_paint, id="answers",
        )  # fmt: skip

    def on_mount(self) -> None:
        answers = self.query_one("#answers", Listing)
        answers.styles.height = len(_ANSWERS) + 1
        answers.put(_ANSWERS)
        answers.focus()
        super().on_mount()

    def on_listing_chosen(self) -> None:
        self.action_answer()

    def action_answer(self) -> None:
        """Answer with what is under the cursor."""
        chosen = self.query_one("#answers", Listing).chosen
        self.dismiss(chosen is not None and chosen[0] == STOP)


def _paint(item: tuple[str, str]) -> list[Cell]:
    return [(item[1], "")]
