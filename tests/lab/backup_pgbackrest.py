"""pgBackRest repositories in each form, made by pgBackRest from a real cluster and then damaged."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
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
from tests.lab.namespaces import wait_for
from tests.lab.postgres import PORT, Cluster

KIND = "pgbackrest"
TOOLS = ("pgbackrest", "runuser", "psql")


def forms(folder: Path) -> list[Form]:
    """Return every form below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "good"
    base.mkdir()
    shutil.chown(base, "postgres")
    empty = folder / "empty"
    settings = (
        "archive_mode = on\n"
        f"archive_command = 'pgbackrest --config={base}/conf --stanza=main archive-push %p'\n"
    )
    cluster = Cluster(postgres.made(folder / "cluster", settings))
    _configure(base, cluster)
    with postgres.running(cluster):
        _run(base, "stanza-create")
        shutil.copytree(base, empty)
        _run(base, "--type=full", "backup")
        cluster.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS i")
        last = cluster.sql("SELECT pg_walfile_name(pg_switch_wal())")
        wait_for(lambda: list((base / "repo").rglob(f"{last}-*")), "the last WAL is in the archive")
    _open(empty)
    _open(base)
    return [
        _form(GOOD, base, "pass", 4),
        _form(OLD, base, "fail", 4, "beyond its limit", rpo="1ms"),
        _form(f"{TRUNCATED} data", _damaged(base, "cut", _cut), "fail", 3, "invalid"),
        _form(f"{TRUNCATED} WAL", _damaged(base, "cut-wal", _cut_wal), "fail", 3, "WAL segments"),
        _form(f"{TRUNCATED} WAL missing", _damaged(base, "lost", _lose_wal), "fail", 2, "is missing"),
        _form(f"{TRUNCATED} gap", _damaged(base, "gap", _gap), "fail", 2, "has a gap"),
        _form(f"{FLIPPED} data", _damaged(base, "flip", _flip), "fail", 3, "invalid"),
        _form(f"{FLIPPED} index", _damaged(base, "info", _flip_info), "fail", 0, "index of the .* damaged"),
        _form(f"{TRUNCATED} archive.info", _damaged(base, "bare", _lose_info), "fail", 0, "archive.info"),
        _form(f"{FLIPPED} manifest", _damaged(base, "manifest", _flip_manifest), "fail", 3, "invalid"),
        _form(f"{HALF_WRITTEN}", _damaged(empty, "half", _half), "fail", 0, "has no backup"),
        _form(EMPTY, empty, "fail", 0, "has no backup"),
        _form(f"{EMPTY} stanza", base, "fail", 0, "has no backup", stanza="other"),
        _form(UNREADABLE, _damaged(base, "closed", _close), "inconclusive", 0, "Permission denied"),
        _locked(base),
    ]  # fmt: skip


def _form(name: str, place: Path, status: str, level: int, words: str = "", **more: Any) -> Form:
    params = {"stanza": "main", "config": str(place / "conf"), **more}
    return Form(name=name, type="backup.pgbackrest", params=params, status=status, level=level, words=words)


def _configure(place: Path, cluster: Cluster) -> None:
    (place / "conf").write_text(
        f"[global]\nrepo1-path={place}/repo\nlock-path={place}/lock\nspool-path={place}/spool\nstart-fast=y\n"
        "repo1-bundle=y\n"
        f"log-path={place}/log\nlog-level-file=off\nlog-level-console=off\ncompress-level=1\n"
        f"[main]\npg1-path={cluster.data}\npg1-socket-path={cluster.folder}\npg1-port={PORT}\n"
        "pg1-user=postgres\n"
    )
    for name in ("repo", "lock", "log", "spool"):
        (place / name).mkdir()
        shutil.chown(place / name, "postgres")


def _run(place: Path, *words: str) -> None:
    postgres.as_postgres("pgbackrest", f"--config={place}/conf", "--stanza=main", *words)


