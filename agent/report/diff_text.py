"""A comparison as a person reads it and as JSON: what is compared first, then what became of each check."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from agent.diff import Change, Diff, Kind, Side
from agent.plan import Plan
from agent.report.picture import Told
from agent.report.style import SIGNS, Style
from agent.report.text import when
from agent.verdict import Standing
from agent.version import VERSION
from checks.safe import safe
from checks.words import rfc3339

KIND_SIGNS = {
    Kind.REGRESSION: "!!", Kind.UNPROVEN: "??", Kind.WORSE: "!!", Kind.OTHER: "?-", Kind.NEW: "++",
    Kind.GONE: "--", Kind.REDEFINED: "~ ", Kind.BETTER: "> ", Kind.FIXED: "OK", Kind.PROVEN: "ok",
    Kind.VALUE: "  ", Kind.SAME: "= ", Kind.NOT_RUN: "..",
}  # fmt: skip
"""Two characters beside the word, so that no colour is needed."""
KIND_LOOKS = {
    Kind.REGRESSION: "fail", Kind.UNPROVEN: "inconclusive", Kind.WORSE: "fail", Kind.OTHER: "inconclusive",
    Kind.FIXED: "pass", Kind.PROVEN: "pass", Kind.REDEFINED: "warn", Kind.GONE: "warn",
}  # fmt: skip
"""Names of looks, as `Style.paint` and the dashboard know them; the others have none."""
_TEXT = 300
_INDENT = 4


def diff_report(plan: Plan, diff: Diff, style: Style, *, everything: bool = False) -> str:
    """Return the comparison; with `everything` also what is the same and what was not compared."""
    lines = []
    for label, side in (("Before", diff.before), ("After", diff.after)):
        lines += _wrapped(described(plan, side), style, f"{label:<8}", " " * 8)
    lines += _wrapped(summary(diff), style, "", "")
    lines.append("")
    for change in diff.changes if everything else diff.changed:
        lines += _change(change, style)
    if not diff.changed:
        lines += ["Nothing changed." if diff.compared else NOTHING_COMPARED, ""]
    return "\n".join(lines).rstrip() + "\n"


NOTHING_COMPARED = "No check was tested on both sides, so nothing was compared."


def summary(diff: Diff) -> str:
    """Return the counts: `2 regression, 1 fixed, 40 same`."""
    counts = ", ".join(f"{count} {kind}" for kind, count in diff.counts().items())
    return f"{counts or 'no check'} ({diff.compared} on both sides)"


def described(plan: Plan, side: Side) -> str:
    """Return what a side is, in words; raw text."""
    zone = plan.project.timezone
    if side.at is not None:
        return f"now, {when(side.at, zone)}: newest results, as the gates count them"
    run = side.run
    if run is None:
        return f"{side.name}: a run that the ledger does not know"
    name = f"run {side.name}" if side.name == run.id else f"baseline {side.name}"
    asked = sum(1 for check in run.selected if check in side.results)
    said = (
        f"{name}, {when(run.started, zone)}, from {run.vantage.name}: tested {asked} of {len(run.selected)}"
    )
    if run.outcome == "cancelled":
        return f"{said}, stopped before its end"
    return said if run.outcome is not None else f"{said}, and did not end yet: it goes on, or was killed"


def _change(change: Change, style: Style) -> Iterator[str]:
    word = f"{KIND_SIGNS[change.kind]} {change.kind}"
    about = safe(change.check, limit=120)
    if change.target:
        about += f"  {safe(change.target, limit=120)}"
    first, *more = _wrapped(f"{word}  {about}", style, "", " " * _INDENT)
    yield style.paint(word, KIND_LOOKS.get(change.kind, "")) + first[len(word) :]
    yield from more
    if change.title and change.kind is not Kind.SAME:
        yield from _wrapped(change.title, style, " " * _INDENT, " " * _INDENT)
    if change.redefined:
        yield from _wrapped("its definition has changed in between", style, " " * _INDENT, " " * _INDENT)
    for label, standing, text in (
        ("before", change.before_standing, change.before_text),
        ("after", change.after_standing, change.after_text),
    ):
        yield from _wrapped(
            f"{label:<7} {SIGNS[standing]}  {_beside(standing, text)}", style, " " * _INDENT, " " * 12
        )


def _beside(standing: str, text: str) -> str:
    return "" if text == standing else text


def _wrapped(text: str, style: Style, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        safe(text, limit=_TEXT), style.width, initial_indent=first, subsequent_indent=rest,
        break_on_hyphens=False,
    ) or [first.rstrip()]  # fmt: skip


def diff_json(diff: Diff) -> dict[str, Any]:
    """Return the whole comparison as JSON data, what is the same included."""
    return {
        "tool": {"name": "gonogo", "version": VERSION, "schema": 1},
        "before": _side_json(diff.before),
        "after": _side_json(diff.after),
        "compared": diff.compared,
        "counts": {kind.value: count for kind, count in diff.counts().items()},
        "changes": [_change_json(change) for change in diff.changes],
    }


def _side_json(side: Side) -> dict[str, Any]:
    at = side.at or (side.run.started if side.run is not None else None)
    return {
        "name": side.name,
        "run": side.run.id if side.run is not None else None,
        "at": rfc3339(at) if at is not None else None,
        "vantage": side.run.vantage.name if side.run is not None else None,
        "outcome": side.run.outcome if side.run is not None else None,
        "selected": len(side.selected) if side.selected is not None else None,
        "tested": len(side.results),
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "check": change.check,
        "title": change.title,
        "target": change.target,
        "redefined": change.redefined,
        "before": _part_json(change.before, change.before_standing, change.before_text),
        "after": _part_json(change.after, change.after_standing, change.after_text),
    }


def _part_json(told: Told | None, standing: str, text: str) -> dict[str, Any]:
    finished = getattr(told, "finished", None)
    counts = standing not in (Standing.STALE, Standing.NOT_RUN)
    return {
        "standing": standing,
        "text": text,
        "status": told.status.value if told is not None and counts else None,
        "finished": rfc3339(finished) if finished is not None else None,
        "run": getattr(told, "run", None),
        "vantage": getattr(told, "vantage_name", None),
        "findings": [finding.as_json() for finding in told.findings] if told is not None else [],
    }
