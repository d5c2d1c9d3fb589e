"""The rungs of btrfs snapshots: local ones (rollback points) and ones that were received."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from checks.backup import _btrfs as btrfs
from checks.backup._btrfs_read import READ, read_result
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._mounted import files, sample
from checks.backup._walk import Walk
from checks.remote.outcome import require
from checks.safe import in_line, safe
from checks.words import minute, rfc3339

if TYPE_CHECKING:
    from checks.backup._check import SampledBackup
    from checks.backup.snapshot import Snapshot

NOT_A_BACKUP = "A rollback point on the same disks, not a backup."
_STAMP = re.compile(
    r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?:[T_ .-]?(\d\d)[:.h-]?(\d\d)(?:[:.m-]?(\d\d))?)?"
    r"(Z|[+-]\d\d:?\d\d)?(?!\d)"
)


async def climb_btrfs(check: Snapshot, walk: Walk, path: str) -> None:
    """Look at the snapshots of the live subvolume `path`."""
    command = btrfs.LOCAL(path, timeout_s=60.0, as_user=check.root)
    said = require(await walk.remote.run(command), walk.remote)
    live, listed, scrub, stats, mounts, inner = btrfs.parts(said, 6)
    own = btrfs.shown(live)
    snapshots = sorted((s for s in btrfs.listed(listed) if s.parent == own.uuid), key=lambda s: s.at)
    how = "btrfs subvolume list"
    if not snapshots:
        walk.failed(
            EXISTS, how, f"There is no snapshot of {safe(path)}.",
            "Take one: btrfs subvolume snapshot -r, into a directory of the same file system.",
        )  # fmt: skip
        return
    again = await walk.remote.run(btrfs.SHOW(path, snapshots[-1].uuid, timeout_s=30.0, as_user=check.root))
    newest = btrfs.shown(require(again, walk.remote).decode("utf-8", "surrogateescape"))
    newest = replace(newest, path=snapshots[-1].path)
    if newest.uuid != snapshots[-1].uuid:
        walk.unknown(EXISTS, how, "The newest snapshot vanished while we looked.", "Run the check again.")
        return
    _listed(walk, snapshots, newest)
    walk.proven(
        EXISTS, how,
        f"{len(snapshots)} snapshots of {safe(path)}; the newest is {safe(newest.path)} of "
        f"{minute(newest.at)}. {NOT_A_BACKUP}",
    )  # fmt: skip
    place = btrfs.mounted_at(mounts, newest.path, path)
    _complete(walk, newest)
    lacking = [name for name in btrfs.nested(inner, own) if name not in check.without]
    if lacking and walk.wants(COMPLETE):
        lacks(walk, lacking, "btrfs subvolume list -o")
    await _deeper(check, walk, newest, place, btrfs.scrub(scrub), (stats, mounts))


async def climb_received(check: Snapshot, walk: Walk, path: str) -> None:
    """Look at the snapshots that were received into the directory `path`."""
    command = btrfs.RECEIVED(path, timeout_s=120.0, as_user=check.root)
    output = require(await walk.remote.run(command), walk.remote).decode("utf-8", "surrogateescape")
    listed, _, rest = output.rpartition("\0\0") if "\0\0" in output else ("", "", output.lstrip("\0"))
    scrub, stats, zone = btrfs.parts(rest.encode("utf-8", "surrogateescape"), 3)
    fields = listed.split("\0") if listed else []
    every = [
        replace(btrfs.shown(text), path=name) for name, text in zip(fields[::2], fields[1::2], strict=False)
    ]
    whole = sorted((s for s in every if s.received), key=lambda s: s.at)
    half = sorted((s for s in every if not s.received and not s.readonly), key=lambda s: s.at)
    how = "btrfs subvolume show"
    if not whole:
        walk.failed(
            EXISTS, how,
            f"In {safe(path)} there is no snapshot that was received to its end"
            + (f" ({len(half)} were begun)." if half else "."),
            "Look at the log of btrfs send, delete what is half, and send it again.",
        )  # fmt: skip
        return
    newest = whole[-1]
    at = stamp(newest.path, zone.strip())
    walk.proven(
        EXISTS, how,
        f"{len(whole)} snapshots were received to their end; the newest is {safe(newest.path)}, received "
        f"{minute(newest.at)}.",
    )  # fmt: skip
    if at is None:
        walk.notes.append(
            "The name of the newest received snapshot has no date, so that its age is not known."
        )
    walk.newest = at
    walk.history = [
        Past(id=one.uuid, at=rfc3339(when)) for one in whole[:-1] if (when := stamp(one.path, zone.strip()))
    ]
    if half and half[-1].at >= newest.at:
        walk.unknown(
            COMPLETE, "btrfs receive",
            f"{safe(half[-1].path)} of {minute(half[-1].at)} was not received to its end: it is being "
            "received, or was cut off.",
            "Wait for its end and run the check again; if nothing is being sent, delete it and send anew.",
        )  # fmt: skip
        return
    _complete(walk, newest)
    place = f"{path.rstrip('/')}/{newest.path}"
    await _deeper(check, walk, newest, place, btrfs.scrub(scrub), (stats, "{}"))


def lacks(walk: Walk, names: list[str], how: str) -> None:
    """Say that parts of the live data are volumes of their own, which the snapshot does not hold."""
    walk.failed(
        COMPLETE, how, f"It does not hold {in_line(names[:10])}: a volume of its own, of which the snapshot "
        "has an empty folder only.",
        "Take a snapshot of these at the same time, or name them by 'without' if they are not needed.",
    )  # fmt: skip


def stamp(name: str, zone: str) -> datetime | None:
    """Return the time that stands in a snapshot's name, by the host's `zone` where it names none.

    A date without a time is the begin of that day. Two dates in one name are none.
    """
    found = _STAMP.findall(name)
    if len(found) != 1:
        return None
    year, month, day, hour, minutes, seconds, own = found[0]
    offset = (own or zone).replace(":", "")
    try:
        at = datetime(int(year), int(month), int(day), int(hour or 0), int(minutes or 0), int(seconds or 0))  # noqa: DTZ001
        if offset == "Z":
            return at.replace(tzinfo=UTC)
        if not re.fullmatch(r"[+-]\d{4}", offset):
            return None
        away = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
        return (at - away if offset[0] == "+" else at + away).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _listed(walk: Walk, snapshots: list[btrfs.Subvolume], newest: btrfs.Subvolume) -> None:
    walk.newest = newest.at
    walk.history = [Past(id=one.uuid, at=rfc3339(one.at)) for one in snapshots[:-1]]


def _complete(walk: Walk, newest: btrfs.Subvolume) -> None:
    if not walk.wants(COMPLETE):
        return
    how = "btrfs subvolume show"
    if newest.readonly:
        walk.proven(COMPLETE, how, f"{safe(newest.path)} is read-only and was taken at one moment.")
    else:
        walk.failed(
            COMPLETE, how, f"{safe(newest.path)} can be written to: what is in it may have changed since.",
            "Take snapshots with -r (read-only).",
        )  # fmt: skip


async def _deeper(
    check: SampledBackup, walk: Walk, newest: btrfs.Subvolume, place: str | None, scrub: btrfs.Scrub,
    said: tuple[str, str],
) -> None:  # fmt: skip
    if walk.wants(INTEGRITY):
        await _integrity(check, walk, newest, place, scrub, said)
    if not walk.wants(SAMPLE):
        return
    if place is None:
        walk.unknown(SAMPLE, "a sample", "The snapshot is nowhere mounted.", _MOUNT)
        return
    listed = await files(walk, place, check.root)
    walk.files = walk.files if walk.files is not None else len(listed)
    await sample(walk, check, place, listed, newest.uuid)


_MOUNT = "Mount the top of the file system (subvolid=5, read-only), so that the snapshot can be read."


async def _integrity(
    check: SampledBackup, walk: Walk, newest: btrfs.Subvolume, place: str | None, scrub: btrfs.Scrub,
    said: tuple[str, str],
) -> None:  # fmt: skip
    later = scrub.finished and scrub.at is not None and scrub.at > newest.at
    counters = btrfs.device_errors(said[0])
    if later and scrub.errors:
        walk.failed(
            INTEGRITY, "btrfs scrub", f"The scrub of {minute(scrub.at or newest.at)} found {scrub.errors} "
            f"errors that it could not mend. {'; '.join(counters[:4])}".strip(),
            "Find the files (journalctl -k | grep BTRFS), bring them back from a backup, replace the disk.",
        )  # fmt: skip
        return
    if later and not scrub.bare:
        mended = f" It mended {scrub.mended}." if scrub.mended else ""
        walk.proven(
            INTEGRITY, "btrfs scrub", f"A scrub that began after it ({minute(scrub.at or newest.at)}) "
            f"read every checksum and found nothing that is lost.{mended}",
        )  # fmt: skip
        return
    if place is None:
        walk.unknown(
            INTEGRITY, "btrfs scrub", "No clean scrub began after the snapshot, and it is nowhere mounted.",
            f"Let a scrub run (btrfs scrub start). {_MOUNT}",
        )  # fmt: skip
        return
    left = max(5.0, walk.vantage.remaining() - 5)
    command = READ(place, timeout_s=left, max_stdout=64 * 1024 * 1024, heavy=True, as_user=check.root)
    read = read_result(require(await walk.remote.run(command), walk.remote))
    walk.files = read.good + len(read.bad) + len(read.unread)
    how = "reading every byte"
    if read.bad:
        walk.failed(
            INTEGRITY, how, f"{len(read.bad)} of {walk.files} files have read errors, such as "
            f"{safe(read.bad[0], limit=200)}. {'; '.join(counters[:4])}".strip(),
            "Bring these files back from a backup, let a scrub run, replace the disk.",
        )  # fmt: skip
    elif read.unread:
        walk.unknown(
            INTEGRITY, how, f"{len(read.unread)} of {walk.files} files could not be read, such as "
            f"{safe(read.unread[0], limit=200)}.",
            "Let the check use sudo ('sudo: true').",
        )  # fmt: skip
    elif read.bare != 0 or scrub.bare or btrfs.without_sums(said[1]):
        walk.unknown(
            INTEGRITY, how, "All files were read, and some are kept without checksums (attribute C, "
            "nodatacow, nodatasum), so that reading them proves nothing.",
            "Compare those by a manifest (rung 5 of a backup), or keep them with checksums.",
        )  # fmt: skip
    elif not read.good:
        walk.unknown(INTEGRITY, how, "There is no file in it.", "Look whether the right volume is named.")
    else:
        walk.proven(INTEGRITY, how, f"{read.good} files were read past the page cache without an error.")
