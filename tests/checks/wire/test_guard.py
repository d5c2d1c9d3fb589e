"""A process that is killed leaves none of the programs that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not done on Windows")

ROOT = Path(__file__).parents[3]
STARTS = """
import asyncio, sys
from checks.wire.guard import GUARD
from checks.wire.process import run
begun = GUARD.begun
def tell(pid):
    begun(pid)
    with open(sys.argv[1] + ".told", "a") as file:
        file.write(".")
GUARD.begun = tell
async def both():
    await run(["/bin/sh", "-c", "echo over"])
    script = "trap '' TERM HUP INT; sleep 1000 & echo $! $$ >> %s; wait" % sys.argv[1]
    await asyncio.gather(*(run(["/bin/sh", "-c", script]) for _ in range(3)))
asyncio.run(both())
"""


def wait_for(met, said):
    until = time.monotonic() + 20
    while not (found := met()):
        assert time.monotonic() < until, f"waited in vain for {said}"
        time.sleep(0.02)
    return found


def alive(pids):
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_what_it_started_goes_with_it(tmp_path, how):
    said = tmp_path / "pids"
    process = subprocess.Popen([sys.executable, "-c", STARTS, said], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        lines = wait_for(
            lambda: said.exists() and said.read_text().count("\n") == 3 and said.read_text(), "it"
        )
        told = said.with_name("pids.told")
        wait_for(lambda: told.exists() and told.read_text() == "....", "the guard to know of each")
        pids = [int(word) for word in lines.split()]
        guards = [child.pid for child in psutil.Process(process.pid).children() if child.pid not in pids]
        assert alive(pids) == pids
        assert len(guards) == 1
        os.kill(process.pid, how)
        process.wait(20)
        wait_for(lambda: not alive([*pids, *guards]), "their end")
    finally:
        process.kill()
        process.wait()


def test_programs_that_ended_are_forgotten_and_a_stranger_is_not_touched(tmp_path):
    """The shell kills by number: one that was told to be over must not be killed when it is another's."""
    from checks.wire.guard import Guard

    stranger = subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True)
    others = [subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True) for _ in range(3)]
    guard = Guard()
    try:
        for one in (others[0], stranger, others[1], others[2]):
            guard.begun(one.pid)
        guard.ended(stranger.pid)
        guard.ended(1)
        guard.close()
        assert [one.wait(10) for one in others] == [-9] * 3
        assert stranger.poll() is None
    finally:
        for one in (stranger, *others):
            one.kill()
            one.wait()


def test_without_a_shell_programs_run_all_the_same(monkeypatch):
    from checks.wire import guard

    monkeypatch.setattr(guard.subprocess, "Popen", lambda *_, **__: (_ for _ in ()).throw(OSError(11, "no")))
    made = guard.Guard()
    made.begun(2**22 + 1)
    made.ended(2**22 + 1)
    made.close()
