"""Archives in each form: tar plain and packed, a packed dump, zip."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.lab.backup_files import DAY, aged, cut, flip, manifest, settle, source
from tests.lab.backup_forms import EMPTY, FLIPPED, GOOD, HALF_WRITTEN, OLD, TRUNCATED, UNREADABLE, Form

KIND = "archive"
TOOLS = ("tar", "gzip", "xz", "zstd", "bzip2", "zip", "unzip")
PACKERS = {"gz": "gzip", "xz": "xz", "zst": "zstd", "bz2": "bzip2"}


def forms(folder: Path) -> list[Form]:
    """Make every form below `folder`."""
    src = source(folder)
    sums = manifest(src, folder / "sums")
    settle(src)
    made = _made(src, folder)
    rows: list[Form] = []

    def add(name: str, path: Path, status: str, level: int, words: str = "", **more: Any) -> None:
        params = {"path": str(path), "min_level": 5, "live": str(src), "sample_files": 10, **more}
        hold = params.pop("hold", contextlib.nullcontext)
        rows.append(
            Form(
                name=name, type="backup.archive", params=params, status=status, level=level, words=words,
                hold=hold,
            )
        )  # fmt: skip

    def copy(kind: str, label: str) -> Path:
        at = folder / f"{label.replace(' ', '-')}.{made[kind].name.partition('.')[2]}"
        shutil.copy2(made[kind], at)
        return at

    for kind in ("tar", *PACKERS, "zip"):
        add(f"{GOOD} {kind}", copy(kind, f"good {kind}"), "pass", 5, "came back as they were")
    add(
        f"{GOOD} tar by manifest",
        copy("tar", "listed"),
        "pass",
        5,
        "as the manifest says",
        manifest=str(sums),
    )
    add(f"{GOOD} dump", copy("dump", "dump"), "pass", 4, "checksums hold", min_level=4)
    old = copy("gz", "old")
    aged(old, 3 * DAY)
    add(OLD, old, "fail", 5, "beyond its limit|objective")
    named = copy("gz", "files-20250102")
    add(f"{OLD} by its name", named, "fail", 4, "age is beyond")
    for kind in ("tar", *PACKERS, "zip", "dump"):
        cut(damaged := copy(kind, f"cut {kind}"))
        aged(damaged, 600)
        add(f"{TRUNCATED} {kind}", damaged, "fail", 2, "ended with status|not there|end")
    boundary = copy("tar", "boundary")
    os.truncate(boundary, _end(boundary))
    aged(boundary, 600)
    add(f"{TRUNCATED} at a member", boundary, "fail", 2, "two empty blocks")
    tailed = copy("bz2", "tailed")
    with tailed.open("ab") as handle:
        handle.write(b"left over from a longer archive")
    aged(tailed, 600)
    add(f"{TRUNCATED} with a tail", tailed, "fail", 3, "no part of it")
    for kind in (*PACKERS, "zip", "dump"):
        flip(damaged := copy(kind, f"flipped {kind}"))
        aged(damaged, 600)
        add(f"{FLIPPED} {kind}", damaged, "fail", 2 if kind in ("xz", "bz2", "dump") else 3, "status")
    flip(damaged := copy("tar", "flipped tar"), at=0.35)
    add(f"{FLIPPED} tar", damaged, "fail", 3, "did not come back as they were")
    add(f"{FLIPPED} tar unseen", damaged, "inconclusive", 3, "not be proven", min_level=4)
    add(f"{FLIPPED} tar by manifest", damaged, "fail", 3, "files differ", manifest=str(sums), min_level=4)
    flip(head := copy("tar", "flipped header"), at=512 * 2 / head.stat().st_size)
    aged(head, 600)
    add(f"{FLIPPED} header", head, "fail", 2, "tar")
    growing = copy("tar", "growing")
    cut(growing)
    aged(growing, 600)
    add(HALF_WRITTEN, growing, "inconclusive", 2, "may not be finished", hold=partial(_writing, growing))
    lately = copy("gz", "lately")
    cut(lately)
    aged(lately, 0)
    add(f"{HALF_WRITTEN} moments ago", lately, "inconclusive", 2, "moments ago")
    part = folder / "part.tar.gz.part"
    shutil.copy2(made["gz"], part)
    add(f"{HALF_WRITTEN} by its name", folder / "part.*", "fail", 0, "only unfinished")
    (nothing := folder / "nothing.tar.gz").touch()
    add(EMPTY, nothing, "fail", 0, "is empty")
    add(f"{EMPTY} folder", folder / "none-*.tar.gz", "fail", 0, "No archive lies")
    (bare := folder / "bare").mkdir()
    subprocess.run(["tar", "-czf", folder / "hollow.tar.gz", "-C", bare, "."], check=True)
    add(f"{EMPTY} archive", folder / "hollow.tar.gz", "fail", 2, "no file in it")
    closed = copy("gz", "closed")
    closed.chmod(0o000)
    add(UNREADABLE, closed, "inconclusive", 2, "may not be read")
    subprocess.run(["zip", "-q", "-r", "-P", "pw", folder / "secret.zip", "."], cwd=src, check=True)
    add(f"{UNREADABLE} encrypted", folder / "secret.zip", "inconclusive", 2, "encrypted")
    return rows


def _made(src: Path, folder: Path) -> dict[str, Path]:
    base = folder / "made"
    base.mkdir()
    subprocess.run(["tar", "--sort=name", "-cf", base / "a.tar", "-C", src, "."], check=True)
    made = {"tar": base / "a.tar", "zip": base / "a.zip", "dump": base / "dump.sql.gz"}
    for kind, packer in PACKERS.items():
        made[kind] = base / f"a.tar.{kind}"
        packed = subprocess.run([packer, "-c", base / "a.tar"], check=True, capture_output=True)
        made[kind].write_bytes(packed.stdout)
    subprocess.run(["zip", "-q", "-r", base / "a.zip", "."], cwd=src, check=True)
    lines = b"".join(b"INSERT INTO t VALUES (%d, %d);\n" % (n, n * 7919 % 10007) for n in range(20_000))
    packed = subprocess.run(["gzip", "-c"], input=lines, check=True, capture_output=True)
    made["dump"].write_bytes(packed.stdout)
    return made


def _end(path: Path) -> int:
    """Return where the last member of a tar archive ends, before the blocks that end the archive."""
    data = path.read_bytes()
    end = len(data.rstrip(b"\0"))
    return (end + 511) // 512 * 512


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Write into the file all the while, as a backup does that is not through yet."""
    done = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as handle:
            while not done.wait(0.1):
                handle.write(b"more of it" * 100)

    with path.open("ab") as first:
        first.write(b"some of it")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()
