"""Columns of one table that must have the same rows: where they do not, a part of the table is missing."""

from __future__ import annotations

from collections.abc import Mapping

from checks.contract import CannotTell
from checks.wire.snmp.agent import Index, Value


def same_rows(name: str, what: str, *columns: Mapping[Index, Value]) -> None:
    """Raise CannotTell where columns that hold anything differ in their rows."""
    filled = [set(column) for column in columns if column]
    if not filled:
        return
    rows = set().union(*filled)
    least = min(map(len, filled))
    if any(column != rows for column in filled):
        raise CannotTell(
            f"{name} shows {len(rows)} rows of {what}, and only {least} of them whole: half a table proves "
            "nothing.",
            "Run it again; if it stays so, give the community or user a view of the whole table, or look at "
            "the device's load.",
        )
