"""Making text from outside harmless before a person, a terminal, a log or a report sees it.

Banners, records, certificate names and command output may carry escape sequences that move the cursor, write
the clipboard (OSC 52) or reverse the reading direction. Evidence keeps the raw text; whatever shows it goes
through `safe`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_KEEP = frozenset({"\n"})


def safe(text: str, *, limit: int = 2000, lines: bool = False) -> str:
    r"""Return `text` with every control, format, surrogate, private and unassigned character made visible.

    `\x1b` shows as the four characters ``\x1b``; a tab is four spaces. With `lines` false a line break shows
    as ``\n``. At most `limit` characters of the text are shown, and a cut says how many are left out.
    """
    cut = text[:limit]
    if not cut.isascii() or not cut.isprintable():
        cut = "".join(map(_plain_or_line if lines else _plain, cut))
    if len(text) > limit:
        cut += f" [{len(text) - limit} more characters]"
    return cut


def in_line(texts: Iterable[str]) -> str:
    """Return texts from outside, such as the data of records, in one bounded line that is safe to show."""
    return safe(", ".join(texts), limit=600)


def _plain_or_line(char: str) -> str:
    return char if char in _KEEP else _plain(char)


def _plain(char: str) -> str:
    if char == "\t":
        return "    "
    if char == "\n":
        return "\\n"
    if unicodedata.category(char) not in _HARMFUL:
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
