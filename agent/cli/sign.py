"""`gonogo sign FILE MILESTONE`: sign a milestone GO or NO-GO."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.common import project_file, usage

if TYPE_CHECKING:
    from agent.verdict import MilestoneVerdict
    from agent.watch import View

_OPTIONS = {
    "decided": "--go or --no-go", "by": "--by", "second": "--second", "note": "--note",
    "confirmation": "--confirm",
}  # fmt: skip
_REASONS_SHOWN = 20


@click.command()
@project_file
@click.argument("milestone")
@click.option("--go/--no-go", "go", default=None, help="What is decided.")
@click.option("--by", default="", metavar="NAME", help="Who signs.")
@click.option(
    "--second", default="", metavar="NAME", help="Who signs with them; needed for a GO against the rules."
)
@click.option("--note", default="", metavar="TEXT", help="Why; needed for a GO against the rules.")
@click.option(
    "--confirm", metavar="PROJECT-ID", help="The project's id; asked for in a terminal if not given."
)
def command(
    file: Path, milestone: str, by: str, second: str, note: str, confirm: str | None, *, go: bool | None
) -> None:
    """Sign a milestone: what was decided, by whom, with the verdict as it stands.

    The verdict of the rules stays what it is. After a GO the milestones that come next need not wait for this
    one; after a NO-GO they are INCOMPLETE until it is signed GO. A GO that the rules do not give needs a
    reason and a second person, and makes at best GO WITH WAIVERS of what comes next.
    """
    from agent.cli.decided import look, refuse, store, tell_gates
    from agent.decide import Refused, draft_decision
    from checks.safe import safe

    word = {True: "GO", False: "NO-GO"}.get(go, "") if go is not None else ""
    view, head = look(file)
    project = view.picture.plan.project.id
    if confirm is None and sys.stdin.isatty():
        try:
            draft_decision(
                view, milestone, decided=word, by=by, second=second, note=note, confirmation=project
            )
        except Refused as refused:
            refuse(refused, _OPTIONS)
        shown = _of(view, milestone)
        _tell(view, shown)
        confirm = click.prompt(f"Type {project} to sign {word}", default="", show_default=False, err=True)
        view, head = look(file)
        if _facts(_of(view, milestone)) != _facts(shown):
            usage(
                "Nothing was signed: while you decided, new results came in or others became too old. "
                "Look again and give the command again."
            )
    try:
        decision = draft_decision(
            view, milestone, decided=word, by=by, second=second, note=note, confirmation=confirm or "",
            head=head,
        )  # fmt: skip
    except Refused as refused:
        refuse(refused, _OPTIONS)
    store(file, view.picture.plan, decision)
    who = f"{decision.by} and {decision.second}" if decision.second else decision.by
    click.echo(
        safe(f"Signed: {milestone} {decision.decided} by {who}; the rules say {decision.verdict}."), err=True
    )
    after = {item.milestone.id for item in view.picture.verdicts if milestone in item.milestone.after}
    tell_gates(view, look(file)[0], {milestone} | after)


def _of(view: View, milestone: str) -> MilestoneVerdict:
    return next(item for item in view.picture.verdicts if item.milestone.id == milestone)


def _facts(item: MilestoneVerdict) -> object:
    """Return what must still be so when it is stored; the age of a result is no fact."""
    return (
        item.verdict,
        [
            (standing.check, standing.required, standing.standing, standing.waiver)
            for standing in item.standings
        ],
    )


def _tell(view: View, item: MilestoneVerdict) -> None:
    from agent.cli.decided import left
    from checks.safe import safe

    still = left(view.picture, item)
    click.echo(safe(f"{item.milestone.id} is {item.verdict.value}{f': {still}' if still else ''}."), err=True)
    for reason in item.reasons[:_REASONS_SHOWN]:
        click.echo(f"  {safe(reason, limit=300)}", err=True)
    if len(item.reasons) > _REASONS_SHOWN:
        click.echo(f"  and {len(item.reasons) - _REASONS_SHOWN} more", err=True)
    if view.runs:
        click.echo("  A run goes on now: what it finds is not in this verdict yet.", err=True)
