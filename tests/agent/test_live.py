"""A run that goes on is seen as one, a killed one never; nothing in a live file can harm who reads it."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import live, livefile, livetail, lock
from agent.live import LiveFile, LiveRun, LiveRuns, eta_s, what_became
from agent.plan import Plan, Project
from agent.records import RunRecord
from checks.words import Status
from tests.agent.ledger.making import a_result, a_run

NOON = datetime(2026, 12, 5, 12, 0, tzinfo=UTC)
PLAN = Plan(project=Project(id="p", name="P", timezone="UTC"), milestones=(), checks=())
ROOT = Path(__file__).parents[2]


def record(name: str = "r1", selected: tuple[str, ...] = ("a", "b", "c")) -> RunRecord:
    run = a_run(name)
    return RunRecord(
        id=run.id, started=run.started, vantage=run.vantage, plan_digest="p", selected=selected
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / ".gonogo" / "p.db"


@contextmanager
def going_on(ledger: Path, run: RunRecord) -> Iterator[LiveFile]:
    file = LiveFile(ledger)
    file.run_started(PLAN, run)
    try:
        yield file
    finally:
        file.run_done(run)


def put(ledger: Path, data: bytes, name: str = "r1.jsonl") -> Path:
    folder = livefile.live_folder(ledger)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a file, as the run that writes it would."""
    file = os.open(path, os.O_RDWR)
    try:
        assert lock.hold(file) is lock.Lock.HELD
        yield
    finally:
        os.close(file)


def begun(**changes: Any) -> bytes:
    data = {
        "event": "begun",
        "run": "r1",
        "pid": 1,
        "started": "2026-12-05T12:00:00Z",
        "selected": ["a", "b"],
    }
    return json.dumps(data | changes).encode() + b"\n"


def test_a_run_is_told_from_its_begin_to_its_end(ledger: Path) -> None:
    reader = LiveRuns(ledger)
    assert reader.look() == []
    with going_on(ledger, record()) as file:
        (run,) = reader.look()
        assert (run.id, run.pid, run.started) == ("r1", os.getpid(), NOON)
        assert (run.selected, run.done, run.running, run.sure) == (("a", "b", "c"), {}, {}, True)
        file.check_started("a", NOON)
        file.check_started("b", NOON)
        assert reader.look()[0].running == {}
        file.flush()
        assert reader.look()[0].running == {"a": NOON, "b": NOON}
        file.check_done(a_result(check="a", status=Status.FAIL))
        file.check_lost(a_result(check="b"), "The disk is full.\x1b" + "x" * 10_000)
        file.check_started("c", NOON)
        file.check_done(a_result(check="c"))
        file.flush()
        (run,) = reader.look()
        assert run.done == {"a": Status.FAIL, "c": Status.PASS}
        assert run.lost["b"].startswith("The disk is full.\x1b")
        assert len(run.lost["b"]) == livefile.MAX_WHY
        assert run.running == {}
        assert run.finished == 3
        version = reader.version
        reader.look()
        assert reader.version == version
        assert not file.stop_asked()
        reader.ask_to_stop("r1")
        reader.ask_to_stop("r1")
        assert file.stop_asked()
        assert reader.look()[0].stopping
        assert reader.version > version
    version = reader.version
    assert reader.look() == []
    assert reader.version > version
    assert list(livefile.live_folder(ledger).iterdir()) == []


def test_a_check_that_was_quicker_than_the_next_flush_is_told_once(ledger: Path) -> None:
    with going_on(ledger, record()) as file:
        file.check_started("a", NOON)
        file.check_done(a_result(check="a"))
        file.flush()
        text = (livefile.live_folder(ledger) / "r1.jsonl").read_text()
        assert text.count('"a"') == 2, "in the list of those selected, and as done"


