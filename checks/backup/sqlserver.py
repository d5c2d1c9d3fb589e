"""backup.sqlserver: a database's backups are there, recent, unbroken, and restore if asked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from checks.backup import _sqlserver as sql
from checks.backup._check import BackupCheck, RemotePath
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, QUERIED, SAMPLE, Past
from checks.backup._sqlserver import SqlBackup
from checks.backup._walk import Walk
from checks.bounds import Len
from checks.remote.check import require_login
from checks.remote.windows import ask, flag, number, word
from checks.safe import safe
from checks.words import minute, rfc3339

WHAT = "SQL Server"
DAMAGE = frozenset({3183, 3189, 3203, 3241, 3242, 3270, 3284})
"""Errors of RESTORE that say the backup itself is damaged (3189: damage to the backup set was detected)."""
NO_SUCH_FILE = "error 2("


class Sqlserver(BackupCheck):
    """The backups that a restore of a SQL Server database needs are there, recent and unbroken.

    Proves: the chain of full backup, newest differential and logs without a gap; that each file on disk holds
    the very backup that msdb lists (HEADERONLY); with rung 4 that each page matches its checksum (VERIFYONLY
    WITH CHECKSUM); with `load` that it restores, passes DBCC CHECKDB and answers a query.
    Cannot prove: a backup that another program took through VSS or a virtual device, or one in the cloud;
    without `load`, that it restores; VERIFYONLY is no restore, and of a backup without checksums it reads the
    headers only. That jobs, logins and other databases come along. Written after Microsoft's documentation
    and never run on a real server.
    If it fails: make a full backup WITH CHECKSUM, mend the broken chain of logs, keep the files where msdb
    says they are.

    Source: Microsoft Learn: dbo.backupset, RESTORE HEADERONLY, RESTORE VERIFYONLY, DBCC CHECKDB.

    Example:
        type: backup.sqlserver
        host: sql.example.net
        user: Administrator
        database: Sales
        rpo: 1h
    """

    system: ClassVar[str] = "sqlserver"
    database: Annotated[str, Len(1, 128)]
    """The database."""
    instance: Annotated[str, Len(1, 50)] | None = None
    """The instance on that host; left out, the default one."""
    load: bool = False
    """Whether it is restored under a name of its own (`gonogo_scratch_...`), checked and dropped again.
    This writes on the server, and needs `scratch`."""
    scratch: RemotePath | None = None
    """A directory on the server with room for the database's files, such as `D:\\scratch`."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.load and not self.scratch:
            raise ValueError(
                "'load' restores the database, and needs a 'scratch' directory with room for it."
            )
        if self.load and self.min_level < SAMPLE:
            raise ValueError("'load' serves rungs 5 and 6: ask for them by 'min_level'.")
        if self.instance and not self.instance.replace("_", "").replace("$", "").isalnum():
            raise ValueError("'instance' is the name of an instance, without the server.")

    def subject(self) -> str:
        """Return host and database."""
        return f"{self.host}: {self.database}"

    async def climb(self, walk: Walk) -> None:
        """Ask msdb, then the files, then (if asked) restore."""
        told = sql.read(await ask(walk.remote, sql.LOOK(self._given(60), timeout_s=90.0), WHAT))
        needed, useless = sql.chain(told.backups)
        if not needed:
            others = sum(one.snapshot for one in told.backups)
            walk.failed(
                EXISTS, "msdb", f"There is no full backup of {safe(self.database)} to restore"
                + (f" ({others} were taken by another program through VSS)." if others else "."),
                "Make a full backup: BACKUP DATABASE ... WITH CHECKSUM; or check the other program.",
            )  # fmt: skip
            return
        newest = needed[-1]
        walk.newest = newest.start
        walk.bytes = needed[0].bytes
        earlier = [
            one for one in told.backups if one is not newest and one.type in "DIL" and not one.snapshot
        ]
        walk.history = [
            Past(id=one.uuid, at=rfc3339(one.start), bytes=one.bytes if one.type == "D" else None)
            for one in reversed(earlier) if one is not needed[0]
        ]  # fmt: skip
        away = [one for one in needed if not one.on_disk]
        if away:
            walk.unknown(
                EXISTS, "msdb", f"{len(away)} of {len(needed)} backups do not lie in files, such as "
                f"{safe(', '.join(away[0].files), limit=200) or 'a virtual device'}.",
                "Look at the program that took them, or back up to disk.",
            )  # fmt: skip
            return
        results = await self._read(walk, needed)
        if self._exist(walk, needed, results):
            if walk.wants(COMPLETE):
                _whole(walk, needed, useless, told.model)
            if walk.wants(INTEGRITY):
                _intact(walk, needed, results)
            if walk.wants(SAMPLE):
                await self._restored(walk, needed)

    def _given(self, seconds: float) -> dict[str, Any]:
        server = f"localhost\\{self.instance}" if self.instance else "localhost"
        return {"server": server, "database": self.database, "seconds": int(seconds)}

    async def _read(self, walk: Walk, needed: list[SqlBackup]) -> Mapping[str, dict[str, Any]]:
        left = max(30.0, walk.vantage.remaining() - 10)
        given = self._given(left) | {
            "verify": self.min_level >= INTEGRITY,
            "sets": [_set(one) for one in needed],
        }
        return sql.verified(await ask(walk.remote, sql.VERIFY(given, timeout_s=left), WHAT))

    def _exist(self, walk: Walk, needed: list[SqlBackup], results: Mapping[str, dict[str, Any]]) -> bool:
        """Tell whether each file holds the backup that msdb lists: msdb alone is a record of the past."""
        how = "RESTORE HEADERONLY"
        for one in needed:
            result = results.get(one.uuid, {})
            found = word(result.get("found")).lower()
            where = safe(", ".join(one.files), limit=200)
            error = word(result.get("error"))
            if found == one.uuid:
                continue
            if found or NO_SUCH_FILE in error or number(result.get("code")) in DAMAGE:
                what = "holds another backup" if found else safe(error, limit=200)
                walk.failed(
                    EXISTS, how, f"{where} ({_kind(one)} of {minute(one.start)}): {what}.",
                    "Bring the file back to its place, or make a full backup now.",
                )  # fmt: skip
            else:
                walk.unknown(
                    EXISTS, how, f"{where} ({_kind(one)} of {minute(one.start)}) could not be looked at: "
                    f"{safe(error, limit=200) or 'it does not hold that backup'}.",
                    "Let the service account of SQL Server read the file, and run the check again.",
                )  # fmt: skip
            return False
        walk.proven(
            EXISTS, how, f"{len(needed)} backups make the newest state; the last is a {_kind(needed[-1])} of "
            f"{minute(needed[-1].start)}.",
        )  # fmt: skip
        return True

    async def _restored(self, walk: Walk, needed: list[SqlBackup]) -> None:
        how = "restore under another name"
        if not self.load or not self.scratch:
            walk.unknown(
                SAMPLE, how, "It was not asked for, since it writes on the server.",
                "Write 'load: true' and a 'scratch' directory, or restore it elsewhere and attest it.",
            )  # fmt: skip
            return
        name = f"gonogo_scratch_{secrets.token_hex(6)}"
        left = max(60.0, walk.vantage.remaining() - 10)
        given = self._given(left) | {
            "scratch": name, "folder": self.scratch, "sets": [_set(one) for one in needed]
        }  # fmt: skip
        walk.vantage.note(
            f"The database {self.database} is restored as {name} into {self.scratch}, then dropped."
        )
        answer = await ask(walk.remote, sql.RESTORE(given, timeout_s=left), WHAT)
        if number(answer.get("restored")) != len(needed):
            walk.unknown(SAMPLE, how, "Not every backup of the chain was restored.", "Restore it by hand.")
            return
        wrong = sql.checkdb(answer)
        if wrong is None:
            walk.unknown(SAMPLE, "DBCC CHECKDB", "What it said is not told.", "Run it by hand.")
        elif wrong:
            walk.failed(
                SAMPLE, "DBCC CHECKDB", f"{len(wrong)} complaints: {safe(wrong[0], limit=300)}",
                "Mend the database (DBCC CHECKDB of the live one), and back up anew.",
            )  # fmt: skip
        else:
            walk.proven(SAMPLE, how, f"{len(needed)} backups were restored, and DBCC CHECKDB found nothing.")
        if walk.wants(QUERIED):
            tables, rows = number(answer.get("tables")), number(answer.get("rows"))
            if tables and rows:
                walk.proven(QUERIED, "a query", f"{tables} tables with {rows:,} rows.")
            else:
                walk.unknown(
                    QUERIED, "a query", "It holds no rows.", "Look whether that is the right database."
                )


