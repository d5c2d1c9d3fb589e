"""`gonogo attest FILE CHECK`: write down a person's statement for a manual check."""

from __future__ import annotations

import difflib
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import click

from agent.cli.common import plan_of, project_file, usage
from agent.plan import Plan, PlannedCheck

_MAX_TEXT = 4000


@click.command()
@project_file
@click.argument("check")
@click.option("--holds/--fails", default=None, help="Whether what the check states is so.")
@click.option("--by", metavar="NAME", help="Who states it.")
@click.option("--note", default="", metavar="TEXT", help="What else there is to say: how it was seen.")
@click.option(
    "--attach", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="A photo, protocol or screenshot; its SHA-256 is kept. Keep the file itself.",
)  # fmt: skip
def command(
    file: Path, check: str, by: str | None, note: str, attach: tuple[Path, ...], *, holds: bool | None
) -> None:
    """Write down that what a manual check states holds, or that it fails.

    It is kept with name, time and the hashes of the attachments, and counts from the next run on.
    """
    plan = plan_of(file)
    planned = _manual_check(plan, check)
    if holds is None:
        usage("Say which it is: --holds or --fails.")
    who = (by or "").strip()
    if not who:
        usage('Say who states it: --by "Ann Example".')
    if len(who) > _MAX_TEXT or len(note) > _MAX_TEXT:
        usage(f"A name or note has at most {_MAX_TEXT} characters; attach longer texts as a file.")
    attachments = tuple((path.name, _digest(path)) for path in attach)

    from agent.running import open_ledger
    from checks.safe import safe
    from checks.vantage import Attestation

    statement = str(planned.params["statement"])
    with open_ledger(file, plan) as ledger:
        ledger.add(
            Attestation(
                check=check, holds=holds, by=who, at=datetime.now(UTC), note=note, attachments=attachments,
                statement=statement,
            )
        )  # fmt: skip
    word = "holds" if holds else "does not hold"
    click.echo(f"Written down: {safe(who)} says that it {word}: {safe(statement)}", err=True)
    for name, digest in attachments:
        click.echo(f"  {safe(name)}  SHA-256 {digest}", err=True)
    click.echo(f"It counts from the next run on: gonogo run {safe(str(file))} --only {check}", err=True)


def _manual_check(plan: Plan, name: str) -> PlannedCheck:
    """Return the manual check `name` of the plan, or end with what there is instead."""
    planned = plan.by_id.get(name)
    if planned is None:
        manual = [item.id for item in plan.checks if item.type == "manual"]
        near = difflib.get_close_matches(name, manual, n=1)
        known = f"its manual checks are: {', '.join(manual[:20])}" if manual else "it has no manual check"
        hint = f" - did you mean {near[0]!r}?" if near else f"; {known}."
        usage(f"The project has no check {name!r}{hint}")
    if planned.type != "manual":
        usage(
            f"The check {name!r} is of type {planned.type}: it is measured, and no statement replaces that."
        )
    return planned


def _digest(path: Path) -> str:
    try:
        file = path.open("rb")
    except OSError as error:
        usage(f"The attachment {path} cannot be read: {error.strerror or error}.")
    with file:
        return hashlib.file_digest(file, "sha256").hexdigest()
