"""backup.borg: the newest archive of a borg repository is recent, whole, and comes back as it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from checks.backup._borg import (
    MAX_LIST,
    BorgArchive,
    Said,
    Way,
    ask,
    first_words,
    parse_archives,
    parse_content,
    parse_restored,
    trouble,
)
from checks.backup._borg_scripts import CONTENT, LIST, RESTORE, SIZES, VERIFY, WRITES
from checks.backup._check import RemotePath, SampledBackup
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past, Restore
from checks.backup._sample import Candidate, Restored, compare
from checks.backup._walk import Walk
from checks.bounds import Le, Len
from checks.params import Duration, SecretRef
from checks.remote.check import require_login
from checks.safe import safe
from checks.vantage import CannotTell
from checks.words import rfc3339

_SIZES = 5
"""How many earlier archives are added up: each costs a read of its list."""
_FIX = (
    "Make a new backup into another repository, keep this one as it is, and have 'borg check' (and its "
    "--repair, on a copy) run by whoever knows borg."
)


class Borg(SampledBackup):
    """The newest archive of a borg repository is recent and whole, and what it holds comes back as it was.

    For borg 1.x, run on the host; the repository may be a folder of it or lie elsewhere (`ssh://...`).

    Proves: (1) the repository opens by its key and lists an archive. (3) the archive's list can be read, no
    file in it is marked as repaired with zeros, and no chunk of it is missing. (4) `borg extract --dry-run`
    read, authenticated and unpacked every chunk of the newest archive. (5) random files were restored into a
    pipe and are what the live files, the manifest or the canary say.
    Cannot prove: anything of older archives; that the passphrase and the key file are kept elsewhere, too;
    which job of a host is behind, where several write into one repository: give each its `prefix`.
    `borg check` is not run: even without `--repair` it takes the exclusive lock, which makes a backup fail
    that starts meanwhile, and writes into an encrypted repository (its nonce). `borg check --archives-only`
    does not find overwritten data. What is run puts borg's shared lock into the repository while it reads,
    and its cache into a temporary folder that is removed. Borg writes a new index where that is missing, and
    the check says so.
    If it fails: make a backup into a new repository, then have the damaged one repaired on a copy.

    Source: the manual of borg 1.2 (borg-list, borg-extract, borg-check, internals/frontends).

    Example:
        type: backup.borg
        host: files.example.net
        user: tech
        repo: /backup/borg
        password_file: /etc/borg/passphrase
        sudo: true
        live: /
        min_level: 5
    """

    system: ClassVar[str] = "borg"

    repo: RemotePath
    """The repository as borg is told it: a folder, or `ssh://user@backup.example.net/./repo`."""
    password_file: RemotePath | None = None
    """A file on the host that holds the passphrase."""
    repo_password: SecretRef | None = None
    """Reference to the passphrase, which is then sent by a pipe. Left out with `password_file`, borg is asked
    without one."""
    prefix: Annotated[str, Len(1, 200)] | None = None
    """Only archives whose names begin so are one series: `files-`."""
    of_host: Annotated[str, Len(1, 253)] | None = None
    """Only archives of this host. Left out, each host of the repository must have a recent one."""
    lock_wait: Annotated[Duration, Le(300)] = 15.0
    """How long a lock of somebody else is waited for."""
    past_lock: bool = False
    """Whether it may be read although another program holds its lock; that is a warning at best."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.password_file is not None and self.repo_password is not None:
            raise ValueError("The passphrase is given twice: by 'password_file' and by 'repo_password'.")
        if "::" in self.repo:
            raise ValueError("'repo' is the repository alone, without '::' and an archive.")

    async def climb(self, walk: Walk) -> None:
        """List, add up, read all of the newest archive, restore some of it."""
        walk.vantage.note(f"borg on {walk.name} writes {WRITES}.")
        secret = walk.vantage.secret(self.repo_password) if self.repo_password else ""
        way = Way(
            repo=self.repo, password_file=self.password_file or "", password=secret, wait_s=self.lock_wait,
            as_user=self.root,
        )  # fmt: skip
        said, _ = await ask(walk.remote, LIST, way, timeout_s=120.0 + self.lock_wait)
        if said.locked and self.past_lock:
            walk.past_lock = trouble(said, walk.remote).reason
            way = dataclasses.replace(way, past_lock=True)
            said, _ = await ask(walk.remote, LIST, way, timeout_s=120.0)
        series = self._series(walk, said)
        if series and walk.wants(COMPLETE):
            await self._read(walk, way, series)

    def _series(self, walk: Walk, said: Said) -> Sequence[BorgArchive]:
        how = "borg list"
        if said.status != 0:
            if said.damaged:
                walk.failed(EXISTS, how, f"The repository cannot be opened: {first_words(said)}.", _FIX)
                return ()
            raise trouble(said, walk.remote)
        if b"borg 2." in said.output[:40]:
            raise CannotTell("The host has borg 2, which is not known here.", "Look at it by hand.")
        archives, about = parse_archives(said.output)
        self._notes(walk, said, about)
        hosts: dict[str, list[BorgArchive]] = {}
        for archive in archives:
            if archive.name.startswith(self.prefix or "") and self.of_host in (None, archive.host):
                hosts.setdefault(archive.host, []).append(archive)
        series = min(hosts.values(), key=lambda one: one[0].start, default=[])
        if not series:
            named = f" whose name begins with {safe(self.prefix)}" if self.prefix else ""
            named += f" of the host {safe(self.of_host)}" if self.of_host else ""
            walk.failed(
                EXISTS,
                how,
                f"There is no finished archive in it{named}.",
                "Make a backup, or correct 'prefix' and 'of_host'.",
            )
            return ()
        newest = series[0]
        walk.newest = newest.start
        walk.history = [Past(id=safe(past.name, limit=200), at=rfc3339(past.start)) for past in series[1:101]]
        beside = ""
        if len(hosts) > 1:
            beside = (
                f" It is of {safe(newest.host, limit=100) or 'no host'}, whose newest is the oldest of the "
                f"{len(hosts)} hosts in the repository; name 'of_host' to judge another."
            )
        walk.proven(
            EXISTS, how, f"{len(series)} archives, the newest {safe(newest.name, limit=200)}, encryption "
            f"{safe(about['mode'], limit=40)}.{beside}",
        )  # fmt: skip
        return series

    def _notes(self, walk: Walk, said: Said, about: Mapping[str, str]) -> None:
        indexes = [value for mark, value in said.marks if mark == "index"]
        if len(indexes) == 2 and indexes[0] != indexes[1]:
            walk.notes.append(
                "The index of the repository was missing or damaged, and borg has written a new one."
            )
        for mark, value in said.marks:
            known, _, place = value.partition(" ")
            if mark == "known" and known == about["id"] and place.strip() != about["location"]:
                at = safe(place.strip(), limit=200)
                walk.notes.append(f"The repository has been moved: this account knows it at {at}.")
        if about["mode"] == "none" and (self.password_file or self.repo_password):
            walk.notes.append("The repository is not encrypted, although a passphrase was given for it.")

    async def _read(self, walk: Walk, way: Way, series: Sequence[BorgArchive]) -> None:
        remote, time, newest = walk.remote, walk.vantage.remaining, series[0]
        said, listing = await ask(
            remote, CONTENT, way, newest.name, timeout_s=max(5.0, time() - 30), most=MAX_LIST
        )
        if said.status not in (0, 1):
            self._refused(walk, said, COMPLETE, "borg list of the archive")
            return
        files, odd, ill = parse_content(said.output)
        total = sum(file.size or 0 for file in files)
        walk.bytes, walk.files = total, len(files) + odd
        if not total:
            walk.failed(
                COMPLETE, "borg list of the archive", "There is no file with content in it.",
                "Look what the job backs up: an unmounted folder is empty, too.",
            )  # fmt: skip
            return
        if ill:
            walk.failed(
                COMPLETE, "borg list of the archive", f"{ill:,} files are marked as repaired with zeros.",
                _FIX,
            )  # fmt: skip
            return
        await self._sizes(walk, way, series)
        said, verified = await ask(
            remote, VERIFY, way, newest.name, timeout_s=max(5.0, time() - 20), most=MAX_LIST
        )
        if said.status != 0:
            lost = "ObjectNotFound" in "".join(said.ids) or "FileNotFoundError" in said.errors
            if said.damaged and not lost:
                walk.proven(COMPLETE, "borg list of the archive", f"{walk.files:,} files of {total:,} bytes.")
            self._refused(
                walk, said, COMPLETE if lost or not said.damaged else INTEGRITY, "borg extract --dry-run"
            )
            return
        walk.proven(
            COMPLETE,
            "borg list of the archive",
            f"{walk.files:,} files of {total:,} bytes, no chunk missing.",
        )
        if walk.wants(INTEGRITY):
            walk.proven(
                INTEGRITY, "borg extract --dry-run",
                f"All {total:,} bytes of {walk.files:,} files were read, authenticated and unpacked.",
            )  # fmt: skip
        took = round(max(verified.duration_s, 0.001), 3)
        walk.restore = Restore(
            bytes=total, files=walk.files, seconds=took, startup_s=round(min(listing.duration_s, took), 3),
            total_bytes=total, total_files=walk.files,
        )  # fmt: skip
        if walk.wants(SAMPLE):
            await self._sample(walk, way, newest, files, odd)

    @staticmethod
    def _refused(walk: Walk, said: Said, level: int, how: str) -> None:
        if not said.damaged:
            raise trouble(said, walk.remote)
        walk.failed(level, how, f"It ended with status {said.status}: {first_words(said)}.", _FIX)

    async def _sizes(self, walk: Walk, way: Way, series: Sequence[BorgArchive]) -> None:
        """Add up what the earlier archives hold; where that cannot be read, they are not compared."""
        past = walk.history[: min(self.history, _SIZES)]
        if not past:
            return
        words = [archive.name for archive in series[1 : 1 + len(past)]]
        said, _ = await ask(walk.remote, SIZES, way, *words, timeout_s=max(5.0, walk.vantage.remaining() / 2))
        rows = [value.split() for mark, value in said.marks if mark == "size"]
        bad = any(mark == "bad" for mark, _ in said.marks)
        if bad or len(rows) != len(past) or not all(len(row) == 2 and "".join(row).isdigit() for row in rows):
            walk.notes.append("What earlier archives hold could not be added up.")
            return
        for number, (entry, row) in enumerate(zip(past, rows, strict=True)):
            if int(row[0]):
                walk.history[number] = dataclasses.replace(entry, files=int(row[0]), bytes=int(row[1]))

    async def _sample(
        self, walk: Walk, way: Way, newest: BorgArchive, files: Sequence[Candidate], odd: int
    ) -> None:  # fmt: skip
        async def restore(names: Sequence[str]) -> Mapping[str, Restored]:
            said, _ = await ask(
                walk.remote, RESTORE, way, newest.name, *(f"pf:{name}" for name in names),
                timeout_s=max(5.0, walk.vantage.remaining() - 5),
            )  # fmt: skip
            found = parse_restored(said.output)
            if said.status > 1 and not said.damaged:
                raise trouble(said, walk.remote)
            return found

        await compare(walk, self, files, restore, seed=newest.name, unaddressable=odd)
