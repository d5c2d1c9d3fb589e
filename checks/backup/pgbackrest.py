"""backup.pgbackrest: the newest backup of a pgBackRest stanza is young, whole, and its WAL has no gap."""

from __future__ import annotations

import json
import re
from typing import Annotated, ClassVar

from checks.backup._check import BackupCheck, RemotePath
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._pgbackrest import Info, Set, gaps, missing, per_log, read_info, read_verify, segments
from checks.backup._walk import Walk
from checks.bounds import Ge, Le, Len
from checks.remote.check import require_login
from checks.remote.outcome import require, said_by
from checks.safe import in_line, safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import MAX_STDOUT, Command, Program
from checks.words import rfc3339

PGBACKREST = Program("pgbackrest", reads={"info", "verify", "repo-ls"})
_SILENT = ("--log-level-file=off", "--log-level-console=off", "--log-level-stderr=error")
_DAMAGED = ("ChecksumError", "FormatError", "FileMissingError")
_NEW = "Make a new full backup (pgbackrest backup --type=full), and look at the storage of the repository."


class Pgbackrest(BackupCheck):
    """The newest backup of a pgBackRest stanza is recent and whole, and its WAL has no gap.

    Proves: (3) the backup ended without errors and every WAL segment that it needs is in the archive, and
    every later one up to the newest: point-in-time recovery works to there. (4) pgBackRest's verify read
    every file of the newest backup, of what it is based on and of the archive, and the checksums hold.
    Cannot prove: that the restored cluster starts; verify leaves out WAL that is missing altogether, so the
    names in the archive are looked at beside it. Whether the database archives at this moment is
    `pgbackrest check`, which writes.
    If it fails: make a new full backup; for a gap look at the log of archive_command.

    Source: pgBackRest Command Reference, info, verify and repo-ls; the text of verify is that of 2.45.

    Example:
        type: backup.pgbackrest
        host: db.example.net
        user: tech
        sudo: true
        stanza: main
        rpo: 26h
    """

    system: ClassVar[str] = "pgbackrest"

    stanza: Annotated[str, Len(1, 100)]
    """Name of the stanza."""
    config: RemotePath | None = None
    """The configuration file on the host, where it is not /etc/pgbackrest/pgbackrest.conf."""
    repository: Annotated[int, Ge(1), Le(256)] | None = None
    """Number of the repository, where there are several; left out, the first."""
    as_user: Annotated[str, Len(1, 104)] = "postgres"
    """With `sudo`, pgBackRest is run as this user."""
    past_lock: bool = False
    """Whether it may be read although another program holds its lock; that is a warning at best."""

    def __post_init__(self) -> None:
        require_login(self)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", self.stanza):
            raise ValueError(f"{self.stanza!r} is no name of a stanza.")
        if self.past_lock and self.min_level < COMPLETE:
            raise ValueError("'past_lock' is of rung 3 and above.")

    async def climb(self, walk: Walk) -> None:
        """Read what the stanza says, look for its WAL, and have every file read."""
        info = await self._info(walk)
        if info.code in (1, 2, 3) or (info.code == 0 and not info.sets):
            walk.failed(
                EXISTS, "pgbackrest info", f"The stanza {safe(self.stanza)} has no backup: {info.message}.",
                "Correct the stanza's name or make it (stanza-create), then make a full backup.",
            )  # fmt: skip
            return
        if any(word in info.message for word in _DAMAGED):
            walk.failed(
                EXISTS, "pgbackrest info", f"The index of the repository is damaged: {info.message}.",
                "Bring the file that it names back from a copy, or make the stanza and a full backup anew.",
            )  # fmt: skip
            return
        if info.code not in (0, 4) or not info.sets:
            raise CannotTell(
                f"pgBackRest cannot say how the stanza {safe(self.stanza)} is: {info.message}.",
                "Run pgbackrest info as the user that makes the backups: 'as_user' with 'sudo: true'.",
            )
        *earlier, newest = info.sets
        walk.newest = newest.start
        walk.bytes = newest.size
        walk.history = [
            Past(id=one.label, at=rfc3339(one.start), bytes=one.size) for one in earlier[::-1][:100]
        ]
        walk.proven(
            EXISTS, "pgbackrest info", f"{len(info.sets)} backups, the newest {newest.label} "
            f"({newest.kind}), {newest.size:,} bytes.",
        )  # fmt: skip
        if info.locked:
            held = f"A backup of the stanza {safe(self.stanza)} is running, or its lock is held."
            if not self.past_lock:
                walk.trying = COMPLETE
                raise CannotTell(held, "Run it again when that has ended, or set 'past_lock: true'.")
            walk.past_lock = held
        if walk.wants(COMPLETE):
            await self._complete(walk, newest)
        if walk.wants(INTEGRITY):
            await self._integrity(walk, newest)
        if walk.wants(SAMPLE):
            walk.unknown(
                SAMPLE, "restore", "A restore is not made by this check.",
                "Restore into a scratch cluster on another host, and state what it answered.",
            )  # fmt: skip

    async def _complete(self, walk: Walk, newest: Set) -> None:
        if newest.error is not False:
            walk.failed(
                COMPLETE, "pgbackrest info", f"{newest.label} was made with errors: pages of the "
                "database had wrong checksums.", "Look at the database's disk (pg_amcheck), mend it, and "
                "make a full backup.",
            )  # fmt: skip
            return
        names = await self._archive(walk, newest.archive)
        have, each = segments(names), per_log(newest)
        how = "names of the WAL segments in the archive"
        lost = missing(have, newest.first_wal, newest.last_wal, each)
        if lost:
            walk.failed(
                COMPLETE, how, f"WAL that {newest.label} needs is missing: {in_line(lost)}.",
                "It cannot be restored: make a new full backup, and look at the log of archive_command.",
            )  # fmt: skip
            return
        later = gaps(have, newest.first_wal, each)
        if later:
            walk.failed(
                COMPLETE, how, f"The archive has a gap after {newest.label}: {in_line(later)} is missing.",
                "Recovery ends before it: make a new backup, and look at the log of archive_command.",
            )  # fmt: skip
            return
        walk.proven(
            COMPLETE,
            how,
            f"It ended without errors; WAL from {safe(newest.first_wal)} on is there without a gap.",
        )

    async def _integrity(self, walk: Walk, newest: Set) -> None:
        how = "pgbackrest verify"
        time = max(10.0, walk.vantage.remaining() - 10)
        result = await walk.remote.run(self._command("verify", "--output=text", "--verbose", time=time))
        output = require(result, walk.remote).decode(errors="replace")
        seen = read_verify(output, self.stanza)
        own = next((one for one in seen.sets if one[0] == newest.label), None)
        bad = [f"{label} ({status})" for label, status, checked, valid in seen.sets
               if status != "valid" or checked != valid]  # fmt: skip
        checked, valid = seen.wal
        if seen.status == "error" or bad or checked != valid:
            what = [*bad, *([f"{checked - valid} WAL segments"] if checked != valid else [])]
            walk.failed(
                INTEGRITY,
                how,
                f"Not valid: {in_line(what) or safe(said_by(result)) or 'it says error'}.",
                _NEW,
            )
        elif seen.status == "ok" and own is not None and own[2] > 0 and checked > 0:
            walk.proven(
                INTEGRITY, how, f"{own[2]:,} files of {newest.label} and {checked} WAL segments hold."
            )
        else:
            raise CannotTell(
                f"pgBackRest's verify does not say that it read {newest.label}: "
                f"{said_by(result) or 'nothing'}",
                "Run by hand: pgbackrest verify --output=text --verbose (2.39 or newer).",
            )

    async def _info(self, walk: Walk) -> Info:
        result = await walk.remote.run(self._command("info", "--output=json"))
        return read_info(require(result, walk.remote).decode(errors="replace"), self.stanza)

    async def _archive(self, walk: Walk, archive: str) -> list[str]:
        if not re.fullmatch(r"[0-9.]+-[0-9]+", archive):
            raise CannotTell(
                "pgBackRest names no archive of the newest backup.", "Run pgbackrest info by hand."
            )
        place = f"archive/{self.stanza}/{archive}"
        result = await walk.remote.run(self._command("repo-ls", "--output=json", "--recurse", place=place))
        try:
            names = json.loads(require(result, walk.remote))
            return [str(name) for name in names]
        except (ValueError, TypeError, RecursionError):
            raise CannotTell(
                "The list of the archive is cut or no list.", "Run pgbackrest repo-ls."
            ) from None

    def _command(self, verb: str, *options: str, time: float = 60.0, place: str = "") -> Command:
        words = [verb, *options, *_SILENT]
        words += [] if place else [f"--stanza={self.stanza}"]
        words += [f"--config={self.config}"] if self.config else []
        words += [f"--repo={self.repository}"] if self.repository else []
        own = not self.sudo or self.as_user == self.user
        return PGBACKREST(
            *words, *([place] if place else []), as_user="" if own else self.as_user, timeout_s=time,
            heavy=verb == "verify", max_stdout=MAX_STDOUT if verb == "info" else 32 * 1024 * 1024,
        )  # fmt: skip
