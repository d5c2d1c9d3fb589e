"""The last line of every screen: the keys that work here now, at most eight, the rest is under `?`."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from textual import events
from textual.binding import ActiveBinding
from textual.content import Content
from textual.widgets import Static

from tui.text import joined

MOST = 8
ALWAYS = ("app.help", "app.quit")
"""Bindings that keep their place at the end of the line, however many others there are."""
_NAMES = {
    "up": "up", "down": "down", "left": "left", "right": "right", "enter": "enter", "escape": "esc",
    "backspace": "backspace", "space": "space", "pageup": "pgup", "pagedown": "pgdn", "delete": "del",
    "question_mark": "?", "slash": "/", "minus": "-", "left_square_bracket": "[",
    "right_square_bracket": "]",
}  # fmt: skip


def key_name(key: str) -> str:
    """Return how a key is shown: in letters that every terminal has."""
    from textual.keys import format_key

    *modifiers, last = key.split("+")
    return "+".join([*modifiers, _NAMES.get(last) or format_key(last)])


def shown(active: Iterable[ActiveBinding], width: int) -> list[ActiveBinding]:
    """Return the bindings that the line has room for: each once, those of `ALWAYS` last."""
    once: dict[str, ActiveBinding] = {}
    for item in active:
        if item.binding.show:
            once.setdefault(item.binding.id or item.binding.action, item)
    last = [once.pop(name) for name in ALWAYS if name in once]
    room = width - sum(map(_cells, last))
    first: list[ActiveBinding] = []
    for item in once.values():
        if len(first) + len(last) < MOST and _cells(item) <= room:
            first.append(item)
            room -= _cells(item)
    return first + last


def _cells(item: ActiveBinding) -> int:
    return cell_len(f" {key_name(item.binding.key)} {item.binding.description} ")


class KeyBar(Static):
    """Reads the bindings of the screen; one that cannot be used now is dim."""

    DEFAULT_CSS = "KeyBar { height: 1; dock: bottom; background: $panel; }"

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._write())
        self._write()

    def on_resize(self, _: events.Resize) -> None:
        self._write()

    def _write(self) -> None:
        parts: list[tuple[str, str]] = []
        for item in shown(list(self.screen.active_bindings.values()), self.size.width):
            parts.append((f" {key_name(item.binding.key)}", "bold" if item.enabled else "dim"))
            parts.append((f" {item.binding.description} ", "" if item.enabled else "dim"))
        self.update(joined(*parts) if parts else Content(""))
