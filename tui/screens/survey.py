"""The survey: the floor in signs, its points, what the radio hears now, and a key to measure here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from agent.decide import Refused
from agent.ledger.errors import LedgerError
from agent.survey import TYPE, names
from agent.survey.looks import LOOKS, Told, floors, newest, summed_up
from agent.survey.surveyed import Place, Surveyed, draft_point, surveyed
from agent.watch import View
from checks.survey import Look, SurveyPoint
from checks.vantage import CannotTell
from tui.page import Page
from tui.screens import survey_text as text
from tui.store import ReadOnly
from tui.text import joined
from tui.widgets.listing import Cell, Listing
from tui.widgets.words import Words

PAUSE_S = 2.0
"""Between two looks at the air; while a point is measured they follow at once."""


class SurveyPage(Page):
    """See the module's docstring."""

    CSS_PATH: ClassVar[str] = "survey.tcss"
    AUTO_FOCUS = "#points"
    name_of_page = "survey"
    help_text = (
        "The Wi-Fi survey of this project: stand somewhere, press m, say where you are, and stay until five "
        "scans are done. Points count from the next run on. gonogo survey does the same, and draws heat maps."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "measure", "Measure here", id="survey.measure", tooltip="Measure where you stand"),
        Binding("f", "floor", "Next floor", id="survey.floor", tooltip="Show the next floor"),
        Binding("c", "check", "Next survey", id="survey.check", tooltip="Show the next survey of the plan"),
        Binding("enter", "why", "Result", id="survey.why", tooltip="What the last run made of the survey"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._about: Surveyed | None = None
        self._floor = ""
        self._points: list[SurveyPoint] = []
        self._look: Look | None = None
        self._looked_at: datetime | None = None
        self._error = ""
        self._trouble = ""
        self._measuring = ""

    def body(self) -> Iterable[Widget]:
        yield Words(id="about")
        yield Words(id="now")
        with Horizontal(id="floor"):
            yield Static(id="map")
            yield Listing[Told](
                text.COLUMNS, key=lambda told: told.point.name, paint=self._paint, id="points",
                empty="No point is stored yet: m measures one where you stand.",
            )  # fmt: skip
        yield Words(id="trouble")
        yield Words(id="legend")

    def on_mount(self) -> None:
        names = self._names()
        self._about = surveyed(self.store.plan, names[0]) if names else None
        super().on_mount()
        self.run_worker(self._read(), name="points", group="points", exclusive=True)
        if not self.store.read_only:
            self.run_worker(self._listen(), name="listen", group="listen", exclusive=True)

    def _names(self) -> list[str]:
        return names(self.store.plan)

    # What is stored, and what is heard

    async def _read(self) -> None:
        if self._about is None:
            return
        try:
            self._points = newest(await self.store.survey(self._about.id))
            self._trouble = ""
        except LedgerError as error:
            self._trouble = str(error)
        there = floors(self._points)
        if self._floor not in there and there:
            self._floor = there[-1]
        self.hear(self.dashboard.view_shown)

    async def _listen(self) -> None:
        while True:
            try:
                look = await self.store.look_at_the_air()
                self._look, self._looked_at, self._error = look, self.store.now(), ""
            except CannotTell as trouble:
                self._look, self._error = None, f"{trouble.reason} {trouble.fix}"
            self.hear(self.dashboard.view_shown)
            await self.store.pause(PAUSE_S)

    async def _measure(self, place: Place) -> None:
        """Look `LOOKS` times, store the point, and go on listening."""
        about, looks = self._about, list[Look]()
        if about is None:
            return
        try:
            for number in range(LOOKS):
                self._measuring = f"Stay at {place.name}: look {number + 1} of {LOOKS} ..."
                self.hear(self.dashboard.view_shown)
                looks.append(await self.store.look_at_the_air())
                self._look, self._looked_at, self._error = looks[-1], self.store.now(), ""
            like = next((point for point in reversed(self._points) if point.floor == place.floor), None)
            point = draft_point(
                about.id, place, now=self.store.now(), host=self.store.host, looks=looks, like=like
            )
            await self.store.write(point)
            told = summed_up(point, about.check.ssid, about.check.band)
            self._trouble, self._floor = f"{place.name} is stored: {text.dbm(told.level)}.", place.floor
        except (CannotTell, Refused, LedgerError, ReadOnly, OSError) as error:
            said = f"{error.reason} {error.fix}" if isinstance(error, CannotTell) else str(error)
            self._trouble = f"Nothing was stored for {place.name}: {said}"
        said, self._measuring = self._trouble, ""
        await self._read()
        self._trouble = self._trouble or said
        self.hear(self.dashboard.view_shown)
        await self._listen()

    # Showing

    def show(self, view: View) -> None:
        about, now = self._about, self.dashboard.frozen_at or self.store.now()
        if about is None:
            self.query_one("#about", Words).tell([(f"The plan has no check of type {TYPE}.", "bold")])
            return
        here = self._here(about)
        limit = about.check.min_signal
        self.query_one("#about", Words).tell(text.heading(about, self._floor, here))
        heard = text.now_heard(
            about, self._look, self._looked_at, now, self._error, paused=self.store.read_only
        )
        self.query_one("#now", Words).tell([(self._measuring, "running")] if self._measuring else heard)
        self.query_one("#points", Listing).put(sorted(here, key=_weakest_first))
        place = self.query_one("#map", Static)
        lines = text.floor_map(here, limit, place.size.width, place.size.height)
        place.update(joined("\n".join(lines)))
        problems = [(problem, "inconclusive") for problem in view.problems[:1]]
        self.query_one("#trouble", Words).tell([(self._trouble, "bold")] if self._trouble else problems)
        self.query_one("#legend", Words).tell(text.legend(limit))
        self.refresh_bindings()

    def _here(self, about: Surveyed) -> list[Told]:
        check = about.check
        return [summed_up(p, check.ssid, check.band) for p in self._points if p.floor == self._floor]

    def _paint(self, told: Told) -> list[Cell]:
        limit = self._about.check.min_signal if self._about is not None else 0
        return text.cells(told, limit, self.dashboard.frozen_at or self.store.now())

    def on_resize(self, _: events.Resize) -> None:
        self.call_after_refresh(lambda: self.hear(self.dashboard.view_shown))

    # What a person does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now."""
        able = {
            "measure": self._about is not None and not self.store.read_only and not self._measuring,
            "floor": len(floors(self._points)) > 1,
            "check": len(self._names()) > 1,
            "why": self._about is not None,
        }
        if action in able:
            return True if able[action] else None
        return super().check_action(action, parameters)

    def action_measure(self) -> None:
        """Ask where this is, then measure here."""
        from tui.dialogs.point import PointDialog

        like = next((point for point in reversed(self._points) if point.floor == self._floor), None)

        def measure(place: Place | None) -> None:
            if place is not None:
                self.run_worker(self._measure(place), name="measure", group="listen", exclusive=True)

        self.app.push_screen(PointDialog(self._floor, like), measure)

    def action_floor(self) -> None:
        """Show the next floor."""
        there = floors(self._points)
        if there:
            here = there.index(self._floor) if self._floor in there else -1
            self._floor = there[(here + 1) % len(there)]
            self.hear(self.dashboard.view_shown)

    def action_check(self) -> None:
        """Show the next survey of the plan."""
        names = self._names()
        if self._about is not None and len(names) > 1:
            here = names.index(self._about.id) if self._about.id in names else -1
            self._about, self._points = surveyed(self.store.plan, names[(here + 1) % len(names)]), []
            self.run_worker(self._read(), name="points", group="points", exclusive=True)

    def on_listing_chosen(self) -> None:
        self.action_why()

    def action_why(self) -> None:
        """Show what the last run made of the survey."""
        if self._about is not None:
            self.dashboard.open_detail(self._about.id, self._names())


def _weakest_first(told: Told) -> tuple[bool, float, str]:
    return told.level is not None, told.level or 0.0, told.point.name
