"""Mirrors of rsync in each form."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

from tests.lab.backup_files import DAY, aged, cut, flip, held_by, manifest, settle, source
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

KIND = "rsync"
TOOLS = ("rsync",)


def forms(folder: Path) -> list[Form]:
    """Make every form below `folder`."""
    src = source(folder)
    sums = manifest(src, folder / "sums")
    settle(src)
    rows: list[Form] = []

    def mirror(name: str) -> Path:
        subprocess.run(
            ["rsync", "-a", f"--log-file={folder / name}.log", f"{src}/", folder / name], check=True
        )
        return folder / name

    def add(name: str, path: Path, status: str, level: int, words: str = "", **more: Any) -> None:
        params = {
            "path": str(path), "min_level": 5, "live": str(src), "sample_files": 10, "log": f"{path}.log",
            **more,
        }  # fmt: skip
        hold = params.pop("hold", contextlib.nullcontext)
        params = {key: value for key, value in params.items() if value is not None}
        rows.append(
            Form(
                name=name, type="backup.tree", params=params, status=status, level=level, words=words,
                hold=hold,
            )
        )  # fmt: skip

    good = mirror("good")
    add(GOOD, good, "pass", 5, "came back as they were")
    add(f"{GOOD} by manifest", good, "pass", 5, "as the manifest says", manifest=str(sums), live=None)
    stamp = folder / "stamp"
    stamp.write_text(f"{time.time():.0f}\n")
    add(f"{GOOD} by stamp", good, "pass", 5, "came back", stamp=str(stamp), log=None)
    add(f"{OLD} of unknown age", good, "inconclusive", 3, "age of the newest backup is not known", log=None)
    old = folder / "old-stamp"
    old.touch()
    aged(old, 3 * DAY)
    add(
        OLD,
        good,
        "fail",
        4,
        "age is beyond",
        stamp=str(old),
        log=None,
        manifest=str(sums),
        live=None,
        min_level=4,
    )
    add(f"{GOOD} with nothing named", good, "inconclusive", 2, "Nothing tells", live=None)
    broken = mirror("broken")
    log = broken.with_suffix(".log")
    text = log.read_text().splitlines()
    begin = text[-1].partition("]")[0]
    log.write_text(f"{log.read_text()}{begin}] rsync error: some files vanished (code 23)\n")
    add(f"{HALF_WRITTEN} with errors", broken, "fail", 1, "ended with errors")
    lost = mirror("lost")
    (lost / "docs" / "file 1.bin").unlink()
    add(f"{TRUNCATED} missing file", lost, "fail", 2, "file 1.bin")
    shorter = mirror("shorter")
    cut(shorter / "docs" / "file 1.bin")
    add(TRUNCATED, shorter, "fail", 2, "another size")
    add(f"{TRUNCATED} by manifest", lost, "fail", 2, "are not there", manifest=str(sums), live=None)
    flipped = mirror("flipped")
    flip(flipped / "docs" / "file 1.bin")
    add(FLIPPED, flipped, "fail", 3, "did not come back as they were")
    add(f"{FLIPPED} unseen", flipped, "inconclusive", 3, "keep none", min_level=4)
    add(f"{FLIPPED} by manifest", flipped, "fail", 3, "files differ", manifest=str(sums))
    half = mirror("half")
    (half / "docs" / ".file 1.bin.Xa3bQ9").write_bytes(b"the first part")
    add(HALF_WRITTEN, half, "inconclusive", 2, "still being received")
    lock = folder / "lock"
    add(LOCKED, good, "inconclusive", 1, "at work on it", lock=str(lock), hold=partial(held_by, lock))
    subprocess.run(["cp", "-a", src, folder / "other"], check=True)
    subprocess.run(["cp", "-al", folder / "other", folder / "linked"], check=True)
    settle(folder / "other")
    linked = folder / "linked-stamp"
    linked.touch()
    add(
        f"{EMPTY} hard links", folder / "linked", "fail", 3, "no copies", log=None, stamp=str(linked),
        live=str(folder / "other"),
    )  # fmt: skip
    (folder / "alias").symlink_to(src)
    add(f"{EMPTY} link to live", folder / "alias", "fail", 0, "live files itself", log=f"{good}.log")
    (folder / "nothing").mkdir()
    add(EMPTY, folder / "nothing", "fail", 0, "is empty", log=f"{good}.log")
    unmounted = folder / "unmounted"
    unmounted.mkdir()
    add(f"{EMPTY} live", good, "inconclusive", 2, "no live file", live=str(unmounted))
    closed = mirror("closed")
    (closed / "docs").chmod(0o000)
    add(UNREADABLE, closed, "inconclusive", 0, "may be looked into")
    locked = mirror("locked")
    (locked / "docs" / "file 1.bin").chmod(0o000)
    os.utime(locked / "docs" / "file 1.bin")
    add(f"{UNREADABLE} file", locked, "inconclusive", 2, "may be read", live=None, manifest=str(sums))
    return rows
