"""A PostgreSQL database for comparison: one session, one snapshot, one line of JSON for everything."""

from __future__ import annotations

from typing import Any

from checks.remote.sql import Connect, glob_regex, pg_text, psql
from checks.safe import safe
from checks.server._database_seen import Link, Side, Table
from checks.vantage import CannotTell
from checks.wire.ssh.remote import Remote

_OWN = r"n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
_NAME = "n.nspname || '.' || c.relname"
_FROM_EXTENSION = """EXISTS (SELECT FROM pg_depend e WHERE e.objid = {oid}
  AND e.classid = '{catalog}'::regclass AND e.deptype = 'e')"""

CHANGES = "SELECT json_build_array('changes', txid_snapshot_xmax(txid_current_snapshot())::text);\n"

_ABOUT = """
SELECT json_build_array('about', current_setting('server_version_num'), current_setting('server_version'),
  extract(epoch FROM pg_postmaster_start_time())::text || ' ' || current_setting('port') || ' ' ||
  coalesce(current_setting('cluster_name'), ''), pg_is_in_recovery(),
  pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
    '0/0')::bigint,
  extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()),
  CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END);
SELECT json_build_array('setting', 'encoding', pg_encoding_to_char(encoding)) FROM pg_database
  WHERE datname = current_database();
SELECT json_build_array('setting', 'collation', datcollate || ' / ' || datctype) FROM pg_database
  WHERE datname = current_database();
SELECT json_build_array('setting', s.key, s.value) FROM (
  SELECT split_part(unnest(setconfig), '=', 1) AS key, unnest(setconfig) AS value FROM pg_db_role_setting
  WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())) s;
"""

_LINKS = """
SELECT json_build_array('receiver', status, extract(epoch FROM clock_timestamp() - last_msg_receipt_time),
  pg_last_wal_replay_lsn() >= latest_end_lsn) FROM pg_stat_wal_receiver;
SELECT json_build_array('sender', application_name, state, extract(epoch FROM replay_lag))
  FROM pg_stat_replication;
SELECT json_build_array('subscription', s.subname, s.subenabled,
  EXISTS (SELECT FROM pg_stat_subscription a WHERE a.subid = s.oid AND a.pid IS NOT NULL),
  (SELECT count(*) FROM pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r'),
  (SELECT extract(epoch FROM clock_timestamp() - max(latest_end_time)) FROM pg_stat_subscription a
   WHERE a.subid = s.oid))
  FROM pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database());
"""

_OBJECTS = f"""
SELECT json_build_array('schema', n.nspname, '') FROM pg_namespace n WHERE {_OWN};
SELECT json_build_array('extension', extname, extversion) FROM pg_extension;
SELECT json_build_array('columns', {_NAME}, string_agg(quote_ident(a.attname) || ' ' ||
    format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END ||
    coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''), ', ' ORDER BY a.attnum) ||
    CASE c.relpersistence WHEN 'u' THEN ' (unlogged)' ELSE '' END ||
    CASE WHEN c.relrowsecurity THEN ' (row security)' ELSE '' END)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE {_OWN} AND c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.oid,
  n.nspname, c.relname, c.relpersistence, c.relrowsecurity;
SELECT json_build_array('foreign_table', {_NAME}, '') FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN} AND c.relkind = 'f';
SELECT json_build_array('index', {_NAME}, pg_get_indexdef(c.oid) || CASE WHEN i.indisvalid THEN '' ELSE
    ' (invalid)' END) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_index i ON i.indexrelid = c.oid WHERE {_OWN};
SELECT json_build_array('constraint', {_NAME} || '.' || k.conname, pg_get_constraintdef(k.oid) ||
    CASE WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled = 'D')
    THEN ' (not enforced: its triggers are disabled)' ELSE '' END)
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE {_OWN} AND k.contype <> 'n';
SELECT json_build_array('trigger', {_NAME} || '.' || t.tgname, pg_get_triggerdef(t.oid) ||
    CASE t.tgenabled WHEN 'D' THEN ' (disabled)' ELSE '' END)
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE {_OWN} AND NOT t.tgisinternal;
SELECT json_build_array('view', {_NAME}, md5(pg_get_viewdef(c.oid))) FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN} AND c.relkind IN ('v', 'm')
  AND NOT {_FROM_EXTENSION.format(oid="c.oid", catalog="pg_class")};
SELECT json_build_array('function', n.nspname || '.' || p.proname || '(' ||
    pg_get_function_identity_arguments(p.oid) || ')', md5(p.prosrc)) FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN}
  AND NOT {_FROM_EXTENSION.format(oid="p.oid", catalog="pg_proc")};
SELECT json_build_array('sequence', schemaname || '.' || sequencename, last_value, increment_by,
    has_sequence_privilege(quote_ident(schemaname) || '.' || quote_ident(sequencename), 'SELECT, USAGE'))
  FROM pg_sequences;
"""  # noqa: S608

