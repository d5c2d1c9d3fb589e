"""The runs as a person reads them, the newest first, each with what became of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from agent.plan import Plan
from agent.report.style import Style
from agent.report.text import when
from agent.runs import PastRun, Runs, in_words
from agent.verdict import Standing
from checks.safe import safe


def runs_report(plan: Plan, runs: Runs, counts: Mapping[str, Mapping[Standing, int]], style: Style) -> str:
    """Return the list; `counts` are those of each run listed."""
    lines: list[str] = []
    for item in runs.runs:
        lines += _run(plan, item, counts[item.run.id], style)
    if not runs.runs:
        lines.append("Nothing was run yet: 'gonogo run' does.")
    if runs.total > len(runs.runs):
        lines.append(f"These are the newest {len(runs.runs)} of {runs.total} runs.")
    zone = plan.project.timezone
    for name in runs.baselines:
        lines += _wrapped(
            f"baseline {name.name}: run {name.run}, named by {name.by} on {when(name.at, zone)}", style, ""
        )
    return "\n".join(lines) + "\n"


def _run(plan: Plan, item: PastRun, counts: Mapping[Standing, int], style: Style) -> Iterator[str]:
    run = item.run
    began = when(run.started, plan.project.timezone)
    became = style.paint(item.became, "" if item.became == "finished" else "inconclusive")
    yield f"{style.paint(safe(run.id, limit=80), 'bold')}  {began}  {became}"
    tested = len(run.selected) - counts[Standing.NOT_RUN]
    yield from _wrapped(
        f"from {run.vantage.name}: {tested} of {len(run.selected)} checks tested", style, "  "
    )
    yield from _wrapped(in_words(counts), style, "  ")
    for name in item.baselines:
        yield from _wrapped(f"baseline {name}", style, "  ")


def _wrapped(text: str, style: Style, indent: str) -> list[str]:
    return textwrap.wrap(
        safe(text, limit=600), style.width, initial_indent=indent, subsequent_indent=indent + "  "
    )
