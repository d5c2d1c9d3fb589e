"""Signs, words and colours of a status, and the terminal they are for. Never colour alone."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

from checks.dataclass import dataclass

SIGNS = {
    "pass": "OK PASS",
    "warn": "W  WARN",
    "fail": "!! FAIL",
    "inconclusive": "?? INCONCLUSIVE",
    "blocked": "-- BLOCKED",
    "stale": "~  STALE",
    "not run": ".. NOT RUN",
}
_COLOURS = {
    "pass": "32", "GO": "1;32", "warn": "33", "GO WITH WAIVERS": "1;33", "fail": "1;31", "NO-GO": "1;31",
    "inconclusive": "35", "INCOMPLETE": "1;35", "blocked": "2", "stale": "35", "not run": "35",
    "dim": "2", "bold": "1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """How wide to write and whether with colour."""

    width: int = 80
    colour: bool = False

    def paint(self, text: str, name: str) -> str:
        """Return `text` in the colour of a status, a verdict, `dim` or `bold`."""
        code = _COLOURS.get(name)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text


def style_for(stream: TextIO, *, plain: bool = False) -> Style:
    """Return the style for a stream: colour only on a terminal that did not ask for none (NO_COLOR)."""
    width = max(40, min(shutil.get_terminal_size((80, 24)).columns, 100))
    colour = (
        not plain and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
    return Style(width=width, colour=colour and _speaks_ansi())


def _speaks_ansi() -> bool:
    if sys.platform != "win32":
        return True
    import ctypes

    kernel = ctypes.windll.kernel32
    handle, mode = kernel.GetStdHandle(-11), ctypes.c_uint32()
    return bool(kernel.GetConsoleMode(handle, ctypes.byref(mode))) and bool(
        kernel.SetConsoleMode(handle, mode.value | 4)
    )
