"""Starting a run: what each choice would run, what keeps it from starting, and real processes at last."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from agent.files.load import load_plan
from agent.live import LiveRun
from agent.running import open_ledger
from tests.tui.conftest import SIZES
from tests.tui.office import NOW
from tests.tui.screen import check_snapshot, text
from tui.app import Dashboard
from tui.dialogs.run import RunDialog
from tui.screens.detail import DetailPage
from tui.screens.live import LivePage
from tui.widgets.listing import Listing


async def until(pilot, true, what="the condition", seconds=30):
    """Wait until `true()` holds."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if true():
            return
        await pilot.pause(0.05)
    raise AssertionError(f"{what} did not come true:\n{text(pilot.app)}")


async def asked(pilot, checks=(), milestone="ready"):
    """Open the dialog."""
    pilot.app.ask_run(checks, milestone)
    await until(
        pilot, lambda: isinstance(pilot.app.screen, RunDialog) and bool(pilot.app.screen.query("#said"))
    )
    await pilot.pause()


def choices(app):
    return {choice.name: len(choice.checks) for choice in app.screen.query_one("#answers", Listing).items}


@pytest.mark.parametrize("size", SIZES)
async def test_each_choice_says_what_it_would_run(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        await asked(pilot, ("mail", "files", "gone"))
        assert choices(dashboard) == {"milestone": 7, "listed": 2, "all": 12}
        await until(pilot, lambda: "can be stopped" in text(dashboard))
        assert "NO-GO" in text(dashboard).splitlines()[0]
        check_snapshot(dashboard, "run-dialog")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("enter",), {"milestones": ["ready"], "only": ()}),
        (("down", "enter"), {"milestones": [], "only": ("mail",)}),
        (("end", "enter"), {"milestones": [], "only": ()}),
        (("escape",), None),
    ],
)
async def test_the_keys_start_what_they_say(dashboard, monkeypatch, keys, words):
    started = []
    monkeypatch.setattr(dashboard.store, "start_run", lambda **given: started.append(given))
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await asked(pilot, ("mail",))
        await pilot.press(*keys)
        await until(pilot, lambda: not isinstance(dashboard.screen, RunDialog))
        assert started == ([words] if words is not None else [])
        assert isinstance(dashboard.screen, LivePage) == (words is not None)


async def test_the_page_that_is_there_is_used_again(dashboard, monkeypatch):
    monkeypatch.setattr(dashboard.store, "start_run", lambda **_: None)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        await until(pilot, lambda: isinstance(dashboard.screen, LivePage))
        page = dashboard.screen
        await pilot.press("r")
        await until(pilot, lambda: isinstance(dashboard.screen, RunDialog))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: dashboard.screen is page)
        assert sum(isinstance(screen, LivePage) for screen in dashboard.screen_stack) == 1
        await until(pilot, lambda: "A run was asked for" in text(dashboard))


async def test_a_run_that_goes_on_already_and_one_that_cannot_start_are_said(dashboard, monkeypatch):
    from dataclasses import replace

    def refuse(**_):
        raise OSError(11, "Resource temporarily unavailable [/]\x1b[31m")

    monkeypatch.setattr(dashboard.store, "start_run", refuse)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        run = LiveRun(id="r4[/]\x1b", pid=1, started=NOW, selected=("mail", "files"))
        dashboard.store.view = replace(dashboard.store.view, runs=(run,))
        await asked(pilot)
        await until(pilot, lambda: "Run r4[/]\\x1b goes on already, 2 of 2" in text(dashboard))
        await pilot.press("enter")
        await until(pilot, lambda: "The run cannot be started" in text(dashboard))
        assert isinstance(dashboard.screen, RunDialog)
        assert "\x1b" not in text(dashboard)


async def test_read_only_starts_nothing(dashboard, monkeypatch):
    dashboard.store.read_only = True
    spawned = []
    monkeypatch.setattr("tui.store.start_run", lambda *_, **__: spawned.append(1))
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await asked(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "only shows" in text(dashboard))
        assert not spawned


# Real processes


@contextlib.contextmanager
def listener():
    """Listen on loopback; yield the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def silent():
    """Yield a port that swallows what is sent to it: its backlog is full, so nobody is answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        taken = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(("127.0.0.1", port))
            taken.append(one)
        time.sleep(0.05)
        yield port
        for one in taken:
            one.close()


