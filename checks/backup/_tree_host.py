"""What is asked of the host about a tree of copies: its layout, its marks of time, its counts and hashes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from checks.backup._archive_content import BASH
from checks.backup._sample import Candidate, Restored
from checks.backup._sums import is_sha256
from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Command, Script
from checks.wire.ssh.remote import Remote

PROBE = Script(
    "layout of a tree",
    r"""
if ! cd -- "$1" 2>/dev/null; then
  if [ -d "$1" ]; then echo denied; else echo none; fi
  exit 0
fi
[ -r . ] || { echo denied; exit 0; }
[ -z "$2" ] || [ ! . -ef "$2" ] || echo same
[ -z "$(ls -A)" ] && echo empty
[ -d rdiff-backup-data ] && echo rdiff
for folder in *.[0-9]*; do
  [ ! -d "$folder" ] || [ -L "$folder" ] || stat -c 'folder %Y %n' -- "$folder"
done
exit 0
""",
)
MARKS = Script(
    "marks of a tree",
    r"""
cd -- "$1" || exit 3
if [ -n "$2" ]; then
  printf '\036stamp %s\n' "$(stat -L -c %Y -- "$2" 2>/dev/null)"
  head -c 200 -- "$2" 2>/dev/null
fi
if [ -n "$3" ]; then
  if [ -r "$3" ]; then printf '\036log\n'; tail -c 200000 -- "$3"; else printf '\036nolog\n'; fi
fi
if [ -n "$4" ] && [ -e "$4" ]; then
  pid=$(head -c 20 -- "$4" 2>/dev/null | tr -cd 0-9)
  mark=stale
  if [ -z "$pid" ] || [ -d "/proc/$pid" ]; then mark=lock; fi
  printf '\036%s %s\n' "$mark" "${pid:-?}"
fi
printf '\036end\n'
""",
)
COUNT = Script(
    "count of a tree",
    r"""
for root; do
  cd -- "$root" || { echo "count 0 0 1"; continue; }
  set -o pipefail
  find . -xdev -path ./rdiff-backup-data -prune -o -type f -printf '%s\n' |
    awk '{ n++; b += $1 } END { printf "count %d %.0f", n, b }'
  echo " $?"
done
""",
    shell=BASH,
)
"""Files, bytes and the status of finding them, one line a tree."""
NAMES = Script(
    "list of a tree",
    r"""
cd -- "$1" || exit 3
find . -xdev -path ./rdiff-backup-data -prune -o -type f -printf '%s %T@ %P\0'
status=$?
printf 'ended %s\0' "$status"
""",
)
HASHES = Script(
    "hash of all files of a tree",
    r"""
cd -- "$1" || exit 3
set -o pipefail
find . -xdev -path ./rdiff-backup-data -prune -o -type f -printf '%P\0' | xargs -0 -r sha256sum -z --
printf 'ended %s\0' "$?"
""",
    shell=BASH,
)
RESTORE = Script(
    "copies of a tree",
    r"""
while IFS= read -r -d '' name; do
  file=$1/$name
  if [ -n "$2" ] && [ "$file" -ef "$2/$name" ]; then echo live
  elif [ ! -e "$file" ]; then echo gone
  elif [ ! -r "$file" ]; then echo denied
  else sum=$(sha256sum <"$file") && echo "${sum%% *}" || echo broken; fi
done
""",
    shell=BASH,
)
EPOCH = Script("times of the host", r"""for text; do env -u TZ date -d "$text" +%s || echo none; done""")

MAX_LIST = 128 * 1024 * 1024
HALF = "Run the check again; if it stays so, look at the tree by hand as the same account."
_TEMPORARY = re.compile(
    r"(?:\A|/)\.[^/]+\.(?=[A-Za-z0-9]{6}\Z)(?=[^/]*[0-9A-Z])[A-Za-z0-9]{6}\Z|(?:\A|/)\.(?:~tmp~|rsync-partial)/"
)
"""Names that rsync gives to files which it is still receiving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What tells when a tree was made, and by whom it is being made."""

    stamp: datetime | None = None
    log: tuple[str, ...] | None = None
    lock: str = ""
    stale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What lies at a path."""

    state: str
    """`none`, `denied`, `same` (the live files themselves), `empty` or an empty text."""
    rdiff: bool
    folders: tuple[tuple[str, datetime], ...]
    """Folders named like `daily.0` with their times."""


async def probe(remote: Remote, path: str, live: str, as_user: str) -> Probe:
    """Return what lies at `path`."""
    lines = _text(require(await remote.run(PROBE(path, live, as_user=as_user)), remote)).split("\n")
    rows = [re.fullmatch(r"folder (\d{1,11}) ([A-Za-z0-9]{1,200}\.\d{1,5})", line) for line in lines]
    folders = [(row[2], datetime.fromtimestamp(int(row[1]), UTC)) for row in rows if row]
    state = next((word for word in ("denied", "none", "same", "empty") if word in lines), "")
    return Probe(state=state, rdiff="rdiff" in lines, folders=tuple(folders))


