"""Check types by name, loaded when named and not before.

`network.tcp` is the one Check class in `checks/network/tcp.py`; `host`, `manual`, `plugin`, `printer` and
`ups` have no family.
Types of other distributions come by the entry point group `gonogo.checks`, looked at only for a name that is
not built in, because scanning installed distributions costs more than a whole small run.
"""

from __future__ import annotations

import functools
import importlib
import re
from pathlib import Path
from typing import Any

from checks.contract import Check

ENTRY_POINTS = "gonogo.checks"
_SINGLE = ("host", "manual", "plugin", "printer", "ups")
_NO_FAMILY = frozenset({"wire", "local", "device", "remote"})
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?\Z")
_HERE = Path(__file__).parent


class UnknownType(LookupError):  # noqa: N818 - named for what a person did
    """There is no check type of that name; the message suggests the nearest."""


class BrokenType(Exception):  # noqa: N818
    """A check type exists and cannot be loaded; the message says which and why."""


def names() -> list[str]:
    """Return the built-in check types in alphabetical order, without importing them."""
    found = [
        f"{path.parent.name}.{path.stem}"
        for path in _HERE.glob("*/*.py")
        if not path.stem.startswith("_") and path.parent.name not in _NO_FAMILY
    ]
    return sorted([*found, *(name for name in _SINGLE if (_HERE / f"{name}.py").is_file())])


def foreign_names() -> list[str]:
    """Return the check types that other installed distributions offer, without importing them."""
    return sorted(point.name for point in _entry_points())


@functools.cache
def load(name: str) -> type[Check[Any]]:
    """Return the check class of type `name`; raise UnknownType or BrokenType."""
    if _NAME.match(name) and _is_built_in(name):
        module = importlib.import_module(f"checks.{name}")
        classes = [
            item for item in vars(module).values()
            if isinstance(item, type) and issubclass(item, Check) and item.__module__ == module.__name__
        ]  # fmt: skip
        if len(classes) != 1:
            raise BrokenType(f"checks/{name.replace('.', '/')}.py must define exactly one check class.")
        found = classes[0]
    else:
        found = _load_foreign(name)
    found.type = name
    return found


def _is_built_in(name: str) -> bool:
    family, _, last = name.rpartition(".")
    if not family:
        return name in _SINGLE
    return family not in _NO_FAMILY and not last.startswith("_") and (_HERE / family / f"{last}.py").is_file()


def _load_foreign(name: str) -> type[Check[Any]]:
    for point in _entry_points():
        if point.name == name:
            try:
                found = point.load()
            except Exception as error:
                raise BrokenType(
                    f"The check type {name!r} ({point.value}) cannot be loaded: {error}"
                ) from error
            if not (isinstance(found, type) and issubclass(found, Check)):
                raise BrokenType(f"The check type {name!r} ({point.value}) is not a Check class.")
            return found
    import difflib

    known = [*names(), *foreign_names()]
    near = [other for other in known if other.endswith(f".{name}")]
    near = near or difflib.get_close_matches(name, known, n=1)
    hint = f" - did you mean {near[0]!r}?" if near else " - 'gonogo checks' lists them all."
    raise UnknownType(f"There is no check type {name!r}{hint}")


def _entry_points() -> list[Any]:
    from importlib.metadata import entry_points

    return list(entry_points(group=ENTRY_POINTS))
