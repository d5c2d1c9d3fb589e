"""A whole name space on loopback: knotd with authority for the root, and everything in one zone."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from checks import jsonable
from checks.contract import Check
from checks.vantage import Shared, Vantage
from tests.checks.form import seen_type
from tests.checks.hostile import assert_harmless
from tests.checks.wire.dns_servers import _running, free_port
from tests.lab import need
from tests.lab.needs import tool

_HEAD = (
    "$ORIGIN .\n$TTL 300\n@ SOA ns.test. h.test. 1 7200 900 1209600 60\n@ NS ns.test.\nns.test. A 127.0.0.1\n"
)


@contextlib.contextmanager
def world(lines: str, head: str = _HEAD, origin: str = ".") -> Iterator[str]:
    """Serve `lines` (names with their final dot) under the root by knotd; yield its endpoint."""
    need("knotd", root=False)
    with tempfile.TemporaryDirectory() as name:
        home, port = Path(name), free_port()
        (home / "zone").write_text(head + lines + "\n")
        (home / "knot.conf").write_text(
            f'server:\n  listen: "127.0.0.1@{port}"\n  rundir: "{home}"\n  udp-workers: 1\n  tcp-workers: 1\n'
            f'database:\n  storage: "{home}"\n'
            f'template:\n  - id: default\n    storage: "{home}"\n    semantic-checks: off\n'
            f'zone:\n  - domain: "{origin}"\n    file: zone\n'
        )
        with _running([str(tool("knotd")), "-c", str(home / "knot.conf")], port, "ns.test"):
            yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def unbound(upstream: str) -> Iterator[str]:
    """Resolve by unbound, which takes everything from the server `upstream`; yield its endpoint."""
    need("unbound", root=False)
    with tempfile.TemporaryDirectory() as name:
        home, port = Path(name), free_port()
        (home / "unbound.conf").write_text(
            f'server:\n  interface: 127.0.0.1\n  port: {port}\n  username: ""\n  chroot: ""\n'
            f'  directory: "{home}"\n  pidfile: "{home}/pid"\n  use-syslog: no\n  num-threads: 1\n'
            '  do-not-query-localhost: no\n  module-config: iterator\n  local-zone: "test." nodefault\n'
            "remote-control:\n  control-enable: no\n"
            f'stub-zone:\n  name: "."\n  stub-addr: {upstream.replace(":", "@")}\n'
        )
        with _running([str(tool("unbound")), "-d", "-c", str(home / "unbound.conf")], port, "ns.test"):
            yield f"127.0.0.1:{port}"


def run(check: Check[Any]) -> Any:
    """Observe once; the observation must survive JSON."""

    async def work() -> Any:
        shared = Shared()
        try:
            return await check.observe(Vantage(shared, "check", check.allowance()))
        finally:
            await shared.close()

    seen = asyncio.run(work())
    assert jsonable.from_json(seen_type(type(check)), jsonable.to_json(seen)) == seen
    return seen


def judged(check: Check[Any], seen: Any) -> list[Any]:
    """Judge what was seen; no text of a finding may harm a terminal."""
    findings = list(check.judge(seen))
    assert_harmless(findings)
    return findings
