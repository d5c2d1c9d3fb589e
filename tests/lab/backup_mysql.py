"""Dumps and physical backups of MariaDB in each form, made by its own programs and then damaged."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.lab import mariadb
from tests.lab.backup_files import manifest
from tests.lab.backup_forms import (
    EMPTY,
    FLIPPED,
    GOOD,
    HALF_WRITTEN,
    LOCKED,
    OLD,
    TRUNCATED,
    UNREADABLE,
    Form,
)
from tests.lab.backup_postgres import beside, closed, cut, flip, settle, written

KIND = "mysql"
TOOLS = ("mariadbd", "mariadb", "mariadb-dump", "mariabackup")
DATA = """
CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, who varchar(40), total decimal(10,2));
INSERT INTO orders (who, total) SELECT MD5(seq), seq / 4 FROM seq_1_to_2000;
CREATE TABLE session (line text);
CREATE VIEW rich AS SELECT who FROM orders WHERE total > 100;
CREATE TRIGGER loud BEFORE INSERT ON orders FOR EACH ROW SET NEW.who = UPPER(NEW.who);
CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1;
"""
LOADER = (
    "CREATE USER loader@localhost IDENTIFIED BY 'practice'; "
    "GRANT ALL ON *.* TO loader@localhost WITH GRANT OPTION"
)


def options(folder: Path) -> Path:
    """Write the option file of an account that may make databases."""
    return settle(written(folder / "loader.cnf", b"[client]\nuser=loader\npassword=practice\n"))


def forms(folder: Path) -> list[Form]:
    """Return every form below `folder`; those that are loaded start a server while they are checked."""
    folder.mkdir(parents=True, exist_ok=True)
    with mariadb.server() as server:
        server.sql("CREATE DATABASE app")
        server.sql(DATA, "app")
        dump = server.run("mariadb-dump", "--single-transaction", "--routines", "app").encode()
        undated = server.run("mariadb-dump", "--skip-dump-date", "app").encode()
        base = folder / "base"
        server.run("mariabackup", "--backup", f"--target-dir={base}", "--user=root")
    plain = settle(written(folder / "app.sql", dump))
    packed = settle(written(folder / "app.sql.gz", gzip.compress(dump)))
    bare = settle(written(folder / "undated.sql.gz", gzip.compress(undated)))
    manifest(base, folder / "base.sha256")
    settle(folder / "base.sha256")
    settle(base)
    options(folder)
    sums = {"manifest": str(folder / "base.sha256")}

    @contextmanager
    def served() -> Iterator[None]:
        with mariadb.server() as running:
            running.sql(f"{LOADER}; CREATE DATABASE app")
            running.sql(DATA, "app")
            link = folder / "socket"
            link.symlink_to(running.socket)
            try:
                yield
            finally:
                link.unlink()

    load = {
        "load": True, "compare_database": "app", "min_level": 5, "socket": str(folder / "socket"),
        "defaults_file": str(folder / "loader.cnf"),
    }  # fmt: skip
    since = (datetime.now(UTC) - timedelta(hours=20)).isoformat(timespec="seconds")
    changed = settle(written(beside(plain, "flip-sql"), dump.replace(b",0.50)", b",0.51)")))
    return [
        _form(GOOD, packed, "pass", 4),
        _form(f"{GOOD} undated", bare, "pass", 4),
        _form(f"{GOOD} base", base, "pass", 4, **sums),
        _form(f"{GOOD} base without manifest", base, "inconclusive", 2, "no list of its files"),
        _form(f"{GOOD} plain", plain, "inconclusive", 3, "no checksums"),
        _form(OLD, _old(folder, dump), "fail", 4, "beyond its limit"),
        _form(TRUNCATED, cut(plain), "fail", 2, "'Dump completed', is missing"),
        _form(f"{TRUNCATED} packed", cut(packed), "fail", 2, "cannot be read to its end"),
        _form(f"{TRUNCATED} base", _lacking(base), "fail", 2, "FAILED open", **sums),
        _form(FLIPPED, flip(packed, -2000), "fail", 2, "cannot be read to its end"),
        _form(f"{FLIPPED} base", _flipped(base), "fail", 3, "FAILED", **sums),
        _form(f"{HALF_WRITTEN} base", _unfinished(base), "fail", 2, "never finished", **sums),
        _form(EMPTY, settle(written(beside(plain, "empty"), b"")), "fail", 0, "is empty"),
        _form(UNREADABLE, closed(packed), "inconclusive", 2, "may not be read"),
        _locked(packed),
        _form(f"{GOOD} loaded", plain, "pass", 5, "same count", hold=served, **load),
        _form(f"{FLIPPED} loaded", changed, "fail", 3, "orders", hold=served, newer_than=since, **load),
    ]  # fmt: skip


def _form(name: str, path: Path, status: str, level: int, words: str = "", **more: Any) -> Form:
    held = {"hold": more.pop("hold")} if "hold" in more else {}
    return Form(
        name=name, type="backup.mysql", params={"path": str(path), **more}, status=status, level=level,
        words=words, **held,
    )  # fmt: skip


def _old(folder: Path, dump: bytes) -> Path:
    """A dump of three days ago that was copied without its time."""
    day = (datetime.now() - timedelta(days=3)).strftime("%Y-%m-%d")
    head, _, _ = dump.rpartition(b"-- Dump completed on ")
    text = head + f"-- Dump completed on {day}  3:00:00\n".encode()
    return settle(written(folder / "old.sql.gz", gzip.compress(text)))


def _copy(base: Path, name: str) -> Path:
    made = beside(base, name)
    shutil.copytree(base, made)
    return made


def _table(base: Path) -> Path:
    """Return the file of the largest table; a new one has another ending."""
    return max((base / "app").iterdir(), key=lambda one: one.stat().st_size)


def _lacking(base: Path) -> Path:
    made = _copy(base, "cut-base")
    _table(made).unlink()
    return settle(made)


def _flipped(base: Path) -> Path:
    made = _copy(base, "flip-base")
    file = _table(made)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(bytes(content))
    return settle(made)


def _unfinished(base: Path) -> Path:
    made = _copy(base, "half-base")
    for file in (*made.glob("xtrabackup_info"), *made.glob("mariadb_backup_info")):
        file.unlink()
    return settle(made)


def _locked(path: Path) -> Form:
    made = beside(path, "locked")
    shutil.copy(path, made)
    settle(made)

    @contextmanager
    def writing() -> Iterator[None]:
        with made.open("ab") as held:
            keeper = subprocess.Popen(
                ["setpriv", "--reuid=2001", "--regid=2001", "--clear-groups", "sleep", "600"], stdout=held
            )
            try:
                yield
            finally:
                keeper.kill()
                keeper.wait()

    return _form(LOCKED, made, "inconclusive", 2, "is writing into it", hold=writing)
