"""A tree of copies against the live files: rsync, run dry, says what it would still copy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from checks.backup._archive_content import BASH
from checks.backup._ladder import COMPLETE
from checks.backup._live import states
from checks.backup._walk import Walk
from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script

COMPARE = Script(
    "rsync --dry-run",
    r"""
export TZ=UTC
live=$1 root=$2
shift 2
rsync --archive --dry-run --itemize-changes --delete --one-file-system --stats --out-format='%i|%l|%M|%n' \
  --exclude=/rdiff-backup-data "$@" -- "$live/" "$root/"
status=$?
printf 'ended %s\n' "$status"
""",
    shell=BASH,
)
MAX_ROWS = 64 * 1024 * 1024
MAX_ASKED = 500
_ROW = re.compile(r"([<>ch.*][fdLDS][^|]{0,9})\|(-?\d+)\|(\d{4}/\d\d/\d\d-\d\d:\d\d:\d\d)\|(.+)")
_OCTAL = re.compile(r"\\#([0-7]{3})")
_HOW = "rsync --dry-run from the live files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """What rsync would still copy."""

    files: int
    """Ordinary files that it looked at."""
    rows: tuple[tuple[str, datetime, bool], ...]
    """Name, live mtime, and whether missing or of another size (else only its time differs)."""


async def against_live(walk: Walk, live: str, root: str, exclude: Sequence[str], as_user: str) -> None:
    """Say whether all live files that have not changed since the backup was begun are in the tree."""
    words = [f"--exclude={pattern}" for pattern in exclude]
    command = COMPARE(
        live.rstrip("/"), root, *words, timeout_s=max(5.0, walk.vantage.remaining() / 2), heavy=True,
        max_stdout=MAX_ROWS, as_user=as_user,
    )  # fmt: skip
    result = await walk.remote.run(command)
    lacking = parse_compared(require(result, walk.remote), result.errors)
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
    lives = await states(walk.remote, places, as_user=as_user) if places else []
    lost: list[str] = []
    moved: list[str] = []
    times: list[str] = []
    for (name, _, sized), state in zip(asked, lives, strict=True):
        if state is not None:
            (moved if state.ctime + 1 >= start.timestamp() else lost if sized else times).append(name)
    _say(walk, lacking, lost=lost, moved=moved, times=times, more=len(gone) - len(asked))


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
    return Lacking(files=files, rows=tuple(rows))


def _name(text: str) -> str:
    raw = _OCTAL.sub(lambda found: chr(int(found[1], 8) & 0xFF), text)
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
