"""Backups of MySQL and MariaDB on their host: the begin and the end of a dump, and a physical backup."""

from __future__ import annotations

import posixpath
import re
from datetime import UTC, datetime

from checks.backup._archive_files import ArchiveFile
from checks.backup._archive_proof import CAT, MAX_MANIFEST
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY
from checks.backup._pg_dump import HEAD, LOCAL_TIME, content_wrong
from checks.backup._sums import parse_sums
from checks.backup._walk import Walk
from checks.remote.outcome import require, said_by
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Command, Script
from checks.wire.ssh.remote import CommandResult, Remote

COMPLETED = re.compile(r"^-- Dump completed(?: on (\d{4}-\d\d-\d\d +\d{1,2}:\d\d:\d\d))?\r?$", re.MULTILINE)
_FIRST = re.compile(r"^-- (MySQL|MariaDB) dump ", re.MULTILINE)
_OF = re.compile(r"^-- Host: .*?    Database: (.*)$", re.MULTILINE)

PHYSICAL = Script(
    "look at a physical backup",
    r"""
cd -- "$1" || exit 3
for name in checkpoints info; do
  for kind in xtrabackup mariadb_backup; do
    if [ -e "${kind}_$name" ]; then echo "$name yes"; head -c 4000 "${kind}_$name"; echo; fi
  done
done
echo "bytes $(du -sb . | cut -f 1)"
""",
)
SUMS = Script(
    "sha256sum",
    r"""
cd -- "$1" || exit 3
sha256sum --quiet --strict -c -- "$2"
echo "status $?"
echo "files $(find . -type f ! -samefile "$2" | wc -l)"
""",
)


async def folders(remote: Remote, command: Command) -> list[ArchiveFile]:
    """Return the folders among what a path or glob means."""
    output = require(await remote.run(command), remote, statuses=(0, 1))
    found = []
    for row in output.partition(b"\n")[2].split(b"\0"):
        words = row.split(b" ", 4)
        if len(words) == 5 and len(words[3]) == 4 and words[3][:1] == b"4" and words[1].isdigit():
            time = datetime.fromtimestamp(int(words[1]), UTC)
            name = words[4].decode("utf-8", "surrogateescape")
            found.append(ArchiveFile(path=name, size=0, written=time, begun=time, known=False))
    return found


async def begin(remote: Remote, path: str, pack: str, as_user: str) -> tuple[bool, str]:
    """Return whether a file begins as a dump, and the database that it says it is of."""
    result = await remote.run(HEAD(path, pack, as_user=as_user))
    try:
        text = bytes.fromhex(require(result, remote).decode("ascii", "replace")).decode(errors="replace")
    except ValueError:
        return False, ""
    head = "\n".join(text.splitlines()[:8])
    of = _OF.search(head)
    return _FIRST.search(head) is not None, of[1].strip() if of else ""