def test_many_checks_come_in_pages_and_in_bounded_looks(ledger: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(live, "PER_LOOK", 100_000)
    names = tuple(f"check-number-{number}-with-a-name" for number in range(20_000))
    with going_on(ledger, record(selected=names)) as file:
        for name in names:
            file.check_done(a_result(check=name))
        file.flush()
        reader = LiveRuns(ledger)
        (first,) = reader.look()
        assert len(first.selected) < 20_000
        looks = 1
        while len(reader.look()[0].done) < 20_000:
            looks += 1
            assert looks < 100
        assert looks > 5
        assert reader.look()[0].selected == names
        assert len(LiveRuns(ledger).look_once()[0].done) == 20_000


def test_a_run_that_was_killed_goes_on_no_more_and_the_next_run_removes_its_file(ledger: Path) -> None:
    dead = put(ledger, begun())
    dead.with_suffix(".stop").touch()
    reader = LiveRuns(ledger)
    assert reader.look() == []
    assert dead.exists(), "a reader removes nothing"
    with going_on(ledger, record("r2")), going_on(ledger, record("r3")):
        assert [run.id for run in reader.look()] == ["r2", "r3"]
        assert sorted(path.name for path in dead.parent.iterdir()) == ["r2.jsonl", "r3.jsonl"]


def test_a_file_that_its_run_is_about_to_lock_is_not_removed(ledger: Path) -> None:
    new = put(ledger, b"")
    with going_on(ledger, record("r2")):
        assert new.exists()
    os.utime(new, (1, 1))
    with going_on(ledger, record("r3")):
        assert not new.exists()


def test_who_looks_does_not_keep_a_run_from_its_lock(ledger: Path) -> None:
    path = put(ledger, begun())
    over = threading.Event()

    def look_on() -> None:
        while not over.is_set():
            file = os.open(path, os.O_RDONLY)
            lock.look(file)
            os.close(file)

    threads = [threading.Thread(target=look_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            with held(path):
                pass
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_locked_file_cannot_be_locked_again(ledger: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(lock, "_PATIENCE_S", 0.01)
    path = put(ledger, begun())
    with held(path):
        file = os.open(path, os.O_RDWR)
        with pytest.raises(OSError):
            lock.hold(file)
        os.close(file)


HOSTILE = [
    b"\0" * 100_000, b"\n" * 1000, b"[]\n", b"null\n", b'"begun"\n', b"{}\n", b"\xff\xfe\n",
    b"{" * 50_000 + b"\n", b"[" * 50_000 + b"\n", b"1" * 10_000 + b"\n",
    b'{"event": []}\n', b'{"event": "done"}\n',
    b'{"event":"done","check":"a","status":"excellent"}\n',
    b'{"event":"done","check":["a"],"status":"pass"}\n',
    b'{"event":"done","check":"not selected","status":"pass"}\n', b'{"event":"started","check":"a","at":5}\n',
    b'{"event":"started","check":"a","at":"2026-12-05T12:00:00"}\n', b'{"event":"lost","check":"a"}\n',
    b'{"event":"selected","checks":{"a":1}}\n', b'{"event":"selected"}\n', b'{"event":"\\ud800"}\n',
    b'{"event":"started","check":"a","at":"9999-12-31T23:59:59-23:59"}\n',
]  # fmt: skip
WRONG = [
    {"started": 5}, {"started": "2026-12-05"}, {"started": "x"}, {"started": None}, {"selected": None},
    {"selected": "ab"}, {"selected": {"a": 1}}, {"event": "begin"},
]  # fmt: skip


def test_hostile_lines_are_passed_over(ledger: Path) -> None:
    path = put(ledger, b"".join(HOSTILE) + begun(pid="x", selected=["a", 5, None, "", "y" * 500, "a", "b"]))
    with held(path):
        reader = LiveRuns(ledger)
        (run,) = reader.look()
        assert (run.selected, run.pid) == (("a", "b"), 0)
        with path.open("ab") as file:
            file.write(b"".join(HOSTILE))
            file.write(
                b'{"event":"done","check":"b","status":"pass"}\n{"event":"done","check":"a","status":"pa'
            )
        (run,) = reader.look()
        assert (run.done, run.lost) == ({"b": Status.PASS}, {})
        assert set(run.running) <= {"a"}
        with path.open("ab") as file:
            file.write(b'ss"}\n')
        assert reader.look()[0].done == {"a": Status.PASS, "b": Status.PASS}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_begin_that_makes_no_sense_is_no_run(ledger: Path, wrong: dict[str, Any]) -> None:
    with held(put(ledger, begun(**wrong))):
        assert LiveRuns(ledger).look() == []


@given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from(HOSTILE[2:])), max_size=20))
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_a_reader(lines: list[bytes]) -> None:
    tail = livetail.Tail("r1")
    tail._hear(begun())
    for line in lines:
        tail._hear(line)
    assert tail.run is not None
    assert set(tail.run.done) | set(tail.run.running) | set(tail.run.lost) <= {"a", "b"}


def test_a_gigabyte_costs_bounded_reading(ledger: Path, monkeypatch: Any) -> None:
    path = put(ledger, begun())
    with path.open("r+b") as file:
        file.truncate(1_000_000_000)
    read: list[int] = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda *how: read.append(how[1]) or pread(*how))
    with held(path):
        reader = LiveRuns(ledger)
        before = time.perf_counter()
        assert len(reader.look()) == 1
        assert time.perf_counter() - before < 1
        assert sum(read) <= live.PER_LOOK + livetail.MAX_LINE
        for _ in range(100):
            reader.look()
        assert sum(read) <= livetail.PER_FILE + livetail.MAX_LINE


