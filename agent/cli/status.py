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
@click.option("--check", metavar="ID", help="All that is known of this check: evidence, fix, history.")
@click.option("--runs", is_flag=True, help="List the runs and baselines, the newest first.")
def command(
    file: Path,
    milestones: tuple[str, ...],
    check: str | None,
    *,
    as_json: bool,
    plain: bool,
    nagios: bool,
    everything: bool,
    runs: bool,
) -> None:
    """Say for each milestone whether it can go, from the newest results in the ledger.

    Results that are too old for the gate, of a changed definition, or missing, do not count.
    Exit code: 0 GO, 3 INCOMPLETE, 4 NO-GO (with --nagios: 0, 1, 2, 3; with --check: 0 it passes or is
    waived, 3 it is not proven, 4 it fails; with --runs: 0).
    """
    if as_json and nagios:
        usage("Choose one of --json and --nagios.")
    if check is not None or runs:
        if nagios or milestones or everything or (check is not None and runs):
            usage("--check and --runs go alone, or with --json or --plain.")
        from agent.cli import status_parts

        raise SystemExit(
            status_parts.show_check(file, check, as_json=as_json, plain=plain)
            if check is not None
            else status_parts.show_runs(file, as_json=as_json, plain=plain)
        )
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
