"""What several commands share: loading a plan, printing a picture, ending with its code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NoReturn

import click

from agent.cli import EXIT_GO, EXIT_INCOMPLETE, EXIT_NO_GO, EXIT_USAGE
from agent.plan import Plan
from agent.report.picture import Picture
from agent.report.style import style_for
from agent.verdict import Verdict

EXITS = {
    Verdict.GO: EXIT_GO,
    Verdict.GO_WITH_WAIVERS: EXIT_GO,
    Verdict.INCOMPLETE: EXIT_INCOMPLETE,
    Verdict.NO_GO: EXIT_NO_GO,
}

project_file = click.argument("file", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
plain_option = click.option("--plain", is_flag=True, help="No colour, no line that rewrites itself.")


def usage(message: str) -> NoReturn:
    """End with exit code 2 and `message`, a full sentence, on stderr."""
    from checks.safe import safe

    click.echo(safe(message, lines=True, limit=20000), err=True)
    raise SystemExit(EXIT_USAGE)


def plan_of(path: Path) -> Plan:
    """Return the plan of a project file, or end with all its problems and exit code 2."""
    from agent.files.load import Problems, load_plan

    if path.is_dir():
        usage(f"{path} is a folder: name the project file in it.")
    if not path.exists():
        usage(f"There is no project file {path}. 'gonogo init office-move' writes one.")
    try:
        return load_plan(path)
    except Problems as problems:
        usage(str(problems))


def show(picture: Picture, *, as_json: bool = False, plain: bool = False, everything: bool = False) -> None:
    """Print the picture to stdout as JSON or as text."""
    if as_json:
        from agent.report.as_json import as_json as to_json

        sys.stdout.write(json.dumps(to_json(picture), indent=2) + "\n")
    else:
        from agent.report.text import report

        sys.stdout.write(report(picture, style_for(sys.stdout, plain=plain), everything=everything))
