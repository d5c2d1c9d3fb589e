"""The list of runs and baselines: what became of each, two picked, one named."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.files.load import load_plan
from agent.ledger.errors import LedgerError
from agent.records import Baseline
from agent.running import open_ledger
from checks.safe import safe
from tests.tui.conftest import SIZES
from tests.tui.filling import type_in, until
from tests.tui.office import NOW, passed, result, store_run, vantage, write_project
from tests.tui.screen import check_snapshot, text
from tui.app import Dashboard
from tui.dialogs.baseline import BaselineDialog
from tui.screens.diff import DiffPage
from tui.screens.history import HistoryPage
from tui.widgets.listing import Listing

HOSTILE = "\x1b]52;c;aGk=\x07[red]a[/] [/]\u202eb\x00\x9b2J"


@pytest.fixture
def named(project):
    """Return a project one of whose runs has a name."""
    with open_ledger(project, load_plan(project)) as ledger:
        ledger.add(Baseline(name="handover", run="r1", by="Ann Rey", at=NOW - timedelta(hours=20)))
    return project


def app_on(file, **rest) -> Dashboard:
    return Dashboard(file, load_plan(file), now=lambda: NOW, **rest)


def words(app) -> list[str]:
    return [entry.word for entry in app.screen.query_one("#runs", Listing).items]


async def listed(pilot):
    """Open the page by its key and wait until every run is counted."""
    await pilot.press("d")
    await until(pilot, lambda: isinstance(pilot.app.screen, HistoryPage))
    page = pilot.app.screen
    await until(
        pilot, lambda: page._error or (page._runs is not None and len(page._counts) == len(page._runs.runs))
    )
    await pilot.pause()


def sides(app) -> tuple[str, str]:
    assert isinstance(app.screen, DiffPage), text(app)
    return app.screen.before, app.screen.after


@pytest.mark.parametrize("size", SIZES)
async def test_runs_and_baselines_are_listed_newest_first_with_what_they_found(named, size):
    app = app_on(named)
    async with app.run_test(size=size) as pilot:
        await listed(pilot)
        assert words(app) == ["now", "r3", "handover", "r2", "r1"]
        row = next(line for line in text(app).splitlines() if " r3 " in line)
        assert row.split()[-7:] == ["finished", "3", "1", "1", "0", "1", "1"]
        assert "d compares r2 with now." in text(app)
        check_snapshot(app, "history")


async def test_space_marks_two_and_the_older_one_is_before(named):
    app = app_on(named)
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        await pilot.press("down", "space", "down", "down", "space", "d")
        assert sides(app) == ("r2", "r3")
        await pilot.press("escape", "space", "down", "space", "d")
        assert sides(app) == ("r1", "r3")
        await pilot.press("escape", "up", "up", "space")
        assert "d compares handover with r1" in text(app)


async def test_enter_picks_the_first_then_the_second_and_compares(named):
    app = app_on(named)
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        await pilot.press("end", "enter")
        assert "[1]" in text(app)
        await pilot.press("home", "down", "enter")
        assert sides(app) == ("r1", "r3")
        await pilot.press("escape", "end", "up", "enter", "enter")
        assert sides(app) == ("r2", "now")


async def test_without_a_mark_the_run_before_and_by_b_the_baseline_are_compared_with_now(named):
    app = app_on(named)
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        await pilot.press("d")
        assert sides(app) == ("r2", "now")
        await pilot.press("escape", "b")
        assert sides(app) == ("handover", "now")
        await until(pilot, lambda: "baseline handover (r1)" in text(app))


async def test_nothing_run_yet_is_said_and_nothing_can_be_compared(tmp_path):
    app = app_on(write_project(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        assert "Nothing was run yet" in text(app)
        await pilot.press("d", "b", "B")
        assert isinstance(app.screen, HistoryPage)


async def test_a_run_that_was_killed_or_stopped_does_not_read_as_finished(project):
    plan = load_plan(project)
    with open_ledger(project, plan) as ledger:
        one = ledger.run("r3")
        ledger.begin_run(replace(one, id="stopped", finished=None, outcome=None))
        ledger.end_run("stopped", finished=NOW, outcome="cancelled")
        ledger.begin_run(replace(one, id="killed", finished=None, outcome=None))
        ledger.begin_run(replace(one, id="begun", started=NOW, finished=None, outcome=None))
    app = app_on(project)
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        rows = {line.split()[3]: line.split()[4:] for line in text(app).splitlines() if " Dec " in line[:14]}
        assert rows["begun"][:2] == ["goes", "on"]
        assert rows["killed"] == ["killed", "0", "0", "0", "7", "0", "0"]
        assert rows["stopped"] == ["cancelled", "0", "0", "0", "7", "0", "0"]


async def test_a_run_is_named_in_a_dialog_that_fills_nothing_in(project):
    app = app_on(project)
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        await pilot.press("down", "B")
        await until(pilot, lambda: isinstance(app.screen, BaselineDialog))
        assert app.focused.id == "cancel"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Say who names it." in text(app))
        assert "Give it a name" in text(app)
        await pilot.press("tab")
        await type_in(pilot, "r3")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "cannot be taken for" in text(app))
        await type_in(pilot, "-office")
        await pilot.press("tab")
        await type_in(pilot, "Ann Rey")
        check_snapshot(app, "baseline")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, HistoryPage) and "r3-office" in words(app))
    with open_ledger(project, load_plan(project), read_only=True) as ledger:
        assert [(item.name, item.run, item.by) for item in ledger.baselines()] == [
            ("r3-office", "r3", "Ann Rey")
        ]


async def test_esc_names_nothing_and_a_view_that_only_shows_has_no_dialog(project):
    app = app_on(project)
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        await pilot.press("down", "B")
        await until(pilot, lambda: isinstance(app.screen, BaselineDialog))
        await pilot.press("escape")
        assert isinstance(app.screen, HistoryPage)
    shows = app_on(project, read_only=True)
    async with shows.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        await pilot.press("down", "B")
        await pilot.pause()
        assert isinstance(shows.screen, HistoryPage)
        assert shows.screen.check_action("name", ()) is None
    with open_ledger(project, load_plan(project), read_only=True) as ledger:
        assert ledger.baselines() == []


async def test_a_ledger_that_cannot_be_read_is_a_sentence(dashboard, monkeypatch):
    async def fails():
        raise LedgerError(f"The ledger {HOSTILE} is damaged.")

    monkeypatch.setattr(dashboard.store, "past", fails)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        seen = text(dashboard)
        assert "is damaged." in seen
        assert "Nothing was run yet" not in seen
        assert safe(seen, limit=10**6, lines=True) == seen


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_is_made_harmless(tmp_path, size):
    file = write_project(tmp_path)
    plan = load_plan(file, cached=False)
    for run in (HOSTILE, f"{HOSTILE}2"):
        store_run(
            file, plan, run, NOW, [result(plan, "line", NOW, passed("peer", HOSTILE), run=run)],
            seen_from=vantage(name=HOSTILE, addresses=(HOSTILE,)),
        )  # fmt: skip
    with open_ledger(file, plan) as ledger:
        ledger.add(Baseline(name=f"x{HOSTILE}", run=HOSTILE, by=HOSTILE, at=NOW))
    app = app_on(file)
    async with app.run_test(size=size) as pilot:
        await listed(pilot)
        for key in ("down", "down", "down", "space", "B"):
            await pilot.press(key)
            seen = text(app)
            assert "\\x1b]52" in seen
            assert safe(seen, limit=10**6, lines=True) == seen
        assert isinstance(app.screen, BaselineDialog)


async def test_a_new_run_appears_by_itself(project):
    app = app_on(project)
    plan = load_plan(project)
    async with app.run_test(size=(80, 24)) as pilot:
        await listed(pilot)
        store_run(project, plan, "r4", NOW, [result(plan, "line", NOW, passed("peer", "open"), run="r4")])
        app.store.refresh(app._tell)
        await until(pilot, lambda: words(app)[:2] == ["now", "r4"])


async def test_two_thousand_runs_open_fast_and_the_list_says_that_it_is_cut(project):
    plan = load_plan(project)
    with open_ledger(project, plan) as ledger:
        one = ledger.run("r3")
        for number in range(2000):
            ledger.begin_run(replace(one, id=f"many{number}", finished=None, outcome=None))
    app = app_on(project)
    async with app.run_test(size=(80, 24)) as pilot:
        begun = time.monotonic()
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, HistoryPage) and app.screen._runs is not None)
        took = time.monotonic() - begun
        await until(pilot, lambda: "The newest 100 of 2003 runs" in text(app))
        assert len(words(app)) == 101
        assert took < 2.0
