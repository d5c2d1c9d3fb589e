"""Every binding of the dashboard by its id, and which keys may take the place of its own."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import string
from collections.abc import Iterator, Mapping
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import _character_to_key
from textual.screen import ModalScreen, Screen

import tui
from checks.safe import safe

NAMED = frozenset({
    "space", "enter", "escape", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown",
    "up", "down", "left", "right", *(f"f{number}" for number in range(1, 13)),
})  # fmt: skip
_CONTROL = frozenset(string.ascii_lowercase) - set("chijmqz")
"""Letters that reach a program with ctrl: the others are tab, enter, backspace, or end and stop programs."""


def key_of(written: object) -> str:
    """Return Textual's name of a key as a person writes it; raises ValueError with a full sentence."""
    text = str(written) if isinstance(written, (str, int)) and not isinstance(written, bool) else ""
    if len(text) == 1 and text.isascii() and text.isprintable() and text != " ":
        return _character_to_key(text)
    lowered = text.strip().lower()
    if lowered in NAMED:
        return lowered
    control, plus, letter = lowered.partition("+")
    if control == "ctrl" and plus and letter in _CONTROL and len(letter) == 1:
        return lowered
    raise ValueError(
        f"'{safe(str(written), limit=40)}' is no key that every terminal sends: use a character, f1 to f12, "
        "ctrl+a to ctrl+y without c, h, i, j, m and q, or space, enter, escape, home, pageup and the like."
    )


@functools.cache
def classes() -> tuple[type[DOMNode], ...]:
    """Return every class of the dashboard that has bindings of its own."""
    found: dict[str, type[DOMNode]] = {}
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        for item in vars(importlib.import_module(module.name)).values():
            if isinstance(item, type) and issubclass(item, DOMNode) and item.__module__.startswith("tui."):
                found[f"{item.__module__}.{item.__qualname__}"] = item
    return tuple(found.values())


def own_bindings(owner: type[Any]) -> list[Binding]:
    """Return the bindings that a class itself declares."""
    declared = vars(owner).get("BINDINGS", ())
    return [item for item in declared if isinstance(item, Binding)]


def known_ids() -> dict[str, Binding]:
    """Return every binding by its id."""
    return {item.id: item for owner in classes() for item in own_bindings(owner) if item.id}


def clashes(keymap: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return (id, sentence) for every key of `keymap` that would do two things in one place."""
    told: set[frozenset[str]] = set()
    for place in _places():
        before = _by_key(place, {})
        for key, names in _by_key(place, keymap).items():
            changed = [name for name in names if name in keymap]
            pair = frozenset(names)
            if len(names) > 1 and changed and names != before.get(key) and pair not in told:
                told.add(pair)
                name, other = changed[-1], next(item for item in names if item != changed[-1])
                yield name, f"This key does '{other}' there already: give one of the two another key."


def _places() -> Iterator[list[type[Any]]]:
    """Return the classes whose bindings work together: a page with the app, a dialog by itself.

    Any widget may stand on any page; what one of them does with a key is known from the keys it has now.
    """
    screens = [item for item in classes() if issubclass(item, Screen)]
    widgets = [item for item in classes() if not issubclass(item, (Screen, App))]
    apps = [item for item in classes() if issubclass(item, App)]
    for screen in screens:
        around = [] if issubclass(screen, ModalScreen) else apps
        parents = [item for item in screen.__mro__ if item in screens]
        yield [*parents, *around]
        for widget in widgets:
            yield [*(item for item in widget.__mro__ if item in widgets), *parents, *around]


def _by_key(place: list[type[Any]], keymap: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for owner in place:
        for item in own_bindings(owner):
            keys = keymap.get(item.id or "", item.key).split(",")
            for key in map(str.strip, keys):
                names = found.setdefault(_character_to_key(key) if len(key) == 1 else key, [])
                if item.id and item.id not in names:
                    names.append(item.id)
    return found
