"""What a run tells while it goes on. Progress line, JSON lines, dashboard: sinks, none knows another."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from agent.plan import Plan
from agent.records import RunRecord
from checks.words import Result


class Sink(Protocol):
    """Called on the event loop's thread; must return soon and must not raise."""

    def run_started(self, plan: Plan, run: RunRecord) -> None:
        """Say that the vantage has looked at itself and the first checks are about to start."""

    def check_started(self, check: str, at: datetime) -> None:
        """Say that an attempt on `check` begins."""

    def check_done(self, result: Result) -> None:
        """Say that `result` is on disk; never called before it is."""

    def check_lost(self, result: Result, why: str) -> None:
        """Say that `result` could not be stored, so that it does not count."""

    def run_done(self, run: RunRecord) -> None:
        """Say that the run has ended, or was cancelled; `run.outcome` tells which."""
