"""The page that compares: what would make it lie, and everything by the keyboard alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.diff import NoSuchSide
from agent.files.load import load_plan
from agent.ledger.errors import LedgerError
from checks.safe import safe
from checks.words import Finding, Status
from tests.tui.conftest import SIZES
from tests.tui.filling import until
from tests.tui.office import FAILED, NOW, passed, result, store_run, vantage, write_project
from tests.tui.screen import check_snapshot, text
from tui.app import Dashboard
from tui.screens.detail import DetailPage
from tui.screens.diff import DiffPage
from tui.widgets.listing import Listing

HOSTILE = "\x1b]52;c;aGk=\x07[red]a[/] [/]\u202eb\x00\x9b2J"


def page(app) -> DiffPage:
    assert isinstance(app.screen, DiffPage)
    return app.screen


def listed(app) -> list[str]:
    return [change.check for change in page(app).query_one("#changes", Listing).items]


async def compared(pilot, before="r2", after="now"):
    """Open the page and wait until it has compared."""
    pilot.app.open_diff(before, after)
    await until(pilot, lambda: isinstance(pilot.app.screen, DiffPage))
    await until(pilot, lambda: page(pilot.app).diff is not None or page(pilot.app).error)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_regressions_come_first_with_before_and_after(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        await compared(pilot)
        seen = text(dashboard)
        assert "NO-GO" in seen.splitlines()[0]
        assert "Before  run r2, Fri 4 Dec 2026 18:17 CET, from laptop-7: tested 8 of 8" in seen
        assert "After   now, Sat 5 Dec 2026 18:17 CET" in seen
        lines = [
            line for line in seen.splitlines() if line.strip().startswith(("!! reg", "?? unp", "++ new"))
        ]
        order = [line.split()[2] for line in lines if "regression" in line or "unproven" in line]
        assert order[:4] == ["loss", "mail", "files", "intranet"]
        assert "PASS 192.0.2.25" in seen
        assert "FAIL 192.0.2.20" in seen
        assert "After   W  WARN  1 of 20 lost, 140 ms" in seen
        check_snapshot(dashboard, "diff")


async def test_a_stale_pass_of_today_is_told_as_unproven_and_never_in_the_colour_of_a_pass(tmp_path):
    file = write_project(tmp_path)
    plan = load_plan(file, cached=False)
    old = NOW - timedelta(days=9)
    for run, at in (("r1", old - timedelta(days=1)), ("r2", old)):
        found = passed("192.0.2.1:443", "open") if run == "r2" else replace(FAILED, observed="refused")
        store_run(file, plan, run, at, [result(plan, "line", at, found, run=run)])
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await compared(pilot, "r1", "now")
        seen = text(app)
        assert "STALE" in seen
        assert "fixed" not in seen
        assert "OK" not in seen


async def test_keys_go_through_regressions_filter_and_open_the_check(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await compared(pilot)
        cursor = page(dashboard).query_one("#changes", Listing)
        for expected in ("mail", "files", "intranet", "printer", "loss"):
            await pilot.press("n")
            assert cursor.chosen.check == expected
        await pilot.press("N")
        assert cursor.chosen.check == "printer"
        before = listed(dashboard)
        await pilot.press("f")
        assert listed(dashboard) == ["loss", "mail", "files", "intranet", "printer"]
        assert cursor.chosen.check == "printer"
        await pilot.press("f")
        assert listed(dashboard) == before
        await pilot.press("a")
        assert set(listed(dashboard)) > set(before)
        assert "plan-agreed" in listed(dashboard)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(dashboard.screen, DetailPage))
        assert dashboard.screen.check == "printer"
        await pilot.press("escape")
        assert cursor.chosen.check == "printer"
        await pilot.press("escape")
        assert not isinstance(dashboard.screen, DiffPage)


async def test_while_it_compares_it_says_so_and_shows_nothing_else(dashboard, monkeypatch):
    gate = asyncio.Event()
    real = dashboard.store.diff

    async def slow(before, after):
        await gate.wait()
        return await real(before, after)

    monkeypatch.setattr(dashboard.store, "diff", slow)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.open_diff("r2", "now")
        await until(pilot, lambda: "Comparing ..." in text(dashboard))
        assert "Nothing changed" not in text(dashboard)
        await pilot.press("f", "y", "n", "enter")
        gate.set()
        await until(pilot, lambda: "regression" in text(dashboard))


@pytest.mark.parametrize(
    "error", [NoSuchSide(f"{HOSTILE} names no run."), LedgerError(f"The ledger {HOSTILE} is damaged.")]
)
async def test_what_cannot_be_compared_is_a_harmless_sentence(dashboard, monkeypatch, error):
    async def fails(*_):
        raise error

    monkeypatch.setattr(dashboard.store, "diff", fails)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await compared(pilot, HOSTILE, "now")
        seen = text(dashboard)
        assert "\\x1b]52" in seen
        assert safe(seen, limit=10**6, lines=True) == seen
        assert "Nothing changed" not in seen


async def test_an_unknown_word_says_what_there_is(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await compared(pilot, "nothing", "now")
        assert "names no run and no baseline. The newest runs are: r3, r2, r1" in " ".join(
            text(dashboard).split()
        )


async def test_nothing_in_common_is_not_told_as_nothing_changed(tmp_path):
    file = write_project(tmp_path)
    plan = load_plan(file, cached=False)
    for run, check in (("r1", "line"), ("r2", "printer")):
        store_run(file, plan, run, NOW, [result(plan, check, NOW, passed("peer", "open"), run=run)])
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await compared(pilot, "r1", "r2")
        seen = " ".join(text(app).split())
        assert "No check was tested on both sides" in seen
        assert "Nothing changed" not in seen


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_of_every_field_is_made_harmless_here_and_in_the_copy(tmp_path, size):
    file = write_project(tmp_path)
    plan = load_plan(file, cached=False)
    bad = [
        Finding(status=status, subject=HOSTILE, message=HOSTILE, observed=HOSTILE * 200 + status, fix=HOSTILE)
        for status in (Status.FAIL, Status.WARN)
    ]
    for run, finding in ((HOSTILE, bad[1]), ("r2", bad[0])):
        gone = replace(result(plan, "line", NOW, finding, run=run), check=HOSTILE, target=HOSTILE)
        store_run(
            file, plan, run, NOW, [result(plan, "line", NOW, finding, run=run), gone],
            seen_from=vantage(name=HOSTILE, addresses=(HOSTILE,)),
        )  # fmt: skip
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=size) as pilot:
        await compared(pilot, HOSTILE, "r2")
        assert listed(app) == ["line", HOSTILE]
        for _ in range(2):
            seen = text(app)
            assert "\\x1b]52" in seen
            assert safe(seen, limit=10**6, lines=True) == seen
            await pilot.press("down")
        await pilot.press("y")
        assert "\\x1b]52" in app.clipboard
        assert safe(app.clipboard, limit=10**6, lines=True) == app.clipboard


async def test_a_check_that_is_planned_no_more_is_listed_and_not_opened(tmp_path):
    file = write_project(tmp_path)
    plan = load_plan(file, cached=False)
    for run in ("r1", "r2"):
        gone = replace(result(plan, "line", NOW, passed("peer", "open"), run=run), check="removed")
        store_run(file, plan, run, NOW, [gone])
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await compared(pilot, "r1", "now")
        assert "no longer planned" in text(app)
        await pilot.press("enter")
        assert isinstance(app.screen, DiffPage)


async def test_a_problem_takes_the_colour_of_a_pass_away(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await compared(pilot, "r3", "r2")
        fixed = next(c for c in page(dashboard).diff.changes if c.kind == "fixed")
        assert page(dashboard)._look(fixed) == "pass"
        dashboard.store.view = replace(dashboard.store.view, problems=(f"It is {HOSTILE} unreadable.",))
        page(dashboard).hear(dashboard.store.view)
        assert page(dashboard)._look(fixed) == ""
        await until(pilot, lambda: "unreadable." in text(dashboard))


async def test_news_are_compared_anew_but_not_while_it_is_frozen(dashboard, project):
    plan = load_plan(project)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await compared(pilot)
        shown = page(dashboard)
        await pilot.press("space")
        assert dashboard.frozen
        better = result(plan, "mail", NOW, passed("192.0.2.53", "192.0.2.25"), run="r4")
        store_run(project, plan, "r4", NOW, [better])
        shown._not_before = 0.0
        dashboard.store.refresh(dashboard._tell)
        await pilot.pause()
        assert "mail" in listed(dashboard)
        await pilot.press("space")
        shown._not_before = 0.0
        dashboard.store.refresh(dashboard._tell)
        shown._renew()
        await until(pilot, lambda: "mail" not in listed(dashboard))
