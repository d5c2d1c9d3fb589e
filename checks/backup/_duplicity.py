"""What duplicity says. From duplicity 0.8.22's own output, where status 0 and kind words prove little:
`collection-status` misses neither a lost volume nor a folder that is not there (which it makes), and
`verify` without `--compare-data` finds no differences to an empty folder."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

from checks.dataclass import dataclass
from checks.safe import safe
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import CommandResult

WRITES = "a folder below 'scratch' for duplicity's metadata and restored files, removed at the end"
ABSENT, SHUT, NO_SCRATCH = 100, 101, 102
"""Statuses of the scripts themselves."""

_BEGIN = r"""
scratch=$1 url=$2 folder=$3
secret=
IFS= read -r secret
if [ -n "$folder" ]; then
  [ -d "$folder" ] || { stat "$folder"; exit 100; }
  { [ -r "$folder" ] && [ -x "$folder" ]; } || exit 101
fi
own=$(mktemp -d "$scratch/gonogo.XXXXXX") || exit 102
trap 'rm -rf "$own"' EXIT
trap 'exit 143' HUP INT TERM
mkdir "$own/archive" "$own/temp" "$own/empty"
ask() {
  verb=$1
  shift
  printf '%s\n' "$secret" |
    duplicity "$verb" --archive-dir "$own/archive" --tempdir "$own/temp" --num-retries 1 "$@"
}
"""

STATUS = Script(
    "duplicity collection-status",
    _BEGIN + 'shift 3\nask collection-status "$@" "$url"',
    writes=WRITES,
)
LIST = Script(
    "duplicity list-current-files",
    _BEGIN + 'shift 3\nask list-current-files "$@" "$url"',
    writes=WRITES,
)
VERIFY = Script(
    "duplicity verify",
    _BEGIN + 'shift 3\nask verify "$@" "$url" "$own/empty"',
    writes=WRITES,
)
RESTORE = Script(
    "duplicity restore",
    _BEGIN
    + r"""
option=$4
shift 4
for path; do
  record=$(
    ask restore ${option:+"$option"} -r "$path" "$url" "$own/out" 2>&1
    echo "status $?"
    if [ -f "$own/out" ] && ! [ -L "$own/out" ]; then sha256sum <"$own/out"; else echo none; fi
  )
  rm -rf "$own/out"
  printf '%s\0' "$record"
done
""",
    writes=WRITES,
)

_ROW = re.compile(
    r"^ *(Full|Incremental) +[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) "
    r"(\d\d):(\d\d):(\d\d) (\d{4}) +(\d{1,9})$",
    re.MULTILINE,
)
_LISTED = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} (.*)\Z", re.DOTALL)
_SETS = re.compile(r"^Number of contained backup sets: (\d{1,9})$", re.MULTILINE)
_COMPARED = re.compile(
    r"^Verify complete: (\d{1,12}) files? compared, (\d{1,12}) differences? found\.$", re.MULTILINE
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BROKEN = re.compile(r"orphan|incomplete|not part of")
_NONE = "No backup chains with active signatures found"
_WHOLE = "No orphaned or incomplete backup sets found."
_DAMAGED = (
    "hash mismatch", "crc check failed", "badgzipfile", "zlib.error", "eoferror", "not a gzipped file",
    "manifest.py", "no backup chains found", "unexpected end",
)  # fmt: skip
_DENIED = ("permission denied", "permissionerror")

Why = Literal["missing", "denied", "scratch", "password", "incomplete", "damaged", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """The backup sets that are listed: when each was begun, the newest first, and whether all are whole."""

    times: tuple[datetime, ...]
    whole: bool
    told: str
    """What is wrong with them; empty if nothing is said to be."""


def parse_status(text: str) -> Collection:
    """Return what `collection-status` lists."""
    times = sorted(filter(None, map(_time, _ROW.finditer(text))), reverse=True)
    contained = sum(int(number) for number in _SETS.findall(text))
    wrong = []
    if contained != len(times):
        wrong.append(f"{contained} backup sets are there, and {len(times)} of them have volumes.")
    if _WHOLE not in text.splitlines():
        lines = [
            line.strip() for line in text.splitlines() if re.search(r"orphan|incomplete|not part of", line)
        ]
        wrong.append(safe(" ".join(lines[:3]), limit=300) or "It does not say that no set is incomplete.")
    return Collection(times=tuple(times), whole=not wrong, told=" ".join(wrong))


def says_none(text: str) -> bool:
    """Return whether `collection-status` came to its end and lists no backup set."""
    lines = text.splitlines()
    return "Collection Status" in lines and any(line.startswith(_NONE) for line in lines)


def _time(match: re.Match[str]) -> datetime | None:
    _, month, day, hour, minute, second, year, _ = match.groups()
    try:
        return datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the newest backup lists: files and folders alike, since it does not tell them apart."""

    names: tuple[str, ...]
    unaddressable: int
    """Names with a line break, and those that are no UTF-8."""

    @property
    def count(self) -> int:
        """All entries, the folder itself among them."""
        return len(self.names) + self.unaddressable + 1


def parse_list(output: bytes) -> Names:
    """Return the names of `list-current-files`."""
    names: list[str] = []
    broken: set[int] = set()
    for line in output.decode("utf-8", "surrogateescape").split("\n"):
        if match := _LISTED.match(line):
            names.append(match[1])
        elif names and line:
            broken.add(len(names) - 1)
    if names and names[0] == ".":
        whole = [name for at, name in enumerate(names) if at and at not in broken and _plain(name)]
        return Names(names=tuple(whole), unaddressable=len(names) - 1 - len(whole))
    return Names(names=(), unaddressable=len(names))


def _plain(name: str) -> bool:
    return not any(0xDC80 <= ord(char) <= 0xDCFF for char in name) and "\ufffd" not in name


def compared(text: str) -> tuple[int, int] | None:
    """Return how many files `verify` compared and how many differed; None if it does not say."""
    found = _COMPARED.findall(text)
    return (int(found[-1][0]), int(found[-1][1])) if found else None


def why(result: CommandResult) -> Why:
    """Return what a duplicity that did not succeed complains of."""
    said = f"{result.errors}\n{result.text}".lower()
    if any(words in said for words in _DENIED) or result.status == SHUT:
        return "denied"
    if result.status == ABSENT:
        return "missing"
    if result.status == NO_SCRATCH:
        return "scratch"
    if result.status == 31 or "gpgerror" in said:
        return "password"
    if "volume_name_dict" in said:
        return "incomplete"
    return "damaged" if result.status == 21 or any(words in said for words in _DAMAGED) else "other"


def complaint(result: CommandResult) -> str:
    """Return the last lines that duplicity says, short and safe."""
    lines = [line.strip() for line in f"{result.text}\n{result.errors}".splitlines()]
    dull = ("Synchronizing", "Copying", "Last full", 'File "', "^", "~", "Warning: Password", "passwd =")
    told = [line for line in lines if line and not line.startswith(dull) and set(line) - set("^~ ")]
    return safe(" / ".join(told[-4:]), limit=400)
