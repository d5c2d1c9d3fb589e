"""backup.kopia: a kopia repository holds a snapshot that is recent, whole and restorable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from checks.backup import _kopia as told
from checks.backup._check import RemotePath, SampledBackup
from checks.backup._kopia import KOPIA, SHOW, Snapshot
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._records import parse_records
from checks.backup._sample import Restored, compare
from checks.backup._walk import Walk
from checks.bounds import Len
from checks.contract import CannotTell
from checks.remote.check import require_login
from checks.remote.outcome import fix, reason, require, said_by
from checks.safe import safe
from checks.wire.ssh.command import MAX_STDOUT
from checks.wire.ssh.remote import CommandResult
from checks.words import minute, rfc3339

_MAX = 64 * 1024 * 1024
_ENV = (("KOPIA_CHECK_FOR_UPDATES", "false"),)
_MEND = "Do not rely on it: make a new snapshot into a new repository, then look what damaged this one."
_DAMAGED = (
    "encountered", "missing blob", "invalid checksum", "blob not found", "content not found",
    "object not found", "error reading", "error verifying", "unable to read data", "decrypt",
)  # fmt: skip
_UNREACHED = (
    "permission denied", "connection refused", "no such host", "i/o timeout", "input/output error",
    "access denied", "not connected",
)  # fmt: skip


class Kopia(SampledBackup):
    """A kopia repository holds a snapshot that is recent, whole and, as far as asked, restorable.

    Proves: per rung, that a complete snapshot is listed; that the objects of the newest and the blobs behind
    them exist, and that no file failed when it was made (`snapshot verify`); that every file of it can be
    read and decrypted (`--verify-files-percent=100`); that random files come back as they were.
    Cannot prove: that what was backed up is all that matters. Written by kopia's documentation and sources,
    and never run on a real one: what it does not recognise is told as unknown.
    If it fails: make a new snapshot first; then read what kopia says.

    The repository must be connected for the account (or root, by sudo) with its password kept by kopia, which
    reads no password from standard input. Kopia itself writes its own log and cache.

    Source: kopia documentation, "Verifying Validity of Snapshots" and the reference of its commands.

    Example:
        type: backup.kopia
        host: backup.example.net
        user: tech
        source: root@files.example.net:/srv
        live: /srv
    """

    system = "kopia"

    config_file: RemotePath | None = None
    """Kopia's configuration file on the host, where it is not the account's own."""
    source: Annotated[str, Len(1, 1024)] | None = None
    """Only snapshots of this source: `user@host:/path`, or the path alone. Left out, each source of the
    repository must have a recent one."""

    def __post_init__(self) -> None:
        require_login(self)

    async def climb(self, walk: Walk) -> None:
        """List, verify, read, and restore a sample."""
        newest = await self._list(walk)
        if newest is None:
            return
        if walk.wants(COMPLETE):
            self._failed_files(walk, newest)
            await self._verify(walk, newest, COMPLETE)
        if walk.wants(INTEGRITY):
            await self._verify(walk, newest, INTEGRITY, "--verify-files-percent=100")
        if walk.wants(SAMPLE):
            await self._sample(walk, newest)

    async def _run(
        self, walk: Walk, *words: str, heavy: bool = False, most: int = MAX_STDOUT
    ) -> CommandResult:
        first, *rest = words
        config = [f"--config-file={self.config_file}"] if self.config_file else []
        return await walk.remote.run(
            KOPIA(
                first, *rest, "--no-auto-maintenance", *config, as_user=self.root, env=_ENV, heavy=heavy,
                max_stdout=most, timeout_s=max(1.0, walk.vantage.remaining() - 2),
            )
        )  # fmt: skip

    async def _list(self, walk: Walk) -> Snapshot | None:
        """Tell `exists`; return the snapshot that is looked at further."""
        how = "kopia snapshot list"
        words = ("snapshot", "list", "--all", "--json", "--max-results=100")
        every = told.parse_snapshots(require(await self._run(walk, *words), walk.remote))
        meant = [one for one in every if self.source in (None, one.source, one.path)]
        groups: dict[str, list[Snapshot]] = {}
        for one in meant:
            if not one.incomplete:
                groups.setdefault(one.source, []).append(one)
        if not groups:
            asked = f" of {safe(self.source, limit=200)}" if self.source else ""
            walk.failed(
                EXISTS, how, f"No complete snapshot{asked} is there, of {len(every)} in the repository.",
                "Make a snapshot; if one should be there, look at the name of its source.",
            )  # fmt: skip
            return None
        group = min(groups.values(), key=lambda snapshots: snapshots[0].time)
        newest = group[0]
        walk.newest, walk.bytes, walk.files = newest.time, newest.bytes, newest.files
        walk.history = [
            Past(id=one.id, at=rfc3339(one.time), bytes=one.bytes, files=one.files) for one in group[1:100]
        ]
        which = f"the newest of {minute(newest.time)} of {safe(newest.source, limit=200)}"
        if len(groups) > 1:
            which += f", the stalest of {len(groups)} sources; name 'source' to judge another"
        walk.proven(EXISTS, how, f"{sum(map(len, groups.values()))} complete snapshots, {which}.")
        return newest

    def _failed_files(self, walk: Walk, newest: Snapshot) -> None:
        if newest.failed:
            walk.failed(
                COMPLETE, "kopia snapshot list", f"{newest.failed} files could not be read when it was made.",
                "Let the account that makes the snapshot read them, or exclude them, and make a new one.",
            )  # fmt: skip

    async def _verify(self, walk: Walk, newest: Snapshot, level: int, *words: str) -> None:
        how = " ".join(("kopia snapshot verify", *words))
        if not walk.wants(level):
            return
        which = f"--directory-id={newest.root}" if newest.folder else f"--file-id={newest.root}"
        result = await self._run(walk, "snapshot", "verify", which, *words, heavy=True)
        said = f"{result.errors}\n{result.text}"
        count = told.processed(said)
        if result.ok and count > (1 if newest.folder and newest.files else 0):
            what = "were read" if words else "and the blobs behind them are there"
            walk.proven(level, how, f"{count:,} objects {what}.")
        elif result.ok:
            raise CannotTell(
                f"kopia snapshot verify ended well without saying that it looked at files ({count} objects).",
                "Run it by hand: without naming a snapshot it looks at nothing and ends well.",
            )
        elif self._damaged(result, said):
            walk.failed(level, how, said_by(result), _MEND)
        else:
            raise CannotTell(reason(result, walk.remote), fix(result, walk.remote))

    @staticmethod
    def _damaged(result: CommandResult, said: str) -> bool:
        low = said.lower()
        return (
            result.whole
            and result.status == 1
            and any(words in low for words in _DAMAGED)
            and not any(words in low for words in _UNREACHED)
        )

    async def _sample(self, walk: Walk, newest: Snapshot) -> None:
        if not newest.folder:
            raise CannotTell(
                "The snapshot is of one file, which is not drawn from.", "Restore and compare it by hand."
            )
        listed = require(await self._run(walk, "list", "-l", "-r", newest.root, most=_MAX), walk.remote)
        files, odd = told.parse_list(listed)

        async def restore(paths: Sequence[str]) -> Mapping[str, Restored]:
            config = f"--config-file={self.config_file}" if self.config_file else ""
            command = SHOW(
                newest.root, config, *paths, as_user=self.root, env=_ENV, heavy=True,
                timeout_s=max(1.0, walk.vantage.remaining() - 2),
            )  # fmt: skip
            return parse_records(require(await walk.remote.run(command), walk.remote), paths)

        await compare(walk, self, files, restore, seed=newest.id, unaddressable=odd)
