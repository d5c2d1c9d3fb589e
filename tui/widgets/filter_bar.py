"""The line in which a person types a filter, with what is wrong with it beside."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label

from checks.safe import safe
from tui.filter import Filter, FilterError
from tui.widgets.words import Words

MOST_TYPED = 200
_FIELDS = " status: type: site: owner: milestone: is: id: target: or a word; , is or, - is not"


class FilterInput(Input):
    """An input that shows nothing harmful, whatever is pasted."""

    BINDINGS = [  # noqa: RUF012 - declared so by Textual
        Binding("enter", "submit", "To the list", id="filter.submit", tooltip="Go to the checks that match"),
        Binding("escape", "screen.back", "Clear", id="filter.clear", tooltip="Drop the filter"),
        Binding("down", "to_list", "To the list", show=False, id="filter.list", tooltip="Go to the checks"),
    ]

    def validate_value(self, value: str) -> str:
        """Make what was typed or pasted visible and short."""
        return safe(value[:MOST_TYPED], limit=MOST_TYPED)[:MOST_TYPED]

    async def action_to_list(self) -> None:
        """Leave the line for the list."""
        await self.action_submit()


class FilterBar(Vertical):
    """Open while a filter is typed or in force; its room stays the same, so that nothing jumps."""

    DEFAULT_CSS = """
    FilterBar { height: 3; display: none; background: $panel; }
    FilterBar.-open { display: block; }
    FilterBar Horizontal { height: 1; }
    FilterBar Label { width: auto; }
    FilterBar Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    FilterBar Input:focus { border: none; }
    FilterBar Words { height: 2; }
    """

    class Turned(Message):
        """Another filter is in force, or none."""

    class Left(Message):
        """The person is done typing."""

    def __init__(self, understand: Callable[[str], Filter], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._understand = understand
        self._problem = ""
        self.filter: Filter | None = None
        """What is in force; None shows what blocks the milestone."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(Content(" / "))
            made = FilterInput(max_length=MOST_TYPED, compact=True)
            made.cursor_blink = False
            yield made
        yield Words(id="filter-said")

    @property
    def open(self) -> bool:
        """Return whether the line is there."""
        return self.has_class("-open")

    @property
    def understood(self) -> bool:
        """Return whether what is typed is a filter, or nothing."""
        return not self._problem

    def begin(self) -> None:
        """Open the line and let the person type."""
        self.add_class("-open")
        self.screen.set_focus(self.query_one(FilterInput))

    def clear(self) -> None:
        """Close the line and drop the filter."""
        self.remove_class("-open")
        had, self.filter, self._problem = self.filter, None, ""
        found = self.query_one(FilterInput)
        with found.prevent(Input.Changed):
            found.value = ""
        if had is not None:
            self.post_message(self.Turned())

    def say(self, shown: int, of: int) -> None:
        """Say how many checks the list shows, or what is wrong with what was typed."""
        parts = [(f" {self._problem}", "warn")] if self._problem else [(_FIELDS, "dim")]
        if self.filter is not None and not self._problem:
            parts = [(f" {shown} of {of} checks", "bold"), ("  esc shows again what blocks", "dim")]
        self.query_one(Words).tell(parts, keep=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Put the filter in force as soon as it is one; until then the list stays as it was."""
        event.stop()
        text = event.value.strip()
        try:
            self.filter, self._problem = (self._understand(text) if text else None), ""
        except FilterError as error:
            self._problem = str(error)
        self.post_message(self.Turned())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            self.clear()
        self.post_message(self.Left())
