"""What `waive`, `attest` and `sign` share: looking, refusing, and saying what the gates become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from agent.board import blocking, other_reasons, rows
from agent.cli.common import plan_of, usage
from agent.decide import Refused
from agent.plan import Plan
from agent.records import Decision, Waiver
from agent.report.picture import Picture
from agent.running import open_ledger
from agent.verdict import MilestoneVerdict
from agent.watch import View, Watch
from checks.safe import safe
from checks.vantage import Attestation

_CHANCES = 10


def look(file: Path) -> tuple[View, str]:
    """Return the project as it stands, and number and hash of the last entry that this is about.

    While a run stores results all the time, what is seen may hold a few entries more than that one.
    """
    plan = plan_of(file)
    for chance in range(_CHANCES):
        watch = Watch(file, plan)
        try:
            number, digest = watch.ledger.head()
            view = watch.look(datetime.now(UTC))
            if view is not None and (watch.ledger.head() == (number, digest) or chance == _CHANCES - 1):
                return view, f"{number}:{digest}"
        finally:
            watch.close()
    raise AssertionError("A first look always sees something.")


def store(file: Path, plan: Plan, record: Waiver | Attestation | Decision) -> None:
    """Store a person's word; raises LedgerError."""
    with open_ledger(file, plan) as ledger:
        ledger.add(record)


def refuse(refused: Refused, options: Mapping[str, str]) -> NoReturn:
    """End with every problem, each beside the option that it is about, and exit code 2."""
    lines = ["Nothing was written down."]
    for field, sentence in refused.problems.items():
        option = options.get(field, "")
        lines.append(f"  {option}: {sentence}" if option else f"  {sentence}")
    usage("\n".join(lines))


def left(picture: Picture, item: MilestoneVerdict) -> str:
    """Return what keeps a gate from GO, counted, worst first: `2 fail, 1 inconclusive, 6 stale left`."""
    counts = Counter(row.standing.value for row in blocking(rows(picture, item)))
    parts = [f"{', '.join(f'{number} {word}' for word, number in counts.items())} left"] if counts else []
    others = other_reasons(picture, item)
    return "; ".join([*parts, *(reason.rstrip(".") for reason in others)])


def tell_gates(before: View, after: View, concerned: Collection[str]) -> None:
    """Print what the gates were and what they are now: those concerned, and those that changed."""
    was = {item.milestone.id: item.verdict for item in before.picture.verdicts}
    for item in after.picture.verdicts:
        name, old = item.milestone.id, was.get(item.milestone.id)
        if name in concerned or old is not item.verdict:
            if old is item.verdict or old is None:
                change = f"{item.verdict.value}, as before"
            else:
                change = f"was {old.value}, is {item.verdict.value}"
            still = left(after.picture, item)
            click.echo(safe(f"  {name}: {change}{f' ({still})' if still else ''}"), err=True)


def gates_of(view: View, check: str) -> set[str]:
    """Return the milestones whose gates require the check."""
    return {
        item.milestone.id
        for item in view.picture.verdicts
        for standing in item.standings
        if standing.check == check and standing.required
    }
