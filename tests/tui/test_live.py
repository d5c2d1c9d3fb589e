"""A run as it goes on and as it ended: what it claims is no result, and what is lost did not pass."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.live import LiveRun
from checks.words import Status
from tests.tui.conftest import SIZES
from tests.tui.office import FAILED, NOW, PROJECT, UNTOLD, passed, result, store_run, vantage, write_project
from tests.tui.screen import check_snapshot, text
from tui.screens.live import LivePage
from tui.screens.live_text import State, of_live, of_record, seconds
from tui.widgets.listing import Listing
from tui.widgets.progress import bar, percent

HOSTILE = "\x1b]52;c;eA==\x07[red]x[/] [/] \u202e\x9b31m\x00"


async def until(pilot, true, what="the condition"):
    """Wait until `true()` holds, at most 10 s."""
    for _ in range(500):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"{what} did not come true:\n{text(pilot.app)}")


def live(**changes) -> LiveRun:
    words = {"id": "r4", "pid": 1, "started": NOW - timedelta(seconds=18), "selected": ("mail", "files")}
    return LiveRun(**{**words, **changes})


def tell(app, **changes):
    """Show the page a view with other runs, or problems, as the store would."""
    app.store.view = replace(app.store.view, **changes)
    app._tell(app.store.view)


@asynccontextmanager
async def opened(app, size=(80, 24), **changes):
    """Run the app with the live page on top, with what the store then tells."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.store.view = replace(app.store.view, **changes)
        app.action_open_live()
        await until(pilot, lambda: isinstance(app.screen, LivePage) and bool(app.screen.query("#items")))
        await pilot.pause()
        yield pilot


def shown(app) -> dict[str, str]:
    """Return the checks in the list, with their words."""
    return {item.check: item.state.value for item in app.screen.query_one("#items", Listing).items}


def head(app) -> str:
    return "\n".join(
        str(app.screen.query_one(f"#{name}").visual) for name in ("head", "counts", "more")
        if app.screen.query_one(f"#{name}").display
    )  # fmt: skip


# What would make it lie


async def test_what_a_live_file_calls_a_pass_is_none_until_the_ledger_has_it(dashboard):
    run = live(done={"mail": Status.PASS})
    async with opened(dashboard, runs=(run,)) as pilot:
        assert shown(dashboard)["mail"] in ("unread", "lost")
        assert "PASS 0" in head(dashboard)
        await until(pilot, lambda: shown(dashboard)["mail"] == "lost")
        assert "?? LOST" in text(dashboard)
        assert "PASS 0" in head(dashboard)


async def test_the_ledger_is_believed_and_not_the_live_file(dashboard, project):
    store_run(project, dashboard.store.plan, "r4", NOW, [
        result(dashboard.store.plan, "mail", NOW, FAILED, run="r4"),
    ], ended=False)  # fmt: skip
    dashboard.store.refresh(lambda _: None)
    run = live(done={"mail": Status.PASS, "files": Status.PASS})
    async with opened(dashboard, runs=(run,)) as pilot:
        assert shown(dashboard)["mail"] == "fail"
        await until(pilot, lambda: shown(dashboard)["files"] == "lost")
        assert "PASS 0" in head(dashboard)


async def test_a_result_that_another_run_hides_is_read(dashboard, project):
    plan = dashboard.store.plan
    store_run(project, plan, "r4", NOW, [result(plan, "mail", NOW, passed("x", "y"), run="r4")], ended=False)
    dashboard.store.refresh(lambda _: None)
    hides = dashboard.store.view.picture.results | {"mail": replace_run(dashboard, "mail", "r5")}
    picture = replace(dashboard.store.view.picture, results=hides)
    async with opened(dashboard, picture=picture, runs=(live(done={"mail": Status.PASS}),)) as pilot:
        await until(pilot, lambda: shown(dashboard)["mail"] == "pass")


def replace_run(app, check, run):
    return replace(app.store.view.picture.results[check], run=run)


