"""What restic says: snapshots, locks, files, and why it could not. From restic 0.14's own output; the exit
codes and the summary of a snapshot of 0.17 and later from its manual."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from checks.backup._sample import Candidate
from checks.dataclass import dataclass
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Program, Script
from checks.wire.ssh.remote import CommandResult

RESTIC = Program("restic", reads={"snapshots", "list", "cat", "stats", "check", "ls"})

DUMP = Script(
    "restic dump",
    r"""
given=$1 repo=$2 file=$3 snapshot=$4
shift 4
secret=
[ "$given" = stdin ] && IFS= read -r secret
for path; do
  record=$(
    {
      {
        printf '%s\n' "$secret" |
          restic dump --no-lock --no-cache "$repo" ${file:+"$file"} -- "$snapshot" "$path" 2>&3
        echo "status $?" >&3
      } | sha256sum >&3
    } 3>&1
  )
  printf '%s\0' "$record"
done
""",
)
"""Standard input holds the password; what a file hashes to comes with restic's own status, ended by a NUL."""

TIMED = Script(
    "restic dump, timed",
    r"""
given=$1 repo=$2 file=$3 snapshot=$4 bytes=$5
secret=
[ "$given" = stdin ] && IFS= read -r secret
run() { printf '%s\n' "$secret" | restic "$@"; }
date +%s%N
run cat --no-lock --no-cache "$repo" ${file:+"$file"} config >/dev/null || exit 3
date +%s%N
run dump --no-lock --no-cache "$repo" ${file:+"$file"} -- "$snapshot" / | head -c "$bytes" | wc -c
date +%s%N
""",
)
"""How long it takes to open the repository, and to restore so many bytes of a snapshot into a pipe."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(Z|[+-]\d\d:\d\d)\Z")
_LOST = re.compile(r"pack [0-9a-f]{64}: does not exist")
_PACKS = re.compile(r"(\d{1,12}) / (\d{1,12}) packs")
_DAMAGED = (
    "repository contains errors", "loadindex returned errors", "is damaged", "unmarshal:",
    "invalid data returned", "ciphertext verification failed", "could not load snapshot", "data corruption",
    "ciphertext too small",
)  # fmt: skip
_UNREACHED = (
    "permission denied", "connection refused", "connection reset", "no such host", "i/o timeout",
    "no route to host", "input/output error", "operation not permitted", "too many open files",
    "no space left on device", "transport endpoint", "stale file handle", "accessdenied", "access denied",
)  # fmt: skip

Why = Literal["password", "missing", "locked", "denied", "damaged", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One snapshot as it is listed; sizes where restic 0.17 or later made it."""

    id: str
    time: datetime
    """When it was begun."""
    host: str
    paths: tuple[str, ...]
    tags: tuple[str, ...] = ()
    bytes: int | None = None
    files: int | None = None


def why(result: CommandResult) -> Why:
    """Return what a restic that did not succeed complains of."""
    said = f"{result.errors}\n{result.text}".lower()
    if result.status == 12 or "wrong password or no key found" in said:
        return "password"
    if any(words in said for words in _UNREACHED):
        return "denied"
    if result.status == 11 or "already locked" in said:
        return "locked"
    if result.status == 10 or "is there a repository at the following location" in said:
        return "missing"
    return "damaged" if any(words in said for words in _DAMAGED) else "other"


def lost(result: CommandResult) -> bool:
    """Return whether a `check` that was ended had named a pack that is gone: it asks for it for minutes."""
    return result.ended in ("remote-timeout", "total-timeout") and bool(_LOST.search(result.errors))


def complaint(result: CommandResult) -> str:
    """Return the lines in which restic says what is wrong, short and safe."""
    lines = [line.strip() for line in f"{result.errors}\n{result.text}".splitlines()]
    telling = ("error", "fatal", "pack ", "load", "does not", "not found", "damaged", "denied", "mismatch")
    found = [line for line in lines if line and any(word in line.lower() for word in telling)]
    dull = ("load indexes", "no errors were found", "fatal: repository contains errors")
    found = [line for line in found if line.lower() not in dull] or found
    return safe(" / ".join(found[:3]), limit=400)


