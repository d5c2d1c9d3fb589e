"""`make bench`: every figure that the README promises, with the goal beside it; a miss is printed as one."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable

from tests.bench import resident, whole

CHECK_CPU, CONNECT_CPU = "gonogo, CPU us a TCP check", "gonogo, CPU us a bare connect"
PEER_CPU = "blackbox, CPU us a TCP check"
_missed = 0


def say(what: str, value: float, unit: str, goal: float, *, least: bool = False) -> None:
    """Print one figure against its goal: at most, or with `least` at least."""
    global _missed
    met = value >= goal if least else value <= goal
    _missed += not met
    side = ">=" if least else "<="
    print(f"  {what:<58} {value:>10.3g} {unit:<4} {side} {goal:g}  {'ok' if met else 'MISSED'}", flush=True)


def start_up() -> None:
    costs = whole.start_up()
    say(
        "gonogo --version / python -c pass",
        costs["gonogo --version"].wall / costs["python -c pass"].wall,
        "x",
        5,
    )


def mixed_200() -> None:
    costs = whole.mixed(200, 7, testinfra=True)
    ours = costs["gonogo run"]
    say(
        "plugins under xargs -P50 / gonogo run",
        costs["plugins, xargs -P50"].wall / ours.wall,
        "x",
        1.3,
        least=True,
    )
    say("testinfra / gonogo run", costs["testinfra, local"].wall / ours.wall, "x", 5, least=True)
    for name, cost in costs.items():
        print(f"    {name:<24} {cost.wall:7.3f} s wall, {cost.cpu:7.3f} s CPU")


def mixed_2000() -> None:
    costs = whole.mixed(2000, 3)
    ours = costs["gonogo run"]
    say(
        "plugins under xargs -P50 / gonogo run",
        costs["plugins, xargs -P50"].wall / ours.wall,
        "x",
        3,
        least=True,
    )
    for name, cost in costs.items():
        print(f"    {name:<24} {cost.wall:7.3f} s wall, {cost.cpu:7.3f} s CPU")


def against_blackbox() -> None:
    costs = resident.against_blackbox()
    ours, theirs = costs["gonogo engine"], costs["blackbox_exporter"]
    assert not isinstance(ours, float)
    assert not isinstance(theirs, float)
    say("blackbox_exporter / gonogo engine, 200 mixed", theirs.wall / ours.wall, "x", 2, least=True)
    cpu, bare, peer = (costs[f"{name}"] for name in (CHECK_CPU, CONNECT_CPU, PEER_CPU))
    assert isinstance(cpu, float)
    assert isinstance(bare, float)
    assert isinstance(peer, float)
    say("CPU of a TCP connect, checks.wire.tcp / blackbox_exporter", bare / peer, "x", 0.25)
    print(f"    {bare:.0f} us a connect, {cpu:.0f} us with engine and ledger, {peer:.0f} us the peer")


def engine() -> None:
    say("scheduling a check in a graph of 10,000", resident.overhead(), "us", 15)
    say("wall time / bound, 10,000 checks of 100 ms, 1,000 places", resident.against_the_bound(), "x", 1.05)


def own(module: str, goals: dict[str, tuple[str, float, bool]]) -> Callable[[], None]:
    """Return a section that prints what `tests.bench.<module>.measure` returns, goals beside what has one."""

    def section() -> None:
        figures = importlib.import_module(f"tests.bench.{module}").measure()
        for name in goals.keys() - figures.keys():
            say(name, math.nan, goals[name][0], goals[name][1], least=goals[name][2])
        for name, value in figures.items():
            if name in goals:
                unit, goal, least = goals[name]
                say(name, value, unit, goal, least=least)
            else:
                print(f"    {name:<58} {value:10.4g}")

    return section


SECTIONS: dict[str, Callable[[], None]] = {
    "start-up": start_up,
    "200 mixed checks, whole process": mixed_200,
    "2,000 mixed checks, whole process": mixed_2000,
    "resident engine": against_blackbox,
    "engine": engine,
    "single protocols": own("single", {}),
    "ledger": own("ledger", {"results_per_second": ("/s", 20_000, True), "status_ms": ("ms", 5, False)}),
    "ping": own("ping", {"ratio_to_fping": ("x", 1.5, False)}),
    "dashboard": own(
        "dashboard",
        {
            "home_ms": ("ms", 500, False),
            "flood_cpu_percent": ("%", 15, False),
            "flood_key_ms_p95": ("ms", 100, False),
            "day_growth_from_6_pm_mb": ("MB", 1, False),
        },
    ),
    "dns": own("dns", {"ratio_to_dnspython": ("x", 5, True), "dnsperf_over_gonogo": ("x", 6, False)}),
    "snmp": own(
        "snmp",
        {
            "ratio_to_snmpbulkwalk": ("x", 1.5, False),
            "ratio_to_100_snmpbulkwalks": ("x", 2, False),
            "pysnmp_over_gonogo": ("x", 10, True),
        },
    ),
    "ssh": own(
        "ssh",
        {
            "ssh_over_gonogo": ("x", 10, True),
            "control_master_over_gonogo": ("x", 2, True),
            "beyond_slowest_s": ("s", 3, False),
        },
    ),
    "mail": own("mail", {"beyond_slowest_s": ("s", 3, False), "part_of_sum": ("x", 0.6, False)}),
}


def main(words: list[str]) -> int:
    """Run the sections whose names contain one of `words`, or all of them."""
    for name, section in SECTIONS.items():
        if not words or any(word in name for word in words):
            print(name, flush=True)
            section()
    print(f"{_missed} goals missed" if _missed else "every goal met")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
