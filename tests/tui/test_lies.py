"""Attacks on the dashboard: each test is a way in which a screen lied, or did what it must not."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.files.load import load_plan
from agent.ledger import Ledger, ledger_path
from agent.records import RunRecord, Waiver
from agent.running import open_ledger
from checks.words import Status
from tests.tui.conftest import SIZES
from tests.tui.filling import opened as dialog_opened
from tests.tui.filling import ready_to_save, until
from tests.tui.office import (
    FAILED,
    NOW,
    REFUSED,
    passed,
    result,
    store_run,
    vantage,
    write_project,
)  # fmt: skip
from tests.tui.screen import text
from tests.tui.test_home import GREEN, SMALL, line_with, small
from tui import store as stores
from tui.app import Dashboard
from tui.screens.detail import DetailPage
from tui.screens.history import HistoryPage
from tui.screens.live import LivePage
from tui.store import Store


def title(app):
    return text(app).splitlines()[0]


def green_cells(app):
    """Return the text that is painted in the colour of a pass."""
    return [
        segment.text
        for strip in app.screen._compositor.render_strips()
        for segment in strip
        if GREEN in str(segment.style) and segment.text.strip()
    ]


def store(file, run, at, *findings, check="files", ended=True):
    plan = load_plan(file, cached=False)
    store_run(file, plan, run, at, [result(plan, check, at, *findings, run=run)], ended=ended)


def let_time_pass(app):
    begun = time.monotonic()
    app.store.now = lambda: NOW + timedelta(seconds=time.monotonic() - begun)


class Dead:
    """A run that ended, as whoever started it sees it."""

    pid = 1

    def __init__(self, code, said=""):
        self.code, self.words = code, said

    def ended(self):
        return self.code

    def said(self):
        return self.words


# The title tells the truth whatever lies over the page


async def test_the_title_goes_on_after_a_statement_was_stored(dashboard, project):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_attestation("way-back")
        await dialog_opened(pilot)
        fields = [("holds", "yes"), ("by", "Ann Rey"), ("note", "seen"), ("confirmation", "hq-move")]
        await ready_to_save(pilot, fields)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "runs this check now" in text(dashboard))
        dashboard.store.view = replace(dashboard.store.view, problems=("The ledger is gone.",))
        await until(pilot, lambda: "CANNOT TELL" in title(dashboard))


@pytest.mark.parametrize("key", ["ctrl+p", "ctrl+o", "question_mark"])
@pytest.mark.parametrize("size", SIZES)
async def test_the_title_goes_on_below_what_lies_over_a_page(tmp_path, size, key):
    app = small(tmp_path, "line", "loss", "files")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: " GO " in title(app))
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) > 1)
        store(app.store.project_file, "r2", NOW - timedelta(minutes=1), REFUSED, check="line")
        await until(pilot, lambda: "NO-GO" in title(app))
        await until(pilot, lambda: "OK GO" not in text(app))


# A run that is no more is not told as one that is asked for, goes on, or found nothing


@pytest.mark.parametrize("code", [-9, 0, 3])
async def test_a_run_that_was_killed_before_it_began_is_not_waited_for(dashboard, monkeypatch, code):
    monkeypatch.setattr(stores, "start_run", lambda *_, **__: Dead(code))
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: dashboard.screen._checks.chosen is not None)
        await pilot.press("R")
        await until(pilot, lambda: not dashboard.store._spawned)
        await until(pilot, lambda: "no new result" in text(dashboard))
        assert "A run of this check" not in text(dashboard)
        started = []
        monkeypatch.setattr(dashboard.store, "start_run", lambda **words: started.append(words))
        await pilot.press("R")
        assert started, "it can be asked for again"


async def test_the_page_of_a_check_waits_for_no_run_that_is_dead(dashboard, monkeypatch):
    monkeypatch.setattr(stores, "start_run", lambda *_, **__: Dead(-9))
    let_time_pass(dashboard)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.open_detail("mail")
        await until(pilot, lambda: isinstance(dashboard.screen, DetailPage))
        await pilot.press("R")
        await until(pilot, lambda: "no new result" in text(dashboard))
        assert "A run of this check" not in text(dashboard)


async def test_the_live_page_waits_for_no_run_that_is_dead(dashboard, monkeypatch):
    monkeypatch.setattr(stores, "start_run", lambda *_, **__: Dead(-9))
    let_time_pass(dashboard)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("r")
        await until(pilot, lambda: dashboard.screen.is_modal)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(dashboard.screen, LivePage))
        await until(pilot, lambda: "ended before it began" in text(dashboard))
        await until(pilot, lambda: "No run goes on" in text(dashboard))
        assert "A run was asked for" not in text(dashboard)


async def test_what_kept_a_run_from_starting_is_not_taken_back_by_the_end_of_another(dashboard, monkeypatch):
    runs = [Dead(None), Dead(2, "The ledger cannot be opened.")]
    waiting = list(runs)
    monkeypatch.setattr(stores, "start_run", lambda *_, **__: waiting.pop(0))
    dashboard.store.start_run(only=["mail"])
    dashboard.store.start_run(only=["line"])
    dashboard.store.refresh(lambda _: None)
    assert dashboard.store.failed_start == "The ledger cannot be opened."
    runs[0].code = 0
    dashboard.store.refresh(lambda _: None)
    assert dashboard.store.failed_start == "The ledger cannot be opened."


async def test_counts_of_a_run_are_not_those_of_a_moment_when_it_went_on(project):
    plan = load_plan(project)
    app = Dashboard(project, plan, now=lambda: NOW)
    at = NOW - timedelta(seconds=2)
    with open_ledger(project, plan) as ledger:
        ledger.begin_run(
            RunRecord(
                id="r4", started=at, vantage=vantage(), plan_digest="", selected=("files", "mail", "line")
            )
        )
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, HistoryPage))
        await until(pilot, lambda: app.screen._counts.get("r4"))
        with open_ledger(project, plan) as ledger:
            writer = ledger.writer(lambda _: None, lambda *_: None)
            for check, finding in (("files", REFUSED), ("mail", FAILED)):
                writer.put(result(plan, check, at, finding, run="r4"))
            writer.close()
            ledger.end_run("r4", finished=NOW, outcome="finished")
        await until(pilot, lambda: "finished" in line_with(text(app), " r4 "))
        await until(pilot, lambda: line_with(text(app), " r4 ", "finished").split()[-6:].count("2"))


async def test_a_comparison_with_a_run_that_goes_on_is_made_anew_when_it_ends(project, monkeypatch):
    monkeypatch.setattr("tui.screens.diff.RENEW_S", 0.0)
    monkeypatch.setattr("tui.screens.diff.SHARE", 1.0)
    plan = load_plan(project)
    app = Dashboard(project, plan, now=lambda: NOW)
    store(project, "r4", NOW - timedelta(seconds=2), passed("l", "open"), check="line", ended=False)
    async with app.run_test(size=(140, 40)) as pilot:
        app.open_diff("r2", "r4")
        await until(pilot, lambda: "did not end yet" in text(app))
        with open_ledger(project, plan) as ledger:
            writer = ledger.writer(lambda _: None, lambda *_: None)
            writer.put(result(plan, "mail", NOW, FAILED, run="r4"))
            writer.close()
            ledger.end_run("r4", finished=NOW, outcome="finished")
        await until(pilot, lambda: "regression" in text(app) and "did not end yet" not in text(app))


# How old what is shown may be


async def test_however_slow_a_look_is_the_next_one_comes_soon(project, monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            raise asyncio.CancelledError

    made = Store(project, load_plan(project), now=lambda: NOW)
    clock = type("Clock", (), {name: iter([0.0, 60.0]).__next__ for name in ("monotonic", "process_time")})
    with monkeypatch.context() as patched:
        patched.setattr(stores, "time", clock)
        patched.setattr(made, "refresh", lambda tell: None)
        patched.setattr(stores.asyncio, "sleep", sleep)
        with pytest.raises(asyncio.CancelledError):
            await made.follow(lambda _: None)
    assert slept == [stores.PERIOD_S, 5.0]


async def test_an_error_in_looking_is_no_old_green_screen(dashboard, monkeypatch):
    def broken(_):
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        async with dashboard.run_test(size=(80, 24)) as pilot:
            monkeypatch.setattr(dashboard.store._watch, "look", broken)
            await until(pilot, lambda: not dashboard.is_running)
    assert str(dashboard.failure) == "the disk is gone"


async def test_a_waiver_ends_on_the_screen_although_nobody_presses_a_key(tmp_path):
    app = small(tmp_path, "line", "loss")
    file, clock = app.store.project_file, [NOW]
    store(file, "r2", NOW - timedelta(minutes=2), REFUSED)
    with open_ledger(file, app.store.plan) as ledger:
        ledger.add(
            Waiver(
                check="files",
                reason="r" * 30,
                risk="low",
                author="Ann Rey",
                approver="Max Lind",
                at=NOW - timedelta(minutes=1),
                expires=NOW + timedelta(minutes=1),
                standing="fail",
            )
        )
    app.store.now = lambda: clock[0]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "GO+WAIVERS" in line_with(text(app), "2 ready"))
        assert [said for said in green_cells(app) if "WAIV" in said] == []
        clock[0] = NOW + timedelta(minutes=1)
        await until(pilot, lambda: "NO-GO" in line_with(text(app), "2 ready"))
        assert "W  WAIVED" not in text(app)


@pytest.mark.parametrize("seconds", [-86400, -3, 3, 86400 * 400])
async def test_a_clock_that_jumps_shows_no_go_of_another_time(tmp_path, seconds):
    app, clock = small(tmp_path, "line", "loss", "files"), [NOW]
    app.store.now = lambda: clock[0]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "OK GO" in text(app))
        clock[0] = NOW + timedelta(seconds=seconds)
        await until(pilot, lambda: app.store.view.picture.now == clock[0])
        await pilot.pause()
        goes = abs(seconds) < 60
        assert ("OK GO" in text(app)) is goes
        assert ("STALE" in text(app).split("TARGET")[-1]) is not goes


# Frozen looks frozen


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_frozen_is_green(tmp_path, size):
    app = small(tmp_path, "line", "loss", "files")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "OK GO" in text(app))
        await pilot.press("a", "space")
        await pilot.pause()
        assert "OK PASS" in text(app)
        assert green_cells(app)[1:] == [], "but the title, which goes on"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DetailPage) and "OK PASS" in text(app))
        assert green_cells(app)[1:] == []
        assert "FROZEN" in title(app)
        await pilot.press("space")
        await pilot.pause()
        assert len(green_cells(app)) > 1


async def test_a_frozen_live_page_does_not_tell_of_now(tmp_path):
    app = small(tmp_path, "line", "loss", "files")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LivePage) and "Now:" in text(app))
        await pilot.press("space")
        store(app.store.project_file, "r2", NOW - timedelta(minutes=1), REFUSED, check="line")
        await until(pilot, lambda: "NO-GO" in title(app))
        assert "Now:" not in text(app)
        assert green_cells(app) == []


async def test_a_go_that_ends_while_frozen_is_over_in_the_title(tmp_path):
    app, clock = small(tmp_path, "line", "loss", "files"), [NOW]
    app.store.now = lambda: clock[0]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space")
        clock[0] = NOW + timedelta(days=3)
        await until(pilot, lambda: "INCOMPLETE" in title(app))
        assert "FROZEN since" in text(app)


# What cannot be told is not told as a pass


async def test_a_dialog_shows_no_pass_while_the_project_cannot_be_read(dashboard, project):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        project.write_text("gonogo: [")
        await until(pilot, lambda: dashboard.store.view.problems)
        for ask, check in (
            (dashboard.ask_attestation, "plan-agreed"),
            (dashboard.ask_waiver, "line"),
            (dashboard.ask_decision, "line-live"),
        ):
            ask(check)
            await dialog_opened(pilot)
            assert "OK PASS" not in text(dashboard)
            assert green_cells(dashboard) == []
            await pilot.press("escape")


async def test_the_project_file_is_not_blamed_for_the_ledger(tmp_path):
    app = small(tmp_path, "line", "loss", "files")
    async with app.run_test(size=(140, 40)) as pilot:
        shutil.rmtree(app.store.project_file.parent / ".gonogo")
        await until(pilot, lambda: app.store.view.problems)
        await until(pilot, lambda: "CANNOT TELL" in text(app))
        assert "move.yaml not readable" not in text(app)
        assert "move.yaml ok" not in text(app)


@pytest.mark.parametrize("mode", ["check", "evidence"])
async def test_the_evidence_is_never_that_of_a_ledger_that_was_exchanged(tmp_path, mode):
    """The entry has the same number in both ledgers."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    files = [write_project(folder, SMALL) for folder in (here, there)]
    for file, seen in zip(files, ("refused after 12 ms", "closed by the new firewall"), strict=True):
        plan = load_plan(file, cached=False)
        found = replace(REFUSED, observed=seen)
        made = result(plan, "files", NOW, found, run="r1", observation={"seen": seen})
        store_run(file, plan, "r1", NOW, [made])
    app = Dashboard(files[0], load_plan(files[0]), now=lambda: NOW)
    async with app.run_test(size=(140, 40)) as pilot:
        app.open_detail("files")
        await until(pilot, lambda: "EVIDENCE" in text(app))
        if mode == "evidence":
            await pilot.press("e")
            await until(pilot, lambda: "OBSERVATION" in text(app))
        assert "12 ms" in text(app)
        mine, other = (ledger_path(file, "hq-move") for file in files)
        for rest in mine.parent.glob(f"{mine.name}-*"):
            rest.unlink()
        shutil.copy2(other, mine.with_suffix(".new"))
        mine.with_suffix(".new").replace(mine)
        await until(pilot, lambda: "new firewall" in text(app))
        await until(pilot, lambda: "12 ms" not in text(app))


