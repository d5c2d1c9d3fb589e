"""Repositories of rdiff-backup in each form."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.lab.backup_files import DAY, cut, flip, manifest, settle, source
from tests.lab.backup_forms import EMPTY, FLIPPED, GOOD, HALF_WRITTEN, OLD, TRUNCATED, UNREADABLE, Form

KIND = "rdiff-backup"
TOOLS = ("rdiff-backup",)


def forms(folder: Path) -> list[Form]:
    """Make every form below `folder`."""
    src = source(folder)
    sums = manifest(src, folder / "sums")
    settle(src)
    good = folder / "good"
    now = int(time.time())
    for at in (now - 2 * DAY, now - DAY, now):
        _backup(src, good, at)
    rows: list[Form] = []

    def add(name: str, path: Path, status: str, level: int, words: str = "", **more: Any) -> None:
        params = {"path": str(path), "min_level": 5, "live": str(src), "sample_files": 10, **more}
        hold = params.pop("hold", contextlib.nullcontext)
        params = {key: value for key, value in params.items() if value is not None}
        for at in (path, *path.rglob("*")) if path.exists() and not path.is_symlink() else ():
            at.chmod(0o755 if at.is_dir() else 0o644)
        rows.append(
            Form(
                name=name, type="backup.tree", params=params, status=status, level=level, words=words,
                hold=hold,
            )
        )  # fmt: skip

    def copy(name: str) -> Path:
        return Path(shutil.copytree(good, folder / name, symlinks=True))

    data = "rdiff-backup-data"
    add(GOOD, good, "pass", 5, "digest that was kept")
    _backup(src, old := folder / "old", now - 4 * DAY)
    add(OLD, old, "fail", 5, "age is beyond", live=None, manifest=str(sums))
    flip(copy("flipped") / "docs" / "file 1.bin")
    add(FLIPPED, folder / "flipped", "fail", 3, "match", min_level=4)
    meta = next((copy("index") / data).glob("mirror_metadata.*.snapshot.gz"))
    flip(folder / "index" / data / meta.name)
    add(f"{FLIPPED} index", folder / "index", "fail", 2, "cut or damaged", min_level=4)
    cut(copy("cut-index") / data / meta.name)
    add(f"{TRUNCATED} index", folder / "cut-index", "fail", 2, "cut or damaged", min_level=4)
    cut(copy("cut") / "docs" / "file 1.bin")
    add(TRUNCATED, folder / "cut", "fail", 3, "match", min_level=4)
    (copy("lost") / "docs" / "file 1.bin").unlink()
    add(f"{TRUNCATED} missing file", folder / "lost", "fail", 2, "entries are there")
    half = copy("half") / data
    mirror = next(half.glob("current_mirror.*"))
    earlier = min(half.glob("session_statistics.*")).name.split(".")[1]
    (half / f"current_mirror.{earlier}.data").write_text("PID 4194300\n")
    add(HALF_WRITTEN, half.parent, "fail", 2, "interrupted")
    ended = copy("ended") / data
    next(ended.glob(f"session_statistics.{mirror.name.split('.')[1]}.*")).unlink()
    add(f"{HALF_WRITTEN} session", ended.parent, "fail", 2, "interrupted")
    errors = copy("errors") / data
    statistics = max(errors.glob("session_statistics.*"))
    statistics.write_text(statistics.read_text().replace("Errors 0", "Errors 3"))
    add(f"{HALF_WRITTEN} with errors", errors.parent, "fail", 2, "3 errors")
    never = copy("never") / data
    next(never.glob("current_mirror.*")).unlink()
    add(EMPTY, never.parent, "fail", 0, "ever been finished")
    closed = copy("closed")
    add(UNREADABLE, closed, "inconclusive", 0, "may not be looked into")
    (closed / data).chmod(0o700)
    return rows


def _backup(src: Path, to: Path, at: float) -> None:
    subprocess.run(
        ["rdiff-backup", "--current-time", f"{at:.0f}", "backup", src, to], check=True, capture_output=True
    )
