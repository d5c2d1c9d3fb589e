"""Dumps and base backups of PostgreSQL in each form, made by its own programs and then damaged."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.lab import postgres
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
from tests.lab.postgres import Cluster

KIND = "postgres"
TOOLS = ("runuser", "psql", "pg_dump", "faketime")
TYPE = "backup.postgres"
DATA = """
CREATE TABLE orders (id serial PRIMARY KEY, who text, total numeric);
INSERT INTO orders (who, total) SELECT md5(i::text), i / 3.0 FROM generate_series(1, 3000) i;
CREATE TABLE session (line text);
"""


def forms(folder: Path) -> list[Form]:
    """Return every form below `folder`; those that are loaded start the cluster while they are checked."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(postgres.made(folder / "cluster"))
    with postgres.running(cluster):
        cluster.sql("CREATE DATABASE app")
        cluster.sql(DATA, "app")
        kinds = _dumps(cluster, folder)
    custom, plain, packed, tar, tree, base, old = kinds
    made = [
        _form(GOOD, custom, "pass", 4, checksum="*.sha256"),
        _form(f"{GOOD} packed", packed, "pass", 4),
        _form(f"{GOOD} folder", tree, "pass", 3, min_level=3),
        _form(f"{GOOD} tar", tar, "pass", 3, min_level=3),
        _form(f"{GOOD} base", base, "pass", 4),
        _form(f"{GOOD} without checksum", custom, "inconclusive", 3, "no checksum of the table of contents"),
        _form(OLD, old, "fail", 4, "beyond its limit", checksum="*.sha256"),
        _form(TRUNCATED, cut(custom), "fail", 2, "cannot be read to its end"),
        _form(f"{TRUNCATED} packed", cut(packed), "fail", 2, "cannot be read to its end"),
        _form(f"{TRUNCATED} SQL", cut(plain), "fail", 2, "dump complete', is missing"),
        _form(f"{TRUNCATED} tar", cut(tar, 700), "fail", 2, "two empty blocks"),
        _form(f"{TRUNCATED} folder", _without_data(tree), "fail", 2, "cannot be read to its end"),
        _form(f"{TRUNCATED} base", _without_file(base), "fail", 2, "not whole"),
        _form(f"{FLIPPED} data", flip(custom, -2000), "fail", 2, "cannot be read to its end"),
        _form(f"{FLIPPED} packed", flip(packed, -2000), "fail", 2, "cannot be read to its end"),
        _form(f"{FLIPPED} base", _flipped_base(base), "fail", 3, "checksum mismatch"),
        _form(f"{HALF_WRITTEN} name", _renamed(custom), "fail", 0, "only unfinished"),
        _form(f"{HALF_WRITTEN} base", _unfinished(base), "fail", 2, "never finished"),
        _form(EMPTY, _empty(folder), "fail", 0, "is empty"),
        _form(UNREADABLE, closed(custom), "inconclusive", 2, "may not be read"),
        _locked(custom),
    ]
    index = _flip_name(custom)
    made.append(_form(f"{FLIPPED} index", index, "fail", 3, "was written down", checksum="*.sha256"))
    load = {"load": True, "compare_database": "app", "min_level": 5, **cluster.place}
    since = (datetime.now(UTC) - timedelta(hours=20)).isoformat(timespec="seconds")
    asked = {"query": "SELECT count(*) FROM orders", "answer": "^3000$", "min_level": 6}

    def held() -> Any:
        return postgres.running(cluster)

    def loaded(name: str, path: Path, status: str, level: int, words: str = "", **more: Any) -> Form:
        return _form(name, path, status, level, words, hold=held, **(load | more))

    return [
        *made,
        loaded(f"{GOOD} queried", custom, "pass", 6, **asked),
        loaded(f"{GOOD} SQL loaded", plain, "pass", 5, "same count and content"),
        loaded(f"{FLIPPED} index loaded", index, "inconclusive", 3, "orders"),
        loaded(f"{FLIPPED} SQL loaded", _changed(plain), "fail", 3, "orders", newer_than=since),
    ]


def _form(
    name: str, path: Path, status: str, level: int, words: str = "", hold: Callable[..., Any] | None = None,
    **more: Any,
) -> Form:  # fmt: skip
    held: dict[str, Any] = {"hold": hold} if hold else {}
    return Form(
        name=name, type=TYPE, params={"path": str(path), **more}, status=status, level=level, words=words,
        **held,
    )  # fmt: skip


