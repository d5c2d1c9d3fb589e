"""MariaDB servers of a test: in a folder, owned by `mysql`; a replica reaches its source on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.namespaces import wait_for
from tests.lab.needs import PATH


@dataclass(frozen=True)
class Server:
    """A running server; root of this machine is its root."""

    folder: Path
    port: int
    program: subprocess.Popen[bytes]

    @property
    def socket(self) -> str:
        return str(self.folder / "sock")

    @property
    def place(self) -> dict[str, Any]:
        """The parameters by which a check finds it."""
        return {"socket": self.socket}

    @property
    def options(self) -> list[str]:
        """The options by which MariaDB's own programs find it."""
        return ["--no-defaults", f"--socket={self.socket}"]

    def sql(self, text: str, database: str = "") -> str:
        """Run SQL; return what it selects."""
        words = [f"--database={database}"] if database else []
        return _run("mariadb", *self.options, "--batch", "--skip-column-names", *words, text=text).strip()

    def run(self, program: str, *words: object) -> str:
        """Run one of MariaDB's programs against it."""
        return _run(program, *self.options, *words)

    def follow(self, source: Server) -> None:
        """Replicate from `source` from now on; both must be alike by then."""
        source.sql("CREATE OR REPLACE USER repl@'127.0.0.1' IDENTIFIED BY 'practice';"
                   "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1';")  # fmt: skip
        file, position = source.sql("SHOW MASTER STATUS").split("\t")[:2]
        self.sql(
            f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, MASTER_USER='repl', "
            f"MASTER_PASSWORD='practice', MASTER_LOG_FILE='{file}', MASTER_LOG_POS={position}, "
            "MASTER_CONNECT_RETRY=1; START SLAVE;"
        )
        wait_for(lambda: "\tYes\tYes\t" in self.sql("SHOW SLAVE STATUS"), "the replica follows")


def _run(program: str, *words: object, text: str = "") -> str:
    done = subprocess.run(
        [program, *map(str, words)], input=text, capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    )  # fmt: skip
    if done.returncode:
        raise OSError(f"{program} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


@contextmanager
def server(number: int = 1, options: Sequence[str] = ()) -> Iterator[Server]:
    """Run a server until the context ends; `number` is its server_id."""
    folder = Path(tempfile.mkdtemp(prefix="gonogo-my-"))
    folder.chmod(0o755)
    shutil.chown(folder, "mysql")
    program = None
    try:
        _run(
            "mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={folder}/data",
            "--skip-test-db", "--auth-root-authentication-method=socket",
        )  # fmt: skip
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
        with (folder / "log").open("wb") as log:
            program = subprocess.Popen(
                ["mariadbd", "--no-defaults", "--user=mysql", f"--datadir={folder}/data",
                 f"--socket={folder}/sock", f"--pid-file={folder}/pid", "--bind-address=127.0.0.1",
                 f"--port={port}", f"--server-id={number}", "--log-bin=binlog", "--skip-name-resolve",
                 "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M",
                 "--innodb-log-file-size=8M", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": PATH, "TZ": "UTC"},
            )  # fmt: skip
        made = Server(folder, port, program)
        wait_for(lambda: made.sql("SELECT 1"), "MariaDB answers", 60.0)
        yield made
    finally:
        if program is not None:
            program.kill()
            program.wait()
        shutil.rmtree(folder, ignore_errors=True)