async def marks(remote: Remote, root: str, stamp: str, log: str, lock: str, as_user: str) -> Marks:
    """Return the marks of a tree; raise CannotTell where one that is named is not there."""
    output = require(await remote.run(MARKS(root, stamp, log, lock, as_user=as_user)), remote)
    parts = {}
    for part in _text(output).split("\x1e")[1:]:
        line, _, body = part.partition("\n")
        word, _, value = line.partition(" ")
        parts[word] = (value.strip(), body)
    if "end" not in parts:
        raise CannotTell("What tells the age of the tree could not be read.", HALF)
    if "nolog" in parts:
        raise CannotTell(
            f"The log {safe(log, limit=200)} may not be read.", "Correct 'log', or set 'sudo: true'."
        )
    when = None
    if "stamp" in parts:
        when = parse_stamp(*parts["stamp"])
        if when is None:
            raise CannotTell(
                f"There is no stamp {safe(stamp, limit=200)}.", "Correct 'stamp', or have the job write it."
            )
    return Marks(
        stamp=when, log=tuple(parts["log"][1].splitlines()) if "log" in parts else None,
        lock=parts.get("lock", ("", ""))[0], stale=parts.get("stale", ("", ""))[0],
    )  # fmt: skip


def parse_stamp(mtime: str, content: str) -> datetime | None:
    """Return the time that a stamp says: its content where that is a time with its zone, else its mtime."""
    text = content.strip()
    try:
        if re.fullmatch(r"\d{10}", text):
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return datetime.fromtimestamp(int(mtime), UTC) if re.fullmatch(r"\d{1,11}", mtime) else None


async def epochs(remote: Remote, texts: Sequence[str]) -> list[datetime | None]:
    """Return what local times of the host mean."""
    if not texts:
        return []
    lines = _text(require(await remote.run(EPOCH(*texts)), remote)).split()
    if len(lines) != len(texts):
        raise CannotTell("The host could not say what the times of its log mean.", HALF)
    return [
        datetime.fromtimestamp(int(line), UTC) if re.fullmatch(r"\d{1,11}", line) else None for line in lines
    ]


async def counts(
    remote: Remote, roots: Sequence[str], *, timeout_s: float, as_user: str
) -> list[tuple[int, int]]:
    """Return files and bytes of each tree; raise CannotTell where a folder could not be looked into."""
    result = await remote.run(COUNT(*roots, timeout_s=timeout_s, heavy=True, as_user=as_user))
    found = re.findall(
        r"^count (\d{1,15}) (\d{1,20}) (\d{1,3})$", _text(require(result, remote)), re.MULTILINE
    )
    if len(found) != len(roots):
        raise CannotTell("The host could not count the files of the tree.", HALF)
    if any(status != "0" for _, _, status in found):
        raise CannotTell(
            f"Not all of the tree may be looked into: {safe(result.errors, limit=200)}",
            "Log in as an account that may read the backups, or set 'sudo: true'.",
        )
    return [(int(files), int(size)) for files, size, _ in found]


async def names(remote: Remote, root: str, *, timeout_s: float, as_user: str) -> list[Candidate]:
    """Return the ordinary files of a tree."""
    output = require(
        await remote.run(_long(NAMES(root, timeout_s=timeout_s, heavy=True, as_user=as_user))), remote
    )
    found = []
    for row in _rows(output):
        words = row.split(" ", 2)
        try:
            found.append(Candidate(path=words[2], size=int(words[0]), mtime=float(words[1])))
        except (ValueError, IndexError):
            raise CannotTell("The list of the tree makes no sense.", HALF) from None
    return found


async def hash_all(remote: Remote, root: str, *, timeout_s: float, as_user: str) -> dict[str, str]:
    """Return the SHA-256 of every ordinary file of a tree."""
    output = require(
        await remote.run(_long(HASHES(root, timeout_s=timeout_s, heavy=True, as_user=as_user))), remote
    )
    found = {}
    for row in _rows(output):
        digest, _, name = row.partition("  ")
        if not is_sha256(digest) or not name:
            raise CannotTell("The hashes of the tree make no sense.", HALF)
        found[name] = digest
    return found


async def restore(
    remote: Remote, root: str, live: str, wanted: Sequence[str], *, timeout_s: float, as_user: str
) -> Mapping[str, Restored]:  # fmt: skip
    """Read files of a tree to their ends and hash them; a file that is the live one itself is no copy."""
    stdin = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in wanted)
    command = RESTORE(root, live, stdin=stdin, timeout_s=timeout_s, heavy=True, as_user=as_user)
    lines = _text(require(await remote.run(command), remote)).split()
    if len(lines) != len(wanted):
        raise CannotTell("The host was asked for some copies and told of others.", HALF)
    if "denied" in lines:
        raise CannotTell(
            f"{lines.count('denied')} copies may not be read by this account.",
            "Log in as an account that may read the backups, or set 'sudo: true'.",
        )
    return {name: _restored(line) for name, line in zip(wanted, lines, strict=True)}


def _restored(line: str) -> Restored:
    if is_sha256(line):
        return Restored(sha256=line)
    why = {
        "live": "It is the live file itself (a hard link or a mount of it), no copy.",
        "gone": "It is gone.",
    }
    return Restored(why=why.get(line, "It could not be read to its end."))


def temporary(paths: Sequence[str]) -> list[str]:
    """Return the names that rsync gives to files which it is still receiving."""
    return [path for path in paths if _TEMPORARY.search(path)]


def _long(command: Command) -> Command:
    return dataclasses.replace(command, max_stdout=MAX_LIST)


def _rows(output: bytes) -> list[str]:
    *rows, last = output.decode("utf-8", "surrogateescape").split("\0")
    if last or not rows or not re.fullmatch(r"ended \d{1,3}", rows[-1]):
        raise CannotTell("The list of the tree is cut off.", HALF)
    if rows[-1] != "ended 0":
        raise CannotTell(
            "Not all of the tree may be read by this account.",
            "Log in as an account that may read the backups, or set 'sudo: true'.",
        )
    return rows[:-1]


def _text(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")
