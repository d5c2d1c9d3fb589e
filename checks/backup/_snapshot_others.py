"""The rungs of the snapshots of LVM and ZFS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.backup import _lvm as lvm
from checks.backup import _zfs as zfs
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._mounted import files, sample
from checks.backup._snapshot_btrfs import NOT_A_BACKUP, lacks
from checks.backup._walk import Walk
from checks.remote.outcome import require
from checks.safe import safe
from checks.words import minute, rfc3339

if TYPE_CHECKING:
    from checks.backup.snapshot import Snapshot

FULL = 80.0
"""From here on an LVM snapshot's space is told: at 100% it is lost."""


async def climb_lvm(check: Snapshot, walk: Walk, volume: str) -> None:
    """Look at the snapshots of the logical volume `group/name`."""
    group, _, name = volume.removeprefix("/dev/").partition("/")
    output = require(await walk.remote.run(lvm.list_volumes(group, check.root)), walk.remote)
    volumes = lvm.parse(output)
    if name not in {one.name for one in volumes}:
        walk.unknown(
            EXISTS, "lvs", f"lvs lists no volume {safe(volume)}: it is named otherwise, or this account may "
            "not see it.", "Look at 'lvs' as root; correct 'volume', or let the check use sudo.",
        )  # fmt: skip
        return
    own = sorted((v for v in volumes if v.origin == name and v.at), key=lambda v: v.at or 0)
    if not own:
        walk.failed(
            EXISTS,
            "lvs",
            f"There is no snapshot of {safe(volume)}.",
            "Take one: lvcreate -s, with enough space.",
        )
        return
    newest = own[-1]
    assert newest.at is not None
    walk.newest = newest.at
    walk.history = [Past(id=one.name, at=rfc3339(one.at)) for one in own[:-1] if one.at]
    walk.proven(
        EXISTS, "lvs", f"{len(own)} snapshots of {safe(volume)}; the newest is {safe(newest.name)} of "
        f"{minute(newest.at)}. {NOT_A_BACKUP}",
    )  # fmt: skip
    full = lvm.pool_full(volumes, newest.pool) if newest.thin else newest.full
    if walk.wants(COMPLETE):
        _lvm_whole(walk, newest, full)
    if walk.wants(INTEGRITY):
        walk.absent(INTEGRITY, "checksums", "LVM has none: whether the data is intact cannot be told.")
    if walk.wants(SAMPLE):
        walk.unknown(
            SAMPLE, "a sample", "To read files out of an LVM snapshot it must be mounted, which is not done.",
            "Mount it read-only by hand and attest it, or ask for rung 3.",
        )  # fmt: skip


def _lvm_whole(walk: Walk, newest: lvm.Volume, full: float | None) -> None:
    more = "Take a new snapshot with more space: lvcreate -s -L."
    if newest.trouble:
        walk.failed(COMPLETE, "lvs", f"{safe(newest.name)}: {newest.trouble}", more)
    elif len(newest.attributes) < 9 or newest.attributes[4] in "Xdics" or newest.attributes[8] == "X":
        walk.unknown(
            COMPLETE, "lvs", f"Its state ({safe(newest.attributes)}) does not say whether it is valid.",
            "Activate it (lvchange -ay) and look at lvs again.",
        )  # fmt: skip
    elif full is None and not newest.thin:
        walk.unknown(COMPLETE, "lvs", "How full its own space is is not said.", "Look at lvs as root.")
    elif full is None:
        walk.unknown(COMPLETE, "lvs", "How full its thin pool is is not said.", "Look at lvs -a as root.")
    elif full >= 100:
        walk.failed(COMPLETE, "lvs", f"The space behind {safe(newest.name)} is full.", more)
    elif full >= FULL:
        walk.unknown(
            COMPLETE, "lvs",
            f"{safe(newest.name)} is valid, and its space {full:g}% full: at 100% it is lost.",
            "Give it more space now: lvextend.",
        )  # fmt: skip
    else:
        walk.proven(COMPLETE, "lvs", f"{safe(newest.name)} is valid; its space is {full:g}% full.")


