"""backup.duplicity: a duplicity collection holds a backup that is recent, whole and restorable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import unquote

from checks import jsonable
from checks.backup import _duplicity as told
from checks.backup._check import RemotePath, SampledBackup
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, BackupSeen, Past
from checks.backup._records import parse_records
from checks.backup._sample import Candidate, Restored, compare
from checks.backup._walk import Walk
from checks.bounds import Len
from checks.contract import CannotTell
from checks.params import SecretRef
from checks.remote.check import require_login
from checks.remote.outcome import fix, reason, require
from checks.wire.ssh.command import MAX_STDOUT, Script
from checks.wire.ssh.remote import CommandResult
from checks.words import minute, rfc3339

_MEND = "Do not rely on it: make a full backup into a new place, then look what damaged this one."


class Duplicity(SampledBackup):
    """A duplicity collection holds a backup that is recent, whole and, as far as asked, restorable.

    Proves: per rung, that a backup set is listed; by `duplicity verify`, which reads every volume of the
    newest chain, that each volume is there and is what was written; that random files come back as they were.
    It writes into a folder of its own below `scratch`, which is removed: duplicity keeps its index on disk.
    Cannot prove: that what was backed up is all that matters. Collections encrypted for a key of a keyring
    are not opened, only those with a passphrase or none.
    If it fails: make a full backup first; then read what duplicity says.

    Source: duplicity(1) of 0.8; run against 0.8.22, whose `collection-status` ends well with a volume missing
    and makes the folder of a wrong `file://` address, for which reason that is looked for before.

    Example:
        type: backup.duplicity
        host: backup.example.net
        user: tech
        url: file:///srv/duplicity/files
        repo_password: env:DUPLICITY_PASSPHRASE
        scratch: /var/tmp
    """

    system = "duplicity"

    url: Annotated[str, Len(8, 1024)]
    """The collection as duplicity names it on the host, without a password: `file:///srv/duplicity`."""
    repo_password: SecretRef | None = None
    """Reference to the passphrase; left out, the collection is not encrypted."""
    scratch: RemotePath
    """A directory on the host where duplicity may write its index and what it restores: a folder of our own
    is made in it and removed."""

    def __post_init__(self) -> None:
        require_login(self)
        if not re.match(r"[A-Za-z0-9+]+://", self.url):
            raise ValueError("'url' is written like file:///srv/duplicity or sftp://host/path.")
        if re.search(r"://[^/@]*:[^/@]*@", self.url):
            raise ValueError("'url' holds a password, which every user of the host could read.")
        if not self.scratch.startswith("/"):
            raise ValueError("'scratch' is a directory on the host, from the root: /var/tmp.")

    async def climb(self, walk: Walk) -> None:
        """List, verify, and restore a sample."""
        walk.vantage.note(f"duplicity writes below {self.scratch} on {self.host}: {told.WRITES}.")
        if not await self._list(walk):
            return
        if walk.wants(COMPLETE):
            listed = await self._run(walk, told.LIST)
            if not listed.ok:
                self._not_whole(walk, "duplicity list-current-files", listed)
                return
            names = told.parse_list(listed.stdout)
            walk.files = names.count
            walk.history = _remembered(walk)
            await self._verify(walk, names)
            if walk.wants(SAMPLE):
                await self._sample(walk, names)

    async def _run(self, walk: Walk, script: Script, *words: str, option: bool = False) -> CommandResult:
        secret = walk.vantage.secret(self.repo_password) if self.repo_password else ""
        plain = "" if self.repo_password else "--no-encryption"
        more = [plain] if plain or option else []
        folder = unquote(self.url.removeprefix("file://")) if self.url.startswith("file://") else ""
        return await walk.remote.run(
            script(
                self.scratch or "", self.url, folder, *more, *words, stdin=f"{secret}\n".encode(),
                as_user=self.root,
                timeout_s=max(1.0, walk.vantage.remaining() - 2), heavy=script is told.VERIFY,
                max_stdout=MAX_STDOUT if script is told.STATUS else 64 * 1024 * 1024,
            )
        )  # fmt: skip

    async def _list(self, walk: Walk) -> bool:
        """Tell `exists`; return whether there is more to look at."""
        how = "duplicity collection-status"
        result = await self._run(walk, told.STATUS)
        if not result.ok:
            if result.whole and told.why(result) == "missing":
                walk.failed(
                    EXISTS, how, f"There is no folder {self.url}.",
                    "Correct 'url'; if the place is right, mount its disk or look who removed it.",
                )  # fmt: skip
                return False
            raise self._trouble(walk, result)
        found = told.parse_status(result.text)
        if not found.times and not told.says_none(result.text):
            walk.unknown(
                EXISTS, how, "It does not say which backup chains are there.",
                "Run `duplicity collection-status` by hand as the same account, and see what it prints.",
            )  # fmt: skip
            return False
        if not found.times:
            walk.failed(
                EXISTS, how, f"No backup chain is there. {found.told}".strip(),
                "Make a full backup, or correct 'url'.",
            )  # fmt: skip
            return False
        walk.newest = found.times[0]
        walk.history = [Past(id=rfc3339(time), at=rfc3339(time)) for time in found.times[1:100]]
        count = len(found.times)
        sets = "1 backup set" if count == 1 else f"{count} backup sets"
        walk.proven(EXISTS, how, f"{sets}, the newest of {minute(walk.newest)}.")
        if not found.whole:
            walk.failed(COMPLETE, how, found.told, _MEND)
        return found.whole

    async def _verify(self, walk: Walk, names: told.Names) -> None:
        """Tell `complete` and `integrity`: nothing less than reading every volume shows a lost one."""
        how = "duplicity verify"
        result = await self._run(walk, told.VERIFY)
        count = told.compared(result.text)
        if result.whole and result.status in (0, 1) and count is not None:
            files, differences = count
            if differences or result.status:
                walk.failed(
                    INTEGRITY, how, f"{differences} of {files} files are not what was written.", _MEND
                )
            elif files < names.count or not names.names:
                walk.unknown(
                    COMPLETE, how, f"It compared {files} entries of {names.count} that are listed.",
                    "Run `duplicity verify` by hand, and see what it leaves out.",
                )  # fmt: skip
            else:
                walk.proven(COMPLETE, how, f"Each volume of the chain is there, with {files:,} entries.")
                walk.proven(INTEGRITY, how, "Each volume was read and has the hash of its manifest.")
            return
        self._not_whole(walk, how, result)

    def _not_whole(self, walk: Walk, how: str, result: CommandResult) -> None:
        """Tell of a lost or damaged part; raise CannotTell where duplicity complains of something else."""
        what = told.why(result) if result.whole else "other"
        if result.ok or what not in ("incomplete", "damaged"):
            raise self._trouble(walk, result)
        lost = what == "incomplete"
        words = "A volume is missing" if lost else "It is damaged"
        walk.failed(COMPLETE if lost else INTEGRITY, how, f"{words}: {told.complaint(result)}", _MEND)

    def _trouble(self, walk: Walk, result: CommandResult) -> CannotTell:
        what = told.why(result) if result.whole else "other"
        if what == "denied":
            return CannotTell(
                f"duplicity on {walk.remote.name} may not read {self.url}.",
                "Log in as the account that makes the backups, or say 'sudo: true'.",
            )
        if what == "scratch":
            return CannotTell(
                f"No folder can be made below {self.scratch}.", "Name another directory as 'scratch'."
            )
        if what == "password":
            return CannotTell(
                "The passphrase does not open the collection, or none was given.",
                "Correct 'repo_password'. A collection for a key of a keyring cannot be opened here.",
            )
        return CannotTell(reason(result, walk.remote), fix(result, walk.remote))

    async def _sample(self, walk: Walk, names: told.Names) -> None:
        if not (self.live or self.manifest or self.canary):
            raise CannotTell(
                "duplicity does not tell files from folders, so that none is drawn without a place to look.",
                "Name what they must be: 'live' (the folder that is backed up), a 'manifest' or a 'canary'.",
            )

        async def restore(paths: Sequence[str]) -> Mapping[str, Restored]:
            result = await self._run(walk, told.RESTORE, *paths, option=True)
            return parse_records(require(result, walk.remote), paths)

        await compare(
            walk, self, [Candidate(path=name) for name in names.names], restore,
            seed=rfc3339(walk.newest) if walk.newest else "", unaddressable=names.unaddressable,
        )  # fmt: skip


def _remembered(walk: Walk) -> list[Past]:
    """Return the history with what earlier runs counted when each was the newest."""
    known: dict[str, Any] = {}
    for earlier in walk.vantage.earlier(30):
        try:
            seen = jsonable.from_json(BackupSeen, earlier.observation)
        except ValueError:
            continue
        if seen.system == "duplicity" and seen.newest:
            known.setdefault(seen.newest, seen.files)
    return [Past(id=past.id, at=past.at, files=known.get(past.at)) for past in walk.history]
