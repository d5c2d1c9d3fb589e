"""ctrl+p: everything that can be done here, found by a few letters of its name.

Textual's own palette reads names as markup; here they are cells of a list, made harmless as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from checks.dataclass import dataclass
from tui.dialogs.fields import Entry
from tui.themes import THEMES
from tui.widgets.keys import key_name
from tui.widgets.listing import Cell, Column, Listing

if TYPE_CHECKING:
    from tui.app import Dashboard

_MOST_TYPED = 80
_TOO_MANY = re.compile(r"^list\.|_\d+$")
"""Moving about in a list, and keys that stand for numbers: what these do is listed by name."""
_NOT_HERE = frozenset({"app.palette", "app.jump", "page.back"})


@dataclass(frozen=True, slots=True)
class Command:
    """Something that can be done; its texts are raw."""

    name: str
    tells: str
    key: str
    do: Callable[[], object]
    hidden: bool = False
    """Only found by its name: there are too many of these to list."""


def commands(app: Dashboard, under: Screen[Any]) -> list[Command]:
    """Return what can be done on the screen `under`: its keys, then milestones, themes and checks."""
    return [*_keys(app, under), *_milestones(app), *_themes(app), *_checks(app)]


def _keys(app: Dashboard, under: Screen[Any]) -> Iterator[Command]:
    seen: set[str] = set()
    for item in under.active_bindings.values():
        binding, node = item.binding, item.node
        name = binding.id
        if name is None or name in seen or name in _NOT_HERE or not item.enabled or _TOO_MANY.search(name):
            continue
        seen.add(name)

        async def do(action: str = binding.action, node: Any = node) -> None:
            await app.run_action(action, node)

        yield Command(binding.description, binding.tooltip, key_name(binding.key), do)


def _milestones(app: Dashboard) -> Iterator[Command]:
    yield Command("Home", "All milestones", "", app.go_home)
    writes = not app.store.read_only
    for item in app.store.plan.milestones:
        name = item.id
        yield Command(f"Milestone {name}", item.title, "", partial(app.go_home, name))
        if writes:
            yield Command(
                f"Run {name}", f"Ask which run to start for: {item.title}", "",
                partial(app.ask_run, milestone=name),
            )  # fmt: skip
            yield Command(f"Sign off {name}", item.title, "", partial(app.ask_decision, name))


def _themes(app: Dashboard) -> Iterator[Command]:
    def use(name: str) -> None:
        app.theme = name

    for theme in THEMES:
        yield Command(
            f"Theme {theme.name}", "For now; dashboard.yaml keeps one", "", partial(use, theme.name)
        )


def _checks(app: Dashboard) -> Iterator[Command]:
    writes = not app.store.read_only
    for planned in app.store.plan.checks:
        name = planned.id
        yield Command(f"Why {name}", planned.title, "", partial(app.open_detail, name), hidden=True)
        if writes:
            yield Command(f"Waive {name}", "Ask for a waiver", "", partial(app.ask_waiver, name), hidden=True)


def found(everything: list[Command], typed: str) -> list[Command]:
    """Return the commands in whose name or description every word typed occurs; names first."""
    words = typed.casefold().split()
    if not words:
        return [command for command in everything if not command.hidden]
    by_name = [item for item in everything if all(word in item.name.casefold() for word in words)]
    taken = set(map(id, by_name))
    by_text = [
        item
        for item in everything
        if id(item) not in taken and all(word in f"{item.name} {item.tells}".casefold() for word in words)
    ]
    return by_name + by_text


class Palette(ModalScreen[None]):
    """A field to type in and the commands that match; enter does the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="palette.back", tooltip="Do nothing"),
        Binding("up", "move(-1)", "Up", id="palette.up", show=False, tooltip="The command above"),
        Binding("down", "move(1)", "Down", id="palette.down", show=False, tooltip="The command below"),
        Binding("pageup", "page(-1)", "Page up", id="palette.page_up", show=False, tooltip="A page up"),
        Binding(
            "pagedown", "page(1)", "Page down", id="palette.page_down", show=False, tooltip="A page down"
        ),
    ]
    DEFAULT_CSS = """
    Palette { align: center top; layers: default small; }
    #palette {
        width: 100%; max-width: 100; height: 20; margin: 1 2; background: $panel; border: solid $primary;
    }
    #palette Input { background: $background; }
    """

    def __init__(self, under: Screen[Any]) -> None:
        super().__init__()
        self._under = under
        self._all: list[Command] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="palette"):
            field = Entry(most=_MOST_TYPED, id="typed")
            field.placeholder = "Type a few letters; enter does it, esc leaves"
            yield field
            listing = Listing[Command](
                [Column("COMMAND", 30), Column("KEY", 8), Column("")],
                key=lambda command: command.name, paint=_cells, id="commands",
                empty="Nothing here is called that.",
            )  # fmt: skip
            listing.can_focus = False
            yield listing

    def on_mount(self) -> None:
        self._all = commands(cast("Dashboard", self.app), self._under)
        self._listing.put(found(self._all, ""))
        self.query_one(Entry).focus()

    @property
    def _listing(self) -> Listing[Command]:
        return self.query_one("#commands", Listing)

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        self._listing.put(found(self._all, event.value))
        self._listing.action_edge(-1)

    @on(Input.Submitted)
    @on(Listing.Chosen)
    def _do(self, event: Message) -> None:
        event.stop()
        chosen = self._listing.chosen
        self.dismiss()
        if chosen is not None:
            self.app.call_later(chosen.do)

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self._listing.action_move(step)

    def action_page(self, step: int) -> None:
        """Move the cursor by a page."""
        self._listing.action_page(step)

    def action_leave(self) -> None:
        """Do nothing."""
        self.dismiss()


def _cells(command: Command) -> list[Cell]:
    return [(command.name, "bold"), (command.key, ""), (command.tells, "dim")]
