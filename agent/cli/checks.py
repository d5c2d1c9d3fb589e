"""`gonogo checks`: the check types by family, one line each."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import Any

import click

from checks import docs, registry
from checks.safe import safe


@click.command("checks", short_help="List the check types.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, as_json: bool) -> None:
    """List the check types, those of other installed distributions too."""
    types = [_row(name, foreign=False) for name in registry.names()]
    types += [_row(name, foreign=True) for name in registry.foreign_names()]
    if as_json:
        sys.stdout.write(json.dumps({"types": types}, indent=2) + "\n")
        return
    family = None
    for row in sorted(types, key=lambda row: (row["foreign"], "." in row["type"], row["type"])):
        if row["family"] != family:
            click.echo(("" if family is None else "\n") + row["family"])
            family = row["family"]
        click.echo(textwrap.fill(
            safe(row["claim"] or row["error"], limit=300), width=80,
            initial_indent=f"  {safe(row['type']):<22} ", subsequent_indent=" " * 25,
        ))  # fmt: skip
    click.echo("\n'gonogo explain TYPE' says what one proves, what it cannot, and its parameters.")


def _row(name: str, *, foreign: bool) -> dict[str, Any]:
    family = name.rpartition(".")[0] or "this laptop and people"
    row: dict[str, Any] = {"type": name, "family": family, "foreign": foreign, "claim": "", "error": ""}
    try:
        row["claim"] = docs.read(registry.load(name)).claim
    except Exception as error:  # noqa: BLE001 - one broken type must not hide the others
        row["error"] = f"cannot be loaded: {error}"
    return row
