"""Reading the whole ledger again: is every entry as it was stored, and does the rest follow from them?"""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any

from agent.ledger import entries, schema
from agent.ledger.entries import Row

MAX_PROBLEMS = 100
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def problems(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong, as sentences, at most `MAX_PROBLEMS`; one moment's state is looked at."""
    found: list[str] = []
    try:
        connection.execute("BEGIN")
        try:
            _look(connection, found)
        finally:
            if connection.in_transaction:
                connection.execute("COMMIT")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        found.append(f"The file is damaged: {error}.")
    if len(found) > MAX_PROBLEMS:
        found[MAX_PROBLEMS:] = [f"There are {len(found) - MAX_PROBLEMS} more problems."]
    return found


def _look(connection: sqlite3.Connection, found: list[str]) -> None:
    checked = [line for (line,) in connection.execute("PRAGMA integrity_check(20)")]
    if checked != ["ok"]:
        found.extend(f"The file is damaged: {line}." for line in checked)
    if _objects(connection) != _expected_objects():
        found.append(
            "The tables or the triggers that keep entries from being changed are not those that gonogo made."
        )
    replay = _Replay(found)
    for row in connection.execute(f"SELECT {', '.join(Row._fields)} FROM entries ORDER BY seq"):  # noqa: S608
        replay.take(Row(*row))
    _compare(connection, "head", [(1, replay.seq, replay.hash)], found, "the end of the chain")
    _compare(connection, "runs", replay.run_rows(), found, "the list of runs")
    _compare(connection, "latest", list(replay.latest.values()), found, "the latest result of a check")


class _Replay:
    """Goes through the entries as `Book.append` wrote them."""

    def __init__(self, found: list[str]) -> None:
        self.found = found
        self.seq, self.hash = 0, entries.GENESIS
        self.runs: dict[int, list[Any]] = {}
        self.began: dict[str, int] = {}
        self.latest: dict[Any, tuple[Any, ...]] = {}

    def take(self, row: Row) -> None:
        if row.seq != self.seq + 1:
            missing = f"{self.seq + 1}" if row.seq == self.seq + 2 else f"{self.seq + 1} to {row.seq - 1}"
            self.found.append(f"Entry {missing} is missing.")
        if not self._intact(row):
            self.found.append(
                f"Entry {row.seq} is not what was stored, or the entry before it was exchanged."
            )
        else:
            try:
                self._follow(row)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                self.found.append(f"Entry {row.seq} cannot be read: {error!r}.")
        self.seq, self.hash = row.seq, row.hash if isinstance(row.hash, bytes) else b""

    def _intact(self, row: Row) -> bool:
        texts = (row.kind, row.at, row.body)
        return (
            all(isinstance(text, str) for text in texts)
            and row.kind in entries.KINDS
            and _TIME.fullmatch(row.at) is not None
            and row.hash == entries.chained(self.hash, row.seq, row.kind, row.at, row.body)
        )

    def _follow(self, row: Row) -> None:
        data = json.loads(row.body)
        run = check = None
        if row.kind == entries.RUN_BEGIN:
            self.began[data["id"]] = row.seq
            self.runs[row.seq] = [data["id"], None, entries.compact(data["vantage"]["addresses"])]
        elif row.kind == entries.RUN_END:
            run = self.began[data["id"]]
            self.runs[run][1] = row.seq
        elif row.kind == entries.RESULT:
            run, check = self.began[data["run"]], entries.column(data["check"])
            self._result(row.seq, run, check, entries.for_latest(data))
        elif row.kind in entries.OF_CHECKS:
            check = entries.column(data["check"])
        elif row.kind == entries.BASELINE and data["run"] not in self.began:
            self.found.append(f"Entry {row.seq} gives a name to a run that was not begun before it.")
        if (row.run, row.check_id) != (run, check):
            self.found.append(f"Entry {row.seq} is filed under another run or check than it is about.")

    def _result(self, seq: int, run: int, check: str, latest: tuple[int, str, str]) -> None:
        old = self.latest.get(check)
        if old is None or entries.supersedes(run, latest[0], last=old[1], latest_badness=old[4]):
            self.latest[check] = (check, seq, seq, run, *latest)
        else:
            self.latest[check] = (check, seq, *old[2:])

    def run_rows(self) -> list[tuple[Any, ...]]:
        return [(began, *rest) for began, rest in self.runs.items()]


def _compare(
    connection: sqlite3.Connection, table: str, expected: list[tuple[Any, ...]], found: list[str], what: str
) -> None:
    wanted = {row[0]: row for row in expected}
    found.extend(
        f"What is kept as {what} ({row[0]}) does not follow from the entries."
        for row in connection.execute(f"SELECT * FROM {table}")  # noqa: S608
        if wanted.pop(row[0], None) != row
    )
    found.extend(f"What should be kept as {what} ({key}) is missing." for key in wanted)


def _objects(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    return set(connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))


def _expected_objects() -> set[tuple[str, ...]]:
    fresh = schema.in_memory()
    try:
        return _objects(fresh)
    finally:
        fresh.close()
