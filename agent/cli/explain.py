"""`gonogo explain`: what a check type proves, what it cannot, its parameters and an example."""

from __future__ import annotations

import dataclasses
import json
import sys
import textwrap
from collections.abc import Sequence

import click

from agent.cli import EXIT_USAGE
from checks import docs, registry
from checks.safe import safe

WIDTH = 80
_MANY_SHARED = 4
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


@click.command("explain", short_help="What a check type proves, and how it is written.")
@click.argument("type_name", metavar="TYPE")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(type_name: str, *, as_json: bool) -> None:
    """Say what the check type TYPE proves, what it cannot, what to do, its parameters, and an example."""
    try:
        doc = docs.read(registry.load(type_name))
    except Exception as error:  # noqa: BLE001 - a module of somebody else may fail in any way
        said = str(error) if isinstance(error, (registry.UnknownType, registry.BrokenType)) else repr(error)
        click.echo(safe(said), err=True)
        raise SystemExit(EXIT_USAGE) from None
    if as_json:
        sys.stdout.write(json.dumps(dataclasses.asdict(doc), indent=2) + "\n")
        return
    click.echo(safe(text(doc), limit=100_000, lines=True))


def text(doc: docs.TypeDoc) -> str:
    """Return the documentation of a type for an 80-column terminal."""
    blocks = [f"{doc.type}: {doc.claim}"]
    if doc.text:
        blocks.append(_paragraphs(doc.text))
    said = (("Proves", doc.proves), ("Cannot prove", doc.cannot_prove), ("If it fails", doc.if_it_fails))
    for head, body in said:
        if body:
            blocks.append(_wrap(f"{head}: {body}", "  "))
    blocks += _parameters(doc.fields)
    if doc.example:
        blocks.append("Example:\n" + textwrap.indent(doc.example, "  "))
    if doc.source:
        blocks.append(_wrap(f"Source: {doc.source}", "  "))
    blocks[0] = _wrap(blocks[0], "  ")
    return "\n\n".join(blocks)


def _parameters(fields: Sequence[docs.FieldDoc]) -> list[str]:
    """Return the parameters, those last that many types of a family have and that can be left out."""
    apart = [field for field in fields if field.shared and not field.required]
    apart = apart if len(apart) >= _MANY_SHARED else []
    own = [field for field in fields if field not in apart]
    keys = (
        "\n  In braces: keys of a mapping; one with ? may be left out."
        if any("?" in one.type for one in fields)
        else ""
    )
    blocks = ["Parameters:\n" + ("\n".join(map(_field, own)) or "  none") + keys]
    if apart:
        blocks.append("Parameters that others of its family have, too:\n" + "\n".join(map(_field, apart)))
    return blocks


def _field(field: docs.FieldDoc) -> str:
    if field.required:
        need = "required"
    elif field.default is None:
        need = "optional"
    else:
        need = f"default {_default(field)}"
    head = _wrap(f"{field.name}: {field.type}; {need}", "      ", first="  ")
    return head + (f"\n{_wrap(field.text, '      ', first='      ')}" if field.text else "")


def _default(field: docs.FieldDoc) -> str:
    """Write a default as it would stand in a project file."""
    value = field.default
    if field.type == "duration" and isinstance(value, (int, float)):
        size, unit = next((pair for pair in _UNITS if value >= pair[0] and value % pair[0] == 0), (1, "s"))
        return f"{value / size:g}{unit}"
    if isinstance(value, float):
        return f"{value:g}" + "%" * (field.type == "percent")
    return json.dumps(value, ensure_ascii=False)


def _wrap(text: str, indent: str, first: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()), WIDTH, initial_indent=first, subsequent_indent=indent,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def _paragraphs(text: str) -> str:
    return "\n\n".join(_wrap(part, "") for part in text.split("\n\n"))