def _set(one: SqlBackup) -> dict[str, Any]:
    return {"uuid": one.uuid, "type": one.type, "position": one.position, "files": list(one.files)}


def _kind(one: SqlBackup) -> str:
    return {"D": "full backup", "I": "differential", "L": "log backup"}.get(one.type, "backup")


def _whole(walk: Walk, needed: list[SqlBackup], useless: int, model: str) -> None:
    bad = [one for one in needed if one.damaged or one.incomplete]
    if bad:
        walk.failed(
            COMPLETE, "msdb", f"The {_kind(bad[0])} of {minute(bad[0].start)} was damaged or incomplete when "
            "it was made.", "Run DBCC CHECKDB on the database, mend it, and back up anew.",
        )  # fmt: skip
    elif useless:
        walk.failed(
            COMPLETE, "msdb", f"The chain of logs has a gap: {useless} later log backups cannot be restored.",
            "Make a full or differential backup now; find out who else backs up logs of this database.",
        )  # fmt: skip
    else:
        more = ""
        if model in ("FULL", "BULK_LOGGED") and not any(one.type == "L" for one in needed):
            more = f" Its recovery model is {safe(model)}, and no log is backed up after it."
        walk.proven(COMPLETE, "msdb", f"The chain has no gap.{more}")


def _intact(walk: Walk, needed: list[SqlBackup], results: Mapping[str, dict[str, Any]]) -> None:
    how = "RESTORE VERIFYONLY WITH CHECKSUM"
    for one in needed:
        result = results.get(one.uuid, {})
        name = f"{_kind(one)} of {minute(one.start)}"
        error = word(result.get("error"))
        if flag(result.get("damaged")) is True or number(result.get("code")) in DAMAGE:
            walk.failed(
                INTEGRITY, how, f"The {name} is damaged: {safe(error, limit=200)}",
                "Make a full backup WITH CHECKSUM now, and look at the disk that held this one.",
            )  # fmt: skip
            return
        if not one.sums:
            walk.unknown(
                INTEGRITY, how, f"The {name} was written without checksums: only its headers are read.",
                "Back up WITH CHECKSUM (sp_configure 'backup checksum default').",
            )  # fmt: skip
            return
        if error or flag(result.get("verified")) is not True:
            walk.unknown(
                INTEGRITY, how, f"The {name} was not verified: {safe(error, limit=200) or 'untold'}.",
                "Run RESTORE VERIFYONLY by hand and mend what it says.",
            )  # fmt: skip
            return
    walk.proven(INTEGRITY, how, f"{len(needed)} backups: every page matches its checksum.")
