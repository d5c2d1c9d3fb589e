"""One declared copy of the data: how it is written, and the check that really looks at it."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any

from checks import jsonable, registry
from checks.backup._check import BackupCheck
from checks.dataclass import dataclass
from checks.params import Form
from checks.remote.check import RemoteCheck

_TEXTS = ("name", "location", "medium", "domain")
_FLAGS = ("offsite", "immutable", "production")
_KEYS = (*_TEXTS, *_FLAGS, "type", "with")
LOGIN = tuple(item.name for item in dataclasses.fields(RemoteCheck))
_SECRETS = ("key", "key_passphrase", "password")
_NOBODY = {"host": "placeholder.invalid", "user": "nobody"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One copy as it is declared."""

    name: str
    location: str
    medium: str
    domain: str
    offsite: bool
    immutable: bool
    production: bool
    type: str
    given: dict[str, Any]
    """What stands under `with`."""


def parse_copy(value: Any) -> dict[str, Any]:
    """Return a copy's mapping with `with` in the normal form of its type; ValueError for what is no copy."""
    if not isinstance(value, dict):
        raise ValueError("A copy is a mapping with 'name', 'location' and 'medium'.")
    name = value.get("name")
    named = f"The copy {name!r}" if isinstance(name, str) else "A copy"
    unknown = [key for key in value if key not in _KEYS]
    if unknown:
        raise ValueError(f"{named} has an unknown key {unknown[0]!r}; it may have {', '.join(_KEYS)}.")
    for key in ("name", "location", "medium"):
        if key not in value:
            raise ValueError(f"{named} needs a {key!r}.")
    for key in (*_TEXTS, "type"):
        text = value.get(key, "-")
        if not isinstance(text, str) or not text.strip() or len(text) > 200:
            raise ValueError(f"{key!r} of {named[0].lower() + named[1:]} is a text of 1 to 200 characters.")
    for key in _FLAGS:
        if not isinstance(value.get(key, False), bool):
            raise ValueError(f"{key!r} of {named[0].lower() + named[1:]} is true or false.")
    given = value.get("with", {})
    if not isinstance(given, dict):
        raise ValueError(f"'with' of {named[0].lower() + named[1:]} is a mapping of parameters.")
    normal = {key: value[key] for key in _KEYS if key in value}
    if "type" in value:
        if value.get("production"):
            raise ValueError(f"{named} is the production data itself, which no check of a backup looks at.")
        normal["with"] = _validated(named, value["type"], given)
    elif set(given) - {"host", "path"}:
        raise ValueError(f"{named} has no 'type', so that nothing is looked at by its parameters.")
    return normal


def _validated(named: str, type_name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters in normal form, as the loader of project files would read them."""
    from pydantic import TypeAdapter, ValidationError

    kind = _kind(named, type_name)
    try:
        built = TypeAdapter(kind).validate_json(json.dumps(_NOBODY | given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(
            f"{named}: {f'{where}: ' if where else ''}{first['msg'].removeprefix('Value error, ')}"
        ) from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{named}: {error}") from None
    whole = jsonable.to_json(built)
    return {key: whole[key] for key in given}


def _kind(named: str, type_name: str) -> type[BackupCheck]:
    try:
        kind = registry.load(type_name)
    except (registry.UnknownType, registry.BrokenType) as error:
        raise ValueError(f"{named}: {error}") from None
    if not issubclass(kind, BackupCheck):
        raise ValueError(f"{named}: {type_name!r} is no check of one backup.")
    return kind


def read_copy(value: dict[str, Any]) -> Copy:
    """Return the copy that a normal form says."""
    return Copy(
        **{key: value.get(key, "") for key in _TEXTS}, **{key: value.get(key, False) for key in _FLAGS},
        type=value.get("type", ""), given=value.get("with", {}),
    )  # fmt: skip


def looker(copy: Copy, own: RemoteCheck[Any], more: dict[str, Any]) -> BackupCheck:
    """Return the check that looks at `copy`, with what it does not say taken from `own` and `more`.

    Another host has another key and port; who names a key or password of their own uses nothing of the
    other's.
    """
    given = copy.given
    login = {key: value for key, value in jsonable.to_json(own).items() if key in LOGIN}
    if given.get("host", own.host) != own.host:
        login |= {"port": None, "host_key": None}
    if any(key in given for key in ("key", "password")):
        login |= dict.fromkeys(_SECRETS)
    if given.get("sudo") is False:
        login["sudo_password"] = None
    kind = _kind(f"The copy {copy.name!r}", copy.type)
    known = {item.name for item in dataclasses.fields(kind)}
    filled = login | {key: value for key, value in more.items() if key in known} | given
    try:
        built: BackupCheck = jsonable.from_json(kind, filled)
    except ValueError as error:
        raise ValueError(f"The copy {copy.name!r}: {error}") from None
    return built


CopyForm = Annotated[
    dict[str, Any],
    Form(
        parse_copy,
        (
            ("type", "object"),
            ("required", ["name", "location", "medium"]),
            (
                "properties",
                {key: {"type": "string"} for key in (*_TEXTS, "type")}
                | {key: {"type": "boolean"} for key in _FLAGS} | {"with": {"type": "object"}},
            ),
            ("additionalProperties", False),
        ),
    ),
]  # fmt: skip
