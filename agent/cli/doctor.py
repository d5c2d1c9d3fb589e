"""`gonogo doctor`: what this laptop can and cannot test, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from dataclasses import asdict

import click

from agent.cli import EXIT_GO, EXIT_INCOMPLETE
from agent.cli.common import json_option, plain_option

_LABEL = 14
_INDENT = 9 + _LABEL + 1


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(20, width - _INDENT), break_on_hyphens=False)


def _summary(statuses: set[str]) -> str:
    if "fail" in statuses:
        return "What is marked FAIL keeps gonogo from working here; mend that first."
    if "warn" in statuses:
        return "What is marked WARN cannot be tested from here; all else can."
    return "Nothing on this laptop keeps a check from running."


@click.command()
@json_option
@plain_option
def command(*, as_json: bool, plain: bool) -> None:
    """Tell what this laptop can and cannot test: rights, tools, libraries, clock, terminal, folder.

    Works without a network. Exit code: 0, also with warnings; 3 if something is missing that it cannot do
    without.
    """
    from agent.doctor import examine
    from agent.report.style import SIGNS, style_for
    from checks.safe import safe

    found = asyncio.run(examine())
    if as_json:
        sys.stdout.write(json.dumps({"items": [asdict(item) for item in found]}, indent=2) + "\n")
    else:
        style = style_for(sys.stdout, plain=plain)
        for item in found:
            sign = style.paint(f"{SIGNS[item.status]:<8}", item.status)
            label = f"{item.name:<{_LABEL}} "
            lines = _wrapped(safe(item.observed, limit=400), style.width)
            lines += _wrapped(safe(item.fix, limit=400), style.width)
            sys.stdout.write(f"{sign} {label}" + f"\n{'':<{_INDENT}}".join(lines) + "\n")
        sys.stdout.write(f"\n{_summary({item.status for item in found})}\n")
    sys.exit(EXIT_INCOMPLETE if any(item.status == "fail" for item in found) else EXIT_GO)
