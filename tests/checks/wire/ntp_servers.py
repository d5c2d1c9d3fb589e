"""Time servers for tests: chronyd on a free port, shifted by faketime if asked; packets by hand."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.checks.wire.dns_servers import free_port
from tests.lab import need
from tests.lab.needs import tool


def clock(shift: float = 0.0) -> bytes:
    """Return this machine's time plus `shift` seconds as an NTP timestamp."""
    return struct.pack("!Q", int((time.time() + shift + 2_208_988_800) * (1 << 32)) % (1 << 64))


def packet(
    query: bytes,
    *,
    leap: int = 0,
    stratum: int = 2,
    reference: bytes = b"\xc0\0\2\1",
    root: tuple[float, float] = (0.01, 0.01),
    originate: bytes | None = None,
    received: bytes | None = None,
    transmitted: bytes | None = None,
) -> bytes:
    """Return a server's reply to `query`; what is not given is as a healthy server has it."""
    head = struct.pack(
        "!BBbbII4s",
        leap << 6 | 4 << 3 | 4,
        stratum,
        6,
        -20,
        int(root[0] * 65536),
        int(root[1] * 65536),
        reference,
    )
    times = (
        clock(-10),
        query[40:48] if originate is None else originate,
        received or clock(),
        transmitted or clock(),
    )
    return head + b"".join(times)


def _answers(host: str, port: int) -> bool:
    """Return whether a time server answers there, whatever it says."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.2)
        try:
            asking.connect((host, port))
            asking.send(bytes([0x23]) + bytes(47))
            return len(asking.recv(512)) >= 48
        except OSError:
            return False


@contextlib.contextmanager
def chronyd(*, shift: str = "", local: bool = True, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve this machine's time, shifted by faketime's words (`+90s`); yield the port.

    With `local` false the server follows nothing and says so.
    """
    need("chronyd", *(["faketime"] if shift else []), root=False)
    with tempfile.TemporaryDirectory() as name:
        port, log = free_port(host), Path(name) / "log"
        conf = Path(name) / "chrony.conf"
        conf.write_text(
            f"{'local stratum 8' if local else ''}\nport {port}\ncmdport 0\nbindcmdaddress /\nallow all\n"
            f"bindaddress {host}\npidfile {name}/pid\n"
        )
        prefix = [str(tool("faketime")), "-f", shift] if shift else []
        with log.open("wb") as out:
            program = subprocess.Popen(
                [*prefix, str(tool("chronyd")), "-d", "-x", "-U", "-u", getpass.getuser(), "-f", str(conf)],
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        try:
            end = time.monotonic() + 20
            while not _answers(host, port):
                if program.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"chronyd did not start: {log.read_text()}")
                time.sleep(0.02)
            yield port
        finally:
            # faketime starts chronyd as its child: the group of both is ended.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGTERM)
            program.wait(10)