async def climb_zfs(check: Snapshot, walk: Walk, dataset: str) -> None:
    """Look at the snapshots of a ZFS dataset."""
    command = zfs.LOOK(dataset, timeout_s=60.0, as_user=check.root)
    seen = zfs.parse(require(await walk.remote.run(command), walk.remote))
    if not seen.snapshots:
        walk.failed(
            EXISTS, "zfs list", f"There is no snapshot of {safe(dataset)}.", "Take one: zfs snapshot."
        )
        return
    newest = seen.snapshots[-1]
    walk.newest = newest.at
    walk.bytes = newest.refer
    walk.history = [
        Past(id=one.guid, at=rfc3339(one.at), bytes=one.refer) for one in reversed(seen.snapshots[:-1])
    ]
    what = "Received from another machine." if check.received else NOT_A_BACKUP
    walk.proven(
        EXISTS, "zfs list", f"{len(seen.snapshots)} snapshots of {safe(dataset)}; the newest is "
        f"{safe(newest.name)} of {minute(newest.at)}, guid {safe(newest.guid)}. {what}",
    )  # fmt: skip
    if walk.wants(COMPLETE):
        _zfs_whole(walk, seen, newest)
        lacking = [child.removeprefix(f"{dataset}/") for child in seen.lacking(newest)]
        if lacking := [name for name in lacking if name not in check.without]:
            lacks(walk, lacking, "zfs list -r")
    if walk.wants(INTEGRITY):
        _zfs_intact(walk, seen.pool, newest)
    if walk.wants(SAMPLE):
        mountpoint = seen.properties.get("mountpoint", "")
        if seen.properties.get("mounted") != "yes" or not mountpoint.startswith("/"):
            walk.unknown(
                SAMPLE, "a sample", "The dataset is not mounted, so that no file can be read out of it.",
                "Mount it, or ask for rung 4.",
            )  # fmt: skip
            return
        place = f"{mountpoint.rstrip('/')}/.zfs/snapshot/{newest.name.partition('@')[2]}"
        listed = await files(walk, place, check.root)
        walk.files = len(listed)
        await sample(walk, check, place, listed, newest.guid)


def _zfs_whole(walk: Walk, seen: zfs.Dataset, newest: zfs.Snapshot) -> None:
    token = seen.properties.get("receive_resume_token")
    if token is None:
        walk.unknown(
            COMPLETE, "zfs get", "Whether a receive was cut off is not said.", "Look at zfs get by hand."
        )
    elif token not in ("-", ""):
        walk.unknown(
            COMPLETE, "zfs get", f"A later snapshot than {safe(newest.name)} was not received to its end.",
            "Resume it (zfs send -t), or give it up (zfs receive -A), then run the check again.",
        )  # fmt: skip
    else:
        walk.proven(
            COMPLETE, "zfs list", f"{safe(newest.name)} is whole: ZFS shows a snapshot only when it is."
        )


def _zfs_intact(walk: Walk, pool: zfs.Pool, newest: zfs.Snapshot) -> None:
    how = "zpool status"
    if pool.errors and pool.errors != "No known data errors":
        walk.failed(
            INTEGRITY, how, f"The pool has data errors: {safe(pool.errors, limit=200)}",
            "See the files by zpool status -v, bring them back from a backup, replace the disk.",
        )  # fmt: skip
    elif pool.scrub_errors:
        walk.failed(
            INTEGRITY, how, f"The last scrub found {pool.scrub_errors} errors.", "See zpool status -v."
        )
    elif pool.state not in ("ONLINE", "DEGRADED") or not pool.errors:
        walk.unknown(
            INTEGRITY,
            how,
            f"The pool's state is '{safe(pool.state)}'.",
            "Bring the pool online, then scrub it.",
        )
    elif pool.scrub_began is None or pool.scrub_began <= newest.at:
        walk.unknown(
            INTEGRITY, how, "No scrub that began after the snapshot has come to its end.",
            "Let one run (zpool scrub), and run the check again when it has ended.",
        )  # fmt: skip
    else:
        degraded = " The pool is degraded." if pool.state == "DEGRADED" else ""
        walk.proven(
            INTEGRITY, how, f"A scrub that began after the snapshot ({minute(pool.scrub_began)}) found no "
            f"error.{degraded}",
        )  # fmt: skip
