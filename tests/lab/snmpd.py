"""net-snmp's snmpd in the foreground: communities, users of every protocol, a restricted view.

    with snmpd(folder) as agent:
        ...      # agent.host, agent.port; community "public", or "system" that sees the system group only

`USERS` are the users: name to (authentication, privacy) as `Access` names them; passphrases `AUTH_KEY` and
`PRIVACY_KEY`. The user `private` may read by authPriv only, `public` at any level that it has.
`prefix` are words that start it elsewhere, such as those of a namespace.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.needs import tool

AUTH_KEY, PRIVACY_KEY = "authpass123", "privpass123"
USERS = {
    "md5des": ("md5", "des"),
    "shaaes": ("sha", "aes"),
    "sha224aes": ("sha224", "aes"),
    "sha256aes": ("sha256", "aes"),
    "sha384aes": ("sha384", "aes"),
    "sha512aes": ("sha512", "aes"),
    "shaaes192": ("sha", "aes192-blumenthal"),
    "shaaes256": ("sha", "aes256-blumenthal"),
    "shaaes192c": ("sha", "aes192"),
    "md5aes256c": ("md5", "aes256"),
    "shanone": ("sha", "none"),
}
_AUTH = {"md5": "MD5", "sha": "SHA", "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384",
         "sha512": "SHA-512"}  # fmt: skip
_PRIVACY = {"des": "DES", "aes": "AES", "aes192-blumenthal": "AES-192", "aes256-blumenthal": "AES-256",
            "aes192": "AES-192-C", "aes256": "AES-256-C"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snmpd:
    """A running snmpd."""

    host: str
    port: int
    log: Path


@contextmanager
def snmpd(
    folder: Path, *, host: str = "127.0.0.1", port: int = 0, prefix: Sequence[str] = (), more: str = ""
) -> Iterator[Snmpd]:
    """Run snmpd until the context ends; `more` are further lines of its configuration."""
    port = port or free_port(host)
    where = f"udp6:[{host}]:{port}" if ":" in host else f"udp:{host}:{port}"
    lines = [
        f"agentaddress {where}",
        "rocommunity public",
        "rocommunity6 public",
        "view systemonly included .1.3.6.1.2.1.1",
        "rocommunity system default -V systemonly",
        "rocommunity6 system default -V systemonly",
        "sysName lab-agent",
        "sysLocation the lab",
        f'createUser private SHA-256 "{AUTH_KEY}" AES "{PRIVACY_KEY}"',
        "rouser private priv",
        f'createUser narrow SHA "{AUTH_KEY}"',
        "rouser narrow auth -V systemonly",
        "createUser open",
        "rouser open noauth",
        *(_user(name, *how) for name, how in USERS.items()),
        *(f"rouser {name} auth" for name in USERS),
        more,
    ]
    configuration, log = folder / "snmpd.conf", folder / "snmpd.log"
    log.unlink(missing_ok=True)
    configuration.write_text("\n".join(lines) + "\n")
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    program = subprocess.Popen(
        [*prefix, str(tool("snmpd")), "-f", "-C", "-c", str(configuration), "-Lf", str(log),
         "-p", str(folder / "pid"), "-I", "-smux"],
        env={"SNMP_PERSISTENT_DIR": str(state), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MIBS": ""},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(1000):
            if log.exists() and "NET-SNMP version" in log.read_text(errors="replace"):
                break
            if program.poll() is not None:
                raise RuntimeError(f"snmpd ended: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)
        else:
            raise RuntimeError("snmpd does not start")
        yield Snmpd(host, port, log)
    finally:
        program.terminate()
        try:
            program.wait(10)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def _user(name: str, auth: str, privacy: str) -> str:
    words = f'createUser {name} {_AUTH[auth]} "{AUTH_KEY}"'
    return words if privacy == "none" else f'{words} {_PRIVACY[privacy]} "{PRIVACY_KEY}"'


def free_port(host: str = "127.0.0.1") -> int:
    """Return a UDP port that is free now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((host, 0))
        port: int = taken.getsockname()[1]
        return port
