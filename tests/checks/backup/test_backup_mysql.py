"""backup.mysql: what a load must never do, and what no output of a host may break."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup import _check
from checks.backup._ladder import BackupSeen
from checks.backup._my_dump import whole
from checks.backup._my_load import parsed
from checks.backup.mysql import Mysql
from checks.contract import CannotTell, Vantage
from checks.vantage import Shared
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from tests.lab import mariadb
from tests.lab.backup_files import aged, manifest
from tests.lab.backup_local import Ran, run
from tests.lab.backup_mysql import DATA, LOADER, options
from tests.lab.needs import need
from tests.local_remote import LocalRemote

pytestmark = pytest.mark.xdist_group("backup_mysql_load")


@pytest.fixture(scope="module")
def server() -> Iterator[mariadb.Server]:
    need("mariadbd", "mariadb", "mariadb-dump")
    with mariadb.server() as made:
        made.sql(f"{LOADER}; CREATE DATABASE app; CREATE DATABASE other")
        made.sql("CREATE TABLE precious (a int); INSERT INTO precious VALUES (1)", "other")
        made.sql(DATA, "app")
        yield made


def climbed(
    server: mariadb.Server, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> BackupSeen:
    async def here(*_: object) -> LocalRemote:
        return LocalRemote()

    monkeypatch.setattr(_check, "remote", here)
    os.utime(path, (1e9, 1e9))
    given: dict[str, Any] = {
        "host": "192.0.2.1", "user": "tech", "path": str(path), "load": True, "compare_database": "app",
        "min_level": 5, "defaults_file": str(options(tmp_path)), **server.place,
    }  # fmt: skip
    return asyncio.run(Mysql(**given).observe(Vantage(Shared(), allowance=60.0)))


@pytest.mark.lab
@pytest.mark.parametrize("database", ["app", "empty"])
def test_a_dump_of_definitions_alone_is_not_complete(
    server: mariadb.Server, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.sql("CREATE DATABASE IF NOT EXISTS empty")
    path = tmp_path / "app.sql"
    path.write_text(server.run("mariadb-dump", "--no-data", database))
    seen = climbed(server, path, tmp_path, monkeypatch)
    assert "no data into any table" in str(seen.steps)
    assert seen.proof_level < 3, seen.steps


DUMP = """-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB
--
-- Host: localhost    Database: app
--
{complaint}-- Dumping data for table `orders`
--
INSERT INTO `orders` VALUES (1);
-- Dump completed on 2026-11-22  3:00:00
"""


def dump(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "app.sql.gz"
    path.write_bytes(gzip.compress(text.encode()))
    aged(path, 3600)
    return path


def test_a_dump_that_complains_of_what_it_left_out_is_not_complete(tmp_path: Path) -> None:
    good = dump(tmp_path, DUMP.format(complaint=""))
    assert run("backup.mysql", {"path": str(good)}, LocalRemote()).seen.proof_level == 4
    said = "mysqldump: Couldn't execute 'SHOW FIELDS FROM `items`': table is crashed (145)\n"
    ran = run("backup.mysql", {"path": str(dump(tmp_path, DUMP.format(complaint=said)))}, LocalRemote())
    assert ran.seen.proof_level < 3, ran.told


def test_a_packed_file_of_nothing_is_what_a_dump_leaves_that_failed(tmp_path: Path) -> None:
    ran = run("backup.mysql", {"path": str(dump(tmp_path, ""))}, LocalRemote())
    assert ran.seen.proof_level < 3, ran.told
    assert "not a byte" in ran.told


def test_routines_that_write_rows_are_no_rows(tmp_path: Path) -> None:
    text = DUMP.format(complaint="").replace("data for table `orders`", "routines for database 'app'")
    ran = run("backup.mysql", {"path": str(dump(tmp_path, text))}, LocalRemote())
    assert ran.seen.proof_level < 3, ran.told


def test_a_dump_of_all_databases_does_not_say_that_it_is_of_one(tmp_path: Path) -> None:
    text = DUMP.format(complaint="").replace("Database: app", "Database: ")
    ran = run("backup.mysql", {"path": str(dump(tmp_path, text)), "database": "app"}, LocalRemote())
    assert ran.seen.proof_level < 3, ran.told
    assert "of several databases" in ran.told


@pytest.fixture
def physical(tmp_path: Path) -> Path:
    """Make what mariabackup leaves, with its manifest beside it."""
    folder = tmp_path / "base"
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "orders.ibd").write_bytes(b"rows" * 1000)
    (folder / "xtrabackup_checkpoints").write_text("backup_type = full-backuped\n")
    (folder / "xtrabackup_info").write_text(
        "start_time = 2026-11-22 03:00:00\nend_time = 2026-11-22 03:01:00\n"
    )
    manifest(folder, tmp_path / "sums")
    return folder


def verified(physical: Path) -> Ran:
    params = {"path": str(physical), "manifest": str(physical.parent / "sums")}
    return run("backup.mysql", params, LocalRemote())


def test_a_manifest_of_another_folder_says_nothing_of_this_one(physical: Path) -> None:
    assert verified(physical).seen.proof_level == 4
    other = Path(shutil.copytree(physical, physical.parent / "yesterday"))
    sums = physical.parent / "sums"
    sums.write_text(sums.read_text().replace("./", f"{other}/"))
    (physical / "app" / "orders.ibd").write_bytes(b"torn" * 1000)
    ran = verified(physical)
    assert ran.seen.proof_level < 3, ran.told
    assert "no file of this backup" in ran.told


def test_a_manifest_that_names_a_file_twice_names_no_other(physical: Path) -> None:
    sums = physical.parent / "sums"
    sums.write_text(sums.read_text() + sums.read_text().splitlines(keepends=True)[0])
    (physical / "app" / "unknown.ibd").write_bytes(b"?")
    ran = verified(physical)
    assert ran.seen.proof_level < 3, ran.told
    assert "names 3 files where there are 4" in ran.told


@pytest.mark.parametrize("text", ["", "no sum\n"], ids=["empty", "other text"])
def test_a_manifest_that_is_none_does_not_damn_the_backup(physical: Path, text: str) -> None:
    (physical.parent / "sums").write_text(text)
    steps = verified(physical).seen.steps
    assert [step.outcome for step in steps if step.level == 3] == ["unknown"]


LIES = {
    "another database is used": "USE `other`;\nDROP TABLE precious;\nUSE `app`;",
    "another database is made and used": "CREATE DATABASE IF NOT EXISTS `other`;\nUSE `other`;\n"
    "DELETE FROM precious;",
    "another database by its name": "INSERT INTO other.precious VALUES (2);",
    "another database is dropped": "DROP DATABASE other;",
    "a trigger reaches out": "CREATE TRIGGER far BEFORE INSERT ON session FOR EACH ROW "
    "DELETE FROM other.precious;\n"
    "INSERT INTO session VALUES ('x');",
    "a program is run": "\\! touch {mark}\n",
    "a program is run by name": "system touch {mark}\n",
    "a file is sourced": "source /etc/passwd\n",
    "an account is made": "CREATE USER intruder@localhost;",
    "a setting is changed": "SET GLOBAL max_connections = 17;",
    "a file is read": "LOAD DATA INFILE '/etc/passwd' INTO TABLE session;",
}


@pytest.mark.lab
@pytest.mark.parametrize("name", LIES, ids=[name.replace(" ", "-") for name in LIES])
def test_a_dump_that_wants_more_than_its_own_database_touches_nothing(
    server: mariadb.Server, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = Path(tempfile.gettempdir(), f"gonogo-mysql-mark-{os.getpid()}")
    binlog = server.sql("SHOW MASTER STATUS")
    text = server.run("mariadb-dump", "--routines", "app")
    text = text.replace("/*M!999999\\- enable the sandbox mode */", "--")
    lie = LIES[name].format(mark=mark)
    at = (
        text.index("-- Dumping routines")
        if "-- Dumping routines" in text
        else text.index("-- Dump completed")
    )
    path = tmp_path / "app.sql"
    path.write_text(f"{text[:at]}\n{lie}\n{text[at:]}")
    seen = climbed(server, path, tmp_path, monkeypatch)
    assert seen.proof_level == 3, seen.steps
    assert not mark.exists()
    assert server.sql("SELECT a FROM other.precious") == "1"
    assert server.sql("SELECT COUNT(*) FROM app.orders") == "2000"
    assert server.sql("SELECT @@max_connections") != "17"
    assert (
        server.sql("SELECT COUNT(*) FROM mysql.user WHERE user LIKE 'gonogort%' OR user = 'intruder'") == "0"
    )
    assert server.sql("SHOW DATABASES LIKE 'gonogort%'") == ""
    assert server.sql("SHOW MASTER STATUS") == binlog


@pytest.mark.lab
def test_a_dump_of_one_database_with_its_name_is_loaded_beside_it(
    server: mariadb.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.sql"
    path.write_text(server.run("mariadb-dump", "--routines", "--databases", "app", "--add-drop-database"))
    assert climbed(server, path, tmp_path, monkeypatch).proof_level == 5
    path.write_text(server.run("mariadb-dump", "--databases", "app", "other"))
    seen = climbed(server, path, tmp_path, monkeypatch)
    assert "several databases" in seen.steps[-2].detail + seen.steps[-1].detail


def ended(output: bytes) -> CommandResult:
    return CommandResult(
        command=Command(argv=("bash", "-c", "", "read")), status=0, stdout=output, stderr=b"", ended="exit",
        duration_s=0.1,
    )  # fmt: skip


@given(st.binary(max_size=300), st.text(max_size=200))
def test_parsers_take_whatever_comes(data: bytes, text: str) -> None:
    for output in (data, data.hex().encode() + b"\n0\nstatus 0 0\n1 0 0\n"):
        try:
            wrong, _ = whole(ended(output), LocalRemote())
        except CannotTell:
            continue
        assert wrong
    with pytest.raises(CannotTell):
        parsed(text)
    with pytest.raises(CannotTell):
        parsed("loaded 12\nend\n")


def test_the_last_line_counts_only_at_the_end() -> None:
    for line in (b"-- Dump completed on 2026-11-22 18:19:53\n", b"-- Dump completed\n\n"):
        assert not whole(ended(line.hex().encode() + b"\n0\nstatus 0 0\n1 0 0\n"), LocalRemote())[0]
        more = line + b"INSERT INTO t VALUES (1);\n"
        assert "follows" in whole(ended(more.hex().encode() + b"\n0\nstatus 0 0\n1 0 0\n"), LocalRemote())[0]