def _open(place: Path) -> None:
    """Let everybody read and lock it, and have its configuration name it."""
    conf = place / "conf"
    lines = conf.read_text().splitlines(keepends=True)
    own = {"repo1": "repo", "lock-": "lock", "log-p": "log", "spool": "spool"}
    conf.write_text(
        "".join(
            f"{line.partition('=')[0]}={place}/{own[line[:5]]}\n"
            if line[:5] in own and "path=" in line
            else line
            for line in lines
        )
    )
    for one in (place, *place.rglob("*")):
        if not one.is_symlink():
            one.chmod(0o777 if one.is_dir() else 0o666)


def _damaged(place: Path, name: str, damage: Any) -> Path:
    made = place.parent / name
    shutil.copytree(place, made, symlinks=True)
    _open(made)
    damage(made)
    return made


def _data(place: Path) -> Path:
    """Return the largest file of the first full backup."""
    files = (place / "repo/backup/main").glob("*F/bundle/*")
    return max(files, key=lambda one: one.stat().st_size)


def _wal(place: Path) -> list[Path]:
    return sorted((place / "repo/archive/main").rglob("*-*.gz"))


def _cut(place: Path) -> None:
    _data(place).write_bytes(_data(place).read_bytes()[:-200])


def _cut_wal(place: Path) -> None:
    file = max(_wal(place))
    file.write_bytes(file.read_bytes()[:-2000])


def _lose_wal(place: Path) -> None:
    """Remove the segment that the newest backup begins in."""
    history = max((place / "repo/archive/main").rglob("*.backup"))
    for file in history.parent.glob(f"{history.name[:24]}-*"):
        file.unlink()


def _gap(place: Path) -> None:
    """Put a later segment there whose predecessor is not."""
    file = _wal(place)[-1]
    number = int(file.name[16:24], 16) + 2
    shutil.copy(file, file.with_name(f"{file.name[:16]}{number:08X}{file.name[24:]}"))


def _flip(place: Path) -> None:
    content = bytearray(_data(place).read_bytes())
    content[len(content) // 2] ^= 4
    _data(place).write_bytes(bytes(content))


def _flip_info(place: Path) -> None:
    for file in (place / "repo/backup/main").glob("backup.info*"):
        file.write_bytes(file.read_bytes().replace(b'"backup-info-size":', b'"backup-info-sizE":', 1))


def _lose_info(place: Path) -> None:
    """Remove the index of the archive, and the copy that pgBackRest keeps of it."""
    for file in (place / "repo/archive/main").glob("archive.info*"):
        file.unlink()


def _flip_manifest(place: Path) -> None:
    newest = max((place / "repo/backup/main").glob("*F"))
    for file in newest.glob("backup.manifest*"):
        file.write_bytes(file.read_bytes().replace(b'"checksum":"', b'"checksum":"0', 1))


def _half(place: Path) -> None:
    (place / "repo/backup/main/20260101-000000F/pg_data").mkdir(parents=True)
    _open(place)


def _close(place: Path) -> None:
    (place / "repo/backup").chmod(0o700)


def _locked(place: Path) -> Form:
    made = _damaged(place, "locked", lambda _: None)
    lock = made / "lock" / "main-backup.lock"
    lock.write_text('{"execId":"1-abcdef01","pid":1}')
    lock.chmod(0o666)

    @contextmanager
    def held() -> Iterator[None]:
        keeper = subprocess.Popen(["flock", "--no-fork", lock, "sleep", "600"])
        try:
            wait_for(lambda: _is_locked(lock), "the lock is held")
            yield
        finally:
            keeper.kill()
            keeper.wait()

    return Form(
        name=LOCKED, type="backup.pgbackrest", params={"stanza": "main", "config": str(made / "conf")},
        status="inconclusive", level=2, words="its lock is held", hold=held,
    )  # fmt: skip


def _is_locked(lock: Path) -> bool:
    return subprocess.run(["flock", "--nonblock", lock, "true"], check=False).returncode != 0
