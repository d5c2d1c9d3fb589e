"""backup.tree: a tree of copies (rsync, rsnapshot, rdiff-backup) is recent, whole and unspoilt."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from checks.backup._archive_proof import CAT, MAX_MANIFEST, tell_manifest
from checks.backup._check import RemotePath, SampledBackup
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._sample import Candidate, Restored, compare
from checks.backup._sums import parse_sums
from checks.backup._tree_host import Probe, counts, epochs, hash_all, marks, names, probe, restore, temporary
from checks.backup._tree_live import against_live, live_themselves
from checks.backup._tree_log import LogRun, runs
from checks.backup._tree_rdiff import climb_rdiff, verify_rdiff
from checks.backup._walk import Walk
from checks.bounds import Len
from checks.remote.check import require_login
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.words import rfc3339

_PATH = "Make a backup, or correct 'path'."
_COUNTED = 5
"""How many earlier snapshots are counted: each costs a walk through all of its files."""


class Tree(SampledBackup):
    """A tree of copies is recent, holds what it must, and its copies are what was copied.

    For the mirrors of rsync, the snapshots of rsnapshot and the repositories of rdiff-backup, on the host
    that is logged into. Nothing is written.

    Proves: (1) there are copies, and they are not the live files themselves. (2) its age by what tells it:
    the `stamp` or `log` of the job, rsnapshot's folder of the newest snapshot, rdiff-backup's sessions. The
    times of the copied files are those of the originals and are never taken for it. (3) by `live`: rsync,
    run dry, would copy nothing that has not changed since; by rdiff-backup: the last session ended without
    errors and all of its entries are there; by `log` with earlier snapshots: the last run ended successfully
    and holds as much as those before. (4) by rdiff-backup's digests, or by a `manifest`: every file was read
    and hashed; rsync and rsnapshot keep no digests. (5) random copies are what the live files, the manifest
    or the canary say.
    Cannot prove: that what the job leaves out is not needed; that a stamp was written by a run that ended.
    The folder time of rsnapshot is set when a snapshot ends, so the age may lack the time that it took; with
    `log` it is counted from the begin.
    If it fails: read the job's log, make a backup now, and look at the disk that holds the copies.

    Source: the manuals of rsync 3.2 (--itemize-changes), rsnapshot 1.4 and rdiff-backup 2.2.

    Example:
        type: backup.tree
        host: files.example.net
        user: tech
        path: /backup/files
        layout: rsync
        log: /var/log/rsync-files.log
        live: /srv/files
    """

    system: ClassVar[str] = "tree"

    path: RemotePath
    """The mirror, rsnapshot's `snapshot_root`, or rdiff-backup's repository."""
    layout: Literal["auto", "rsync", "rsnapshot", "rdiff-backup"] = "auto"
    """What made it; `auto` looks for rdiff-backup's own folder and for rsnapshot's, like `daily.0`."""
    subtree: RemotePath | None = None
    """Only this folder of the mirror or snapshot is looked at, such as `localhost/srv/files`; `live` is its
    original then."""
    stamp: RemotePath | None = None
    """A file of the job that tells when the backup was begun: by a time in it (seconds since 1970, or with
    its zone), or else by its own time. Relative to the newest tree."""
    log: RemotePath | None = None
    """The log of rsnapshot (`logfile`) or rsync (`--log-file`)."""
    lock: RemotePath | None = None
    """The job's lock file: as long as the process that it names lives, nothing is proven."""
    exclude: Annotated[tuple[Annotated[str, Len(1, 1000)], ...], Len(0, 100)] = ()
    """What the job leaves out on purpose, as rsync's `--exclude` takes it."""
    past_lock: bool = False
    """Whether it may be read although another program holds its lock; that is a warning at best."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.subtree is not None and (self.subtree.startswith("/") or ".." in self.subtree.split("/")):
            raise ValueError(
                "'subtree' is a folder below 'path', without a slash at its begin or '..' in it."
            )
        if self.layout == "rdiff-backup" and self.subtree is not None:
            raise ValueError("'subtree' is for rsync and rsnapshot; rdiff-backup is verified as a whole.")

    async def climb(self, walk: Walk) -> None:
        """Find out the layout, the time and the tree, then climb."""
        live = self.live or ""
        seen = await probe(walk.remote, self.path, live, self.root)
        if not self._is_there(walk, seen):
            return
        layout = self._layout(seen)
        if layout == "rdiff-backup":
            if not await climb_rdiff(walk, self.path, self.root):
                return
            await self._deeper(walk, self.path, digests=True)
            return
        roots = self._roots(seen, layout)
        if not roots:
            walk.failed(EXISTS, "list of the tree", "There is no snapshot in it.", _PATH)
            return
        root, time = roots[0][0], self._time(walk)
        ((files, size),) = await counts(walk.remote, [root], timeout_s=time, as_user=self.root)
        if not files:
            walk.failed(EXISTS, "count of the tree", "There is no file in it.", _PATH)
            return
        walk.bytes, walk.files = size, files
        told = f"{files:,} files of {size:,} bytes in {safe(root, limit=300)}."
        walk.proven(EXISTS, "count of the tree", told)
        if self.live:
            await live_themselves(walk, self.live, root, self.root)
        walk.trying = COMPLETE
        last = await self._times(walk, roots, layout)
        if walk.wants(COMPLETE):
            await self._complete(walk, roots, last)

    def _is_there(self, walk: Walk, seen: Probe) -> bool:
        shown = safe(self.path, limit=300)
        if seen.state == "denied":
            raise CannotTell(
                f"{shown} may not be looked into by this account.",
                "Log in as an account that may read the backups, or set 'sudo: true'.",
            )
        wrong = {
            "none": f"{shown} is no folder, or this account may not see it.",
            "same": f"{shown} is the folder of the live files itself: a link or a mount, no backup.",
            "empty": f"{shown} is empty.",
        }.get(seen.state)
        if wrong:
            walk.failed(EXISTS, "list of the tree", wrong, "Make a backup; see whether its disk is mounted.")
        return not wrong

    def _layout(self, seen: Probe) -> str:
        if self.layout != "auto":
            return self.layout
        if seen.rdiff:
            return "rdiff-backup"
        return "rsnapshot" if any(name.endswith(".0") for name, _ in seen.folders) else "rsync"

    def _roots(self, seen: Probe, layout: str) -> list[tuple[str, str, datetime | None]]:
        """Return path, name and time of the trees, the newest first."""
        base = self.path.rstrip("/")
        below = f"/{self.subtree.strip('/')}" if self.subtree else ""
        if layout == "rsync":
            return [(f"{base}{below}" or "/", "", None)]
        found = sorted(seen.folders, key=lambda folder: folder[1], reverse=True)
        return [(f"{base}/{name}{below}", name, at) for name, at in found]

    async def _times(
        self, walk: Walk, roots: Sequence[tuple[str, str, datetime | None]], layout: str
    ) -> LogRun | None:  # fmt: skip
        """Set the times; return the run of the log that made the newest tree."""
        root, name, at = roots[0]
        told = await marks(walk.remote, root, self.stamp or "", self.log or "", self.lock or "", self.root)
        walk.newest = told.stamp or at
        walk.history = [
            Past(id=folder, at=rfc3339(when)) for _, folder, when in roots[1:] if when is not None
        ]
        if told.stale:
            walk.notes.append(f"The lock file names process {told.stale}, which is no more.")
        if told.lock and self.past_lock:
            walk.past_lock = f"Process {told.lock} is at work on it."
        elif told.lock:
            raise CannotTell(
                f"The backup is at work on it: process {told.lock}.", "Run the check again when it has ended."
            )
        done = [
            run for run in runs(told.log or ()) if layout == "rsync" or run.name == name.rpartition(".")[0]
        ]
        if self.log and not done:
            raise CannotTell(
                f"The log tells of no run of {safe(name.rpartition('.')[0] or 'rsync')}.",
                "Correct 'log': the logfile of rsnapshot, or what rsync --log-file writes.",
            )
        good = [run for run in done if run.outcome == "success"]
        if good and told.stamp is None:
            began = await epochs(walk.remote, [run.began for run in good[-1:]])
            walk.newest = began[0] or walk.newest
        elif done and not good and told.stamp is None:
            walk.newest = None
        if layout == "rsnapshot" and told.stamp is None and not good:
            walk.notes.append("The age is counted from the end of the snapshot; with 'log' from its begin.")
        return done[-1] if done else None

    async def _complete(
        self, walk: Walk, roots: Sequence[tuple[str, str, datetime | None]], last: LogRun | None
    ) -> None:  # fmt: skip
        root = roots[0][0]
        if last is not None and last.outcome != "success":
            told = f": {safe(last.told, limit=200)}" if last.told else "."
            if last.outcome == "unfinished":
                raise CannotTell(
                    f"By the log the run of {last.began} has not ended{told}",
                    "Run the check again when it has; if nothing runs, it was cut short: make a backup anew.",
                )
            walk.failed(
                COMPLETE, "log of the job", f"The run of {last.began} ended with errors{told}",
                "Mend what the log tells of, and make a backup anew.",
            )  # fmt: skip
            return
        await self._count_earlier(walk, roots[1 : 1 + min(self.history, _COUNTED)])
        found = await names(walk.remote, root, timeout_s=self._time(walk), as_user=self.root)
        received = temporary([file.path for file in found])
        if received:
            walk.unknown(
                COMPLETE, "list of the tree",
                f"{len(received):,} files are still being received, or were when rsync was interrupted, "
                f"such as {safe(received[0], limit=200)}.",
                "Run the check again when rsync has ended; if none runs, make a backup anew.",
            )  # fmt: skip
            return
        if self.live:
            await against_live(walk, self.live, root, self.exclude, self.root)
        elif last is not None and any(past.files for past in walk.history):
            told = f"The run of {last.began} ended successfully."
            walk.proven(COMPLETE, "log of the job and earlier snapshots", told)
        elif not self.manifest:
            walk.unknown(
                COMPLETE, "count of the tree", "Nothing tells what must be in it.",
                "Name 'live' (where the originals lie on this host), a 'manifest', or the job's 'log'.",
            )  # fmt: skip
        await self._deeper(walk, root, found)

    async def _count_earlier(self, walk: Walk, roots: Sequence[tuple[str, str, datetime | None]]) -> None:
        if not roots:
            return
        time = self._time(walk)
        sizes = await counts(walk.remote, [root for root, _, _ in roots], timeout_s=time, as_user=self.root)
        for number, (files, size) in enumerate(sizes):
            if files:
                walk.history[number] = dataclasses.replace(walk.history[number], files=files, bytes=size)

    async def _deeper(
        self, walk: Walk, root: str, found: Sequence[Candidate] | None = None, *, digests: bool = False
    ) -> None:  # fmt: skip
        if walk.wants(INTEGRITY) or (self.manifest and walk.wants(COMPLETE)):
            if digests:
                await verify_rdiff(walk, root, self.root)
            if self.manifest:
                await self._manifest(walk, root, self.manifest)
            elif not digests:
                told = "rsync and rsnapshot keep none; a 'manifest' would be one."
                walk.absent(INTEGRITY, "digests of the tree", told)
        if not walk.wants(SAMPLE):
            return
        if found is None:
            found = await names(walk.remote, root, timeout_s=self._time(walk), as_user=self.root)
        own = {path.removeprefix(f"{root}/") for path in (self.stamp, self.manifest) if path}

        async def copies(wanted: Sequence[str]) -> Mapping[str, Restored]:
            return await restore(
                walk.remote, root, (self.live or "").rstrip("/"), wanted, timeout_s=self._time(walk),
                as_user=self.root,
            )  # fmt: skip

        seed = rfc3339(walk.newest) if walk.newest else root
        await compare(walk, self, [file for file in found if file.path not in own], copies, seed=seed)

    async def _manifest(self, walk: Walk, root: str, manifest: str) -> None:
        command = CAT("--", manifest, max_stdout=MAX_MANIFEST, timeout_s=60.0, as_user=self.root)
        sums = parse_sums(require(await walk.remote.run(command), walk.remote))
        came = await hash_all(walk.remote, root, timeout_s=self._time(walk), as_user=self.root)
        for path in (self.stamp, manifest):
            if path:
                came.pop(path.removeprefix(f"{root}/"), None)
        if tell_manifest(walk, sums, came, set(came), manifest) and not self.live:
            walk.proven(COMPLETE, "list of the manifest", f"All of its {len(sums):,} files are there.")

    def _time(self, walk: Walk) -> float:
        return max(5.0, walk.vantage.remaining() * 0.7)
