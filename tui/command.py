"""`gonogo dashboard FILE`: the dashboard in this terminal, or in a browser."""

from __future__ import annotations

import gc
from pathlib import Path

import click

from agent.cli.common import plan_of, project_file, usage


@click.command()
@project_file
@click.option("--read-only", is_flag=True, help="Only show: start no run, write nothing.")
@click.option("--web", is_flag=True, help="In a browser on this machine: prints its address; only shows.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port for --web: 8765 if free; 0 takes any.")
def command(file: Path, *, read_only: bool, web: bool, port: int | None) -> None:
    """Show go/no-go per milestone, what blocks it, and runs as they happen."""
    if port is not None and not web:
        usage("--port is the port of the web server: it needs --web.")
    from agent.engine.loop import SELDOM

    gc.set_threshold(
        *SELDOM
    )  # a plan of thousands of checks is no garbage: a sixth of the time to the first screen
    plan = plan_of(file)
    from tui.start import settings, start

    config = settings()
    if web:
        from tui.web.serve import PortTaken, serve

        try:
            serve(file, plan.project.name, port)
        except PortTaken as taken:
            usage(str(taken))
        return
    raise SystemExit(start(file, plan, config, read_only=read_only))
