"""Whether two names stand for two people: nobody approves their own request by writing their name otherwise.

Names are compared by what a reader sees and says, so case, spaces, punctuation, accents, invisible
characters, letters of another script that look alike, the order of the words and an address instead of a name
make no second person. Neither do names of which one may be short for the other (`Ann`, `A. Rey`, `Ann Rey`):
written in full they tell people apart.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_ALIKE = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u051b\u051d"
    "\u03b1\u03b2\u03b5\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b6"
    "\u0131\u00f8\u0142\u0111\u00f0",
    "abekmhopctyxijsdhqwabehikmnoptyxzioldd",
) | {0xE6: "a", 0x153: "o", 0xFE: "th"}
"""Cyrillic, then Greek letters that look like Latin ones, then those that are typed without their stroke."""
_UMLAUT = re.compile("([aou])e")
_ADDRESS = re.compile(r"(\S+)@\S*")
_ASIDE = re.compile(r"<[^<>]*>|\([^()]*\)|\[[^\[\]]*\]")


@lru_cache(maxsize=1024)
def words(name: str) -> tuple[str, ...]:
    """Return what tells this name from others, in the order written; nothing for what names nobody."""
    seen = _seen(name)
    told = _ASIDE.sub(" ", seen)
    if not any(map(str.isalnum, told)):
        told = seen
    told = _ADDRESS.sub(r" \1 ", told)
    apart = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in told)
    return tuple(_UMLAUT.sub(r"\1", word) for word in apart.split())


def _seen(name: str) -> str:
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    kept = [" " if char.isspace() else char for char in text if not _invisible(char)]
    return "".join(kept).translate(_ALIKE)


def _invisible(char: str) -> bool:
    if char.isspace():
        return False
    accent = "\u0300" <= char <= "\u036f" or "\ufe00" <= char <= "\ufe0f" or char >= "\U000e0100"
    return accent or char in _BLANK or unicodedata.category(char) in _UNSEEN


@lru_cache(maxsize=1024)
def two_people(one: str, other: str) -> bool:
    """Tell whether both names name somebody, and surely not the same person."""
    few, many = sorted((words(one), words(other)), key=len)
    if not few or "".join(few) == "".join(many):
        return False
    left = list(many)
    for word in sorted(few, key=len, reverse=True):
        match = next((item for item in left if item == word), None) or next(
            (item for item in left if _short_for(word, item)), None
        )
        if match is None:
            return True
        left.remove(match)
    return False


def _short_for(one: str, other: str) -> bool:
    """Tell whether one of the two is the initial of the other."""
    brief, full = sorted((one, other), key=len)
    return len(brief) == 1 and brief.isalpha() and full.startswith(brief)
