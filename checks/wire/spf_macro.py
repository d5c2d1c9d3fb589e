"""SPF macro strings: read once, expanded for each sender (RFC 7208 section 7). Pure, no I/O.

`%{p}` needs lookups: a caller asks `letters` first and puts the value in with the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from checks.dataclass import dataclass

MAX_NAME = 253
_MACRO = re.compile(r"%(?:\{([slodiphcrtvSLODIPHCRTV])([0-9]*)([rR]?)([.\-+,/_=]*)\}|([%_-]))")
_LITERAL = re.compile(r"[\x21-\x24\x26-\x7e]+")
_EXPLAIN = re.compile(r"[\x20-\x24\x26-\x7e]+")
_FIXED = {"%": "%", "_": " ", "-": "%20"}
_ONLY_EXPLAIN = frozenset("crt")
_MANY = 1_000_000


class SpfSyntax(ValueError):  # noqa: N818 - what a text is
    """The text breaks the grammar of RFC 7208; the message says where and how (raw)."""


@dataclass(frozen=True, slots=True)
class Macro:
    """One `%{...}`: the letter in lower case, and what is done with its value."""

    letter: str
    right: int
    """How many parts from the right are kept; 0 keeps all."""
    reverse: bool
    delimiters: str
    escape: bool


Part = str | Macro


def read(text: str, *, explain: bool = False) -> tuple[Part, ...]:
    """Return the parts of a macro string; with `explain` that of an explanation, which may have spaces and
    the letters c, r and t.

    Raises SpfSyntax.
    """
    literal = _EXPLAIN if explain else _LITERAL
    parts: list[Part] = []
    at = 0
    while at < len(text):
        plain = literal.match(text, at)
        if plain is not None:
            parts.append(plain.group())
            at = plain.end()
            continue
        found = _MACRO.match(text, at)
        if found is None:
            raise SpfSyntax(_trouble(text, at))
        parts.append(_macro(found, explain=explain))
        at = found.end()
    return tuple(parts)


def _trouble(text: str, at: int) -> str:
    if text[at] == "%":
        return f"{text[at : at + 12]!r} is no macro: a percent sign is written %%"
    return f"the character {text[at]!r} may not stand there"


def _macro(found: re.Match[str], *, explain: bool) -> Part:
    letter, digits, reverse, delimiters, fixed = found.groups()
    if fixed:
        return _FIXED[fixed]
    lower = letter.lower()
    if lower in _ONLY_EXPLAIN and not explain:
        raise SpfSyntax(f"the macro {found.group()} may stand in an explanation only")
    digits = digits.lstrip("0") if digits.strip("0") or not digits else "0"
    if digits == "0":
        raise SpfSyntax(f"the macro {found.group()} keeps zero parts")
    right = int(digits) if 0 < len(digits) < 4 else _MANY if digits else 0
    return Macro(lower, right, bool(reverse), delimiters or ".", letter != lower)


def ends_in_macro(text: str) -> bool:
    """Return whether the last part of a macro string that `read` accepts is a macro or an escape."""
    return any(found.end() == len(text) for found in _MACRO.finditer(text))


def letters(parts: Iterable[Part]) -> frozenset[str]:
    """Return the letters of the macros."""
    return frozenset(part.letter for part in parts if isinstance(part, Macro))


def expand(parts: Iterable[Part], values: Mapping[str, str]) -> str:
    """Return the text with every macro replaced by what is made of its value in `values`."""
    return "".join(part if isinstance(part, str) else _apply(part, values[part.letter]) for part in parts)


def _apply(macro: Macro, value: str) -> str:
    pieces = re.split(f"[{re.escape(macro.delimiters)}]", value)
    if macro.reverse:
        pieces.reverse()
    text = ".".join(pieces[-macro.right :])
    return quote(text, safe="~", errors="replace") if macro.escape else text


def fit(name: str) -> str:
    """Return a domain name of at most 253 characters: labels are taken off on the left (section 7.3)."""
    name = name.removesuffix(".")
    if len(name) <= MAX_NAME:
        return name
    cut = name.find(".", len(name) - MAX_NAME - 1)
    return name[cut + 1 :] if cut >= 0 else name
