"""Typed data to JSON and back, so that an observation from last month can be judged again today.

Knows frozen dataclasses, enums, aware datetimes, bytes (base64), tuples, lists, dicts with string keys,
unions, literals and the JSON scalars. A type outside that list is a programming error and raises TypeError
when the converter is built, not when evidence is read.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

from checks.words import from_rfc3339, rfc3339

_SCALARS = (str, int, float, bool, type(None))
_PLAIN = frozenset({str, int, bool, type(None)})
"""Types that are their own JSON."""


def to_json(value: Any) -> Any:
    """Return `value` as JSON data. A float that is not finite becomes None: JSON has no word for it.

    Every result passes here, so what to do is looked up by type, once a type.
    """
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    return _writer(kind)(value)


def from_json(kind: Any, data: Any) -> Any:
    """Build a value of type `kind` from JSON data.

    Keys that the type does not know are left out (evidence of a later version); a missing key without a
    default, or data of another shape, raises ValueError.
    """
    try:
        return _reader(kind)(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"This is not the JSON of {getattr(kind, '__name__', kind)}: {error}") from error


@functools.cache
def _writer(kind: type) -> Callable[[Any], Any]:
    if issubclass(kind, enum.Enum):
        return lambda value: value.value
    if issubclass(kind, float):
        return lambda value: value if math.isfinite(value) else None
    if issubclass(kind, _SCALARS):
        return lambda value: value
    if issubclass(kind, bytes):
        return lambda value: base64.b64encode(value).decode("ascii")
    if issubclass(kind, datetime):
        return rfc3339
    if dataclasses.is_dataclass(kind):
        return _dataclass_writer(tuple(item.name for item in dataclasses.fields(kind) if item.init))
    if issubclass(kind, Mapping):
        return lambda value: {str(key): to_json(item) for key, item in value.items()}
    if issubclass(kind, (list, tuple, set, frozenset)):
        return lambda value: [to_json(item) for item in value]
    raise TypeError(f"A value of type {kind.__name__} cannot be kept as evidence.")


def _dataclass_writer(names: tuple[str, ...]) -> Callable[[Any], Any]:
    def write(value: Any) -> dict[str, Any]:
        data = {}
        for name in names:
            item = getattr(value, name)
            kind: Any = type(item)
            data[name] = item if kind in _PLAIN else _writer(kind)(item)
        return data

    return write


@functools.cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    origin, args = get_origin(kind), get_args(kind)
    if origin is typing.Annotated:
        return _reader(args[0])
    if kind is Any:
        return lambda data: data
    if origin is Literal:
        return _literal(args)
    if origin in (Union, types.UnionType):
        return _union(args)
    if origin in (list, tuple, set, frozenset):
        return _sequence(origin, args)
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        item = _reader(args[1])
        return lambda data: {key: item(value) for key, value in data.items()}
    if kind is bytes:
        return lambda data: base64.b64decode(_expect(str, data), validate=True)
    if kind is datetime:
        return lambda data: from_rfc3339(_expect(str, data))
    if kind is float:
        return lambda data: float(_expect((int, float), data))
    if kind in _SCALARS or kind is None:
        wanted = type(None) if kind is None else kind
        return lambda data: _expect(wanted, data)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind
    if dataclasses.is_dataclass(kind):
        return _dataclass(typing.cast("type", kind))
    raise TypeError(f"{kind!r} cannot be read from evidence; use dataclasses, tuples and JSON scalars.")


def _expect(kind: Any, data: Any) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind in (int, (int, float))):
        raise TypeError(f"{data!r} is not of type {kind}")
    return data


def _literal(allowed: tuple[Any, ...]) -> Callable[[Any], Any]:
    def read(data: Any) -> Any:
        if data not in allowed:
            raise TypeError(f"{data!r} is none of {allowed}")
        return data

    return read


def _union(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    readers = [_reader(kind) for kind in kinds]

    def read(data: Any) -> Any:
        if data is None and type(None) in kinds:
            return None
        for reader in readers:
            try:
                return reader(data)
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
        raise TypeError(f"{data!r} is none of {kinds}")

    return read


def _sequence(origin: type, args: tuple[Any, ...]) -> Callable[[Any], Any]:
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        readers = [_reader(arg) for arg in args]
        return lambda data: tuple(r(item) for r, item in zip(readers, _expect(list, data), strict=True))
    item = _reader(args[0])
    return lambda data: origin(item(value) for value in _expect(list, data))


def _dataclass(kind: type) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)
    readers = {item.name: _reader(hints[item.name]) for item in dataclasses.fields(kind) if item.init}

    def read(data: Any) -> Any:
        return kind(**{name: reader(data[name]) for name, reader in readers.items() if name in data})

    return read
