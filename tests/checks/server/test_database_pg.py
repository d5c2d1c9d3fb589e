"""server.database against two real PostgreSQL clusters and a standby: the ways in which a copy is not one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from checks.contract import CannotTell, Finding, Status, Vantage, worst
from checks.remote.check import Login
from checks.remote.sql import Connect
from checks.server import database
from checks.server._database_seen import DatabaseSeen
from checks.server.database import Database
from checks.vantage import Shared
from tests.lab import postgres
from tests.lab.namespaces import wait_for
from tests.lab.needs import need
from tests.local_remote import LocalRemote

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("database_pg")]

DATA = """
CREATE TABLE t (id serial PRIMARY KEY, v text, at timestamptz DEFAULT '2026-01-01', n numeric, b bytea);
INSERT INTO t (v, n, b)
  SELECT md5(i::text), i / 7.0, decode(md5(i::text), 'hex') FROM generate_series(1, 300) i;
CREATE TABLE "odd ""name'" (g text, "h x" float8);
INSERT INTO "odd ""name'" VALUES ('twice', 0.1), ('twice', 0.1), (NULL, 'NaN');
CREATE TABLE log (line text);
CREATE TABLE changed AS SELECT * FROM t;
CREATE TABLE nulled AS SELECT * FROM t;
CREATE TABLE gone (line text);
CREATE TABLE shaped (n numeric);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (parent int REFERENCES parent);
CREATE TABLE kept (k int);
CREATE TABLE guarded (k int);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE SCHEMA other;
CREATE TABLE other.part (k int) PARTITION BY RANGE (k);
CREATE TABLE other.part_1 PARTITION OF other.part FOR VALUES FROM (0) TO (10);
INSERT INTO other.part SELECT generate_series(0, 9);
CREATE VIEW w AS SELECT v FROM t;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
"""
ROOT = "CREATE ROLE app LOGIN; CREATE ROLE app_reader;"


@pytest.fixture(scope="module")
def source() -> Iterator[postgres.Cluster]:
    need("runuser", "psql")
    with postgres.cluster() as made:
        made.sql(ROOT)
        made.sql("CREATE DATABASE made")
        made.sql(DATA, "made")
        yield made


@pytest.fixture(scope="module")
def target() -> Iterator[postgres.Cluster]:
    with postgres.cluster() as made:
        made.sql(ROOT)
        made.sql("CREATE DATABASE made")
        made.sql(DATA, "made")
        yield made


@pytest.fixture
def pair(source: postgres.Cluster, target: postgres.Cluster) -> tuple[postgres.Cluster, ...]:
    for one in (source, target):
        one.sql("DROP DATABASE IF EXISTS app WITH (FORCE)")
        one.sql("CREATE DATABASE app TEMPLATE made")
    return source, target


def check(here: postgres.Cluster, there: postgres.Cluster | None = None, **more: Any) -> Database:
    given: dict[str, Any] = {
        "host": "192.0.2.1", "user": "tech", "engine": "postgres", "database": "app", **here.place,
    }  # fmt: skip
    if there is not None:
        given["source"] = Login(host="192.0.2.2")
        given["source_connect"] = Connect(socket=str(there.folder))
    return Database(**(given | more))


def look(one: Database, monkeypatch: pytest.MonkeyPatch) -> DatabaseSeen:
    async def here(*_: object) -> LocalRemote:
        return LocalRemote()

    monkeypatch.setattr(database, "remote", here)
    return asyncio.run(one.observe(Vantage(Shared(), allowance=60.0)))


def judged(one: Database, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    return list(one.judge(look(one, monkeypatch)))


def bad(findings: list[Finding]) -> str:
    return "\n".join(
        f"{one.status} {one.subject}: {one.message} {one.expected} | {one.observed} | {one.fix}"
        for one in findings if one.status is not Status.PASS
    )  # fmt: skip


def test_two_equal_databases_pass(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = pair
    seen = look(check(target, source), monkeypatch)
    rows = {table.name: table.rows for table in seen.target.tables}
    assert rows == {
        "other.part_1": 10, "public.log": 0, "public.odd \"name'": 3, "public.t": 300, "public.changed": 300,
        "public.nulled": 300, "public.gone": 0, "public.shaped": 0, "public.parent": 0, "public.child": 0,
        "public.kept": 0, "public.guarded": 0,
    }  # fmt: skip
    findings = list(check(target, source).judge(seen))
    assert not bad(findings)
    assert worst(one.status for one in findings) is Status.PASS


DAMAGES = {
    "a row less": ("DELETE FROM t WHERE id = 300", "table:public.t", "299 rows"),
    "a value changed": ("UPDATE changed SET v = 'x' WHERE id = 7", "table:public.changed", "300 rows, c"),
    "a value is null": ("UPDATE nulled SET v = NULL WHERE id = 7", "table:public.nulled", "300 rows, c"),
    "a pair of equal rows replaced": (
        "UPDATE \"odd \"\"name'\" SET g = 'other' WHERE g = 'twice'", "odd \"name'", "3 rows, content",
    ),
    "a partition's row less": ("DELETE FROM other.part WHERE k = 3", "table:other.part_1", "9 rows"),
    "a table is missing": ("DROP TABLE gone", "table:public.gone", "missing"),
    "a column is of another type": (
        "ALTER TABLE shaped ALTER n TYPE float8", "columns:public.shaped", "double precision",
    ),
    "an index is missing": ("ALTER TABLE t DROP CONSTRAINT t_pkey", "index:public.t_pkey", "missing"),
    "a sequence is behind": ("SELECT setval('t_id_seq', 5)", "sequence:public.t_id_seq", "last value 5"),
    "a function is another": (
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'", "function:public.f()", "",
    ),
    "a foreign key is not enforced": (
        "ALTER TABLE child DISABLE TRIGGER ALL", "constraint:public.child.child_parent_fkey", "not enforced",
    ),
    "a table is lost by a crash": ("ALTER TABLE kept SET UNLOGGED", "columns:public.kept", "(unlogged)"),
    "row security is off": (
        "ALTER TABLE guarded DISABLE ROW LEVEL SECURITY", "columns:public.guarded", "k integer",
    ),
    "a view is missing": ("DROP VIEW w", "view:public.w", "missing"),
}  # fmt: skip


@pytest.fixture(scope="module")
def damaged(source: postgres.Cluster, target: postgres.Cluster) -> list[Finding]:
    """What is said of a copy with all the damages, each of which hits something of its own."""
    target.sql("CREATE DATABASE damaged TEMPLATE made")
    target.sql(";".join(sql for sql, _, _ in DAMAGES.values()), "damaged")
    with pytest.MonkeyPatch.context() as patch:
        return judged(check(target, source, database="damaged", source_database="made"), patch)


@pytest.mark.parametrize("name", DAMAGES, ids=[name.replace(" ", "-") for name in DAMAGES])
def test_what_differs_fails_by_its_key(damaged: list[Finding], name: str) -> None:
    _, key, observed = DAMAGES[name]
    wrong = [one for one in damaged if one.status is Status.FAIL]
    assert any(key in one.message and observed in one.observed for one in wrong), bad(damaged)


def test_nothing_but_what_differs_fails(damaged: list[Finding]) -> None:
    wrong = [one.message for one in damaged if one.status is Status.FAIL]
    keys = [key for _, key, _ in DAMAGES.values()] + ["gone", "constraint:public.t.t_pkey"]
    assert [message for message in wrong if not any(key in message for key in keys)] == []


def test_what_is_allowed_passes_and_nothing_else(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = pair
    target.sql("INSERT INTO log VALUES ('x')", "app")
    findings = judged(check(target, source, allowed=("table:public.log",)), monkeypatch)
    assert not bad(findings)
    findings = judged(check(target, source, allowed=("table:public.log", "role:old")), monkeypatch)
    assert "role:old" in bad(findings)


def test_a_role_that_may_not_log_in_any_more_fails(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = pair
    target.sql("ALTER ROLE app NOLOGIN")
    try:
        assert "role:app" in bad(judged(check(target, source), monkeypatch))
    finally:
        target.sql("ALTER ROLE app LOGIN")


def test_without_tables_nothing_is_proven(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = pair
    findings = judged(check(target, source, tables=("nowhere.*",)), monkeypatch)
    assert worst(one.status for one in findings) is Status.INCONCLUSIVE


def test_two_databases_without_a_row_prove_nothing(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = pair
    for one in pair:
        one.sql("DROP DATABASE app WITH (FORCE)")
        one.sql("CREATE DATABASE app")
        one.sql("CREATE TABLE emptied (a int)", "app")
    findings = judged(check(target, source), monkeypatch)
    assert "holds a row" in bad(findings)
    assert worst(one.status for one in findings) is Status.INCONCLUSIVE


def test_one_server_under_two_names_proves_nothing(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = pair
    findings = judged(check(source, source), monkeypatch)
    assert "one and the same server" in bad(findings)
    assert worst(one.status for one in findings) is Status.INCONCLUSIVE


def test_rows_that_a_policy_hides_are_not_taken_for_missing(
    pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    for one in pair:
        one.sql(
            "GRANT USAGE ON SCHEMA other TO app; GRANT SELECT ON ALL TABLES IN SCHEMA public, other TO app;"
            "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO app;"
            "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON t TO app USING (id < 5);", "app",
        )  # fmt: skip
    with pytest.raises(CannotTell, match="row-level security") as told:
        look(check(target, source, login="app"), monkeypatch)
    assert "BYPASSRLS" in told.value.fix


def test_a_table_that_may_not_be_read_is_no_pass(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = pair
    with pytest.raises(CannotTell, match="permission denied") as told:
        look(check(target, source, login="app"), monkeypatch)
    assert "SELECT" in told.value.fix


@pytest.mark.parametrize("name", ["nowhere", "app; DROP TABLE t"])
def test_a_database_that_is_not_there(pair: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotTell, match="does not exist"):
        look(check(pair[1], pair[0], database=name, source_database="app"), monkeypatch)


def test_the_source_is_written_to_meanwhile(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = pair
    reads = database.pg_side
    sides = []

    async def writes_between(*words: Any, **more: Any) -> Any:
        side = await reads(*words, **more)
        sides.append(side)
        if len(sides) == 1:
            source.sql("INSERT INTO log VALUES ('late')", "app")
        return side

    monkeypatch.setattr(database, "pg_side", writes_between)
    target.sql("DELETE FROM t WHERE id = 3", "app")
    findings = judged(check(target, source), monkeypatch)
    assert [one.status for one in findings if "public.log" in one.subject] == [Status.WARN]
    assert "table:public.t is not" in bad(findings)


@pytest.fixture(scope="module")
def standby(source: postgres.Cluster) -> Iterator[postgres.Cluster]:
    with postgres.cluster(standby_of=source) as made:
        yield made


def caught_up(source: postgres.Cluster, standby: postgres.Cluster) -> bool:
    position = source.sql("SELECT pg_current_wal_lsn()")
    return standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == "t"


def test_a_standby_that_follows_passes_from_both_ends(
    pair: Any, standby: postgres.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = pair
    wait_for(lambda: caught_up(source, standby), "the standby has caught up")
    assert not bad(judged(check(standby, source, max_lag=5.0), monkeypatch))
    assert not bad(judged(check(source, max_lag=5.0), monkeypatch))


def test_a_standby_whose_replay_is_paused_fails(
    pair: Any, standby: postgres.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = pair
    wait_for(lambda: caught_up(source, standby), "the standby has caught up")
    standby.sql("SELECT pg_wal_replay_pause()")
    try:
        wait_for(lambda: standby.sql("SELECT pg_get_wal_replay_pause_state()") == "paused", "paused")
        source.sql("INSERT INTO t (v) VALUES ('late')", "app")
        told = bad(judged(check(standby, source), monkeypatch))
        assert "Replication has stopped" in told
        assert "replay is paused" in told
        assert "table:public.t" in told
    finally:
        standby.sql("SELECT pg_wal_replay_resume()")


def test_a_standby_that_lost_its_primary_fails(
    pair: Any, standby: postgres.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = pair
    before = standby.sql("SHOW primary_conninfo").replace("'", "''")
    standby.sql("ALTER SYSTEM SET primary_conninfo = 'host=/nowhere port=1'")
    standby.sql("SELECT pg_reload_conf()")
    wait_for(lambda: standby.sql("SELECT count(*) FROM pg_stat_wal_receiver") == "0", "the receiver is gone")
    try:
        told = bad(judged(check(standby, max_lag=5.0), monkeypatch))
        assert "Replication has stopped" in told
        assert "no receiver" in told
        wait_for(lambda: source.sql("SELECT count(*) FROM pg_stat_replication") == "0", "the sender is gone")
        assert "Nothing is replicated" in bad(judged(check(source, max_lag=5.0), monkeypatch))
    finally:
        standby.sql(f"ALTER SYSTEM SET primary_conninfo = '{before}'")
        standby.sql("SELECT pg_reload_conf()")
        wait_for(lambda: standby.sql("SELECT status FROM pg_stat_wal_receiver") == "streaming", "streaming")
