"""`load_plan`: the one way from a project file to a plan, by the cache where it still holds."""

from __future__ import annotations

from pathlib import Path

from agent.files import cache
from agent.plan import Plan
from profiles.files import read_bytes
from profiles.problems import Problem, Problems

__all__ = ["Problem", "Problems", "load_plan"]


def load_plan(path: Path, *, cached: bool = True) -> Plan:
    """Return the plan that the project file `path` means.

    Raise `Problems` with everything that is wrong, a file that cannot be read included. With `cached` false
    the file is read anew even if nothing changed.
    """
    data = read_bytes(path, str(path))
    name = cache.key(path, data) if cached else None
    plan = cache.fetch(name) if name else None
    if plan is not None:
        return plan
    from agent.files.reading import read_plan

    read = read_plan(path, data)
    if name:
        cache.store(name, read.plan, read.profile)
    return read.plan
