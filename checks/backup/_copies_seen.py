"""What was seen of the declared copies of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from checks.backup._ladder import BackupSeen
from checks.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySeen:
    """One copy: what its own check saw, and what it depends on."""

    name: str
    backup: BackupSeen | None = None
    """None for a copy that names no type of check."""
    keys: tuple[str, ...] = ()
    """Hosts, shares and disks: copies with one in common fail together."""
    trouble: str = ""
    """Why it is not known what it depends on."""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiesSeen:
    """All copies; `proof_level`, `newest` and `age_s` are those of the worst copy that counts."""

    system: Literal["copies"]
    proof_level: int
    newest: str | None
    age_s: float | None
    host: str
    copies: tuple[CopySeen, ...]
    counted: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, host: str, copies: tuple[CopySeen, ...],
        held_by: Callable[[CopiesSeen], tuple[tuple[str, ...], int, str | None, float | None]],
    ) -> CopiesSeen:  # fmt: skip
        """Return what was seen, summed up by `held_by`."""
        bare = cls(system="copies", proof_level=0, newest=None, age_s=None, host=host, copies=copies)
        counted, level, newest, age = held_by(bare)
        return replace(bare, counted=counted, proof_level=level, newest=newest, age_s=age)
