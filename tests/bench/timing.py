"""Interleaved rounds: every contender once a round, so that a busy moment of the machine hits all alike."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Median wall and CPU seconds of a contender."""

    wall: float
    cpu: float


def command(
    words: Sequence[str], *, stdin: str | None = None, ok: Sequence[int] = (0,)
) -> Callable[[], None]:
    """Return a contender that runs a program and insists on its exit code: a peer that fails is no peer."""

    def run() -> None:
        done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode not in ok:
            raise RuntimeError(f"{' '.join(words)[:200]} ended with {done.returncode}: {done.stderr[-400:]}")

    return run


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Cost]:
    """Run every contender once to warm up, then `rounds` times in turn; CPU includes child processes."""
    walls: dict[str, list[float]] = {name: [] for name in contenders}
    cpus: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            cpu, wall = _cpu(), time.perf_counter()
            contender()
            if turn:
                walls[name].append(time.perf_counter() - wall)
                cpus[name].append(_cpu() - cpu)
    return {name: Cost(statistics.median(walls[name]), statistics.median(cpus[name])) for name in contenders}


def _cpu() -> float:
    mine, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a running process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
