"""snmpsim's responder over the recordings beside the repository, as community or SNMPv3 context NAME.

    with simulator(folder) as agent:
        ...   # agent.host, agent.port; community "ios_2960x", or user USER with context "ios_2960x"

It serves one to three thousand objects a second and takes some seconds to index its files: share one a
module. As root it would drop to the user nobody, who cannot read a Python below /root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.snmpd import free_port
from tests.recordings import FOLDER

USER, AUTH_KEY, PRIVACY_KEY = "labuser", "authpass123", "privpass123"
RESPONDER = Path(sys.executable).with_name("snmpsim-command-responder")


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running responder."""

    host: str
    port: int


def need_recordings(*names: str) -> None:
    """Skip the calling test where snmpsim or a recording is not there."""
    if not RESPONDER.exists():
        pytest.skip("snmpsim is not installed.")
    missing = [name for name in names if not (FOLDER / f"{name}.snmprec").exists()]
    if missing or not FOLDER.exists():
        pytest.skip(f"The recordings are not beside the repository: {', '.join(missing)}.")


@contextmanager
def simulator(folder: Path, names: Sequence[str]) -> Iterator[Simulator]:
    """Serve the named recordings until the context ends."""
    data, log, port = folder / "data", folder / "snmpsim.log", free_port()
    data.mkdir()
    for name in names:
        shutil.copy(FOLDER / f"{name}.snmprec", data)
    words = [
        str(RESPONDER), "--cache-dir", str(folder / "cache"), "--log-level", "error",
        "--v3-engine-id", "auto", "--data-dir", str(data),
        "--v3-user", USER, "--v3-auth-key", AUTH_KEY, "--v3-auth-proto", "SHA256",
        "--v3-priv-key", PRIVACY_KEY, "--v3-priv-proto", "AES", f"--agent-udpv4-endpoint=127.0.0.1:{port}",
    ]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words += ["--process-user", "root", "--process-group", "root"]
    with log.open("wb") as out:
        program = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        for _ in range(3000):
            if _open(port):
                break
            if program.poll() is not None:
                raise RuntimeError(f"snmpsim ended: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        else:
            raise RuntimeError("snmpsim does not start")
        yield Simulator("127.0.0.1", port)
    finally:
        program.terminate()
        try:
            program.wait(10)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def _open(port: int) -> bool:
    """Return whether somebody listens: what is sent to a port that is closed comes back as an error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.settimeout(0.05)
        trial.connect(("127.0.0.1", port))
        trial.send(b"?")
        try:
            trial.recv(1)
        except TimeoutError:
            return True
        except OSError:
            return False
    return True
