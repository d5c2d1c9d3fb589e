"""LDIF as ldbsearch prints it (RFC 2849): folded lines, base64 values; bounded, read without trust."""

from __future__ import annotations

import base64
import binascii

Entry = dict[str, tuple[str, ...]]
"""Attribute, in lower case, to its values."""
MAX_ENTRIES = 100_000


def entries(text: str) -> list[Entry]:
    """Return the entries that have a `dn`; comments and referrals are left out."""
    found: list[Entry] = []
    current: dict[str, list[str]] = {}
    for line in [*_unfolded(text), ""]:
        if not line:
            if "dn" in current and len(found) < MAX_ENTRIES:
                found.append({name: tuple(values) for name, values in current.items()})
            current = {}
        elif not line.startswith("#"):
            name, mark, rest = line.partition(":")
            if mark:
                current.setdefault(name.lower(), []).append(_value(rest))
    return found


def _unfolded(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(" ") and lines:
            lines[-1] += line[1:]
        else:
            lines.append(line)
    return lines


def _value(rest: str) -> str:
    if not rest.startswith(":"):
        return rest.strip()
    try:
        return base64.b64decode(rest[1:].strip(), validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return rest[1:].strip()
