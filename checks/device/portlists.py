"""Sets of ports and of VLANs as agents write them: bit maps, mostly, and what some write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping

from checks.wire.snmp.agent import Index, Value

MAX_OCTETS = 8192
"""A bit map of 65,536 ports; anything behind is not read."""
MAX_PORT = 8 * MAX_OCTETS
_LIST = re.compile(rb"\s*\d{1,6}(\s*[,-]\s*\d{1,6})*\s*,?\s*")
_HEX = re.compile(rb"[0-9A-Fa-f \r\n]+")


def bits(octets: bytes, first: int = 1) -> frozenset[int]:
    """Return the numbers whose bits are set; the first octet's highest bit is number `first`."""
    found: set[int] = set()
    for place, octet in enumerate(octets[:MAX_OCTETS]):
        if octet:
            base = place * 8 + first
            found.update(base + bit for bit in range(8) if octet & (0x80 >> bit))
    return frozenset(found)


def mirrored(rows: Mapping[Index, Value]) -> dict[Index, frozenset[int]]:
    """Return the sets of maps written as one number: the last octet's lowest bit is port 1."""
    return {
        index: frozenset(8 * len(value) + 1 - port for port in bits(value))
        for index, value in rows.items()
        if isinstance(value, bytes) and len(value) <= MAX_OCTETS
    }


def port_sets(rows: Mapping[Index, Value], first: int = 1) -> dict[Index, frozenset[int]]:
    """Return the set that each row of a PortList column tells.

    How the agent writes them is seen from the whole column, as a single value may be read in two ways: bit
    maps, numbers separated by commas (`1,2,5-8`), or bit maps written in hexadecimal text.
    """
    values = {index: value for index, value in rows.items() if isinstance(value, bytes)}
    told = [value for value in values.values() if value.rstrip(b"\x00")]
    if any(b"," in value for value in told) and all(_LIST.fullmatch(value[:65536]) for value in told):
        return {index: _listed(value) for index, value in values.items()}
    if told and all(len(value) >= 4 and _is_hex(value) for value in told):
        return {index: bits(_unhexed(value), first) for index, value in values.items()}
    return {index: bits(value, first) for index, value in values.items()}


def _is_hex(value: bytes) -> bool:
    if not _HEX.fullmatch(value[:65536]):
        return False
    return len(b"".join(value.split())) % 2 == 0


def _unhexed(value: bytes) -> bytes:
    try:
        return bytes.fromhex(b"".join(value.split()).decode("ascii"))
    except ValueError:
        return b""


def _listed(value: bytes) -> frozenset[int]:
    found: set[int] = set()
    for part in value[:65536].decode("ascii", "replace").split(","):
        low, _, high = (piece.strip() for piece in part.partition("-"))
        if low.isdecimal():
            last = int(high) if high.isdecimal() else int(low)
            found.update(range(max(1, int(low)), min(last, MAX_PORT) + 1))
    return frozenset(found)
