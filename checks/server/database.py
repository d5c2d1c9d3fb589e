"""server.database: a database holds on the new server what it holds on the old one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Gt, Len
from checks.contract import Finding, Vantage
from checks.params import Duration, Port
from checks.remote.check import Login, RemoteCheck, remote, require_login
from checks.remote.sql import Connect, SqlName, require_name
from checks.server._database_judge import judge_database, known
from checks.server._database_my import my_changes, my_side, my_tables
from checks.server._database_pg import pg_changes, pg_side, pg_tables
from checks.server._database_seen import KINDS, DatabaseSeen, Side, Table
from checks.server._parity import Allowed, require_allowed
from checks.wire.ssh.remote import Remote


class Database(RemoteCheck[DatabaseSeen]):
    """A database holds the same rows on this server as on the source, and replication keeps up.

    Proves: every table has exactly the source's number of rows and the same content (a sum of the hashes of
    all rows, each side in one snapshot); columns, indexes, constraints, views, functions, triggers,
    extensions, settings and accounts are there, sequences are not behind; replication runs within the lag.
    Cannot prove: that passwords and rights of the accounts are the same, or that the application works; nor
    what is written on the source afterwards: run it once the source is frozen. A primary tells of the lag of
    its standbys only what they report.
    If it fails: copy the table that is named again, or start the replication that has stopped; what may
    differ by plan goes into `allowed` by the key that the finding shows.

    Source: PostgreSQL documentation, chapters 13.2.2 (repeatable read) and 28.2 (monitoring statistics);
    MariaDB Knowledge Base, "SHOW REPLICA STATUS".

    Example:
        type: server.database
        host: db-new.example.net
        user: tech
        sudo: true
        engine: postgres
        database: app
        as_user: postgres
        source: {host: db-old.example.net}
        allowed: ["table:public.session", "role:old_report"]
    """

    deadline_s = 600.0

    engine: Literal["postgres", "mysql"]
    """`postgres`, or `mysql` for MySQL and MariaDB."""
    database: SqlName
    """Name of the database on this server."""
    source: Login | None = None
    """The old server, or the primary of the replication. Left out, only the replication is judged."""
    source_database: SqlName | None = None
    """Its name there, if it is another."""
    tables: Annotated[tuple[Annotated[str, Len(1, 200)], ...], Len(1, 200)] | None = None
    """Only these tables: names with `*` and `?` (`public.*`; for MySQL without the database)."""
    checksums: bool = True
    """Whether the contents are compared, too: every row is read. Otherwise only counted."""
    logins: bool = True
    """Whether the accounts of the servers are compared."""
    max_lag: Annotated[Duration, Gt(0)] | None = None
    """How far the replication may be behind; given, there must be one."""
    as_user: Annotated[str, Len(1, 104)] | None = None
    """The client is run by sudo as this user: `postgres`, or `root` for MySQL."""
    defaults_file: Annotated[str, Len(1, 4096)] | None = None
    """Option file of the MySQL client on the host, which holds its account and password."""
    socket: Annotated[str, Len(1, 4096)] | None = None
    """Directory of the server's socket (PostgreSQL), the socket itself (MySQL), or a host name."""
    database_port: Port | None = None
    """Port of the database server, which names its socket as well (PostgreSQL)."""
    login: SqlName | None = None
    """The account of the database; left out, as its client has it. PostgreSQL's password is in ~/.pgpass."""
    source_connect: Connect | None = None
    """How the database is reached on the source, where that is otherwise: `{socket: /run/pg}`."""
    allowed: Allowed = ()
    """Differences that are expected, by the key that a finding shows: `table:public.log`, `role:old*`."""

    def __post_init__(self) -> None:
        require_login(self)
        require_name(self.database)
        require_name(self.source_database or self.database)
        require_allowed(self.allowed, compared=self.source is not None)
        for pattern in self.allowed:
            if not known(pattern):
                raise ValueError(
                    f"The pattern {pattern!r} of 'allowed' means nothing: it begins with one of "
                    f"{', '.join(KINDS)} and a colon."
                )
        if self.source is None and self.max_lag is None:
            raise ValueError("Nothing is asserted: give the 'source' to compare with, or 'max_lag'.")
        if self.source is None and (self.tables or self.source_database or self.source_connect):
            raise ValueError("'tables', 'source_database' and 'source_connect' belong to a 'source'.")
        if self.as_user and not self.sudo and self.as_user != self.user:
            raise ValueError("'as_user' is reached by sudo: set 'sudo: true' as well.")
        if self.defaults_file and self.engine != "mysql":
            raise ValueError("'defaults_file' is of the MySQL client.")

    def subject(self) -> str:
        return f"{self.host}/{self.database}"

    async def observe(self, vantage: Vantage) -> DatabaseSeen:
        globs = self.tables or ()
        here = await remote(self, vantage)
        if self.source is None:
            return DatabaseSeen(
                database=self.database, target=await self._side(vantage, here, self._connect())
            )
        there = await remote(self, vantage, self.source)
        old = self._connect(self.source_connect)
        name = self.source_database or self.database
        source = await self._side(vantage, there, old, name)
        target = await self._side(vantage, here, self._connect())
        again: tuple[Table, ...] = ()
        if self.engine == "postgres":
            if await pg_changes(there, old, name) != source.changes:
                again = await pg_tables(
                    there, old, name, globs, checksums=self.checksums, timeout_s=_left(vantage)
                )
        elif await my_changes(there, old, maria=source.product == "MariaDB") != source.changes:
            again = await my_tables(
                there, old, name, globs, checksums=self.checksums, timeout_s=_left(vantage)
            )
        return DatabaseSeen(
            database=self.database, target=target, source_database=name, source=source, again=again
        )

    def judge(self, seen: DatabaseSeen) -> Iterable[Finding]:
        return judge_database(seen, allowed=self.allowed, max_lag=self.max_lag, globs=self.tables or ())

    async def _side(self, vantage: Vantage, host: Remote, connect: Connect, name: str = "") -> Side:
        read = pg_side if self.engine == "postgres" else my_side
        return await read(
            host, connect, name or self.database, self.tables or (), compare=self.source is not None,
            checksums=self.checksums, roles=self.logins, timeout_s=_left(vantage),
        )  # fmt: skip

    def _connect(self, other: Connect | None = None) -> Connect:
        own = Connect(
            as_user=self.as_user if self.as_user != self.user else None, socket=self.socket,
            port=self.database_port, login=self.login, defaults_file=self.defaults_file,
        )  # fmt: skip
        if other is None:
            return own
        return Connect(
            as_user=other.as_user or own.as_user, socket=other.socket or own.socket,
            port=other.port or own.port, login=other.login or own.login,
            defaults_file=other.defaults_file or own.defaults_file,
        )  # fmt: skip


def _left(vantage: Vantage) -> float:
    return max(5.0, vantage.remaining() - 5.0)
