"""Real kills of real processes on a real terminal: what was told is kept, and no process is left behind."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from agent.files.load import load_plan
from agent.ledger.errors import LedgerError
from agent.live import LiveRuns
from agent.running import open_ledger, stand
from agent.verdict import Verdict
from tests.tui.practice import chain, held, write
from tests.tui.terminal import GONOGO, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

MARK = "GONOGO_TEST_MARK"
ROUNDS = 12
STEPS = 12
PASSED = re.compile(r"OK PASS +(step-\d+)")


class Scene:
    """A project, the dashboards on it, and every process that they started, found by their environment."""

    def __init__(self, folder, steps=STEPS, pause_s=0.25, *, gated=False):
        self.gate = folder / "gate"
        last = f"step-{steps - 1:02}"
        self.file = write(folder, chain(steps, pause_s), held(self.gate, last) if gated else "")
        self.steps = [f"step-{n:02}" for n in range(steps)] + ["held"] * gated
        self.plan = load_plan(self.file)
        self.mark = uuid.uuid4().hex

    def dashboard(self):
        """Open a dashboard in a terminal of its own, and wait until it takes keys."""
        terminal = Terminal(GONOGO, "dashboard", self.file.name, cwd=self.file.parent, **{MARK: self.mark})
        terminal.wait_for("MILESTONE", "r Run")
        return terminal

    def alive(self):
        """Return the processes that were started here and still are."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def runners(self):
        """Return those that are a run; the programs of its checks are none."""
        return [one for one in self.alive() if told(one)[:1] and "run" in told(one)]

    def ledger(self, look: Callable[[Any], Any]) -> Any:
        with open_ledger(self.file, self.plan, read_only=True) as ledger:
            return look(ledger)

    def runs(self):
        """Return the runs that the ledger knows, the newest first; none while it is being made."""
        try:
            return self.ledger(lambda ledger: ledger.runs())
        except LedgerError:
            return []

    def results(self, run):
        return self.ledger(lambda ledger: {name: item.status.value for name, item in
                                           ledger.latest_of_run(run).items()})  # fmt: skip

    def live(self):
        """Return the runs that go on, as the live files tell."""
        with open_ledger(self.file, self.plan, read_only=True) as ledger:
            return LiveRuns(ledger.path).look_once()

    def picture(self):
        from datetime import UTC, datetime

        return self.ledger(lambda ledger: stand(self.plan, ledger, now=datetime.now(UTC)))


