"""Starting `gonogo run` as a process of its own, which goes on when whoever started it ends.

Nothing ties it to us: a session of its own, so that a terminal that closes takes it along with no hang-up;
files and no pipes, so that nobody waits for the other. The same tree runs as here, and no folder `agent` in
the current directory takes its place. The Windows half was never run on the real system.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_TREE = Path(__file__).absolute().parent.parent
_PROGRAM = (
    "import sys; tree = sys.argv.pop(1); tree in sys.path or sys.path.insert(0, tree); "
    "sys.argv[0] = 'gonogo'; from agent.cli.entry import run; run()"
)
_NO_WINDOW = 0x08000000 | 0x00000200
"""Windows: CREATE_NO_WINDOW, CREATE_NEW_PROCESS_GROUP. Without a console each plugin would open a window."""
_BREAK_AWAY = 0x01000000
"""Windows: CREATE_BREAKAWAY_FROM_JOB, where the job allows it: an ssh session ends everything in its job."""
_MAX_SAID = 4000


class Spawned:
    """A run that this process started; its progress is in its live file, not here."""

    def __init__(self, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        self.pid = process.pid
        self._process = process
        self._said = said

    def ended(self) -> int | None:
        """Return its exit code, or None while it goes on; asking lets go of what is left of it."""
        return self._process.poll()

    def said(self) -> str:
        """Return what it said on stderr, at most 4,000 characters: why it could not run, if it could not."""
        self._said.seek(0)
        return self._said.read(_MAX_SAID).decode("utf-8", "replace")


def start_run(
    project_file: Path,
    *,
    milestones: Sequence[str] = (),
    only: Sequence[str] = (),
    vantage: str | None = None,
) -> Spawned:
    """Start a run of what `select` would select; `only` are ids, any number of them. Raises OSError."""
    if not sys.executable:
        raise FileNotFoundError(2, "It is not known which Python runs gonogo", "python")
    words = [sys.executable, "-P", "-c", _PROGRAM, str(_TREE), "run", f"--vantage={vantage}"]
    if vantage is None:
        words.pop()
    words += [f"--milestone={name}" for name in milestones]
    if only:
        words.append("--only=-")
    words += ["--", str(project_file)]
    said = tempfile.TemporaryFile()  # noqa: SIM115 - read when the run ends
    try:
        with tempfile.TemporaryFile() as named:
            named.write("".join(f"{name}\n" for name in only).encode())
            named.seek(0)
            return Spawned(_open(words, named if only else subprocess.DEVNULL, said), said)
    except BaseException:
        said.close()
        raise


def _open(words: Sequence[str], stdin: Any, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    rest: dict[str, Any] = {
        "stdin": stdin,
        "stdout": subprocess.DEVNULL,
        "stderr": stderr,
        "env": _environment(os.environ),
    }
    if sys.platform != "win32":
        return subprocess.Popen(words, start_new_session=True, **rest)
    try:
        return subprocess.Popen(words, creationflags=_NO_WINDOW | _BREAK_AWAY, **rest)
    except PermissionError:
        return subprocess.Popen(words, creationflags=_NO_WINDOW, **rest)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Return our environment without what is about this dashboard and its screen."""
    return {
        name: value
        for name, value in ours.items()
        if not name.startswith("TEXTUAL") and name not in ("COLUMNS", "LINES")
    }
