"""The types of a profile's parameters: `host`, `[host]`, `{name: text, address: host}` and lists of those.

A key that ends with `?` may be left out: `{name: text, port?: port}`. `any` is for what only the check that
it is for can judge; what is wrong with it is told at the place in the project file all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checks import params
from profiles.problems import Path, did_you_mean, show

Kind = str | list[Any] | dict[str, Any]
Wrong = list[tuple[Path, str, str]]
"""What is wrong with a value: path below the parameter, message, hint."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"Text is expected, not {show(value)}; put it in quotes.")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"It must be true or false, not {show(value)}.")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"A whole number is expected, not {show(value)}.")
    return value


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"A number is expected, not {show(value)}.")
    return value


def _as_written(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Check by `parse` and keep what was written, so that a title shows `20s` and not `20.0`."""

    def keep(value: Any) -> Any:
        parse(value)
        return value

    return keep


def _duration(value: Any) -> Any:
    """Check a duration; a bare number is written with its unit, so that it can stand in a text, too."""
    seconds = params.parse_duration(value)
    return value if isinstance(value, str) else f"{seconds:g}s"


SCALARS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "duration": _duration,
    "percent": _as_written(params.parse_percent),
    "address": params.parse_address,
    "host": params.parse_host,
    "network": params.parse_network,
    "endpoint": params.parse_endpoint,
    "resolver": params.parse_resolver,
    "name server": params.parse_name_server,
    "port": params.parse_port,
    "url": params.parse_url,
    "domain": params.parse_domain,
    "secret": params.parse_secret,
    "mac": params.parse_mac,
    "any": lambda value: value,
}


def check_kind(kind: Any) -> Wrong:
    """Return what is wrong with a type as a profile writes it."""
    if isinstance(kind, str):
        if kind in SCALARS:
            return []
        return [((), f"There is no parameter type {show(kind)}.", did_you_mean(kind, SCALARS))]
    if isinstance(kind, list) and len(kind) == 1:
        return [((0, *path), message, hint) for path, message, hint in check_kind(kind[0])]
    if isinstance(kind, dict) and kind:
        names = [_key(name) for name in kind]
        twice = [name for name in names if names.count(name) > 1]
        return [((name,), "The key is there twice, with '?' and without.", "") for name in twice[:1]] + [
            ((name, *path), message, hint)
            for name, item in kind.items()
            for path, message, hint in check_kind(item)
        ]
    return [((), "A type is a name like host, a list like [host], or a mapping like {name: text}.", "")]


def convert(kind: Kind, value: Any) -> tuple[Any, Wrong]:
    """Return `value` in the form of `kind`, with what is wrong with it."""
    if isinstance(kind, str):
        if value is None:
            return None, [((), f"Nothing is written here; {describe(kind)} is expected.", "")]
        try:
            return SCALARS[kind](value), []
        except (ValueError, OverflowError) as error:
            return None, [((), str(error), "")]
    if isinstance(kind, list):
        if not isinstance(value, list):
            return None, [((), f"{describe(kind).capitalize()} is expected, not {show(value)}.", "")]
        made = [convert(kind[0], item) for item in value]
        wrong = [((i, *path), text, hint) for i, (_, found) in enumerate(made) for path, text, hint in found]
        return [item for item, _ in made], wrong
    return _record(kind, value)


def _record(kind: dict[str, Any], value: Any) -> tuple[Any, Wrong]:
    if not isinstance(value, dict):
        return None, [((), f"{describe(kind).capitalize()} is expected, not {show(value)}.", "")]
    keys = {_key(name): item for name, item in kind.items()}
    wrong: Wrong = [
        ((name,), "There is no such key here.", did_you_mean(name, keys))
        for name in value
        if name not in keys
    ]
    record: dict[str, Any] = {}
    for name, item in keys.items():
        if name not in value and name not in kind:
            record[name] = None
            continue
        if name not in value:
            wrong.append(((), f"The key '{name}' is missing.", ""))
            continue
        record[name], found = convert(item, value[name])
        wrong += [((name, *path), message, hint) for path, message, hint in found]
    return record, wrong


def _key(name: str) -> str:
    """Return a record's key as a project file writes it."""
    return name.removesuffix("?")


def describe(kind: Kind) -> str:
    """Return a type in words: `a host`, `a list of hosts`, `a mapping with name (text), address (host)`."""
    if isinstance(kind, str):
        if kind in ("text", "any"):
            return {"any": "as the check takes it"}.get(kind, kind)
        return f"{'an' if kind[0] in 'aei' else 'a'} {kind if kind != 'boolean' else 'true or false'}"
    if isinstance(kind, list):
        inner = kind[0]
        if inner == "any":
            return "a list"
        return (
            f"a list of {inner}{'es' if inner.endswith('s') else 's'}"
            if isinstance(inner, str)
            else f"a list, each {describe(inner)}"
        )
    must = [f"{name} ({_brief(item)})" for name, item in kind.items() if not name.endswith("?")]
    may = [f"{_key(name)} ({_brief(item)})" for name, item in kind.items() if name.endswith("?")]
    parts = [*([", ".join(must)] if must else []), *([f"perhaps {', '.join(may)}"] if may else [])]
    return f"a mapping with {' and '.join(parts)}"


def _brief(kind: Kind) -> str:
    """Return a type within a record in a word or two."""
    if isinstance(kind, list):
        return "list" if kind[0] == "any" or not isinstance(kind[0], str) else f"list of {kind[0]}"
    return kind if isinstance(kind, str) else "mapping"
