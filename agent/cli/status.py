"""`gonogo status FILE`: the verdicts as the ledger has them, without running anything."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from agent.cli.common import EXITS, json_option, plain_option, plan_of, project_file, show, usage


@click.command()
@project_file
@click.option("--milestone", "-m", "milestones", multiple=True, metavar="ID", help="Only this milestone.")
@json_option
@plain_option
@click.option("--nagios", is_flag=True, help="Print one line with perfdata and exit with 0, 1, 2 or 3.")
@click.option("--all", "everything", is_flag=True, help="List the checks that passed, too.")
def command(
    file: Path, milestones: tuple[str, ...], *, as_json: bool, plain: bool, nagios: bool, everything: bool
) -> None:
    """Say for each milestone whether it can go, from the newest results in the ledger.

    Results that are too old for the gate, of a changed definition, or missing, do not count.
    Exit code: 0 GO, 3 INCOMPLETE, 4 NO-GO (with --nagios: 0, 1, 2, 3).
    """
    if as_json and nagios:
        usage("Choose one of --json and --nagios.")
    plan = plan_of(file)
    from agent.running import NothingSelected, open_ledger, stand

    try:
        with open_ledger(file, plan, read_only=True) as ledger:
            picture = stand(plan, ledger, now=datetime.now(UTC), milestones=milestones, full=as_json)
    except NothingSelected as error:
        usage(str(error))
    if nagios:
        from agent.report.nagios import nagios_line

        line, code = nagios_line(picture)
        click.echo(line)
        raise SystemExit(code)
    show(picture, as_json=as_json, plain=plain, everything=everything)
    raise SystemExit(EXITS[picture.verdict])
