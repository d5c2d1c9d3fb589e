"""backup.postgres: the newest dump or base backup of PostgreSQL is young, whole, and can be loaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar

from checks.backup._archive_files import (
    LIST,
    PARTIAL,
    ArchiveFile,
    Looked,
    listed,
    look,
    settled,
)
from checks.backup._archive_proof import by_checksum
from checks.backup._check import BackupCheck, RemotePath
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._pg_base import climb_base
from checks.backup._pg_dump import DIR, NO_DATA, READ, Dump, begun, inspect, inspect_folder, read_wrong
from checks.backup._pg_load import Wish, load
from checks.backup._walk import Walk
from checks.bounds import Len
from checks.params import Port, Regex
from checks.remote.check import require_login
from checks.remote.outcome import require
from checks.remote.sql import Connect, SqlName, require_name
from checks.safe import safe
from checks.vantage import CannotTell
from checks.words import rfc3339

_NEW = "Make a new dump; look whether the disk was full and what the job's log says."
_KINDS = {
    "custom": "a custom-format dump", "tar": "a tar-format dump", "dir": "a directory-format dump",
    "plain": "a dump as SQL", "all": "a dump of all databases as SQL",
}  # fmt: skip
_JUST_NOW = timedelta(minutes=2)


class Postgres(BackupCheck):
    """The newest backup of a PostgreSQL database is recent, whole, and can be loaded.

    Takes what pg_dump (custom, directory, tar, SQL), pg_dumpall and pg_basebackup (plain format) write, dumps
    also packed by gzip, xz, zstd or bzip2.

    Proves: (3) a dump was read to its end, which a list of its contents does not do; a base backup has every
    file of its manifest in its size. (4) the checksums hold: of the packed file, of a `checksum` file, of the
    base backup's manifest. The formats of pg_dump have none of their table of contents, SQL and tar none at
    all: such a dump stays at 3 without `checksum` or `load`. (5) it was loaded into a database made for it,
    and every table has the count and content of `compare_database`. (6) `query` was answered there.
    Cannot prove: that the cluster's roles and settings are backed up, or that a base backup starts. A dump
    tells its begin as local time without a zone: it is read in the host's zone. SQL without --verbose tells
    none, and its last write counts. Loading runs what the dump says: load your own dumps only.
    If it fails: make a new dump with enough space and read the log of the job.

    Source: PostgreSQL documentation, pg_dump, pg_restore, pg_verifybackup, chapter 26.1 (SQL dump).

    Example:
        type: backup.postgres
        host: db.example.net
        user: tech
        sudo: true
        path: /backup/app-*.dump
        database: app
        load: true
        compare_database: app
        as_user: postgres
        min_level: 5
    """

    system: ClassVar[str] = "postgres"

    path: RemotePath
    """The dump, its folder, the folder of a base backup, or a glob of one series of them."""
    database: SqlName | None = None
    """The database that it must be of; plain SQL says so where it was made with `--create`."""
    checksum: RemotePath | None = None
    """File with the `sha256sum` line of the dump; `*` stands for the dump's path: `*.sha256`."""
    wal: RemotePath | None = None
    """Folder with the WAL that a base backup needs, where it is not in the backup."""
    load: bool = False
    """Whether the dump is loaded into a database that is made for it on this server and dropped again."""
    compare_database: SqlName | None = None
    """The database on this server that the loaded one must be like, table by table."""
    changing: Annotated[tuple[Annotated[str, Len(1, 200)], ...], Len(0, 200)] = ()
    """Tables that may differ because they change: names with `*` and `?`, like `public.session`."""
    query: Annotated[str, Len(1, 4000)] | None = None
    """A question to the loaded database, as the application would ask it: `SELECT count(*) FROM orders`."""
    answer: Regex | None = None
    """Regular expression that the answer to `query` must match."""
    as_user: Annotated[str, Len(1, 104)] | None = None
    """The dump is loaded by sudo as this user: `postgres`."""
    socket: RemotePath | None = None
    """Directory of the server's socket, or a host name."""
    database_port: Port | None = None
    """Port of the database server."""
    login: SqlName | None = None
    """The role that loads it; left out, as the client has it."""

    def __post_init__(self) -> None:
        require_login(self)
        for name in (self.database, self.compare_database):
            if name is not None:
                require_name(name)
        if not self.load and (self.compare_database or self.query or self.changing):
            raise ValueError("'compare_database', 'changing' and 'query' need 'load: true'.")
        if (self.query is None) != (self.answer is None):
            raise ValueError("'query' and 'answer' belong together.")
        if self.query is not None and not self.query.lstrip()[:1].isalpha():
            raise ValueError("'query' is one statement of SQL, like SELECT count(*) FROM orders.")
        if self.as_user and not self.sudo and self.as_user != self.user:
            raise ValueError("'as_user' is reached by sudo: set 'sudo: true' as well.")

    async def climb(self, walk: Walk) -> None:
        """Find the newest, say what it is, read all of it, look again, load it."""
        files = await listed(walk.remote, self.path, self.root)
        folders = await self._folders(walk)
        found = [file for file in (*files, *folders) if not PARTIAL.search(file.path)]
        found.sort(key=lambda file: (file.begun, file.written, file.path), reverse=True)
        if not found:
            left = len(files) + len(folders)
            walk.failed(
                EXISTS, "list of the files", f"No backup lies at {safe(self.path, limit=300)}"
                f"{', only unfinished ones' if left else ''}.", "Make a backup, or correct 'path'.",
            )  # fmt: skip
            return
        newest, *earlier = found
        walk.newest = newest.begun
        walk.history = [
            Past(id=safe(one.path, limit=300), at=rfc3339(one.begun), bytes=one.size or None)
            for one in earlier[:100]
        ]
        if newest in folders:
            await self._folder(walk, newest)
        else:
            await self._file(walk, newest)

    async def _folders(self, walk: Walk) -> list[ArchiveFile]:
        output = require(
            await walk.remote.run(LIST(self.path, timeout_s=60.0, as_user=self.root)), walk.remote,
            statuses=(0, 1),
        )  # fmt: skip
        found = []
        for row in output.partition(b"\n")[2].split(b"\0"):
            words = row.split(b" ", 4)
            if len(words) == 5 and words[3][:1] == b"4" and len(words[3]) == 4:
                time = datetime.fromtimestamp(int(words[1]), UTC)
                name = words[4].decode("utf-8", "surrogateescape")
                found.append(ArchiveFile(path=name, size=0, written=time, begun=time, known=False))
        return found

    async def _folder(self, walk: Walk, newest: ArchiveFile) -> None:
        dump = await inspect_folder(walk.remote, newest.path, self.root)
        if not dump.kind and not dump.wrong:
            await climb_base(walk, newest.path, self.wal or "", self.root)
            walk.history = [one for one in walk.history if one.bytes is None]
            return
        size, written, _ = await self._measured(walk, newest.path)
        walk.bytes = size
        await self._dump(walk, newest.path, dump, written, size, None)

    async def _measured(self, walk: Walk, path: str) -> tuple[int, datetime, int]:
        output = require(await walk.remote.run(DIR(path, as_user=self.root, timeout_s=60.0)), walk.remote)
        try:
            words = output.decode("ascii", "replace").split("\n")
            return int(words[0].split()[0]), datetime.fromtimestamp(int(words[1]), UTC), int(words[2])
        except (ValueError, IndexError):
            raise CannotTell("The size of the dump could not be read.", "Run the check again.") from None

    async def _file(self, walk: Walk, newest: ArchiveFile) -> None:
        seen = await look(walk.remote, newest.path, self.root)
        walk.bytes = newest.size
        if newest.size == 0 and not seen.writers:
            walk.failed(EXISTS, "size of the newest file", f"{safe(newest.path, limit=300)} is empty.", _NEW)
            return
        if not seen.readable:
            walk.proven(EXISTS, "list of the files", f"The newest is {safe(newest.path, limit=300)}.")
            walk.trying = COMPLETE
            raise CannotTell(
                f"{safe(newest.path, limit=300)} may not be read by this account.",
                "Log in as an account that may read the backups, or set 'sudo: true'.",
            )
        dump = await inspect(walk.remote, newest.path, seen.head, self.root)
        await self._dump(walk, newest.path, dump, newest.written, newest.size, seen)

    async def _dump(
        self, walk: Walk, path: str, dump: Dump, written: datetime, size: int, seen: Looked | None
    ) -> None:
        shown = safe(path, limit=300)
        told = await begun(walk.remote, dump)
        if told is not None:
            walk.newest = min(told, written) if told - written < timedelta(days=1) else told
        else:
            walk.notes.append(
                "The dump does not say when it was begun: its age is counted from its last write."
            )
        what = _KINDS.get(dump.kind, "no dump of PostgreSQL by its first bytes")
        walk.proven(EXISTS, "begin of the newest file", f"{shown}: {size:,} bytes, {what}.")
        if self.database and dump.database and dump.database != self.database:
            walk.failed(
                EXISTS, "name of the database", f"It is of the database {safe(dump.database)}, not of "
                f"{safe(self.database)}.", "Correct 'path' or the job.",
            )  # fmt: skip
        elif self.database and dump.kind and not dump.database and not self.compare_database:
            walk.unknown(
                COMPLETE, "name of the database", f"It does not say whether it is of {safe(self.database)}.",
                "Dump in the custom format (pg_dump -Fc) or with --create, or leave out 'database'.",
            )  # fmt: skip
        if walk.wants(COMPLETE) and await self._read(walk, path, dump, written, seen):
            if walk.wants(INTEGRITY):
                await self._integrity(walk, path, dump)
            if self.load and walk.wants(SAMPLE):
                wish = Wish(
                    connect=self._connect(), compare=self.compare_database or "", changing=self.changing,
                    frozen=self._frozen(walk), query=self.query or "", answer=self.answer or "",
                )  # fmt: skip
                await load(walk, path, dump, wish, size)
            elif walk.wants(SAMPLE):
                walk.unknown(
                    SAMPLE, "loading it", "Loading was not permitted.",
                    "Set 'load: true' and 'compare_database'.",
                )  # fmt: skip

    def _frozen(self, walk: Walk) -> bool:
        since = datetime.fromisoformat(self.newer_than) if self.newer_than else None
        return since is not None and walk.newest is not None and walk.newest > since

    def _connect(self) -> Connect:
        return Connect(
            as_user=self.as_user if self.as_user != self.user else None, socket=self.socket,
            port=self.database_port, login=self.login,
        )  # fmt: skip

    async def _read(self, walk: Walk, path: str, dump: Dump, written: datetime, seen: Looked | None) -> bool:
        if seen is not None and seen.writers:
            return self._busy(walk, f"Process {seen.writers[0]} is writing into it.")
        how = "reading all of it"
        wrong = dump.wrong or "It is no dump of PostgreSQL: it begins as none does."
        if dump.kind:
            kind = "plain" if dump.kind == "all" else dump.kind
            command = READ(
                path, kind, dump.pack, as_user=self.root, heavy=True,
                timeout_s=max(10.0, walk.vantage.remaining() - 10),
            )  # fmt: skip
            wrong = read_wrong(await walk.remote.run(command), walk.remote, dump)
        if seen is not None and await settled(walk.remote, path, self.root) != seen.state:
            return self._busy(walk, "It changed while it was read.")
        if (
            wrong not in ("", NO_DATA)
            and walk.now is not None
            and walk.now - written < _JUST_NOW
            and "begins as none" not in wrong
        ):
            return self._busy(walk, f"It was written into moments ago. {wrong}")
        if wrong:
            walk.failed(COMPLETE, how, wrong, _NEW)
            return False
        tables = "" if dump.tables is None else f", {dump.tables} tables"
        walk.proven(COMPLETE, how, f"It was read to its last line{tables}.")
        return True

    @staticmethod
    def _busy(walk: Walk, detail: str) -> bool:
        walk.unknown(
            COMPLETE, "second look at the dump", f"{detail} It may not be finished.",
            "Run the check again when the backup has ended.",
        )  # fmt: skip
        return False

    async def _integrity(self, walk: Walk, path: str, dump: Dump) -> None:
        how = "checksums of the dump"
        if self.checksum:
            told = await by_checksum(self, walk, path, self.checksum.replace("*", path))
            if told:
                walk.proven(INTEGRITY, "checksum of the file", told)
            return
        if dump.sealed:
            walk.proven(INTEGRITY, how, f"All of it was unpacked, and the checksums of {dump.pack} hold.")
            return
        none = (
            "Its format has no checksum of the table of contents."
            if dump.kind in ("custom", "dir") else "Its format has no checksums."
        )  # fmt: skip
        if self.load:
            walk.absent(INTEGRITY, how, none)
        else:
            walk.unknown(
                INTEGRITY, how, none,
                "Let the job write a 'checksum' (sha256sum) of it or pack it by gzip, or set 'load: true' "
                "with 'compare_database'.",
            )  # fmt: skip
