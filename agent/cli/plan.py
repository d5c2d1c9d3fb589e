"""`gonogo plan`: exactly what would run, without running it."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from agent.cli.common import json_option, plan_of, project_file
from agent.files.graph import waves
from agent.plan import Milestone, Plan, PlannedCheck
from checks.params import is_reference
from checks.safe import safe

WIDTH = 80


@click.command("plan", short_help="Print exactly what would run.")
@project_file
@json_option
def command(file: Path, *, as_json: bool) -> None:
    """Print exactly what would run for the project FILE, and what is left out and why."""
    plan = plan_of(file)
    if as_json:
        sys.stdout.write(json.dumps(plan_as_json(plan), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(text(plan)) + "\n")


def allowed_s(check: PlannedCheck) -> float:
    """Return the seconds that the check may take with all its retries."""
    one = check.timeout_s if check.timeout_s is not None else check.build().allowance()
    return one * (1 + check.retries)


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as the object that `gonogo plan --json` prints; parameters are in normal form."""
    from checks import jsonable

    made: dict[str, Any] = jsonable.to_json(plan)
    for check, planned in zip(made["checks"], plan.checks, strict=True):
        check["allowed_s"] = allowed_s(planned)
    _hide_communities(made["checks"])
    made["waves"] = waves({check.id: check.needs for check in plan.checks})
    return made


def _hide_communities(value: Any) -> None:
    """Put a word in place of each community that is written out; references stay."""
    if isinstance(value, list):
        for item in value:
            _hide_communities(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "community" and isinstance(item, str) and not is_reference(item):
                value[key] = "[community]"
            else:
                _hide_communities(item)


def text(plan: Plan) -> Iterator[str]:
    """Return the lines of the plan for an 80-column terminal."""
    zone = ZoneInfo(plan.project.timezone)
    about = plan.project
    yield safe(about.name)
    for name, value in (("customer", about.customer), ("site", about.site), ("profile", about.profile or "")):
        if value:
            yield _line(f"{name}: {value}")
    if about.cutover:
        yield _line(f"cutover: {_time(about.cutover, zone)}")
    if about.time_servers:
        yield _line(f"time servers: {', '.join(about.time_servers)}")
    for milestone in plan.milestones:
        yield ""
        yield from _milestone(plan, milestone, zone)
    if plan.left_out:
        yield "\nLeft out:"
        for item in plan.left_out:
            yield _line(f"{item.check}: {item.reason}")
    for head, parts in (("In scope:", about.scope_in), ("Out of scope:", about.scope_out)):
        if parts:
            yield f"\n{head}"
            for part in parts:
                yield _line(part)
    needed = [check for check in plan.checks if check.required]
    yield ""
    yield (
        f"{_count(plan.checks, 'check')} ({len(needed)} required) in {_count(plan.milestones, 'milestone')}, "
        f"{_count(waves({check.id: check.needs for check in plan.checks}), 'step')}"
    )


def _milestone(plan: Plan, milestone: Milestone, zone: ZoneInfo) -> Iterator[str]:
    when = f", due {_time(milestone.due, zone)}" if milestone.due else ""
    yield _wrap(f"{milestone.id}: {milestone.title}{when}", "", "    ")
    facts = [
        f"results at most {_duration(milestone.gate.max_age_s)} old",
        "warnings pass" if milestone.gate.warnings else "a warning is not good enough",
    ]
    if milestone.gate.vantages:
        facts.append(f"seen from {', '.join(milestone.gate.vantages)}")
    yield _line(f"gate: {'; '.join(facts)}")
    own = {check.id: check for check in plan.checks if check.milestone == milestone.id}
    others = [need.check for need in milestone.gate.needs if need.check not in own]
    if others:
        yield _line(f"needs too: {', '.join(others)}")
    if milestone.after:
        yield _line(f"after: {', '.join(milestone.after)}")
    if milestone.owner:
        yield _line(f"owner: {_who(plan, milestone.owner)}")
    for number, names in enumerate(waves({name: check.needs for name, check in own.items()}), start=1):
        yield f"  step {number}"
        for name in names:
            yield from _check(plan, own[name])


def _check(plan: Plan, check: PlannedCheck) -> Iterator[str]:
    word = "required" if check.required else "advisory"
    yield _wrap(f"{check.id}: {check.type} {check.target}", "    ", "      ")
    facts = [word, f"at most {_duration(allowed_s(check))}"]
    if check.retries:
        facts.append(f"{check.retries + 1} attempts")
    if check.owner:
        facts.append(f"owner {_who(plan, check.owner)}")
    if check.needs:
        facts.append(f"needs {', '.join(check.needs)}")
    yield _wrap("; ".join(facts), "      ", "      ")


def _who(plan: Plan, owner: str) -> str:
    party = plan.party(owner)
    return f"{owner} ({party.name})" if party else owner


def _line(text: str) -> str:
    return _wrap(text, "  ", "    ")


def _wrap(text: str, first: str, rest: str) -> str:
    return textwrap.fill(
        safe(text), WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )  # fmt: skip


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _count(items: Iterable[Any], word: str) -> str:
    number = len(list(items))
    return f"{number} {word}{'' if number == 1 else 's'}"
