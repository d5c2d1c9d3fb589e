"""Bounds of a parameter, written beside its type: `Annotated[int, Ge(0), Le(5)]`, `Annotated[str, Len(1)]`.

Like `annotated_types`, which pydantic knows too, without its import: that alone was 9 ms of every run.
"""

from __future__ import annotations

from typing import Any

from checks.dataclass import dataclass


class Bound:
    """A condition on a value; `check` refuses a value with a sentence."""

    def holds(self, value: Any) -> bool:
        """Return whether `value` is within the bound."""
        raise NotImplementedError

    def words(self) -> str:
        """Return what is asked: `at least 0`."""
        raise NotImplementedError

    def keywords(self, kind: Any) -> dict[str, float]:
        """Return what JSON Schema says of a value of JSON type `kind`."""
        raise NotImplementedError

    def check(self, value: Any) -> Any:
        """Return `value`, or raise ValueError with a sentence."""
        if value is not None and not self.holds(value):
            raise ValueError(f"It must be {self.words()}, not {_size(value)}.")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Check after the type was validated (called by pydantic only)."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Add the bound to the schema an editor uses (called by pydantic only)."""
        written: dict[str, Any] = handler(schema)
        return written | self.keywords(written.get("type"))


def _size(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else f"{len(value)} long"


@dataclass(frozen=True)
class Ge(Bound):
    """At least `limit`."""

    limit: float

    def holds(self, value: Any) -> bool:
        return bool(value >= self.limit)

    def words(self) -> str:
        return f"at least {self.limit:g}"

    def keywords(self, kind: Any) -> dict[str, float]:
        return {"minimum": self.limit}


@dataclass(frozen=True)
class Gt(Bound):
    """More than `limit`."""

    limit: float

    def holds(self, value: Any) -> bool:
        return bool(value > self.limit)

    def words(self) -> str:
        return f"more than {self.limit:g}"

    def keywords(self, kind: Any) -> dict[str, float]:
        return {"exclusiveMinimum": self.limit}


@dataclass(frozen=True)
class Le(Bound):
    """At most `limit`."""

    limit: float

    def holds(self, value: Any) -> bool:
        return bool(value <= self.limit)

    def words(self) -> str:
        return f"at most {self.limit:g}"

    def keywords(self, kind: Any) -> dict[str, float]:
        return {"maximum": self.limit}


@dataclass(frozen=True)
class Len(Bound):
    """From `least` to `most` entries, or characters."""

    least: int
    most: int | None = None

    def holds(self, value: Any) -> bool:
        return self.least <= len(value) and (self.most is None or len(value) <= self.most)

    def words(self) -> str:
        return f"at least {self.least} long" if self.most is None else f"{self.least} to {self.most} long"

    def keywords(self, kind: Any) -> dict[str, float]:
        unit = "Length" if kind == "string" else "Items"
        found: dict[str, float] = {f"min{unit}": self.least}
        return found if self.most is None else found | {f"max{unit}": self.most}
