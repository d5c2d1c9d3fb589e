"""The tree of `zones_office` by real daemons: each address has one of its own."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from tests.checks.dns.zones import port_for
from tests.lab import need
from tests.lab.needs import tool

Servers = Mapping[str, tuple[str, Mapping[str, str]]]
"""Address to daemon (`knot` or `nsd`) and its zones, text by apex."""


@contextlib.contextmanager
def running(servers: Servers) -> Iterator[int]:
    """Serve every address on one port by a daemon of its own; yield the port."""
    for kind, _ in servers.values():
        need({"knot": "knotd", "nsd": "nsd"}[kind], root=False)
    port = port_for(list(servers))
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        for address, (kind, zones) in servers.items():
            home = Path(name) / address.replace(":", "_")
            home.mkdir()
            start = {"knot": _knot, "nsd": _nsd}[kind](home, address, port, zones)
            program = subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(_end, program)
            _wait(address, port, next(iter(zones)), program)
        yield port


def _knot(home: Path, address: str, port: int, zones: Mapping[str, str]) -> list[str]:
    text = (
        f'server:\n  listen: "{address}@{port}"\n  rundir: "{home}"\n  udp-workers: 1\n  tcp-workers: 1\n'
        f'database:\n  storage: "{home}"\ntemplate:\n  - id: default\n    storage: "{home}"\n'
        "    semantic-checks: off\nzone:\n"
    )
    for number, (apex, zone) in enumerate(zones.items()):
        (home / f"{number}.zone").write_text(zone)
        text += f'  - domain: "{apex}"\n    file: "{number}.zone"\n'
    (home / "knot.conf").write_text(text)
    return [str(tool("knotd")), "-c", str(home / "knot.conf")]


def _nsd(home: Path, address: str, port: int, zones: Mapping[str, str]) -> list[str]:
    text = (
        f'server:\n  ip-address: {address}\n  port: {port}\n  zonesdir: "{home}"\n  database: ""\n'
        f'  pidfile: "{home}/pid"\n  xfrdfile: "{home}/xfrd"\n  zonelistfile: "{home}/list"\n'
        f'  xfrdir: "{home}"\n  username: ""\n  chroot: ""\n  server-count: 1\n'
        "remote-control:\n  control-enable: no\n"
    )
    for number, (apex, zone) in enumerate(zones.items()):
        (home / f"{number}.zone").write_text(zone)
        text += f'zone:\n  name: "{apex}"\n  zonefile: {number}.zone\n'
    (home / "nsd.conf").write_text(text)
    return [str(tool("nsd")), "-d", "-c", str(home / "nsd.conf")]


def _wait(address: str, port: int, apex: str, program: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError, dns.exception.Timeout):
            dns.query.udp(dns.message.make_query(apex, "SOA"), address, port=port, timeout=0.2)
            return
        assert program.poll() is None, f"{program.args} ended."
        assert time.monotonic() < end, f"{program.args} does not answer."


def _end(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(5)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