_ROLES = """
SELECT json_build_array('role', r.rolname, concat_ws(' ', CASE WHEN r.rolcanlogin THEN 'login' END,
    CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolcreatedb THEN 'createdb' END,
    CASE WHEN r.rolcreaterole THEN 'createrole' END, CASE WHEN r.rolreplication THEN 'replication' END,
    CASE WHEN r.rolbypassrls THEN 'bypassrls' END, 'until ' || r.rolvaliduntil::text,
    'in ' || (SELECT string_agg(g.rolname, ',' ORDER BY g.rolname COLLATE "C") FROM pg_auth_members m
              JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)))
  FROM pg_roles r WHERE r.rolname !~ '^pg_';
"""

_HALF = "to_hex(mod(coalesce(sum((''x'' || substr(h, {0}, 16))::bit(64)::bigint::numeric), 0), {1})::bigint)"
_SUMS = (
    "SELECT json_build_array(''table'', %L, count(*), "  # noqa: S608
    f"{_HALF.format(1, 2**63 - 1)} || ''-'' || {_HALF.format(17, 2**63 - 1)}) "
    "FROM (SELECT md5({row}) AS h FROM ONLY %I.%I AS g) AS s"
)
_COUNT = "SELECT json_build_array(''table'', %L, count(*), '''') FROM ONLY %I.%I AS g"
_TABLES = f"""
SELECT format(CASE WHEN current_setting('server_encoding') = 'SQL_ASCII' THEN {{plain}} ELSE {{utf8}} END,
  {_NAME}, n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE {_OWN} AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND {_NAME} ~ {{regex}}
  ORDER BY 1
\\gexec
"""  # noqa: S608


def tables_sql(globs: tuple[str, ...], *, checksums: bool) -> str:
    """Return the SQL that counts every table that the globs take, and sums up the hashes of its rows."""
    plain = utf8 = f"'{_COUNT}'"
    if checksums:
        plain = "'" + _SUMS.replace("{row}", "ROW(g.*)::text") + "'"
        utf8 = "'" + _SUMS.replace("{row}", "convert_to(ROW(g.*)::text, ''UTF8'')") + "'"
    return _TABLES.format(plain=plain, utf8=utf8, regex=pg_text(glob_regex(globs)))


async def pg_tables(
    remote: Remote, connect: Connect, database: str, globs: tuple[str, ...] = (), *, checksums: bool = True,
    timeout_s: float = 300.0,
) -> tuple[Table, ...]:  # fmt: skip
    """Return every table of a database with its count and checksum, in one snapshot."""
    rows = await psql(remote, connect, database, tables_sql(globs, checksums=checksums), timeout_s=timeout_s)
    return read_tables(rows)


async def pg_changes(remote: Remote, connect: Connect, database: str) -> str:
    """Return the counter of changes; while it stays, nothing was written anywhere in the cluster."""
    rows = await psql(remote, connect, database, CHANGES, timeout_s=30.0)
    return next((str(row[1]) for row in rows if row[0] == "changes" and len(row) > 1), "")


async def pg_side(
    remote: Remote, connect: Connect, database: str, globs: tuple[str, ...], *, compare: bool,
    checksums: bool, roles: bool, timeout_s: float,
) -> Side:  # fmt: skip
    """Read a database; without `compare` only what says how it replicates."""
    sql = side_sql(globs, compare=compare, checksums=checksums, roles=roles)
    rows = await psql(remote, connect, database, sql, timeout_s=timeout_s)
    return pg_read(remote.name, rows)


def side_sql(globs: tuple[str, ...], *, compare: bool, checksums: bool, roles: bool) -> str:
    """Return the SQL whose answer `pg_read` makes a side of."""
    sql = CHANGES + _ABOUT + _LINKS
    if compare:
        sql += _OBJECTS + (_ROLES if roles else "") + tables_sql(globs, checksums=checksums)
    return sql


