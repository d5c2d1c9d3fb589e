"""Which checks a run is to run: all, those of some milestones, those whose ids match a glob or are named."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence

from agent.plan import Milestone, Plan
from checks.dataclass import dataclass


class NothingSelected(Exception):  # noqa: N818 - said to the person who selected
    """The words given select nothing; the message says which and what there is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The milestones to judge and the ids of the checks to run, in the plan's order."""

    milestones: tuple[Milestone, ...]
    checks: tuple[str, ...]


def select(
    plan: Plan,
    milestones: Sequence[str] = (),
    only: Sequence[str] = (),
    ids: Collection[str] | None = None,
) -> Selection:
    """Return what `--milestone` and `--only` mean; `ids` are what `--only -` read.

    A milestone brings the checks of its gate and whatever these depend on, so that a cause can be named.
    `only` narrows the checks and not the milestones: what it leaves out reads as not run. So does `ids`,
    which are no globs.
    """
    known = [milestone.id for milestone in plan.milestones]
    for name in milestones:
        if name not in known:
            raise NothingSelected(_unknown("milestone", name, known))
    chosen = tuple(m for m in plan.milestones if not milestones or m.id in milestones)
    if milestones:
        wanted = _with_needs(plan, {need.check for m in chosen for need in m.gate.needs})
    else:
        wanted = set(plan.by_id)
    for pattern in only:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in wanted):
            raise NothingSelected(_unknown("check", pattern, sorted(wanted)))
    if only:
        wanted = {name for name in wanted if any(fnmatch.fnmatchcase(name, pattern) for pattern in only)}
    if ids is not None:
        wanted = _named(wanted, ids)
    return Selection(chosen, tuple(check.id for check in plan.checks if check.id in wanted))


def _named(wanted: set[str], ids: Collection[str]) -> set[str]:
    if not ids:
        raise NothingSelected("No check was named: --only - reads their ids from standard input, one a line.")
    for name in ids:
        if name not in wanted:
            raise NothingSelected(_unknown("check", name, sorted(wanted)))
    return wanted.intersection(ids)


def _with_needs(plan: Plan, names: set[str]) -> set[str]:
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found and name in plan.by_id:
            found.add(name)
            pending.extend(plan.by_id[name].needs)
    return found


def _unknown(what: str, word: str, known: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(known[:12])}."
    return f"No {what} matches {word!r}.{hint}"