# Who only looks writes nothing


PAGES = {
    "home": [], "live": ["l"], "history": ["d"], "diff": ["d", "d"], "vantage": ["v"], "detail": ["enter"],
    "palette": ["ctrl+p"],
}  # fmt: skip
MOVING = re.compile(r"^list\.|^app\.quit|_[3-9]$")


def keys_here(app):
    """Return the keys of the screen in front, without those that move about or end it all."""
    bound = app.screen.active_bindings.items()
    return [key for key, item in bound if item.binding.id and not MOVING.search(item.binding.id)]


@pytest.mark.parametrize("page", PAGES)
async def test_whoever_only_looks_writes_and_starts_nothing_by_any_key(project, monkeypatch, page):
    def explode(*_, **__):
        raise AssertionError("written")

    for name in ("add", "begin_run", "end_run", "writer"):
        monkeypatch.setattr(Ledger, name, explode)
    monkeypatch.setattr(stores, "start_run", explode)
    monkeypatch.setattr("agent.live.LiveRuns.ask_to_stop", explode)
    monkeypatch.setattr("agent.doctor.tempfile.NamedTemporaryFile", explode)
    plan = load_plan(project)
    before = ledger_path(project, "hq-move").read_bytes()
    listed = sorted(
        str(path) for path in project.parent.rglob("*") if not path.name.endswith(("-wal", "-shm"))
    )
    app = Dashboard(project, plan, read_only=True, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        keys: list[str] | None = None
        while keys is None or keys:
            app.go_home()
            for step in PAGES[page]:
                await pilot.press(step)
            await pilot.pause()
            keys = keys_here(app) if keys is None else keys
            for key in (keys.pop(), "enter", "ctrl+s"):
                await pilot.press(key)
            assert app.is_running
    assert app.failure is None
    assert ledger_path(project, "hq-move").read_bytes() == before
    assert listed == sorted(
        str(path) for path in project.parent.rglob("*") if not path.name.endswith(("-wal", "-shm"))
    )


@pytest.mark.parametrize("ask", ["ask_waiver", "ask_attestation", "ask_decision", "ask_run"])
async def test_no_dialog_of_one_who_only_looks_writes(project, monkeypatch, ask):
    def explode(*_, **__):
        raise AssertionError("written")

    monkeypatch.setattr(Ledger, "add", explode)
    monkeypatch.setattr(stores, "start_run", explode)
    app = Dashboard(project, load_plan(project), read_only=True, now=lambda: NOW)
    words = {"ask_attestation": "way-back", "ask_waiver": "mail", "ask_decision": "ready"}
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("enter", "ctrl+s", "R", "space"):
            getattr(app, ask)(*([words[ask]] if ask in words else []))
            await pilot.pause()
            await pilot.press(key, "ctrl+s", "enter", "escape")
            await pilot.pause()
    assert app.failure is None


# Without colour


@pytest.mark.parametrize("page", ["home", "everything", "detail", "live", "history", "diff"])
@pytest.mark.parametrize("size", SIZES)
async def test_without_colour_a_failure_reads_otherwise_than_a_pass(tmp_path, monkeypatch, page, size):
    """Both say the same words of what was seen: what differs is told by words and not by colour alone."""
    monkeypatch.setenv("NO_COLOR", "1")

    async def seen_with(status):
        app = small(tmp_path / status.value, "line", "loss", "files")
        finding = replace(passed("files", "open"), status=status, fix="Open it.")
        store(app.store.project_file, "r2", NOW - timedelta(minutes=1), finding)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.store.view.picture.run.id == "r2")
            await pilot.press("2", "a")
            if page == "detail":
                app.open_detail("files")
                await until(pilot, lambda: "EVIDENCE" in text(app))
            elif page == "diff":
                app.open_diff("r1", "r2")
                await until(pilot, lambda: "on both sides" in text(app))
                await pilot.press("a")
            elif page in ("live", "history"):
                await pilot.press({"live": "l", "history": "d"}[page])
                await until(pilot, lambda: "finished" in text(app) and "..." not in text(app))
            await pilot.pause()
            assert not green_cells(app)
            return text(app).split("\n", 1)[1]

    seen = []
    for status in (Status.PASS, Status.FAIL):
        (tmp_path / status.value).mkdir()
        seen.append(await seen_with(status))
    assert seen[0] != seen[1]
    word = {"history": None, "diff": "PASS"}.get(page, "OK PASS")
    assert word is None or word in seen[0]
    if page in ("home", "everything", "detail", "live"):
        assert "!! FAIL" in seen[1]
    if page == "diff":
        assert "regression" in seen[1]


async def test_a_milestone_that_is_gone_does_not_pass_in_its_dialog(tmp_path):
    app = small(tmp_path, "line", "loss", "files")
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_decision("ready")
        await dialog_opened(pilot)
        assert "Every check of this gate passes" in text(app)
        file = app.store.project_file
        file.write_text(
            SMALL.replace("  ready: {", "  other: {").replace("milestone: ready", "milestone: other")
        )
        await until(pilot, lambda: "has no such milestone" in text(app))
        assert "passes" not in text(app)


@pytest.mark.parametrize("ask", ["ask_waiver", "ask_attestation"])
async def test_a_check_that_is_gone_stands_in_no_way_in_its_dialog(dashboard, project, ask):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        getattr(dashboard, ask)("plan-agreed")
        await dialog_opened(pilot)
        project.write_text(re.sub(r"(?m)^  plan-agreed:.*\n", "", project.read_text()))
        await until(pilot, lambda: "plan-agreed" not in dashboard.store.plan.by_id)
        await until(pilot, lambda: "OK PASS" not in text(dashboard))
        assert "passes" not in text(dashboard)
        assert "landlord" not in text(dashboard)
