"""One protocol at a time, against the C programs that do nothing else: nmap for TCP, curl -Z for HTTP."""

from __future__ import annotations

import tempfile
from pathlib import Path

from agent.ledger.store import Ledger
from tests.bench.peers import servers
from tests.bench.resident import only, run_plan
from tests.bench.timing import command, interleaved

TARGETS, PAGES = 1000, 500


def measure() -> dict[str, float]:
    """Return wall ratios to nmap -sT and curl -Z, which start anew and keep nothing; ours is resident."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with servers(folder) as at, Ledger.open(folder / "bench.db") as ledger:
            ports = only(folder, "tcp", "type: network.tcp, target: 127.0.{a}.{b}, port: {port}", TARGETS, at)
            pages = only(folder, "web", "type: network.http, url: 'http://127.0.{a}.{b}:{port}/'", PAGES, at)
            urls = [f"http://127.0.{i // 250}.{1 + i % 250}:{at.http}/" for i in range(PAGES)]
            curl = ["curl", "-s", "-Z", "--parallel-max", "50", "-o", "/dev/null", *urls]
            nmap = ["nmap", "-sT", "-Pn", "-n", "-p", str(at.http), f"127.0.0-{TARGETS // 250 - 1}.1-250"]
            costs = interleaved(
                {
                    "tcp": lambda: run_plan(ports, ledger),
                    "nmap": command(nmap),
                    "http": lambda: run_plan(pages, ledger),
                    "curl": command(curl),
                },
                5,
            )
    return {
        "ratio_to_nmap": costs["tcp"].wall / costs["nmap"].wall,
        "ratio_to_curl": costs["http"].wall / costs["curl"].wall,
        "tcp check, CPU us": costs["tcp"].cpu / TARGETS * 1e6,
        "nmap, CPU us a target": costs["nmap"].cpu / TARGETS * 1e6,
        "http check, CPU us": costs["http"].cpu / PAGES * 1e6,
        "curl, CPU us a page": costs["curl"].cpu / PAGES * 1e6,
    }
