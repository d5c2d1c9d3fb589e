"""The dashboard on a project of 5,000 checks, in a terminal: to the first screen, under a flood, over a day.

Times to the screen are taken where they are drawn, on the terminal's other end. The peer is Textual's own
DataTable with as many rows, made ready before: it reads no project and no ledger. Rounds are interleaved.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from agent.files.load import load_plan
from tests.bench.dashboard_parts import CHECKS
from tests.bench.terminal import Terminal, rows_with, stamp_of, words_of
from tests.tui.office import REFUSED, passed, result, store_run
from tui.themes import THEMES

ROUNDS = 5
FLOOD_S = 10.0
PART = (sys.executable, "-m", "tests.bench.dashboard_parts")
DOWN, UP = b"\x1b[B", b"\x1b[A"


def measure() -> dict[str, float]:
    """Return times in milliseconds, shares in percent and memory in MB."""
    with tempfile.TemporaryDirectory(prefix="gonogo-bench-", dir=Path.cwd()) as name:
        folder = Path(name)
        file = a_project(folder)
        env = {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder / "config")}
        return first_screens(file, env) | flooded(file, env) | over_a_day(file, env)


def a_project(folder: Path) -> Path:
    """Return a project of 5,000 checks in five gates, all tested a minute ago, one in fifty failed."""
    due = (datetime.now(UTC) + timedelta(hours=30)).strftime("%Y-%m-%d %H:%M")
    lines = ["gonogo: 1", f"project: {{id: big, name: Big, timezone: UTC, cutover: {due}}}", "milestones:"]
    lines += [f"  m{n}: {{title: Gate {n}, due: -{5 - n}h, gate: {{max_age: 48h}}}}" for n in range(5)]
    lines += ["checks:"]
    lines += [
        f"  c{n:04}: {{type: network.tcp, milestone: m{n % 5}, target: 192.0.2.{1 + n % 250}, port: {n + 1}}}"
        for n in range(CHECKS)
    ]
    file = folder / "big.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    plan, at = load_plan(file), datetime.now(UTC) - timedelta(minutes=1)
    found = [REFUSED if n // 5 % 50 == 0 else passed("it", "open after 3 ms") for n in range(CHECKS)]
    made = [result(plan, f"c{n:04}", at, found[n], run="r1") for n in range(CHECKS)]
    store_run(file, plan, "r1", at, made)
    return file


def first_screens(file: Path, env: dict[str, str]) -> dict[str, float]:
    """Return what it takes from Textual's import to the verdict, and from a key to the next line drawn."""
    stamp = file.parent / "stamp"
    ours = (*PART, "ours", str(file), str(stamp)), "NO-GO"
    table = (*PART, "table", str(stamp)), "c20 "
    seen: dict[str, list[float]] = {"ours": [], "table": []}
    keys: dict[str, list[float]] = {"ours": [], "table": []}
    for turn in range(ROUNDS + 1):
        for name, (words, word) in {"ours": ours, "table": table}.items():
            terminal = Terminal(words, env)
            try:
                at = terminal.wait(lambda drawn, word=word: word in words_of(drawn))
                if turn:  # the first one fills the caches of plan and bytecode
                    seen[name].append((at - stamp_of(stamp)) * 1000)
                    keys[name] += answers(terminal)
            finally:
                terminal.close()
    return {
        "home_ms": statistics.median(seen["ours"]),
        "datatable_first_paint_ms": statistics.median(seen["table"]),
        "datatable_over_home": statistics.median(
            table / ours for ours, table in zip(seen["ours"], seen["table"], strict=True)
        ),
        "key_idle_ms_p50": statistics.median(keys["ours"]),
        "datatable_key_idle_ms_p50": statistics.median(keys["table"]),
    }


def answers(terminal: Terminal, presses: int = 12) -> list[float]:
    """Return milliseconds from a key to the first byte that it draws, on a screen at rest."""
    taken = []
    for turn in range(presses):
        time.sleep(0.25)
        begun = time.monotonic()
        place = terminal.press(DOWN if turn % 2 == 0 else UP)
        taken.append((terminal.wait(bool, place) - begun) * 1000)
    return taken[2:]