def pg_read(host: str, rows: list[list[Any]]) -> Side:
    """Make a side of the answer; raises CannotTell where it is not what was asked for."""
    try:
        return _read(host, rows)
    except (IndexError, TypeError, ValueError, KeyError) as error:
        raise CannotTell(
            f"The answer of PostgreSQL on {host} cannot be read: {safe(str(error), limit=200)}.",
            "Run it again; tell the project of gonogo which version of PostgreSQL that is.",
        ) from error


def _read(host: str, rows: list[list[Any]]) -> Side:
    by: dict[str, list[list[Any]]] = {}
    for row in rows:
        by.setdefault(str(row[0]), []).append(row[1:])
    number, _, server, standby, position, replay_age, paused = by["about"][0]
    links = [*_incoming(by, standby=bool(standby), age=replay_age, paused=bool(paused)), *_outgoing(by)]
    unseen = [
        f"The last value of the sequence {safe(str(name), limit=120)} may not be read by this account."
        for name, _, _, may in by.get("sequence", ()) if not may
    ]  # fmt: skip
    objects = [
        (f"{kind}:{row[0]}", str(row[1] or "")) for kind in
        ("columns", "index", "constraint", "view", "function", "trigger", "foreign_table", "extension",
         "schema", "setting")
        for row in by.get(kind, ())
    ]  # fmt: skip
    return Side(
        host=host, product="PostgreSQL", version=f"{int(number) // 10000}.{int(number) % 10000}",
        server=str(server), position=None if position is None else int(position),
        changes=str(by["changes"][0][0]), receives=any(not link.sends for link in links),
        replication=tuple(links), tables=read_tables(rows), objects=tuple(sorted(objects)),
        sequences=tuple(sorted(
            (str(name), None if last is None else int(last), int(step))
            for name, last, step, _ in by.get("sequence", ())
        )),
        roles=tuple(sorted((str(name), str(text or "no login")) for name, text in by.get("role", ()))),
        unseen=tuple(unseen[:20]),
    )  # fmt: skip


def _incoming(by: dict[str, list[list[Any]]], *, standby: bool, age: Any, paused: bool) -> list[Link]:
    links = []
    if standby:
        age = _behind(by.get("receiver", []), age)
        status = safe(str(by["receiver"][0][0]), limit=60) if by.get("receiver") else "no receiver"
        replay = "replay is paused" if paused else "replays"
        links.append(
            Link(
                name="standby", sends=False, running=status == "streaming" and not paused,
                detail=f"{status}, {replay}", lag_s=None if age is None else max(0.0, float(age)),
            )
        )  # fmt: skip
    for name, enabled, works, unready, age_s in by.get("subscription", ()):
        state = "disabled" if not enabled else "no worker runs" if not works else "running"
        more = f", {int(unready)} tables not yet copied" if unready else ""
        links.append(
            Link(
                name=f"subscription {safe(str(name), limit=80)}", sends=False,
                running=bool(enabled and works and not unready), detail=state + more,
                lag_s=None if age_s is None else max(0.0, float(age_s)),
            )
        )  # fmt: skip
    return links


def _behind(receiver: list[list[Any]], age: Any) -> Any:
    """Return how far a standby may be behind, of what it was told and of its last transaction's age.

    While the source is idle that age grows; a standby that has replayed all of which its source told it is
    no further behind than that message is old.
    """
    if not receiver or len(receiver[0]) < 3 or receiver[0][2] is not True or receiver[0][1] is None:
        return age
    return receiver[0][1] if age is None else min(float(age), float(receiver[0][1]))


def _outgoing(by: dict[str, list[list[Any]]]) -> list[Link]:
    links = []
    for name, state, lag in by.get("sender", ()):
        if state in ("backup", "startup"):
            continue
        links.append(
            Link(
                name=f"sender to {safe(str(name or 'a standby'), limit=80)}", sends=True,
                running=state == "streaming",
                detail=safe(str(state or "its state may not be seen by this account"), limit=60),
                lag_s=None if lag is None else float(lag),
            )
        )  # fmt: skip
    return links


def read_tables(rows: list[list[Any]]) -> tuple[Table, ...]:
    """Return the tables of an answer, in the order of their names."""
    found = [
        Table(name=str(row[1]), rows=int(row[2]), checksum=str(row[3] or ""))
        for row in rows if row[0] == "table" and len(row) == 4
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda table: table.name))
