"""backup.proxmox: a guest's newest Proxmox backup is recent, was made to its end, and was verified."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from checks.backup._check import BackupCheck, RemotePath
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._proxmox import CLIENT, PVESH, Snapshot, from_node, from_server, listed
from checks.backup._walk import Walk
from checks.bounds import Ge, Le, Len
from checks.params import SecretRef
from checks.remote.check import require_login
from checks.remote.outcome import require
from checks.safe import safe
from checks.words import minute, rfc3339

Word = Annotated[str, Len(1, 200)]


class Proxmox(BackupCheck):
    """The newest Proxmox backup of a guest is recent, was made to its end, and was verified since.

    Asked on a node (`storage`, `guest`), or of a backup server by its client (`repository`, `group`).

    Proves: the backup is listed with its start; it was made to its end (its manifest is there); with rung 4,
    that the backup server read every chunk again after it was made and found them right (`verification ok`).
    Cannot prove: that the guest boots from it; anything of the bytes of a backup that lies as a file in a
    storage without verification (vzdump .vma.zst): look at that file by `backup.archive`. Never verified is
    told as such and is never a pass of rung 4. Written after Proxmox's documentation and sources, and never
    run on a real system.
    If it fails: run the backup job, let a verify job run, delete what was not made to its end.

    Source: Proxmox VE API, nodes/{node}/storage/{storage}/content; proxmox-backup-client(1), snapshot list.

    Example:
        type: backup.proxmox
        host: pve1.example.net
        user: root
        storage: backups
        guest: 104
    """

    system: ClassVar[str] = "proxmox"
    node: Word | None = None
    """The node's name; left out, the host's own name."""
    storage: Word | None = None
    """The storage with the backups, as the node names it."""
    guest: Annotated[int, Ge(100), Le(999999999)] | None = None
    """The guest's number (VMID)."""
    repository: Word | None = None
    """Asked of the backup server instead: `user@pbs!token@backup.example.net:store`."""
    group: Word | None = None
    """With `repository`: the group, `vm/104`, `ct/105` or `host/files`."""
    namespace: Word | None = None
    """With `repository`: its namespace."""
    repo_password: SecretRef | None = None
    """Reference to the password or token's secret of the repository; it goes by stdin."""
    password_file: RemotePath | None = None
    """A file on the host that holds it."""
    fingerprint: Word | None = None
    """Fingerprint of the backup server's certificate, where it is not trusted otherwise."""

    def __post_init__(self) -> None:
        require_login(self)
        if (self.repository is None) == (self.storage is None):
            raise ValueError(
                "Either 'storage' and 'guest' (on a node) or 'repository' and 'group' are needed."
            )
        if self.storage is not None and self.guest is None:
            raise ValueError("'storage' needs the number of the 'guest'.")
        if self.repository is not None and self.group is None:
            raise ValueError("'repository' needs the 'group', such as vm/104.")
        if self.repository is None and (
            self.group or self.namespace or self.repo_password or self.password_file
        ):
            raise ValueError("'group', 'namespace' and passwords belong to a 'repository'.")
        if self.repository is not None and (self.repo_password is None) == (self.password_file is None):
            raise ValueError("'repository' needs one of 'repo_password' and 'password_file'.")
        for word in (self.node, self.storage, self.repository, self.group, self.namespace):
            if word is not None and (word.startswith("-") or any(char.isspace() for char in word)):
                raise ValueError(f"{word!r} has blanks or begins with a hyphen.")
        if any("/" in (word or "") for word in (self.node, self.storage)):
            raise ValueError("'node' and 'storage' have no slash.")

    def subject(self) -> str:
        """Return host and guest."""
        return f"{self.host}: {self.group or self.guest}"

    async def climb(self, walk: Walk) -> None:
        """List the guest's backups and tell the rungs that follow."""
        if self.storage is not None and self.guest is not None:
            node = self.node or walk.facts.hostname.partition(".")[0] or "localhost"
            command = PVESH(
                "get", f"/nodes/{node}/storage/{self.storage}/content", "--content", "backup",
                "--vmid", str(self.guest), "--output-format", "json", timeout_s=60.0, as_user=self.root,
            )  # fmt: skip
            rows = listed(require(await walk.remote.run(command), walk.remote), "pvesh")
            self.tell(walk, from_node(rows, self.guest), "pvesh get")
            return
        secret = walk.vantage.secret(self.repo_password) if self.repo_password else ""
        command = CLIENT(
            self.repository or "", self.group or "", self.fingerprint or "", self.password_file or "",
            self.namespace or "", timeout_s=60.0, as_user=self.root, stdin=f"{secret}\n".encode(),
        )  # fmt: skip
        rows = listed(require(await walk.remote.run(command), walk.remote), "proxmox-backup-client")
        self.tell(walk, from_server(_of(rows, self.group or "")), "snapshot list")

    def tell(self, walk: Walk, snapshots: list[Snapshot], how: str) -> None:
        """Tell the rungs that follow from the list."""
        if not snapshots:
            walk.failed(
                EXISTS, how, f"There is no backup of {safe(str(self.group or self.guest))}.",
                "Put the guest into a backup job and run it, or correct what is named.",
            )  # fmt: skip
            return
        newest = snapshots[-1]
        walk.newest = newest.at
        walk.bytes = newest.size
        walk.history = [
            Past(id=one.id, at=rfc3339(one.at), bytes=one.size) for one in reversed(snapshots[:-1])
        ]
        walk.proven(
            EXISTS, how, f"{len(snapshots)} backups; the newest is {safe(newest.id)} of {minute(newest.at)}."
        )
        if walk.wants(COMPLETE):
            if newest.size is None:
                walk.unknown(
                    COMPLETE, how, f"{safe(newest.id)} was not made to its end: it is being made or was cut.",
                    "Wait for its end and run the check again; if no job runs, delete it and back up anew.",
                )  # fmt: skip
            else:
                walk.proven(COMPLETE, how, f"It was made to its end, with {newest.size:,} bytes.")
        if walk.wants(INTEGRITY):
            _verified(walk, newest)
        if walk.wants(SAMPLE):
            walk.unknown(
                SAMPLE, "a restore", "A guest is not restored by this check.",
                "Restore it under another number without network, boot it, and attest that (type: manual).",
            )  # fmt: skip


def _of(rows: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    return [row for row in rows if f"{row.get('backup-type')}/{row.get('backup-id')}" == group]


def _verified(walk: Walk, newest: Snapshot) -> None:
    how = "verification by the backup server"
    if not newest.chunks:
        walk.unknown(
            INTEGRITY, how, "It lies as a file in a storage that cannot verify it.",
            "Read the file by backup.archive, or back up to a Proxmox Backup Server.",
        )  # fmt: skip
    elif newest.verified == "failed":
        walk.failed(
            INTEGRITY, how, "It found chunks that are damaged or missing.",
            "Look at the verify task's log and at the disks, then make a new backup and verify it.",
        )  # fmt: skip
    elif newest.verified != "ok":
        said = f"'{safe(newest.verified, limit=40)}' is told" if newest.verified else "It was never verified"
        walk.unknown(
            INTEGRITY, how, f"{said}.", "Let a verify job run on the datastore, then run this again."
        )
    elif newest.verified_at is None or newest.verified_at < newest.at:
        walk.unknown(
            INTEGRITY,
            how,
            "It says ok, and not when it was verified.",
            "Let a verify job run on the datastore.",
        )
    else:
        walk.proven(
            INTEGRITY, how, f"Every chunk was read again and is right ({minute(newest.verified_at)})."
        )
