"""Lines of a plan, and whether the old switch itself is as they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from typing import Any

from checks.dataclass import dataclass
from checks.words import Finding

Entry = dict[str, Any]
MAX_LINES = 500
"""Lines of one list; a switch that would need more has its rest said in a comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One item of a list of the plan, and where it comes from."""

    entry: Entry
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What became of one part of a switch: the lines, and what is not in them, in sentences."""

    lines: tuple[Line, ...] = ()
    left: tuple[str, ...] = field(default=())


def first_held(
    entries: Iterable[Entry], judge: Callable[[Entry], Sequence[Finding]]
) -> tuple[Entry | None, str]:
    """Return the first entry that holds on the old switch itself, else the first that it fails, and how.

    No entry where the check could not tell any of them there, as a plan of it would prove nothing; then why.
    """
    failing: tuple[Entry | None, str] = None, ""
    for entry in entries:
        findings = judge(entry)
        wrong = [one for one in findings if one.status != "pass"]
        if findings and not wrong:
            return entry, ""
        untold = [one for one in wrong if one.status not in ("fail", "warn")]
        if wrong and failing[0] is None and not untold:
            failing = entry, wrong[0].message
        elif not failing[1]:
            failing = None, untold[0].message if untold else ""
    return failing


def bounded(lines: Sequence[Line], left: Sequence[str], what: str) -> Planned:
    """Return the lines, at most `MAX_LINES` of them."""
    if len(lines) <= MAX_LINES:
        return Planned(lines=tuple(lines), left=tuple(left))
    rest = f"{len(lines) - MAX_LINES} more {what} are not in the plan: it holds {MAX_LINES}."
    return Planned(lines=tuple(lines[:MAX_LINES]), left=(*left, rest))