def flooded(file: Path, env: dict[str, str]) -> dict[str, float]:
    """Return the CPU share while 200 results a second arrive, and from a key to the cursor's new line."""
    terminal = Terminal((*PART, "ours", str(file), str(file.parent / "stamp")), env)
    try:
        terminal.wait(lambda drawn: "NO-GO" in words_of(drawn))
        place = terminal.press(b"a")
        terminal.wait(lambda drawn: "shown" in words_of(drawn), place)
        process = psutil.Process(terminal.process.pid)
        with flood(file, env, FLOOD_S):
            before = sum(process.cpu_times()[:2])
            time.sleep(FLOOD_S - 0.5)
            share = (sum(process.cpu_times()[:2]) - before) / (FLOOD_S - 0.5) * 100
        with flood(file, env, FLOOD_S):
            taken = sorted(moves(terminal, FLOOD_S - 0.5))
        rest = sum(process.cpu_times()[:2])
        time.sleep(5)
        idle = (sum(process.cpu_times()[:2]) - rest) / 5 * 100
    finally:
        terminal.close()
    return {
        "flood_cpu_percent": share,
        "idle_cpu_percent": idle,
        "flood_key_ms_p50": statistics.median(taken),
        "flood_key_ms_p95": taken[int(len(taken) * 0.95)],
        "flood_keys_measured": len(taken),
    }


@contextmanager
def flood(file: Path, env: dict[str, str], seconds: float) -> Iterator[None]:
    """Let another process store results; what is within runs while they arrive."""
    with subprocess.Popen(
        [*PART, "flood", str(file), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "go\n":
            raise RuntimeError("The flood does not begin.")
        yield
        if process.stdout.readline() != "done\n" or process.wait(60):
            raise RuntimeError("The flood did not end well.")


def moves(terminal: Terminal, seconds: float) -> list[float]:
    """Return milliseconds from a key to the line below, or above, drawn with the cursor's colour."""
    colour = cursor_colour()
    end, taken, row = time.monotonic() + seconds, [], 0
    while time.monotonic() < end:
        down = len(taken) % 2 == 0
        begun = time.monotonic()
        place = terminal.press(DOWN if down else UP)
        if not row:  # where it stands is learnt from the first two
            terminal.wait(lambda drawn: rows_with(drawn, colour), place)
            time.sleep(0.5)
            row = min(rows_with(terminal.drawn[place:], colour))
            terminal.press(UP)
            time.sleep(0.5)
            row -= 1
            continue
        wanted = row + 1 if down else row
        at = terminal.wait(lambda drawn, wanted=wanted: wanted in rows_with(drawn, colour), place)
        taken.append((at - begun) * 1000)
        time.sleep(0.11)
    return taken


def cursor_colour() -> bytes:
    """Return the bytes that begin the cursor's line."""
    red, green, blue = bytes.fromhex(THEMES[0].variables["look-cursor"].removeprefix("#"))
    return f"48;2;{red};{green};{blue}m".encode()


def over_a_day(file: Path, env: dict[str, str]) -> dict[str, float]:
    """Return the memory of a dashboard that runs for a day, and how much of it comes in the last quarter.

    It grows at first: the caches of SQLite and the interpreter fill, and a result of today is longer than
    the one that it replaces. What leaks grows in the last quarter, too.
    """
    done = subprocess.run(
        [*PART, "day", str(file)], capture_output=True, text=True, check=False, timeout=900,
        env={**os.environ, **env},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"The day did not end well: {done.stderr[-2000:]}")
    sizes = json.loads(done.stdout.splitlines()[-1])
    return {
        "day_memory_mb": sizes[-1],
        "day_growth_mb": sizes[-1] - sizes[2],
        "day_growth_from_6_pm_mb": sizes[-1] - sizes[18],
    }
