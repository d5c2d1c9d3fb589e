"""Climbing the ladder: what a check of a backup says while it looks, kept even if it must stop half-way."""

from __future__ import annotations

from datetime import UTC, datetime

from checks.backup._asked import Asked, fresh, hollow, shrunk
from checks.backup._ladder import (
    COMPLETE,
    EXISTS,
    NAMES,
    BackupSeen,
    Outcome,
    Past,
    Restore,
    Sample,
    Step,
    proof_level,
)
from checks.vantage import CannotTell, Vantage
from checks.wire.ssh.remote import Facts, Remote
from checks.words import rfc3339


class Walk:
    """What is known so far of one backup. `trying` is the rung that a `CannotTell` on the way is told of."""

    def __init__(self, system: str, name: str, min_level: int, vantage: Vantage) -> None:
        self.system = system
        self.name = name
        self.min_level = min_level
        """The rung that the project asks for; going further is not asked."""
        self.vantage = vantage
        self.trying = EXISTS
        self.newest: datetime | None = None
        self.history: list[Past] = []
        self.bytes: int | None = None
        self.files: int | None = None
        self.sample: Sample | None = None
        self.restore: Restore | None = None
        self.past_lock = ""
        self.notes: list[str] = []
        self.now: datetime | None = None
        """The host's clock, read together with the newest backup."""
        self._remote: Remote | None = None
        self._facts: Facts | None = None
        self._steps: list[Step] = []

    def begin(self, remote: Remote, facts: Facts) -> None:
        """The host was logged into."""
        self._remote, self._facts = remote, facts
        self.now = facts.now()

    @property
    def remote(self) -> Remote:
        """The host with the backup."""
        assert self._remote is not None
        return self._remote

    @property
    def facts(self) -> Facts:
        """What the host is."""
        assert self._facts is not None
        return self._facts

    def wants(self, level: int) -> bool:
        """Return whether `level` is asked for and nothing below it has failed; then it is being tried."""
        failed = any(step.outcome == "failed" for step in self._steps)
        if level > self.min_level or failed:
            return False
        self.trying = level
        return True

    def proven(self, level: int, how: str, detail: str) -> None:
        """Say that a rung is proven, and by what."""
        self._say(level, "proven", how, detail)

    def failed(self, level: int, how: str, detail: str, fix: str) -> None:
        """Say that what a rung claims was shown to be wrong."""
        self._say(level, "failed", how, detail, fix)

    def unknown(self, level: int, how: str, detail: str, fix: str) -> None:
        """Say that a rung could not be tested."""
        self._say(level, "unknown", how, detail, fix)

    def absent(self, level: int, how: str, detail: str) -> None:
        """Say that this system of backups has no such rung, so that a higher one stands without it."""
        self._say(level, "absent", how, detail)

    def stopped(self, trouble: CannotTell) -> None:
        """Say that it went no further: the rung that was being tried is unknown."""
        self.unknown(self.trying, NAMES[self.trying], trouble.reason, trouble.fix)

    def seen(self, asked: Asked) -> BackupSeen:
        """Return what was seen, with the rungs that follow from age and size by what is `asked`."""
        age = (self.now - self.newest).total_seconds() if self.now and self.newest else None
        facts = self._facts
        if age is not None:
            self._steps.append(fresh(age, asked))
        if not any(step.outcome == "failed" and step.level <= COMPLETE for step in self._steps):
            self._steps += hollow(self.bytes, self.files)
        self._steps += shrunk(self.bytes, self.files, self.history, asked)
        return BackupSeen(
            system=self.system,
            proof_level=proof_level(self._steps),
            newest=rfc3339(self.newest.astimezone(UTC)) if self.newest else None,
            age_s=round(age, 3) if age is not None else None,
            host=self.name,
            host_time=rfc3339(self.now) if self.now else "",
            clock_offset_s=round(facts.clock_offset_s, 3) if facts else None,
            steps=tuple(self._steps),
            history=tuple(sorted(self.history, key=lambda past: past.at, reverse=True)[:100]),
            bytes=self.bytes,
            files=self.files,
            sample=self.sample,
            restore=self.restore,
            past_lock=self.past_lock,
            notes=tuple(self.notes[:50]),
        )

    def _say(self, level: int, outcome: Outcome, how: str, detail: str, fix: str = "") -> None:
        self._steps.append(Step(level=level, outcome=outcome, how=how, detail=detail[:1000], fix=fix[:600]))
