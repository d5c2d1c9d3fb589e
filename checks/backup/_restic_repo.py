"""A restic repository, looked at through the host: each method is one question, or a rung of the ladder."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from checks import jsonable
from checks.backup import _restic as told
from checks.backup._ladder import COMPLETE, INTEGRITY, BackupSeen, Past, Restore
from checks.backup._records import parse_records
from checks.backup._restic import DUMP, RESTIC, TIMED, Snapshot
from checks.backup._sample import Restored
from checks.backup._walk import Walk
from checks.contract import CannotTell
from checks.remote.outcome import fix, reason, require
from checks.wire.ssh.remote import CommandResult

RETRY_S = 3.0
"""After so long a lock is looked at once more."""
LOCKS_S = 6.0
"""What is left of the time when a `check` is ended, to ask once more who else is at work."""
MAX_LISTING = 64 * 1024 * 1024
MAX_STATS = 3
"""So many earlier snapshots are measured in one run; the ledger remembers them for the next."""
TIMED_BYTES = 256 * 1024 * 1024
MEND = "Do not rely on it: make a new backup into a new repository, then look what damaged this one."


class Asked(Protocol):
    """The parameters of `backup.restic` that say how the repository is opened and read."""

    @property
    def repo(self) -> str: ...
    @property
    def password_file(self) -> str | None: ...
    @property
    def repo_password(self) -> str | None: ...
    @property
    def subset(self) -> str | None: ...
    @property
    def past_lock(self) -> bool: ...
    @property
    def history(self) -> int: ...
    @property
    def root(self) -> str: ...


class Repository:
    """The repository of one walk."""

    def __init__(self, walk: Walk, asked: Asked) -> None:
        self.walk, self.asked = walk, asked
        self._secret = b""
        if asked.repo_password is not None:
            self._secret = f"{walk.vantage.secret(asked.repo_password)}\n".encode()

    async def run(self, *words: str, seconds: float = 120.0, **options: Any) -> CommandResult:
        """Run one subcommand of restic with its arguments; no lock is taken and nothing is cached."""
        first, *rest = words
        return await self.walk.remote.run(
            RESTIC(
                first, "--no-lock", "--no-cache", *self._options(), *rest, stdin=self._secret,
                as_user=self.asked.root, timeout_s=min(seconds, self._time()), heavy=first == "check",
                **options,
            )
        )  # fmt: skip

    def _options(self) -> tuple[str, str]:
        return f"--repo={self.asked.repo}", f"--password-file={self.asked.password_file or '/dev/stdin'}"

    def _time(self) -> float:
        return max(1.0, self.walk.vantage.remaining() - 2)

    async def sizes(self, newest: Snapshot) -> None:
        """Learn bytes and files: of the snapshots' own summaries, or by `stats`, a few in each run."""
        if newest.bytes is not None:
            self.walk.bytes, self.walk.files = newest.bytes, newest.files
            return
        measured = await self._stats(newest.id)
        if measured is None:
            self.walk.notes.append("restic stats does not tell the size of the newest snapshot.")
            return
        self.walk.bytes, self.walk.files = measured
        known = {newest.id: measured, **_remembered(self.walk)}
        left = MAX_STATS
        history = []
        for at, past in enumerate(self.walk.history):
            size = known.get(past.id) or known.get(past.at)
            if size is None and left and at < self.asked.history and self.walk.vantage.remaining() > 30:
                size, left = await self._stats(past.id), left - 1
            history.append(
                Past(id=past.id, at=past.at, bytes=size[0], files=size[1]) if size else _bare(past)
            )
        self.walk.history = history

    async def _stats(self, snapshot: str) -> tuple[int, int] | None:
        result = await self.run("stats", "--json", "--mode=restore-size", "--", snapshot)
        return told.parse_stats(result.stdout) if result.ok else None

    async def _locks(self) -> str:
        """Return whose locks stand, in words; empty if none does."""
        output = require(await self.run("list", "--", "locks"), self.walk.remote)
        names = [
            name for name in output.decode("ascii", "replace").split() if re.fullmatch(r"[0-9a-f]{64}", name)
        ]
        if len(names) != len(output.split()):
            raise CannotTell("The list of locks cannot be read.", "Run `restic list locks` by hand.")
        owners = []
        for name in names[:3]:
            result = await self.run("cat", "--", "lock", name)
            if result.ok:
                owners.append(told.parse_lock(result.stdout))
        more = len(names) - 3
        return "; ".join([*owners, *([f"{more} more"] if more > 0 else [])]) or (
            "a lock that went, or cannot be read" if names else ""
        )

    async def note_locks(self) -> None:
        """Keep whose locks stand where nothing more is asked than what was listed past them."""
        self.walk.past_lock = await self._locks()

    async def respect_locks(self) -> None:
        """Raise CannotTell where another program works in the repository, unless that was permitted."""
        owner = await self._locks()
        if owner:
            await asyncio.sleep(RETRY_S)
            owner = await self._locks()
        if not owner:
            return
        if self.asked.past_lock:
            self.walk.past_lock = owner
            return
        raise CannotTell(
            f"The repository is locked by {owner}.",
            "Wait until that backup has ended and run the check again. If that process no longer lives, "
            "remove its lock by `restic unlock`.",
        )

    async def check(self) -> None:
        """Tell `complete`."""
        result = await self._verified("restic check", COMPLETE)
        if result is not None:
            self.walk.proven(
                COMPLETE, "restic check", "Index, snapshots, trees and packs are there: no errors were found."
            )

    async def read_data(self) -> None:
        """Tell `integrity`: a part that holds no pack at all ends well, too, and proves nothing."""
        option = f"--read-data-subset={self.asked.subset}" if self.asked.subset else "--read-data"
        how = f"restic check {option}"
        result = await self._verified(how, INTEGRITY, option)
        if result is None:
            return
        packs = told.packs_read(result.text)
        if not packs:
            self.walk.unknown(
                INTEGRITY, how, "It found no errors, and does not say that it read a single pack.",
                "Ask for a larger 'subset', or leave it out so that everything is read.",
            )  # fmt: skip
            return
        self.walk.proven(
            INTEGRITY, how, f"{packs:,} packs were read and are what was written: no errors were found."
        )

    async def _verified(self, how: str, level: int, *words: str) -> CommandResult | None:
        """Return the result of a `check` without errors; None if the rung was told to have failed."""
        result = await self.run("check", *words, seconds=max(1.0, self._time() - LOCKS_S))
        if result.ok:
            if "no errors were found" in result.text.splitlines():
                return result
            raise CannotTell(
                "restic check ended well and does not say that no errors were found.",
                "Run it by hand, and tell what it printed.",
            )
        what = told.why(result) if result.whole else "damaged" if told.lost(result) else "other"
        if what != "damaged":
            raise self.trouble(result, what)
        owner = self.walk.past_lock or await self._locks()
        if owner:
            raise CannotTell(
                f"restic check tells of errors, and meanwhile another program was at work ({owner}): "
                f"{told.complaint(result)}",
                "Run the check again when that program has ended.",
            )
        self.walk.failed(level, how, told.complaint(result), MEND)
        return None

    def trouble(self, result: CommandResult, what: str) -> CannotTell:
        """Return why it could not be told."""
        if what == "password":
            return CannotTell(
                "The password does not open the repository.",
                "Correct 'password_file' or 'repo_password': it must belong to one of the repository's keys. "
                "If it does, see whether the folder 'keys' of the repository is empty or damaged: then "
                "nothing in it can be restored.",
            )
        if what == "denied":
            return CannotTell(
                f"restic on {self.walk.remote.name} may not or cannot read the repository: "
                f"{told.complaint(result)}.",
                "Log in as the account that makes the backups, say 'sudo: true', or mend the way to it.",
            )
        return CannotTell(reason(result, self.walk.remote), fix(result, self.walk.remote))

    async def restore(self, snapshot: str, paths: Sequence[str]) -> Mapping[str, Restored]:
        """Restore files into a pipe and hash them there."""
        command = DUMP(
            *self._positional(snapshot), *paths, stdin=self._secret, as_user=self.asked.root, heavy=True,
            timeout_s=self._time(),
        )  # fmt: skip
        return parse_records(require(await self.walk.remote.run(command), self.walk.remote), paths)

    def _positional(self, snapshot: str) -> tuple[str, str, str, str]:
        repo, file = self._options()
        return "stdin" if self.asked.repo_password else "file", repo, file, snapshot

    async def timed(self, newest: Snapshot) -> None:
        """Restore as many bytes into a pipe as an estimate needs."""
        if not self.walk.bytes or not self.walk.files:
            return
        need = min(self.walk.bytes, max(TIMED_BYTES, self.walk.bytes // 100 + 1))
        command = TIMED(
            *self._positional(newest.id), str(need), stdin=self._secret, as_user=self.asked.root,
            timeout_s=self._time(),
        )  # fmt: skip
        words = require(await self.walk.remote.run(command), self.walk.remote).split()
        numbers = [int(word) for word in words if word.isdigit() and len(word) < 25]
        if len(numbers) != 4 or len(words) != 4 or not 0 < numbers[2] <= need:
            return
        begun, opened, size, ended = numbers
        self.walk.restore = Restore(
            bytes=size, files=max(1, self.walk.files * size // self.walk.bytes),
            seconds=(ended - opened) / 1e9, startup_s=(opened - begun) / 1e9,
            total_bytes=self.walk.bytes, total_files=self.walk.files,
        )  # fmt: skip


def _bare(past: Past) -> Past:
    return Past(id=past.id, at=past.at)


def _remembered(walk: Walk) -> dict[str, tuple[int, int]]:
    """Return bytes and files as earlier runs measured them, by snapshot or by the time of its begin."""
    known: dict[str, tuple[int, int]] = {}
    for earlier in walk.vantage.earlier(5):
        try:
            seen = jsonable.from_json(BackupSeen, earlier.observation)
        except ValueError:
            continue
        if seen.system != "restic":
            continue
        for past in seen.history:
            if past.bytes is not None and past.files is not None:
                known.setdefault(past.id, (past.bytes, past.files))
        if seen.newest and seen.bytes is not None and seen.files is not None:
            known.setdefault(seen.newest, (seen.bytes, seen.files))
    return known
