"""The dashboard in a real pseudo-terminal: its bytes, and what a terminal makes of them."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

GONOGO = str(Path(sys.executable).with_name("gonogo"))
PATIENCE_S = 30.0


class Terminal:
    """A program on a pseudo-terminal; `raw` holds every byte that it wrote, `text` what a terminal shows."""

    def __init__(self, *words: object, cwd: Path, size: tuple[int, int] = (80, 24), **env: str) -> None:
        self._master, slave = pty.openpty()
        self.raw = bytearray()
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._set_size(size)
        clean = {
            key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")
        }
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=slave, stdout=slave, stderr=slave, cwd=cwd,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**clean, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **env},
        )  # fmt: skip
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the terminal, as closing its window does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, and tell the program."""
        self._screen.resize(lines, columns)
        self._set_size((columns, lines))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def _set_size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def send(self, keys: str) -> None:
        """Type `keys`."""
        os.write(self._master, keys.encode())

    def read(self, seconds: float = 0.05) -> bytes:
        """Take what the program writes within `seconds`; b"" if it writes nothing or has ended."""
        if self._master < 0 or not select.select([self._master], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return b""
        self.raw += data
        self._stream.feed(data)
        return data

    @property
    def text(self) -> str:
        """Return what the terminal shows."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, *words: str, gone: bool = False, patience_s: float = PATIENCE_S) -> str:
        """Read until the terminal shows every one of `words` (or, `gone`, none); return what it shows."""
        until = time.monotonic() + patience_s
        while True:
            shown = [word in self.text for word in words]
            if (not any(shown)) if gone else all(shown):
                return self.text
            if time.monotonic() > until:
                raise AssertionError(f"The terminal does not show {words} (gone={gone}):\n{self.text}")
            if self.process.poll() is not None and not self.read():
                raise AssertionError(f"The program ended ({self.process.returncode}):\n{self.text}")
            self.read()

    def settle(self, quiet_s: float = 0.3, patience_s: float = 5.0) -> None:
        """Read until the program writes nothing for `quiet_s`, or for `patience_s` at most."""
        until = time.monotonic() + patience_s
        while self.read(quiet_s) and time.monotonic() < until:
            pass

    def wait_end(self, patience_s: float = PATIENCE_S) -> int:
        """Read until the program ends; return its exit code."""
        until = time.monotonic() + patience_s
        while self.process.poll() is None:
            if time.monotonic() > until:
                raise AssertionError(f"The program does not end:\n{self.text}")
            self.read()
        while self.read():
            pass
        return self.process.returncode
