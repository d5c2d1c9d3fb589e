"""A MySQL or MariaDB database for comparison: what it consists of, then every table in one snapshot."""

from __future__ import annotations

import re

from checks.dataclass import dataclass
from checks.remote.sql import Connect, glob_regex, my_name, my_text, mysql, mysql_status, unhex
from checks.safe import safe
from checks.server._database_seen import Link, Side, Table
from checks.vantage import CannotTell
from checks.wire.ssh.remote import Remote

_CHANGES = """
SELECT 'changes', (SELECT SUM(variable_value) FROM {schema}.global_status WHERE variable_name IN
  ('Handler_write', 'Handler_update', 'Handler_delete'));
"""
_ABOUT = """
SELECT 'about', HEX(VERSION()), HEX(CONCAT_WS(' ', @@hostname, @@port, @@datadir, @@socket));
SELECT 'setting', HEX('collation'), HEX(default_collation_name) FROM information_schema.schemata
  WHERE schema_name = {name};
SELECT 'may', COUNT(*) FROM (SELECT grantee FROM information_schema.user_privileges
    WHERE privilege_type = 'SELECT' UNION ALL SELECT grantee FROM information_schema.schema_privileges
    WHERE privilege_type = 'SELECT' AND {name} LIKE table_schema) AS p
  WHERE p.grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''');
"""
_OBJECTS = """
SELECT 'column', HEX(c.table_name), HEX(c.column_name), HEX(c.data_type), HEX(CONCAT_WS(' ', c.column_type,
    IF(c.is_nullable = 'NO', 'not null', NULL), CONCAT('default ', c.column_default), NULLIF(c.extra, ''),
    c.collation_name)), HEX(t.table_type)
  FROM information_schema.columns c JOIN information_schema.tables t
    ON t.table_schema = c.table_schema AND t.table_name = c.table_name
  WHERE c.table_schema = {name} ORDER BY c.table_name, c.ordinal_position;
SELECT 'index', HEX(CONCAT(table_name, '.', index_name)), HEX(CONCAT(IF(MAX(non_unique), '', 'unique '),
    GROUP_CONCAT(column_name ORDER BY seq_in_index))) FROM information_schema.statistics
  WHERE table_schema = {name} GROUP BY table_name, index_name;
SELECT 'constraint', HEX(CONCAT(table_name, '.', constraint_name)), HEX(CONCAT_WS(' ',
    referenced_table_name, update_rule, delete_rule)) FROM information_schema.referential_constraints
  WHERE constraint_schema = {name};
SELECT 'view', HEX(table_name), HEX(MD5(REPLACE(view_definition, CONCAT('`', {name}, '`.'), '')))
  FROM information_schema.views WHERE table_schema = {name};
SELECT 'trigger', HEX(CONCAT(event_object_table, '.', trigger_name)), HEX(CONCAT_WS(' ', action_timing,
    event_manipulation, MD5(action_statement))) FROM information_schema.triggers
  WHERE trigger_schema = {name};
SELECT 'function', HEX(CONCAT(routine_name, ' ', LOWER(routine_type))), HEX(MD5(routine_definition))
  FROM information_schema.routines WHERE routine_schema = {name};
SELECT 'event', HEX(event_name), HEX(CONCAT_WS(' ', status, MD5(event_definition)))
  FROM information_schema.events WHERE event_schema = {name};
"""
_ROLES = """
SELECT 'role', HEX(CONCAT(user, '@', host)), HEX(plugin) FROM mysql.user WHERE user NOT IN
  ('mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema');
"""
_TEXT = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"}
_FLOAT = {"float", "double", "real"}
_PLAIN = {
    "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "numeric", "year", "date", "time",
    "datetime", "timestamp", "inet4", "inet6", "uuid",
}  # fmt: skip

_SHOWN = ("index", "constraint", "view", "trigger", "function", "event", "setting")

Columns = dict[str, list[tuple[str, str]]]
"""Of each base table: the names and types of its columns."""


def sums(database: str, columns: Columns, *, checksums: bool) -> str:
    """Return the SQL that counts each table and sums up the hashes of its rows."""
    lines = []
    for table, fields in columns.items():
        head = f"SELECT 'table', HEX({my_text(table)}), COUNT(*)"
        place = f"{my_name(database)}.{my_name(table)}"
        if not checksums:
            lines.append(f"{head}, '', 0 FROM {place};")
            continue
        row = ", ".join(_hash(name, kind) for name, kind in fields)
        half = "CAST(CONV(SUBSTR(h, {}, 16), 16, 10) AS UNSIGNED)"
        both = f"COALESCE(SUM({half.format(1)}), 0), '-', COALESCE(SUM({half.format(17)}), 0)"
        inner = f"SELECT MD5(CONCAT({row})) AS h FROM {place}"  # noqa: S608
        lines.append(f"{head}, CONCAT({both}), SUM(h IS NULL) FROM ({inner}) AS s;")
    return "\n".join(lines)


