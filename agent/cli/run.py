"""`gonogo run FILE`: run the checks, then say for each milestone whether it can go."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from agent.cli.common import EXITS, json_option, plain_option, plan_of, project_file, show, usage

if TYPE_CHECKING:
    from agent.engine.events import Sink

MAX_IDS = 10_000_000
"""Bytes of ids that standard input may name."""


@click.command()
@project_file
@click.option(
    "--milestone", "-m", "milestones", multiple=True, metavar="ID", help="Only this milestone's gate."
)
@click.option(
    "--only", multiple=True, metavar="GLOB",
    help="Only checks whose id matches; the rest reads as not run. With - ids come from standard input, one "
    "a line.",
)  # fmt: skip
@json_option
@click.option("--jsonl", is_flag=True, help="Print one JSON object per event while the run goes on.")
@plain_option
@click.option("--nagios", is_flag=True, help="Print one line with perfdata and exit with 0, 1, 2 or 3.")
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also write JUnit XML to this file."
)
@click.option("--all", "everything", is_flag=True, help="List the checks that passed, too.")
@click.option(
    "--vantage", metavar="NAME", help="Name of this place for the gates; the host's name if not given."
)
def command(
    file: Path,
    milestones: tuple[str, ...],
    only: tuple[str, ...],
    junit: Path | None,
    vantage: str | None,
    *,
    as_json: bool,
    jsonl: bool,
    plain: bool,
    nagios: bool,
    everything: bool,
) -> None:
    """Run the checks of a project and say for each milestone whether it can go.

    Exit code: 0 GO, 3 INCOMPLETE, 4 NO-GO (with --nagios: 0, 1, 2, 3).
    """
    if as_json + jsonl + nagios > 1:
        usage("Choose one of --json, --jsonl and --nagios; --junit can be added to each.")
    ids = None
    if "-" in only:
        if len(only) > 1:
            usage("Give either --only - or globs: with - all ids come from standard input.")
        only, ids = (), _ids_from(sys.stdin.buffer)
    plan = plan_of(file)
    from agent.running import NothingSelected, open_ledger, run_and_judge

    try:
        with open_ledger(file, plan) as ledger:
            picture = run_and_judge(
                plan, ledger, milestones=milestones, only=only, ids=ids, vantage=vantage,
                sinks=_sinks(jsonl=jsonl, plain=plain),
                now=lambda: datetime.now(UTC),
            )  # fmt: skip
    except NothingSelected as error:
        usage(str(error))
    code = EXITS[picture.verdict]
    if nagios:
        from agent.report.nagios import nagios_line

        line, code = nagios_line(picture)
        sys.stdout.write(line + "\n")
    elif not jsonl:
        show(picture, as_json=as_json, plain=plain, everything=everything)
    if junit is not None:
        from agent.report.junit import write_junit

        try:
            write_junit(picture, junit)
        except OSError as error:
            click.echo(f"The JUnit file {junit} cannot be written ({error.strerror}).", err=True)
            code = code or 1
    raise SystemExit(code)


def _ids_from(stream: BinaryIO) -> list[str]:
    """Return the ids that a stream names, one a line; not ids yet is for `select` to say."""
    data = stream.read(MAX_IDS + 1)
    if len(data) > MAX_IDS:
        usage(f"Standard input is larger than {MAX_IDS // 1_000_000} MB: name one check's id a line there.")
    lines = data.decode("utf-8", "replace").split("\n")
    return [name for line in lines if (name := line.strip())]


def _sinks(*, jsonl: bool, plain: bool) -> list[Sink]:
    rewriting = sys.stderr.isatty() and not plain
    if not (jsonl or plain or rewriting):
        return []
    from agent.report.live import JsonLines, PlainLines, ProgressLine
    from agent.report.style import style_for

    if jsonl:
        return [JsonLines(sys.stdout)]
    return [ProgressLine(sys.stderr, style_for(sys.stderr)) if rewriting else PlainLines(sys.stderr)]
