"""`gonogo dashboard FILE`: the dashboard in this terminal, or in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.common import plan_of, project_file


@click.command()
@project_file
@click.option("--read-only", is_flag=True, help="Only show: start no run, write nothing.")
def command(file: Path, *, read_only: bool) -> None:
    """Show go/no-go per milestone, what blocks it, and runs as they happen."""
    plan = plan_of(file)
    from tui.app import Dashboard

    Dashboard(file, plan, read_only=read_only).run()
