"""`gonogo lint`: every problem of a project file at once, or the schema an editor uses."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from agent.cli import EXIT_USAGE
from checks.safe import safe

MAX_SHOWN = 100


@click.command("lint", short_help="Find every problem in a project file.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--schema",
    type=click.Choice(["project", "profile"]),
    is_flag=False,
    flag_value="project",
    help="Print the JSON Schema of project files (or profile files) and end.",
)
def command(files: tuple[Path, ...], schema: str | None, *, as_json: bool) -> None:
    """Find every problem in FILES, project files or profile files, without running anything."""
    if schema:
        from agent.files import schema as schemas

        made = schemas.project_schema() if schema == "project" else schemas.profile_schema()
        sys.stdout.write(json.dumps(made, indent=2) + "\n")
        return
    if not files:
        raise click.UsageError("Name at least one project file.")
    reports = [_lint(path) for path in files]
    if as_json:
        sys.stdout.write(json.dumps({"files": reports}, indent=2) + "\n")
    else:
        for report in reports:
            _print(report)
    if any(report["problems"] for report in reports):
        raise SystemExit(EXIT_USAGE)


def _lint(path: Path) -> dict[str, Any]:
    from agent.files.load import Problems, load_plan

    try:
        if _is_profile(path):
            from profiles.profile import read_profile

            profile = read_profile(path, str(path))
            counts = {"checks": len(profile.file.checks), "milestones": len(profile.file.milestones)}
        else:
            plan = load_plan(path, cached=False)
            counts = {"checks": len(plan.checks), "milestones": len(plan.milestones)}
    except Problems as wrong:
        return {
            "file": str(path),
            "problems": [problem.as_json() for problem in wrong.problems],
            "text": list(map(str, wrong.problems)),
        }
    return {"file": str(path), "problems": [], **counts}


def _is_profile(path: Path) -> bool:
    """Return whether the file says it is a profile, in a line of its own near the top."""
    try:
        with path.open("rb") as file:
            head = file.read(16384)
    except (OSError, ValueError):
        return False
    return any(line.startswith(b"gonogo-profile:") for line in head.splitlines())


def _print(report: dict[str, Any]) -> None:
    name = safe(report["file"])
    text = report.pop("text", [])
    if not text:
        checks, milestones = _count(report["checks"], "check"), _count(report["milestones"], "milestone")
        click.echo(f"{name}: no problems: {checks} in {milestones}")
        return
    for problem in text[:MAX_SHOWN]:
        click.echo(problem, err=True)
    more = f", the first {MAX_SHOWN} are shown" if len(text) > MAX_SHOWN else ""
    click.echo(f"{name}: {_count(len(text), 'problem')}{more}", err=True)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
