"""Full disks, read-only folders, files that are no ledger, other versions: a sentence, and nothing lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.ledger import Ledger, LedgerError, schema
from checks.words import Result
from tests.agent.ledger.making import a_result, a_run

NOBODY = 65534


class Told:
    """Keeps what a writer tells."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.lost: list[str] = []
        self.errors: list[str] = []

    def on_stored(self, batch: list[Result]) -> None:
        self.stored += [result.check for result in batch]

    def on_lost(self, batch: list[Result], error: LedgerError) -> None:
        self.lost += [result.check for result in batch]
        self.errors.append(str(error))


def fill(ledger: Ledger, told: Told, first: int, count: int) -> None:
    writer = ledger.writer(told.on_stored, told.on_lost)
    for number in range(first, first + count):
        writer.put(a_result(number))
    writer.close()


def test_results_that_no_longer_fit_are_lost_by_name_and_later_ones_are_tried(tmp_path: Path) -> None:
    told = Told()
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run())
        writer = ledger.writer(told.on_stored, told.on_lost)
        writer._book.connection.execute("PRAGMA max_page_count = 60")
        for number in range(300):
            writer.put(a_result(number))
        writer.close()
        assert told.stored
        assert told.lost
        assert sorted(told.stored + told.lost) == sorted(f"c.{number}" for number in range(300))
        assert "is full" in told.errors[0]
        fill(ledger, told, 300, 10)
        assert told.stored[-10:] == [f"c.{number}" for number in range(300, 310)]
        assert set(ledger.latest()) == set(told.stored)
        assert ledger.verify() == []


