"""Run a plan into its ledger and judge it; judge a ledger as it stands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from agent.engine.events import Sink
from agent.ledger.errors import LedgerError
from agent.ledger.store import Ledger, ledger_path
from agent.live import LiveRun, LiveRuns
from agent.plan import Plan
from agent.report.picture import Picture, Told, fresh, paint_picture
from agent.selection import NothingSelected, select
from agent.verdict import Evidence

__all__ = ["NothingSelected", "open_ledger", "run_and_judge", "stand"]


def open_ledger(
    project_file: Path, plan: Plan, *, read_only: bool = False, patience_s: float = 15.0
) -> Ledger:
    """Open the ledger beside the project file; raises LedgerError saying where and what to do."""
    path = ledger_path(project_file, plan.project.id)
    ledger = Ledger.open(path, read_only=read_only, patience_s=patience_s)
    try:
        _refuse_anothers(ledger, project_file, plan)
    except BaseException:
        ledger.close()
        raise
    return ledger


def _refuse_anothers(ledger: Ledger, project_file: Path, plan: Plan) -> None:
    """Raise LedgerError if another project file beside this one writes to its ledger, too.

    What was proven for one office would count for the other. A file that was renamed is no other file.
    """
    for run in ledger.runs(limit=1):
        other = project_file.parent / (run.project_file or project_file.name)
        if other.name != project_file.name and other.is_file() and not other.samefile(project_file):
            raise LedgerError(
                f"The ledger {ledger.path} holds the results of {other.name}, and {project_file.name} has "
                f"the same project id '{plan.project.id}': give one of the two another id (project: id:), or "
                "move it to a folder of its own; if the other file is a mere copy, delete it."
            )


def run_and_judge(
    plan: Plan,
    ledger: Ledger,
    *,
    now: Callable[[], datetime],
    milestones: Sequence[str] = (),
    only: Sequence[str] = (),
    ids: Collection[str] | None = None,
    vantage: str | None = None,
    sinks: Sequence[Sink] = (),
) -> Picture:
    """Run what is selected and return the picture of this run.

    Only this run's results count for the milestones shown; predecessors that were not selected are judged by
    what the ledger holds. Raises NothingSelected and LedgerError.
    """
    from agent.session import run_session  # a mere look at the ledger needs no engine

    selection = select(plan, milestones, only, ids)
    outcome = run_session(plan, selection.checks, ledger=ledger, sinks=sinks, vantage_name=vantage)
    evidence: dict[str, Evidence] = {}
    if milestones:
        mine = {need.check for milestone in selection.milestones for need in milestone.gate.needs}
        evidence.update((name, known) for name, known in ledger.latest().items() if name not in mine)
    evidence.update(fresh(outcome.results, outcome.run.vantage))
    return paint_picture(
        plan,
        evidence,
        outcome.results,
        now=now(),
        run=outcome.run,
        milestones=selection.milestones,
        waivers=ledger.waivers(),
        decisions=ledger.decisions(),
        lost=outcome.lost,
        running=_running(ledger),
    )


def stand(
    plan: Plan, ledger: Ledger, *, now: datetime, milestones: Sequence[str] = (), full: bool = False
) -> Picture:
    """Return the picture of the ledger as it stands, newest result of each check.

    With `full` every result comes whole, with its observation; without it the status of a large project is
    instant.
    """
    selection = select(plan, milestones)
    running = _running(ledger)  # first: a run that ends while we look is not taken for a killed one
    known = {name: item for name, item in ledger.latest().items() if name in plan.by_id}
    runs = ledger.runs(limit=1)
    results: Mapping[str, Told] = (
        {name: ledger.result(item.seq) for name, item in known.items()} if full else known
    )
    return paint_picture(
        plan,
        known,
        results,
        now=now,
        run=runs[0] if runs else None,
        milestones=selection.milestones,
        waivers=ledger.waivers(),
        decisions=ledger.decisions(),
        running=running,
    )


def _running(ledger: Ledger) -> list[LiveRun]:
    return LiveRuns(ledger.path).look_once() if ledger.path is not None else []
