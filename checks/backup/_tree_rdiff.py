"""A repository of rdiff-backup: its sessions, whether the last one ended, and its own digests."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from checks.backup._archive_content import BASH
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, Past
from checks.backup._tree_host import HALF, counts
from checks.backup._walk import Walk
from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.words import rfc3339

SESSIONS = Script(
    "sessions of rdiff-backup",
    r"""
cd -- "$1/rdiff-backup-data" 2>/dev/null && [ -r . ] || { echo denied; exit 0; }
for file in current_mirror.*; do
  [ -f "$file" ] || continue
  pid=$(head -c 40 -- "$file" | tr -cd 0-9)
  alive=no
  [ -z "$pid" ] || ! tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q rdiff-backup || alive=yes
  printf 'mirror %s %s\n' "$alive" "$file"
done
for file in $(ls -r | grep '^session_statistics\.[0-9A-Za-z:.+-]*$' | head -n 30); do
  printf 'session %s\n' "$file"
  head -c 4000 -- "$file"
done
if [ -e lock.yml ]; then echo lockfile; fi
echo end
""",
)
VERIFY = Script(
    "rdiff-backup verify",
    r"""
case $(rdiff-backup --version 2>&1) in
  *' 0.'*|*' 1.'*|*' 2.0'*) rdiff-backup --verify "$1" 2>&1 ;;
  'rdiff-backup '*) rdiff-backup verify "$1" 2>&1 ;;
  *) exit 127 ;;
esac
printf 'ended %s\n' "$?"
""",
)
"""Versions before 2.1 would take the word `verify` for a folder to back up."""
ENTRIES = Script(
    "count of a mirror",
    r"""
cd -- "$1" || exit 3
set -o pipefail
find . -xdev -path ./rdiff-backup-data -prune -o -printf '.\n' | wc -l
echo "ended $?"
""",
    shell=BASH,
)
_TIME = re.compile(r"\.(\d{4}-\d\d-\d\dT\d\d[:-]\d\d[:-]\d\d(?:Z|[+-]\d\d[:-]\d\d))\.")
_PACKED = re.compile(r"^(EOFError|zlib\.error|\S{0,20}BadGzipFile): ", re.MULTILINE)
_FIX = "Make a backup anew and watch it end; rdiff-backup goes back to the session before when it runs next."


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session as its statistics say."""

    at: datetime
    ended: bool
    files: int
    """Everything that was backed up: files, folders and links."""
    bytes: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """All sessions, the newest first, and the marks of current mirrors with whether their process lives."""

    mirrors: tuple[tuple[datetime, bool], ...]
    sessions: tuple[Session, ...]


def parse_sessions(text: str) -> Sessions:
    """Return what `SESSIONS` prints; raise CannotTell for half of it."""
    lines = text.split("\n")
    if lines[0] == "denied":
        raise CannotTell(
            "The folder rdiff-backup-data may not be looked into by this account.",
            "Log in as the account that makes the backups, or set 'sudo: true'.",
        )
    if "end" not in lines:
        raise CannotTell("The sessions of rdiff-backup could not be read whole.", HALF)
    mirrors, sessions, current = [], [], None
    values: dict[str, float] = {}
    for line in (*lines, "session end"):
        word, _, rest = line.partition(" ")
        if word == "mirror":
            alive, _, name = rest.partition(" ")
            if (at := _time(name)) is not None:
                mirrors.append((at, alive == "yes"))
        elif word == "session":
            if current is not None:
                sessions.append(_session(current, values))
            current, values = _time(rest), {}
        else:
            found = re.match(r"([A-Za-z]{1,40}) (-?\d{1,18}(?:\.\d{1,6})?)\b", line)
            if found:
                values[found[1]] = float(found[2])
    return Sessions(
        mirrors=tuple(sorted(mirrors, reverse=True)),
        sessions=tuple(sorted(sessions, key=lambda session: session.at, reverse=True)),
    )


def _session(at: datetime, values: dict[str, float]) -> Session:
    return Session(
        at=at, ended="EndTime" in values and "Errors" in values, files=int(values.get("SourceFiles", 0)),
        bytes=int(values.get("SourceFileSize", 0)), errors=int(values.get("Errors", 0)),
    )  # fmt: skip


def _time(name: str) -> datetime | None:
    found = _TIME.search(name)
    if found is None:
        return None
    day, _, clock = found[1].partition("T")
    text = f"{day}T{clock[:8].replace('-', ':')}{clock[8:9]}{clock[9:].replace('-', ':')}"
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


