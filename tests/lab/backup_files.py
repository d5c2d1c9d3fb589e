"""The files that backups of the lab are made of: old enough to be unchanged since, the same each time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

DAY = 86400.0


def source(folder: Path, *, files: int = 6, size: int = 20_000) -> Path:
    """Make a folder of files that were changed ten days ago last, and return it."""
    made = folder / "src"
    (made / "docs").mkdir(parents=True)
    data = random.Random("lab")
    for number in range(files):
        (made / "docs" / f"file {number}.bin").write_bytes(data.randbytes(size + number))
    (made / "docs" / "empty").touch()
    (made / "readme.txt").write_text("what is backed up\n")
    aged(made, 10 * DAY)
    return made


def aged(path: Path, seconds: float) -> None:
    """Set the times of a file, or of all below a folder, so far back."""
    then = time.time() - seconds
    for name in sorted(path.rglob("*"), reverse=True) if path.is_dir() else ():
        os.utime(name, (then, then), follow_symlinks=False)
    os.utime(path, (then, then))


def settle(path: Path) -> None:
    """Wait until what is backed up from now on is younger than the last change of anything below `path`."""
    last = max(name.lstat().st_ctime for name in (path, *path.rglob("*")))
    while time.time() < last + 2:
        time.sleep(0.05)


def flip(path: Path, *, at: float = 0.5, count: int = 4) -> None:
    """Turn bytes over at a place of the file (0 begin, 1 end) and keep its times."""
    data, state = bytearray(path.read_bytes()), path.stat()
    begin = min(int(len(data) * at), len(data) - count)
    for number in range(begin, begin + count):
        data[number] ^= 0xFF
    path.write_bytes(bytes(data))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def cut(path: Path, *, to: float = 0.6) -> None:
    """Cut a file off and keep its times."""
    state = path.stat()
    os.truncate(path, int(state.st_size * to))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def manifest(root: Path, at: Path) -> Path:
    """Write the lines of sha256sum for all files below `root`."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(root)}\n"
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]
    at.write_text("".join(lines))
    return at


@contextlib.contextmanager
def held_by(lock: Path) -> Iterator[None]:
    """Write the number of a living process into a lock file, as a backup does that is running."""
    holder = subprocess.Popen(["sleep", "600"])
    lock.write_text(f"{holder.pid}\n")
    try:
        yield
    finally:
        holder.kill()
        holder.wait()
        lock.unlink()
