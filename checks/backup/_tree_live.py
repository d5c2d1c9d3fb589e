"""A tree of copies against the live files: rsync, run dry, says what it would still copy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from checks.backup._archive_content import BASH
from checks.backup._ladder import COMPLETE, EXISTS
from checks.backup._live import states
from checks.backup._walk import Walk
from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import in_line, safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script

COMPARE = Script(
    "rsync --dry-run",
    r"""
export TZ=UTC
live=$1 root=$2
shift 2
printf 'live %s\nown %s\n' "$(cd -- "$live/" && pwd -P)" "$(stat -c %m -- "$root")"
awk '{ for (i = 7; $i != "-" && i < NF; i++); print "mount " $3 " " $(i + 1) " " $5 }' /proc/self/mountinfo
rsync --archive --dry-run --itemize-changes --delete --one-file-system --stats --out-format='%i|%l|%M|%n' \
  --exclude=/rdiff-backup-data "$@" -- "$live/" "$root/"
status=$?
printf 'ended %s\n' "$status"
""",
    shell=BASH,
)
SELF = Script(
    "live files in a tree",
    r"""
live=$1
cd -- "$2" || exit 3
looked=0 self=0 such=
while IFS= read -r -d '' name; do
  looked=$((looked + 1))
  if [ "$name" -ef "$live/$name" ]; then self=$((self + 1)); such=$name; fi