def _dumps(cluster: Cluster, folder: Path) -> list[Path]:
    """Make one of each format, an hour old by its last write, and one that was begun three days ago."""
    paths = [folder / name for name in ("app.dump", "app.sql", "app.tar", "app.dir", "base")]
    spool = cluster.folder / "spool"
    spool.mkdir()
    shutil.chown(spool, "postgres")
    for form, path in zip(("-Fc", "-Fp", "-Ft", "-Fd"), paths, strict=False):
        cluster.run("pg_dump", form, "-f", spool / path.name, "app")
    cluster.run("pg_basebackup", "-D", spool / "base", "-c", "fast", "-X", "stream", "--no-sync")
    postgres.as_postgres(
        "faketime", "-f", "-3d", "pg_dump", *cluster.options, "-Fc", "-f", spool / "old.dump", "app"
    )
    for path in spool.iterdir():
        shutil.copytree(path, folder / path.name) if path.is_dir() else shutil.copy(path, folder)
    packed = folder / "app.sql.gz"
    packed.write_bytes(gzip.compress(paths[1].read_bytes()))
    for dump in (paths[0], folder / "old.dump"):
        _seal(dump)
    for path in folder.iterdir():
        if path.name != "cluster":
            settle(path)
    return [paths[0], paths[1], packed, paths[2], paths[3], paths[4], folder / "old.dump"]


def settle(path: Path) -> Path:
    """Let everybody read it, and have it last written an hour ago."""
    then = time.time() - 3600
    for one in [path, *path.rglob("*")] if path.is_dir() else [path]:
        one.chmod(0o755 if one.is_dir() else 0o644)
        os.utime(one, (then, then))
    return path


def _seal(path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    settle(written(path.with_name(f"{path.name}.sha256"), f"{digest}  {path.name}\n".encode()))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def beside(path: Path, name: str) -> Path:
    """Return where a damaged copy of `path` goes, in a folder of its own."""
    folder = path.parent / name
    folder.mkdir()
    folder.chmod(0o755)
    return folder / path.name


def cut(path: Path, length: int = 0) -> Path:
    content = path.read_bytes()
    made = beside(path, f"cut-{path.name}")
    return settle(written(made, content[: -length or len(content) * 2 // 3]))


def flip(path: Path, at: int) -> Path:
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    return settle(written(beside(path, f"flip-{path.name}"), bytes(content)))


def _flip_name(path: Path) -> Path:
    """Change a letter of the table of contents that no checksum covers: a column's name."""
    content = path.read_bytes()
    made = beside(path, "flip-index")
    written(made, content.replace(b"total numeric", b"totam numeric").replace(b"who, total", b"who, totam"))
    shutil.copy(path.with_name(f"{path.name}.sha256"), made.parent)
    settle(made.parent / f"{path.name}.sha256")
    return settle(made)


def _changed(path: Path) -> Path:
    """Change a digit in the data of plain SQL, which nothing but a comparison can notice."""
    made = beside(path, "flip-sql")
    return settle(written(made, path.read_bytes().replace(b"\t1.0000", b"\t9.0000")))


def _copy(path: Path, name: str) -> Path:
    made = beside(path, name)
    shutil.copytree(path, made)
    return made


def _without_data(path: Path) -> Path:
    made = _copy(path, "cut-dir")
    max(made.glob("*.gz"), key=lambda one: one.stat().st_size).unlink()
    return settle(made)


def _without_file(path: Path) -> Path:
    made = _copy(path, "cut-base")
    (made / "global" / "1262").unlink()
    return settle(made)


def _flipped_base(path: Path) -> Path:
    made = _copy(path, "flip-base")
    file = made / "global" / "1262"
    content = bytearray(file.read_bytes())
    content[5000] ^= 4
    file.write_bytes(content)
    return settle(made)


def _unfinished(path: Path) -> Path:
    made = _copy(path, "half-base")
    (made / "backup_manifest").rename(made / "backup_manifest.tmp")
    return settle(made)


def _renamed(path: Path) -> Path:
    made = beside(path, "half")
    shutil.copy(path, f"{made}.tmp")
    return made.with_name("app.dump*")


def _empty(folder: Path) -> Path:
    return settle(written(beside(folder / "app.dump", "empty"), b""))


def closed(path: Path) -> Path:
    made = beside(path, "closed")
    shutil.copy(path, made)
    settle(made)
    made.chmod(0o600)
    return made


def _locked(path: Path) -> Form:
    """A dump that a process of the same account is writing into."""
    made = beside(path, "locked")
    shutil.copy(path, made)
    settle(made)
    made.chmod(0o666)

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
