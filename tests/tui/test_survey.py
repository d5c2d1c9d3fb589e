"""The survey page: what is weak is seen, measuring stores a point, nothing is told that was not heard."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from agent.files.load import load_plan
from agent.running import open_ledger
from checks.survey import Look, Reading, SurveyPoint
from checks.vantage import CannotTell
from tests.tui.conftest import SIZES
from tests.tui.filling import type_in, until
from tests.tui.office import NOW, write_project
from tests.tui.screen import check_snapshot, text
from tui.app import Dashboard
from tui.screens.survey import SurveyPage
from tui.store import Store

PROJECT = """\
gonogo: 1
project: {id: wifi, name: Wi-Fi, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}
milestones: {wifi: {title: Heard everywhere, due: -3d, gate: {max_age: 5d}}}
checks:
  coverage: {type: wifi.coverage, milestone: wifi, ssid: Contoso, min_signal: -67, min_points: 3}
"""
HOSTILE = "corner\x1b[31m\u202e[/]"


def look(level: float | None) -> Look:
    own = [Reading(ssid="Contoso", bssid="00:1b:21:00:00:10", frequency_mhz=5180, signal_dbm=level)]
    other = Reading(ssid="Neighbour", bssid="00:99:00:00:00:01", frequency_mhz=2412, signal_dbm=-80.0)
    return Look(source="test", readings=(*(own if level is not None else []), other))


def point(name, x, y, level, floor="ground", hours=1) -> SurveyPoint:
    return SurveyPoint(
        check="coverage", name=name, floor=floor, x=x, y=y, by="Ann Rey", at=NOW - timedelta(hours=hours),
        host="laptop", looks=(look(level),) * 5, plan="floor.png", plan_sha256="aa", width=800, height=400,
        metres_per_pixel=0.05,
    )  # fmt: skip


WALKED = (
    point("reception", 100, 100, -48.0), point("meeting", 400, 300, -61.0), point(HOSTILE, 700, 100, -71.0),
    point("store", 700, 320, None), point("desk 4", 50, 60, -52.0, floor="first", hours=2),
)  # fmt: skip


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return a function that makes the app over points that were walked, with a radio that hears `levels`."""

    def make(points=WALKED, heard=None, **words):
        file = write_project(tmp_path, PROJECT)
        plan = load_plan(file)
        with open_ledger(file, plan) as ledger:
            for one in points:
                ledger.add(one)

        async def hear(self):
            if heard is None:
                raise CannotTell("This laptop has no radio.", "Use one that has.")
            await asyncio.sleep(0)
            return look(heard)

        monkeypatch.setattr(Store, "look_at_the_air", hear)
        return Dashboard(file, plan, now=lambda: NOW, **words)

    return make


async def opened(pilot):
    await pilot.press("S")
    await until(pilot, lambda: isinstance(pilot.app.screen, SurveyPage))


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_weak_is_seen_first(made, size):
    app = made(heard=-55.0)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "desk 4" in text(app) and "a second access point" in text(app))
        await pilot.press("f")
        await until(pilot, lambda: "4 points, 2 weak" in text(app))
        await until(pilot, lambda: "!!!" in text(app))
        said = text(app)
        assert "\x1b" not in said
        assert "\u202e" not in said
        flat = " ".join(said.split())
        assert flat.index("! too weak store") < flat.index("- weak corner") < flat.index("# strong recep")
        check_snapshot(app, "survey")


@pytest.mark.parametrize("size", SIZES)
async def test_measuring_here_stores_a_point_and_tells_its_median(made, size):
    app = made(heard=-70.0)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "desk 4" in text(app))
        await pilot.press("m")
        await until(pilot, lambda: "Where do you stand?" in text(app))
        await type_in(pilot, "kitchen")
        await pilot.press("tab", "tab")
        await type_in(pilot, "120")
        await pilot.press("tab")
        await type_in(pilot, "900")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "y is a number between 0 and 400 (pixels of the plan)" in text(app))
        await pilot.press("backspace", "backspace", "backspace")
        await type_in(pilot, "90")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "kitchen is stored: -70 dBm." in text(app))
        await until(pilot, lambda: "- weak kitchen" in " ".join(text(app).split()))
    with open_ledger(app.store.project_file, app.store.plan, read_only=True) as ledger:
        [stored] = [one for one in ledger.survey("coverage") if one.name == "kitchen"]
    assert (stored.x, stored.y, stored.floor, stored.by) == (120, 90, "first", "Ann Rey")
    assert (stored.plan, stored.width, stored.metres_per_pixel) == ("floor.png", 800, 0.05)
    assert len(stored.looks) == 5


async def test_without_a_radio_nothing_is_stored(made):
    app = made()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "This laptop has no radio." in text(app))
        await pilot.press("m")
        await until(pilot, lambda: "Where do you stand?" in text(app))
        await type_in(pilot, "kitchen")
        await pilot.press("tab", "tab")
        await type_in(pilot, "120")
        await pilot.press("tab")
        await type_in(pilot, "90")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Nothing was stored for kitchen" in text(app))
    with open_ledger(app.store.project_file, app.store.plan, read_only=True) as ledger:
        assert len(ledger.survey("coverage")) == len(WALKED)


async def test_before_the_first_point(made):
    app = made(points=(), heard=-50.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "0 points, 3 more needed" in text(app))
        assert "No point is stored yet: m measures one" in " ".join(text(app).split())


async def test_a_browser_only_looks(made):
    app = made(read_only=True, heard=-50.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "the radio is not listened to from here" in text(app))
        await pilot.press("m")
        await pilot.pause()
        assert isinstance(app.screen, SurveyPage)


async def test_a_plan_without_a_survey_has_no_page_for_one(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("S")
        await pilot.pause()
        assert not isinstance(dashboard.screen, SurveyPage)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Live" in text(dashboard))
        assert "Survey" not in text(dashboard)
