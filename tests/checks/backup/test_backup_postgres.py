"""backup.postgres: what a load must never do, and what no output of a host may break."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup import _check
from checks.backup._ladder import BackupSeen
from checks.backup._pg_base import sizes, started
from checks.backup._pg_dump import Dump, listed_dump, plain_dump, read_wrong
from checks.backup._pg_load import LOAD, parsed
from checks.backup.postgres import Postgres
from checks.contract import CannotTell, Vantage
from checks.vantage import Shared
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from tests.lab import postgres
from tests.lab.backup_files import aged
from tests.lab.backup_local import open_folder
from tests.lab.backup_postgres import DATA
from tests.lab.namespaces import wait_for
from tests.lab.needs import need
from tests.local_remote import LocalRemote

pytestmark = pytest.mark.xdist_group("backup_postgres")


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    need("runuser", "psql", "pg_dump")
    with postgres.cluster() as made:
        made.sql("CREATE DATABASE app")
        made.sql(DATA, "app")
        made.sql("CREATE TABLE precious (a int); INSERT INTO precious VALUES (1)")
        yield made


def climbed(
    cluster: postgres.Cluster, path: Path, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> BackupSeen:
    async def here(*_: object) -> LocalRemote:
        return LocalRemote()

    monkeypatch.setattr(_check, "remote", here)
    os.utime(path, (1e9, 1e9))
    given: dict[str, Any] = {
        "host": "192.0.2.1", "user": "tech", "path": str(path), "load": True, "compare_database": "app",
        "min_level": 5, **cluster.place,
    }  # fmt: skip
    return asyncio.run(Postgres(**(given | more)).observe(Vantage(Shared(), allowance=60.0)))


def scratch(cluster: postgres.Cluster) -> str:
    return cluster.sql("SELECT datname FROM pg_database WHERE datname LIKE 'gonogort%'")


def detail(seen: BackupSeen) -> str:
    return "\n".join(f"{step.level} {step.outcome} {step.detail}" for step in seen.steps)


LIES = {
    "another database is connected to": "\\connect postgres\nDROP TABLE precious;",
    "a program is run": "\\! touch {mark}",
    "the output of a program is read": "COPY orders FROM PROGRAM 'touch {mark}';",
    "the restriction is lifted": "\\unrestrict abc\n\\! touch {mark}",
    "a role is made": "CREATE ROLE intruder;",
    "a database is dropped": "DROP DATABASE app;",
}


@pytest.mark.lab
@pytest.mark.parametrize("name", LIES, ids=[name.replace(" ", "-") for name in LIES])
def test_a_dump_that_wants_more_than_its_own_database_is_not_loaded(
    cluster: postgres.Cluster, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = Path(tempfile.gettempdir(), f"gonogo-mark-{os.getpid()}")
    text = cluster.run("pg_dump", "app")
    lie = LIES[name].format(mark=mark)
    path = tmp_path / "app.sql"
    path.write_text(text.replace("CREATE TABLE public.session", f"{lie}\nCREATE TABLE public.session"))
    seen = climbed(cluster, path, monkeypatch)
    assert seen.proof_level == 3, detail(seen)
    assert not mark.exists()
    assert cluster.sql("SELECT a FROM precious") == "1"
    assert cluster.sql("SELECT count(*) FROM orders", "app") == "3000"
    assert cluster.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'intruder'") == "0"
    assert scratch(cluster) == ""


@pytest.mark.lab
def test_a_dump_of_all_databases_is_not_loaded(
    cluster: postgres.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "all.sql.gz"
    path.write_bytes(gzip.compress(cluster.run("pg_dumpall").encode()))
    seen = climbed(cluster, path, monkeypatch)
    assert "all databases is not loaded" in detail(seen)
    assert seen.proof_level == 4


@pytest.mark.lab
@pytest.mark.parametrize(
    ("words", "suffix"),
    [(["--schema-only", "app"], "sql"), (["--schema-only", "-Fc", "app"], "dump"), (["template1"], "sql")],
    ids=["definitions", "definitions-custom", "empty-database"],
)
def test_a_dump_that_holds_no_data_is_not_complete_however_well_it_ended(
    cluster: postgres.Cluster, words: list[str], suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(f"/tmp/gonogo-{os.getpid()}.{suffix}")
    try:
        cluster.run("pg_dump", f"--file={path}", *words)
        seen = climbed(cluster, path, monkeypatch, min_level=3)
    finally:
        path.unlink(missing_ok=True)
    assert "no data into any table" in detail(seen)
    assert seen.proof_level < 3, detail(seen)


@pytest.fixture(scope="module")
def dumped(cluster: postgres.Cluster) -> Iterator[Path]:
    """Make dumps in each format, in a folder that everybody may read."""
    with open_folder() as folder:
        shutil.chown(folder, "postgres")
        for form in ("-Fc", "-Fp", "-Fd"):
            cluster.run("pg_dump", form, "-f", folder / form, "app")
        yield folder


def _without_an_end(dumped: Path) -> Path:
    """Empty the file of a table, as a machine does that lost its power after the dump."""
    made = Path(shutil.copytree(dumped / "-Fd", dumped / "torn"))
    max(made.glob("*.gz"), key=lambda one: one.stat().st_size).write_bytes(b"")
    return made


def _half_and_whole(dumped: Path) -> Path:
    """Write a dump behind the first half of another, as a job does that appends and was cut short before."""
    text = (dumped / "-Fp").read_bytes()
    return _written(dumped / "appended.sql.gz", gzip.compress(text[: len(text) // 2]) + gzip.compress(text))


def _complaint(dumped: Path) -> Path:
    """Have the program's complaint stand in the dump, as `2>&1` has it."""
    text = (dumped / "-Fp").read_bytes()
    return _written(dumped / "complaint.sql", b"pg_dump: warning: there are circular foreign keys\n" + text)