async def local_time(remote: Remote, wall: str) -> datetime | None:
    """Return the moment of a time on the host's wall."""
    output = require(await remote.run(LOCAL_TIME(wall)), remote, statuses=(0, 1)).decode("ascii", "replace")
    try:
        return datetime.fromtimestamp(int(output), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def whole(result: CommandResult, remote: Remote) -> tuple[str, str]:
    """Return what is wrong with a dump that was read to its end (empty for nothing), and its last bytes."""
    lines = require(result, remote).decode("ascii", "replace").split("\n")
    try:
        end = bytes.fromhex(lines[0]).decode(errors="replace")
        statuses = [int(word) for word in lines[2].removeprefix("status ").split()]
        filled, torn, complaints = (int(word) for word in lines[3].split())
    except (ValueError, IndexError):
        raise CannotTell(
            f"Reading the dump on {remote.name} gave half an answer.", "Run the check again."
        ) from None
    if 127 in statuses or not statuses:
        raise CannotTell(
            f"On {remote.name} the program to unpack this dump is missing: {said_by(result)}",
            "Install it there.",
        )
    if any(statuses):
        return f"It cannot be read to its end: {said_by(result) or 'a program failed'}", end
    if not end:
        return "There is not a byte in it: the program that dumps said nothing.", end
    marks = list(COMPLETED.finditer(end))
    if not marks:
        return "Its last line, 'Dump completed', is missing.", end
    if end[marks[-1].end() :].strip():
        return "After its last line something else follows.", end
    return content_wrong(filled, torn, complaints), end


async def physical(walk: Walk, path: str, manifest: str, as_user: str) -> None:
    """Climb the folder of mariabackup or xtrabackup; only a manifest can say that its files are all there."""
    shown = safe(path, limit=300)
    result = await walk.remote.run(PHYSICAL(path, as_user=as_user, timeout_s=60.0))
    text = require(result, walk.remote).decode(errors="replace")
    if "checkpoints yes" not in text:
        walk.failed(
            EXISTS, "look into the folder", f"{shown} is no backup of mariabackup: no checkpoints are there.",
            "Correct 'path', or make a new backup.",
        )  # fmt: skip
        return
    size = re.search(r"^bytes (\d{1,18})$", text, re.MULTILINE)
    walk.bytes = int(size[1]) if size else None
    begun = re.search(r"^start_time = (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$", text, re.MULTILINE)
    if begun:
        told = await local_time(walk.remote, begun[1])
        walk.newest = told or walk.newest
    walk.proven(EXISTS, "look into the folder", f"{shown} holds a physical backup.")
    if not walk.wants(COMPLETE):
        return
    kind = re.search(r"^backup_type = (\S{1,40})$", text, re.MULTILINE)
    ended = re.search(r"^end_time = \d{4}-", text, re.MULTILINE)
    if not ended or not kind:
        walk.failed(
            COMPLETE, "xtrabackup_info", f"{shown} was never finished: it does not say when it ended.",
            "Make a new backup; its last line must be 'completed OK!'.",
        )  # fmt: skip
        return
    if kind[1] not in ("full-backuped", "full-prepared", "log-applied"):
        raise CannotTell(
            f"{shown} is of the type {safe(kind[1])}, which is not whole without others.",
            "Check the full backup that it is based on.",
        )
    if not manifest:
        raise CannotTell(
            "A physical backup has no list of its files, so that one which is missing would not be noticed.",
            "Let the job write sha256sum lines of all its files, and name that file by 'manifest'.",
        )
    await _manifest(walk, path, manifest, as_user)


async def _manifest(walk: Walk, path: str, manifest: str, as_user: str) -> None:
    how = "sha256sum -c of the manifest"
    listed = CAT("--", manifest, max_stdout=MAX_MANIFEST, timeout_s=60.0, as_user=as_user)
    names = {_inside(name, path) for name in parse_sums(require(await walk.remote.run(listed), walk.remote))}
    lines = len(names)
    time = max(10.0, walk.vantage.remaining() - 10)
    result = await walk.remote.run(SUMS(path, manifest, as_user=as_user, timeout_s=time, heavy=True))
    text = require(result, walk.remote).decode(errors="replace")
    found = re.search(r"^status (\d{1,3})\nfiles (\d{1,9})$", text, re.MULTILINE)
    if found is None:
        raise CannotTell("Comparing with the manifest gave half an answer.", "Run the check again.")
    status, files = (int(word) for word in found.groups())
    bad = [line for line in text.splitlines() if line.endswith((": FAILED", ": FAILED open or read"))]
    if "Permission denied" in result.errors:
        raise CannotTell(f"Not all of it may be read: {said_by(result)}", "Set 'sudo: true'.")
    if status or bad:
        lost = [line for line in bad if line.endswith("read")]
        level = COMPLETE if lost or not bad else INTEGRITY
        if level == INTEGRITY:
            walk.proven(COMPLETE, how, f"All {lines} files of the manifest are there.")
        walk.failed(
            level, how, f"{len(bad) or 'Some'} of {lines} files are not as the manifest says: "
            f"{safe('; '.join(bad[:5]) or said_by(result), limit=300)}",
            "Make a new backup, and look at the storage it lay on.",
        )  # fmt: skip
        return
    if lines < files:
        raise CannotTell(
            f"The manifest names {lines} files where there are {files}.", "Write it anew, of all files."
        )
    walk.proven(COMPLETE, how, f"All {lines} files of the manifest are there.")
    if walk.wants(INTEGRITY):
        walk.proven(INTEGRITY, how, f"All {lines} files are as the manifest says.")


def _inside(name: str, folder: str) -> str:
    """Return a file's name in a manifest from the folder on; raise CannotTell for one that lies elsewhere."""
    root = posixpath.normpath(folder)
    at = posixpath.normpath(posixpath.join(root, name))
    if not at.startswith(f"{root.rstrip('/')}/"):
        raise CannotTell(
            f"The manifest names {safe(name, limit=200)}, which is no file of this backup.",
            "Write it anew in the folder of each backup, with relative names: "
            "find . -type f -exec sha256sum {} + there.",
        )
    return at
