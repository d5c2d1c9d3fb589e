"""Who ends the programs that this process started, if it is killed before it can.

A program leads a session of its own, so nobody tells it that whoever waited for it is gone, and one that is
stuck would stay for ever. A shell at the other end of a pipe is told of each that begins and ends. The pipe
closes when this process ends, however it does, and the shell kills what is left. Not done on Windows.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading

_SCRIPT = """
left=" "
while read -r word pid; do
  case $word in
    +) left="$left$pid " ;;
    -) case $left in *" $pid "*) left="${left%% $pid *} ${left#* $pid }" ;; esac ;;
  esac
done
for pid in $left; do kill -9 "-$pid"; done
"""
_PATIENCE_S = 1.0


class Guard:
    """The shell; it is started with the first program. Where it cannot be, programs run without it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shell: subprocess.Popen[bytes] | None = None
        self._of = 0
        """The process that started it: a fork of that one starts its own."""

    def begun(self, pid: int) -> None:
        """Kill the session of `pid` if this process ends before it is told that the program did."""
        self._tell(f"+ {pid}\n")

    def ended(self, pid: int) -> None:
        """Forget it."""
        self._tell(f"- {pid}\n")

    def close(self) -> None:
        """Let the shell end, after it has killed what is left."""
        with self._lock:
            shell, self._shell = self._shell, None
            if shell is None or shell.stdin is None or self._of != os.getpid():
                return
            with contextlib.suppress(OSError):
                shell.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                shell.wait(_PATIENCE_S)

    def _tell(self, line: str) -> None:
        if sys.platform == "win32":
            return
        with self._lock, contextlib.suppress(OSError):
            if self._shell is None or self._of != os.getpid():
                self._start()
            if self._shell is not None and self._shell.stdin is not None:
                os.write(self._shell.stdin.fileno(), line.encode())

    def _start(self) -> None:
        self._of = os.getpid()
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True, cwd="/",
        )  # fmt: skip
        atexit.register(self.close)


GUARD = Guard()
"""Of this process."""