def command(process):
    """Return the words of a process; none of one that is no more."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def told(process):
    """Return the words of a process that is gonogo; none of another one."""
    words = command(process)
    return words if any("agent.cli" in word or word == GONOGO for word in words) else []


def wait_for(met, said, patience_s=60.0):
    """Wait until `met()` is something, and return that."""
    until = time.monotonic() + patience_s
    while not (found := met()):
        assert time.monotonic() < until, f"waited in vain for {said}"
        time.sleep(0.02)
    return found


def start_run(terminal):
    """Start the run of the milestone, and wait until the page for it is there."""
    terminal.send("r")
    terminal.wait_for("LAST TOOK")
    terminal.send("\r")
    terminal.wait_for("live run", "STATUS")


def follow(terminal, step="step-01"):
    """Wait until the run has told that the step passed; return every step that the screen says passed."""
    until = time.monotonic() + 60
    while step not in PASSED.findall(terminal.text):
        assert time.monotonic() < until, terminal.text
        terminal.read()
    return set(PASSED.findall(terminal.text))


def assert_none_left(scene):
    wait_for(lambda: not scene.alive(), f"the end of {[command(one) for one in scene.alive()]}", 20)


def quit_it(terminal):
    terminal.send("q")
    assert terminal.wait_end(20) == 0


ENDS = {
    "killed": lambda terminal: terminal.process.kill(),
    "terminal closed": lambda terminal: terminal.hang_up(),
    "hung up": lambda terminal: os.kill(terminal.process.pid, signal.SIGHUP),
    "session hung up": lambda terminal: os.killpg(terminal.process.pid, signal.SIGHUP),
    "interrupted": lambda terminal: os.killpg(terminal.process.pid, signal.SIGINT),
    "quit": lambda terminal: terminal.send("q"),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_run_goes_on_whatever_becomes_of_its_dashboard(tmp_path, how):
    scene = Scene(tmp_path, steps=4, gated=True)
    with scene.dashboard() as first:
        start_run(first)
        follow(first)
        (runner,) = scene.runners()
        ENDS[how](first)
        wait_for(lambda: first.read() is not None and first.process.poll() is not None, "the dashboard's end")
        assert [one.pid for one in scene.runners()] == [runner.pid]
        assert not [one for one in scene.alive() if "dashboard" in told(one)]
    with scene.dashboard() as second:
        second.send("l")
        (run,) = scene.runs()
        second.wait_for("live run", run.id, ".. RUNNING      held", "OK PASS         step-03")
        scene.gate.touch()
        second.wait_for(f"run {run.id} finished after", "5 of 5")
        second.send("\x1b")
        second.wait_for("nothing blocks it", " GO ")
        quit_it(second)
    assert scene.results(run.id) == dict.fromkeys(scene.steps, "pass")
    assert [one.outcome for one in scene.runs()] == ["finished"]
    assert scene.ledger(lambda ledger: ledger.verify()) == []
    assert scene.live() == []
    assert_none_left(scene)


def test_a_run_that_is_killed_is_told_as_such_and_loses_nothing_that_was_told(tmp_path):
    scene = Scene(tmp_path)
    with scene.dashboard() as terminal:
        start_run(terminal)
        seen = follow(terminal, "step-02")
        (runner,) = scene.runners()
        runner.kill()
        (run,) = scene.runs()
        terminal.wait_for(f"run {run.id} was killed: the ledger has no end of it")
        kept = scene.results(run.id)
        assert seen <= {name for name, status in kept.items() if status == "pass"}
        assert f"{len(kept)} of {STEPS} checks have a result" in " ".join(terminal.text.split())
        terminal.send("\x1b")
        terminal.wait_for("WHAT BLOCKS now:", "not run", "INCOMPLETE", "was killed")
        assert "nothing blocks it" not in terminal.text
        assert scene.live() == [], "the file that it left is not believed"
        assert scene.picture().verdict is Verdict.INCOMPLETE
        with scene.dashboard() as another:
            another.wait_for("WHAT BLOCKS now:", "was killed")
            another.send("l")
            another.wait_for(f"run {run.id} was killed")
            another.send("d")
            another.wait_for("killed")
            another.send("\x1b\x1b")
        terminal.send("r")
        terminal.wait_for("LAST TOOK")
        terminal.send("\r")
        terminal.wait_for("finished after", f"{STEPS} of {STEPS}")
        terminal.send("\x1b")
        terminal.wait_for("nothing blocks it")
        quit_it(terminal)
    assert scene.picture().verdict is Verdict.GO
    assert [one.outcome for one in scene.runs()] == ["finished", None]
    assert scene.ledger(lambda ledger: ledger.verify()) == []
    assert_none_left(scene)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_ends_early_leaves_no_program_that_would_never_end(tmp_path, number):
    scene = Scene(tmp_path, steps=1, pause_s=600)
    with scene.dashboard() as terminal:
        start_run(terminal)
        terminal.wait_for(".. RUNNING      step-00")
        (runner,) = scene.runners()
        wait_for(lambda: any(command(one) == ["sleep", "600"] for one in scene.alive()), "the program")
        runner.send_signal(number)
        wait_for(lambda: [one.pid for one in scene.alive()] == [terminal.process.pid], "the end of the rest")
        terminal.wait_for("was killed" if number == signal.SIGKILL else "0 of 1 checks have a result", "now")
        assert " GO " not in terminal.text
        quit_it(terminal)
    assert_none_left(scene)


def until_random(terminal, chance, most_s):
    """Let the dashboard work for a while: a random time, which is what is tested."""
    until = time.monotonic() + chance.uniform(0, most_s)
    while (left := until - time.monotonic()) > 0:
        terminal.read(min(left, 0.05))


@pytest.mark.parametrize("how", ["killed", "terminal closed"])
def test_dashboards_that_end_at_random_moments_take_no_run_along(tmp_path, how):
    scene, chance = Scene(tmp_path, steps=6, pause_s=0.1), random.Random()
    begun = 0
    for _ in range(ROUNDS):
        with scene.dashboard() as terminal:
            start_run(terminal)
            until_random(terminal, chance, 2.0)
            ENDS[how](terminal)
            wait_for(lambda t=terminal: t.process.poll() is not None, "the dashboard's end")
            begun += 1
    wait_for(lambda: not scene.alive(), "the end of all runs")
    runs = scene.runs()
    assert len(runs) == begun
    for run in runs:
        assert run.outcome == "finished"
        assert scene.results(run.id) == dict.fromkeys(scene.steps, "pass")
    assert scene.ledger(lambda ledger: ledger.verify()) == []
    with scene.dashboard() as terminal:
        terminal.wait_for("nothing blocks it")
        quit_it(terminal)
    assert_none_left(scene)


def test_runs_that_are_killed_at_random_moments_lose_nothing_that_was_told(tmp_path):
    scene, chance = Scene(tmp_path, steps=8, pause_s=0.1), random.Random()
    with scene.dashboard() as terminal:
        for _ in range(ROUNDS):
            before = {run.id for run in scene.runs()}
            start_run(terminal)
            (runner,) = wait_for(scene.runners, "the run")
            until_random(terminal, chance, 2.5)
            shown = terminal.text
            seen = set(PASSED.findall(shown)) if "was asked for" not in shown else set()
            with_end = " finished after" in shown
            with contextlib.suppress(psutil.NoSuchProcess):
                runner.kill()
                runner.wait(10)
            terminal.settle(0.1, 1.0)
            new = [run for run in scene.runs() if run.id not in before]
            assert len(new) <= 1
            if new and new[0].id in shown:
                kept = scene.results(new[0].id)
                assert with_end or seen <= {name for name, status in kept.items() if status == "pass"}
                word = {None: "was killed", "finished": "finished after"}[new[0].outcome]
                terminal.wait_for(f"run {new[0].id} {word}")
            terminal.send("\x1b")
            terminal.wait_for("MILESTONE", "r Run")
            assert scene.live() == [] if new else True
        blocked = scene.picture().verdict is not Verdict.GO
        terminal.wait_for("WHAT BLOCKS now" if blocked else "nothing blocks it")
        start_run(terminal)
        terminal.wait_for("finished after", "8 of 8")
        terminal.send("\x1b")
        terminal.wait_for("nothing blocks it")
        quit_it(terminal)
    assert scene.ledger(lambda ledger: ledger.verify()) == []
    assert_none_left(scene)


PAGES = {
    "home": ("", "MILESTONE"),
    "check": ("\r", "Milestone  now"),
    "live": ("l", "live run"),
    "history": ("d", "RUN OR BASELINE"),
    "vantage": ("v", "SEEN FROM"),
    "keys": ("?", "This page"),
    "palette": ("\x10", "Type a few letters"),
    "run": ("r", "LAST TOOK"),
    "waive": ("w", "Save waiver"),
    "sign": ("s", "Decision"),
    "filter": ("/", "/"),
}


def test_every_page_survives_a_small_terminal_while_a_run_goes_on_and_q_leaves_it_running(tmp_path):
    scene = Scene(tmp_path, steps=2, gated=True)
    with scene.dashboard() as terminal:
        start_run(terminal)
        follow(terminal, "step-00")
        (runner,) = scene.runners()
        terminal.send("\x1b")
        terminal.wait_for("MILESTONE", "r Run")
        terminal.settle()
        home = terminal.text
        for name, (key, words) in PAGES.items():
            terminal.wait_for("MILESTONE", "r Run")
            terminal.send(key)
            terminal.wait_for(words)
            terminal.resize(40, 10)
            terminal.wait_for("needs 80x24")
            assert " GO " not in terminal.text, name
            terminal.resize(140, 40)
            terminal.wait_for(words)
            terminal.resize(80, 24)
            terminal.wait_for(words)
            terminal.settle()  # what is shown is painted anew after the resize, not left over
            if name != "home":
                terminal.send("\x1b")
                terminal.wait_for(*([words] if words not in home else []), gone=True)
                terminal.settle()  # an escape and a letter close together are another key
        terminal.wait_for("MILESTONE", "r Run")
        quit_it(terminal)
    assert [one.pid for one in scene.runners()] == [runner.pid]
    (run,) = scene.runs()
    assert run.outcome is None
    runner.send_signal(signal.SIGINT)
    wait_for(lambda: scene.runs()[0].outcome == "cancelled", "the end of the run")
    assert_none_left(scene)
