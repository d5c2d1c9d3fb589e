"""PostgreSQL clusters of a test: in a folder, on a socket there, owned by the system user `postgres`."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.needs import PATH

PORT = 54321
"""Of the socket only: no cluster listens on a network."""
SETTINGS = f"""
listen_addresses = ''
port = {PORT}
fsync = off
full_page_writes = off
shared_buffers = 16MB
max_connections = 20
wal_level = logical
max_wal_senders = 5
hot_standby = on
autovacuum = off
log_timezone = 'UTC'
"""


def programs() -> Path:
    """Return the folder with initdb, pg_ctl and the others of the newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: float(one.parts[-3]))
    return found[-1].parent if found else Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Cluster:
    """A running cluster; `folder` holds its data, its socket and its log."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def place(self) -> dict[str, Any]:
        """The parameters by which a check finds it."""
        return {"socket": str(self.folder), "database_port": PORT, "login": "postgres"}

    @property
    def options(self) -> list[str]:
        """The options by which PostgreSQL's own programs find it."""
        return [f"--host={self.folder}", f"--port={PORT}", "--username=postgres"]

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL; return what it selects, unaligned."""
        words = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *self.options, "-d", database]
        return as_postgres(*words, text=text).strip()

    def run(self, program: str, *words: object) -> str:
        """Run one of PostgreSQL's programs against it."""
        return as_postgres(program, *self.options, *words)

    def start(self) -> None:
        log = self.folder / "log"
        as_postgres(programs() / "pg_ctl", "-D", self.data, "-l", log, "-w", "-s", "start", quiet=True)

    def stop(self) -> None:
        as_postgres(programs() / "pg_ctl", "-D", self.data, "-m", "immediate", "-w", "-s", "stop")


def as_postgres(program: object, *words: object, text: str = "", quiet: bool = False) -> str:
    """Run a program as the user `postgres` to its end, which must be 0; return its output.

    `quiet` is for one that leaves a server behind, which would hold a pipe open.
    """
    argv = ["runuser", "-u", "postgres", "--", program, *words]
    out = subprocess.DEVNULL if quiet else subprocess.PIPE
    done = subprocess.run(
        [str(word) for word in argv], input=text, stdout=out, stderr=out, text=True, check=False,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC"}, cwd="/", timeout=120,
    )  # fmt: skip
    if done.returncode:
        raise OSError(f"{program} ended with {done.returncode}: {(done.stderr or '')[-2000:]}")
    return done.stdout or ""


def made(folder: Path, settings: str = "", *, standby_of: Cluster | None = None) -> Path:
    """Make a cluster that is not started yet, or a standby of one that runs; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    shutil.chown(folder, "postgres")
    data = folder / "data"
    if standby_of is None:
        as_postgres(
            programs() / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8",
            "--locale=C",
        )  # fmt: skip
    else:
        standby_of.run("pg_basebackup", "-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
    with (data / "postgresql.conf").open("a") as file:
        file.write(f"{SETTINGS if standby_of is None else ''}{settings}\n")
        file.write(f"unix_socket_directories = '{folder}'\n")
    return folder


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """Run a cluster that was made, until the context ends."""
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


@contextmanager
def cluster(settings: str = "", *, standby_of: Cluster | None = None) -> Iterator[Cluster]:
    """Make a cluster and run it until the context ends; with `standby_of` a streaming standby of that one."""
    folder = Path(tempfile.mkdtemp(prefix="gonogo-pg-"))
    try:
        with running(Cluster(made(folder, settings, standby_of=standby_of))) as one:
            yield one
    finally:
        shutil.rmtree(folder, ignore_errors=True)