def packs_read(text: str) -> int:
    """Return how many packs `check --read-data` says that it read to the end; 0 if it does not say."""
    found = _PACKS.findall(text.partition("\nread ")[2])
    read, total = (int(number) for number in found[-1]) if found else (0, 0)
    return read if read == total else 0


def parse_time(text: object) -> datetime:
    """Return a time as restic writes it, in UTC; ValueError for anything else."""
    match = _TIME.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("It is no time.")
    fraction = ((match[2] or "") + "000000")[:6]
    return datetime.fromisoformat(f"{match[1]}.{fraction}{match[3]}").astimezone(UTC)


def parse_snapshots(output: bytes) -> list[Snapshot]:
    """Return the snapshots, the newest first; CannotTell where the list cannot be read whole."""
    try:
        rows = json.loads(output or b"")
        if rows is None:
            return []
        return sorted((_snapshot(row) for row in rows), key=lambda one: one.time, reverse=True)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise CannotTell(
            "The list of snapshots is no JSON as restic writes it.",
            "Run `restic snapshots --json` by hand as the same account, and see what it prints.",
        ) from error


def _snapshot(row: Any) -> Snapshot:
    summary = row.get("summary") or {}
    name = row["id"]
    if not re.fullmatch(r"[0-9a-f]{64}", name):
        raise ValueError("It is no snapshot's id.")
    return Snapshot(
        id=name, time=parse_time(row["time"]), host=_text(row.get("hostname", "")),
        paths=tuple(map(_text, row.get("paths") or ())), tags=tuple(map(_text, row.get("tags") or ())),
        bytes=_count(summary.get("total_bytes_processed")),
        files=_count(summary.get("total_files_processed")),
    )  # fmt: skip


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("It is no text.")
    return value


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def parse_stats(output: bytes) -> tuple[int, int] | None:
    """Return bytes and files of one snapshot; None where it says anything else, as that it found none."""
    try:
        told = json.loads(output)
        count, size, files = (told.get(key) for key in ("snapshots_count", "total_size", "total_file_count"))
    except (ValueError, AttributeError, RecursionError):
        return None
    known = (_count(size), _count(files))
    return None if count != 1 or None in known else (size, files)


def parse_lock(output: bytes) -> str:
    """Return whose lock it is, in words."""
    try:
        told = json.loads(output)
        since = parse_time(told["time"])
        who = f"PID {told['pid']} on {told['hostname']} by {told['username']}"
        alone = " (exclusive)" if told.get("exclusive") else ""
        return safe(f"{who} since {since:%Y-%m-%d %H:%M:%S} UTC{alone}", limit=300)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "somebody who is not named"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The ordinary files of a snapshot. `cut`: the list was longer than what was read of it."""

    files: tuple[Candidate, ...]
    unaddressable: int
    cut: bool


def parse_ls(output: bytes, *, cut: bool = False) -> Listing:
    """Return the files of `ls --json`; a name that is no UTF-8 is counted, since it cannot be asked for."""
    rows = list(_nodes(output, cut=cut))
    files = [row for row in rows if "\ufffd" not in row.path and "\0" not in row.path]
    return Listing(files=tuple(files), unaddressable=len(rows) - len(files), cut=cut)


def _nodes(output: bytes, *, cut: bool) -> Iterator[Candidate]:
    lines = output.split(b"\n")
    if cut:
        lines.pop()
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if row.get("type") == "file":
                size = _count(row.get("size"))
                mtime = parse_time(row["mtime"]).timestamp()
                yield Candidate(path=_text(row["path"]), size=0 if size is None else size, mtime=mtime)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise CannotTell(
                "The list of files is no JSON as restic writes it.",
                "Run `restic ls --json` by hand as the same account, and see what it prints.",
            ) from error
