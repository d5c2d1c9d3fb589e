"""The list that has to be read before a sign-off: all that is not pass, to its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from agent.board import Row
from tui.text import joined, shown, sign
from tui.widgets.listing import Cell, Column, Listing
from tui.widgets.title import Title

if TYPE_CHECKING:
    from tui.app import Dashboard


def _cells(row: Row) -> list[Cell]:
    waived = "waived: " if row.waiver is not None else "" if row.required else "advisory: "
    said = f"{waived}{row.observed}" + (f", want {row.expected}" if row.expected else "")
    return [(sign(row.standing), row.standing.value), (row.id, ""), (said, "")]


class Reading(ModalScreen[bool]):
    """Answers True once the list was on the screen to its last line and the person says they have read it."""

    CSS_PATH = "reading.tcss"
    AUTO_FOCUS = "#list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "read", "I have read it", id="reading.read", tooltip="You have read it all"),
        Binding("escape", "back", "Back", id="reading.back", tooltip="Back without saying so"),
    ]  # fmt: skip

    def __init__(self, title: str, found: Sequence[Row], others: Sequence[str] = ()) -> None:
        super().__init__()
        self._title = title
        self._rows = found
        self._others = others
        self._end = False
        """The last line was on the screen."""

    def compose(self) -> ComposeResult:
        yield Title(id="title")
        with Vertical(id="box"):
            yield Static(joined((self._title[:300], "title")), id="heading")
            others = "\n".join(shown(reason, limit=200).plain for reason in self._others[:5])
            yield Static(joined((others, "warn")), id="others")
            yield Listing[Row](
                [Column("STATUS", 17), Column("CHECK", 20), Column("OBSERVED")],
                key=lambda row: row.id, paint=_cells, empty="Nothing is open in this gate.", id="list",
            )  # fmt: skip
            yield Static(id="whole")
            yield Static(id="state")
            with Horizontal(id="buttons"):
                yield Button(shown("Back  esc"), id="back", compact=True)
                yield Button(shown("I have read it all  ctrl+s"), id="read", compact=True)

    def on_mount(self) -> None:
        self.query_one("#others").display = bool(self._others)
        found = self.query_one(Listing)
        found.put(self._rows)
        self.watch(found, "scroll_y", self._look, init=False)
        self.watch(found, "virtual_size", self._look, init=False)
        self.call_after_refresh(self._look)
        self.set_interval(1.0, self._tick)
        self._tick()
        self._tell()

    def _tick(self) -> None:
        store = cast("Dashboard", self.app).store
        self.query_one(Title).show(store.view, "sign off", now=store.now(), read_only=store.read_only)

    def on_resize(self) -> None:
        self.call_after_refresh(self._look)

    def _look(self) -> None:
        found = self.query_one(Listing)
        if found.size.height > 1 and found.scroll_offset.y >= found.max_scroll_y:
            self._end = True
        self._tell()

    @on(Listing.Moved)
    def _moved(self) -> None:
        self._tell()

    def _tell(self) -> None:
        row = self.query_one(Listing).chosen
        whole = self.query_one("#whole", Static)
        if row is None:
            whole.display = False
        else:
            parts = [(f"{row.planned.title or row.id}  ", "bold"), (row.planned.target, ""), ("\n", "")]
            parts += [("Expected ", "dim"), (row.expected or "-", ""), ("\nObserved ", "dim")]
            parts += [(row.observed or "-", "")]
            if row.owner is not None:
                parts += [("\nCall     ", "dim"), (f"{row.owner.name} {row.owner.phone}", "")]
            whole.update(joined(*[(text[:300], look) for text, look in parts]))
        said = (
            "ctrl+s says that you have read it all." if self._end else "Go on to the end of the list first."
        )
        self.query_one("#state", Static).update(joined((said, "" if self._end else "warn")))
        self.query_one("#read").set_class(not self._end, "-not-yet")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey the word until the end was seen."""
        return None if action == "read" and not self._end else True

    def action_read(self) -> None:
        """Say that it was read."""
        if self._end and self.is_current:
            self.dismiss(result=True)

    def action_back(self) -> None:
        """Go back without saying so."""
        if self.is_current:
            self.dismiss(result=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "read":
            self.action_read()
        else:
            self.action_back()
