"""A security upgrade on loopback: machines over SSH, a DNS filter, servers, and the project on them.

Machines are OpenSSH servers whose `mdatp` is a stand-in that answers as Microsoft documents; everything else
is what it is. Each fault is there all the time, at a place of its own, and `Upgrade.project` names it or not.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.decide import draft_attestation
from agent.files.load import load_plan
from agent.running import open_ledger
from tests.checks.wire.dns_servers import free_port, unbound
from tests.lab.namespaces import wait_for
from tests.lab.needs import tool
from tests.lab.sshd import Sshd, User, sshd

TOOLS = ("sshd", "sudo", "cvtsudoers", "unbound", "openssl")
BLOCKED, CONTROL = "malware.example", "www.example.com"
_NAMES = (f'local-data: "{CONTROL}. A 192.0.2.80"', 'local-data: "probe.example. A 192.0.2.1"')
_FILTER = (f'local-zone: "{BLOCKED}." always_null', *_NAMES)
_OPEN = (f'local-data: "{BLOCKED}. A 198.51.100.66"', *_NAMES)
_HEALTHY = {
    "healthy": True, "healthIssues": [], "licensed": True, "realTimeProtectionEnabled": {"value": True},
    "passiveModeEnabled": {"value": False}, "definitionsUpdatedMinutesAgo": 90,
}  # fmt: skip


@dataclass(frozen=True)
class Upgrade:
    """The running world."""

    folder: Path
    machines: Mapping[str, Sshd]
    """pilot, office-1, office-2, plant-1."""
    ports: Mapping[str, int]
    """Where everything else listens, by name; `gone` is where nobody does."""
    block: str
    """A network of loopback that is this world's."""

    def protect(self, machine: str, **change: Any) -> None:
        """Have a machine's Defender say that it is well, but for `change`."""
        stub = self.folder / machine / "bin" / "mdatp"
        told = json.dumps(_HEALTHY | change)
        stub.write_text(f"#!/bin/sh\n[ \"$*\" = 'health --output json' ] || exit 2\necho '{told}'\n")
        stub.chmod(0o755)

    def at(self, name: str) -> str:
        """Return the endpoint of a server."""
        return f"127.0.0.1:{self.ports[name]}"

    def login(self, machine: str) -> dict[str, Any]:
        """Return a machine as an inventory names it."""
        return {key: value for key, value in self.machines[machine].params().items() if key != "agent"}

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the profile in a world without a fault."""
        return {
            "authorised_by": "C. Owner, CHG0042",
            "way_back": "Uninstall the agent.",
            "pilot": [self.login("pilot")],
            "waves": [
                {"name": "office", "inventory": [self.login("office-1"), self.login("office-2")]},
                {"name": "plant", "inventory": [self.login("plant-1")]},
            ],
            "admins": {"inventory": [self.login("pilot") | {"sudo": True}], "approved": ["root", "tech"]},
            "tls_servers": [self.at("tls-new")],
            "exposure": {
                "ranges": [self.block], "ports": [self.ports["served"]], "control": self.at("web"),
                "allowed": [{"host": self.block.replace(".0/30", ".1"), "port": self.ports["served"]}],
            },
            "egress": {"closed": [self.at("gone")], "control": self.at("web")},
            "dns_filter": {
                "blocked": [BLOCKED], "control": CONTROL, "resolvers": [self.at("filter")],
                "bypass": [self.at("redirected")],
            },
            "working": [{"name": "erp", "host": "127.0.0.1", "port": self.ports["web"]}],
            "websites": [{"name": "intranet", "url": f"http://{self.at('web')}/"}],
        }  # fmt: skip

    def project(self, folder: Path, parameters: Mapping[str, Any], *, attested: bool = True) -> Path:
        """Write a project on the profile, with what persons state unless not `attested`."""
        now = datetime.now(UTC)
        path = folder / "upgrade.yaml"
        path.write_text(json.dumps({
            "gonogo": 1, "profile": "security-upgrade", "with": dict(parameters),
            "project": {
                "name": "Upgrade", "timezone": "UTC",
                "cutover": f"{now + timedelta(minutes=5):%Y-%m-%d %H:%M}",
            },
            "contacts": {"it": {"name": "Anna"}},
        }))  # fmt: skip
        if attested:
            plan = load_plan(path)
            with open_ledger(path, plan) as ledger:
                for check in plan.checks:
                    if check.type == "manual":
                        ledger.add(draft_attestation(plan, check.id, holds=True, by="Anna", now=now))
        return path


class _Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        return


@contextlib.contextmanager
def _web() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(5)


@contextlib.contextmanager
def _tls(folder: Path, *options: str) -> Iterator[int]:
    port = free_port()
    program = subprocess.Popen(
        [str(tool("openssl")), "s_server", "-accept", f"127.0.0.1:{port}", "-key", "k.pem", "-cert", "c.pem",
         "-quiet", *options],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(
            lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True,
            "openssl s_server answers",
        )
        yield port
    finally:
        program.terminate()
        program.wait(10)
        assert program.stdin is not None
        program.stdin.close()


@contextlib.contextmanager
def upgrade(folder: Path) -> Iterator[Upgrade]:
    """Build the world, and take it down again."""
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-subj", "/CN=localhost"]
    subprocess.run(
        [str(tool("openssl")), "req", "-x509", *key, "-days", "2"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    block = f"127.{100 + os.getpid() % 100}.{os.getpid() // 100 % 256}"
    with contextlib.ExitStack() as stack:
        use = stack.enter_context
        machines = {
            name: use(sshd(folder / name, users=users))
            for name, users in {
                "pilot": [User("tech", sudo="NOPASSWD: ALL")],
                "office-1": [User("tech")], "office-2": [User("tech")], "plant-1": [User("tech")],
                "unruly": [User("tech", sudo="NOPASSWD: ALL"), User("mallory", groups=("docker",))],
            }.items()
        }  # fmt: skip
        served = use(socket.create_server((f"{block}.1", 0)))
        ports = {
            "served": served.getsockname()[1], "web": use(_web()), "gone": free_port(),
            "tls-new": use(_tls(folder)), "tls-old": use(_tls(folder, "-cipher", "ALL:@SECLEVEL=0")),
            "filter": use(unbound(*_FILTER)).port, "redirected": use(unbound(*_FILTER)).port,
            "unfiltered": use(unbound(*_OPEN)).port,
        }  # fmt: skip
        world = Upgrade(folder, machines, ports, f"{block}.0/30")
        for name in machines:
            (folder / name / "bin").mkdir()
            world.protect(name)
            machines[name].bind(folder / name / "bin", "/usr/local/bin")
        yield world
