"""A ledger that is followed tells all that was stored, and never more than is there."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.ledger import Ledger, LedgerError, follow
from agent.ledger.follow import Follower
from agent.records import Decision, Waiver
from checks.words import Result, Status
from tests.agent.ledger.making import NOON, a_result, a_run
from tests.agent.ledger.test_storage import folder, posix, without_rights  # noqa: F401


def follower(path: Path) -> Follower:
    return Follower(path, lambda patience_s: Ledger.open(path, read_only=True, patience_s=patience_s))


def store(ledger: Ledger, *results: Result) -> None:
    writer = ledger.writer(lambda batch: None, lambda batch, error: pytest.fail(str(error)))
    for result in results:
        writer.put(result)
    writer.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".gonogo" / "p.db"


@contextmanager
def opened(path: Path, run: str = "r1") -> Iterator[Ledger]:
    with Ledger.open(path) as ledger:
        if ledger.run(run) is None:
            ledger.begin_run(a_run(run))
        yield ledger


def settle(follow_it: Follower, condition: Callable[[], Any]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, (follow_it.problem, follow_it.facts)
        follow_it.look()
        time.sleep(0.02)


def whole(path: Path) -> dict[str, Any]:
    with Ledger.open(path, read_only=True) as ledger:
        return {
            "known": ledger.latest(), "run": next(iter(ledger.runs(1)), None),
            "waivers": tuple(ledger.waivers()),
            "decisions": tuple(ledger.decisions()), "head": ledger.head(),
        }  # fmt: skip


def same(seen: Follower, path: Path) -> bool:
    return {name: getattr(seen.facts, name) for name in whole(path)} == whole(path)


def test_it_begins_before_the_ledger_and_hears_of_everything(path: Path) -> None:
    seen = follower(path)
    assert not seen.look()
    assert (seen.problem, dict(seen.facts.known)) == ("", {})
    with opened(path) as ledger:
        assert seen.look()
        assert seen.facts.run == a_run("r1")
        assert not seen.look()
        for number in range(5):
            store(ledger, a_result(number), a_result(number + 1, status=Status.FAIL))
            assert seen.look()
            assert same(seen, path)
            assert not seen.look()
        old = seen.facts
        ledger.add(Waiver(check="c.1", reason="r", risk="k", author="A", approver="B", expires=NOON, at=NOON))
        assert seen.look()
        assert len(seen.facts.waivers) == 1
        assert seen.facts.known is old.known, "what did not change is not read again"
        ledger.add(Decision(milestone="m", verdict="GO", by="A", at=NOON))
        assert seen.look()
        assert len(seen.facts.decisions) == 1
        ledger.end_run("r1", finished=NOON, outcome="finished")
        assert seen.look()
        assert seen.facts.run is not None
        assert seen.facts.run.outcome == "finished"
        assert old.waivers == ()
        assert same(seen, path)
    seen.look()
    assert (same(seen, path), seen.problem) == (True, "")
    seen.close()


def test_only_what_was_stored_since_is_decoded(path: Path, monkeypatch: Any) -> None:
    with opened(path) as ledger:
        store(ledger, *(a_result(number) for number in range(2000)))
        seen = follower(path)
        seen.look()
        asked: list[int] = []
        latest = Ledger.latest
        monkeypatch.setattr(
            Ledger, "latest", lambda self, since=0: asked.append(len(found := latest(self, since))) or found
        )
        store(ledger, a_result(7, status=Status.FAIL), a_result(8))
        assert seen.look()
        assert asked == [2]
        assert seen.facts.known["c.7"].status is Status.FAIL
        assert len(seen.facts.known) == 2000


def test_a_result_that_does_not_count_changes_nothing_that_does(path: Path) -> None:
    """Of two runs that overlap the worse counts: the newer pass must not take the fail's place."""
    with opened(path) as ledger:
        ledger.begin_run(a_run("r2"))
        store(ledger, a_result(1, run="r2", status=Status.FAIL))
        seen = follower(path)
        seen.look()
        store(ledger, a_result(1, run="r1"))
        seen.look()
        assert seen.facts.known["c.1"].status is Status.FAIL
        assert same(seen, path)


