"""Our quick dataclass is a dataclass to everybody who looks."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import pytest

from checks.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int = 0
    tags: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    seen: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False)


def test_it_compares_hashes_and_shows_itself() -> None:
    assert Point(x=1) == Point(x=1, seen={"a": 1}) != Point(x=2)
    assert Point(x=1) != "a point"
    assert len({Point(x=1), Point(x=1), Point(x=2)}) == 2
    assert repr(Point(x=1, tags=("t",))) == "Point(x=1, y=0, seen={})"
    assert Point(x=1).seen is not Point(x=1).seen


def test_the_standard_library_knows_it() -> None:
    assert dataclasses.is_dataclass(Point)
    assert dataclasses.replace(Point(x=1), y=5) == Point(x=1, y=5)
    assert dataclasses.asdict(Point(x=1))["x"] == 1
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[misc]


def test_what_is_not_frozen_or_not_compared_follows_the_standard() -> None:
    @dataclass
    class Open:
        x: int

    @dataclass(eq=False)
    class ByIdentity:
        x: int

    @dataclass(frozen=True, order=True)
    class Ordered:
        x: int

    assert Open.__hash__ is None
    assert ByIdentity(1) != ByIdentity(1)
    assert hash(ByIdentity(1))
    assert Ordered(1) < Ordered(2)


def test_what_belongs_to_the_class_is_no_part_of_a_value():
    @dataclass(frozen=True, kw_only=True)
    class Configured:
        settings: ClassVar[dict[str, bool]] = {"strict": True}
        value: int

    assert hash(Configured(value=1)) == hash(Configured(value=1))
    assert "settings" not in repr(Configured(value=1))
    assert Configured(value=1) != Configured(value=2)
