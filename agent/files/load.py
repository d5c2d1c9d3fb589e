"""`load_plan`: the one way from a project file to a plan, by the cache where it still holds."""

from __future__ import annotations

from pathlib import Path

from agent.plan import Plan


def load_plan(path: Path, *, cached: bool = True) -> Plan:
    """Return the plan that the project file `path` means.

    Raise `profiles.problems.Problems` with everything that is wrong, a file that cannot be read included.
    With `cached` false the file is read anew even if nothing changed.
    """
    from profiles.document import read_bytes

    data = read_bytes(path, str(path))
    from agent.files.reading import read_plan

    return read_plan(path, data).plan
