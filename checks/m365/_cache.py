"""Small JSON files in the user's cache folder; one that cannot be read is as if it were not there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

from checks.local import folders

MAX_BYTES = 16 << 20


def folder() -> Path | None:
    """Return where published lists are kept, or None if that is turned off or this user has no home."""
    return folders.cache("microsoft")


def name_of(*parts: str) -> str:
    """Return a file name that stands for `parts`."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def read(name: str) -> Any:
    """Return the JSON kept under `name`, None if there is none that can be read."""
    where = folder()
    if where is None:
        return None
    try:
        with (where / f"{name}.json").open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return json.loads(data) if len(data) <= MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None


def write(name: str, value: Any) -> None:
    """Keep `value` under `name`, whole or not at all."""
    where = folder()
    if where is None:
        return
    try:
        data = json.dumps(value, separators=(",", ":")).encode()
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=where, prefix=".", suffix=".new")
    except (OSError, ValueError):
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(where / f"{name}.json")
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()


def machine_id() -> str:
    """Return the GUID that this machine shows to Microsoft's web service, as that asks: made once, kept."""
    kept = read("client")
    try:
        return str(uuid.UUID(kept))
    except (ValueError, TypeError, AttributeError):
        made = str(uuid.uuid4())
        write("client", made)
        return made
