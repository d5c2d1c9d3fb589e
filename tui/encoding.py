"""Terminals that do not speak UTF-8: no byte that comes from one ends the dashboard, and lines stay in line.

Textual reads keys as strict UTF-8: one other byte (a name typed in a terminal set to Latin-1, noise on a
serial line) ends its reading, and the dashboard with it. What such a terminal cannot show Python writes as
`\\u2500`, six cells for one.
"""

from __future__ import annotations

import codecs
import io
import sys
from functools import partial

from rich.cells import cell_len

_NAME = "gonogo-terminal"
_LIKE = dict(zip("─│┌┐└┘├┤┬┴┼…▄█▀░▒▓", "-|+++++++++~_#^.:#", strict=True))
_LATIN = 0xA0
"""The first byte of Latin-1 that is a character and no control."""


def forgive() -> None:
    """Read every byte as some character, and write every character as one that the terminal has."""
    codecs.register_error(_NAME, _replaced)
    if sys.platform == "win32":
        return
    from textual.drivers import linux_driver

    linux_driver.getincrementaldecoder = lambda name: partial(  # type: ignore[attr-defined]
        codecs.getincrementaldecoder(name), _NAME
    )
    if isinstance(sys.__stderr__, io.TextIOWrapper):
        sys.__stderr__.reconfigure(errors=_NAME)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        data = error.object[error.start : error.end]
        return "".join(chr(byte) if byte >= _LATIN else "\ufffd" for byte in data), error.end
    if isinstance(error, UnicodeEncodeError):
        text = error.object[error.start : error.end]
        return "".join(_LIKE.get(char, "?" * max(0, cell_len(char))) for char in text), error.end
    raise error
