"""`gonogo baseline FILE [NAME]`: give a run a name to compare with, or list the names."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from agent.cli.common import json_option, plan_of, project_file, usage

_OPTIONS = {"name": "NAME", "run": "--run", "by": "--by"}


@click.command()
@project_file
@click.argument("name", required=False)
@click.option(
    "--run", metavar="RUN", help="Id of the run, or its start; the last run if it is not given."
)  # fmt: skip
@click.option("--by", metavar="NAME", help="Who names it.")
@json_option
def command(file: Path, name: str | None, run: str | None, by: str | None, *, as_json: bool) -> None:
    """Give a run a NAME, to compare others with: handover, old-office, before-the-change.

    Without NAME it lists the baselines. A name that is given again stands for the new run from then on.
    """
    plan = plan_of(file)
    if name is None:
        if run is not None or by is not None:
            usage('Say which name the run is to have: gonogo baseline FILE NAME --by "Ann Example".')
        _list(file, as_json=as_json)
        return
    if as_json:
        usage("--json lists the baselines and goes without a name.")
    from agent.decide import Refused
    from agent.report.text import when
    from agent.running import open_ledger
    from agent.runs import counting, draft_baseline, partial
    from checks.safe import safe

    with open_ledger(file, plan) as ledger:
        try:
            baseline = draft_baseline(
                ledger, name=name, run=run if run is not None else "last", by=by or "", now=datetime.now(UTC)
            )
        except Refused as refused:
            usage("\n".join(f"{_OPTIONS[field]}: {said}" for field, said in refused.problems.items()))
        before = counting(ledger.baselines()).get(baseline.name)
        ledger.add(baseline)
        named, missing = ledger.run(baseline.run), partial(ledger, baseline.run)
    began = f" of {when(named.started, plan.project.timezone)}" if named is not None else ""
    said = [f"Written down: {baseline.name} is the run {baseline.run}{began}, says {baseline.by}."]
    if before is not None:
        said.append(f"The name stood for the run {before.run} until now; that is kept, and counts no more.")
    if missing:
        said.append(missing)
    said.append(f"Compare with it: gonogo diff {file} {baseline.name}")
    for line in said:
        click.echo(safe(line), err=True)


def _list(file: Path, *, as_json: bool) -> None:
    from agent.report.text import when
    from agent.running import open_ledger
    from agent.runs import counting
    from checks.safe import safe
    from checks.words import rfc3339

    plan = plan_of(file)
    with open_ledger(file, plan, read_only=True) as ledger:
        found = [(item, ledger.run(item.run)) for item in reversed(counting(ledger.baselines()).values())]
    if as_json:
        data = [
            {
                "name": item.name, "run": item.run, "by": item.by, "at": rfc3339(item.at),
                "started": rfc3339(run.started) if run is not None else None,
            }
            for item, run in found
        ]  # fmt: skip
        sys.stdout.write(json.dumps({"baselines": data}, indent=2) + "\n")
        return
    zone = plan.project.timezone
    for item, run in found:
        began = f" of {when(run.started, zone)}" if run is not None else ""
        click.echo(safe(f"{item.name}  run {item.run}{began}, named by {item.by} on {when(item.at, zone)}"))
    if not found:
        click.echo('There is no baseline yet: gonogo baseline FILE NAME --by "Ann Example" names one.')
