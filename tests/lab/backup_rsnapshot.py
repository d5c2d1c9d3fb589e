"""Snapshots of rsnapshot in each form."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

from tests.lab.backup_files import DAY, flip, held_by, manifest, settle, source
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

KIND = "rsnapshot"
TOOLS = ("rsnapshot", "rsync")


def forms(folder: Path) -> list[Form]:
    """Make every form below `folder`."""
    src = source(folder)
    sums = manifest(src, folder / "sums")
    settle(src)
    root, log = folder / "root", folder / "rsnapshot.log"
    for _ in range(3):
        _rsnapshot(folder, root, src.relative_to("/"), log)
    inside = f"here/{src.relative_to('/')}"
    rows: list[Form] = []

    def add(name: str, path: Path, status: str, level: int, words: str = "", **more: Any) -> None:
        params = {
            "path": str(path), "min_level": 5, "live": str(src), "subtree": inside, "log": str(log),
            "sample_files": 10, **more,
        }  # fmt: skip
        hold = params.pop("hold", contextlib.nullcontext)
        params = {key: value for key, value in params.items() if value is not None}
        rows.append(
            Form(
                name=name, type="backup.tree", params=params, status=status, level=level, words=words,
                hold=hold,
            )
        )  # fmt: skip

    def copy(name: str) -> Path:
        subprocess.run(["cp", "-a", root, folder / name], check=True)
        return folder / name

    def newest(at: Path) -> Path:
        return at / "daily.0" / inside

    add(GOOD, root, "pass", 5, "came back as they were")
    add(f"{GOOD} by log", root, "pass", 5, "ended successfully", live=None, manifest=str(sums))
    add(f"{GOOD} without log", root, "pass", 5, "from the end of the snapshot", log=None)
    old = copy("old")
    for number, name in enumerate(("daily.0", "daily.1", "daily.2")):
        os.utime(old / name, (time.time() - (3 + number) * DAY,) * 2)
    add(OLD, old, "fail", 4, "age is beyond", log=None, manifest=str(sums), live=None, min_level=4)
    lost = copy("lost")
    (newest(lost) / "docs" / "file 1.bin").unlink()
    add(TRUNCATED, lost, "fail", 2, "file 1.bin")
    shrunk = copy("shrunk")
    for path in sorted((newest(shrunk) / "docs").glob("file*"))[:4]:
        path.unlink()
    add(f"{TRUNCATED} shrunk", shrunk, "fail", 2, "less, with 30% permitted", live=None)
    flipped = copy("flipped")
    own = newest(flipped) / "docs" / "file 1.bin"
    shutil.copy2(own, own.with_suffix(".own"))
    own.with_suffix(".own").rename(own)
    flip(own)
    add(FLIPPED, flipped, "fail", 3, "did not come back as they were")
    failing = folder / "failing.log"
    failing.write_text(log.read_text().replace("completed successfully", "completed, but with some errors"))
    add(f"{HALF_WRITTEN} with errors", root, "fail", 1, "ended with errors", log=str(failing))
    unfinished = folder / "unfinished.log"
    lines = log.read_text().splitlines()
    last = max(number for number, line in enumerate(lines) if line.endswith(": started"))
    unfinished.write_text("\n".join(lines[: last + 1]) + "\n")
    add(HALF_WRITTEN, root, "inconclusive", 2, "has not ended", log=str(unfinished))
    lock = folder / "pid"
    add(LOCKED, root, "inconclusive", 2, "at work on it", lock=str(lock), hold=partial(held_by, lock))
    (folder / "void").mkdir()
    add(EMPTY, folder / "void", "fail", 0, "is empty")
    closed = copy("closed")
    closed.chmod(0o700)
    add(UNREADABLE, closed, "inconclusive", 0, "may not be looked into")
    return rows


def _rsnapshot(folder: Path, root: Path, src: Path, log: Path) -> None:
    config = folder / "rsnapshot.conf"
    lines = [
        "config_version\t1.2", f"snapshot_root\t{root}/", "cmd_cp\t/bin/cp", "cmd_rm\t/bin/rm",
        "cmd_rsync\t/usr/bin/rsync", "retain\tdaily\t7", "retain\tweekly\t4", "loglevel\t3",
        f"logfile\t{log}", f"lockfile\t{folder}/lock", f"backup\t/{src}/\there/",
    ]  # fmt: skip
    config.write_text("\n".join(lines) + "\n")
    subprocess.run(["rsnapshot", "-c", config, "daily"], check=True, capture_output=True)
    for path in (root, *root.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
