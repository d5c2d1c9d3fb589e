"""Reading Graph's JSON: each field is held against its documented type; drift is an error, never a guess."""

from __future__ import annotations

import json
from typing import Any

MAX_TEXT = 1000


class Drift(ValueError):  # noqa: N818 - it is an outcome
    """The JSON does not have the shape that its documentation says; the message names the place."""


def parse(data: bytes) -> Any:
    """Return the JSON value of `data` (UTF-8, with or without a byte order mark); raise Drift."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise Drift(f"it is no JSON ({type(error).__name__})") from None


def _refused(word: str) -> Any:
    raise ValueError(word)


def record(value: Any, where: str = "the answer") -> dict[str, Any]:
    """Return `value` if it is an object."""
    if not isinstance(value, dict):
        raise Drift(f"{where} is no object")
    return value


def entries(item: dict[str, Any], key: str) -> list[Any]:
    """Return the list under `key`."""
    value = item.get(key)
    if not isinstance(value, list):
        raise Drift(f"{key!r} is no list")
    return value


def records(item: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the list of objects under `key`."""
    return [record(entry, f"an entry of {key!r}") for entry in entries(item, key)]


def child(item: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the object under `key`."""
    return record(item.get(key), repr(key))


def text(item: dict[str, Any], key: str) -> str:
    """Return the text under `key`, cut to what can be evidence, without half characters."""
    value = item.get(key)
    if not isinstance(value, str):
        raise Drift(f"{key!r} is no text")
    return plain(value)


def text_or(item: dict[str, Any], key: str, default: str = "") -> str:
    """Return the text under `key`, or `default` where it is missing or null."""
    return default if item.get(key) is None else text(item, key)


def texts(item: dict[str, Any], key: str) -> tuple[str, ...]:
    """Return the list of texts under `key`; missing or null is an empty one."""
    if item.get(key) is None:
        return ()
    return tuple(text({key: entry}, key) for entry in entries(item, key))


def flag(item: dict[str, Any], key: str) -> bool:
    """Return the truth value under `key`."""
    value = item.get(key)
    if not isinstance(value, bool):
        raise Drift(f"{key!r} is neither true nor false")
    return value


def count(item: dict[str, Any], key: str, *, most: int = 1 << 53) -> int:
    """Return the whole number under `key`, zero or more."""
    value = item.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Drift(f"{key!r} is no whole number from 0 to {most}")
    return value


def plain(value: str) -> str:
    """Return a text of at most `MAX_TEXT` characters that can be written as UTF-8."""
    return value[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