def real_project(folder, open_port, slow_port, slow=4, timeout="8s"):
    slow_checks = "\n".join(
        f"  slow-{n}: {{type: network.tcp, milestone: now, target: 127.0.0.1, port: {slow_port}, "
        f"timeout: {timeout}}}"
        for n in range(slow)
    )
    file = folder / "real.yaml"
    due = datetime.now(UTC).replace(microsecond=0).isoformat()
    file.write_text(
        f"""\
gonogo: 1
project: {{id: real, name: Real, timezone: Europe/Zurich, cutover: "{due}"}}
milestones:
  now: {{title: It works now, due: +1h, gate: {{max_age: 1h}}}}
checks:
  open: {{type: network.tcp, milestone: now, target: 127.0.0.1, port: {open_port}}}
  signed: {{type: manual, milestone: now, statement: Somebody looked}}
{slow_checks}
""",
        encoding="utf-8",
    )
    return file


def ids(app):
    return [run.id for run in app.store.view.runs]


def shown(app):
    return {item.check: item.state.value for item in app.screen.query_one("#items", Listing).items}


async def test_a_real_run_is_started_followed_stopped_and_its_end_told(tmp_path):
    with listener() as good, silent() as slow:
        file = real_project(tmp_path, good, slow, timeout="60s")
        app = Dashboard(file, load_plan(file))
        async with app.run_test(size=(80, 24)) as pilot:
            await asked(pilot, milestone="now")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, LivePage))
            await until(pilot, lambda: ids(app), "a live run")
            (run,) = ids(app)
            await until(pilot, lambda: "pass" in shown(app).values(), "the first pass")
            assert shown(app)["open"] == "pass"
            await until(pilot, lambda: "running" in shown(app).values(), "something in flight")
            assert "INCOMPLETE" in text(app).splitlines()[0]
            print(text(app))
            await pilot.press("c")
            await until(pilot, lambda: f"Stop run {run}" in text(app))
            await pilot.press("down", "enter")
            await until(pilot, lambda: "was cancelled" in text(app), "the end")
            print(text(app))
            assert shown(app)["open"] == "pass"
            assert "GO " not in text(app).replace("NO-GO ", "").replace("gonogo ", "")
            assert set(shown(app).values()) & {"not run", "inconclusive"}
        with open_ledger(file, load_plan(file), read_only=True) as ledger:
            assert ledger.run(run).outcome == "cancelled"


async def test_closing_the_dashboard_leaves_a_run_and_opening_another_finds_it(tmp_path):
    with listener() as good, silent() as slow:
        file = real_project(tmp_path, good, slow, slow=1, timeout="6s")
        first = Dashboard(file, load_plan(file))
        async with first.run_test(size=(80, 24)) as pilot:
            await asked(pilot, milestone="now")
            await pilot.press("enter")
            await until(pilot, lambda: ids(first), "a live run")
            (run,) = ids(first)
        second = Dashboard(file, load_plan(file))
        async with second.run_test(size=(80, 24)) as pilot:
            await pilot.press("l")
            await until(pilot, lambda: ids(second) == [run] or "finished" in text(second), "the run")
            assert ids(second) == [run]
            await until(pilot, lambda: f"run {run} finished" in text(second), "the end")
            assert shown(second)["open"] == "pass"


async def test_a_run_that_is_killed_is_told_as_killed(tmp_path):
    with listener() as good, silent() as slow:
        file = real_project(tmp_path, good, slow, timeout="60s")
        app = Dashboard(file, load_plan(file))
        process = subprocess.Popen(
            [sys.executable, "-m", "agent.cli", "run", str(file)], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                await pilot.press("l")
                await until(pilot, lambda: ids(app), "a run of another process")
                await until(pilot, lambda: shown(app).get("open") == "pass", "the first pass")
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                await until(pilot, lambda: "was killed" in text(app), "the end")
                assert shown(app)["open"] == "pass"
                assert "not run" in shown(app).values()
        finally:
            process.kill()
            process.wait()


async def test_one_check_is_run_again_from_its_page(tmp_path):
    with listener() as good, silent() as slow:
        file = real_project(tmp_path, good, slow, slow=1, timeout="1s")
        app = Dashboard(file, load_plan(file))
        async with app.run_test(size=(80, 24)) as pilot:
            app.open_detail("open")
            await until(pilot, lambda: isinstance(app.screen, DetailPage) and "never run" in text(app))
            await pilot.press("R")
            await until(pilot, lambda: "was asked for" in text(app))
            await until(pilot, lambda: "OK PASS  open" in text(app), "the new result")
            await until(pilot, lambda: "EVIDENCE" in text(app))
            assert "was asked for" not in text(app)


async def test_a_run_that_cannot_start_says_why(tmp_path):
    with listener() as good, silent() as slow:
        file = real_project(tmp_path, good, slow)
        app = Dashboard(file, load_plan(file))
        async with app.run_test(size=(80, 24)) as pilot:
            await asked(pilot, milestone="now")
            file.write_text("gonogo: 1\nproject: [", encoding="utf-8")
            await pilot.press("enter")
            await until(pilot, lambda: "could not start" in text(app), "the sentence")
            assert " GO " not in text(app)
