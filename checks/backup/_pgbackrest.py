"""What pgBackRest says: `info` as JSON, `verify` as text, and which WAL lies in the archive."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from checks.dataclass import dataclass
from checks.safe import safe
from checks.vantage import CannotTell

_WAL = re.compile(r"(?:.*/)?([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})-[0-9a-f]{40}(?:\.\w+)?\Z")
_NAME = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """One backup of a stanza."""

    label: str
    kind: str
    start: datetime
    stop: datetime
    size: int
    error: bool | None
    """Whether pages of the database had wrong checksums when it was made; None: it does not say."""
    first_wal: str
    last_wal: str
    archive: str
    """The id of the archive that holds its WAL: `15-1`."""
    lsn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """One stanza."""

    code: int
    message: str
    locked: bool
    sets: tuple[Set, ...]
    """The oldest first."""


def read_info(text: str, stanza: str) -> Info:
    """Return what `info --output=json` says of a stanza; raise CannotTell where it is something else."""
    try:
        rows = json.loads(text)
        found = [row for row in rows if row["name"] == stanza]
        if not found:
            return Info(code=1, message="the stanza is not listed", locked=False, sets=())
        (row,) = found
        status = row["status"]
        archives = {
            (one["database"]["id"], one["database"].get("repo-key", 1)): one["id"] for one in row["archive"]
        }
        sets = [_set(one, archives) for one in row["backup"]]
        said = [str(status["message"]), *(str(one["status"]["message"]) for one in row.get("repo", ()))]
        lock = status.get("lock", {}).get("backup", {}).get("held", False)
        return Info(
            code=int(status["code"]), message=safe("; ".join(dict.fromkeys(said)), limit=400),
            locked=lock is not False, sets=tuple(sorted(sets, key=lambda one: (one.start, one.label))),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, OSError):
        raise CannotTell(
            "pgBackRest's answer about the stanza cannot be read.",
            "Run by hand: pgbackrest info --output=json.",
        ) from None


def _set(row: dict[str, Any], archives: dict[tuple[int, int], str]) -> Set:
    base, time = row["database"], row["timestamp"]
    return Set(
        label=safe(str(row["label"]), limit=80), kind=safe(str(row["type"]), limit=10),
        start=datetime.fromtimestamp(int(time["start"]), UTC),
        stop=datetime.fromtimestamp(int(time["stop"]), UTC),
        size=int(row["info"]["size"]), error=row.get("error") if isinstance(row.get("error"), bool) else None,
        first_wal=str(row["archive"]["start"] or ""), last_wal=str(row["archive"]["stop"] or ""),
        archive=str(archives.get((base["id"], base.get("repo-key", 1)), "")),
        lsn=str((row.get("lsn") or {}).get("start", "")),
    )  # fmt: skip


def segments(names: Iterable[str]) -> set[tuple[int, int, int]]:
    """Return timeline, log and number of the WAL segments among the names of an archive's files."""
    found = set()
    for name in names:
        match = _WAL.match(name)
        if match:
            found.add((int(match[1], 16), int(match[2], 16), int(match[3], 16)))
    return found


def segment(name: str) -> tuple[int, int, int] | None:
    """Return timeline, log and number of one segment's name."""
    match = _NAME.match(name)
    return (int(match[1], 16), int(match[2], 16), int(match[3], 16)) if match else None


def per_log(one: Set) -> int:
    """Return how many segments a log of 4 GiB has: by the place where a backup began."""
    name = segment(one.first_wal)
    high, _, low = one.lsn.partition("/")
    try:
        offset = int(low, 16)
        if name is not None and int(high, 16) == name[1]:
            for size in (24, *(bits for bits in range(20, 31) if bits != 24)):
                if offset >> size == name[2]:
                    return 1 << (32 - size)
    except ValueError:
        pass
    return 256


def missing(have: set[tuple[int, int, int]], first: str, last: str, each: int) -> list[str]:
    """Return the names of the segments from `first` to `last` that are not there, at most 20."""
    begin, end = segment(first), segment(last)
    if begin is None or end is None or begin[0] != end[0]:
        return [first or "unknown", last or "unknown"]
    lost = []
    for number in range(begin[1] * each + begin[2], end[1] * each + end[2] + 1):
        if (begin[0], number // each, number % each) not in have:
            lost.append(f"{begin[0]:08X}{number // each:08X}{number % each:08X}")
            if len(lost) >= 20:
                break
    return lost


def gaps(have: set[tuple[int, int, int]], first: str, each: int) -> list[str]:
    """Return what is missing on the timeline of `first` between it and its newest segment."""
    begin = segment(first)
    later = [one for one in have if begin is not None and one[0] == begin[0]]
    if not later:
        return [first]
    newest = max(later)
    return missing(have, first, f"{newest[0]:08X}{newest[1]:08X}{newest[2]:08X}", each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What `verify --output=text --verbose` says."""

    status: str
    """`ok`, `error`, or empty where it says neither."""
    sets: tuple[tuple[str, str, int, int], ...]
    """Label, status, files checked, files valid."""
    wal: tuple[int, int]
    """WAL segments checked, and valid."""


_BACKUP = re.compile(
    r"^ *backup: (\S{1,80}), status: (\w{1,40}), total files checked: (\d{1,12}), "
    r"total valid files: (\d{1,12})$"
)
_ARCHIVE = re.compile(r"^ *archiveId: \S{1,80}, total WAL checked: (\d{1,12}), total valid WAL: (\d{1,12})$")


def read_verify(text: str, stanza: str) -> Verified:
    """Return what was verified; a text of another stanza, or none, says nothing."""
    status, sets, checked, valid, ours = "", [], 0, 0, False
    for line in text.splitlines()[:100_000]:
        word, _, value = line.partition(": ")
        if word == "stanza":
            ours = value.strip() == stanza
        elif ours and word == "status":
            status = value.strip()
        elif ours and (match := _BACKUP.match(line)):
            sets.append((match[1], match[2], int(match[3]), int(match[4])))
        elif ours and (match := _ARCHIVE.match(line)):
            checked, valid = checked + int(match[1]), valid + int(match[2])
    return Verified(status=status, sets=tuple(sets), wal=(checked, valid))