def test_a_ledger_that_is_taken_away_is_a_problem_until_there_is_one_again(
    path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(follow, "RETRY_S", 0.01)
    with opened(path) as ledger:
        store(ledger, a_result(1))
    seen = follower(path)
    seen.look()
    away = path.parent.with_name("away")
    path.parent.rename(away)
    assert seen.look()
    assert "is not there any more" in seen.problem
    assert not seen.look()
    away.rename(path.parent)
    settle(seen, lambda: not seen.problem)
    assert same(seen, path)
    shutil.rmtree(path.parent)
    assert seen.look()
    with opened(path, "other"):
        settle(seen, lambda: not seen.problem)
        assert dict(seen.facts.known) == {}, "results of the old one count for nothing"
        assert seen.facts.run == a_run("other")


def test_a_ledger_that_is_exchanged_is_read_anew(path: Path) -> None:
    with opened(path) as ledger:
        store(ledger, a_result(1), a_result(2))
    other = path.with_name("other.db")
    with opened(other, "o1") as ledger:
        store(ledger, a_result(2, run="o1", status=Status.FAIL), a_result(3, run="o1"))
    seen = follower(path)
    seen.look()
    before = seen.generation
    for file in path.parent.glob("p.db-*"):
        file.unlink()
    other.replace(path)
    settle(seen, lambda: set(seen.facts.known) == {"c.2", "c.3"})
    assert same(seen, path)
    assert seen.generation > before


def test_an_older_copy_written_over_it_is_read_anew(path: Path, tmp_path: Path) -> None:
    with opened(path) as ledger:
        store(ledger, a_result(1))
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    with opened(path) as ledger:
        store(ledger, a_result(2))
    seen = follower(path)
    seen.look()
    assert set(seen.facts.known) == {"c.1", "c.2"}
    seen.close()
    seen.look()
    seen.close()  # nobody has it open
    for file in path.parent.glob("p.db-*"):
        file.unlink()
    path.write_bytes(copy.read_bytes())
    settle(seen, lambda: set(seen.facts.known) == {"c.1"})
    assert same(seen, path)


@pytest.mark.parametrize("garbage", [b"", b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 8192, b"hello"])
def test_a_damaged_ledger_is_a_sentence_and_heals(path: Path, garbage: bytes, monkeypatch: Any) -> None:
    monkeypatch.setattr(follow, "RETRY_S", 0.01)
    with opened(path) as ledger:
        store(ledger, a_result(1))
    good = path.read_bytes()
    seen = follower(path)
    seen.look()
    new = path.with_name("new")
    new.write_bytes(garbage)
    for file in path.parent.glob("p.db-*"):
        file.unlink()
    new.replace(path)
    settle(seen, lambda: seen.problem or not seen.facts.known)
    if garbage:
        assert str(path) in seen.problem
        assert seen.problem.endswith((".", "away."))
    new.write_bytes(good)
    new.replace(path)
    settle(seen, lambda: not seen.problem and seen.facts.known)
    assert same(seen, path)


BRIEFS = [
    "[]", "{", "[1,2,3]", "5", '["c.1","t","pass","x",1,1,"d","r","v",true,"m","t",null]',
    '["c.1","t","pass","2026-01-01T00:00:00Z",1e300,1,"d","r","v",true,"m","t",null]',
    '["c.1","t","good","2026-01-01T00:00:00Z",1,1,"d","r","v",true,"m","t",null]',
]  # fmt: skip


def test_an_entry_that_makes_no_sense_is_a_sentence(path: Path) -> None:
    with opened(path) as ledger:
        store(ledger, a_result(1))
        seen = follower(path)
        seen.look()
        for brief in BRIEFS:
            with sqlite3.connect(path) as other:
                other.execute("UPDATE latest SET brief = ?", (brief,))
            other.close()
            store(ledger, a_result(2))
            fresh = follower(path)
            fresh.look()
            assert "cannot be read" in fresh.problem, brief
            fresh.close()


def test_a_newer_version_is_a_sentence(path: Path) -> None:
    with opened(path) as ledger:
        store(ledger, a_result(1))
        seen = follower(path)
        seen.look()
        other = sqlite3.connect(path)
        other.execute("PRAGMA user_version = 99")
        other.execute("CREATE TABLE later (x)")
        other.commit()
        other.close()
        assert seen.look()
        assert "newer gonogo" in seen.problem
        assert not seen.look()


def test_a_locked_ledger_is_waited_for_and_then_said(path: Path, monkeypatch: Any) -> None:
    with opened(path) as ledger:
        store(ledger, a_result(1))
    seen = follower(path)
    seen.look()
    known = seen.facts.known
    seen.close()
    seen.look()
    seen.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    before = time.monotonic()
    seen.look()
    assert time.monotonic() - before < 1.5, "a screen waits for us"
    assert seen.problem == "", "a moment is no problem"
    assert seen.facts.known is known
    monkeypatch.setattr(follow, "BUSY_S", 0.0)
    seen.look()
    assert "locked" in seen.problem
    other.execute("ROLLBACK")
    other.close()
    settle(seen, lambda: not seen.problem)
    assert seen.facts.known == known


@posix
def test_a_copy_in_a_read_only_folder_is_read_and_read_again(folder: Path, monkeypatch: Any) -> None:  # noqa: F811
    monkeypatch.setattr(follow, "RETRY_S", 0.2)
    path = folder / "l.db"
    with opened(path) as ledger:
        store(ledger, a_result(1))
    with without_rights(folder):
        seen = follower(path)
        assert seen.look()
        assert set(seen.facts.known) == {"c.1"}
        assert not seen.look()
    with opened(path) as ledger:
        store(ledger, a_result(2))
    with without_rights(folder):
        settle(seen, lambda: set(seen.facts.known) == {"c.1", "c.2"})
    seen.close()


def test_a_folder_that_may_not_be_entered_is_a_sentence(path: Path, monkeypatch: Any) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    seen = follower(path)
    monkeypatch.setattr(follow, "_stamp", refused)
    assert seen.look()
    assert "Permission denied" in seen.problem
    monkeypatch.undo()
    settle(seen, lambda: not seen.problem)


def test_what_the_opener_says_is_said(path: Path) -> None:
    with opened(path):
        pass

    def refuse(patience_s: float) -> Ledger:
        raise LedgerError("It is another's.")

    seen = Follower(path, refuse)
    assert seen.look()
    assert seen.problem == "It is another's."
    assert not seen.look()


def test_while_results_pour_in_nothing_is_missed(path: Path) -> None:
    with opened(path) as ledger:
        seen = follower(path)
        writer = ledger.writer(lambda batch: None, lambda batch, error: pytest.fail(str(error)))
        for number in range(6000):
            writer.put(
                a_result(
                    number % 900, status=list(Status)[number % 5], started=NOON + timedelta(seconds=number)
                )
            )
            if number % 20 == 0:
                seen.look()
        writer.close()
        seen.look()
        assert seen.problem == ""
        assert same(seen, path)


def open_files() -> int:
    found = Path("/proc/self/fd")
    return len(list(found.iterdir())) if found.is_dir() else 0


def test_its_files_are_let_go(path: Path) -> None:
    with opened(path) as ledger:
        store(ledger, a_result(1))
        seen = follower(path)
        for _ in range(20):
            seen.look()
            os.utime(path)  # looks like a checkpoint
        seen.close()
        before = open_files()
        for _ in range(50):
            seen.look()
            seen.close()
        assert open_files() == before
