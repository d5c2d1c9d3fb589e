"""A program in a terminal of its own: what it draws, and when."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_STYLE = re.compile(rb"\x1b\[[0-9;?<>=$]*[a-zA-Z@`]")
_ROW = re.compile(rb"\x1b\[(\d+);\d+H")


class Terminal:
    """Starts a program with a screen of 140x40 and keeps everything it draws with its time."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
        terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **terminal, **env},
        )  # fmt: skip
        os.close(slave)
        self.drawn = b""
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            with self._news:
                self.drawn += data
                self._news.notify_all()

    def press(self, keys: bytes) -> int:
        """Press keys; returns the place where what is drawn from now on begins."""
        with self._news:
            place = len(self.drawn)
        os.write(self._master, keys)
        return place

    def wait(self, true: Callable[[bytes], object], place: int = 0, within_s: float = 30.0) -> float:
        """Wait until `true` of what was drawn from `place` on; returns the time on the common clock."""
        end = time.monotonic() + within_s
        with self._news:
            while not true(self.drawn[place:]):
                if not self._news.wait(end - time.monotonic()) and time.monotonic() > end:
                    raise RuntimeError(f"The screen does not come: {words_of(self.drawn[place:])[-2000:]}")
            return time.monotonic()

    def close(self) -> None:
        """End the program."""
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        os.close(self._master)


def words_of(drawn: bytes) -> str:
    """Return what was drawn without how."""
    return _STYLE.sub(b"", drawn).decode("utf-8", "replace")


def rows_with(drawn: bytes, colour: bytes) -> set[int]:
    """Return the rows that were drawn with this colour in them."""
    pieces = _ROW.split(drawn)
    return {int(row) for row, text in zip(pieces[1::2], pieces[2::2], strict=True) if colour in text}


def stamp_of(path: Path) -> float:
    """Return the time that the program wrote into a file."""
    return float(path.read_text(encoding="ascii"))
