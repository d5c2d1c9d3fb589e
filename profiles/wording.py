"""What pydantic finds wrong, said in plain sentences with the place in the file."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from profiles.problems import Path, Problem, did_you_mean, show

T = TypeVar("T")
Report = Callable[..., Problem]
"""`Document.problem`, or something with the same signature."""

_EXTRA = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_MISSING = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping",
    "dataclass_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "mapping_type": "a mapping",
}


@functools.cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the validator of a model or check class, built once."""
    return TypeAdapter(kind)


def validate(kind: type[T], value: Any) -> tuple[T | None, list[tuple[Path, str, str, bool]]]:
    """Return `value` as a `kind`, or None and what is wrong: (path, message, hint, whether the key is meant).

    Validated as JSON, where a list is what a tuple is written as. An exception that is not about the value
    (a check class with a defect) is passed on.
    """
    untyped: Any = kind
    try:
        made: T = adapter(untyped).validate_json(json.dumps(value))
    except ValidationError as error:
        found = [_in_words(item, kind, value) for item in error.errors(include_url=False)]
        return None, _one_per_place(found)
    return made, []


def report(
    found: Iterable[tuple[Path, str, str, bool]], at: Path, problem: Report
) -> list[Problem]:  # fmt: skip
    """Return what `validate` found as problems below the path `at`."""
    return [problem((*at, *path), message, hint, key=key) for path, message, hint, key in found]


def _one_per_place(found: list[tuple[Path, str, str, bool]]) -> list[tuple[Path, str, str, bool]]:
    """Join what a union's branches say about one value."""
    merged: dict[Path, tuple[Path, str, str, bool]] = {}
    for path, message, hint, key in found:
        first = merged.get(path)
        if first is None:
            merged[path] = (path, message, hint, key)
        elif message not in first[1]:
            merged[path] = (path, f"{first[1].rstrip('.')}; or else: {message}", first[2] or hint, first[3])
    return list(merged.values())


def _in_words(error: Any, kind: Any, value: Any) -> tuple[Path, str, str, bool]:
    what, loc, ctx = error["type"], tuple(error["loc"]), error.get("ctx") or {}
    given = error.get("input")
    if what in _EXTRA:
        path = _follow(value, loc[:-1])
        known = _known_keys(kind, path)
        name = str(loc[-1])
        return (*path, name), "There is no such key here.", did_you_mean(name, known), True
    if what in _MISSING:
        return _follow(value, loc[:-1]), f"The key '{loc[-1]}' is missing.", "", True
    path = _follow(value, loc)
    is_key = loc[-1:] == ("[key]",)
    if what in _EXPECTED:
        quotes = what == "string_type" and isinstance(given, (int, float))
        article = "Nothing is written here; " if given is None else ""
        keys = _known_keys(kind, path) if what == "dataclass_type" else []
        wanted = f"a mapping with {', '.join(keys)}" if keys else _EXPECTED[what]
        said = f"{wanted} is expected" + ("." if given is None else f", not {show(given)}.")
        said = article + said if article else said[0].upper() + said[1:]
        return path, said, "put it in quotes" if quotes else "", False
    if what in ("literal_error", "enum"):
        allowed = [part.strip("'") for part in str(ctx.get("expected", "")).replace(" or ", ", ").split(", ")]
        return (
            path,
            f"It must be {ctx.get('expected')}, not {show(given)}.",
            did_you_mean(given, allowed),
            False,
        )
    if what in ("too_short", "string_too_short"):
        return (
            path,
            f"At least {ctx.get('min_length')} must be given here; nothing would be asserted.",
            "",
            False,
        )
    if what in ("too_long", "string_too_long"):
        return path, f"At most {ctx.get('max_length')} may be given here.", "", False
    if what in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
        limit = next((f"{text} {ctx[name]}" for name, text in words.items() if name in ctx), "within limits")
        return path, f"The number must be {limit}, not {show(given)}.", "", False
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return path, message if message.endswith((".", "?", "!")) else f"{message}.", "", is_key


def _follow(value: Any, loc: tuple[Any, ...]) -> Path:
    """Return the part of pydantic's location that leads through the value; union tags lead nowhere."""
    path: Path = ()
    for part in loc:
        if (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        ):
            value = value[part]
            path = (*path, part)
    return path


def _known_keys(kind: Any, path: Path) -> list[str]:
    """Return the keys that may stand in the mapping at `path` of a `kind`."""
    schema = adapter(kind).json_schema()
    definitions = schema.get("$defs", {})
    nodes = _resolved(schema, definitions)
    for part in path:
        below: list[Mapping[str, Any]] = []
        for node in nodes:
            if isinstance(part, int):
                step = node.get("items")
            else:
                others = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
                step = node.get("properties", {}).get(part, others[0])
            if isinstance(step, dict):
                below += _resolved(step, definitions)
        nodes = below
    return [key for node in nodes for key in node.get("properties", {})]


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return [node for branch in branches for node in _resolved(branch, definitions)]
    return [schema]
