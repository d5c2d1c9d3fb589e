"""`?`: what the page underneath is for, and every key that works there, read from its bindings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.binding import ActiveBinding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from agent.watch import View
from tui.page import Page
from tui.text import joined
from tui.widgets.keys import key_name

GROUPS = ("This page", "Here on it", "Everywhere")


class HelpPage(Page):
    """The keys of `under` as they were when this page was opened."""

    CSS_PATH: ClassVar[str] = "help.tcss"
    name_of_page = "keys"
    help_text = "All keys that work on the page where ? was pressed. A dim one cannot be used there now."

    def __init__(self, under: Screen[Any]) -> None:
        super().__init__()
        self._about = about(under)
        self._groups = grouped(under)

    def body(self) -> Iterable[Widget]:
        with VerticalScroll(id="help"):
            yield Static(self._about, id="about")
            yield Static(listed(self._groups), id="bindings")

    def show(self, view: View) -> None:
        """Keys do not change with the news."""


def about(under: Screen[Any]) -> Content:
    """Return name and purpose of a page."""
    if not isinstance(under, Page):
        return Content("")
    return joined((f"{under.name_of_page}\n", "title"), f"{under.help_text}\n" if under.help_text else "")


def grouped(under: Screen[Any]) -> dict[str, list[tuple[list[str], ActiveBinding]]]:
    """Return the bindings of a page in groups, each once with all its keys.

    Textual's own, which have no id, are left out but for those that move between panes.
    """
    found: dict[str, dict[str, tuple[list[str], ActiveBinding]]] = {name: {} for name in GROUPS}
    for item in under.active_bindings.values():
        if item.binding.id is None:
            continue
        name = numbered(item.binding.id)
        group = GROUPS[0] if item.node is under else GROUPS[2] if item.node is under.app else GROUPS[1]
        found[group].setdefault(name, ([], item))[0].append(key_name(item.binding.key))
    return {name: list(items.values()) for name, items in found.items() if items}


def numbered(name: str) -> str:
    """Return the name of a binding without a number: `home.milestone` for `home.milestone_3`."""
    return re.sub(r"_\d+$", "", name)


def in_words(keys: list[str]) -> str:
    """Return the keys of a binding; `1-9` for more than two."""
    return f"{keys[0]}-{keys[-1]}" if len(keys) > 2 else " ".join(keys)


def listed(groups: dict[str, list[tuple[list[str], ActiveBinding]]]) -> Content:
    """Return the groups as text, a line for each binding."""
    lines: list[Content] = []
    said_of = [item for items in groups.values() for _, item in items]
    name_cells = max((cell_len(item.binding.description) for item in said_of), default=0)
    wide = max((cell_len(in_words(keys)) for items in groups.values() for keys, _ in items), default=0)
    for name, items in groups.items():
        lines.append(joined((f"\n{name}", "title")))
        for keys, item in items:
            binding, look = item.binding, "" if item.enabled else "dim"
            one_of = r" \d+$" if len(keys) > 2 else r"$^"
            named, tells = (re.sub(one_of, "", raw) for raw in (binding.description, binding.tooltip))
            tells = f"  {tells}" if tells else ""
            said = in_words(keys)
            lines.append(
                joined(
                    (f"  {said}{' ' * (wide - cell_len(said))}  ", "bold" if item.enabled else "dim"),
                    (f"{named:<{name_cells}}", look), (tells, "dim"),
                    ("" if item.enabled else " (not now)", "dim"),
                )
            )  # fmt: skip
    lines.append(joined(("\n  tab shift+tab", "bold"), "  Next and previous pane or field"))
    return Content("\n").join(lines)