def test_what_is_no_plain_file_in_a_plain_folder_is_not_opened(ledger: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "r9.jsonl").write_bytes(begun())
    path = put(ledger, begun(), "r0.jsonl")
    (path.parent / "r1.jsonl").symlink_to(elsewhere / "r9.jsonl")
    os.mkfifo(path.parent / "r2.jsonl")
    (path.parent / "r3.jsonl").mkdir()
    put(ledger, begun(), "..jsonl")
    put(ledger, begun(), "a b.jsonl")
    with held(elsewhere / "r9.jsonl"):
        assert LiveRuns(ledger).look() == []
        with going_on(ledger, record("r5")):
            pass
    assert (elsewhere / "r9.jsonl").exists()
    assert (path.parent / "a b.jsonl").exists()


def test_a_folder_that_is_a_link_is_not_followed(ledger: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "r1.jsonl").write_bytes(begun())
    ledger.parent.mkdir()
    livefile.live_folder(ledger).symlink_to(elsewhere)
    with held(elsewhere / "r1.jsonl"):
        assert LiveRuns(ledger).look() == []
    with going_on(ledger, record("r2")):
        assert [path.name for path in elsewhere.iterdir()] == ["r1.jsonl"]
    with pytest.raises(OSError):
        LiveRuns(ledger).ask_to_stop("r1")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "\0", "x" * 100, "r1\n"])
def test_a_wish_to_stop_stays_in_its_folder(ledger: Path, name: str) -> None:
    put(ledger, begun())
    with pytest.raises(OSError):
        LiveRuns(ledger).ask_to_stop(name)


def test_a_wish_to_stop_does_not_write_through_a_link(ledger: Path, tmp_path: Path) -> None:
    path = put(ledger, begun())
    (path.with_suffix(".stop")).symlink_to(tmp_path / "made")
    LiveRuns(ledger).ask_to_stop("r1")
    assert not (tmp_path / "made").exists()


def test_a_folder_that_cannot_be_written_makes_the_file_silent(ledger: Path) -> None:
    ledger.parent.mkdir()
    livefile.live_folder(ledger).write_text("in the way")
    with going_on(ledger, record()) as file:
        file.check_started("a", NOON)
        file.check_done(a_result(check="a"))
        file.flush()
        assert not file.stop_asked()
    assert LiveRuns(ledger).look() == []


