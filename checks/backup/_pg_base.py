"""A base backup of PostgreSQL (pg_basebackup, plain format): its manifest, and what pg_verifybackup says."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE
from checks.backup._walk import Walk
from checks.remote.outcome import require, said_by
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

BASE = Script(
    "look at a base backup",
    r"""
cd -- "$1" || exit 3
echo "version $(head -c 20 PG_VERSION 2>/dev/null | head -n 1)"
if [ -r backup_manifest ]; then echo "manifest yes"
elif [ -e backup_manifest.tmp ]; then echo "manifest half"
elif [ -e backup_manifest ]; then echo "manifest denied"; else echo "manifest no"; fi
if [ -e base.tar ] || ls base.tar.* >/dev/null 2>&1; then echo "tar yes"; else echo "tar no"; fi
echo "label $(grep -m 1 '"Path": "backup_label"' backup_manifest 2>/dev/null | head -c 400)"
echo "sizes $(grep -o '"Size": [0-9]*' backup_manifest 2>/dev/null |
  awk '{n++; b += $2} END {printf "%d %.0f", n, b}')"
""",
)
VERIFY = Script(
    "pg_verifybackup",
    r"""
version=$(head -n 1 -- "$1/PG_VERSION" 2>/dev/null)
tool=pg_verifybackup
case $version in ''|*[!0-9.]*) ;; *)
  for folder in "/usr/lib/postgresql/$version/bin" "/usr/pgsql-$version/bin"; do
    [ -x "$folder/pg_verifybackup" ] && tool=$folder/pg_verifybackup
  done ;;
esac
path=$1
shift
"$tool" "$@" -- "$path"
status=$?
echo "status $status"
""",
)
_LABEL = re.compile(r'"Last-Modified": "(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) GMT"')
_FIX = "Make a new base backup, and look at the storage it lay on."


async def facts(remote: Remote, path: str, as_user: str) -> dict[str, str]:
    """Return what the folder says of itself, by word."""
    output = require(await remote.run(BASE(path, as_user=as_user)), remote).decode(errors="replace")
    return dict(line.partition(" ")[::2] for line in output.split("\n") if line)


def started(told: dict[str, str]) -> datetime | None:
    """Return when the backup was begun: its label was the first file that the server wrote into it."""
    found = _LABEL.search(told.get("label", ""))
    try:
        return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def sizes(told: dict[str, str]) -> tuple[int, int]:
    """Return how many files the manifest names, and their bytes."""
    words = told.get("sizes", "").split()
    if len(words) == 2 and all(word.isdecimal() for word in words):
        return int(words[0]), int(words[1])
    return 0, 0


async def climb_base(walk: Walk, path: str, wal: str, as_user: str) -> None:
    """Climb a base backup: its manifest, every file there, every checksum right, its WAL readable."""
    told = await facts(walk.remote, path, as_user)
    shown = safe(path, limit=300)
    walk.newest = started(told) or walk.newest
    files, size = sizes(told)
    walk.bytes, walk.files = (size, files) if files else (None, None)
    walk.proven(EXISTS, "look into the folder", f"{shown} holds a base backup.")
    if not walk.wants(COMPLETE):
        return
    if told.get("tar") == "yes":
        raise CannotTell(
            f"{shown} is a base backup in tar format, which is not verified here.",
            "Unpack it on the host and check that folder, or back up in plain format.",
        )
    manifest = told.get("manifest")
    if manifest in ("half", "no"):
        walk.failed(
            COMPLETE, "backup_manifest",
            f"{shown} was never finished, or is being made: it has no manifest yet." if manifest == "half"
            else f"{shown} has no manifest, which is written at the very end: it may be half a backup.",
            "Make a new base backup, with its manifest (pg_basebackup without --no-manifest).",
        )  # fmt: skip
        return
    if manifest != "yes":
        raise CannotTell(f"The manifest of {shown} may not be read by this account.", "Set 'sudo: true'.")
    more = [f"--wal-directory={wal}"] if wal else []
    if not await _verify(walk, path, as_user, COMPLETE, ["--skip-checksums", *more]):
        return
    if walk.wants(INTEGRITY):
        await _verify(walk, path, as_user, INTEGRITY, more)
    if walk.wants(SAMPLE):
        walk.unknown(
            SAMPLE, "restore", "A base backup is not started by this check.",
            "Start a scratch cluster from a copy of it and state what it answered, or load a dump.",
        )  # fmt: skip


async def _verify(walk: Walk, path: str, as_user: str, level: int, options: list[str]) -> bool:
    how = " ".join(["pg_verifybackup", *options])
    time = max(10.0, walk.vantage.remaining() - 10)
    result = await walk.remote.run(
        VERIFY(path, "--exit-on-error", *options, as_user=as_user, timeout_s=time, heavy=True)
    )
    output = require(result, walk.remote).decode(errors="replace")
    status = output.rpartition("status ")[2].strip()
    if status in ("126", "127"):
        raise CannotTell(
            f"On {walk.remote.name} there is no pg_verifybackup (PostgreSQL 13 or newer).",
            "Install the PostgreSQL server package of the backup's version there.",
        )
    if status == "0" and "backup successfully verified" in output:
        what = "Every file is there in its size" if level == COMPLETE else "Every checksum is right"
        walk.proven(level, how, f"{what}, and the WAL that it needs is readable.")
        return True
    why = said_by(result)
    if status != "1" or not why:
        raise CannotTell(f"{how} on {walk.remote.name} gave half an answer.", "Run it by hand.")
    if "Permission denied" in why:
        raise CannotTell(f"Not all of the backup may be read by this account: {why}", "Set 'sudo: true'.")
    if "is needed by" in why:
        raise CannotTell(f"The WAL could not be looked into: {why}", "Install pg_waldump of that version.")
    named = any(option.startswith("--wal") for option in options)
    if "could not find any WAL file" in why and not named:
        raise CannotTell(
            f"The WAL that it needs is not in it, so that it cannot be restored by itself: {why}",
            "If its WAL lies in an archive, name that by 'wal'; if not, make a new base backup with its WAL "
            "(pg_basebackup -X stream).",
        )
    fix = _FIX
    if "WAL" in why and not named:
        fix = f"{_FIX} If its WAL lies in an archive, name that by 'wal'."
    walk.failed(level, how, f"It is not whole: {why}", fix)
    return False
