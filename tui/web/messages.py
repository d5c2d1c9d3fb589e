"""What the page in the browser says over its websocket, read without trust; and the packets for the app."""

from __future__ import annotations

import json
from typing import Any

LONGEST = 64 * 1024
"""Bytes of one message: a pasted text is the longest that a person sends."""
COLUMNS, ROWS = (20, 500), (5, 200)
"""The least and the most of a terminal; what is outside is taken as the nearest."""
_LONGEST_PING = 40


def size(columns: object, rows: object) -> tuple[int, int] | None:
    """Return a terminal size within bounds, or None if these are no numbers."""
    if type(columns) is not int or type(rows) is not int:
        return None
    return min(max(columns, COLUMNS[0]), COLUMNS[1]), min(max(rows, ROWS[0]), ROWS[1])


def asked_size(query: dict[str, str]) -> tuple[int, int]:
    """Return the terminal size that a page asks for at first; 80x24 where it makes no sense."""
    given = [query.get(name, "") for name in ("width", "height")]
    if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in given):
        return 80, 24
    return size(*map(int, given)) or (80, 24)


def data(payload: bytes) -> bytes:
    """Return a packet of key strokes for Textual's web driver."""
    return b"D" + len(payload).to_bytes(4, "big") + payload


def meta(kind: str, **rest: int) -> bytes:
    """Return a packet that tells Textual's web driver something else."""
    payload = json.dumps({"type": kind, **rest}).encode()
    return b"M" + len(payload).to_bytes(4, "big") + payload


def heard(text: str) -> tuple[bytes, str]:
    """Return the packet for the app and the answer to the page, each empty where there is none.

    What is not understood has neither.
    """
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        return b"", ""
    if not isinstance(said, list) or not said:
        return b"", ""
    rest = said[1] if len(said) > 1 else None
    match said[0]:
        case "stdin" if isinstance(rest, str):
            return data(rest.encode("utf-8", "replace")), ""
        case "resize" if isinstance(rest, dict):
            wanted = size(rest.get("width"), rest.get("height"))
            return (meta("resize", width=wanted[0], height=wanted[1]) if wanted else b""), ""
        case "focus" | "blur" | "pulse" as kind:
            return meta(kind), ""
        case "ping" if isinstance(rest, str) and len(rest) <= _LONGEST_PING:
            return b"", json.dumps(["pong", rest])
    return b"", ""
