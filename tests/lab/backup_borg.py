"""Repositories of borg in each form."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.lab.backup_files import cut, flip, manifest, settle, source
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

KIND = "borg"
TOOLS = ("borg",)
PASSPHRASE = "correct horse"


def forms(folder: Path) -> list[Form]:
    """Make every form below `folder`."""
    src = source(folder)
    sums = manifest(src, folder / "sums")
    settle(src)
    word = folder / "word"
    word.write_text(f"{PASSPHRASE}\n")
    rows: list[Form] = []
    borg = partial(_borg, folder)

    def add(name: str, repo: Path, status: str, level: int, words: str = "", **more: Any) -> None:
        params = {
            "repo": str(repo), "password_file": str(word), "min_level": 5, "live": str(src),
            "sample_files": 10, "lock_wait": 1, "prefix": "set-", "history": 1, **more,
        }  # fmt: skip
        hold = params.pop("hold", contextlib.nullcontext)
        for at in (repo, *repo.rglob("*")) if repo.exists() else ():
            at.chmod(0o777 if at.is_dir() else 0o666)
        rows.append(
            Form(
                name=name, type="backup.borg", params=params, status=status, level=level, words=words,
                hold=hold,
            )
        )  # fmt: skip

    good = folder / "good"
    borg("init", "-e", "repokey", good)
    for number in range(3):
        at = datetime.now(UTC) - timedelta(days=3 - number)
        borg("create", "--timestamp", f"{at:%Y-%m-%dT%H:%M:%S}", f"{good}::set-{number}", ".", cwd=src)
    borg("create", f"{good}::set-new", ".", cwd=src)
    borg("create", "--timestamp", f"{datetime.now(UTC) - timedelta(days=9):%Y-%m-%dT%H:%M:%S}",
         f"{good}::old-set", ".", cwd=src)  # fmt: skip
    copy = partial(_copy, folder, good)
    add(GOOD, good, "pass", 5, "came back as they were", history=10)
    add(OLD, good, "fail", 5, "age is beyond", prefix="old-", manifest=str(sums))
    add(LOCKED, locked := copy("locked"), "inconclusive", 0, "is locked by", hold=partial(_locked, locked))
    add(
        f"{LOCKED} read past", past := copy("past"), "warn", 5, "read past a lock", past_lock=True,
        hold=partial(_locked, past),
    )  # fmt: skip
    data = "data/0/{}".format
    largest = max((good / "data/0").iterdir(), key=lambda path: path.stat().st_size).name
    flip(copy("flipped") / data(largest))
    add(FLIPPED, folder / "flipped", "fail", 3, "dry-run")
    flip(next(copy("flipped index").glob("index.*")))
    add(f"{FLIPPED} index", folder / "flipped index", "pass", 5, "new one")
    shutil.rmtree(
        folder / "key" if (folder / "key").exists() else copy("key") / "nothing", ignore_errors=True
    )
    config = folder / "key" / "config"
    config.write_text(config.read_text().replace("key = ", "key = AAAA", 1))
    add(f"{FLIPPED} key", folder / "key", "inconclusive", 0, "")
    cut(copy("truncated") / data(largest))
    add(TRUNCATED, folder / "truncated", "fail", 2, "segment entry header")
    (copy("missing") / data(largest)).unlink()
    add(f"{TRUNCATED} segment missing", folder / "missing", "fail", 2, "No such file")
    _repaired(folder, copy("repaired"), largest)
    add(f"{TRUNCATED} and repaired", folder / "repaired", "fail", 2, "repaired with zeros")
    _interrupted(folder, half := copy("half"))
    add(HALF_WRITTEN, half, "pass", 5, "came back")
    first = folder / "first"
    borg("init", "-e", "repokey", first)
    _interrupted(folder, first)
    add(f"{HALF_WRITTEN} first backup", first, "fail", 0, "no finished archive")
    empty = folder / "empty"
    borg("init", "-e", "repokey", empty)
    add(EMPTY, empty, "fail", 0, "no finished archive")
    add(f"{EMPTY} place", folder / "nowhere", "inconclusive", 0, "no repository there")
    wrong = folder / "wrong"
    wrong.write_text("wrong\n")
    add(
        f"{UNREADABLE} without its passphrase",
        good,
        "inconclusive",
        0,
        "passphrase",
        password_file=str(wrong),
    )
    closed = copy("closed")
    add(UNREADABLE, closed, "inconclusive", 0, "may not")
    closed.chmod(0o500)
    return rows


def _env(folder: Path) -> dict[str, str]:
    return os.environ | {
        "BORG_BASE_DIR": str(folder / "base"), "BORG_PASSPHRASE": PASSPHRASE, "TZ": "UTC",
        "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes", "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "YES",
    }  # fmt: skip


def _borg(folder: Path, *words: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(["borg", *words], check=True, env=_env(folder), cwd=cwd, capture_output=True)


def _interrupted(folder: Path, repo: Path) -> None:
    """Kill a backup in the middle: segments without a commit, and a lock of nobody."""
    writer = subprocess.Popen(
        ["borg", "create", f"{repo}::set-half", "-"], env=_env(folder), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert writer.stdin is not None
    before = sum(path.stat().st_size for path in repo.glob("data/0/*"))
    while sum(path.stat().st_size for path in repo.glob("data/0/*")) < before + 500_000:
        writer.stdin.write(os.urandom(1_000_000))
        writer.stdin.flush()
    writer.kill()
    with contextlib.suppress(BrokenPipeError):
        writer.communicate()


def _copy(folder: Path, good: Path, name: str) -> Path:
    return Path(shutil.copytree(good, folder / name))


def _repaired(folder: Path, repo: Path, largest: str) -> None:
    """Damage a repository and have borg repair it: what was lost is zeros from then on."""
    flip(repo / "data/0" / largest)
    with contextlib.suppress(subprocess.CalledProcessError):
        _borg(folder, "check", "--repair", repo)


@contextlib.contextmanager
def _locked(repo: Path) -> Iterator[None]:
    """Hold the repository's exclusive lock as a backup does that is running."""
    holder = subprocess.Popen(
        ["borg", "with-lock", str(repo), "sh", "-c", "echo held; read line"], env=_env(repo.parent),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        for path in repo.glob("data/*/*"):
            path.chmod(0o666)
        yield
    finally:
        holder.communicate(b"\n", timeout=20)
