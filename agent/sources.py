"""The files a plan was made from, watched: the plan is read anew when one of them changes.

Each look compares size, times and number of the project file and its profile; every few seconds, their
digest with the plan's `sources_digest`, for a file that was written within one tick of the clock. The reading
is done in a thread: a large project takes seconds, and a screen waits for us.
"""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

from agent.files.load import Problems, load_plan
from agent.plan import Plan
from checks.safe import safe
from profiles.shelf import locate

SURE_S = 5.0
QUICK_S = 0.1
"""How long a look waits for the reading before it says that it goes on."""
_MAX = 10_000_000


class Sources:
    """The project file and the profile of `plan`; a plan that was not read from a file is left alone."""

    def __init__(self, project_file: Path, plan: Plan) -> None:
        self.plan = plan
        self.problem = ""
        """A sentence while the files say something else than `plan`, or nothing."""
        self._file = project_file
        self._watched = bool(plan.sources_digest)
        self._stamps: object = None
        self._sure_until = 0.0
        self._tried: str | None = None
        """Digest of the files that were read last."""
        self._reading: _Reading | None = None

    def look(self) -> bool:
        """Return whether plan or problem are others now."""
        if not self._watched:
            return False
        before = self.plan, self.problem
        self._look()
        return self.plan is not before[0] or self.problem != before[1]

    def _look(self) -> None:
        if self._reading is None:
            stamps, now = self._stamp(), time.monotonic()
            if stamps == self._stamps and now < self._sure_until:
                return
            self._stamps, self._sure_until = stamps, now + SURE_S
            digest = self._digest()
            if digest == self.plan.sources_digest:
                self.problem, self._tried = "", None
                return
            if digest == self._tried:
                return
            self._tried = digest
            self._reading = _Reading(self._file)
        done = self._reading.done(QUICK_S)
        if done is None:
            self.problem = f"The project file {self._shown()} was changed and is being read anew."
            return
        self._reading = None
        if isinstance(done, Plan):
            self.plan, self.problem = done, ""
            self._sure_until = 0.0  # it may have been written while it was read
        else:
            self.problem = (
                f"The project file {self._shown()} was changed and cannot be used: {done} What is shown "
                f"is the plan as it was before. 'gonogo lint {self._shown()}' lists what is to mend."
            )

    def _shown(self) -> str:
        return safe(self._file.name, limit=100)

    def _paths(self) -> list[Path]:
        """Return the project file and the profile that the plan names."""
        name = self.plan.project.profile
        if not name:
            return [self._file]
        try:
            return [self._file, locate(name.strip(), self._file.parent)[0]]
        except LookupError:
            return [self._file]

    def _stamp(self) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = []
        for path in self._paths():
            try:
                seen = path.stat()
            except (OSError, ValueError):
                found.append(())
            else:
                found.append((seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns))
        return found

    def _digest(self) -> str:
        """Return what `sources_digest` of a plan made now would be; empty where a file cannot be read."""
        parts = b""
        for path in self._paths():
            try:
                with path.open("rb") as file:
                    parts += hashlib.sha256(file.read(_MAX)).digest()
            except (OSError, ValueError):
                return ""
        return hashlib.sha256(parts).hexdigest()


class _Reading:
    """A plan being read in a thread of its own, which does not keep the process alive."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: Plan | str = ""
        self._thread = threading.Thread(target=self._read, name="gonogo-plan", daemon=True)
        self._thread.start()

    def done(self, wait_s: float) -> Plan | str | None:
        """Return the plan, or a sentence, or None while it is still being read."""
        self._thread.join(wait_s)
        return None if self._thread.is_alive() else self._found

    def _read(self) -> None:
        try:
            self._found = load_plan(self._path)
        except Problems as wrong:
            first, *more = wrong.problems
            said = str(first).partition("\n")[0]
            self._found = f"{said}{f' ({len(more)} more)' if more else ''}"
        except Exception as error:  # noqa: BLE001 - a dashboard does not end because of a file
            self._found = f"It cannot be read ({type(error).__name__}: {safe(str(error), limit=300)})."
