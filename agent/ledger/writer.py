"""The thread that stores results while the event loop goes on measuring.

Group commit: what comes within `LINGER_S` after a first result, and while the last commit waited for the
disk, goes into one transaction. A thread that wakes for every result fights the event loop for the
interpreter lock: without the lingering a TCP check cost 340 us of CPU instead of 200.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable

from agent.ledger import entries
from agent.ledger.book import Book
from agent.ledger.entries import Draft
from agent.ledger.errors import LedgerError, explain, is_busy
from checks.words import Result

LINGER_S = 0.03
ENOUGH = 500
"""Results that are worth a commit of their own at once."""
MAX_BATCH = 1000
MAX_BATCH_CHARS = 4_000_000

Stored = Callable[[list[Result]], None]
Lost = Callable[[list[Result], LedgerError], None]
_Item = tuple[Result, Draft | LedgerError]


class Writer:
    """Made by `Ledger.writer`; both callbacks are called **in the writer's thread** and must not raise.

    `on_stored` gets results that are durable, in the order of `put`. `on_lost` gets results that could not be
    stored (full disk, locked for too long, not JSON) and why; later results are tried all the same.
    """

    def __init__(self, book: Book, on_stored: Stored, on_lost: Lost, *, owns_book: bool) -> None:
        self._book = book
        self._owns_book = owns_book
        self._on_stored = on_stored
        self._on_lost = on_lost
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._closed = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="gonogo-ledger", daemon=True)
        self._thread.start()

    def put(self, result: Result) -> None:
        """Queue `result`; never waits for the disk and never raises for a result that is not JSON.

        It is encoded here, some 20 microseconds: in the other thread it would hold the interpreter lock, and
        a reply that is being timed would wait for it up to 5 ms.
        """
        if self._closed:
            raise RuntimeError("The ledger's writer is closed; a result came after the end of the run.")
        item: Draft | LedgerError
        try:
            item = entries.draft_of_result(result)
        except (ValueError, TypeError, RecursionError, OverflowError, AttributeError) as error:
            item = LedgerError(
                f"The result of check '{result.check}' cannot be stored, because it is not JSON ({error}): "
                "this is a mistake in the check, report it to its author."
            )
        self._queue.put((result, item))

    def close(self, timeout: float = 30) -> None:
        """Store what is queued and end the thread; LedgerError if that takes longer than `timeout` seconds.

        An exception that a callback raised is raised here.
        """
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._closing.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise LedgerError(
                f"The disk that holds the ledger {self._book.path} did not take all results within "
                f"{timeout:g} s: what was not reported as stored may be missing; look at the disk, run again."
            )
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _work(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._take()
            self._store(batch)
        if self._owns_book:
            self._book.connection.close()

    def _take(self) -> tuple[list[_Item], bool]:
        """Wait for a result and return all that are there, up to the bounds, and whether more may come."""
        batch: list[_Item] = []
        chars = 0
        item = self._queue.get()
        if self._queue.qsize() < ENOUGH:
            self._closing.wait(LINGER_S)
        while item is not None:
            batch.append(item)
            if isinstance(item[1], Draft):
                chars += len(item[1].body)
            if len(batch) >= MAX_BATCH or chars >= MAX_BATCH_CHARS:
                return batch, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _store(self, batch: list[_Item]) -> None:
        good = [(result, draft) for result, draft in batch if isinstance(draft, Draft)]
        for result, problem in batch:
            if isinstance(problem, LedgerError):
                self._call(self._on_lost, [result], problem)
        if not good:
            return
        results = [result for result, _ in good]
        try:
            self._book.append([draft for _, draft in good])
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear which results are lost
            if len(good) > 1 and not (isinstance(error, sqlite3.Error) and is_busy(error)):
                for item in good:  # one bad or too big result must not cost the others
                    self._store([item])
                return
            problem = error if isinstance(error, LedgerError) else explain(error, self._book.path)
            self._call(self._on_lost, results, problem)
        else:
            self._call(self._on_stored, results)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            callback(*arguments)
        except Exception as error:  # noqa: BLE001 - the thread must live on to store what comes
            self._failure = self._failure or error
