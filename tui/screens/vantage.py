"""Where this laptop stands, and what it cannot test from there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from agent.board import Board, Row
from agent.switch_port import switch_port
from agent.watch import View
from checks.words import Status
from tui.page import Page
from tui.screens.vantage_text import cannot, doctor, seen_from
from tui.store import Examined
from tui.text import joined, sign
from tui.widgets.listing import Cell, Column, Listing
from tui.widgets.paper import BLANK, Paper

_PLAN_GONE = "That run tested nothing of this plan that it could not tell."


def _cells(row: Row) -> list[Cell]:
    return [(sign(row.standing), row.standing.value), (row.id, ""), (row.observed, "")]


class VantagePage(Page):
    """See the module's docstring."""

    CSS_PATH: ClassVar[str] = "vantage.tcss"
    AUTO_FOCUS = "#stand"
    name_of_page = "vantage"
    help_text = (
        "Where the newest run saw its results from, what it therefore could not test, and what the doctor "
        "finds on the laptop that this dashboard runs on."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "examine", "Look again", id="vantage.examine", tooltip="Let the doctor look again"),
        Binding(
            "enter", "why", "Why", id="vantage.why", tooltip="The evidence of the check under the cursor"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._board = Board()
        self._view: View | None = None
        self._here: Examined | None = None
        self._error = ""
        self._busy = False

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="sides"):
            with Vertical(id="there"):
                yield Paper(id="stand")
                yield Static(id="heading")
                yield Listing[Row](
                    [Column("STATUS", 17), Column("CHECK", 22), Column("OBSERVED")],
                    key=lambda row: row.id, paint=_cells, empty=_PLAN_GONE, id="untold",
                )  # fmt: skip
            yield Paper(id="doctor")

    def on_mount(self) -> None:
        self.action_examine()

    def show(self, view: View) -> None:
        self._view = view
        found = self._untold(view)
        self.query_one("#untold", Listing).put(found)
        number = len(found)
        said = f"{number} {'check' if number == 1 else 'checks'} could not tell in that run"
        self.query_one("#heading", Static).update(joined((said, "bold"), (": enter says why", "dim")))
        self._write()
        self.refresh_bindings()

    def _untold(self, view: View) -> list[Row]:
        """Return the checks that the newest run could not tell, or that its own laptop kept from running."""
        picture = view.picture
        if picture.run is None:
            return []
        run, known = picture.run.id, picture.plan.by_id
        return [
            row
            for row in self._board.everything(picture)
            if row.told is not None
            and getattr(row.told, "run", "") == run
            and (
                row.told.status is Status.INCONCLUSIVE
                or (row.told.blocked_by is not None and row.told.blocked_by not in known)
            )
        ]

    def tick(self) -> None:
        """Let ages grow while the page is not frozen."""
        super().tick()
        if not self.dashboard.frozen:
            self._write()

    def _write(self) -> None:
        view = self._view
        if view is None or not self.stands:
            return
        picture, now = view.picture, self.dashboard.frozen_at or self.store.now()
        zone = picture.plan.project.timezone
        port = switch_port(picture.results.values(), picture.run.vantage) if picture.run is not None else None
        stand = [*seen_from(picture.run, now, zone, self._here, port), *cannot(picture.run)]
        found = list(doctor(self._here, self._error, zone, busy=self._busy, read_only=self.store.read_only))
        if self.has_class("-wide"):
            self.query_one("#doctor", Paper).put(found)
        else:
            stand += [BLANK, *found]
        self.query_one("#stand", Paper).put(stand)

    def on_resize(self, _: events.Resize) -> None:
        self.call_after_refresh(self._write)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now."""
        if action == "examine" and self._busy:
            return None
        if action == "why":
            return True if self.is_mounted and self.query_one("#untold", Listing).items else None
        return super().check_action(action, parameters)

    def action_examine(self) -> None:
        """Let the doctor look again."""
        if not self._busy:
            self._busy = True
            self.run_worker(self._examine(), name="examine")
            self.refresh_bindings()
            self._write()

    async def _examine(self) -> None:
        try:
            self._here, self._error = await self.store.examine(), ""
        except OSError as error:
            self._error = f"The doctor could not look at this laptop: {error.strerror or error}."
        finally:
            self._busy = False
        self.refresh_bindings()
        self._write()

    @on(Listing.Chosen)
    def action_why(self) -> None:
        """Show the evidence of the check under the cursor."""
        found = self.query_one("#untold", Listing)
        row = found.chosen
        if row is not None:
            self.dashboard.open_detail(row.id, [item.id for item in found.items])