async def test_under_a_problem_nothing_looks_like_a_pass(dashboard, project):
    plan = dashboard.store.plan
    store_run(project, plan, "r4", NOW, [result(plan, "mail", NOW, passed("x", "y"), run="r4")], ended=False)
    dashboard.store.refresh(lambda _: None)
    run = live(done={"mail": Status.PASS})
    async with opened(dashboard, runs=(run,)) as pilot:
        green = colour_of(dashboard, "OK PASS")
        tell(dashboard, problems=("The ledger cannot be read [/].",))
        await pilot.pause()
        assert "The ledger cannot be read [/]." in text(dashboard)
        assert colour_of(dashboard, "OK PASS") != green


def colour_of(app, word):
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            if segment.text.strip() == word:
                return segment.style.color
    raise AssertionError(word)


def test_a_bar_is_full_only_when_nothing_is_left():
    assert bar(0, 10, 10) == "-" * 10
    assert bar(5, 10, 10) == "#####-----"
    assert bar(9999, 10_000, 50) == "#" * 49 + "-"
    assert bar(10, 10, 10) == "#" * 10
    assert bar(11, 10, 10) == "#" * 10
    assert bar(0, 0, 5) == "-----"
    assert percent(9999, 10_000) == "99%"
    assert percent(10, 10) == "100%"
    assert percent(0, 0) == "-"


def test_failures_come_first_the_newest_of_them_first_then_what_is_in_flight():
    known = {name: Known(name) for name in "abcdefg"}
    known["b"].status = known["d"].status = Status.FAIL
    known["c"].status = Status.BLOCKED
    run = live(
        selected=tuple("abcdefghij"), done=dict.fromkeys("abcd", Status.PASS),
        running={"e": NOW, "f": NOW - timedelta(seconds=3)}, lost={"g": "disk full"},
    )  # fmt: skip
    told = of_live(run, known, {})
    assert [item.check for item in told.items] == ["d", "b", "g", "f", "e", "c", "a", "h", "i", "j"]
    assert told.over == 5
    assert told.counts[State.QUEUED] == 3


class Known:
    """As much of a result as the list asks for."""

    def __init__(self, check, run="r4", status=Status.PASS):
        self.check, self.run, self.status = check, run, status


def test_a_run_that_is_over_counts_only_what_it_stored(dashboard):
    record = replace(dashboard.store.view.picture.run, selected=("mail", "files", "clock"))
    last = live(done={"mail": Status.PASS, "files": Status.PASS}, selected=record.selected)
    told = of_record(record, {"mail": Known("mail")}, "killed", last)
    assert {item.check: item.state for item in told.items} == {
        "mail": State.PASS, "files": State.LOST, "clock": State.NOT_RUN,
    }  # fmt: skip
    assert told.over == 2


def test_a_length_of_time_is_short():
    assert [seconds(n) for n in (-1, 0.04, 4.1, 59.9, 60, 125)] == [
        "0.0s", "0.0s", "4.1s", "59.9s", "1m00s", "2m05s",
    ]  # fmt: skip


# The page


