"""server.database against two real MariaDB servers, a replica, and the ways in which a copy is not one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import CannotTell, Finding, Status, worst
from checks.remote.check import Login
from checks.remote.sql import Connect
from checks.server._database_my import link
from checks.server.database import Database
from tests.checks.server.test_database_pg import bad, judged, look
from tests.lab import mariadb
from tests.lab.namespaces import wait_for
from tests.lab.needs import need

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("database_my")]

DATA = r"""
CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(50), f float, d double, n decimal(10,3),
  at timestamp DEFAULT '2026-01-01', b blob, j json, e enum('a','b'), bits bit(3), g point);
INSERT INTO t (v, f, d, n, b, j, e, bits, g) SELECT CONCAT('wört\n', seq), seq / 7, seq / 7, seq / 7,
  UNHEX(MD5(seq)), '{"a": 1}', 'b', b'101', POINT(seq, 1) FROM seq_1_to_200;
CREATE TABLE changed AS SELECT * FROM t;
CREATE TABLE nulled AS SELECT * FROM t;
CREATE TABLE floated AS SELECT * FROM t;
CREATE TABLE gone (a int);
CREATE TABLE log (a int);
CREATE TABLE `odd ``name` (a int);
CREATE TABLE twice (a int);
INSERT INTO twice VALUES (1), (1), (2);
CREATE VIEW w AS SELECT v FROM t;
CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1;
CREATE TRIGGER loud BEFORE INSERT ON t FOR EACH ROW SET NEW.v = UPPER(NEW.v);
"""
USERS = "CREATE USER app@localhost; CREATE USER half@localhost; "


@pytest.fixture(scope="module")
def source() -> Iterator[mariadb.Server]:
    need("mariadbd", "mariadb", "mariadb-install-db")
    with mariadb.server(1) as made:
        made.sql(f"{USERS} CREATE DATABASE app")
        made.sql(DATA, "app")
        yield made


@pytest.fixture(scope="module")
def target(source: mariadb.Server) -> Iterator[mariadb.Server]:
    with mariadb.server(2) as made:
        made.sql(f"{USERS} CREATE DATABASE app; CREATE DATABASE damaged")
        for name in ("app", "damaged"):
            made.sql(DATA, name)
        yield made


def check(here: mariadb.Server, there: mariadb.Server | None = None, **more: Any) -> Database:
    given: dict[str, Any] = {
        "host": "192.0.2.1", "user": "tech", "engine": "mysql", "database": "app", "login": "root",
        **here.place,
    }  # fmt: skip
    if there is not None:
        given["source"] = Login(host="192.0.2.2")
        given["source_connect"] = Connect(socket=there.socket)
    return Database(**(given | more))


def test_two_equal_databases_pass(
    source: mariadb.Server, target: mariadb.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = look(check(target, source), monkeypatch)
    assert {table.name: table.rows for table in seen.target.tables} == {
        "t": 200, "changed": 200, "nulled": 200, "floated": 200, "gone": 0, "log": 0, "odd `name": 0,
        "twice": 3,
    }  # fmt: skip
    findings = list(check(target, source).judge(seen))
    assert not bad(findings)


DAMAGES = {
    "a row less": ("DELETE FROM t WHERE id = 200", "table:t", "199 rows"),
    "a value changed": ("UPDATE changed SET b = x'00' WHERE id = 7", "table:changed", "200 rows, c"),
    "a value is null": ("UPDATE nulled SET v = NULL WHERE id = 7", "table:nulled", "200 rows, c"),
    "the last digits of a float": ("UPDATE floated SET d = d + 1e-9 WHERE id = 7", "table:floated", "200"),
    "a pair of equal rows replaced": ("UPDATE twice SET a = 3 WHERE a = 1", "table:twice", "3 rows, c"),
    "a table is missing": ("DROP TABLE gone", "table:gone", "missing"),
    "a column is of another type": ("ALTER TABLE log MODIFY a bigint", "columns:log", "bigint"),
    "an index is missing": ("ALTER TABLE t MODIFY id int, DROP PRIMARY KEY", "index:t.PRIMARY", "missing"),
    "a function is missing": ("DROP FUNCTION one", "function:one function", "missing"),
    "a trigger is missing": ("DROP TRIGGER loud", "trigger:t.loud", "missing"),
    "a view is missing": ("DROP VIEW w", "view:w", "missing"),
    "another collation": (
        "ALTER DATABASE damaged COLLATE utf8mb4_general_ci", "setting:collation", "utf8mb4_general_ci",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def damaged(source: mariadb.Server, target: mariadb.Server) -> list[Finding]:
    """What is said of a copy with all the damages, each of which hits something of its own."""
    target.sql(";".join(sql for sql, _, _ in DAMAGES.values()), "damaged")
    with pytest.MonkeyPatch.context() as patch:
        return judged(check(target, source, database="damaged", source_database="app"), patch)


@pytest.mark.parametrize("name", DAMAGES, ids=[name.replace(" ", "-") for name in DAMAGES])
def test_what_differs_fails_by_its_key(damaged: list[Finding], name: str) -> None:
    _, key, observed = DAMAGES[name]
    wrong = [one for one in damaged if one.status is Status.FAIL]
    assert any(f"{key} " in one.message and observed in one.observed for one in wrong), bad(damaged)


def test_nothing_but_what_differs_fails(damaged: list[Finding]) -> None:
    wrong = [one.message for one in damaged if one.status is Status.FAIL]
    keys = [key for _, key, _ in DAMAGES.values()] + ["columns:t ", "columns:gone"]
    assert [message for message in wrong if not any(key in message for key in keys)] == []


def test_an_account_that_sees_a_part_is_no_pass(
    source: mariadb.Server, target: mariadb.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (source, target):
        one.sql("CREATE OR REPLACE USER half@localhost IDENTIFIED BY 'practice'")
        one.sql("GRANT SELECT ON app.log TO half@localhost")
    options = tmp_path / "half.cnf"
    options.write_text("[client]\nuser=half\npassword=practice\n")
    findings = judged(check(target, source, login=None, defaults_file=str(options)), monkeypatch)
    assert "tables that it does not see" in bad(findings)
    assert worst(one.status for one in findings) is Status.INCONCLUSIVE


def test_a_database_that_is_not_there(
    source: mariadb.Server, target: mariadb.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotTell, match="no database nowhere"):
        look(check(target, source, database="nowhere", source_database="app"), monkeypatch)
    with pytest.raises(CannotTell, match="Access denied"):
        look(check(target, source, login="app2"), monkeypatch)


def test_one_server_under_two_names_proves_nothing(
    source: mariadb.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "one and the same server" in bad(judged(check(source, source), monkeypatch))


def test_a_replica_that_runs_and_one_that_stopped(
    source: mariadb.Server, target: mariadb.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Nothing is replicated" in bad(judged(check(target, max_lag=5.0), monkeypatch))
    target.follow(source)
    source.sql("INSERT INTO log VALUES (1)", "app")
    wait_for(lambda: target.sql("SELECT COUNT(*) FROM app.log") == "1", "the row came over")
    assert not bad(judged(check(target, source, max_lag=5.0, allowed=("role:repl@*",)), monkeypatch))
    assert "sender to" in "".join(
        f"{one.subject}{one.message}" for one in judged(check(source, max_lag=5.0), monkeypatch)
    )
    target.sql("INSERT INTO app.gone VALUES (1); ALTER TABLE app.gone ADD PRIMARY KEY (a)")
    source.sql("INSERT INTO gone VALUES (1)", "app")
    wait_for(lambda: "\tYes\tNo\t" in target.sql("SHOW SLAVE STATUS"), "the applier stopped")
    told = bad(judged(check(target, max_lag=5.0), monkeypatch))
    assert "Replication has stopped" in told
    assert "Duplicate entry" in told
    target.sql("STOP SLAVE IO_THREAD")
    assert "receiver No" in bad(judged(check(target, source), monkeypatch))
    target.sql("STOP SLAVE; RESET SLAVE ALL; DROP TABLE app.gone; CREATE TABLE app.gone (a int)")
    source.sql("TRUNCATE app.gone")


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=30), max_size=5))
def test_no_status_makes_a_replica_run_but_two_that_say_yes(row: dict[str, str]) -> None:
    assert not link(row).running
    assert not link(row | {"Replica_IO_Running": "Yes"}).running
    assert link(row | {"Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes"}).running
