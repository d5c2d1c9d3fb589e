"""Law 7: what was reported is there after kill -9; several processes write and read at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.ledger import Ledger
from checks.words import Result, Status
from tests.agent.ledger.making import a_result, a_run

ROOT = Path(__file__).parents[3]


def writing(path: Path, run: str, count: int, pause_s: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.agent.ledger.writing_process",
            str(path),
            run,
            str(count),
            str(pause_s),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def wait_until(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, f"waited a minute for {what}"
        time.sleep(0.01)


def results_in(path: Path) -> int:
    with Ledger.open(path, read_only=True) as ledger:
        return len(ledger.latest())


def test_what_was_reported_is_there_after_kill_9_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    chance = random.Random()
    reported: set[str] = set()
    for number in range(50):
        process = writing(path, f"r{number}", 100_000, 0.001)
        try:
            if number % 5:  # else it is killed while it starts, opens the ledger or begins its run
                first = process.stdout.readline()  # type: ignore[union-attr]
                reported.add(first.decode().strip())
                time.sleep(chance.uniform(0, 0.08))
            else:
                time.sleep(chance.uniform(0, 0.3))
        finally:
            process.send_signal(signal.SIGKILL)
            rest, _ = process.communicate()
        lines = rest.decode().split("\n")
        reported.update(lines[:-1])  # the last one may be cut off
        reported.discard("")
        assert not [line for line in reported if line.startswith("LOST")]
        if path.exists():
            with Ledger.open(path, read_only=number % 2 == 0) as ledger:
                assert ledger.verify() == []
                assert reported <= set(ledger.latest())
                run = ledger.run(f"r{number}")
                assert run is None or run.outcome is None
    assert len(reported) > 100


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_write_at_once_and_another_one_reads(tmp_path: Path, processes: int) -> None:
    path = tmp_path / "l.db"
    running = [writing(path, f"r{number}", 3000, 0.0005) for number in range(processes)]
    seen = 0
    try:
        wait_until(lambda: results_in(path) > 0, "the first result")
        seen = results_in(path)
        outputs = [process.communicate()[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert 0 < seen <= processes * 3000
    assert [process.returncode for process in running] == [0] * processes
    for number, output in enumerate(outputs):
        assert output.decode().split() == [f"r{number}.{index}" for index in range(3000)]
    with Ledger.open(path, read_only=True) as ledger:
        assert ledger.verify() == []
        assert len(ledger.latest()) == processes * 3000
        assert {run.outcome for run in ledger.runs()} == {"finished"}


def opening_and_closing(path: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    program = (
        "import sys; from pathlib import Path; from agent.ledger import Ledger\n"
        "from tests.agent.ledger.making import a_run\n"
        "for number in range(int(sys.argv[3])):\n"
        "    with Ledger.open(Path(sys.argv[1])) as ledger:\n"
        "        ledger.begin_run(a_run(f'{sys.argv[2]}{number}'))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path), name, str(count)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_processes_that_come_and_go_do_not_harm_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    running = [opening_and_closing(path, name, 60) for name in "abc"]
    seen = 0
    try:
        while any(process.poll() is None for process in running):
            with Ledger.open(path, read_only=True) as ledger:
                now = len(ledger.runs(1000))
            assert now >= seen
            seen = now
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert [process.returncode for process in running] == [0, 0, 0]
    with Ledger.open(path) as ledger:
        assert len(ledger.runs(1000)) == 180
        assert ledger.verify() == []


def test_a_second_look_does_not_drop_the_locks_of_the_first(tmp_path: Path) -> None:
    """On POSIX, closing any descriptor of a file would; another process then removed the write-ahead log."""
    path = tmp_path / "l.db"
    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run())
        with Ledger.open(path, read_only=True), Ledger.open(path):
            pass
        assert opening_and_closing(path, "other", 1).wait() == 0
        assert path.with_name("l.db-wal").exists()
        assert len(ledger.runs()) == 2


def test_many_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "l.db"
    ready = threading.Barrier(8)
    errors: list[BaseException] = []

    def open_it(number: int) -> None:
        ready.wait()
        try:
            with Ledger.open(path) as ledger:
                ledger.begin_run(a_run(f"r{number}"))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Ledger.open(path) as ledger:
        assert len(ledger.runs()) == 8
        assert ledger.verify() == []


def test_a_person_writes_and_a_screen_reads_while_results_pour_in(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run())
        stored: list[Result] = []
        writer = ledger.writer(stored.extend, lambda batch, error: None)
        for number in range(5000):
            writer.put(a_result(number, status=Status.WARN))
            if number % 500 == 0:
                ledger.begin_run(a_run(f"other-{number}"))
                ledger.latest()
        writer.close()
        assert len(stored) == 5000
        assert len(ledger.latest()) == 5000
        assert ledger.verify() == []
