"""What agents send as values, made into what the model holds: text, numbers, addresses, sets of ports."""

from __future__ import annotations

import re

from checks.wire.snmp.agent import Oid, Value

_MAC_TEXT = re.compile(r"[0-9A-Fa-f]{1,2}([:-][0-9A-Fa-f]{1,2}){5}")
MAX_TEXT = 4096


def text(value: Value | None) -> str:
    """Return a string value as text: UTF-8, else Latin-1, without padding; empty for any other value.

    Agents pad with NUL octets and spaces and are not held to any encoding.
    """
    if not isinstance(value, bytes):
        return ""
    raw = value[:MAX_TEXT].rstrip(b"\x00")
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError:
        decoded = raw.decode("latin-1")
    return decoded.replace("\x00", "").strip()


def number(value: Value | None) -> int | None:
    """Return a numeric value; a string of digits counts as one, anything else is None."""
    if isinstance(value, int):
        return value
    if isinstance(value, bytes) and 0 < len(value) <= 20:
        digits = value.strip().rstrip(b"\x00")
        if digits.isdigit():
            return int(digits)
    return None


def mac(value: Value | None) -> str:
    """Return a hardware address as `00:1b:21:3c:4d:5e`; empty for what is none, or all zero."""
    if not isinstance(value, bytes):
        return ""
    if len(value) == 6:
        return value.hex(":") if any(value) else ""
    written = text(value)
    if _MAC_TEXT.fullmatch(written):
        return ":".join(f"{int(part, 16):02x}" for part in re.split("[:-]", written))
    return ""


def dotted(value: Value | None) -> str:
    """Return an object identifier as `1.3.6.1`; empty for any other value."""
    return ".".join(map(str, value)) if isinstance(value, tuple) else ""


def oid(written: str) -> Oid:
    """Return `1.3.6.1` as an object identifier."""
    return tuple(int(arc) for arc in written.split("."))
