"""What PowerShell scripts print as JSON, read without trust. Never run on a real Windows host."""

from __future__ import annotations

import json
from typing import Any

from checks.safe import safe
from checks.vantage import CannotTell


def rows(stdout: bytes, name: str) -> list[dict[str, Any]]:
    """Return the objects of a JSON list (or the one object); raise CannotTell for anything else."""
    text = stdout.decode("utf-8-sig", errors="replace").strip()
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        found = None
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise CannotTell(
            f"{name} did not answer with the JSON that was asked for, but: {safe(text, limit=200)!r}.",
            "Run the same as this account in a PowerShell of that host; a profile that prints spoils it.",
        )
    return found


def word(row: dict[str, Any], key: str) -> str:
    """Return a text or number of a row as text, empty where there is none."""
    value = row.get(key)
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def number(row: dict[str, Any], key: str) -> int | None:
    """Return a whole number of a row, None where there is none."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def words(row: dict[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of texts of a row; a single text is a list of one."""
    value = row.get(key)
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value if isinstance(one, (str, int))) if isinstance(value, list) else ()
