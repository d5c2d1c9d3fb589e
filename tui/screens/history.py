"""Runs and baselines; any two are compared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget

from agent.diff import NOW
from agent.ledger.errors import LedgerError
from agent.runs import Runs
from agent.watch import View
from tui.page import Page
from tui.screens.history_list import NOT_YET, WIDE, Counted, Entry, cells, columns, entries, in_full
from tui.widgets.listing import Cell, Listing
from tui.widgets.words import Words

RENEW_S = 5.0


class HistoryPage(Page):
    """Lists runs and baselines; two that are marked are compared."""

    CSS_PATH: ClassVar[str] = "history.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "mark",
            "Mark",
            id="history.mark",
            tooltip="Mark a line, or take the mark back; at most two",
        ),
        Binding(
            "enter", "pick", "Pick", id="history.pick", tooltip="Mark the first, then the second and compare"
        ),
        Binding("d", "compare", "Compare", id="history.compare", tooltip="Compare what is marked"),
        Binding(
            "b", "drift", "Baseline:now", id="history.drift", tooltip="Compare a baseline with what is so now"
        ),
        Binding("B", "name", "Name it", id="history.name", tooltip="Give the run a name to compare with"),
    ]
    name_of_page = "history"
    help_text = (
        "The runs and the names that some were given. Mark two and compare them; with one marked it is "
        "compared with what is so now, with none the run before the last one is."
    )

    def __init__(self) -> None:
        super().__init__()
        self._runs: Runs | None = None
        self._error = ""
        self._busy = False
        self._number = -1
        self._state: object = None
        """What the list was read for: another newest run, or another that goes on, needs another look."""
        self._not_before = 0.0
        self._marked: list[str] = []
        self._counts: dict[str, Counted] = {}
        """By run; None where they cannot be read."""
        self._counted_as: dict[str, str] = {}
        """What had become of each run when it was counted: until it ended it may find more."""
        self._wide = False

    def body(self) -> Iterable[Widget]:
        yield Words(id="problem")
        yield Listing[Entry](
            columns(wide=self._wide),
            key=lambda entry: entry.key,
            paint=self._paint,
            id="runs",
            empty="Reading the ledger ...",
        )
        yield Words(id="more")
        yield Words(id="about")
        yield Words(id="hint")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#runs", Listing).focus()
        self.set_interval(1.0, self._renew)
        self._write()

    def on_resize(self, event: events.Resize) -> None:
        self._wide = event.size.width >= WIDE
        self.query_one("#runs", Listing).lay_out(columns(wide=self._wide))

    # Reading

    def show(self, view: View) -> None:
        self.query_one("#problem", Words).tell([(problem, "inconclusive") for problem in view.problems[:1]])
        self._renew()

    def _renew(self, *, must: bool = False) -> None:
        view = self.dashboard.view_shown
        newest = view.picture.run
        state = (
            (newest.id, newest.outcome) if newest is not None else None,
            tuple(run.id for run in view.runs),
        )
        news = state != self._state or (view.number != self._number and time.monotonic() >= self._not_before)
        if self._busy or not self.is_current or (self.dashboard.frozen and self._runs is not None):
            self._not_before = 0.0 if must else self._not_before
            return
        if must or news:
            self._busy, self._state, self._number = True, state, view.number
            self.run_worker(self._read(), name="past")

    async def _read(self) -> None:
        try:
            self._runs, self._error = await self.store.past(), ""
        except LedgerError as error:
            self._error = str(error)
        finally:
            self._busy = False
            self._not_before = time.monotonic() + RENEW_S
        if self.stands:
            if self._runs is not None:
                for item in self._runs.runs:
                    if item.became == "goes on" or self._counted_as.get(item.run.id) != item.became:
                        self._counts.pop(item.run.id, None)
            self._write()
            self.run_worker(self._count(), name="counts", group="counts", exclusive=True)

    async def _count(self) -> None:
        """Count what each run found, the newest first; at most half of the time."""
        for item in self._runs.runs if self._runs is not None else ():
            if item.run.id in self._counts:
                continue
            begun = time.monotonic()
            self._counted_as[item.run.id] = item.became
            try:
                self._counts[item.run.id] = await self.store.tested(item.run)
            except LedgerError:
                self._counts[item.run.id] = None
            if not self.stands:
                return
            self.query_one("#runs", Listing).repaint()
            self._tell()
            await asyncio.sleep(time.monotonic() - begun)

    # Showing

    def _write(self) -> None:
        listing = self.query_one("#runs", Listing)
        found = entries(self._runs) if self._runs is not None else []
        keys = {entry.key for entry in found}
        self._marked = [key for key in self._marked if key in keys]
        if self._error:
            listing.put(found, empty=self._error)
        elif self._runs is not None:
            listing.put(found, empty="")
        more = []
        if self._error and found:
            more.append((self._error, "inconclusive"))
        if self._runs is not None and not self._runs.runs:
            more.append(("Nothing was run yet: r on the page before starts a run.", "dim"))
        elif self._runs is not None and self._runs.total > len(self._runs.runs):
            shown = f"The newest {len(self._runs.runs)} of {self._runs.total} runs"
            more.append((f"{shown}; gonogo diff compares older ones.", "dim"))
        self.query_one("#more", Words).tell(more)
        self._tell()
        self.refresh_bindings()

    def _paint(self, entry: Entry) -> list[Cell]:
        mark = self._marked.index(entry.key) + 1 if entry.key in self._marked else 0
        zone = self.store.plan.project.timezone
        return cells(entry, mark=mark, zone=zone, counts=self._counted(entry), wide=self._wide)

    def _counted(self, entry: Entry) -> Counted:
        return self._counts.get(entry.past.run.id, NOT_YET) if entry.past is not None else None

    def _tell(self) -> None:
        here, zone = self._here, self.store.plan.project.timezone
        said = in_full(here, zone, self._counted(here)) if here is not None else ""
        self.query_one("#about", Words).tell([(said, "")] if said else [])
        self.query_one("#hint", Words).tell(self._hint())

    def _hint(self) -> list[tuple[str, str]]:
        sides = self._sides()
        if self._runs is None or sides is None:
            return []
        said: list[tuple[str, str]] = [("d", "bold"), (f" compares {sides[0]} with {sides[1]}. ", "")]
        if not self._marked:
            said.append(("Mark one or two lines with space to choose.", "dim"))
        elif len(self._marked) == 1:
            said.append(("Mark a second line to compare it with that one.", "dim"))
        return said

    def on_listing_moved(self) -> None:
        self._tell()
        self.refresh_bindings()

    # What a person does

    @property
    def _here(self) -> Entry | None:
        if not self.stands:
            return None
        chosen: Entry | None = self.query_one("#runs", Listing).chosen
        return chosen

    def _entry(self, key: str) -> Entry | None:
        items: Iterable[Entry] = self.query_one("#runs", Listing).items
        return next((entry for entry in items if entry.key == key), None)

    def _sides(self) -> tuple[str, str] | None:
        """Return the words of both sides, the older one before; None if there is nothing to compare."""
        if self._runs is None or not self._runs.runs:
            return None
        found = [entry for key in self._marked if (entry := self._entry(key)) is not None]
        if not found or (len(found) == 1 and found[0].word == NOW):
            return (self._runs.previous, NOW) if self._runs.previous else None
        if len(found) == 1:
            return found[0].word, NOW
        newer, older = sorted(found, key=lambda entry: entry.age)
        return older.word, newer.word

    def _drifting(self) -> str:
        """Return the baseline that is compared with now: the cursor's, else the one named last."""
        here = self._here
        if here is not None and here.baseline is not None:
            return here.word
        return self._runs.baselines[0].name if self._runs is not None and self._runs.baselines else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("mark", "pick"):
            return True if self._here is not None else None
        if action == "compare":
            return True if self.stands and self._sides() is not None else None
        if action == "drift":
            return True if self._drifting() else None
        if action == "name":
            here = self._here
            return True if here is not None and here.past is not None and not self.store.read_only else None
        return super().check_action(action, parameters)

    def action_mark(self) -> None:
        """Mark the line, or take its mark back; of three the one marked first loses it."""
        here = self._here
        if here is not None:
            if here.key in self._marked:
                self._marked.remove(here.key)
            else:
                self._marked = [*self._marked[-1:], here.key]
            self._mark_again()

    def _mark_again(self) -> None:
        self.query_one("#runs", Listing).repaint()
        self._tell()

    def on_listing_chosen(self) -> None:
        self.action_pick()

    def action_pick(self) -> None:
        """Mark the first line; with the second, or the same once more, compare."""
        here = self._here
        if here is None:
            return
        if here.key not in self._marked:
            if len(self._marked) > 1:
                self._marked = []
            self._marked = [*self._marked, here.key]
            self._mark_again()
            if len(self._marked) == 1:
                return
        self.action_compare()

    def action_compare(self) -> None:
        """Compare what is marked; without a mark the run before the last one with what is so now."""
        sides = self._sides()
        if sides is not None:
            self.dashboard.open_diff(*sides)

    def action_drift(self) -> None:
        """Compare a baseline with what is so now."""
        name = self._drifting()
        if name:
            self.dashboard.open_diff(name, NOW)

    def action_name(self) -> None:
        """Ask for the name of the run under the cursor."""
        from tui.dialogs.baseline import BaselineDialog

        here = self._here
        if here is not None and here.past is not None and not self.store.read_only:
            self.app.push_screen(BaselineDialog(here.past.run), lambda _: self._renew(must=True))
