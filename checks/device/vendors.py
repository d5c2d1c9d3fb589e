"""Vendors by the enterprise number of their object identifiers."""

from __future__ import annotations

_ENTERPRISES = "1.3.6.1.4.1."
_NAMES = {9: "Cisco"}


def enterprise(object_id: str) -> int | None:
    """Return the enterprise number of a dotted object identifier."""
    if not object_id.startswith(_ENTERPRISES):
        return None
    arc = object_id[len(_ENTERPRISES) :].partition(".")[0]
    return int(arc) if arc.isdecimal() else None


def vendor(object_id: str) -> str:
    """Return the vendor's short name; empty if unknown."""
    return _NAMES.get(enterprise(object_id) or 0, "")