def _lost_end(dumped: Path) -> Path:
    text = (dumped / "-Fp").read_bytes().replace(b"\\.\n", b"pg_dump: error: query failed\n")
    return _written(dumped / "lost.sql", text)


def _head_only(dumped: Path) -> Path:
    return _written(dumped / "head.dump", (dumped / "-Fc").read_bytes()[:60])


def _toc_cut(dumped: Path) -> Path:
    made = Path(shutil.copytree(dumped / "-Fd", dumped / "toc"))
    _written(made / "toc.dat", (made / "toc.dat").read_bytes()[:200])
    return made


def _newer(dumped: Path) -> Path:
    """A dump of a version of PostgreSQL that is not there yet."""
    dump = (dumped / "-Fc").read_bytes()
    return _written(dumped / "newer.dump", dump[:6] + b"\x63" + dump[7:])


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


TORN = {
    "a table's file is empty": (_without_an_end, "failed", "have no end"),
    "half a dump before a whole one": (_half_and_whole, "failed", "have no end"),
    "a complaint in it": (_complaint, "failed", "complaints"),
    "a table that ends in a complaint": (_lost_end, "failed", "have no end"),
    "its head only": (_head_only, "failed", "table of contents"),
    "a folder whose contents are cut": (_toc_cut, "failed", "table of contents"),
    "of a newer version": (_newer, "unknown", "too old"),
}