def test_many_dead_files_do_not_hide_the_run_that_goes_on(ledger: Path) -> None:
    for number in range(100):
        put(ledger, begun(), f"20261101T{number:06}-aa.jsonl")
    with held(put(ledger, begun(), "20261201T000000-aa.jsonl")):
        assert [run.id for run in LiveRuns(ledger).look()] == ["20261201T000000-aa"]


def test_a_file_that_was_exchanged_is_read_anew(ledger: Path) -> None:
    path = put(ledger, begun() + b'{"event":"done","check":"a","status":"pass"}\n')
    reader = LiveRuns(ledger)
    with held(path):
        assert reader.look()[0].done == {"a": Status.PASS}
        path.write_bytes(begun(selected=["z"]))
        assert reader.look()[0].selected == ("z",)
        assert reader.look()[0].done == {}
    path.unlink()
    assert reader.look() == []
    with held(put(ledger, begun(selected=["q"] * 3))):
        assert reader.look()[0].selected == ("q",)


# File systems without locks


@pytest.fixture
def no_locks(monkeypatch: Any) -> None:
    import fcntl

    def flock(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.usefixtures("no_locks")
def test_without_locks_a_run_is_live_while_it_writes_and_not_for_sure(ledger: Path, monkeypatch: Any) -> None:
    reader = LiveRuns(ledger)
    with going_on(ledger, record()) as file:
        (run,) = reader.look()
        assert not run.sure
        path = livefile.live_folder(ledger) / "r1.jsonl"
        os.utime(path, (1, 1))
        assert LiveRuns(ledger).look() == [], "nobody wrote for long"
        monkeypatch.setattr(livefile, "BEAT_S", -1.0)
        file.flush()
        assert len(LiveRuns(ledger).look()) == 1, "it says that it lives when there is no news"
        with going_on(ledger, record("r2")):
            assert path.exists(), "another run leaves it alone"


@pytest.mark.usefixtures("no_locks")
def test_without_locks_a_process_that_is_gone_is_no_run(ledger: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = livetail.platform.node()
    put(ledger, begun(pid=gone.pid, host=host, locked=False))
    assert LiveRuns(ledger).look() == []
    put(ledger, begun(pid=os.getpid(), host=host, locked=False))
    assert len(LiveRuns(ledger).look()) == 1
    put(ledger, begun(pid=gone.pid, host="another", locked=False))
    assert len(LiveRuns(ledger).look()) == 1


@pytest.mark.usefixtures("no_locks")
def test_without_locks_a_file_that_still_grows_is_live_whatever_its_server_s_clock_says(ledger: Path) -> None:
    path = put(ledger, begun(locked=False, host="another"))
    os.utime(path, (1, 1))
    reader = LiveRuns(ledger)
    assert reader.look() == []
    tail = livetail.Tail("r1")
    tail.look(path, 10_000)
    os.utime(path, (2, 2))
    tail.look(path, 10_000)
    assert tail.alive


class Windows:
    """msvcrt.locking as Microsoft describes it: one byte, mandatory, from where the file stands."""

    LK_NBLCK, LK_UNLCK = 2, 0

    def __init__(self) -> None:
        self.held: dict[tuple[int, int], int] = {}

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        seen = os.fstat(descriptor)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) > seen.st_size, "others could not read this byte"
        key = (seen.st_ino, os.lseek(descriptor, 0, os.SEEK_CUR))
        if mode == self.LK_UNLCK:
            assert self.held.pop(key) == descriptor
        elif self.held.setdefault(key, descriptor) != descriptor:
            raise OSError(errno.EACCES, "Permission denied")


def test_windows_locks_a_byte_behind_the_end(ledger: Path, monkeypatch: Any) -> None:
    windows = Windows()
    monkeypatch.setitem(sys.modules, "msvcrt", windows)  # type: ignore[arg-type]
    monkeypatch.setattr(lock, "sys", SimpleNamespace(platform="win32"))
    reader = LiveRuns(ledger)
    with going_on(ledger, record()) as file:
        assert len(windows.held) == 1
        file.check_started("a", NOON)
        file.flush()
        assert reader.look()[0].running == {"a": NOON}
        assert len(windows.held) == 1
        windows.held.clear()
        assert reader.look() == [], "its process has ended"
        assert windows.held == {}


def test_a_disk_that_is_full_tears_one_line_only(ledger: Path, monkeypatch: Any) -> None:
    with going_on(ledger, record()) as file:
        file.check_done(a_result(check="a"))
        write = os.write
        monkeypatch.setattr(os, "write", lambda where, data: write(where, data[:10]))
        file.flush()
        monkeypatch.setattr(os, "write", write)
        file.check_done(a_result(check="b"))
        file.flush()
        assert LiveRuns(ledger).look()[0].done == {"b": Status.PASS}


# What became of it, and how long it takes


def a_live_run(**changes: Any) -> LiveRun:
    return LiveRun(**({"id": "r1", "pid": 1, "started": NOON, "selected": ("a", "b", "c")} | changes))


@pytest.mark.parametrize(
    ("outcome", "alive", "after_s", "became"),
    [
        ("finished", False, 60, "finished"), ("finished", True, 60, "finished"),
        ("cancelled", False, 60, "cancelled"), (None, True, 60, "goes on"), (None, False, 60, "killed"),
        (None, False, 1, "goes on"), (None, False, -60, "killed"),
    ],
)  # fmt: skip
def test_what_became(outcome: Any, alive: bool, after_s: float, became: str) -> None:
    run = RunRecord(
        id="r1", started=NOON, vantage=a_run().vantage, plan_digest="", selected=(), outcome=outcome
    )
    others = [a_live_run(id="other"), *([a_live_run()] if alive else [])]
    assert what_became(run, others, NOON + timedelta(seconds=after_s)) == became


PASS = Status.PASS
ALL = {"a": 10.0, "b": 10.0, "c": 30.0}


@pytest.mark.parametrize(
    ("run", "lengths", "after_s", "eta"),
    [
        (a_live_run(), {}, 5, None),
        (a_live_run(), {"other": 3.0}, 5, None),
        (a_live_run(selected=()), {}, 5, 0.0),
        (a_live_run(done={"a": PASS, "b": PASS}, lost={"c": ""}), {}, 5, 0.0),
        (a_live_run(done={"a": PASS}), {}, 5, 10.0),
        (a_live_run(done={"a": PASS}), {}, 0, None),
        (a_live_run(), ALL, 0, 50.0),
        (a_live_run(running={"a": NOON, "b": NOON}), ALL, 4, 30.0),
        (a_live_run(running={"c": NOON}, done={"a": PASS, "b": PASS}), ALL, 20, 10.0),
        (a_live_run(running={"c": NOON}, done={"a": PASS, "b": PASS}), ALL, 500, 0.0),
        (a_live_run(done={"a": PASS, "b": PASS}), ALL, 10, 30.0),
        (a_live_run(done={"a": PASS, "b": PASS}), ALL, 40, 60.0),
        (a_live_run(done={"a": PASS, "b": PASS}), ALL, -3600, 30.0),
        (a_live_run(running={"c": NOON + timedelta(hours=1)}, done={"a": PASS, "b": PASS}), ALL, 10, 30.0),
        (a_live_run(done={"c": PASS}), {"a": 10.0}, 10, 20.0),
        (a_live_run(), {"a": float("nan"), "b": float("inf"), "c": -1.0}, 0, None),
    ],
)  # fmt: skip
def test_eta(run: LiveRun, lengths: dict[str, float], after_s: float, eta: float | None) -> None:
    assert eta_s(run, lengths, NOON + timedelta(seconds=after_s)) == (
        pytest.approx(eta) if eta is not None else None
    )


@given(
    st.integers(0, 2**3 - 1), st.integers(0, 2**3 - 1),
    st.dictionaries(st.sampled_from("abcd"), st.floats()), st.integers(-100_000, 100_000),
)  # fmt: skip
def test_an_eta_is_never_negative(done: int, running: int, lengths: dict[str, float], after_s: int) -> None:
    run = a_live_run(
        done={name: PASS for place, name in enumerate("abc") if done >> place & 1},
        running={name: NOON for place, name in enumerate("abc") if running >> place & 1},
    )
    eta = eta_s(run, lengths, NOON + timedelta(seconds=after_s))
    assert eta is None or eta >= 0


# Whole runs


FILE = """gonogo: 1
project: {{name: P, id: p, timezone: UTC}}
milestones: {{ready: {{title: Ready}}}}
checks:
""" + "".join(
    f'  ok{i}: {{{{type: plugin, milestone: ready, command: [/bin/sh, -c, "sleep {{pause}}; echo OK"]}}}}\n'
    for i in range(40)
)


def run_process(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "from agent.cli.entry import run; run()", "run", "move.yaml", *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def project(folder: Path, pause: float = 0.1) -> Path:
    (folder / "move.yaml").write_text(FILE.format(pause=pause))
    return folder / ".gonogo" / "p.db"


def wait_for(what: Any, said: str) -> Any:
    until = time.monotonic() + 60
    while not (found := what()):
        assert time.monotonic() < until, f"waited a minute for {said}"
        time.sleep(0.01)
    return found


def test_two_runs_at_once_are_seen_by_two_readers_and_one_is_stopped(tmp_path: Path) -> None:
    ledger = project(tmp_path, 1.0)
    runs = [run_process(tmp_path), run_process(tmp_path)]
    readers = [LiveRuns(ledger), LiveRuns(ledger)]
    try:
        for reader in readers:
            seen = wait_for(lambda: len(found := reader.look()) == 2 and found, "two runs")  # noqa: B023
            assert {run.pid for run in seen} == {process.pid for process in runs}
            assert len(seen[0].selected) == 40
        mine = next(run.id for run in seen if run.pid == runs[0].pid)
        readers[1].ask_to_stop(mine)
        assert runs[0].wait(30) == 3, "a run that was stopped is INCOMPLETE"
        assert b"stopped before its end" in runs[0].communicate()[0]
        assert runs[1].wait(60) == 0, "the other goes on to its end"
    finally:
        for process in runs:
            process.kill()
            process.communicate()
    assert [reader.look() for reader in readers] == [[], []]
    assert list(livefile.live_folder(ledger).iterdir()) == []


def test_a_run_killed_at_any_moment_is_live_no_more_at_once_and_loses_nothing(tmp_path: Path) -> None:
    from agent.ledger import Ledger

    ledger = project(tmp_path, 0.15)
    chance = random.Random()
    reader = LiveRuns(ledger)
    reported: set[str] = set()
    for number in range(12):
        process = run_process(tmp_path)
        try:
            if number % 3:  # else it is killed while it starts
                wait_for(lambda: reader.look() or process.poll() is not None, "the run")  # noqa: B023
            until = time.monotonic() + chance.uniform(0.05, 0.9)
            while time.monotonic() < until and process.poll() is None:
                for run in reader.look():
                    reported |= run.done.keys()
                time.sleep(0.01)
        finally:
            process.kill()
            process.communicate()
        # a program that it was just starting has its files for a moment more
        wait_for(lambda: reader.look() == [] == LiveRuns(ledger).look(), "that it is live no more")
        if reported:
            with Ledger.open(ledger, read_only=True) as kept:
                assert reported <= set(kept.latest())
                assert kept.verify() == []
    assert run_process(tmp_path).wait(60) == 0
    assert list(livefile.live_folder(ledger).iterdir()) == []
    assert reported
