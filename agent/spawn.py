"""Starting `gonogo run` as a process of its own, which goes on when whoever started it ends."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_DETACHED = 0x00000008 | 0x00000200  # Windows: DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP


class Spawned:
    """A run that this process started; its progress is in its live file, not here."""

    def __init__(self, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        self._process = process
        self._said = said

    def ended(self) -> int | None:
        """Return its exit code, or None while it goes on."""
        return self._process.poll()

    def said(self) -> str:
        """Return what it said on stderr, at most 4,000 characters: why it could not run, if it could not."""
        self._said.seek(0)
        return self._said.read(4000).decode("utf-8", "replace")


def start_run(
    project_file: Path,
    *,
    milestones: Sequence[str] = (),
    only: Sequence[str] = (),
    vantage: str | None = None,
) -> Spawned:
    """Start a run of what `select` would select; `only` are ids, any number of them. Raises OSError."""
    command = [sys.executable, "-m", "agent.cli", "run", str(project_file), "--jsonl"]
    for name in milestones:
        command += ["--milestone", name]
    if vantage is not None:
        command += ["--vantage", vantage]
    if only:
        command += ["--only", "-"]
    said = tempfile.TemporaryFile()  # noqa: SIM115 - read when the run ends
    windows = sys.platform == "win32"
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if only else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=not windows,
        creationflags=_DETACHED if windows else 0,
    )
    if only and process.stdin is not None:
        process.stdin.write("\n".join(only).encode())
        process.stdin.close()
    return Spawned(process, said)
