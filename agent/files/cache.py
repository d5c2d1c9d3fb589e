"""Plans kept as JSON in the user's cache folder: an unchanged project starts without YAML or pydantic.

An entry is found by everything that is known before a file is read: the project file's bytes and path, the
tool, and the source files that give checks their meaning. What reading it added (the profile's bytes, the
time zone's rules) stands in the entry and is compared before it is used. A plan with a check type of another
distribution is never kept, because what that type means can change without a trace here. Whatever goes wrong
with the cache, the file is read anew and nothing is said.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from agent.plan import Plan
from agent.version import VERSION
from checks import jsonable, registry
from checks.local import folders

OFF = folders.OFF
KEPT = 64
_ROOT = Path(__file__).parent.parent.parent
_CODE = ("checks", "checks/*", "profiles", "agent/files")


def folder() -> Path | None:
    """Return where plans are kept, or None if the cache is turned off or this user has no home."""
    return folders.cache("plans")


def key(path: Path, data: bytes) -> str | None:
    """Return the name of the entry for a project file, or None if it cannot have one."""
    try:
        parts = [VERSION, sys.version, str(path), str(path.resolve()), _sha(data), *_code()]
    except (OSError, RuntimeError):
        return None
    return _sha("\0".join(parts).encode("utf-8", "surrogateescape"))


def fetch(name: str) -> Plan | None:
    """Return the plan kept under `name` if it still holds."""
    where = folder()
    if where is None:
        return None
    try:
        data = (where / f"{name}.json").read_bytes()
        digest, _, body = data.partition(b"\n")
        if digest.decode() != _sha(body):
            return None
        entry = json.loads(body)
        if any(_now(kind, of) != seen for kind, of, seen in entry["depends"]):
            return None
        plan: Plan = jsonable.from_json(Plan, entry["plan"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return plan


def store(name: str, plan: Plan, profile: tuple[Path, bytes] | None) -> None:
    """Keep `plan` under `name`, with what it depends on besides the project file."""
    where = folder()
    known = set(registry.names())
    if where is None or any(check.type not in known for check in plan.checks):
        return
    depends = [["zone", plan.project.timezone, _now("zone", plan.project.timezone)]]
    if profile is not None:
        depends.append(["file", str(profile[0].absolute()), _sha(profile[1])])
    if any(seen is None for _, _, seen in depends):
        return
    try:
        body = json.dumps(
            {"depends": depends, "plan": jsonable.to_json(plan)}, separators=(",", ":")
        ).encode()
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(where, name, _sha(body).encode() + b"\n" + body)
        _prune(where)
    except (OSError, ValueError):
        return


def _write(where: Path, name: str, data: bytes) -> None:
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=where, prefix=".", suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(where / f"{name}.json")
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _prune(where: Path) -> None:
    entries = sorted(where.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in entries[KEPT:]:
        path.unlink(missing_ok=True)


def _code() -> list[str]:
    """Return name, time and size of every source file that gives a project file its meaning."""
    files = [_ROOT / "agent" / "plan.py"]
    for pattern in _CODE:
        for directory in sorted(_ROOT.glob(pattern)):
            if directory.is_dir():
                files += [Path(item.path) for item in os.scandir(directory) if item.name.endswith(".py")]
    stats = sorted((str(path), path.stat()) for path in files)
    return [f"{path} {stat.st_mtime_ns} {stat.st_size}" for path, stat in stats]


def _now(kind: str, of: str) -> str | None:
    """Return the digest of a profile or of a time zone's rules as they are now; None if there is none."""
    path = Path(of) if kind == "file" else _zone_file(of)
    try:
        return _sha(path.read_bytes()) if path is not None else None
    except OSError:
        return None


def _zone_file(name: str) -> Path | None:
    """Return the file that `zoneinfo` reads for a zone: the first on its path, else the tzdata package's."""
    import importlib.util
    import zoneinfo

    for base in zoneinfo.TZPATH:
        path = Path(base, name)
        if path.is_file():
            return path
    package = importlib.util.find_spec("tzdata")
    places: Any = package.submodule_search_locations if package else None
    return Path(places[0], "zoneinfo", *name.split("/")) if places else None


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
