"""Whoever changes, deletes or exchanges what was stored is found out."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.ledger import Ledger, LedgerError
from agent.records import Baseline, Decision, Waiver
from checks.vantage import Attestation
from checks.words import Status
from tests.agent.ledger.making import NOON, a_result, a_run

ENTRIES = 14


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with entries of every kind."""
    path = tmp_path / "l.db"
    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run())
        writer = ledger.writer(lambda batch: None, lambda batch, error: pytest.fail(str(error)))
        for number in range(6):
            writer.put(a_result(number % 4, status=[Status.FAIL, Status.PASS][number % 2]))
        writer.close()
        ledger.end_run("r1", finished=NOON, outcome="finished")
        ledger.add(Waiver(check="c.1", reason="r", risk="k", author="A", approver="B", expires=NOON, at=NOON))
        ledger.add(Attestation(check="c.2", holds=True, by="A", at=NOON))
        ledger.add(Decision(milestone="move", verdict="GO", by="B", at=NOON))
        ledger.add(Baseline(name="handover", run="r1", by="B", at=NOON))
        ledger.begin_run(a_run("r2"))
        ledger.begin_run(a_run("r3"))
        assert ledger.head()[0] == ENTRIES
        assert ledger.verify() == []
    return path


def tamper(path: Path, *statements: tuple[str, Any]) -> None:
    """Do what the triggers forbid, and put the triggers back."""
    raw = sqlite3.connect(path, isolation_level=None)
    triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        raw.execute(f"DROP TRIGGER {name}")
    for sql, values in statements:
        raw.execute(sql, values)
    for _, sql in triggers:
        raw.execute(sql)
    raw.close()


def found(path: Path) -> str:
    with Ledger.open(path, read_only=True) as ledger:
        return "\n".join(ledger.verify())


def flipped(value: Any) -> Any:
    """Return `value` with one byte changed, somewhere in its middle."""
    if isinstance(value, int):
        return value ^ 1
    data = bytearray(value if isinstance(value, bytes) else value.encode())
    data[len(data) // 2] ^= 1
    return bytes(data) if isinstance(value, bytes) else data.decode()


@pytest.mark.parametrize("column", ["kind", "at", "run", "check_id", "body", "hash"])
@pytest.mark.parametrize("seq", range(1, ENTRIES + 1))
def test_one_changed_byte_of_any_entry_is_found(path: Path, seq: int, column: str) -> None:
    raw = sqlite3.connect(path)
    (value,) = raw.execute(f"SELECT {column} FROM entries WHERE seq = ?", (seq,)).fetchone()
    raw.close()
    new = "c.9" if value is None and column == "check_id" else 1 if value is None else flipped(value)
    tamper(path, (f"UPDATE entries SET {column} = ? WHERE seq = ?", (new, seq)))
    assert f"Entry {seq} " in found(path)


@pytest.mark.parametrize("seq", range(1, ENTRIES + 1))
def test_a_deleted_entry_is_found(path: Path, seq: int) -> None:
    tamper(path, ("DELETE FROM entries WHERE seq = ?", (seq,)))
    assert (f"Entry {seq} is missing" if seq < ENTRIES else "the end of the chain") in found(path)


def test_many_deleted_entries_are_found(path: Path) -> None:
    tamper(path, ("DELETE FROM entries WHERE seq BETWEEN 3 AND 6", ()))
    assert "Entry 3 to 6 is missing." in found(path)
    tamper(path, ("DELETE FROM entries", ()))
    assert "the end of the chain" in found(path)


@pytest.mark.parametrize("seq", range(1, ENTRIES))
def test_two_exchanged_entries_are_found(path: Path, seq: int) -> None:
    tamper(
        path,
        ("UPDATE entries SET seq = -1 WHERE seq = ?", (seq,)),
        ("UPDATE entries SET seq = ? WHERE seq = ?", (seq, seq + 1)),
        ("UPDATE entries SET seq = ? WHERE seq = -1", (seq + 1,)),
    )
    assert f"Entry {seq} " in found(path)


def test_an_added_entry_is_found(path: Path) -> None:
    tamper(
        path,
        (
            "INSERT INTO entries SELECT 15, kind, at, run, check_id, body, hash FROM entries WHERE seq = 14",
            (),
        ),
    )
    assert "Entry 15 " in found(path)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE latest SET brief = replace(brief, 'fail', 'pass'), badness = 4",
        "UPDATE latest SET findings = '[]' WHERE check_id = 'c.1'",
        "UPDATE latest SET seq = 2 WHERE check_id = 'c.1'",
        "DELETE FROM latest WHERE check_id = 'c.1'",
        "INSERT INTO latest SELECT 'c.new', last, seq, run, badness, brief, findings FROM latest LIMIT 1",
        "UPDATE runs SET ended = NULL",
        "UPDATE runs SET addresses = '[]'",
        "DELETE FROM runs WHERE id = 'r3'",
        "UPDATE head SET seq = 13",
        "DELETE FROM head",
    ],
)
def test_what_was_derived_must_follow_from_the_entries(path: Path, sql: str) -> None:
    tamper(path, (sql, ()))
    assert "What " in found(path)