def busy(app, project):
    """Return a run in which everything happens, with its results stored."""
    plan = app.store.plan
    store_run(
        project, plan, "r4", NOW - timedelta(seconds=18),
        [
            result(plan, "mail", NOW, FAILED, run="r4"),
            result(plan, "line", NOW, passed("192.0.2.1:443", "open after 3 ms"), run="r4"),
            result(plan, "clock", NOW, UNTOLD, run="r4"),
            result(plan, "intranet", NOW, run="r4", status=Status.BLOCKED, blocked_by="files"),
        ],
        ended=False,
    )  # fmt: skip
    app.store.refresh(lambda _: None)
    return live(
        selected=("mail", "line", "clock", "intranet", "files", "loss", "printer", "guest-wifi"),
        done={
            "line": Status.PASS, "mail": Status.FAIL, "clock": Status.INCONCLUSIVE,
            "intranet": Status.BLOCKED,
        },
        running={"files": NOW - timedelta(seconds=4.1), "loss": NOW - timedelta(seconds=9.5)},
        lost={"printer": "The disk is full."},
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_that_goes_on(dashboard, project, size):
    run = busy(dashboard, project)
    async with opened(dashboard, size, runs=(run,)) as pilot:
        seen = text(dashboard)
        for words in ("run r4", "00:00:18", "5 of 8 done", "62%", "FAIL 1", "INCONCL. 1", "BLOCKED 1",
                      "LOST 1", "RUNNING 2", "QUEUED 1", "4.1s", "9.5s",
                      "want ~25, got ~20" if size[0] == 80 else "want 192.0.2.25, got 192.0.2.20",
                      "waits for files", "The disk is full."):  # fmt: skip
            assert words in seen, words
        assert "NO-GO" in seen.splitlines()[0]
        await pilot.pause()
        check_snapshot(dashboard, "live-running")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("finished", "finished after 2 min"),
        ("cancelled", "was cancelled after 2 min"),
        (None, "was killed: the ledger has no end of it"),
    ],
)
async def test_how_it_ended_is_said_and_stays(dashboard, project, size, outcome, words):
    plan = dashboard.store.plan
    started = NOW - timedelta(minutes=2)
    run = replace(busy_ended(project, plan, started, outcome), running={"files": NOW})
    dashboard.store.refresh(lambda _: None)
    async with opened(dashboard, size, runs=(run,)) as pilot:
        assert "run r4  00:02:00" in text(dashboard)
        tell(dashboard, runs=())
        assert "RUNNING" not in text(dashboard)
        await until(pilot, lambda: words in text(dashboard))
        assert "1 of 3 checks have a result" in text(dashboard)
        assert shown(dashboard) == {"mail": "fail", "files": "not run", "clock": "not run"}
        assert "ready  NO-GO" in text(dashboard)
        if outcome != "cancelled":
            await pilot.pause()
            check_snapshot(dashboard, f"live-{outcome or 'killed'}")
        tell(dashboard, runs=(live(id="r9", selected=("line",)),))
        await pilot.pause()
        assert words in text(dashboard)
        assert "2 r9" in text(dashboard)
        await pilot.press("2")
        await until(pilot, lambda: "run r9 " in text(dashboard))
        await pilot.press("tab")
        await until(pilot, lambda: words in text(dashboard))


def busy_ended(project, plan, started, outcome):
    from agent.records import RunRecord
    from agent.running import open_ledger

    with open_ledger(project, plan) as ledger:
        ledger.begin_run(
            RunRecord(
                id="r4", started=started, vantage=vantage(), plan_digest=plan.sources_digest,
                selected=("mail", "files", "clock"), project_file=project.name,
            )
        )  # fmt: skip
        writer = ledger.writer(lambda _: None, lambda *_: None)
        writer.put(result(plan, "mail", NOW, FAILED, run="r4"))
        writer.close()
        if outcome is not None:
            ledger.end_run("r4", finished=NOW, outcome=outcome)
    return live(started=started, selected=("mail", "files", "clock"), done={"mail": Status.FAIL})


async def test_without_a_run_the_newest_one_is_summed_up(dashboard):
    async with opened(dashboard) as pilot:
        await until(pilot, lambda: "run r3 finished after 2 min" in text(dashboard))
        assert "r starts one" in text(dashboard)
        assert dashboard.screen.check_action("cancel", ()) is None
        tell(dashboard, runs=(live(),))
        await until(pilot, lambda: "run r4 " in text(dashboard))


async def test_with_no_run_ever(tmp_path):
    from agent.files.load import load_plan
    from tui.app import Dashboard

    file = write_project(tmp_path, PROJECT)
    app = Dashboard(file, load_plan(file), now=lambda: NOW)
    async with opened(app):
        assert "There was no run yet" in text(app)
        assert app.screen.check_action("detail", ()) is None


