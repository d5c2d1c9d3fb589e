"""Appending to the chain: one connection, one lock, one transaction for many entries.

A batch goes in by few statements of many rows. Each call into SQLite gives up Python's interpreter lock and
must win it back, which next to a busy event loop costs up to 5 ms; a call per row would cost that per row.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Any

from agent.ledger import entries, schema
from agent.ledger.entries import Draft, Row
from agent.ledger.errors import LedgerError
from checks.words import rfc3339

_CHUNKS = (256, 64, 16, 4, 1)
_LATEST = ("check_id", "last", "seq", "run", "badness", "brief", "findings")


class Book:
    """A connection that appends; every use of `connection` holds `lock`."""

    def __init__(self, connection: sqlite3.Connection, path: str, patience_s: float) -> None:
        self.connection = connection
        self.path = path
        self.patience_s = patience_s
        self.lock = threading.RLock()
        self._began: dict[str, int] = {}

    def append(self, drafts: Sequence[Draft]) -> list[int]:
        """Store `drafts` in order, all or none; return their numbers. Durable when it returns.

        Raises sqlite3.Error, or LedgerError for a result of a run that was not begun.
        """
        with self.lock, schema.writing(self.connection, self.patience_s):
            last, before = self.connection.execute("SELECT seq, hash FROM head").fetchone()
            at = rfc3339(datetime.now(UTC))
            rows, latest = [], []
            for seq, draft in enumerate(drafts, start=last + 1):
                run = None if draft.run is None else self._run(draft, seq)
                before = entries.chained(before, seq, draft.kind, at, draft.body)
                rows.append(Row(seq, draft.kind, at, run, draft.check, draft.body, before))
                if draft.latest is not None:
                    latest.append((draft.check, seq, seq, run, *draft.latest))
            for sql, values in _chunks(_insert_entries, rows):
                self.connection.execute(sql, values)
            for sql, values in _chunks(_upsert_latest, latest):
                self.connection.execute(sql, values)
            self.connection.execute("UPDATE head SET seq = ?, hash = ?", (last + len(rows), before))
        return [row.seq for row in rows]

    def _run(self, draft: Draft, seq: int) -> int | None:
        """Return the number of the run's begin, and keep the table of runs; a begin has no run before it."""
        run = draft.run
        assert run is not None
        if draft.kind == entries.RUN_BEGIN:
            self.connection.execute("INSERT INTO runs VALUES (?, ?, NULL, ?)", (seq, run, draft.addresses))
            return None
        began = self._began.get(run)
        if began is None:
            row = self.connection.execute("SELECT began FROM runs WHERE id = ?", (run,)).fetchone()
            if row is None:
                raise LedgerError(
                    f"The ledger {self.path} knows no run {run}: a run must be begun before it is written to."
                )
            began = self._began[run] = row[0]
        if draft.kind == entries.RUN_END:
            self.connection.execute("UPDATE runs SET ended = ? WHERE began = ?", (seq, began))
        return began


def _chunks(statement: Any, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Cut `rows` into chunks of few sizes, so that SQLite's compiled statements are used again."""
    start = 0
    for size in _CHUNKS:
        while len(rows) - start >= size:
            yield statement(size), tuple(chain.from_iterable(rows[start : start + size]))
            start += size


@cache
def _insert_entries(size: int) -> str:
    return f"INSERT INTO entries ({', '.join(Row._fields)}) VALUES {_marks(Row._fields, size)}"  # noqa: S608


@cache
def _upsert_latest(size: int) -> str:
    changes = ", ".join(
        f"{name} = iif({entries.SUPERSEDES}, excluded.{name}, {name})" for name in _LATEST[2:]
    )
    return (
        f"INSERT INTO latest ({', '.join(_LATEST)}) VALUES {_marks(_LATEST, size)} "  # noqa: S608
        f"ON CONFLICT (check_id) DO UPDATE SET last = excluded.last, {changes}"
    )


def _marks(names: Iterable[str], size: int) -> str:
    return ", ".join(["(" + ", ".join("?" for _ in names) + ")"] * size)
