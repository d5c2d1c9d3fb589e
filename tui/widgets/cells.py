"""Text from outside, fitted into a number of terminal cells, so that columns stay where they are."""

from __future__ import annotations

import re
from os.path import commonprefix

from rich.cells import cell_len, set_cell_size

from checks.safe import safe

MOST_CHARS = 500
"""Of a text, that are looked at: more than any terminal shows in a line."""
_WORTH = 4
"""Characters that two texts have to begin with alike before that is left out."""
_UNSURE = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\u20e3]")
"""Characters that change the width of others, in some terminals and not in others."""


def harmless(raw: str, *, most: int = MOST_CHARS) -> str:
    """Return the beginning of `raw` made harmless, all of its characters as wide in every terminal."""
    return steady(safe(raw[:most], limit=most)) + ("~" if len(raw) > most else "")


def steady(text: str) -> str:
    """Return harmless text without what takes other cells in other terminals."""
    return text if text.isascii() else _UNSURE.sub(_visible, text)


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cut(text: str, room: int) -> str:
    """Return harmless text in at most `room` cells; one that was longer ends in `~`."""
    if cell_len(text) <= room:
        return text
    return f"{set_cell_size(text, room - 1).rstrip()}~" if room > 0 else ""


def fitted(raw: str, width: int, *, right: bool = False) -> tuple[int, str, int]:
    """Return blanks, text and blanks that make `width` cells of text from outside, at least one a blank."""
    text = cut(harmless(raw, most=3 * width), width - 1)
    blank = width - cell_len(text)
    return (blank, text, 0) if right else (0, text, blank)


def want_got(want: str, got: str, room: int) -> str:
    """Return `want ..., got ...` in at most `room` cells, none of the two crowding out the other.

    Where the room is short and both begin alike, that beginning goes first: what is told is the difference.
    """
    want, got = harmless(want), harmless(got)
    if not want:
        return cut(got, room)
    frame = len("want , got ")
    if frame + cell_len(want) + cell_len(got) > room:
        want, got = _apart(want, got)
    left = room - frame - cell_len(want) - cell_len(got)
    if left >= 0:
        return f"want {want}, got {got}"
    half = max(0, room - frame) // 2
    short = max(half, room - frame - cell_len(want))
    return cut(f"want {cut(want, max(half, room - frame - cell_len(got)))}, got {cut(got, short)}", room)


def _apart(want: str, got: str) -> tuple[str, str]:
    """Return both without the words that they begin with alike; a `~` says that there was more."""
    alike = commonprefix((want, got))  # noqa: RUF071 - by character is what is meant
    start = max((alike.rfind(mark) + 1 for mark in " .:/,;=-"), default=0)
    return (want, got) if start < _WORTH else (f"~{want[start:]}", f"~{got[start:]}")