async def test_an_expected_run_is_shown_when_it_appears_and_why_it_does_not(dashboard):
    async with opened(dashboard, runs=(live(),)) as pilot:
        dashboard.screen.expect(frozenset({"r4"}))
        tell(dashboard)
        await until(pilot, lambda: "was asked for 0 s ago" in text(dashboard))
        dashboard.store.failed_start = f"The ledger is locked {HOSTILE}"
        tell(dashboard)
        await until(pilot, lambda: "could not start: The ledger is locked" in text(dashboard))
        dashboard.store.failed_start = ""
        tell(dashboard, runs=(live(), live(id="r5", started=NOW)))
        await until(pilot, lambda: "run r5 " in text(dashboard))
        assert "asked for" not in text(dashboard)


async def test_stopping_asks_and_enter_alone_keeps_it_running(dashboard, monkeypatch):
    stopped = []
    monkeypatch.setattr(dashboard.store, "stop_run", stopped.append)
    async with opened(dashboard, runs=(live(),)) as pilot:
        for keys in (("enter",), ("escape",), ("down", "enter")):
            assert not stopped
            await pilot.press("c")
            await until(pilot, lambda: "Stop run r4?" in text(dashboard))
            assert "NO-GO" in text(dashboard).splitlines()[0]
            await pilot.press(*keys)
            await until(pilot, lambda: isinstance(dashboard.screen, LivePage))
        assert stopped == ["r4"]
        tell(dashboard, runs=(live(stopping=True),))
        await until(pilot, lambda: "STOPPING" in text(dashboard))
        assert dashboard.screen.check_action("cancel", ()) is None


async def test_a_run_that_cannot_be_stopped_is_said(dashboard, monkeypatch):
    def refuse(_):
        raise OSError(13, "Permission denied \x1b[31m")

    monkeypatch.setattr(dashboard.store, "stop_run", refuse)
    async with opened(dashboard, runs=(live(),)) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: "Stop run r4?" in text(dashboard))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "cannot be asked to stop" in text(dashboard))


async def test_failures_only_and_detail_of_the_list(dashboard, project):
    async with opened(dashboard, runs=(busy(dashboard, project),)) as pilot:
        await pilot.press("f")
        assert shown(dashboard) == {"mail": "fail", "printer": "lost", "clock": "inconclusive"}
        assert "Failures only" in text(dashboard)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: getattr(dashboard.screen, "check", "") == "clock")
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: dashboard.screen.check == "printer")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(dashboard.screen, LivePage))


async def test_a_frozen_page_stands_still_and_the_run_goes_on(dashboard):
    run = live()
    async with opened(dashboard, runs=(run,)) as pilot:
        await pilot.press("space")
        assert dashboard.frozen
        tell(dashboard, runs=(live(running={"mail": NOW}),))
        await pilot.pause()
        assert "RUNNING 0" in text(dashboard)
        await pilot.press("space")
        await until(pilot, lambda: "RUNNING 1" in text(dashboard))


async def test_hostile_and_unknown_names_are_harmless(dashboard):
    run = live(
        id=HOSTILE, selected=(HOSTILE, "gone", "mail"), running={HOSTILE: NOW}, lost={"gone": HOSTILE * 50}
    )
    async with opened(dashboard, runs=(run, live(id="[/]"))) as pilot:
        await pilot.press("1")
        await until(pilot, lambda: "gone" in text(dashboard))
        assert not {"\x1b", "\x9b", "\u202e", "\x00", "\x07"} & set(text(dashboard))
        await pilot.press("f", "c")
        await until(pilot, lambda: "Stop run" in text(dashboard))
        assert not {"\x1b", "\x9b", "\u202e", "\x00", "\x07"} & set(text(dashboard))


async def test_read_only_stops_and_starts_nothing(dashboard):
    dashboard.store.read_only = True
    async with opened(dashboard, runs=(live(),)):
        assert dashboard.screen.check_action("cancel", ()) is None
        assert dashboard.screen.check_action("run", ()) is None