@pytest.mark.lab
@pytest.mark.parametrize("name", TORN, ids=[name.replace(" ", "-") for name in TORN])
def test_a_dump_whose_last_line_is_there_may_be_torn(
    cluster: postgres.Cluster, dumped: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, outcome, words = TORN[name]
    made = make(dumped)
    aged(made, 3600)
    seen = climbed(cluster, made, monkeypatch, min_level=3)
    assert seen.proof_level < 3, detail(seen)
    told = [step.detail for step in seen.steps if step.outcome == outcome]
    assert any(words in line for line in told), detail(seen)


@pytest.mark.lab
def test_rows_that_speak_of_a_dump_do_not_tear_one(
    cluster: postgres.Cluster, dumped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.sql("CREATE DATABASE talks")
    cluster.sql("CREATE TABLE a (t text); CREATE TABLE b (t text)", "talks")
    said = "first\nCOPY x FROM stdin;\n\\.\npg_dump: error: none\n-- Data for Name: it is none"
    for table in ("a", "b"):
        cluster.sql(f"INSERT INTO {table} VALUES (E'{said.encode('unicode_escape').decode()}')", "talks")
    for form in ("--inserts", "--format=plain"):
        cluster.run("pg_dump", form, "-f", dumped / f"talks{form}.sql", "talks")
        seen = climbed(cluster, dumped / f"talks{form}.sql", monkeypatch, min_level=3)
        assert seen.proof_level == 3, detail(seen)


@pytest.mark.lab
def test_definitions_that_speak_of_rows_hold_none(
    cluster: postgres.Cluster, dumped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.sql("CREATE DATABASE routines")
    cluster.sql("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\nINSERT INTO t VALUES (1)\n$$".replace(
        "INSERT INTO t VALUES (1)", "SELECT NULL::void;\n/*\nINSERT INTO t\n*/"), "routines")  # fmt: skip
    cluster.run("pg_dump", "-f", dumped / "routines.sql", "routines")
    seen = climbed(cluster, dumped / "routines.sql", monkeypatch, min_level=3)
    assert "no data into any table" in detail(seen)
    assert seen.proof_level < 3, detail(seen)


@pytest.mark.lab
def test_plain_sql_that_names_no_database_is_not_known_to_be_of_the_one_that_is_asked_for(
    cluster: postgres.Cluster, dumped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"min_level": 3, "load": False, "compare_database": None}
    seen = climbed(cluster, dumped / "-Fp", monkeypatch, **given, database="other")
    assert seen.proof_level < 3, detail(seen)
    assert "does not say whether it is of other" in detail(seen)
    cluster.run("pg_dump", "--create", "-f", dumped / "named.sql", "app")
    assert climbed(cluster, dumped / "named.sql", monkeypatch, **given, database="app").proof_level == 3
    assert climbed(cluster, dumped / "named.sql", monkeypatch, **given, database="other").proof_level == 0


@pytest.mark.lab
def test_a_base_backup_without_its_wal_is_told_as_that(
    cluster: postgres.Cluster, dumped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.run("pg_basebackup", "-D", dumped / "base", "-c", "fast", "-X", "none", "--no-sync")
    seen = climbed(
        cluster, dumped / "base", monkeypatch, min_level=4, load=False, compare_database=None
    )  # fmt: skip
    assert seen.proof_level < 3, detail(seen)
    assert "The WAL that it needs is not in it" in detail(seen)


@pytest.mark.lab
def test_the_scratch_database_goes_even_when_the_load_is_killed(
    cluster: postgres.Cluster, tmp_path: Path
) -> None:
    path = tmp_path / "app.sql"
    path.write_text("SELECT pg_sleep(300);\n")
    path.chmod(0o644)
    tmp_path.chmod(0o755)
    words = LOAD(str(path), "plain", "none", "gonogortkilled", "0", "", *cluster.options).argv
    program = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert program.stdin is not None
    program.stdin.close()
    try:
        wait_for(lambda: scratch(cluster), "the scratch database is there")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()
    wait_for(lambda: not scratch(cluster), "the scratch database is gone")


@pytest.mark.lab
def test_too_little_room_loads_nothing(cluster: postgres.Cluster, tmp_path: Path) -> None:
    words = LOAD("/nowhere", "plain", "none", "gonogortfull", str(2**62), "", *cluster.options).argv
    done = subprocess.run(words, input="", capture_output=True, text=True, check=False)
    assert done.returncode == 23
    assert scratch(cluster) == ""


def ended(output: bytes, errors: bytes = b"") -> CommandResult:
    return CommandResult(
        command=Command(argv=("bash", "-c", "", "pg_restore")), status=0, stdout=output, stderr=errors,
        ended="exit", duration_s=0.1,
    )  # fmt: skip


PLAIN = Dump(kind="plain", pack="none", sealed=False)


@given(st.binary(max_size=400), st.integers(0, 3))
def test_no_output_of_reading_a_dump_is_taken_for_whole(end: bytes, number: int) -> None:
    for output in (
        end,
        end.hex().encode() + b"\n0\nstatus 0 0\n1 0 0\n",
        end.hex().encode() + b"\n0\nstatus 1 0\n1 0 0\n",
    ):
        try:
            wrong = read_wrong(ended(output), LocalRemote(), PLAIN)
        except CannotTell:
            continue
        assert wrong or b"database dump complete" in end


def test_the_last_line_counts_only_at_the_end() -> None:
    good = b"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n"
    line = good.hex().encode() + b"\n0\nstatus 0 0 0 0\n1 0 0\n"
    assert not read_wrong(ended(line), LocalRemote(), PLAIN)
    more = (good + b"INSERT INTO t VALUES (1);\n").hex().encode() + b"\n0\nstatus 0 0 0 0\n1 0 0\n"
    assert "something else follows" in read_wrong(ended(more), LocalRemote(), PLAIN)
    assert "cluster" in read_wrong(ended(line), LocalRemote(), Dump(kind="all", pack="none", sealed=False))


@given(st.text(max_size=300))
def test_parsers_take_whatever_comes(text: str) -> None:
    plain_dump(text.encode(), "none", sealed=False)
    assert listed_dump(text, "custom", "none", sealed=False).tables in (None, *range(300))
    sizes({"sizes": text})
    started({"label": text})
    with pytest.raises(CannotTell):
        parsed(text)


def test_the_begin_of_a_base_backup_is_that_of_its_label() -> None:
    line = (
        '{ "Path": "backup_label", "Size": 225, "Last-Modified": "2026-11-22 18:06:59 GMT", "Checksum": "x" }'
    )
    assert started({"label": line}) == datetime(2026, 11, 22, 18, 6, 59, tzinfo=UTC)
