"""A project with three runs, made an hour ago, for the commands that look back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from agent.cli import main
from agent.files.load import load_plan
from agent.plan import Plan
from checks.words import Finding, Measure, Status
from tests.tui.office import result, store_run, vantage, write_project

HOSTILE = "\x1b]52;c;aGk=\x07[red]a[/]\u202eb\x00\x9b2J"
"""A clipboard write, markup, reversed reading, NUL and a C1 control."""


def found(status: Status, observed: str, value: float | None = None, subject: str = "peer") -> Finding:
    measure = Measure(name="round trip", value=value, unit="ms", warn=100.0, fail=300.0, source="teams")
    return Finding(
        status=status, subject=subject, message="It is so.", expected="open", observed=observed,
        fix="" if status is Status.PASS else "Mend it.", measure=measure if value is not None else None,
    )  # fmt: skip


def project(folder: Path) -> tuple[Path, Plan]:
    """Return a project file and its plan, nothing run yet."""
    file = write_project(folder)
    return file, load_plan(file, cached=False)


def add_run(file: Path, plan: Plan, run: str, *results: Any, ago: float = 60, **rest: Any) -> None:
    """Store a run: results are (check, finding), begun `ago` minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=ago)
    made = [result(plan, check, at, *findings, run=run) for check, *findings in results]
    store_run(file, plan, run, at, made, seen_from=replace(vantage(), **rest.pop("seen", {})), **rest)


def gonogo(*args: object) -> Result:
    """Call the command line."""
    return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)
