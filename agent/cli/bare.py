"""`gonogo` alone: in a folder with one project file, at a terminal, that project's dashboard."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_PROJECT = re.compile(rb"^(?:\xef\xbb\xbf)?gonogo:[ \t]*1[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_TOP_BYTES = 16_384
_MOST_ENTRIES = 5_000


def words_of_a_bare_call(folder: Path) -> list[str]:
    """Return the words that a call without any stands for: none for the help.

    Raises ValueError, with a sentence, where there are several project files.
    """
    if not _at_a_terminal():
        return []
    found = project_files(folder)
    if len(found) > 1:
        listed = "\n".join(f"  gonogo dashboard {name}" for name in found[:20])
        more = f"\n  ... and {len(found) - 20} more" if len(found) > 20 else ""
        raise ValueError(f"There are {len(found)} project files here; say which one:\n{listed}{more}")
    return ["dashboard", found[0]] if found else []


def project_files(folder: Path) -> list[str]:
    """Return the names of the YAML files in `folder` that say `gonogo: 1` near their top."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_MOST_ENTRIES), entries, strict=False):
                if entry.name.endswith((".yaml", ".yml")) and not entry.name.startswith((".", "-")):
                    found += [entry.name] if _is_project(entry) else []
    except OSError:
        return []
    return sorted(found)


def _is_project(entry: os.DirEntry[str]) -> bool:
    try:
        if not entry.is_file():
            return False
        with Path(entry.path).open("rb") as file:
            return _PROJECT.search(file.read(_TOP_BYTES)) is not None
    except OSError:
        return False


def _at_a_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
