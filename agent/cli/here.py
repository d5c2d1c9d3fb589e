"""`gonogo here`: what this laptop's network is, and whether it is fit for work."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from datetime import UTC, datetime
from typing import Any

import click

from agent.cli.common import EXITS, json_option, plain_option, usage


def _form(parse: str) -> Any:
    """Return a click callback that reads an option by a parser of `checks.params`."""

    def read(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
        if value is None:
            return None
        from checks import params

        try:
            read_value: str = getattr(params, parse)(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        return read_value

    return read


@click.command()
@click.option("--name", metavar="NAME", callback=_form("parse_domain"),
              help="Host name that the DNS servers must know; one of this office's, say.")  # fmt: skip
@click.option("--probe-url", metavar="URL", callback=_form("parse_url"),
              help="Page that must be reached as it is, instead of the public ones.")  # fmt: skip
@click.option("--probe-text", metavar="TEXT", help="What that page says; without it, nothing (204).")
@click.option("--host", metavar="HOST", callback=_form("parse_host"),
              help="Host on the internet that answers echoes, for the path MTU.")  # fmt: skip
@click.option("--time-server", metavar="SERVER", callback=_form("parse_endpoint"),
              help="NTP server that this laptop's clock is compared with.")  # fmt: skip
@json_option
@plain_option
def command(
    name: str | None,
    probe_url: str | None,
    probe_text: str | None,
    host: str | None,
    time_server: str | None,
    *,
    as_json: bool,
    plain: bool,
) -> None:
    """Tell what this laptop's network is and whether it is fit for work; needs no file and no root.

    Unless told otherwise it asks public servers of Google, Microsoft, Apple, GNOME and Cloudflare, as
    operating systems do. Nothing is stored. Exit code: 0 GO, 3 INCOMPLETE, 4 NO-GO.
    """
    if probe_text is not None and probe_url is None:
        usage("--probe-text is what the page of --probe-url says: give both.")
    if probe_url is not None and not probe_url.startswith("http://"):
        usage("--probe-url must begin with http://, because no portal can answer an https page.")
    from agent.here import ECHO_HOST, PROBE_NAME, TIME_SERVER, Probes, plan_here, portrait
    from agent.ledger.store import Ledger
    from agent.report.style import style_for
    from agent.running import run_and_judge
    from checks.local.facts import read_now

    probes = Probes(
        url=probe_url,
        text=probe_text,
        name=name or PROBE_NAME,
        time_server=time_server or TIME_SERVER,
        host=host or ECHO_HOST,
    )
    laptop = asyncio.run(read_now())
    plan = plan_here(laptop, probes)
    with Ledger.in_memory() as ledger:
        picture = run_and_judge(
            plan, ledger, now=lambda: datetime.now(UTC), sinks=_sinks(plain=plain, as_json=as_json)
        )
    if as_json:
        from agent.report.as_json import as_json as to_json
        from checks import jsonable

        data = {**to_json(picture), "network": jsonable.to_json(laptop)}
        sys.stdout.write(json.dumps(data, indent=2) + "\n")
    else:
        from agent.report.text import report
        from checks.safe import safe

        style = style_for(sys.stdout, plain=plain)
        for label, text in portrait(laptop, picture):
            lines = textwrap.wrap(safe(text, limit=300), style.width - 11, break_on_hyphens=False)
            said = f"\n{'':<11}".join(lines)
            sys.stdout.write(f"{style.paint(f'{label:<10}', 'dim')} {said}\n")
        sys.stdout.write("\n" + report(picture, style))
    raise SystemExit(EXITS[picture.verdict])


def _sinks(*, plain: bool, as_json: bool) -> list[Any]:
    from agent.report.live import ProgressLine
    from agent.report.style import style_for

    if sys.stderr.isatty() and not plain and not as_json:
        return [ProgressLine(sys.stderr, style_for(sys.stderr))]
    return []
