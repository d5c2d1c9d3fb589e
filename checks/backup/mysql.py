"""backup.mysql: the newest dump or physical backup of MySQL or MariaDB is young, whole, and can be loaded."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar

from checks.backup._archive_files import (
    LIST,
    PARTIAL,
    ArchiveFile,
    Looked,
    kind_of,
    listed,
    look,
    sealed,
    settled,
)
from checks.backup._archive_proof import by_checksum
from checks.backup._check import BackupCheck, RemotePath
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._my_dump import COMPLETED, begin, folders, local_time, physical, whole
from checks.backup._my_load import MyWish, load
from checks.backup._pg_dump import NO_DATA, READ
from checks.backup._walk import Walk
from checks.bounds import Len
from checks.params import Port
from checks.remote.check import require_login
from checks.remote.sql import Connect, SqlName, require_name
from checks.safe import safe
from checks.vantage import CannotTell
from checks.words import rfc3339

_NEW = "Make a new dump; look whether the disk was full and what the job's log says."
_JUST_NOW = timedelta(minutes=2)


class Mysql(BackupCheck):
    """The newest backup of a MySQL or MariaDB database is recent, whole, and can be loaded.

    Takes what mysqldump and mariadb-dump write (also packed by gzip, xz, zstd or bzip2), and the folders of
    mariabackup and xtrabackup.

    Proves: (3) a dump was read to its last line, 'Dump completed'. (4) the checksums of its packing or of a
    `checksum` file hold; SQL has none of its own. A folder of mariabackup has no list of its files: it stays
    at 1 without a `manifest`, by which it reaches 4. (5) the dump was loaded into a database made for it, by
    an account that may nothing elsewhere, and every table has the count and content of `compare_database`.
    Cannot prove: that accounts are backed up, or that a physical backup can be prepared. A dump tells only
    when it ended, in the local time of its host; its begin is taken from the file. Views
    are loaded without their DEFINER; triggers, routines and events are not loaded, since an account without
    SUPER may not make them. A server of MySQL (not MariaDB) is not loaded into.
    If it fails: make a new dump with enough space and read the log of the job.

    Source: MariaDB Knowledge Base, mariadb-dump and mariadb-backup; MySQL Reference Manual, mysqldump.

    Example:
        type: backup.mysql
        host: db.example.net
        user: tech
        sudo: true
        path: /backup/app-*.sql.gz
        database: app
        load: true
        compare_database: app
        as_user: root
        min_level: 5
    """

    system: ClassVar[str] = "mysql"

    path: RemotePath
    """The dump, the folder of a physical backup, or a glob of one series of them."""
    database: SqlName | None = None
    """The database that it must be of; a dump of all databases does not say which are in it."""
    checksum: RemotePath | None = None
    """File with the `sha256sum` line of the dump; `*` stands for the dump's path: `*.sha256`."""
    load: bool = False
    """Whether the dump is loaded into a database that is made for it on this server and dropped again."""
    compare_database: SqlName | None = None
    """The database on this server that the loaded one must be like, table by table."""
    changing: Annotated[tuple[Annotated[str, Len(1, 200)], ...], Len(0, 200)] = ()
    """Tables that may differ because they change: names with `*` and `?`."""
    as_user: Annotated[str, Len(1, 104)] | None = None
    """The dump is loaded by sudo as this user: `root`."""
    defaults_file: RemotePath | None = None
    """Option file of the client on the host, which holds the account and password that load it."""
    socket: RemotePath | None = None
    """The server's socket, or a host name."""
    database_port: Port | None = None
    """Port of the database server."""
    login: SqlName | None = None
    """The account that loads it; left out, as the client has it."""
    manifest: RemotePath | None = None
    """A file on the host with `sha256sum` lines of a physical backup's files, by which it reaches rung 4."""

    def __post_init__(self) -> None:
        require_login(self)
        for name in (self.database, self.compare_database):
            if name is not None:
                require_name(name)
        if not self.load and (self.compare_database or self.changing):
            raise ValueError("'compare_database' and 'changing' need 'load: true'.")
        if self.as_user and not self.sudo and self.as_user != self.user:
            raise ValueError("'as_user' is reached by sudo: set 'sudo: true' as well.")

    async def climb(self, walk: Walk) -> None:
        """Find the newest, say what it is, read all of it, look again, load it."""
        files = await listed(walk.remote, self.path, self.root)
        dirs = await folders(walk.remote, LIST(self.path, timeout_s=60.0, as_user=self.root))
        found = [file for file in (*files, *dirs) if not PARTIAL.search(file.path)]
        found.sort(key=lambda file: (file.begun, file.written, file.path), reverse=True)
        if not found:
            walk.failed(
                EXISTS, "list of the files", f"No backup lies at {safe(self.path, limit=300)}"
                f"{', only unfinished ones' if files or dirs else ''}.", "Make a backup, or correct 'path'.",
            )  # fmt: skip
            return
        newest, *earlier = found
        walk.newest = newest.begun
        walk.history = [
            Past(id=safe(one.path, limit=300), at=rfc3339(one.begun), bytes=one.size or None)
            for one in earlier[:100]
        ]
        if newest in dirs:
            await physical(walk, newest.path, self.manifest or "", self.root)
        else:
            await self._file(walk, newest)

    async def _file(self, walk: Walk, newest: ArchiveFile) -> None:
        seen, shown = await look(walk.remote, newest.path, self.root), safe(newest.path, limit=300)
        walk.bytes = newest.size
        if newest.size == 0 and not seen.writers:
            walk.failed(EXISTS, "size of the newest file", f"{shown} is empty.", _NEW)
            return
        if not seen.readable:
            walk.proven(EXISTS, "list of the files", f"The newest is {shown}.")
            walk.trying = COMPLETE
            raise CannotTell(
                f"{shown} may not be read by this account.",
                "Log in as an account that may read the backups, or set 'sudo: true'.",
            )
        pack = kind_of(seen.head)
        pack = pack if pack in ("gz", "xz", "zst", "bz2") else "none"
        known, database = await begin(walk.remote, newest.path, pack, self.root)
        what = "a dump as SQL" if known else "no dump of MySQL or MariaDB by its first lines"
        walk.proven(EXISTS, "begin of the newest file", f"{shown}: {newest.size:,} bytes, {what}.")
        if self.database and database and database != self.database:
            walk.failed(
                EXISTS, "name of the database", f"It is of the database {safe(database)}, not of "
                f"{safe(self.database)}.", "Correct 'path' or the job.",
            )  # fmt: skip
        elif self.database and known and not database and not self.compare_database:
            walk.unknown(
                COMPLETE, "name of the database",
                f"It is of several databases, and does not say whether {safe(self.database)} is one.",
                "Dump that database by itself, or leave out 'database'.",
            )  # fmt: skip
        if not walk.wants(COMPLETE) or not await self._read(walk, newest, seen, pack, known=known):
            return
        if walk.wants(INTEGRITY):
            await self._integrity(walk, newest.path, pack, seen)
        if self.load and walk.wants(SAMPLE):
            wish = MyWish(
                connect=self._connect(), compare=self.compare_database or "", changing=self.changing,
                frozen=self._frozen(walk),
            )  # fmt: skip
            await load(walk, newest.path, pack, wish, newest.size)
        elif walk.wants(SAMPLE):
            walk.unknown(
                SAMPLE, "loading it", "Loading was not permitted.", "Set 'load: true' and 'compare_database'."
            )

    async def _read(self, walk: Walk, newest: ArchiveFile, seen: Looked, pack: str, *, known: bool) -> bool:
        if seen.writers:
            return self._busy(walk, f"Process {seen.writers[0]} is writing into it.")
        command = READ(
            newest.path, "plain", pack, as_user=self.root, heavy=True,
            timeout_s=max(10.0, walk.vantage.remaining() - 10),
        )  # fmt: skip
        wrong, end = whole(await walk.remote.run(command), walk.remote)
        if not known and end:
            raise CannotTell(
                "It does not begin as mysqldump's files do, so its end cannot be told either.",
                "Dump without --skip-comments and --compact, or check another file.",
            )
        if await settled(walk.remote, newest.path, self.root) != seen.state:
            return self._busy(walk, "It changed while it was read.")
        if wrong not in ("", NO_DATA) and walk.now is not None and walk.now - newest.written < _JUST_NOW:
            return self._busy(walk, f"It was written into moments ago. {wrong}")
        if wrong:
            walk.failed(COMPLETE, "reading all of it", wrong, _NEW)
            return False
        ended = COMPLETED.search(end)
        if ended and ended[1]:
            told = await local_time(walk.remote, re.sub(r"  +", " ", ended[1]))
            if told is not None and walk.newest is not None and told < walk.newest:
                walk.newest = told
        walk.notes.append(
            "A dump does not say when it was begun: its age is counted from the file, or from its last line."
        )
        walk.proven(COMPLETE, "reading all of it", "It was read to its last line, 'Dump completed'.")
        return True

    @staticmethod
    def _busy(walk: Walk, detail: str) -> bool:
        walk.unknown(
            COMPLETE, "second look at the dump", f"{detail} It may not be finished.",
            "Run the check again when the backup has ended.",
        )  # fmt: skip
        return False

    async def _integrity(self, walk: Walk, path: str, pack: str, seen: Looked) -> None:
        how = "checksums of the dump"
        if self.checksum:
            told = await by_checksum(self, walk, path, self.checksum.replace("*", path))
            if told:
                walk.proven(INTEGRITY, "checksum of the file", told)
        elif sealed(pack, seen.head):
            walk.proven(INTEGRITY, how, f"All of it was unpacked, and the checksums of {pack} hold.")
        elif self.load:
            walk.absent(INTEGRITY, how, "Its format has no checksums.")
        else:
            walk.unknown(
                INTEGRITY, how, "Its format has no checksums.",
                "Pack it by gzip, let the job write a 'checksum' (sha256sum), or set 'load: true'.",
            )  # fmt: skip

    def _frozen(self, walk: Walk) -> bool:
        since = datetime.fromisoformat(self.newer_than).astimezone(UTC) if self.newer_than else None
        return since is not None and walk.newest is not None and walk.newest > since

    def _connect(self) -> Connect:
        return Connect(
            as_user=self.as_user if self.as_user != self.user else None, socket=self.socket,
            port=self.database_port, login=self.login, defaults_file=self.defaults_file,
        )  # fmt: skip
