"""Whole processes: start-up, and mixed TCP, DNS and HTTP checks from command line to exit code."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.bench.peers import plugin_lines, project, servers, testinfra_file
from tests.bench.timing import Cost, command, interleaved

GONOGO = str(Path(sys.executable).with_name("gonogo"))
CONFIG_FREE_SCRIPT = Path(__file__).with_name("bare.py")


def start_up(rounds: int = 15) -> dict[str, Cost]:
    """Return the cost of `gonogo --version` and of `python -c pass`."""
    return interleaved(
        {
            "gonogo --version": command([GONOGO, "--version"]),
            "python -c pass": command([sys.executable, "-c", "pass"]),
        },
        rounds,
    )


def mixed(count: int, rounds: int, *, testinfra: bool = False) -> dict[str, Cost]:
    """Return the cost of `count` mixed checks by gonogo, by plugins under xargs -P50, and by testinfra."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with servers(folder) as at:
            plan = folder / "bench.yaml"
            plan.write_text(project(count, at))
            contenders = {
                "gonogo run": command([GONOGO, "run", str(plan)]),
                "plugins, xargs -P50": command(
                    ["xargs", "-P50", "-L1", "env"], stdin=plugin_lines(count, at)
                ),
                "bare asyncio script": command(
                    [sys.executable, str(CONFIG_FREE_SCRIPT), str(count), str(at.http), str(at.dns)]
                ),
            }
            if testinfra:
                module = folder / "test_bench.py"
                module.write_text(testinfra_file(count, at))
                contenders["testinfra, local"] = command(
                    [
                        sys.executable,
                        "-m",
                        "pytest",
                        "-q",
                        "-p",
                        "no:cacheprovider",
                        "--hosts=local://",
                        str(module),
                    ]
                )
            return interleaved(contenders, rounds)
