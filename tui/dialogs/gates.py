"""Words about gates for the dialogs: how one stands, and how it would stand. Judged elsewhere, said here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from textual.content import Content

from agent.board import WORST_FIRST, Row, badness, other_reasons, rows, tally
from agent.report.picture import Picture
from agent.verdict import GOES, CheckStanding, MilestoneVerdict
from agent.watch import View
from tui.text import joined

_MOST = 2
"""Gates that a preview names; the rest is a number."""


def row_of(view: View, check: str) -> Row | None:
    """Return the row of `check` in the gate where it stands worst; None if no gate asks for it."""
    found: list[Row] = []
    for item in view.picture.verdicts:
        only = tuple(standing for standing in item.standings if standing.check == check)
        found += rows(view.picture, replace(item, standings=only)) if only else []
    return min(found, key=badness, default=None)


def counted(found: Iterable[Row | CheckStanding]) -> str:
    """Return how many stand how, the worst first, the advisory apart: `2 fail, 1 stale; advisory: 1 fail`."""
    numbers = Counter((item.required, item.standing) for item in found)
    required, advisory = (
        ", ".join(f"{numbers[kind, word]} {word.value}" for word in WORST_FIRST if numbers[kind, word])
        for kind in (True, False)
    )
    return "; ".join(part for part in (required, advisory and f"advisory: {advisory}") if part)


def left(picture: Picture, item: MilestoneVerdict) -> str:
    """Return what keeps a gate from GO, counted, and the first reason that is about no check."""
    if item.verdict in GOES:
        return ""
    said = ", ".join(f"{number} {word}" for word, number in tally(item).blocking.items())
    others = other_reasons(picture, item)
    return "; ".join([part for part in (said, *others[:1]) if part])


def stands(view: View, concerned: Collection[str], once: str) -> Content:
    """Return how the gates concerned stand now, and that what they become is said `once` more is known."""
    parts: list[Content | tuple[str, str] | str] = []
    if not view.problems:
        for item in [item for item in view.picture.verdicts if item.milestone.id in concerned][:_MOST]:
            still = left(view.picture, item)
            parts += [f"{item.milestone.id} is ", (f" {item.verdict.value} ", item.verdict.value), " now"]
            parts.append(f": {still[:200]}.\n" if still else ".\n")
    return joined(*parts, (f"What becomes of it is said here once {once}.", "dim"))


def becomes(view: View, after: Sequence[MilestoneVerdict], concerned: Collection[str]) -> Content:
    """Return what the gates become: those concerned, and those whose verdict changes with them."""
    now = {item.milestone.id: item for item in view.picture.verdicts}
    told = [
        item
        for item in after
        if item.milestone.id in concerned
        or (item.milestone.id in now and now[item.milestone.id].verdict is not item.verdict)
    ]
    told.sort(key=lambda item: item.milestone.id not in concerned)
    parts: list[Content | tuple[str, str] | str] = []
    for item in told[:_MOST]:
        before = now.get(item.milestone.id)
        parts += ["\n"] if parts else []
        parts += [f"{item.milestone.id} is ", (f" {item.verdict.value} ", item.verdict.value), " with it"]
        if before is not None:
            same = before.verdict is item.verdict
            parts.append(" as without it" if same else f" ({before.verdict.value} now)")
        still = left(view.picture, item)
        parts.append(f": {still[:200]} left." if still else ".")
    if len(told) > _MOST:
        parts.append(f" {len(told) - _MOST} more change.")
    return joined(*parts)
