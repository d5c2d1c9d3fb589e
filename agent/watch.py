"""A project watched over time: plan, ledger and live runs, looked at again and again, told only when new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from agent.doubt import doubted, untold
from agent.ledger import Known, Ledger
from agent.ledger.errors import LedgerError
from agent.ledger.follow import Facts, Follower
from agent.ledger.store import ledger_path
from agent.live import LiveRun, LiveRuns, Past, what_became
from agent.plan import Plan
from agent.records import Decision, RunRecord, Waiver
from agent.report.picture import Picture
from agent.running import open_ledger
from agent.sources import Sources
from agent.standings import Standings
from agent.verdict import GOES, MilestoneVerdict, judge_plan
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
    nothing shown may read as GO: no verdict of the picture is one, and nothing passes (see `doubt`)."""
    number: int = 0
    """Counts up with each view."""

    def became(self, run: RunRecord) -> Past:
        """Return what became of a run: it ended, goes on, or was killed."""
        return what_became(run, self.runs, self.picture.now)


class Watch:
    """One project file and its ledger, read only. Nothing that happens to either raises."""

    def __init__(self, project_file: Path, plan: Plan) -> None:
        self.project_file = project_file
        self.plan = plan
        """The plan as it is now: the project file may be edited while it is watched."""
        self._sources = Sources(project_file, plan)
        self._asked: tuple[int, Ledger] | None = None
        self._number = 0
        self._view: View | None = None
        self._begin()

    def _begin(self) -> None:
        self._standings = Standings()
        self._facts: Facts | None = None
        self._known: dict[str, Known] = {}
        self._follower: Follower | None = None
        self._live: LiveRuns | None = None
        self._nowhere = ""
        try:
            path = ledger_path(self.project_file, self.plan.project.id)
        except LedgerError as error:
            self._nowhere = str(error)
            return
        plan = self.plan
        self._follower = Follower(
            path, lambda patience_s: open_ledger(
                self.project_file, plan, read_only=True, patience_s=patience_s
            ),
        )  # fmt: skip
        self._live = LiveRuns(path)

    @property
    def ledger(self) -> Ledger:
        """Return the ledger for questions, apart from the one that `look` uses; raises LedgerError."""
        now = self._follower.generation if self._follower is not None else -1
        if self._asked is not None and self._asked[0] == now:
            return self._asked[1]
        if self._asked is not None:
            self._asked[1].close()
            self._asked = None
        ledger = open_ledger(self.project_file, self.plan, read_only=True)
        self._asked = now, ledger
        return ledger

    def look(self, now: datetime) -> View | None:
        """Return what there is to show at `now`, or None if it is what was returned before.

        Once a second there is something: the time, by which results get too old and GO ends.
        """
        changed = self._sources.look()
        if self._sources.plan is not self.plan:
            self._exchange(self._sources.plan)
        told = self._live.version if self._live is not None else 0
        runs = tuple(self._live.look()) if self._live is not None else ()
        if self._live is not None:
            changed |= self._live.version != told
        if (
            self._follower is not None
        ):  # after the live runs: one that ends in between is not taken for killed
            changed |= self._follower.look()
        if self._view is not None and not changed and not _other_second(self._view.picture, now):
            return None
        self._number += 1
        self._view = self._make(now, runs)
        return self._view

    def ask_to_stop(self, run: str) -> None:
        """Ask a run that goes on to stop cleanly; raises OSError where that cannot be written."""
        if self._live is not None:
            self._live.ask_to_stop(run)

    def close(self) -> None:
        """Release the ledger."""
        if self._follower is not None:
            self._follower.close()
        if self._asked is not None:
            self._asked[1].close()
            self._asked = None

    def _exchange(self, plan: Plan) -> None:
        moved = plan.project.id != self.plan.project.id
        self.plan = plan
        if moved:
            self.close()
            self._begin()
        self._facts = None

    def _make(self, now: datetime, runs: tuple[LiveRun, ...]) -> View:
        facts = self._follower.facts if self._follower is not None else Facts(known={})
        if facts is not self._facts:
            if self._facts is None or facts.known is not self._facts.known:
                wanted = self.plan.by_id
                self._known = {name: item for name, item in facts.known.items() if name in wanted}
            self._facts = facts
        problems = [self._sources.problem, self._nowhere, self._follower.problem if self._follower else ""]
        problems = [problem for problem in problems if problem]
        verdicts = self._judge(facts, now, problems)
        picture = Picture(
            plan=self.plan, now=now, run=facts.run, verdicts=doubted(verdicts, problems),
            results=self._known, shown=tuple(self.plan.by_id), waivers=facts.waivers,
            decisions=facts.decisions, running=runs,
        )  # fmt: skip
        return View(
            picture=picture, runs=runs, waivers=facts.waivers, decisions=facts.decisions,
            problems=tuple(problems), number=self._number,
        )  # fmt: skip

    def _judge(self, facts: Facts, now: datetime, problems: list[str]) -> Sequence[MilestoneVerdict]:
        try:
            return judge_plan(
                self.plan, self._known, now=now, waivers=facts.waivers, decisions=facts.decisions,
                stand=self._standings,
            )  # fmt: skip
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            problems.append(
                f"The ledger of {self.project_file.name} holds what cannot be judged "
                f"({type(error).__name__}: {error}): it was changed after it was stored, or this laptop's "
                "clock is far off."
            )
            return [untold(milestone, ()) for milestone in self.plan.milestones]


def _other_second(shown: Picture, now: datetime) -> bool:
    """Tell whether a countdown reads otherwise, or a GO has ended since."""
    if now == shown.now:
        return False
    if now.replace(microsecond=0) != shown.now.replace(microsecond=0):
        return True
    return any(
        item.verdict in GOES and item.until is not None and item.until < now for item in shown.verdicts
    )
