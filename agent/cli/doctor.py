"""`gonogo doctor`: what this laptop can and cannot test, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict

import click

from agent.cli import EXIT_GO, EXIT_INCOMPLETE
from agent.cli.common import json_option, plain_option


@click.command()
@json_option
@plain_option
def command(*, as_json: bool, plain: bool) -> None:
    """Tell what this laptop can and cannot test: rights, tools, libraries, clock, terminal, folder.

    Works without a network. Exit code: 0 if every check can run, 3 if something needed is missing.
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
            sys.stdout.write(f"{sign} {item.name:<16} {safe(item.observed, limit=200)}\n")
            if item.fix:
                sys.stdout.write(f"{'':<25} {safe(item.fix, limit=400)}\n")
    sys.exit(EXIT_INCOMPLETE if any(item.status == "fail" for item in found) else EXIT_GO)
