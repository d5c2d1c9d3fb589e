"""What kopia says, by its documentation and its sources: never read from a real one."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from checks.backup._sample import Candidate
from checks.dataclass import dataclass
from checks.vantage import CannotTell
from checks.wire.ssh.command import Program, Script

KOPIA = Program("kopia", reads={"snapshot", "list"}, refuses={"create", "delete", "expire", "fix", "migrate"})

SHOW = Script(
    "kopia show",
    r"""
root=$1 option=$2
shift 2
for path; do
  record=$(
    {
      {
        kopia show --no-auto-maintenance ${option:+"$option"} -- "$root/$path" 2>&3 </dev/null
        echo "status $?" >&3
      } | sha256sum >&3
    } 3>&1
  )
  printf '%s\0' "$record"
done
""",
)
"""What files hash to, with kopia's own status, each ended by a NUL."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(Z|[+-]\d\d:\d\d)\Z")
_PROCESSED = re.compile(r"Finished processing (\d{1,12}) objects")
_FILE = re.compile(
    r"([-a-zA-Z?]{10,13}) +(\d{1,19}) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:UTC|GMT) "
    r"+([0-9A-Za-z]{4,200}) +(.+)\Z"
)
OBJECT = re.compile(r"[0-9A-Za-z]{4,200}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One snapshot as it is listed."""

    id: str
    source: str
    """`user@host:path`."""
    path: str
    time: datetime
    """When it was begun."""
    root: str
    folder: bool
    bytes: int | None
    files: int | None
    failed: int
    """Files that could not be read when it was made."""
    incomplete: str


def parse_snapshots(output: bytes) -> list[Snapshot]:
    """Return the snapshots of `snapshot list --json`, the newest first; CannotTell if it cannot be read."""
    try:
        rows = json.loads(output)
        return sorted(map(_snapshot, rows or ()), key=lambda one: one.time, reverse=True)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise CannotTell(
            "The list of snapshots is no JSON as kopia writes it.",
            "Run `kopia snapshot list --all --json` by hand as the same account, and see what it prints.",
        ) from error


def _snapshot(row: Any) -> Snapshot:
    source, root = row["source"], row.get("rootEntry") or {}
    summary, stats = root.get("summ") or {}, row.get("stats") or {}
    name = root.get("obj", "")
    if not OBJECT.match(name) and not row.get("incomplete"):
        raise ValueError("It has no root.")
    size = _count(summary.get("size"))
    files = _count(summary.get("files"))
    return Snapshot(
        id=_text(row["id"]), time=_time(row["startTime"]), path=_text(source["path"]),
        source=f"{_text(source['userName'])}@{_text(source['host'])}:{_text(source['path'])}", root=name,
        folder=root.get("type") == "d",
        bytes=_count(stats.get("totalSize")) if size is None else size,
        files=_count(stats.get("fileCount")) if files is None else files,
        failed=max(_count(summary.get("numFailed")) or 0, _count(stats.get("errorCount")) or 0),
        incomplete=_text(row.get("incomplete") or ""),
    )  # fmt: skip


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("It is no text.")
    return value


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _time(text: object) -> datetime:
    match = _TIME.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("It is no time.")
    fraction = ((match[2] or "") + "000000")[:6]
    return datetime.fromisoformat(f"{match[1]}.{fraction}{match[3]}").astimezone(UTC)


def processed(text: str) -> int:
    """Return how many objects `snapshot verify` says that it looked at; 0 if it does not say."""
    found = _PROCESSED.findall(text)
    return int(found[-1]) if found else 0


def parse_list(output: bytes) -> tuple[list[Candidate], int]:
    """Return the ordinary files of `list -l -r`, and how many lines are no such entry or name no UTF-8."""
    files: list[Candidate] = []
    odd = 0
    for line in output.decode("utf-8", "surrogateescape").split("\n"):
        match = _FILE.match(line)
        if match is None:
            odd += bool(line)
            if line and files:
                files.pop()
        elif match[1].startswith("-"):
            if "\ufffd" in match[5] or any(0xDC80 <= ord(char) <= 0xDCFF for char in match[5]):
                odd += 1
                continue
            try:
                moment = datetime.fromisoformat(f"{match[3]}+00:00").timestamp()
            except ValueError:
                odd += 1
                continue
            files.append(Candidate(path=match[5], size=int(match[2]), mtime=moment + 1))
    return files, odd
