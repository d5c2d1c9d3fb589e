"""`gonogo waive FILE CHECK`: write down an accepted risk."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.common import project_file

_OPTIONS = {
    "reason": "--reason", "risk": "--risk", "author": "--by", "approver": "--approver",
    "expires": "--expires", "ticket": "--ticket",
}  # fmt: skip


@click.command()
@project_file
@click.argument("check")
@click.option(
    "--reason", default="", metavar="TEXT", help="Why it can go all the same, in 20 characters or more."
)
@click.option("--risk", default="", metavar="low|medium|high", help="How high the risk is.")
@click.option("--by", default="", metavar="NAME", help="Who accepts the risk.")
@click.option("--approver", default="", metavar="NAME", help="Another person, who approves it.")
@click.option(
    "--expires",
    default="",
    metavar="TIME",
    help="Until when, like '2026-12-06 06:00' in the project's zone, or with an offset.",
)
@click.option("--ticket", default="", metavar="TEXT", help="Where it is followed up.")
def command(
    file: Path, check: str, reason: str, risk: str, by: str, approver: str, expires: str, ticket: str
) -> None:
    """Accept in writing that a check does not pass, until a time.

    It never changes the result. It makes GO WITH WAIVERS of a gate that nothing else keeps from GO, in every
    gate that requires the check, for this definition of it and as long as it stands no worse than now.
    """
    from agent.cli.decided import gates_of, look, refuse, store, tell_gates
    from agent.decide import Refused, draft_waiver
    from agent.report.text import when
    from checks.safe import safe

    view, _ = look(file)
    try:
        waiver = draft_waiver(
            view, check, reason=reason, risk=risk, author=by, approver=approver, expires=expires,
            ticket=ticket,
        )  # fmt: skip
    except Refused as refused:
        refuse(refused, _OPTIONS)
    plan = view.picture.plan
    store(file, plan, waiver)
    until = when(waiver.expires, plan.project.timezone)
    said = (
        f"Written down: {check} stands {waiver.standing}, and {waiver.author} accepts it at {waiver.risk} "
        f"risk until {until}, approved by {waiver.approver}."
    )
    click.echo(f"{safe(said)} The result stays what it is.", err=True)
    tell_gates(view, look(file)[0], gates_of(view, check))
