"""DNS questions a second against a local knotd: the shared client, dnspython, and dnsperf if there.

`.venv/bin/python -m tests.bench.dns` (not by its path: its name would stand before dnspython's).
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from checks.vantage import Shared
from checks.wire.dns import Dns
from tests.checks.wire.dns_servers import knot
from tests.lab.needs import tool

ROUNDS = 5
IN_FLIGHT = 100
OURS, THEIRS, CEILING = 10_000, 1_500, 100_000
NAME = "mail.office.example"


def measure() -> dict[str, float]:
    """Return questions a second, CPU time a question, and ratios: medians of interleaved rounds."""
    cpu: dict[str, list[float]] = {"gonogo": [], "dnspython": []}
    rounds: dict[str, list[float]] = {"gonogo": [], "dnspython": []}
    if tool("dnsperf"):
        rounds["dnsperf"] = []
    with knot() as port:
        for _ in range(ROUNDS):
            for name, work, count in (("gonogo", _ours, OURS), ("dnspython", _dnspython, THEIRS)):
                before = time.process_time()
                rounds[name].append(asyncio.run(work(port)))
                cpu[name].append((time.process_time() - before) / count * 1e6)
            if "dnsperf" in rounds:
                rounds["dnsperf"].append(_dnsperf(port))
    found = {f"{name} q/s": statistics.median(rates) for name, rates in rounds.items()}
    found |= {f"{name} us CPU": statistics.median(costs) for name, costs in cpu.items()}
    ours = rounds["gonogo"]
    theirs = zip(ours, rounds["dnspython"], strict=True)
    found["ratio_to_dnspython"] = statistics.median(own / their for own, their in theirs)
    if "dnsperf" in rounds:
        theirs = zip(ours, rounds["dnsperf"], strict=True)
        found["dnsperf_over_gonogo"] = statistics.median(their / own for own, their in theirs)
    return found


async def _ours(port: int) -> float:
    client = await Dns.open(Shared())
    server, left = f"127.0.0.1:{port}", iter(range(OURS))

    async def worker() -> None:
        for _ in left:
            answer = await client.ask(server, NAME, "A")
            assert answer.chain().records, answer

    try:
        begun = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        return OURS / (time.perf_counter() - begun)
    finally:
        await client.close()


async def _dnspython(port: int) -> float:
    from dns.asyncresolver import Resolver

    resolver = Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    left = iter(range(THEIRS))

    async def worker() -> None:
        for _ in left:
            assert len(await resolver.resolve(NAME, "A", search=False)) == 2

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return THEIRS / (time.perf_counter() - begun)


def _dnsperf(port: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        questions = Path(folder) / "questions"
        questions.write_text(f"{NAME} A\n" * 1000)
        done = subprocess.run(
            [str(tool("dnsperf")), "-s", "127.0.0.1", "-p", str(port), "-d", str(questions), "-c", "1",
             "-T", "1", "-q", str(IN_FLIGHT), "-n", str(CEILING // 1000)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if "Queries per second" in line)
    return float(line.split()[-1])


if __name__ == "__main__":
    for label, value in measure().items():
        print(f"{label:24} {value:12,.2f}")
