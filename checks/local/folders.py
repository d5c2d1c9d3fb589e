"""Where this user's machine keeps what may be deleted at any time, and what this user decided."""

from __future__ import annotations

import os
import sys
from pathlib import Path

OFF = "GONOGO_NO_CACHE"
"""Environment variable by which nothing is kept."""


def cache(part: str) -> Path | None:
    """Return the folder of that name in gonogo's cache, None if that is off or this user has no home."""
    if os.environ.get(OFF):
        return None
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return base / "gonogo" / part if base.is_absolute() else None


def config() -> Path | None:
    """Return gonogo's folder for what this user decided, None if this user has no home."""
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Application Support"
        else:
            base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    except RuntimeError:
        return None
    return base / "gonogo" if base.is_absolute() else None
