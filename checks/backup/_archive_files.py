"""The files that a path or glob means on a host, and what their first bytes and their names say of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

LIST = Script(
    "list of archives",
    r"""
pattern=$1
IFS=
set -- $1
if [ $# -eq 1 ] && [ ! -e "$1" ] && [ ! -L "$1" ]; then
  folder=${pattern%%[*?[]*}
  case $folder in */*) folder=${folder%/*} ;; *) folder=. ;; esac
  [ -n "$folder" ] || folder=/
  while [ ! -e "$folder" ]; do
    case $folder in */*) folder=${folder%/*} ;; *) folder=. ;; esac
    [ -n "$folder" ] || folder=/
  done
  if [ -r "$folder" ] && [ -x "$folder" ]; then echo none; else echo denied; fi
  exit 0
fi
echo found
stat -L --printf='%s %Y %W %f %n\0' -- "$@"
""",
)
"""`none`, `denied`, or `found` and, each ended by a zero byte, size, mtime, birth, mode and name."""

LOOK = Script(
    "look at an archive",
    r"""
stat -L --printf='%s %Y %i\n' -- "$1" || exit 3
if [ -r "$1" ]; then echo readable; else echo unreadable; fi
head -c 600 -- "$1" 2>/dev/null | od -An -v -tx1 | tr -d ' \n'
echo
for link in /proc/[0-9]*/fd/*; do
  [ "$link" -ef "$1" ] || continue
  flags=$(sed -n 's/^flags:[[:space:]]*//p' "${link%/fd/*}/fdinfo/${link##*/}" 2>/dev/null)
  case $flags in *[1256]) process=${link#/proc/}; echo "writer ${process%%/*}" ;; esac
done
echo end
""",
)
"""Size, mtime and inode; whether it is readable; its first bytes in hex; the processes that write into it."""

SETTLED = Script(
    "second look at an archive",
    r"""
age=$(( $(date +%s) - $(stat -L -c %Y -- "$1") ))
[ "$age" -ge 10 ] || sleep 1
stat -L --printf='%s %Y %i\n' -- "$1"
""",
)
"""The same state again; of a file that was written just now, a second later."""

MAX_FILES = 20_000
PARTIAL = re.compile(r"(?i)(\.(part|partial|tmp|temp|filepart|crdownload|incomplete|writing|swp)|~)\Z")
LONGEST = timedelta(hours=12)
"""A file that was born longer before its last write is one that each backup overwrites."""
ZONES = timedelta(hours=14)
"""The farthest that a local time lies from UTC."""

_DATE = re.compile(r"(?<!\d)(20\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d{1,3}(?!\d))")
_MAGIC = (
    ("gz", b"\x1f\x8b\x08"), ("xz", b"\xfd7zXZ\x00"), ("zst", b"\x28\xb5\x2f\xfd"), ("bz2", b"BZh"),
    ("zip", b"PK\x03\x04"), ("zip", b"PK\x05\x06"), ("7z", b"7z\xbc\xaf\x27\x1c"), ("rar", b"Rar!\x1a\x07"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFile:
    """One file that may be an archive."""

    path: str
    size: int
    written: datetime
    """Its last write: the end of the backup."""
    begun: datetime
    """When the backup was begun as far as that is known; never later than `written`."""
    known: bool
    """Whether `begun` is more than the last write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One archive before it is read."""

    state: tuple[int, int, int]
    """Size, mtime in whole seconds and inode."""
    readable: bool
    head: bytes
    writers: tuple[int, ...]


def kind_of(head: bytes) -> str:
    """Return `gz`, `xz`, `zst`, `bz2`, `zip`, `7z`, `rar` or `tar` by the first bytes, or an empty text."""
    for kind, magic in _MAGIC:
        if head.startswith(magic):
            return kind
    return "tar" if is_tar(head) else ""


def sealed(kind: str, head: bytes) -> bool:
    """Return whether what is packed has checksums of all its data: zstd and xz may leave them out."""
    if kind == "zst":
        return len(head) > 4 and bool(head[4] & 4)
    if kind == "xz":
        return len(head) > 7 and bool(head[7] & 15)
    return kind in ("gz", "bz2", "zip")


def is_tar(head: bytes) -> bool:
    """Return whether these are the first 512 bytes of a tar archive: its first header's checksum is right."""
    if len(head) < 512:
        return False
    try:
        told = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return told == sum(head[:148]) + 8 * 32 + sum(head[156:512])


async def listed(remote: Remote, path: str, as_user: str) -> list[ArchiveFile]:
    """Return the files of a path or glob, the newest first; raise CannotTell where it may not be looked."""
    result = await remote.run(LIST(path, timeout_s=60.0, as_user=as_user))
    output = require(result, remote, statuses=(0, 1))
    word, _, rest = output.partition(b"\n")
    if word == b"denied":
        raise CannotTell(
            f"The folder of {safe(path, limit=300)} on {remote.name} may not be looked into by this account.",
            "Log in as an account that may read the backups, or set 'sudo: true'.",
        )
    if word not in (b"found", b"none") or (word == b"found" and result.status != 0):
        raise CannotTell(
            f"What lies at {safe(path, limit=300)} could not be listed: {safe(result.errors, limit=200)}",
            "Look by hand with ls, as the same account.",
        )
    found = parse_listed(rest)
    if len(found) > MAX_FILES:
        raise CannotTell(f"The pattern {safe(path, limit=300)} means {len(found)} files.", "Narrow it down.")
    return sorted(found, key=lambda file: (file.begun, file.written, file.path), reverse=True)


def parse_listed(output: bytes) -> list[ArchiveFile]:
    """Return the ordinary files of the list; raise CannotTell where it is cut or no list."""
    found = []
    *rows, rest = output.split(b"\0")
    for row in rows:
        words = row.split(b" ", 4)
        try:
            size, mtime, birth = (int(word) for word in words[:3])
            mode = int(words[3], 16)
            name = words[4].decode("utf-8", "surrogateescape")
            if mode & 0o170000 == 0o100000:
                found.append(_file(name, size, mtime, birth))
        except (ValueError, IndexError, OverflowError, OSError):
            raise CannotTell("The list of the archives makes no sense.", _BY_HAND) from None
    if rest:
        raise CannotTell("The list of the archives is cut off.", _BY_HAND)
    return found


_BY_HAND = "Look by hand with stat, as the same account."


def _file(name: str, size: int, mtime: int, birth: int) -> ArchiveFile:
    written = datetime.fromtimestamp(mtime, UTC)
    begun = born = datetime.fromtimestamp(birth, UTC) if birth > 0 else written
    if not timedelta(0) <= written - born <= LONGEST:
        begun = written
    known = begun != written
    day = day_of(name)
    if day is not None and begun > day + timedelta(days=1) + ZONES:
        begun, known = day + timedelta(days=1) + ZONES, True
    return ArchiveFile(path=name, size=size, written=written, begun=begun, known=known)


def day_of(name: str) -> datetime | None:
    """Return the day (its begin, as if in UTC) that a file's own name says, if it says exactly one."""
    days = set()
    for year, _, month, day in _DATE.findall(name.rpartition("/")[2]):
        try:
            days.add(datetime(int(year), int(month), int(day), tzinfo=UTC))
        except ValueError:
            return None
    return days.pop() if len(days) == 1 else None


async def look(remote: Remote, path: str, as_user: str) -> Looked:
    """Return what an archive is before it is read."""
    lines = (
        require(await remote.run(LOOK(path, as_user=as_user)), remote).decode("ascii", "replace").split("\n")
    )
    try:
        if "end" not in lines[3:]:
            raise ValueError("cut")
        seen = Looked(
            state=_state(lines[0]), readable=lines[1] == "readable", head=bytes.fromhex(lines[2]),
            writers=_writers(lines[3:]),
        )  # fmt: skip
        if seen.readable and seen.state[0] and not seen.head:
            raise ValueError("not a byte of it came")
        return seen
    except (ValueError, IndexError):
        raise CannotTell(f"What {safe(path, limit=300)} is could not be read.", _BY_HAND) from None


async def settled(remote: Remote, path: str, as_user: str) -> tuple[int, int, int]:
    """Return the state of an archive after it was read."""
    output = require(await remote.run(SETTLED(path, as_user=as_user)), remote).decode("ascii", "replace")
    try:
        return _state(output)
    except ValueError:
        raise CannotTell(f"What became of {safe(path, limit=300)} could not be read.", _BY_HAND) from None


def _state(line: str) -> tuple[int, int, int]:
    size, mtime, inode = (int(word) for word in line.split())
    return size, mtime, inode


def _writers(lines: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted({int(line[7:]) for line in lines if line.startswith("writer ")}))
