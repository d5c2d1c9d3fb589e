"""What a backup may look like when a check meets it, and what must be said of it: the rows of the matrix.

A module `tests/lab/backup_KIND.py` offers `KIND`, `TOOLS` (programs it needs) and `forms(folder) -> list`,
which makes every form of that kind with the real tool below `folder`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

GOOD, OLD, TRUNCATED, FLIPPED = "good", "old", "truncated", "bit-flipped"
LOCKED, HALF_WRITTEN, EMPTY, UNREADABLE = "locked", "half-written", "empty", "unreadable"
FORMS = (GOOD, OLD, TRUNCATED, FLIPPED, LOCKED, HALF_WRITTEN, EMPTY, UNREADABLE)


@dataclass(frozen=True, kw_only=True)
class Form:
    """One backup in one form. `params` are the check's parameters without those of the login.

    `level` is the deepest rung that can be proven of it; a check may reach it and never go above. `hold` is
    entered while the check runs, such as to hold a lock. `name` is one of `FORMS`, with more words behind a
    blank where a form has several (`bit-flipped index`).
    """

    name: str
    type: str
    params: dict[str, Any]
    status: str
    level: int
    words: str = ""
    """A regular expression that a finding must match."""
    hold: Callable[[], AbstractContextManager[object]] = field(default=nullcontext)
