"""1,024 targets on loopback, one echo each: the shared client against fping, paced alike and not at all.

`python -m tests.bench.ping`. Needs fping and the right to open an ICMP socket (root will do).
"""

from __future__ import annotations

import asyncio
import time

from checks.wire.icmp import Icmp
from checks.wire.icmp_pace import RATE, Pace
from checks.wire.icmp_socket import EchoSocket
from tests.bench.timing import command, interleaved

ROUNDS = 5
TARGETS = tuple(f"127.0.{n // 250}.{n % 250 + 1}" for n in range(1024))


def measure() -> dict[str, float]:
    """Return medians of interleaved rounds: seconds, CPU microseconds a target, and our time over fping's.

    Ours runs inside a started engine, fping is a process of its own (a few milliseconds of it are its start).
    """
    costs = interleaved(
        {
            "gonogo, 1,000/s": lambda: _ours(RATE, 8),
            "fping, 1,000/s": command(["fping", "-q", "-i1", "-c1", *TARGETS]),
            "gonogo, no pace": lambda: _ours(1e6, len(TARGETS)),
            "fping, no pace": command(["fping", "-q", "-i0", "-c1", *TARGETS]),
        },
        ROUNDS,
    )
    found = {f"{name}: s": cost.wall for name, cost in costs.items()}
    found |= {f"{name}: us CPU a target": cost.cpu / len(TARGETS) * 1e6 for name, cost in costs.items()}
    found["ratio_to_fping"] = costs["gonogo, 1,000/s"].wall / costs["fping, 1,000/s"].wall
    found["ratio_to_fping_unpaced"] = costs["gonogo, no pace"].wall / costs["fping, no pace"].wall
    return found


def _ours(rate: float, burst: int) -> None:
    answered = asyncio.run(_sweep(rate, burst))
    if answered != len(TARGETS):
        raise RuntimeError(f"Only {answered} of {len(TARGETS)} loopback addresses answered.")


async def _sweep(rate: float, burst: int) -> int:
    try:
        transport = EchoSocket(4, "dgram", Pace(rate, burst))
    except PermissionError:
        transport = EchoSocket(4, "raw", Pace(rate, burst))
    icmp = Icmp("socket", {4: transport}, {})
    found = await asyncio.gather(
        *(icmp.series(address, count=1, interval=0.0, timeout=1.0) for address in TARGETS)
    )
    await icmp.close()
    return sum(echo.rtt_ms is not None for (echo,) in found)


if __name__ == "__main__":
    began = time.perf_counter()
    for label, value in measure().items():
        print(f"{label:<34} {value:10.4g}")
    print(f"({time.perf_counter() - began:.0f} s)")