async def climb_rdiff(walk: Walk, path: str, as_user: str) -> bool:
    """Say what the sessions tell; return whether it may be gone further."""
    output = require(await walk.remote.run(SESSIONS(path, as_user=as_user)), walk.remote)
    seen = parse_sessions(output.decode("utf-8", "replace"))
    how = "sessions of rdiff-backup"
    if not seen.mirrors:
        walk.failed(EXISTS, how, "No session has ever been finished.", "Make a backup.")
        return False
    walk.newest = seen.mirrors[0][0]
    last = next((session for session in seen.sessions if session.at == walk.newest), None)
    walk.history = [
        Past(id=rfc3339(session.at), at=rfc3339(session.at), bytes=session.bytes, files=session.files)
        for session in seen.sessions if session.at < walk.newest and session.ended
    ]  # fmt: skip
    walk.proven(EXISTS, how, f"{len(walk.history) + 1} sessions, the newest of {rfc3339(walk.newest)}.")
    if not walk.wants(COMPLETE):
        return False
    if len(seen.mirrors) > 1 or last is None or not last.ended:
        if any(alive for _, alive in seen.mirrors):
            raise CannotTell(
                "rdiff-backup is at work on it.", "Run the check again when the backup has ended."
            )
        walk.failed(COMPLETE, how, f"The session of {rfc3339(walk.newest)} was interrupted.", _FIX)
        return False
    walk.bytes, walk.files = last.bytes, last.files
    if last.errors:
        walk.failed(
            COMPLETE, how, f"The session had {last.errors:,} errors: what could not be read is not in it.",
            "Look into rdiff-backup-data/error_log of that session, and back up anew.",
        )  # fmt: skip
        return False
    entries = await _entries(walk, path, as_user)
    if entries != last.files:
        walk.failed(
            COMPLETE, how, f"{entries:,} entries are there where the session backed up {last.files:,}.",
            "Somebody or something changed the mirror: make a backup anew, elsewhere.",
        )  # fmt: skip
        return False
    walk.proven(
        COMPLETE, how, f"The session ended without errors, and all of its {entries:,} entries are there."
    )
    return True


async def _entries(walk: Walk, path: str, as_user: str) -> int:
    await counts(walk.remote, [path], timeout_s=max(5.0, walk.vantage.remaining() / 3), as_user=as_user)
    result = await walk.remote.run(ENTRIES(path, timeout_s=120.0, heavy=True, as_user=as_user))
    found = re.fullmatch(rb"\s*(\d{1,15})\s+ended 0\s*", require(result, walk.remote))
    if found is None:
        raise CannotTell("The entries of the mirror could not be counted.", HALF)
    return int(found[1])


async def verify_rdiff(walk: Walk, path: str, as_user: str) -> None:
    """Say whether every file has the digest that was kept of it."""
    time = max(5.0, walk.vantage.remaining() - 15)
    result = await walk.remote.run(VERIFY(path, timeout_s=time, heavy=True, as_user=as_user))
    if result.whole and result.status == 127:
        raise CannotTell("There is no program rdiff-backup on the host.", "Install rdiff-backup there.")
    output = require(result, walk.remote).decode("utf-8", "replace")
    status = re.search(r"^ended (\d{1,3})\n\Z", output, re.MULTILINE)
    said = output[: status.start()].strip() if status else ""
    shown = safe(" / ".join(said.splitlines()[-3:]), limit=300)
    if status is None:
        raise CannotTell("rdiff-backup gave half an answer.", HALF)
    if _PACKED.search(said):
        walk.failed(
            COMPLETE, "rdiff-backup verify",
            f"The list of its files (rdiff-backup-data/mirror_metadata) is cut or damaged: {shown}",
            "Make a backup anew, elsewhere; the copies themselves lie in the mirror as plain files.",
        )  # fmt: skip
    elif "doesn't match" in said or "does not match" in said:
        walk.failed(INTEGRITY, "rdiff-backup verify", f"It ended with status {status[1]}: {shown}", _FIX)
    elif status[1] == "0" and "verified successfully" in said.lower() and "warning" not in said.lower():
        walk.proven(INTEGRITY, "rdiff-backup verify", "Every file has the digest that was kept of it.")
    else:
        raise CannotTell(f"rdiff-backup verify ended with status {status[1]}: {shown}", HALF)
