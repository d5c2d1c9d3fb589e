"""Evidence survives JSON, and what is not its JSON is refused."""

from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.params import Endpoint


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    raw: bytes
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str
    number: int
    ratio: float
    yes: bool
    colour: Colour
    kind: Literal["a", "b"]
    inner: tuple[Inner, ...]
    pair: tuple[str, int]
    table: dict[str, tuple[float, ...]]
    either: Inner | str | None
    where: Endpoint | None = None
    words: Annotated[tuple[str, ...], "note"] = ()
    free: Any = None


finite = st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 2))
inners = st.builds(Inner, raw=st.binary(max_size=20), at=st.none() | times)
outers = st.builds(
    Outer,
    name=st.text(),
    number=st.integers(),
    ratio=finite,
    yes=st.booleans(),
    colour=st.sampled_from(Colour),
    kind=st.sampled_from(["a", "b"]),
    inner=st.lists(inners, max_size=3).map(tuple),
    pair=st.tuples(st.text(), st.integers()),
    table=st.dictionaries(st.text(), st.lists(finite, max_size=3).map(tuple), max_size=3),
    either=st.none() | st.text() | inners,
    where=st.none() | st.just("[::1]:53"),
    words=st.lists(st.text(), max_size=3).map(tuple),
    free=st.none() | st.integers() | st.text(),
)


@given(outers)
def test_round_trip(value):
    data = json.loads(json.dumps(jsonable.to_json(value)))
    assert jsonable.from_json(Outer, data) == value


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_has_no_word_for_is_null(number):
    assert jsonable.to_json({"a": (number,)}) == {"a": [None]}


@dataclass(frozen=True, kw_only=True)
class Small:
    count: int
    ratio: float = 1.0
    tags: tuple[str, ...] = ()
    other: dict[str, int] = field(default_factory=dict)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"count": "1"},
        {"count": True},
        {"count": 1.5},
        {"count": None},
        {"count": 1, "ratio": "1"},
        {"count": 1, "ratio": True},
        {"count": 1, "tags": "abc"},
        {"count": 1, "tags": [1]},
        {"count": 1, "other": [1]},
        {"count": 1, "other": {"a": "b"}},
        [],
        None,
        "text",
        7,
    ],
)
def test_data_of_another_shape_is_a_value_error(data):
    with pytest.raises(ValueError):
        jsonable.from_json(Small, data)


def test_keys_of_a_later_version_are_left_out_and_defaults_filled_in():
    assert jsonable.from_json(Small, {"count": 1, "later": 2}) == Small(count=1)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Colour, "green"),
        (Literal["a"], "b"),
        (Inner, {"raw": "not base64!"}),
        (Inner, {"raw": "", "at": "2026-12-05T21:30:00"}),
        (tuple[str, int], ["a"]),
        (tuple[str, int], ["a", 1, 2]),
        (int | str, 1.5),
    ],
)
def test_values_out_of_range_are_value_errors(kind, data):
    with pytest.raises(ValueError):
        jsonable.from_json(kind, data)


KEYS = ["name", "number", "inner", "raw", "at", "pair", "table", "count", "tags"]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4)
    ),
)


@given(ANY_JSON)
def test_any_json_is_read_or_refused(data):
    for kind in (Outer, Small, Inner):
        try:
            jsonable.from_json(kind, data)
        except ValueError:
            continue


def test_types_that_cannot_be_kept_are_found_when_the_converter_is_built():
    with pytest.raises((TypeError, ValueError)):
        jsonable._reader(complex)
    with pytest.raises(TypeError, match="evidence"):
        jsonable.to_json(object())
