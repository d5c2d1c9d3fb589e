"""A run that goes on, as others see it: a small file beside the ledger that the run writes and locks.

`.gonogo/PROJECT.live/RUN.jsonl` holds one JSON object a line: `begun` (run, pid, started, selected), then
`started` (check, at), `done` (check, status), `lost` (check, why), and `ended` (outcome). It is no evidence:
results are in the ledger. The run holds an operating system lock on it, so whoever looks can tell a run that
goes on from one that was killed, whatever became of process ids. A file `RUN.stop` beside it asks the run to
stop; that works alike on every system, across terminals and users who may write there.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from agent.plan import Plan
from agent.records import RunRecord
from checks.dataclass import dataclass
from checks.words import Result, Status, from_rfc3339, rfc3339

_LOCK_AT = 1 << 30
"""Windows keeps others from reading what is locked: lock a byte that the file will never have."""


def live_folder(ledger: Path) -> Path:
    """Return the folder with the live files of the ledger's runs."""
    return ledger.with_suffix(".live")


class LiveFile:
    """The sink that a run tells; a folder that cannot be written makes it silent, never the run fail."""

    def __init__(self, ledger: Path) -> None:
        self._folder = live_folder(ledger)
        self._file: IO[str] | None = None
        self._stop: Path | None = None

    def run_started(self, plan: Plan, run: RunRecord) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            file = (self._folder / f"{run.id}.jsonl").open("x", encoding="utf-8")
            if not _lock(file):
                file.close()
                return
            self._file, self._stop = file, self._folder / f"{run.id}.stop"
        self._say(
            "begun", run=run.id, pid=os.getpid(), started=rfc3339(run.started), selected=list(run.selected)
        )
        self.flush()

    def check_started(self, check: str, at: datetime) -> None:
        self._say("started", check=check, at=rfc3339(at))

    def check_done(self, result: Result) -> None:
        self._say("done", check=result.check, status=result.status.value)

    def check_lost(self, result: Result, why: str) -> None:
        self._say("lost", check=result.check, why=why)

    def run_done(self, run: RunRecord) -> None:
        """Say the end and remove the file: the ledger has it all."""
        self._say("ended", outcome=run.outcome)
        if self._file is not None:
            path = Path(self._file.name)
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                path.with_suffix(".stop").unlink(missing_ok=True)
            self._file = None

    def flush(self) -> None:
        """Let others see what was said; called a few times a second."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.flush()

    def stop_asked(self) -> bool:
        """Return whether somebody asked this run to stop."""
        return self._stop is not None and self._stop.exists()

    def _say(self, event: str, **rest: Any) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.write(json.dumps({"event": event, **rest}) + "\n")


@dataclass(slots=True, kw_only=True)
class LiveRun:
    """A run as its live file tells."""

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


class LiveRuns:
    """Reads the live files of one ledger again and again; reads only what was added since."""

    def __init__(self, ledger: Path) -> None:
        self._folder = live_folder(ledger)
        self._seen: dict[str, tuple[int, LiveRun | None]] = {}

    def look(self) -> list[LiveRun]:
        """Return the runs that go on, the one begun first first; a killed one is none."""
        found = []
        seen: dict[str, tuple[int, LiveRun | None]] = {}
        for path in sorted(self._folder.glob("*.jsonl")) if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if not _locked(path):
                    continue
                offset, run = self._seen.get(path.name, (0, None))
                offset, run = _read(path, offset, run)
                seen[path.name] = (offset, run)
                if run is not None:
                    run.stopping = path.with_suffix(".stop").exists()
                    found.append(run)
        self._seen = seen
        return found

    def ask_to_stop(self, run: str) -> None:
        """Ask a run to stop cleanly; raises OSError where that cannot be written."""
        (self._folder / f"{run}.stop").touch()


def _read(path: Path, offset: int, run: LiveRun | None) -> tuple[int, LiveRun | None]:
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                break
            offset += len(line)
            run = _heard(json.loads(line), run)
    return offset, run


def _heard(said: dict[str, Any], run: LiveRun | None) -> LiveRun | None:
    event = said.get("event")
    if event == "begun":
        return LiveRun(
            id=said["run"], pid=said["pid"], started=from_rfc3339(said["started"]),
            selected=tuple(said["selected"]),
        )  # fmt: skip
    if run is None:
        return None
    if event == "started":
        run.running[said["check"]] = from_rfc3339(said["at"])
    elif event == "done":
        run.running.pop(said["check"], None)
        run.done[said["check"]] = Status(said["status"])
    elif event == "lost":
        run.running.pop(said["check"], None)
        run.lost[said["check"]] = said["why"]
    return run


def _lock(file: IO[str]) -> bool:
    """Hold the lock for as long as `file` is open; False where the file system has none."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_LOCK_AT)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _locked(path: Path) -> bool:
    """Return whether some process holds the lock of `path`."""
    with path.open("r+", encoding="utf-8") as file:
        return not _lock(file)
