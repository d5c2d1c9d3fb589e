"""What a check type says about itself: the sections of its docstring and the documentation of its fields."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import re
import textwrap
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from checks import jsonable, params
from checks.contract import Check
from checks.dataclass import dataclass

SECTIONS = ("Proves", "Cannot prove", "If it fails", "Source", "Example")
_HEAD = re.compile(rf"^({'|'.join(SECTIONS)}):[ \t]*", re.MULTILINE)
_FORMS: Mapping[int, str] = {
    id(get_args(kind)[1]): name
    for name, kind in vars(params).items()
    if get_origin(kind) is Annotated and isinstance(get_args(kind)[1], params.Form)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDoc:
    """One parameter: its type in words, whether it must be given, its default as JSON, and what it means."""

    name: str
    type: str
    required: bool
    default: Any
    text: str
    shared: bool = False
    """Whether a base class gives it to other types, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDoc:
    """A check type's own words."""

    type: str
    claim: str
    text: str
    """What stands between the claim and the first section."""
    proves: str
    cannot_prove: str
    if_it_fails: str
    source: str
    example: str
    """YAML."""
    fields: tuple[FieldDoc, ...]


def read(kind: type[Check[Any]]) -> TypeDoc:
    """Return what the class `kind` documents; a section that is missing is empty."""
    doc = inspect.cleandoc(kind.__doc__ or "")
    parts = _HEAD.split(doc)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    claim, _, text = parts[0].partition("\n")
    prose = {name: " ".join(sections.get(name, "").split()) for name in SECTIONS[:4]}
    return TypeDoc(
        type=kind.type,
        claim=claim.strip(),
        text=text.strip(),
        proves=prose["Proves"],
        cannot_prove=prose["Cannot prove"],
        if_it_fails=prose["If it fails"],
        source=prose["Source"],
        example=textwrap.dedent(sections.get("Example", "").lstrip("\n")).strip(),
        fields=_fields(kind),
    )


def field_texts(kind: type) -> dict[str, str]:
    """Return the string that follows each annotated field in the class's source, base classes first."""
    texts: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base is object or not dataclasses.is_dataclass(base):
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):
            continue
        body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else []
        for field, after in itertools.pairwise(body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                texts[field.target.id] = inspect.cleandoc(after.value.value)
    return texts


def _fields(kind: type) -> tuple[FieldDoc, ...]:
    texts = field_texts(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    made = []
    for field in dataclasses.fields(kind):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        default = (
            field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        )
        made.append(
            FieldDoc(
                name=field.name,
                type=in_words(hints[field.name]),
                required=required,
                default=None if required else jsonable.to_json(default),
                text=texts.get(field.name, ""),
                shared=field.name not in vars(kind).get("__annotations__", {}),
            )
        )
    return tuple(made)


def in_words(hint: Any) -> str:
    """Return a type as a person reads it: `host`, `list of endpoint`, `'any', 'ipv4' or 'ipv6'`."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        form = next((_FORMS[id(item)] for item in args[1:] if id(item) in _FORMS), None)
        named = next((item.words for item in args[1:] if isinstance(item, params.Form) and item.words), "")
        return named or (_split(form) if form else in_words(args[0]))
    if origin is Literal:
        words = [f"'{item}'" if isinstance(item, str) else str(item) for item in args]
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    if origin in (Union, types.UnionType):
        return " or ".join(in_words(item) for item in args if item is not type(None))
    if origin in (tuple, list, set, frozenset):
        return f"list of {in_words(args[0])}"
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return "mapping" if args[1] is Any else f"mapping to {in_words(args[1])}"
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return "{" + ", ".join(_key(hint, field) for field in dataclasses.fields(hint)) + "}"
    plain = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return plain.get(hint, getattr(hint, "__name__", str(hint)))


def _key(record: type, field: dataclasses.Field[Any]) -> str:
    """Return a record's key as a project file writes it; one that may be left out ends with `?`."""
    written = getattr(record, "__pydantic_config__", {}).get("alias_generator", str)(field.name)
    must = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    return f"{written}{'' if must else '?'}"


def _split(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return {"secret ref": "secret reference", "url": "URL"}.get(words, words)
