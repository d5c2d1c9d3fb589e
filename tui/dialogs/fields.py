"""The fields of a form: a line to type in, one of a few words to choose, each with its problem below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from checks.safe import safe
from tui.text import joined, shown


class Entry(Input):
    """A line of text. What is typed or pasted is made harmless before it is kept: shown is what is stored."""

    class Cut(Message):
        """What was pasted did not fit; the rest was left out."""

    def __init__(self, *, most: int, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, max_length=most, compact=True, select_on_focus=False)
        self.most = most
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Keep no character that a terminal would act on, and no more than fit."""
        return safe(value[: self.most])[: self.most]

    def replace(self, text: str, start: int, end: int) -> None:
        """Put harmless text in place of what stands between two positions, as much as fits."""
        low, high = sorted((max(0, start), min(len(self.value), end)))
        room = self.most - (len(self.value) - (high - low))
        harmless = safe(text[: self.most])
        super().replace(harmless[: max(0, room)], low, high)
        if len(harmless) > room or len(text) > self.most:
            self.post_message(self.Cut())

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        text = " ".join(event.text[: 4 * self.most].split("\n"))
        self.replace(text.replace("\r", ""), *self.selection)


class Choice(Static, can_focus=True):
    """One of a few words, none chosen to begin with: left and right move, space or enter choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Left", show=False, id="choice.left", tooltip="One to the left"),
        Binding("right", "move(1)", "Right", show=False, id="choice.right", tooltip="One to the right"),
        Binding("space,enter", "choose", "Choose", show=False, id="choice.choose", tooltip="Choose it"),
    ]

    class Changed(Message):
        """Another word was chosen."""

    def __init__(self, options: Sequence[tuple[str, str]], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.options = tuple(options)
        """The values with the words that are shown for them."""
        self.value = ""
        self._place = 0

    def on_mount(self) -> None:
        self._write()

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - as Textual calls it
        """Show the cursor only while it is here."""
        super().watch_has_focus(_has_focus)
        self._write()

    def action_move(self, step: int) -> None:
        """Move the cursor; what is chosen stays."""
        self._place = max(0, min(self._place + step, len(self.options) - 1))
        self._write()

    def action_choose(self) -> None:
        """Choose the word under the cursor."""
        if not self.disabled:
            self.value = self.options[self._place][0]
            self._write()
            self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        left = 0
        for place, (_, word) in enumerate(self.options):
            if left <= event.x < left + len(word) + 4:
                self._place = place
                self.action_choose()
            left += len(word) + 6

    def _write(self) -> None:
        parts: list[tuple[str, str]] = []
        for place, (value, word) in enumerate(self.options):
            here = self.has_focus and place == self._place
            parts.append((f"({'x' if value == self.value else ' '}) {word}", "here" if here else ""))
            parts.append(("  ", ""))
        self.update(
            Content("").join(
                shown(text).stylize("reverse") if look == "here" else shown(text) for text, look in parts
            )
        )


class Field(Vertical):
    """A labelled field, with a hint beside it and its problem below."""

    def __init__(self, field: str, label: str, control: Entry | Choice, *, hint: str = "") -> None:
        super().__init__(id=f"field-{field}")
        self.field = field
        self._label = label
        self.control = control
        self._hint = hint
        self.touched = False
        """Something was typed or chosen here, so that its problem is worth saying."""
        self.cut = False
        self.set_class(not hint, "-whole")

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Static(shown(self._label), classes="label")
            yield from self._framed()
            yield Static(shown(self._hint, "dim"), classes="hint")
        yield Static(classes="problem")

    def _framed(self) -> Iterable[Widget]:
        if isinstance(self.control, Entry):
            yield Static(shown("["), classes="edge")
            yield self.control
            yield Static(shown("]"), classes="edge")
        else:
            yield self.control

    @property
    def value(self) -> str:
        """Return what was typed or chosen."""
        return self.control.value

    def clear(self) -> None:
        """Take back what was typed."""
        self.control.value = ""

    def hint(self, said: Content) -> None:
        """Say what the field is understood as."""
        self.query_one(".hint", Static).update(said)

    def say(self, problem: str) -> None:
        """Show what is wrong with the field; nothing for an empty text."""
        if not problem and self.cut:
            problem = "What was pasted is too long for this field: the rest was left out."
        place = self.query_one(".problem", Static)
        place.update(joined((problem[:400], "warn")))
        place.display = bool(problem)

    def on_input_changed(self) -> None:
        self.touched, self.cut = True, False

    def on_choice_changed(self) -> None:
        self.touched = True

    def on_entry_cut(self) -> None:
        self.cut = True


def line(field: str, label: str, *, most: int, hint: str = "") -> Field:
    """Return a field to type in; without a hint beside it, it takes the whole width."""
    return Field(field, label, Entry(most=most, id=field), hint=hint)


def pick(field: str, label: str, options: Sequence[tuple[str, str]], *, hint: str = " ") -> Field:
    """Return a field that is one of a few words."""
    return Field(field, label, Choice(options, id=field), hint=hint)