def _hash(name: str, kind: str) -> str:
    column = my_name(name)
    if kind in _TEXT:
        value = f"CONVERT({column} USING utf8mb4)"
    elif kind in _FLOAT:
        value = f"CAST({column} + 0e0 AS CHAR)"
    elif kind in _PLAIN:
        value = f"CAST({column} AS CHAR)"
    else:
        value = f"HEX({column})"
    return f"IF({column} IS NULL, 'NULL', MD5({value}))"


async def my_tables(
    remote: Remote, connect: Connect, database: str, globs: tuple[str, ...] = (), *, checksums: bool = True,
    timeout_s: float = 300.0,
) -> tuple[Table, ...]:  # fmt: skip
    """Return every table of a database with its count and checksum, in one snapshot."""
    rows = await mysql(remote, connect, _OBJECTS.format(name=my_text(database)), timeout_s=60.0)
    columns, _, _ = _columns(rows, globs)
    return await _sums(remote, connect, database, columns, checksums=checksums, timeout_s=timeout_s)


async def _sums(
    remote: Remote, connect: Connect, database: str, columns: Columns, *, checksums: bool, timeout_s: float
) -> tuple[Table, ...]:
    if not columns:
        return ()
    sql = sums(database, columns, checksums=checksums)
    found = read_sums(await mysql(remote, connect, sql, timeout_s=timeout_s))
    if len(found) != len(columns):
        raise CannotTell(f"{remote.name} counted {len(found)} of {len(columns)} tables.", "Run it again.")
    return found


