"""backup.postgres: what a load must never do, and what no output of a host may break."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
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
        end.hex().encode() + b"\n0\nstatus 0 0\n1\n",
        end.hex().encode() + b"\n0\nstatus 1 0\n1\n",
    ):
        try:
            wrong = read_wrong(ended(output), LocalRemote(), PLAIN)
        except CannotTell:
            continue
        assert wrong or b"database dump complete" in end


def test_the_last_line_counts_only_at_the_end() -> None:
    good = b"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n"
    line = good.hex().encode() + b"\n0\nstatus 0 0 0 0\n1\n"
    assert not read_wrong(ended(line), LocalRemote(), PLAIN)
    more = (good + b"INSERT INTO t VALUES (1);\n").hex().encode() + b"\n0\nstatus 0 0 0 0\n1\n"
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