def test_a_missing_guard_is_found(path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.execute("DROP TRIGGER entries_are_not_changed")
    raw.close()
    assert "triggers" in found(path)


def test_an_unreadable_entry_is_an_error_and_no_crash(path: Path) -> None:
    tamper(
        path,
        ("UPDATE entries SET body = '{\"check\": 1}' WHERE seq = 2", ()),
        ("UPDATE latest SET brief = '[' WHERE check_id = 'c.0'", ()),
    )
    with Ledger.open(path, read_only=True) as ledger:
        for read in (lambda: ledger.result(2), ledger.latest, lambda: list(ledger.results_of_run("r1"))):
            with pytest.raises(LedgerError, match="cannot be read"):
                read()


def everything(ledger: Ledger) -> list[Any]:
    return [
        list(ledger.results_of_run("r1")), ledger.latest(), ledger.latest_of_run("r1"), ledger.history("c.1"),
        ledger.runs(), ledger.waivers(), ledger.attestations(), ledger.decisions(),
    ]  # fmt: skip


def tries(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except LedgerError as error:
        return error


def test_a_changed_byte_of_the_file_is_found_or_changes_nothing(path: Path, tmp_path: Path) -> None:
    assert not path.with_name("l.db-wal").exists()
    original = path.read_bytes()
    with Ledger.open(path, read_only=True) as ledger:
        before = everything(ledger)
    chance = random.Random(7)
    for number in range(300):
        damaged = bytearray(original)
        place = chance.randrange(100) if number < 60 else chance.randrange(len(original))
        damaged[place] ^= 1 << chance.randrange(8)
        copy = tmp_path / f"{number}.db"
        copy.write_bytes(damaged)
        opened = tries(lambda: Ledger.open(copy, read_only=True))  # noqa: B023
        if isinstance(opened, LedgerError):
            continue
        with opened as ledger:
            after = tries(lambda: everything(ledger))
            assert after == before or ledger.verify(), f"byte {place} of {copy} changed what is read unseen"


@pytest.mark.parametrize("value", [5, 0.5, "text", None], ids=repr)
def test_a_hash_that_became_something_else_is_found(path: Path, value: Any) -> None:
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA writable_schema = 1")
    loose = "replace(replace(sql, ' NOT NULL', ''), ' STRICT', '')"
    raw.execute(f"UPDATE sqlite_master SET sql = {loose} WHERE type = 'table'")
    raw.close()
    tamper(path, ("UPDATE entries SET hash = ? WHERE seq = 3", (value,)))
    assert "Entry 3 is not what was stored" in found(path)
    assert "Entry 4 is not what was stored" in found(path)


def test_half_a_file_is_an_error(path: Path) -> None:
    data = path.read_bytes()
    for size in (15, 50, 100, 4096, len(data) // 2):
        path.write_bytes(data[:size])
        for read_only in (True, False):
            opened = tries(lambda: Ledger.open(path, read_only=read_only))  # noqa: B023
            if not isinstance(opened, LedgerError):
                with opened as ledger:
                    assert ledger.verify()
    shutil.rmtree(path.parent)
