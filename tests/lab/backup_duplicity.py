"""duplicity collections in each form, made by duplicity itself and then damaged."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.lab.backup_files import cut, flip, source
from tests.lab.backup_forms import (
    EMPTY,
    FLIPPED,
    GOOD,
    HALF_WRITTEN,
    OLD,
    TRUNCATED,
    UNREADABLE,
    Form,
)

KIND = "duplicity"
TOOLS = ("duplicity", "gpg")
PASSPHRASE = "correct horse"


def duplicity(folder: Path, *words: str, age_h: float = 0.0, passphrase: str = "") -> None:
    """Run duplicity to its end, as if it were so many hours ago."""
    plain = () if passphrase else ("--no-encryption",)
    now = ("--current-time", f"{int(time.time() - age_h * 3600)}")
    home = folder / "home"
    home.mkdir(exist_ok=True)
    own = ("--archive-dir", folder / "archive", "--volsize", "1")
    done = subprocess.run(
        ["duplicity", *words[:1], *own, *plain, *now, *words[1:]],
        env={**os.environ, "HOME": str(home), "PASSPHRASE": passphrase, "TZ": "UTC"}, text=True,
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode:
        raise OSError(f"duplicity {words} ended with {done.returncode}: {done.stderr}{done.stdout}")


def forms(folder: Path) -> list[Form]:
    """Make every form below `folder`."""
    src = source(folder, files=8, size=300_000)
    scratch, own = folder / "scratch", folder / "duplicity-own"
    scratch.mkdir()
    scratch.chmod(0o1777)
    own.mkdir(mode=0o700)
    base, crypted = folder / "duplicity-base", folder / "duplicity-crypted"
    duplicity(own, "full", str(src), base.as_uri(), age_h=54)
    old = _copy(base, "old")
    duplicity(own, "incremental", str(src), base.as_uri(), age_h=30)
    duplicity(own, "incremental", str(src), base.as_uri(), age_h=6)
    duplicity(own, "full", str(src), crypted.as_uri(), age_h=6, passphrase=PASSPHRASE)
    _readable(base)
    _readable(crypted)
    secret = folder / "duplicity-secret"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    rows: list[Form] = []

    def add(name: str, path: Path, status: str, level: int, words: str, **more: Any) -> None:
        params = {
            "url": path.as_uri(), "scratch": str(scratch), "live": str(src), "min_level": 5,
            "sample_files": 2, **more,
        }  # fmt: skip
        rows.append(
            Form(name=name, type="backup.duplicity", params=params, status=status, level=level, words=words)
        )

    def damaged(what: Callable[[Path], object], part: str) -> Path:
        path = _copy(base, f"{what.__name__}-{part.replace('*', '')}")
        what(next(path.glob(part)))
        return path

    volume, manifest, index = "*full*vol2.*", "*full*manifest", "*full-signatures*"
    add(GOOD, base, "pass", 5, "2 of 2 files came back")
    add(f"{GOOD} encrypted", crypted, "pass", 5, "2 of 2", repo_password=f"file:{secret}")
    add(f"{GOOD} nothing compared", base, "inconclusive", 4, "Name what they must be", live=None)
    add(OLD, old, "fail", 5, "beyond its limit")
    add(f"{TRUNCATED} volume", damaged(cut, volume), "fail", 2, "hash mismatch")
    add(f"{TRUNCATED} index", damaged(cut, index), "fail", 2, "damaged")
    add(f"{FLIPPED} volume", damaged(flip, volume), "fail", 2, "hash mismatch")
    add(f"{FLIPPED} index", damaged(flip, index), "fail", 2, "damaged")
    add(f"{FLIPPED} manifest", damaged(flip, manifest), "fail", 2, "damaged")
    add(f"{HALF_WRITTEN} without a volume", damaged(Path.unlink, volume), "fail", 2, "volume is missing")
    add(
        f"{HALF_WRITTEN} without its last", damaged(Path.unlink, "*full*vol1.*"), "fail", 2, "missing|volumes"
    )
    add(f"{HALF_WRITTEN} without a manifest", damaged(Path.unlink, manifest), "fail", 0, "incomplete")
    add(EMPTY, _copy(scratch, "empty"), "fail", 0, "No backup chain")
    add(f"{EMPTY} no folder", folder / "duplicity-nowhere", "fail", 0, "There is no folder")
    shut = _copy(base, "shut")
    shut.chmod(0o700)
    add(UNREADABLE, shut, "inconclusive", 0, "may not read")
    add(f"{UNREADABLE} without a passphrase", crypted, "inconclusive", 2, "passphrase does not open")
    return rows


def _copy(path: Path, name: str) -> Path:
    made = path.parent / f"duplicity-{name}"
    shutil.copytree(path, made)
    return _readable(made)


def _readable(path: Path) -> Path:
    path.chmod(0o755)
    for file in path.iterdir():
        file.chmod(0o644)
    return path
