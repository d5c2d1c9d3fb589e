"""A project watched over time: plan, ledger and live runs, looked at again and again, told only when new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from agent.ledger import Known, Ledger
from agent.ledger.errors import LedgerError
from agent.ledger.store import ledger_path
from agent.live import LiveRun, LiveRuns
from agent.plan import Plan
from agent.records import Decision, RunRecord, Waiver
from agent.report.picture import Picture, paint_picture
from agent.running import open_ledger
from checks.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything a screen may show, made at `picture.now`; immutable but for what live runs add."""

    picture: Picture
    """Plan, verdicts on every milestone, newest results that count; `picture.run` is the newest run."""
    runs: tuple[LiveRun, ...]
    """Runs that go on now, of whichever process."""
    waivers: tuple[Waiver, ...]
    decisions: tuple[Decision, ...]
    problems: tuple[str, ...] = ()
    """Sentences: the project file changed and cannot be read, the ledger cannot be read. While there is one
    nothing shown may read as GO."""
    number: int = 0
    """Counts up with each view."""


class Watch:
    """One project file and its ledger, read only."""

    def __init__(self, project_file: Path, plan: Plan) -> None:
        self.project_file = project_file
        self.plan = plan
        self.ledger: Ledger = open_ledger(project_file, plan, read_only=True)
        self._live = LiveRuns(ledger_path(project_file, plan.project.id))
        self._number = 0

    def look(self, now: datetime) -> View | None:
        """Return what there is to show at `now`, or None if it is what was returned before."""
        self._number += 1
        return self._view(now)

    def ask_to_stop(self, run: str) -> None:
        """Ask a run that goes on to stop cleanly; raises OSError where that cannot be written."""
        self._live.ask_to_stop(run)

    def close(self) -> None:
        """Release the ledger."""
        self.ledger.close()

    def _view(self, now: datetime) -> View:
        problems: Sequence[str] = ()
        known: dict[str, Known] = {}
        runs: list[RunRecord] = []
        waivers: list[Waiver] = []
        decisions: list[Decision] = []
        try:
            known = {name: item for name, item in self.ledger.latest().items() if name in self.plan.by_id}
            runs = self.ledger.runs(limit=1)
            waivers, decisions = self.ledger.waivers(), self.ledger.decisions()
        except LedgerError as error:
            problems = (str(error),)
        picture = paint_picture(
            self.plan, known, known, now=now, run=runs[0] if runs else None,
            milestones=self.plan.milestones, waivers=waivers, decisions=decisions,
        )  # fmt: skip
        return View(
            picture=picture, runs=tuple(self._live.look()), waivers=tuple(waivers),
            decisions=tuple(decisions), problems=tuple(problems), number=self._number,
        )  # fmt: skip