@contextmanager
def small_disk(options: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gonogo-disk-"))
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    finally:
        folder.rmdir()


@pytest.mark.lab
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting a disk needs root")
def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk("size=2m") as disk:
        told = Told()
        path = disk / "l.db"
        with Ledger.open(path) as ledger:
            ledger.begin_run(a_run())
            (disk / "filler").write_bytes(bytes(1_000_000))
            fill(ledger, told, 0, 2000)
            assert told.stored
            assert told.lost
            assert len(told.stored) + len(told.lost) == 2000
            assert "is full" in told.errors[0]
            with Ledger.open(path, read_only=True) as reader:
                assert set(told.stored) <= set(reader.latest())
            (disk / "filler").unlink()
            lost = len(told.lost)
            fill(ledger, told, 2000, 10)
            assert len(told.lost) == lost
            assert set(ledger.latest()) == set(told.stored)
            assert ledger.verify() == []
        with Ledger.open(path) as ledger:
            assert set(ledger.latest()) == set(told.stored)
            assert ledger.verify() == []


@pytest.mark.lab
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting a disk needs root")
def test_no_room_for_a_ledger(tmp_path: Path) -> None:
    with small_disk("size=64k") as disk:
        (disk / "filler").write_bytes(bytes(60_000))
        with pytest.raises(LedgerError, match=r"disk that holds the ledger .* free"):
            Ledger.open(disk / "l.db")


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """Make `folder` read-only, and drop root's rights, which know no read-only folder."""
    was_root = os.geteuid() == 0
    folder.chmod(0o555)
    if was_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that nobody may read."""
    folder = Path(tempfile.mkdtemp(prefix="gonogo-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def ledger_of(path: Path, count: int = 20) -> None:
    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run())
        fill(ledger, Told(), 0, count)


posix = pytest.mark.skipif(os.name != "posix", reason="a folder's permissions are other ones on Windows")


@posix
def test_a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written(folder: Path) -> None:
    path = folder / "l.db"
    ledger_of(path)
    with without_rights(folder):
        with Ledger.open(path, read_only=True) as ledger:
            assert len(ledger.latest()) == 20
            assert ledger.verify() == []
        with pytest.raises(LedgerError, match="may write"):
            Ledger.open(path)
        with pytest.raises(LedgerError, match="may read and write"):
            Ledger.open(folder / "new.db")
        with pytest.raises(LedgerError, match="cannot be made"):
            Ledger.open(folder / "new" / "l.db")
        with Ledger.open(folder / "new.db", read_only=True) as ledger:
            assert ledger.latest() == {}
    assert [file.name for file in folder.iterdir()] == ["l.db"]


@posix
def test_a_killed_runs_last_results_are_read_in_a_read_only_folder(folder: Path) -> None:
    source = folder / "source"
    source.mkdir(mode=0o755)
    copy = folder / "copy"
    copy.mkdir(mode=0o755)
    with Ledger.open(source / "l.db") as ledger:
        ledger.begin_run(a_run())
        fill(ledger, Told(), 0, 20)
        for name in ("l.db", "l.db-wal"):  # as a kill leaves them: the results are in the write-ahead log
            shutil.copy(source / name, copy / name)
    with without_rights(copy), Ledger.open(copy / "l.db", read_only=True) as ledger:
        assert len(ledger.latest()) == 20
        assert ledger.verify() == []


def test_reading_a_missing_ledger_creates_nothing(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / ".gonogo" / "l.db", read_only=True) as ledger:
        assert ledger.latest() == {}
        assert ledger.runs() == []
        assert ledger.verify() == []
        with pytest.raises(LedgerError, match="opened to read only"):
            ledger.begin_run(a_run())
        with pytest.raises(LedgerError, match="opened to read only"):
            ledger.writer(lambda batch: None, lambda batch, error: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("content", [b"project: office\n", b"SQLite format 3\0" + bytes(4000), b"\0" * 5000])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes, read_only: bool) -> None:
    path = tmp_path / "l.db"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"l\.db is not a ledger"):
        Ledger.open(path, read_only=read_only)
    assert path.read_bytes() == content


@pytest.mark.parametrize("read_only", [True, False])
def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "l.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE bookmarks (url TEXT)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="not a ledger of gonogo"):
        Ledger.open(path, read_only=read_only)
    assert path.read_bytes() == before


def test_a_folder_in_the_place_of_a_ledger_is_refused(tmp_path: Path) -> None:
    for read_only in (True, False):
        with pytest.raises(LedgerError, match=str(tmp_path)):
            Ledger.open(tmp_path, read_only=read_only)


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "l.db").touch()
    with Ledger.open(tmp_path / "l.db", read_only=True) as ledger:
        assert ledger.latest() == {}
    ledger_of(tmp_path / "l.db", 1)


def test_a_locked_ledger_is_waited_for_and_then_said(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    told = Told()
    with Ledger.open(path, patience_s=0.2) as ledger:
        ledger.begin_run(a_run())
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("BEGIN IMMEDIATE")
        fill(ledger, told, 0, 5)
        assert told.lost == [f"c.{number}" for number in range(5)]
        assert "locked" in told.errors[0]
        raw.execute("ROLLBACK")
        raw.close()
        fill(ledger, told, 5, 5)
        assert told.stored == [f"c.{number}" for number in range(5, 10)]


NEXT = (*schema.migrations(), "ALTER TABLE runs ADD COLUMN note TEXT;\n-- the end\n")


def test_an_older_ledger_is_brought_up_to_date_and_a_newer_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    ledger_of(path)
    before = path.read_bytes()
    with Ledger.open(path, read_only=True, migrations=NEXT) as ledger:
        assert len(ledger.latest()) == 20
    assert path.read_bytes() == before
    with Ledger.open(path, migrations=NEXT) as ledger:
        assert len(ledger.latest()) == 20
        assert ledger._book.connection.execute("SELECT note FROM runs").fetchall() == [(None,)]
        assert "Entry" not in " ".join(ledger.verify())
    for read_only in (True, False):
        with pytest.raises(LedgerError, match=r"newer gonogo \(ledger version 2, this one knows 1\)"):
            Ledger.open(path, read_only=read_only)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    ledger_of(path)
    with pytest.raises(LedgerError):
        Ledger.open(path, migrations=(*NEXT, "CREATE TABLE more (a);\nNONSENSE;\n"))
    with Ledger.open(path) as ledger:
        assert len(ledger.latest()) == 20
        assert ledger.verify() == []


def test_migrations_are_numbered_without_gaps() -> None:
    files = sorted(file.name for file in Path(schema.__file__).with_name("migrations").glob("*.sql"))
    assert [int(name[:4]) for name in files] == list(range(1, len(schema.migrations()) + 1))
