"""Opening the database file: what it must be, its settings, and bringing an older one up to date.

The version is SQLite's `user_version`; migration N is `migrations/NNNN_name.sql` and runs once, in order, all
that are missing inside one transaction. Durability is `synchronous=FULL` in WAL mode (and F_FULLFSYNC on
macOS, which was never tried on a Mac): a commit that returned survives a power cut.

Nothing here, and nothing in a process that has the ledger open, may open the file but SQLite: POSIX drops all
of a process's locks on a file when any descriptor of it is closed, another process then takes itself for the
last one and removes the write-ahead log, and the ledger is destroyed (seen with a mere look at the header).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from shutil import copyfile

from agent.ledger.errors import LedgerError, is_busy

APPLICATION_ID = 0x676E676F  # "gngo"
_CHANCES = 3


@cache
def migrations() -> tuple[str, ...]:
    """Return the SQL of every migration, the first first."""
    files = sorted(Path(__file__).with_name("migrations").glob("[0-9]*.sql"))
    return tuple(file.read_text(encoding="utf-8") for file in files)


def connect(path: Path, *, read_only: bool = False, busy_ms: int = 10_000) -> sqlite3.Connection:
    """Open the file; autocommit, usable from any thread by one at a time. Raises sqlite3.Error."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    return _configured(uri, busy_ms)


def in_memory() -> sqlite3.Connection:
    """Return a new empty ledger that lives in memory."""
    connection = _configured(":memory:", 0)
    migrate(connection, ":memory:", migrations())
    return connection


def _configured(uri: str, busy_ms: int) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=busy_ms / 1000
    )
    if "mode=ro" not in uri:
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def prepare(connection: sqlite3.Connection, path: Path, steps: Sequence[str], patience_s: float) -> None:
    """Make the file a ledger of the newest version: WAL, then what is missing of `steps`.

    Two processes may do it at once. Raises LedgerError for a file that is no ledger or of a newer version.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            version = _version(connection, str(path), len(steps))
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode != "wal":
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(0.005)
    if mode != "wal":
        raise LedgerError(
            f"The ledger {path} is on a file system where two programs cannot share it (SQLite says {mode}): "
            "copy the project folder to a local disk."
        )
    if version < len(steps):
        migrate(connection, str(path), steps)


def migrate(connection: sqlite3.Connection, path: str, steps: Sequence[str]) -> None:
    """Run what is missing of `steps` inside one transaction: all of them, or none."""
    with writing(connection):
        version = _version(connection, path, len(steps))
        for script in steps[version:]:
            for statement in statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")


def _version(connection: sqlite3.Connection, path: str, newest: int) -> int:
    connection.execute("SAVEPOINT look")  # one moment's state: another process may be making the ledger
    try:
        empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE look")
    if application != APPLICATION_ID and not (empty and application == 0 and version == 0):
        raise LedgerError(
            f"The file {path} is a database, but not a ledger of gonogo: move it away, or give another place."
        )
    if version > newest:
        raise LedgerError(
            f"The ledger {path} was written by a newer gonogo (ledger version {version}, this one knows "
            f"{newest}): install the newer gonogo, or work on a copy of the project folder without .gonogo."
        )
    return version


def statements(script: str) -> Iterator[str]:
    """Split SQL into statements; `executescript` would commit in between."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        yield pending


@contextmanager
def writing(connection: sqlite3.Connection, patience_s: float = 10.0) -> Iterator[None]:
    """Hold the one write lock; commit at the end, roll back if anything is raised.

    Waits for other writers: SQLite polls ever more slowly, so it is asked anew each time its own patience
    (`busy_ms`) ends; the queue of a busy neighbour then cannot starve this one.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def open_to_read(path: Path, steps: Sequence[str], busy_ms: int = 10_000) -> tuple[sqlite3.Connection, bool]:
    """Open an existing ledger to read only, also where nothing can be written.

    Return with it whether it sees what others store from now on.

    SQLite wants to write beside a WAL database even to read it. Where it cannot: without pending writes
    (`-wal`) the file is read as it stands; with some, a copy of both is read. A ledger of an older version is
    brought up to date in memory.
    """
    for chance in range(_CHANCES):
        connection = connect(path, read_only=True, busy_ms=busy_ms)
        try:
            version = _version(connection, str(path), len(steps))
            follows = True
            break
        except LedgerError:
            connection.close()
            raise
        except sqlite3.OperationalError as error:
            connection.close()
            if is_busy(error):
                raise
            if chance < _CHANCES - 1:
                time.sleep(0.02)  # the last writer may just be closing it
    else:
        connection, follows = _open_beside_nothing(path), False
        version = _version(connection, str(path), len(steps))
    if version < len(steps):
        memory = _configured(":memory:", 0)
        connection.backup(memory)
        connection.close()
        connection, follows = memory, False
        migrate(connection, str(path), steps)
    connection.execute("PRAGMA query_only = ON")
    return connection, follows


def _open_beside_nothing(path: Path) -> sqlite3.Connection:
    pending = path.with_name(path.name + "-wal")
    if not pending.exists() or pending.stat().st_size == 0:
        return _configured(f"{path.absolute().as_uri()}?mode=ro&immutable=1", 0)
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gonogo-") as folder:
        copy = Path(folder) / "ledger.db"
        copyfile(path, copy)
        copyfile(pending, copy.with_name(copy.name + "-wal"))
        source = connect(copy)
        memory = _configured(":memory:", 0)
        source.backup(memory)
        source.close()
    return memory
