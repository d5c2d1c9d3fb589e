"""What stands over the list of checks: the selected milestone, what blocks it, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from agent.accepted import against_the_rules
from agent.board import other_reasons
from agent.verdict import Standing, Verdict
from agent.watch import View
from tui.widgets.checks import called
from tui.widgets.milestones import Line, distance, local, verdict_cell
from tui.widgets.words import Part

_MOST_REASONS = 6


def about(view: View, line: Line, now: datetime) -> Iterator[Part]:
    """Yield the selected milestone: when it is due, who signed, what it is called, who owns it."""
    plan, milestone = view.picture.plan, line.item.milestone
    zone = plan.project.timezone
    yield f" {milestone.id}", "bold"
    if milestone.due is not None:
        yield f"  due {local(milestone.due, zone)}, ", ""
        yield distance(line, now), "warn" if milestone.due < now and not line.done else ""
    if line.signed is not None:
        yield f"  signed {line.signature}, {local(line.signed.at, zone)}", "bold"
        if against_the_rules(line.signed):
            yield f" AGAINST THE RULES, which said {line.signed.verdict}", "warn"
    if milestone.title != milestone.id:
        yield f"  {milestone.title}", "title"
    owner = plan.party(milestone.owner)
    if owner is not None:
        yield f"  owner {called(owner)}", "dim"


def blocks(view: View, line: Line) -> Iterator[Part]:
    """Yield what blocks the milestone in numbers, or the verdict where nothing does."""
    name, tally = line.id, line.tally
    if line.still:
        yield " FROZEN ", "fail"
    if not line.telling:
        yield " CANNOT TELL ", "fail"
        yield f" whether {name} can go; last known:", ""
    elif line.item.verdict in (Verdict.GO, Verdict.GO_WITH_WAIVERS):
        yield " ", ""
        yield verdict_cell(line)
        until = line.item.until
        yield f"  {name}: nothing blocks it", ""
        yield f", until {local(until, view.picture.plan.project.timezone)}" if until else "", ""
    else:
        yield " WHAT BLOCKS ", "bold"
        yield f"{name}:", "bold"
        if not tally.blocking:
            yield " no check of its own", ""
    for number, (kind, count) in enumerate(tally.blocking.items()):
        yield "," if number else "", ""
        yield f" {count} {kind.value}", "bold" if kind is Standing.FAIL else ""
    if tally.waived:
        yield f"  {tally.waived} waived", "waived"
    if tally.advisory:
        count = sum(tally.advisory.values())
        yield f"  ({count} advisory not passing, which blocks nothing)", "dim"


def reasons(view: View, line: Line) -> Iterator[Part]:
    """Yield the reasons that are about no single check: where no row blocks, they do."""
    found = other_reasons(view.picture, line.item)
    for reason in found[:_MOST_REASONS]:
        yield f" {reason}", "inconclusive"
    if len(found) > _MOST_REASONS:
        yield f" And {len(found) - _MOST_REASONS} reasons more of this kind.", "inconclusive"


def alarms(view: View, failed_start: str) -> Iterator[Part]:
    """Yield what is wrong with the project, the ledger or the run that was wanted, loudly."""
    for problem in view.problems:
        yield " CANNOT TELL ", "fail"
        yield f" {' '.join(problem[:2000].split())} ", "bold"
    if failed_start:
        yield " THE RUN COULD NOT START ", "fail"
        yield f" {' '.join(failed_start[:2000].split())} ", "bold"


def nothing(view: View, line: Line, *, everything: bool, filtered: bool, understood: bool = True) -> str:
    """Return what an empty list says; never that nothing blocks unless it is so."""
    if not understood:
        return " What is typed is no filter; esc clears it."
    if filtered:
        return " No check matches the filter; esc clears it."
    if everything:
        return " The gate of this milestone looks at no check."
    if not line.telling:
        return " Nothing can be told of it now."
    until = line.item.until
    if line.item.verdict is Verdict.GO:
        end = f" until {local(until, view.picture.plan.project.timezone)}" if until else ""
        return f" Nothing blocks it: GO{end}."
    if line.item.verdict is Verdict.GO_WITH_WAIVERS:
        return " Nothing blocks it; what was accepted stands above."
    return " No check of its own blocks it: what does stands above."


def never_run(view: View, *, read_only: bool) -> Sequence[Part]:
    """Return the hint for a project whose checks never ran."""
    if view.picture.run is not None or view.picture.results or view.problems:
        return ()
    return (("  Nothing was run yet" + ("." if read_only else ": press r."), "bold"),)
