"""Home: the milestones on a timeline, and what blocks the selected one, worst first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from agent.board import Row, blocking, current, rows
from agent.watch import View
from tui.page import Page
from tui.text import sign
from tui.widgets.listing import Cell, Column, Listing


def cells(row: Row) -> list[Cell]:
    """Return a row of the list of checks."""
    return [
        (sign(row.standing), row.standing.value),
        (row.id, ""),
        (row.planned.target, ""),
        (row.observed, ""),
    ]


class Home(Page):
    """See the module's docstring."""

    CSS_PATH: ClassVar[str] = "home.tcss"
    name_of_page = "milestones"

    def body(self) -> Iterable[Widget]:
        yield Listing[Row](
            [Column("STATUS", 17), Column("CHECK", 22), Column("TARGET", 18), Column("OBSERVED")],
            key=lambda row: row.id, paint=cells, id="blocking",
        )  # fmt: skip

    def show(self, view: View) -> None:
        item = current(view.picture.verdicts, view.decisions, view.picture.now)
        self.query_one("#blocking", Listing).put(blocking(rows(view.picture, item)))
