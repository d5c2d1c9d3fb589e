"""Reading one live file on and on, and telling whether its run goes on; `agent.live` says what is in it."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Any

from agent import lock
from agent.livefile import MAX_WHY, fresh, open_plain
from checks.dataclass import dataclass
from checks.words import Status, from_rfc3339

PER_FILE = 64_000_000
MAX_LINE = 256_000
MAX_CHECKS = 100_000
MAX_ID = 200
QUIET_S = 10.0
"""For how long a file without a lock may stand still while its run goes on."""


@dataclass(slots=True, kw_only=True)
class LiveRun:
    """A run as its live file tells; only checks that it selected are in it."""

    id: str
    pid: int
    started: datetime
    selected: tuple[str, ...]
    done: dict[str, Status] = field(default_factory=dict)
    running: dict[str, datetime] = field(default_factory=dict)
    """Checks in flight, with the time when their attempt began."""
    lost: dict[str, str] = field(default_factory=dict)
    stopping: bool = False
    """Somebody asked it to stop."""
    sure: bool = True
    """False where the file system has no locks: the file was written a moment ago, more is not known."""

    @property
    def finished(self) -> int:
        """Return how many checks need no more waiting for."""
        return len(self.done) + len(self.lost)


class Tail:
    """One live file, read to where it was read last time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = False
        """Whether the run went on at the last look."""
        self.heard = 0
        """How many things were told that a screen may show."""
        self._forget((0, 0))

    def _forget(self, place: tuple[int, int]) -> None:
        self.run: LiveRun | None = None
        self._known: frozenset[str] = frozenset()
        self._host = ""
        self._locked = True
        self._place = place
        self._offset = 0
        self._skipping = False
        self._changed = (0, 0)
        self._moved = -math.inf

    def look(self, path: Path, budget: int) -> int:
        """Read on, at most `budget` bytes, and find out whether the run goes on; return what was read."""
        file = open_plain(path)
        if file is None:
            self.alive = False
            return 0
        try:
            held = lock.look(file)
            seen = os.fstat(file)
            if (seen.st_dev, seen.st_ino) != self._place or seen.st_size < self._offset:
                self.heard += 1
                self._forget((seen.st_dev, seen.st_ino))
            before, self._changed = self._changed, (seen.st_size, seen.st_mtime_ns)
            if before not in ((0, 0), self._changed):
                self._moved = time.monotonic()
            dead = held is lock.Lock.FREE and (self._locked if self.run is not None else not fresh(seen))
            read = 0 if dead else self._read(file, seen.st_size, budget)
        finally:
            os.close(file)
        self.alive = self._goes_on(held, seen)
        if self.run is not None:
            stopping = os.path.lexists(path.with_suffix(".stop"))
            self.heard += stopping is not self.run.stopping
            self.run.stopping = stopping
            self.run.sure = self._locked and held is lock.Lock.HELD
        return read

    def _goes_on(self, held: lock.Lock, seen: os.stat_result) -> bool:
        if held is lock.Lock.HELD:
            return True
        if held is lock.Lock.FREE and self._locked:
            return False
        moves = fresh(seen) or time.monotonic() - self._moved < QUIET_S
        here = self.run is not None and self._host == platform.node()
        return moves and not (here and self.run is not None and _is_gone(self.run.pid))

    def _read(self, file: int, size: int, budget: int) -> int:
        read = 0
        while read < budget and self._offset < min(size, PER_FILE):
            data = os.pread(file, MAX_LINE, self._offset) if hasattr(os, "pread") else self._seek(file)
            if not data:
                break
            read += len(data)
            end = data.rfind(b"\n") + 1
            if not end and len(data) < MAX_LINE:
                break  # the line is not complete yet
            self._offset += end or len(data)
            lines = data[:end].splitlines()
            if self._skipping and end:
                lines, self._skipping = lines[1:], False
            self._skipping = self._skipping or not end
            for line in lines:
                self._hear(line)
        return read

    def _seek(self, file: int) -> bytes:
        os.lseek(file, self._offset, os.SEEK_SET)
        return os.read(file, MAX_LINE)

    def _hear(self, line: bytes) -> None:
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError, OverflowError):
            said = json.loads(line)
            if isinstance(said, dict):
                self.heard += self._take(said)

    def _take(self, said: Mapping[str, Any]) -> bool:
        event = said.get("event")
        if event == "begun" and self.run is None:
            self._begin(said)
            return True
        run, check = self.run, said.get("check")
        if run is None:
            return False
        if event == "selected":
            more = _ids(said["checks"], MAX_CHECKS - len(run.selected))
            run.selected += tuple(name for name in more if name not in self._known)
            self._known |= frozenset(more)
            return True
        if not isinstance(check, str) or check not in self._known:
            return False
        if event == "started" and check not in run.done:
            run.running[check] = from_rfc3339(said["at"])
        elif event == "done":
            run.done[check] = Status(said["status"])
            run.running.pop(check, None)
        elif event == "lost" and check not in run.done:
            run.lost[check] = str(said["why"])[:MAX_WHY]
            run.running.pop(check, None)
        else:
            return False
        return True

    def _begin(self, said: Mapping[str, Any]) -> None:
        pid, selected = said.get("pid"), _ids(said["selected"], MAX_CHECKS)
        self.run = LiveRun(
            id=self.name,
            pid=pid if type(pid) is int and 0 < pid < 1 << 31 else 0,
            started=from_rfc3339(said["started"]),
            selected=selected,
        )
        self._known = frozenset(selected)
        self._host = str(said.get("host", ""))
        self._locked = said.get("locked") is not False


def _ids(said: Any, room: int) -> tuple[str, ...]:
    """Return the ids in a list, each once; raise TypeError for anything else."""
    if not isinstance(said, list):
        raise TypeError
    names = (name for name in said if isinstance(name, str) and 0 < len(name) <= MAX_ID)
    return tuple(dict.fromkeys(names))[: max(0, room)]


def _is_gone(pid: int) -> bool:
    """Tell whether there is no such process here; Windows has no harmless way to ask, and is not asked."""
    if pid <= 0 or os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
