"""`gonogo attest FILE CHECK`: write down a person's statement for a manual check."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import click

from agent.cli.common import plan_of, project_file

_OPTIONS = {"holds": "--holds or --fails", "by": "--by", "note": "--note", "attachments": "--attach"}


@click.command()
@project_file
@click.argument("check")
@click.option("--holds/--fails", default=None, help="Whether what the check states is so.")
@click.option("--by", default="", metavar="NAME", help="Who states it.")
@click.option("--note", default="", metavar="TEXT", help="What else there is to say: how it was seen.")
@click.option(
    "--attach", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="A photo, protocol or screenshot; its SHA-256 is kept. Keep the file itself.",
)  # fmt: skip
def command(
    file: Path, check: str, by: str, note: str, attach: tuple[Path, ...], *, holds: bool | None
) -> None:
    """Write down that what a manual check states holds, or that it fails.

    It is kept with name, time and the hashes of the attachments, and counts from the next run on.
    """
    plan = plan_of(file)
    from agent.cli.decided import gates_of, left, look, refuse, store
    from agent.decide import Refused, draft_attestation
    from checks.safe import safe

    attachments, unreadable = _hashed(attach)
    try:
        statement = draft_attestation(
            plan, check, holds=holds, by=by, now=datetime.now(UTC), note=note, attachments=attachments
        )
    except Refused as refused:
        refuse(Refused(refused.problems | unreadable), _OPTIONS)
    if unreadable:
        refuse(Refused(unreadable), _OPTIONS)
    store(file, plan, statement)
    word = "holds" if holds else "does not hold"
    click.echo(
        f"Written down: {safe(statement.by)} says that it {word}: {safe(statement.statement)}", err=True
    )
    for name, digest in attachments:
        click.echo(f"  {safe(name)}  SHA-256 {digest}", err=True)
    view, _ = look(file)
    for item in view.picture.verdicts:
        if item.milestone.id in gates_of(view, check):
            still = left(view.picture, item)
            said = f"  {item.milestone.id}: {item.verdict.value}, as before{f' ({still})' if still else ''}"
            click.echo(safe(said), err=True)
    click.echo(f"It counts from the next run on: gonogo run {safe(str(file))} --only {check}", err=True)


def _hashed(paths: tuple[Path, ...]) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
    """Return the files' names with their SHA-256, and a problem that names those that cannot be read."""
    found: list[tuple[str, str]] = []
    wrong: list[str] = []
    for path in paths:
        try:
            with path.open("rb") as file:
                found.append((path.name, hashlib.file_digest(file, "sha256").hexdigest()))
        except OSError as error:
            wrong.append(f"The attachment {path} cannot be read: {error.strerror or error}.")
    return tuple(found), {"attachments": " ".join(wrong)} if wrong else {}
