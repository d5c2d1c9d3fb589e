"""backup.snapshot: there is a point to roll back to, it is recent, and it was not spoilt since."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from checks.backup._check import RemotePath, SampledBackup
from checks.backup._snapshot_btrfs import climb_btrfs, climb_received
from checks.backup._snapshot_others import climb_lvm, climb_zfs
from checks.backup._walk import Walk
from checks.bounds import Ge, Le, Len
from checks.remote.check import require_login


class Snapshot(SampledBackup):
    """The newest snapshot of a volume is recent and unspoilt: a point to roll back to.

    A snapshot lies on the same disks as what it is of. It is a rollback point and never a backup: it does not
    survive the disks, the pool, or whoever has the rights to delete it. With `received` it is one that was
    sent here from another machine, and counts as a copy.

    Proves: the newest snapshot is listed and how old it is; it is read-only and atomic (btrfs, ZFS) or still
    valid (LVM); with rung 4, that every checksum of its data was looked at after it was made (a scrub that
    began later, or reading every byte past the page cache).
    Cannot prove: that the disks hold until it is needed; that an application was in order when it was taken;
    for LVM, which has no checksums, anything of the data: ask for rung 3. Data that btrfs keeps without
    checksums is told where it shows (attribute C, mount options, scrub). The commands for ZFS and LVM follow
    their documentation; ZFS was never run on a real system. What is mounted below the volume is not in it.
    If it fails: take a new snapshot after the freeze, give an LVM snapshot more space, let a scrub run.

    Source: btrfs-subvolume(8), btrfs-scrub(8), lvs(8), zfs-list(8), zpool-status(8).

    Example:
        type: backup.snapshot
        host: files.example.net
        user: tech
        sudo: true
        layout: btrfs
        path: /srv/files
        newer_than: "2026-12-05T18:00:00+01:00"
    """

    system: ClassVar[str] = "snapshot"
    layout: Literal["btrfs", "lvm", "zfs"]
    """What makes the snapshots."""
    path: RemotePath | None = None
    """btrfs: the live subvolume, or with `received` the directory into which snapshots are received."""
    volume: Annotated[str, Len(1, 400)] | None = None
    """LVM: the volume as `group/volume`. ZFS: the dataset."""
    received: bool = False
    """btrfs, ZFS: the snapshots were sent here from another machine. Of btrfs the time then stands in the
    name (`files.20261205T2130`, `...T2130+0100`), since the time of creation is that of the receiving."""
    without: tuple[Annotated[str, Len(1, 400)], ...] = ()
    """btrfs, ZFS: subvolumes or datasets below it that its snapshots need not hold, by their paths below it.
    Any other that is nested in it fails rung 3, since a snapshot has an empty folder in its place."""
    min_level: Annotated[int, Ge(1), Le(6)] = 3
    """The rung of the proof ladder that is asked for: 1 exists, 2 fresh, 3 complete, 4 integrity,
    5 restored sample. It is climbed to there and no further."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.layout == "btrfs":
            if self.path is None or self.volume is not None:
                raise ValueError("The snapshots of btrfs are named by 'path', not by 'volume'.")
            if not self.path.startswith("/"):
                raise ValueError("'path' begins with a slash.")
            return
        if self.volume is None or self.path is not None:
            raise ValueError(f"The snapshots of {self.layout.upper()} are named by 'volume', not by 'path'.")
        if self.volume.startswith("-") or any(char in self.volume for char in " \t\n@"):
            raise ValueError("'volume' is the name of a volume, like vg0/files or tank/files.")
        if self.layout == "lvm":
            group, slash, name = self.volume.removeprefix("/dev/").partition("/")
            if not slash or not group or not name or "/" in name:
                raise ValueError("A volume of LVM is named by its group, too: vg0/files.")
            if self.received:
                raise ValueError("LVM receives no snapshots.")

    def subject(self) -> str:
        """Return host and volume."""
        return f"{self.host}: {self.path or self.volume}"

    async def climb(self, walk: Walk) -> None:
        """Look at the snapshots."""
        if self.layout == "btrfs":
            assert self.path is not None
            await (climb_received if self.received else climb_btrfs)(self, walk, self.path)
            return
        assert self.volume is not None
        await (climb_lvm if self.layout == "lvm" else climb_zfs)(self, walk, self.volume)
