"""`dataclass`, made in a third of the time.

`dataclasses.dataclass` compiles six small functions a class; for a hundred classes that was 50 of the 350 ms
that a whole run of 200 checks takes (Python 3.11). This one lets the standard library write `__init__` only;
equality, hash and representation are shared functions. Type checkers see the standard decorator, so it is
mypy that holds `frozen`, not the interpreter; `slots` is not needed by records that live as long as a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses

    def dataclass(
        cls: type | None = None,
        /,
        *,
        kw_only: bool = False,
        frozen: bool = False,
        eq: bool = True,
        order: bool = False,
        **_: Any,
    ) -> Any:
        """Make `cls` a dataclass; see `dataclasses.dataclass`."""

        def make(cls: type) -> type:
            if order:
                return dataclasses.dataclass(cls, kw_only=kw_only, frozen=frozen, order=True)
            made = dataclasses.dataclass(cls, kw_only=kw_only, eq=False, repr=False)
            shared = {"__repr__": _repr} | (
                {"__eq__": _eq, "__hash__": _hash if frozen else None} if eq else {}
            )
            own = {item.name for item in dataclasses.fields(made)}
            for name, item in made.__dataclass_fields__.items():
                item.compare, item.repr = item.compare and name in own, item.repr and name in own
            for name in shared.keys() - cls.__dict__.keys():
                setattr(made, name, shared[name])
            return made

        return make if cls is None else make(cls)

    def _values(record: Any) -> tuple[Any, ...]:
        return tuple(
            getattr(record, name) for name, item in record.__dataclass_fields__.items() if item.compare
        )

    def _eq(self: Any, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self is other or _values(self) == _values(other)

    def _hash(self: Any) -> int:
        return hash(_values(self))

    def _repr(self: Any) -> str:
        fields = self.__dataclass_fields__.items()
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name, item in fields if item.repr)
        return f"{self.__class__.__qualname__}({shown})"


__all__ = ["dataclass"]
