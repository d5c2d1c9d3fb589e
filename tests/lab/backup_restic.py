"""restic repositories in each form, made by restic itself and then damaged."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from tests.lab.backup_files import cut, flip, manifest, source
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

KIND = "restic"
TOOLS = ("restic",)
PASSWORD = "correct horse"


def restic(repo: Path, *words: str, text: str | None = None) -> str:
    """Run restic to its end and return what it printed."""
    done = subprocess.run(
        ["restic", "--no-cache", *words], env=_environment(repo), input=text, text=True,
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode:
        raise OSError(f"restic {words} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def repository(repo: Path) -> Path:
    """Make an empty repository, whose key is derived in no time."""
    restic(repo, "init")
    (key,) = (repo / "keys").iterdir()
    told = json.loads(key.read_text())
    master = _opened(_derived(told), base64.b64decode(told["data"]))
    told["N"] = 1024
    told["data"] = base64.b64encode(_sealed(_derived(told), master)).decode()
    text = json.dumps(told).encode()
    key.unlink()
    (repo / "keys" / hashlib.sha256(text).hexdigest()).write_bytes(text)
    return repo


def backup(repo: Path, path: Path, age_h: float, *words: str) -> None:
    """Back `path` up as if it had been so many hours ago."""
    then = datetime.now() - timedelta(hours=age_h)
    restic(repo, "backup", "--time", f"{then:%Y-%m-%d %H:%M:%S}", *words, str(path))


def copy(repo: Path, name: str) -> Path:
    """Return a copy of a repository that everybody may read and we may damage."""
    made = repo.parent / name
    shutil.copytree(repo, made)
    return readable(made)


def readable(repo: Path) -> Path:
    """Let everybody read a repository."""
    for path in (repo, *repo.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return repo


def packs(repo: Path) -> list[Path]:
    """Return the packs, the largest first: that one holds files, not trees."""
    return sorted((repo / "data").glob("*/*"), key=lambda path: path.stat().st_size, reverse=True)


def newest_of(repo: Path) -> Path:
    """Return the file of the newest snapshot."""
    name = json.loads(restic(repo, "snapshots", "--json"))[-1]["id"]
    return repo / "snapshots" / str(name)


def group_without_packs(repo: Path) -> str:
    """Return a part of the packs (`n/t`) that holds none of them."""
    taken = {int(path.name[:2], 16) % 97 for path in packs(repo)}
    return f"{min(set(range(97)) - taken) + 1}/97"


@contextmanager
def running_backup(repo: Path) -> Iterator[None]:
    """Hold a lock as a backup does that waits for its data."""
    program = subprocess.Popen(
        ["restic", "--no-cache", "backup", "--stdin"], env=_environment(repo), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:

        def locks() -> list[Path]:
            return [path for path in (repo / "locks").iterdir() if "-tmp-" not in path.name]

        for lock in wait_for(locks, "restic holds its lock"):
            lock.chmod(0o644)
        yield
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()
        for lock in (repo / "locks").iterdir():
            lock.unlink()


def forms(folder: Path) -> list[Form]:
    """Make every form below `folder`."""
    src = source(folder)
    sums = manifest(src, folder / "restic-sums")
    secret = folder / "restic-password"
    secret.write_text(PASSWORD + "\n")
    empty = readable(repository(folder / "restic-empty"))
    base = copy(empty, "restic-base")
    backup(base, src, 54)
    old = copy(base, "restic-old")
    backup(base, src, 30)
    backup(base, src, 6)
    readable(base)
    rows: list[Form] = []

    def add(name: str, repo: Path, status: str, level: int, words: str, **more: Any) -> None:
        hold = more.pop("hold", nullcontext)
        params = {
            "repo": str(repo), "password_file": str(secret), "live": "/", "min_level": 5, "sample_files": 2,
            "history": 0, **more,
        }  # fmt: skip
        rows.append(Form(
            name=name, type="backup.restic", params=params, status=status, level=level, words=words,
            hold=hold,
        ))  # fmt: skip

    def damaged(name: str, what: Callable[[Path], object], pick: Callable[[Path], Path]) -> Path:
        repo = copy(base, f"restic-{name}")
        what(pick(repo))
        return repo

    data, index = (lambda repo: packs(repo)[0]), (lambda repo: next((repo / "index").iterdir()))
    add(f"{GOOD}", base, "pass", 5, "2 of 2 files came back", history=2)
    add(f"{GOOD} by manifest", base, "pass", 5, "the manifest", live=None, manifest=str(sums))
    add(f"{GOOD} unlike its manifest", base, "fail", 4, "not come back", live=None,
        manifest=str(_other(src, folder)))  # fmt: skip
    add(f"{GOOD} nothing compared", base, "inconclusive", 4, "nothing was named to compare", live=None)
    add(f"{GOOD} of another host", base, "fail", 0, "No snapshot of the host", of_host="other.example.net")
    add(f"{GOOD} no pack read", base, "inconclusive", 3, "single pack", subset=group_without_packs(base),
        min_level=4)  # fmt: skip
    add(OLD, old, "fail", 5, "beyond its limit")
    add(f"{TRUNCATED} data", damaged("cut-data", cut, data), "fail", 2, "unexpected file size")
    add(f"{TRUNCATED} index", damaged("cut-index", cut, index), "fail", 2, "index")
    add(f"{TRUNCATED} newest snapshot", damaged("cut-snapshot", cut, newest_of), "fail", 1, "could not load")
    flipped = damaged("flipped", flip, data)
    add(f"{FLIPPED} data", flipped, "fail", 3, "Pack ID does not match")
    add(f"{FLIPPED} data unseen", flipped, "pass", 3, "complete", min_level=3)
    add(f"{FLIPPED} index", damaged("flipped-index", flip, index), "fail", 2, "index")
    add(f"{FLIPPED} config", damaged("flipped-config", flip, lambda repo: repo / "config"), "fail", 0,
        "is damaged")  # fmt: skip
    locked = copy(base, "restic-locked")
    hold = partial(running_backup, locked)
    add(LOCKED, locked, "inconclusive", 2, "locked by PID", hold=hold)
    add(f"{LOCKED} read past it", locked, "warn", 5, "past a lock", hold=hold, past_lock=True)
    add(f"{LOCKED} only listed", locked, "warn", 2, "past a lock", hold=hold, min_level=2)
    add(f"{HALF_WRITTEN} without a pack", damaged("no-pack", Path.unlink, data), "fail", 2, "does not exist")
    add(f"{HALF_WRITTEN} without its index", damaged("no-index", Path.unlink, index), "fail", 2, "not found")
    add(f"{HALF_WRITTEN} by a killed backup", _killed(base), "inconclusive", 2, "unlock")
    extra = copy(base, "restic-extra")
    shutil.copy(packs(extra)[0], packs(extra)[0].with_name("ab" * 32))
    cut(packs(extra)[0].with_name("ab" * 32))
    add(f"{HALF_WRITTEN} with a part of no snapshot", extra, "pass", 5, "came back")
    add(EMPTY, empty, "fail", 0, "No snapshot is there")
    (folder / "restic-nothing").mkdir()
    add(f"{EMPTY} folder", folder / "restic-nothing", "fail", 0, "There is no repository")
    shut = copy(base, "restic-shut")
    (shut / "keys").chmod(0o700)
    add(UNREADABLE, shut, "inconclusive", 0, "permission denied")
    other = folder / "restic-other-password"
    other.write_text("other\n")
    add(
        f"{UNREADABLE} with this password", base, "inconclusive", 0, "does not open", password_file=str(other)
    )
    return rows


def _other(src: Path, folder: Path) -> Path:
    """A manifest of other files of the same names."""
    path = folder / "restic-other-sums"
    path.write_text("".join(
        f"{hashlib.sha256(file.name.encode()).hexdigest()}  ./{file.relative_to(src)}\n"
        for file in sorted(src.rglob("*")) if file.is_file()
    ))  # fmt: skip
    return path


def _killed(base: Path) -> Path:
    """A repository whose backup was killed: its lock stays behind."""
    repo = copy(base, "restic-killed")
    with running_backup(repo):
        return copy(repo, "restic-killed-later")


def _environment(repo: Path) -> dict[str, str]:
    return {**os.environ, "RESTIC_REPOSITORY": str(repo), "RESTIC_PASSWORD": PASSWORD}


def _derived(told: dict[str, Any]) -> bytes:
    return hashlib.scrypt(
        PASSWORD.encode(), salt=base64.b64decode(told["salt"]), n=told["N"], r=told["r"], p=told["p"],
        dklen=64, maxmem=2**30,
    )  # fmt: skip


def _crypted(key: bytes, nonce: bytes, data: bytes) -> bytes:
    stream = Cipher(algorithms.AES(key[:32]), modes.CTR(nonce)).encryptor()
    return stream.update(data) + stream.finalize()


def _tag(key: bytes, nonce: bytes, data: bytes) -> bytes:
    block = Cipher(algorithms.AES(key[32:48]), modes.ECB()).encryptor()
    return Poly1305.generate_tag(key[48:64] + block.update(nonce) + block.finalize(), data)


def _opened(key: bytes, sealed: bytes) -> bytes:
    nonce, data, tag = sealed[:16], sealed[16:-16], sealed[-16:]
    assert _tag(key, nonce, data) == tag
    return _crypted(key, nonce, data)


def _sealed(key: bytes, data: bytes) -> bytes:
    nonce = os.urandom(16)
    crypted = _crypted(key, nonce, data)
    return nonce + crypted + _tag(key, nonce, crypted)
