"""What can go wrong with a ledger, said so that the reader knows what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_ADVICE = {
    sqlite3.SQLITE_FULL: "The disk that holds the ledger {path} is full, so nothing more can be stored: "
    "free some space and run again.",
    sqlite3.SQLITE_IOERR: "The disk that holds the ledger {path} gave an error ({error}): "
    "look at its free space and health, then run again.",
    sqlite3.SQLITE_READONLY: "The ledger {path} cannot be written, because the file or its folder is "
    "read-only: copy the project folder to a place where you may write, or change its permissions.",
    sqlite3.SQLITE_CANTOPEN: "The ledger {path} cannot be opened: look whether its folder exists and "
    "whether you may read and write there.",
    sqlite3.SQLITE_CORRUPT: "The ledger {path} is damaged ({error}): put the file aside as evidence and "
    "bring back a copy; without one, gonogo begins a new ledger once the file is moved away.",
    sqlite3.SQLITE_NOTADB: "The file {path} is not a ledger of gonogo, or its first bytes are damaged: "
    "move it away (keep it if it may be evidence), or bring back a copy.",
    sqlite3.SQLITE_TOOBIG: "An entry is too big for the ledger {path}: let the check keep less.",
}
_ADVICE[sqlite3.SQLITE_PERM] = _ADVICE[sqlite3.SQLITE_AUTH] = _ADVICE[sqlite3.SQLITE_READONLY]
_ADVICE.update(
    dict.fromkeys(
        _BUSY,
        "Another program keeps the ledger {path} locked: wait until it is done, or close it, and run again.",
    )
)


class LedgerError(Exception):
    """The ledger cannot do what was asked; the message is a full sentence: what, where, what to do."""


def code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, 0 where the error did not come from SQLite itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether another connection is in the way, so that trying again makes sense."""
    return code(error) in _BUSY


def explain(error: Exception, path: str) -> LedgerError:
    """Return the sentence for what SQLite, or the reading of an entry, said."""
    if isinstance(error, sqlite3.Error):
        sentence = _ADVICE.get(code(error), "The ledger {path} cannot be used: {error}.")
        return LedgerError(sentence.format(path=path, error=error))
    return LedgerError(
        f"The ledger {path} holds an entry that cannot be read ({type(error).__name__}: {error}): "
        "it was changed after it was stored, or written by a later version of gonogo."
    )


@contextmanager
def explaining(path: str) -> Iterator[None]:
    """Turn what SQLite or the reading of an entry raises within into LedgerError."""
    try:
        yield
    except (
        sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError
    ) as error:  # fmt: skip
        raise explain(error, path) from error