def read_sums(rows: list[list[str | None]]) -> tuple[Table, ...]:
    """Return the tables that an answer to `sums` counts; raise CannotTell for a row that cannot be used."""
    found = []
    for row in rows:
        cells = [cell or "" for cell in row]
        if cells[0] != "table":
            continue
        if len(cells) != 5 or not (cells[2].isascii() and cells[2].isdecimal()):
            raise CannotTell(
                f"The count of a table cannot be read: {safe(str(row), limit=100)}.",
                "Run it again, and by hand with the same client.",
            )
        name = unhex(cells[1])
        if cells[4] not in ("0", ""):
            raise CannotTell(
                f"{safe(cells[4], limit=20)} rows of the table {safe(name, limit=120)} are too large to be "
                "compared.", "Raise max_allowed_packet of the server, or leave the table out by 'tables'.",
            )  # fmt: skip
        found.append(Table(name=name, rows=int(cells[2]), checksum=cells[3]))
    return tuple(sorted(found, key=lambda table: table.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What a database consists of."""

    columns: Columns
    objects: dict[str, str]
    tables: frozenset[str]


def catalogue_sql(database: str) -> str:
    """Return the SQL whose answer `read_catalogue` reads."""
    return _OBJECTS.format(name=my_text(database))


async def catalogue(remote: Remote, connect: Connect, database: str) -> Catalogue:
    """Return what a database consists of."""
    return read_catalogue(await mysql(remote, connect, catalogue_sql(database), timeout_s=60.0))


def read_catalogue(rows: list[list[str | None]]) -> Catalogue:
    """Return what the rows say, leaving out those that are of something else."""
    columns, shapes, tables = _columns(rows, ())
    objects = {
        f"{row[0]}:{unhex(row[1])}": unhex(row[2]) for row in rows if row[0] in _SHOWN and len(row) == 3
    }
    objects |= {f"columns:{table}": text for table, text in shapes.items()}
    return Catalogue(columns=columns, objects=objects, tables=frozenset(tables))


async def my_changes(remote: Remote, connect: Connect, *, maria: bool) -> str:
    """Return the counter of rows written; while it stays, nothing was written."""
    schema = "information_schema" if maria else "performance_schema"
    rows = await mysql(remote, connect, _CHANGES.format(schema=schema), timeout_s=30.0)
    return str(rows[0][1]) if rows and len(rows[0]) > 1 else ""


async def my_side(
    remote: Remote, connect: Connect, database: str, globs: tuple[str, ...], *, compare: bool,
    checksums: bool, roles: bool, timeout_s: float,
) -> Side:  # fmt: skip
    """Read a database; without `compare` only what says how it replicates."""
    name = my_text(database)
    rows = await mysql(
        remote, connect, _ABOUT.format(name=name) + (_OBJECTS.format(name=name) if compare else ""),
        timeout_s=60.0,
    )  # fmt: skip
    told = {str(row[0]): row for row in rows}
    about = told.get("about")
    if about is None or len(about) < 3:
        raise CannotTell(f"The server on {remote.name} does not say what it is.", "Look at it by hand.")
    if not any(row[0] == "setting" for row in rows):
        raise CannotTell(
            f"There is no database {safe(database, limit=80)} on {remote.name} that this account may see.",
            "Correct the database's name, or give the account SELECT on it.",
        )
    version = unhex(about[1])
    maria = "mariadb" in version.lower()
    unseen = []
    if compare and told.get("may", ["", "0"])[1] == "0":
        unseen.append(
            "This account has no SELECT on the whole database, so there may be tables that it does not see."
        )
    accounts: list[tuple[str, str]] = []
    if roles and compare:
        try:
            got = await mysql(remote, connect, _ROLES, timeout_s=30.0)
            accounts = sorted((unhex(row[1]), unhex(row[2])) for row in got if len(row) == 3)
        except CannotTell:
            unseen.append("This account may not see the accounts of the server (SELECT on mysql.user).")
    links, blind = await _links(remote, connect)
    unseen += blind
    changes = await my_changes(remote, connect, maria=maria)
    columns, shapes, tables = _columns(rows, globs)
    if compare:
        counted = await _sums(remote, connect, database, columns, checksums=checksums, timeout_s=timeout_s)
    objects = [
        (f"{row[0]}:{unhex(row[1])}", unhex(row[2])) for row in rows
        if row[0] in _SHOWN and len(row) == 3
    ] + [(f"columns:{table}", text) for table, text in shapes.items() if table in tables]  # fmt: skip
    return Side(
        host=remote.name, product="MariaDB" if maria else "MySQL", version=_version(version),
        server=unhex(about[2]), position=None, changes=changes,
        receives=any(not link.sends for link in links), replication=tuple(links),
        tables=counted if compare else (), objects=tuple(sorted(objects)), roles=tuple(accounts),
        unseen=tuple(unseen),
    )  # fmt: skip


def _version(text: str) -> str:
    found = re.match(r"(?:5\.5\.5-)?(\d{1,3}\.\d{1,3})", text)
    return found[1] if found else ""


def _columns(
    rows: list[list[str | None]], globs: tuple[str, ...]
) -> tuple[Columns, dict[str, str], set[str]]:
    wanted = re.compile(glob_regex(globs), re.DOTALL)
    columns: Columns = {}
    shapes: dict[str, str] = {}
    base = set()
    for row in rows:
        if row[0] != "column" or len(row) != 6:
            continue
        table, column, kind, shape, what = (unhex(cell) for cell in row[1:])
        if what not in ("BASE TABLE", "SYSTEM VERSIONED"):
            continue
        base.add(table)
        shapes[table] = f"{shapes[table]}, {column} {shape}" if table in shapes else f"{column} {shape}"
        if wanted.match(table):
            columns.setdefault(table, []).append((column, kind.lower()))
    return columns, shapes, base


async def _links(remote: Remote, connect: Connect) -> tuple[list[Link], list[str]]:
    try:
        rows = await mysql_status(remote, connect, "SHOW ALL SLAVES STATUS", timeout_s=30.0)
        if rows is None:
            rows = await mysql_status(remote, connect, "SHOW REPLICA STATUS", timeout_s=30.0)
        if rows is None:
            rows = await mysql_status(remote, connect, "SHOW SLAVE STATUS", timeout_s=30.0)
        sent = await mysql(
            remote, connect, "SELECT 'sender', HEX(host), HEX(state) FROM information_schema.processlist "
            "WHERE command LIKE 'Binlog Dump%';", timeout_s=30.0,
        )  # fmt: skip
    except CannotTell:
        return [], ["This account may not see the replication (REPLICATION CLIENT or SLAVE MONITOR)."]
    links = [link(row) for row in rows or ()]
    links += [
        Link(
            name=f"sender to {safe(unhex(one[1]), limit=80)}", sends=True, running=True,
            detail=safe(unhex(one[2]), limit=120),
        )
        for one in sent
    ]  # fmt: skip
    return links, []


def link(row: dict[str, str]) -> Link:
    """Return one replication of what `SHOW REPLICA STATUS` says, in the words of any version."""

    def told(*names: str) -> str:
        return next((row[name] for name in names if row.get(name) not in (None, "", "NULL")), "")

    io = told("Replica_IO_Running", "Slave_IO_Running")
    sql = told("Replica_SQL_Running", "Slave_SQL_Running")
    behind = told("Seconds_Behind_Source", "Seconds_Behind_Master")
    errors = " ".join(filter(None, (told("Last_IO_Error"), told("Last_SQL_Error"))))
    name = told("Channel_Name", "Connection_name") or told("Source_Host", "Master_Host") or "replica"
    detail = f"receiver {io or 'unknown'}, applier {sql or 'unknown'}" + (f": {errors}" if errors else "")
    return Link(
        name=f"replica of {safe(name, limit=80)}", sends=False, running=io == "Yes" and sql == "Yes",
        detail=safe(detail, limit=300), lag_s=float(behind) if behind.isdecimal() else None,
    )  # fmt: skip
