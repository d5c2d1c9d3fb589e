"""backup.restic: a restic repository holds a backup that is recent, whole and restorable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from checks.backup import _restic as told
from checks.backup._check import RemotePath, SampledBackup
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._restic import Snapshot
from checks.backup._restic_repo import MAX_LISTING, MEND, Repository
from checks.backup._sample import Candidate, Restored, compare
from checks.backup._walk import Walk
from checks.bounds import Len
from checks.params import SecretRef
from checks.remote.check import require_login
from checks.remote.outcome import require
from checks.safe import safe
from checks.wire.ssh.remote import CommandResult
from checks.words import minute, rfc3339

_SUBSET = re.compile(r"[1-9]\d{0,5}/[1-9]\d{0,5}|\d{1,3}(\.\d{1,3})?%|[1-9]\d{0,9}[KkMmGgTt]")


class Restic(SampledBackup):
    """A restic repository holds a backup that is recent, whole and, as far as asked, restorable.

    Proves: per rung, that a snapshot is listed; that its index, trees and packs are there (`restic check`);
    that the stored bytes are those that were written (`check --read-data`, of all packs or of `subset`); that
    random files come back as they were. Nothing is written and no lock is taken (`--no-lock`): while another
    program holds one, rung 3 and above are not told.
    Cannot prove: that what was backed up is all that matters, or that a machine starts from it.
    If it fails: make a new backup first; then read what restic says, on another machine if the disk is bad.

    Source: restic manual, "Working with repositories" and "Scripting"; run against restic 0.14, whose plain
    `check` finds no flipped bytes; the exit codes 10 to 12 are those of 0.17 and later.

    Example:
        type: backup.restic
        host: backup.example.net
        user: tech
        repo: /srv/restic
        password_file: /etc/restic/password
        of_host: files.example.net
        live: /
        min_level: 5
    """

    system = "restic"

    repo: Annotated[str, Len(1, 1024)]
    """The repository as restic names it on the host: a directory, `sftp:...`, `rest:...`; no password."""
    password_file: RemotePath | None = None
    """The file on the host that holds the repository's password."""
    repo_password: SecretRef | None = None
    """Reference to the repository's password, where the host has no file; it arrives by standard input."""
    of_host: Annotated[str, Len(1, 253)] | None = None
    """Only snapshots of this host. Left out, each host of the repository must have a recent one."""
    of_path: RemotePath | None = None
    """Only snapshots that hold this path as it was given to `restic backup`."""
    tag: Annotated[str, Len(1, 200)] | None = None
    """Only snapshots with this tag."""
    subset: Annotated[str, Len(2, 14)] | None = None
    """How much is read for rung 4: `5%`, `1/7` or `500M`. Left out, everything."""
    past_lock: bool = False
    """Whether it may be read although another program holds its lock; that is a warning at best."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.password_file is not None and self.repo_password is not None:
            raise ValueError("The password comes by 'password_file' or by 'repo_password', not by both.")
        if self.password_file is None and self.repo_password is None:
            raise ValueError("Name the 'password_file' on the host, or a reference as 'repo_password'.")
        if re.search(r"://[^/@]*:[^/@]*@", self.repo):
            raise ValueError("'repo' holds a password, which every user of the host could read.")
        if self.subset is not None:
            _require_subset(self.subset)

    async def climb(self, walk: Walk) -> None:
        """List, look for locks, check, read, and restore a sample."""
        repository = Repository(walk, self)
        newest = await self._list(walk, repository)
        if newest is None:
            return
        if self.min_level < COMPLETE:
            await repository.note_locks()
        if walk.wants(COMPLETE):
            await repository.respect_locks()
            await repository.check()
        if walk.wants(COMPLETE):
            await repository.sizes(newest)
        if walk.wants(INTEGRITY):
            await repository.read_data()
        if walk.wants(SAMPLE):
            await self._sample(walk, repository, newest)
            if self.rto is not None:
                await repository.timed(newest)

    async def _list(self, walk: Walk, repository: Repository) -> Snapshot | None:
        """Tell `exists`; return the snapshot that is looked at further."""
        result = await repository.run("snapshots", "--json")
        if not result.ok:
            self._not_listed(walk, repository, result)
            return None
        every = told.parse_snapshots(result.stdout)
        damaged = "could not load snapshot" in result.errors
        found = [one for one in every if self._meant(one)]
        if not found:
            asked = self._filter()
            held = f"{len(every)} of {_groups_named(every)}" if every else "none"
            broken = f" {told.complaint(result)}" if damaged else ""
            walk.failed(
                EXISTS, "restic snapshots",
                f"No snapshot{asked} is there (all that can be read: {held}).{broken}",
                "Make a backup; if one should be there, look at the host's name, the path and the tag.",
            )  # fmt: skip
            return None
        groups = self._groups(found)
        group = min(groups.values(), key=lambda one: one[0].time)
        newest = group[0]
        walk.newest = newest.time
        walk.history = [
            Past(id=one.id, at=rfc3339(one.time), bytes=one.bytes, files=one.files) for one in group[1:100]
        ]
        snapshots = f"{len(found)} snapshot{'' if len(found) == 1 else 's'}{self._filter()}"
        which = f"{newest.id[:8]} of {minute(newest.time)}"
        if len(groups) == 1:
            which = f"{snapshots}, the newest {which}"
        else:
            which = (
                f"{snapshots} in {len(groups)} groups; judged by the group whose newest is oldest: "
                f"{_named(newest)}, {which}. Name 'of_host' and 'of_path' to judge another"
            )
        walk.proven(EXISTS, "restic snapshots", f"{safe(which, limit=700)}.")
        if damaged:
            walk.failed(COMPLETE, "restic snapshots", told.complaint(result), MEND)
        return newest

    def _not_listed(self, walk: Walk, repository: Repository, result: CommandResult) -> None:
        """Tell `exists` of a list that did not come; raise CannotTell where that is no answer."""
        what = told.why(result) if result.whole else "other"
        if what == "missing":
            walk.failed(
                EXISTS, "restic snapshots", f"There is no repository: {told.complaint(result)}.",
                "Correct 'repo'; if the place is right, mount its disk or look who removed it.",
            )  # fmt: skip
        elif what == "damaged":
            said = told.complaint(result)
            walk.failed(EXISTS, "restic snapshots", f"It cannot be opened: {said}.", MEND)
        else:
            raise repository.trouble(result, what)

    def _meant(self, one: Snapshot) -> bool:
        return (
            self.of_host in (None, one.host)
            and (self.of_path is None or self.of_path in one.paths)
            and (self.tag is None or self.tag in one.tags)
        )

    def _groups(self, found: Sequence[Snapshot]) -> dict[tuple[str, tuple[str, ...]], list[Snapshot]]:
        """Return the snapshots by host and paths (by host where a path is asked for), each newest first."""
        groups: dict[tuple[str, tuple[str, ...]], list[Snapshot]] = {}
        for one in found:
            groups.setdefault((one.host, () if self.of_path else one.paths), []).append(one)
        return groups

    def _filter(self) -> str:
        words = [(" of the host ", self.of_host), (" with the path ", self.of_path), (" tagged ", self.tag)]
        return "".join(f"{what}{safe(value, limit=120)}" for what, value in words if value)

    async def _sample(self, walk: Walk, repository: Repository, newest: Snapshot) -> None:
        result = await repository.run("ls", "--json", "--", newest.id, max_stdout=MAX_LISTING)
        cut = result.ended == "output-cap"
        listing = told.parse_ls(result.stdout if cut else require(result, walk.remote), cut=cut)
        files = list(listing.files)
        if cut:
            walk.notes.append(
                f"The sample was drawn from the first {len(files):,} files of the snapshot only."
            )
            if self.canary and self.canary.path not in {file.path for file in files}:
                files.append(Candidate(path=self.canary.path))

        async def restore(paths: Sequence[str]) -> Mapping[str, Restored]:
            return await repository.restore(newest.id, paths)

        await compare(walk, self, files, restore, seed=newest.id, unaddressable=listing.unaddressable)


def _require_subset(text: str) -> None:
    part, _, parts = text.partition("/")
    if not _SUBSET.fullmatch(text) or (parts and int(part) > int(parts)):
        raise ValueError("'subset' is a share like 5%, a part like 1/7 or a size like 500M.")
    if text.endswith("%") and not 0 < float(text[:-1]) <= 100:
        raise ValueError("'subset' lies above 0% and is at most 100%.")


def _named(one: Snapshot) -> str:
    return safe(f"{one.host or 'no host'}: {', '.join(one.paths)}", limit=200)


def _groups_named(every: Sequence[Snapshot]) -> str:
    names = list(dict.fromkeys(map(_named, every)))
    return "; ".join(names[:3]) + (f" and {len(names) - 3} others" if len(names) > 3 else "")
