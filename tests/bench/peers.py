"""The servers that everybody is measured against, and the checks in everybody's own words. Loopback only."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PLUGINS = Path("/usr/lib/nagios/plugins")
NAMES = 100


@dataclass(frozen=True)
class Servers:
    """Ports on 127.0.0.0/8: nginx answers TCP and HTTP, knot answers DNS for example.test."""

    http: int
    dns: int
    nginx: int
    """Process id."""


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """Return a port that is free now."""
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a TCP port accepts; raise when the process ends before."""
    for _ in range(500):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not listen on {port}")


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a daemon in the foreground and stop it by its id."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Start nginx (one worker) and knot (one UDP worker) in `folder`."""
    http, dns = free_port(), free_port()
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        "events { worker_connections 8192; }\n"
        f"http {{ access_log off; server {{ listen {http} backlog=4096;\n"
        'location / { return 200 "ok\\n"; } } }\n'
    )
    zone = "$ORIGIN example.test.\n@ 300 SOA ns h 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\n"
    zone += "".join(f"h{i} 300 A 192.0.2.{1 + i}\n" for i in range(NAMES))
    (folder / "example.test.zone").write_text(zone)
    (folder / "knot.conf").write_text(
        f"server:\n  listen: 127.0.0.1@{dns}\n  rundir: {folder}\n  udp-workers: 1\n  tcp-workers: 1\n"
        f"database:\n  storage: {folder}/knot\n"
        f"zone:\n  - domain: example.test\n    file: {folder}/example.test.zone\n"
    )
    (folder / "knot").mkdir()
    nginx, knotd = shutil.which("nginx") or "nginx", shutil.which("knotd") or "knotd"
    with (
        started(nginx, "-c", f"{folder}/nginx.conf", "-p", str(folder)) as web,
        started(knotd, "-c", f"{folder}/knot.conf") as names,
    ):
        wait_for(http, web)
        wait_for(dns, names)
        yield Servers(http=http, dns=dns, nginx=web.pid)


def project(count: int, at: Servers) -> str:
    """Return a project file with `count` checks: half TCP, a quarter DNS, a quarter HTTP."""
    lines = ["gonogo: 1", "project: {name: Bench, timezone: UTC}", "milestones: {m: {title: M}}", "checks:"]
    for i in range(count):
        head = f"  c{i}:\n    milestone: m\n    type: "
        if i % 4 < 2:
            lines.append(f"{head}network.tcp\n    target: 127.0.0.{1 + i % 200}\n    port: {at.http}")
        elif i % 4 == 2:
            lines.append(
                f"{head}dns.record\n    name: h{i % NAMES}.example.test\n    rdtype: A\n"
                f"    servers: ['127.0.0.1:{at.dns}']\n    expect: [192.0.2.{1 + i % NAMES}]"
            )
        else:
            lines.append(f"{head}network.http\n    url: http://127.0.0.{1 + i % 200}:{at.http}/")
    return "\n".join(lines) + "\n"


def plugin_lines(count: int, at: Servers) -> str:
    """Return the same checks as command lines for xargs: check_tcp, check_http, and kdig for DNS."""
    lines = []
    for i in range(count):
        if i % 4 < 2:
            lines.append(f"{PLUGINS}/check_tcp -H 127.0.0.{1 + i % 200} -p {at.http}")
        elif i % 4 == 2:
            lines.append(f"kdig +short @127.0.0.1 -p {at.dns} h{i % NAMES}.example.test A")
        else:
            lines.append(f"{PLUGINS}/check_http -H 127.0.0.{1 + i % 200} -p {at.http}")
    return "\n".join(lines) + "\n"


def testinfra_file(count: int, at: Servers) -> str:
    """Return the same checks as a testinfra module, in its own idiom."""
    return f"""\
import pytest

@pytest.mark.parametrize("i", range({count}))
def test_it(host, i):
    if i % 4 < 2:
        assert host.addr(f"127.0.0.{{1 + i % 200}}").port({at.http}).is_reachable
    elif i % 4 == 2:
        answer = host.check_output(f"kdig +short @127.0.0.1 -p {at.dns} h{{i % {NAMES}}}.example.test A")
        assert answer == f"192.0.2.{{1 + i % {NAMES}}}"
    else:
        assert host.check_output(f"curl -s http://127.0.0.{{1 + i % 200}}:{at.http}/") == "ok"
"""