done < <(find . -xdev -type f -size +0 -printf '%P\0' | shuf -z -n 2000)
printf 'looked %s self %s such %s' "$looked" "$self" "$such"
""",
    shell=BASH,
)
"""How many files of a tree are no copies: the live files themselves, by a hard link or a mount of them."""
MAX_ROWS = 64 * 1024 * 1024
MAX_ASKED = 500
_ROW = re.compile(r"([<>ch.*][fdLDS][^|]{0,9})\|(-?\d+)\|(\d{4}/\d\d/\d\d-\d\d:\d\d:\d\d)\|(.+)")
_PSEUDO = frozenset({
    "proc", "sysfs", "cgroup", "cgroup2", "devtmpfs", "devpts", "tmpfs", "ramfs", "mqueue", "hugetlbfs",
    "tracefs", "debugfs", "securityfs", "pstore", "bpf", "configfs", "fusectl", "efivarfs", "autofs",
    "binfmt_misc", "nsfs", "rpc_pipefs", "squashfs", "overlay", "iso9660", "selinuxfs", "fuse.lxcfs",
    "fuse.gvfsd-fuse", "fuse.portal", "fuse.snapfuse", "nfsd",
})  # fmt: skip
"""Kinds of file systems that hold nothing to be kept."""
_MOUNT = re.compile(r"mount (\d+:\d+) (\S{1,40}) (\S+)")
_OCTAL = re.compile(r"\\#([0-7]{3})")
_HOW = "rsync --dry-run from the live files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """What rsync would still copy."""

    files: int
    """Ordinary files that it looked at."""
    rows: tuple[tuple[str, datetime, bool], ...]
    """Name, live mtime, and whether missing or of another size (else only its time differs)."""
    beyond: tuple[str, ...] = ()
    """File systems that are mounted below the live files, by their paths there: nobody looked into them."""


async def live_themselves(walk: Walk, live: str, root: str, as_user: str) -> None:
    """Say so where files of the tree are the live files themselves: what damages one damages both."""
    time = max(5.0, walk.vantage.remaining() / 3)
    command = SELF(live.rstrip("/"), root, timeout_s=time, heavy=True, as_user=as_user)
    text = require(await walk.remote.run(command), walk.remote).decode("utf-8", "surrogateescape")
    found = re.fullmatch(r"looked (\d{1,6}) self (\d{1,6}) such (.*)", text, re.DOTALL)
    if found is None:
        raise CannotTell("Comparing with the live files gave half an answer.", "Run the check again.")
    looked, own = int(found[1]), int(found[2])
    if own:
        walk.failed(
            EXISTS if own == looked else COMPLETE, "files of the tree beside the live files",
            f"{own:,} of {looked:,} files are the live files themselves (a hard link or a mount of them), no "
            f"copies, such as {safe(found[3], limit=200)}.",
            "Copy them (rsync -a without --link-dest to the live files, no cp -l), onto another disk.",
        )  # fmt: skip


async def against_live(walk: Walk, live: str, root: str, exclude: Sequence[str], as_user: str) -> None:
    """Say whether all live files that have not changed since the backup was begun are in the tree."""
    words = [f"--exclude={pattern}" for pattern in exclude]
    command = COMPARE(
        live.rstrip("/"), root, *words, timeout_s=max(5.0, walk.vantage.remaining() / 2), heavy=True,
        max_stdout=MAX_ROWS, as_user=as_user,
    )  # fmt: skip
    result = await walk.remote.run(command)
    lacking = parse_compared(require(result, walk.remote), result.errors)
    _beyond(walk, lacking.beyond, exclude)
    start = walk.newest
    if start is None:
        if lacking.rows:
            walk.unknown(
                COMPLETE, _HOW, f"{len(lacking.rows):,} files are not there as they are live, and it is not "
                "known whether they have changed since.",
                "Name a 'stamp' or 'log' that tells when the backup was begun.",
            )  # fmt: skip
        else:
            walk.proven(COMPLETE, _HOW, f"All {lacking.files:,} live files are there with size and time.")
        return
    gone = [row for row in lacking.rows if row[1].timestamp() + 1 < start.timestamp()]
    asked = gone[:MAX_ASKED]
    places = [f"{live.rstrip('/')}/{name}" for name, _, _ in asked]
    lives = await states(walk.remote, places, as_user=as_user, links=True) if places else []
    lost: list[str] = []
    moved: list[str] = []
    times: list[str] = []
    for (name, _, sized), state in zip(asked, lives, strict=True):
        if state is not None:
            (moved if state.ctime + 1 >= start.timestamp() else lost if sized else times).append(name)
    _say(walk, lacking, lost=lost, moved=moved, times=times, more=len(gone) - len(asked))


def _beyond(walk: Walk, mounts: Sequence[str], exclude: Sequence[str]) -> None:
    """Say which file systems below the live files were not compared and are not left out by plan."""
    planned = [pattern.strip("/") for pattern in exclude]
    left = [
        name for name in mounts
        if not any(fnmatchcase(name, one) or name.startswith(f"{one}/") for one in planned)
    ]  # fmt: skip
    if left:
        walk.unknown(
            COMPLETE, _HOW, f"Other file systems are mounted below the live files and were not compared: "
            f"{in_line(left[:10])}.",
            "Give each a check of its own, with its own 'live', and name it in 'exclude' here.",
        )  # fmt: skip


def _say(
    walk: Walk, lacking: Lacking, *, lost: Sequence[str], moved: Sequence[str], times: Sequence[str],
    more: int,
) -> None:  # fmt: skip
    newer = len(lacking.rows) - len(lost) - len(moved) - len(times) - more
    beside = f"; {newer:,} more have changed since it was begun" if newer else ""
    if lost:
        walk.failed(
            COMPLETE, _HOW,
            f"{len(lost):,} of {lacking.files:,} files are not there or have another size, such as "
            f"{safe(lost[0], limit=200)}{beside}.",
            "Look into the job's log, copy anew, or say by 'exclude' what is left out on purpose.",
        )  # fmt: skip
    elif moved or more:
        such = f", such as {safe(moved[0], limit=200)}" if moved else ""
        walk.unknown(
            COMPLETE, _HOW,
            f"{len(moved) + more:,} files are not there as they are live{such}; they are old, but were"
            " moved or touched since, so that it cannot be told whether they were there to be copied.",
            "Make a backup now, and run the check again.",
        )  # fmt: skip
    elif newer >= lacking.files:
        walk.unknown(
            COMPLETE, _HOW, "All live files have changed since it was begun: nothing can be compared.",
            "Make a backup now, and run the check again.",
        )  # fmt: skip
    elif times and len(times) < lacking.files - newer:
        walk.unknown(
            COMPLETE, _HOW, f"{len(times):,} files have another time than live, such as "
            f"{safe(times[0], limit=200)}: they may be of before.",
            "Compare them by 'rsync --checksum --dry-run', and have the job keep times (rsync -t).",
        )  # fmt: skip
    else:
        kept = ", by size alone, since the job does not keep times" if times else " with size and time"
        walk.proven(COMPLETE, _HOW, f"All of {lacking.files - newer:,} live files are there{kept}{beside}.")


def parse_compared(output: bytes, errors: str) -> Lacking:
    """Return what rsync would copy; raise CannotTell where it did not see all of both sides."""
    text = output.decode("ascii", "surrogateescape")
    status = re.search(r"^ended (\d{1,3})\n\Z", text, re.MULTILINE)
    if status is None:
        raise CannotTell("Comparing with the live files gave half an answer.", "Run the check again.")
    if status[1] == "127":
        raise CannotTell(
            "There is no program rsync on the host.", "Install rsync there, or leave out 'live'."
        )
    if status[1] != "0":
        told = safe(" / ".join(errors.splitlines()[:2]), limit=250)
        raise CannotTell(
            f"rsync ended with status {status[1]} and did not see all of it: {told}",
            "Log in as an account that may read both sides, or set 'sudo: true'.",
        )
    total = re.search(r"^Number of files: [\d,]+ \((?:[^)]*?)reg: ([\d,]+)", text, re.MULTILINE)
    files = int(total[1].replace(",", "")) if total else 0
    if not files:
        raise CannotTell(
            "There is no live file to compare with.", "Correct 'live': its disk may not be mounted."
        )
    rows = []
    for line in text[: status.start()].split("\n"):
        found = _ROW.fullmatch(line)
        if found is None or found[1][1] not in "fL" or found[1][0] not in ">c":
            continue
        what = found[1]
        try:
            mtime = datetime.strptime(found[3], "%Y/%m/%d-%H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            mtime = datetime.fromtimestamp(0, UTC)
        sized = "+" in what or what[3:4] == "s" or what[1] == "L"
        rows.append((_name(found[4]), mtime, sized))
    return Lacking(files=files, rows=tuple(rows), beyond=_mounted(text[: status.start()].split("\n")))


def _mounted(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the file systems below the live files that rsync did not look into, but the tree's own.

    Another mount of the same file system is looked into; those of btrfs are volumes of their own.
    """
    live, own = (
        next((line[len(word) :] for line in lines if line.startswith(word)), "").encode(
            "ascii", "surrogateescape"
        )
        for word in ("live ", "own ")
    )
    rows = [(row[1], row[2], _place(row[3])) for line in lines if (row := _MOUNT.fullmatch(line))]
    below = live.rstrip(b"/") + b"/"
    holding = [row for row in rows if live == row[2] or below.startswith(row[2].rstrip(b"/") + b"/")]
    if not live or not holding:
        raise CannotTell(
            "The host does not say which file systems are mounted below the live files.",
            "See by hand that rsync -x leaves nothing out there, or leave out 'live'.",
        )
    device = max(holding, key=lambda row: len(row[2]))[0]
    found = {
        place[len(below) :].decode("utf-8", "surrogateescape")
        for number, kind, place in rows
        if place.startswith(below) and place not in (live, own) and kind not in _PSEUDO
        and (number != device or kind == "btrfs")
    }  # fmt: skip
    return tuple(sorted(found))


def _place(text: str) -> bytes:
    """Return a path of /proc/self/mountinfo, where blanks and backslashes are written in octal."""
    raw = text.encode("ascii", "surrogateescape")
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8) & 0xFF]), raw)


def _name(text: str) -> str:
    raw = _OCTAL.sub(lambda found: chr(int(found[1], 8) & 0xFF), text)
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
