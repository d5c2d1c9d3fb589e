"""Programs are run to their end and nothing of them is left, whatever they do."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import psutil
import pytest

from checks.wire import process
from checks.wire.process import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs of these tests are POSIX ones")


def sh(script, **options):
    return asyncio.run(run(("/bin/sh", "-c", script), **options))


def gone(pid):
    """Wait until `pid` is no process, or is a zombie that another parent (init) has yet to reap."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                assert psutil.Process(pid).ppid() != os.getpid(), "a zombie of ours"
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_output_exit_code_and_closed_stdin():
    ran = sh("echo out; echo err >&2; cat; exit 7")
    assert (ran.code, ran.signal, ran.stdout, ran.stderr, ran.cut) == (7, None, b"out\n", b"err\n", False)


def test_environment_is_what_was_given():
    assert sh('echo "$A:$HOME"', env={"A": "b"}).stdout == b"b:\n"


def test_a_signal_is_no_exit_code():
    ran = sh("kill -TERM $$")
    assert (ran.code, ran.signal) == (None, signal.SIGTERM)


def test_a_flood_is_cut_and_the_program_killed():
    ran = asyncio.run(run(("yes",), limit=1000))
    assert ran.cut
    assert len(ran.stdout) == 1000
    assert ran.code is None


def test_output_of_exactly_the_limit_is_not_cut():
    ran = sh("printf 0123456789", limit=10)
    assert (ran.stdout, ran.cut, ran.code) == (b"0123456789", False, 0)


def test_a_flood_on_stderr_is_cut_without_harm():
    ran = sh("yes | head -c 1000000 >&2; echo done")
    assert ran.stdout == b"done\n"
    assert len(ran.stderr) == process.MAX_ERRORS


def test_what_the_program_left_running_is_killed_and_does_not_keep_us_waiting():
    ran = sh("sleep 1000 & echo $!")
    assert ran.code == 0
    assert gone(int(ran.stdout))


def test_a_descendant_that_left_the_session_and_holds_the_output_does_not_keep_us_waiting(tmp_path):
    pid_file = tmp_path / "pid"
    daemon = f"setsid sh -c 'echo $$ > {pid_file}; exec sleep 1000' &"
    ran = sh(f"{daemon} while [ ! -s {pid_file} ]; do :; done; echo ok")
    pid = int(pid_file.read_text())
    try:
        assert (ran.code, ran.stdout) == (0, b"ok\n")
    finally:
        os.kill(pid, signal.SIGKILL)


def test_cancelled_it_kills_the_whole_group_and_leaves_no_zombie(tmp_path):
    pid_file = tmp_path / "pids"

    async def cancel_it():
        script = f"trap '' TERM INT; sleep 1000 & echo $! $$ > {pid_file}; wait"
        task = asyncio.create_task(run(("/bin/sh", "-c", script)))
        while not (pid_file.exists() and pid_file.read_text().endswith("\n")):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_it())
    assert all(gone(int(pid)) for pid in pid_file.read_text().split())


@pytest.mark.parametrize("turns", range(12))
def test_cancelled_while_it_starts_it_leaves_nothing_running(turns, tmp_path):
    marker = f"1000.{os.getpid()}{turns:02}"

    async def cancel_it():
        task = asyncio.create_task(run(("/bin/sh", "-c", f"sleep {marker} & sleep {marker}")))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 30)

    asyncio.run(cancel_it())
    left = [one for one in psutil.process_iter(["cmdline"]) if marker in (one.info["cmdline"] or ())]
    assert all(gone(one.pid) for one in left)


def test_what_cannot_be_started_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        asyncio.run(run((str(tmp_path / "nothing"),)))


def test_windows_kills_the_children_first(monkeypatch):
    killed = []

    class Fake:
        def __init__(self, pid):
            self.pid = pid

        def children(self, recursive):
            assert recursive
            return [Fake(2), Fake(3)]

        def kill(self):
            killed.append(self.pid)
            if self.pid == 2:
                raise psutil.NoSuchProcess(2)

    monkeypatch.setattr(process.sys, "platform", "win32")
    monkeypatch.setattr(psutil, "Process", Fake)
    process.kill_tree(1)
    assert killed == [2, 3, 1]
