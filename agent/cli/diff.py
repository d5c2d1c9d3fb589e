"""`gonogo diff FILE [BEFORE] [AFTER]`: what changed between two runs, or since one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli import EXIT_GO, EXIT_INCOMPLETE, EXIT_NO_GO
from agent.cli.common import json_option, plain_option, plan_of, project_file, usage

if TYPE_CHECKING:
    from agent.diff import Diff


@click.command()
@project_file
@click.argument("before", required=False)
@click.argument("after", required=False)
@json_option
@plain_option
@click.option(
    "--all", "everything", is_flag=True, help="List what is the same and what was not compared, too."
)
def command(
    file: Path, before: str | None, after: str | None, *, as_json: bool, plain: bool, everything: bool
) -> None:
    """Compare two runs, regressions first.

    BEFORE and AFTER are each a run's id or the start of one, a baseline's name, 'last' (the newest run) or
    'now' (the newest result of each check). Without AFTER it is 'now'; without BEFORE it is the run before
    the last one that tested something of the same.

    Exit code: 0 nothing got worse, 3 something is no longer proven (or nothing could be compared), 4
    something got worse. It does not say whether you can go: 'gonogo status' does.
    """
    plan = plan_of(file)
    from agent.diff import NOW, NoSuchSide, compare, previous, side
    from agent.running import open_ledger

    try:
        with open_ledger(file, plan, read_only=True) as ledger:
            left = side(ledger, before if before is not None else previous(ledger))
            diff = compare(plan, left, side(ledger, after if after is not None else NOW))
    except NoSuchSide as error:
        usage(str(error))
    if as_json:
        from agent.report.diff_text import diff_json

        sys.stdout.write(json.dumps(diff_json(diff), indent=2) + "\n")
    else:
        from agent.report.diff_text import diff_report
        from agent.report.style import style_for

        sys.stdout.write(diff_report(plan, diff, style_for(sys.stdout, plain=plain), everything=everything))
    raise SystemExit(exit_code(diff))


def exit_code(diff: Diff) -> int:
    """Return 4 if something got worse, 3 if something is no longer proven or nothing was compared, else 0."""
    from agent.diff import Kind

    kinds = {change.kind for change in diff.changes}
    if kinds & {Kind.REGRESSION, Kind.WORSE}:
        return EXIT_NO_GO
    return EXIT_INCOMPLETE if Kind.UNPROVEN in kinds or not diff.compared else EXIT_GO
