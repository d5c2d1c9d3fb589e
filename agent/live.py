"""A run that goes on, as others see it: a small file beside the ledger that the run writes and locks.

`.gonogo/PROJECT.live/RUN.jsonl` holds one JSON object a line: `begun` (run, pid, host, locked, started,
selected), `selected` (checks) for more of them, then `started` (check, at), `done` (check, status), `lost`
(check, why), `beat` when nothing else is to be said for a second, and `ended` (outcome). It is no evidence:
results are in the ledger. The run holds an operating system lock on it, so whoever looks can tell a run that
goes on from one that was killed, whatever became of process ids. A file `RUN.stop` beside it asks the run to
stop; that works alike on every system, across terminals and users who may write there.

Who may write the folder may write anything there. Reading is bounded in size, follows no link, and believes
nothing that does not fit.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from agent.livefile import RUN_ID, LiveFile, is_folder, live_folder
from agent.livetail import PER_FILE, LiveRun, Tail
from agent.records import RunRecord

__all__ = ["LiveFile", "LiveRun", "LiveRuns", "Past", "eta_s", "live_folder", "what_became"]

PER_LOOK = 1_000_000
"""Bytes that are read of all files in one look; the rest comes with the next ones."""
MAX_RUNS = 20
_BEGINS_S = 5.0


Past = Literal["finished", "cancelled", "goes on", "killed"]


def what_became(run: RunRecord, live: Iterable[LiveRun], now: datetime) -> Past:
    """Return what became of a run: one that never ended and that nobody goes on with was killed."""
    if run.outcome is not None:
        return run.outcome
    begins = abs((now - run.started).total_seconds()) < _BEGINS_S  # its live file comes after its record
    return "goes on" if begins or any(item.id == run.id for item in live) else "killed"


def eta_s(run: LiveRun, lengths: Mapping[str, float], now: datetime) -> float | None:
    """Return in how many seconds the run ends, as far as can be told; None when nothing is known.

    `lengths` are the last known durations of checks in seconds. What is left is divided by the pace so far;
    no check that is left can be quicker than its own length.
    """
    known = {
        name: length
        for name in run.selected
        if (length := lengths.get(name)) is not None and math.isfinite(length) and length >= 0
    }
    over = {*run.done, *run.lost}
    left = [name for name in run.selected if name not in over]
    if not left:
        return 0.0
    elapsed = max(0.0, (now - run.started).total_seconds())
    if not known:
        return elapsed * len(left) / len(over) if over and elapsed else None
    usual = sum(known.values()) / len(known)
    rest = []
    for name in left:
        length, began = known.get(name, usual), run.running.get(name)
        spent = max(0.0, (now - began).total_seconds()) if began is not None else 0.0
        rest.append(max(0.0, length - spent))
    worked = sum(known.get(name, usual) for name in over)
    pace = worked / elapsed if worked and elapsed else float(max(1, len(run.running)))
    return max(sum(rest) / pace, *rest)


class LiveRuns:
    """Reads the live files of one ledger again and again; reads only what was added since."""

    def __init__(self, ledger: Path) -> None:
        self._folder = live_folder(ledger)
        self._tails: dict[str, Tail] = {}
        self.version = 0
        """Counts up when a look told something new."""

    def look(self) -> list[LiveRun]:
        """Return the runs that go on, the one begun first first; a killed one is none. Never raises."""
        before = self._told()
        seen: dict[str, Tail] = {}
        budget = PER_LOOK
        for name in self._names():
            with contextlib.suppress(OSError):
                tail = self._tails.get(name) or Tail(name.removesuffix(".jsonl"))
                budget -= tail.look(self._folder / name, budget)
                if tail.alive:
                    seen[name] = tail
        self._tails = seen
        if self._told() != before:
            self.version += 1
        runs = [tail.run for tail in seen.values() if tail.run is not None]
        return sorted(runs, key=lambda run: (run.started, run.id))

    def look_once(self) -> list[LiveRun]:
        """Return the runs that go on as one who does not look again: read to the end, within bounds."""
        for _ in range(PER_FILE // PER_LOOK):
            before = self.version
            runs = self.look()
            if self.version == before:
                break
        return runs

    def ask_to_stop(self, run: str) -> None:
        """Ask a run to stop cleanly; raises OSError where that cannot be written."""
        if RUN_ID.fullmatch(run) is None:
            raise FileNotFoundError(2, "No such run", run)
        if not is_folder(self._folder):
            raise NotADirectoryError(20, "Not a folder", str(self._folder))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self._folder / f"{run}.stop", flags, 0o644))

    def _names(self) -> list[str]:
        """Return the names of the newest live files; run ids begin with their time."""
        try:
            if not is_folder(self._folder):
                return []
            with os.scandir(self._folder) as found:
                names = [entry.name for entry in found if entry.name.endswith(".jsonl")]
        except OSError:
            return []
        return sorted(name for name in names if RUN_ID.fullmatch(name.removesuffix(".jsonl")))[-MAX_RUNS:]

    def _told(self) -> list[tuple[str, int, bool]]:
        return [(name, tail.heard, tail.alive) for name, tail in self._tails.items()]
