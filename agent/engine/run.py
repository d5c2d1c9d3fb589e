"""A run: the plan's checks through the scheduler into the ledger, and everyone told once it is on disk.

`execute` is the one way to run checks: `gonogo run`, `here` and `demo` all call it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from agent.engine.attempt import Subject, never_ran, perform
from agent.engine.events import Sink
from agent.engine.scheduler import Job, Limits, Scheduler
from agent.ledger.errors import LedgerError
from agent.ledger.store import Ledger
from agent.plan import Plan, PlannedCheck
from agent.records import RunRecord, VantageRecord
from checks.contract import Finding, Result, Status
from checks.dataclass import dataclass
from checks.judging import cannot_tell
from checks.vantage import Shared

VANTAGE = "vantage"
"""The cause named by checks that are blocked because this laptop itself has no link."""

_FINISHED: Literal["finished"] = "finished"
_CANCELLED: Literal["cancelled"] = "cancelled"
TOTAL, PER_TARGET, PROCESSES = 200, 16, 8


@dataclass(slots=True)
class Outcome:
    """What a run gave: its record, the results that are on disk, and those that could not be stored."""

    run: RunRecord
    results: dict[str, Result] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


async def execute(
    plan: Plan,
    selected: Sequence[str],
    *,
    vantage: VantageRecord,
    shared: Shared,
    ledger: Ledger,
    sinks: Sequence[Sink] = (),
) -> Outcome:
    """Run the checks `selected` (ids) of `plan` as seen from `vantage` and return what came of it.

    Cancelling the task stops the checks in flight, stores what is known, and returns with the run's outcome
    `cancelled`; what was in flight has no result and reads as not run. `shared` is closed at the end.
    A ledger that cannot begin the run raises LedgerError before any check starts.
    """
    begun, clock = datetime.now(UTC), time.monotonic()
    run = RunRecord(
        id=f"{begun:%Y%m%dT%H%M%S}-{os.urandom(3).hex()}",
        started=begun,
        vantage=vantage,
        plan_digest=plan.sources_digest,
        selected=tuple(selected),
        project_file=Path(plan.source).name,
    )
    ledger.begin_run(run)
    for sink in sinks:
        sink.run_started(plan, run)
    live = _Live(plan, run, shared, ledger, sinks)
    cancelled = False
    try:
        await live.go([plan.by_id[name] for name in selected])
    except asyncio.CancelledError:
        cancelled = True
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
    finally:
        await live.settle()
        await shared.close()
    jump = (datetime.now(UTC) - begun).total_seconds() - (time.monotonic() - clock)
    finished, outcome = datetime.now(UTC), _CANCELLED if cancelled else _FINISHED
    run = replace(run, finished=finished, outcome=outcome, clock_jump_s=round(jump, 3))
    try:
        ledger.end_run(run.id, finished=finished, outcome=outcome, clock_jump_s=run.clock_jump_s)
    except LedgerError as error:
        live.outcome.lost["the end of the run"] = str(error)
    live.outcome.run = run
    for sink in sinks:
        sink.run_done(run)
    return live.outcome


class _Live:
    """The moving parts of one run."""

    def __init__(
        self, plan: Plan, run: RunRecord, shared: Shared, ledger: Ledger, sinks: Sequence[Sink]
    ) -> None:
        self.outcome = Outcome(run)
        self._run = run
        self._sinks = sinks
        self._scheduler = Scheduler(
            self._execute,
            blocked=self._blocked,
            stuck=self._stuck,
            limits=Limits(total=_places(), kinds={"process": PROCESSES}, per_target=PER_TARGET),
        )
        self._subject = Subject(
            run=run.id, vantage=run.vantage.name, shared=shared, reaper=self._scheduler.reaper
        )
        self._loop = asyncio.get_running_loop()
        self._writer = ledger.writer(self._hear_stored, self._hear_lost)

    async def go(self, planned: Sequence[PlannedCheck]) -> None:
        jobs = [self._job(item) for item in planned]
        if not self._run.vantage.link_up:
            jobs.append(Job(key=VANTAGE, length=float("inf")))
        await self._scheduler.run(jobs)

    async def settle(self) -> None:
        """Wait until everything known is on disk and has been told."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self._writer.close))
        await asyncio.sleep(0)

    def _job(self, item: PlannedCheck) -> Job:
        try:
            check = item.build()
            leaves, length = check.needs_link(), item.timeout_s or check.allowance()
        except Exception as error:  # noqa: BLE001 - a check that cannot be made is a result, not a crash
            return Job(key=item.id, needs=item.needs, load=(item, error))
        needs = (*item.needs, VANTAGE) if leaves else item.needs
        return Job(
            key=item.id, needs=needs, kind=check.kind, target=item.target, length=length, load=(item, check)
        )

    async def _execute(self, job: Job) -> bool:
        if job.key == VANTAGE:
            return False
        item, check = job.load
        if isinstance(check, Exception):
            self._put(item, Status.INCONCLUSIVE, _unmade(item, check))
            return False
        now = datetime.now(UTC)
        for sink in self._sinks:
            sink.check_started(job.key, now)
        result = await perform(item, check, self._subject)
        if job.done:
            return False
        self._writer.put(result)
        return result.status in (Status.PASS, Status.WARN)

    def _blocked(self, job: Job, cause: str) -> None:
        self._put(job.load[0], Status.BLOCKED, None, cause)

    def _stuck(self, job: Job) -> None:
        self._put(job.load[0], Status.INCONCLUSIVE, _given_up(job.load[0]))

    def _put(
        self, item: PlannedCheck, status: Status, finding: Finding | None, cause: str | None = None
    ) -> None:
        self._writer.put(never_ran(item, self._subject, status, finding, cause))

    def _hear_stored(self, results: list[Result]) -> None:
        self._loop.call_soon_threadsafe(self._stored, results)

    def _hear_lost(self, results: list[Result], error: LedgerError) -> None:
        self._loop.call_soon_threadsafe(self._lost, results, str(error))

    def _stored(self, results: list[Result]) -> None:
        for result in results:
            self.outcome.results[result.check] = result
            for sink in self._sinks:
                sink.check_done(result)

    def _lost(self, results: list[Result], why: str) -> None:
        for result in results:
            self.outcome.lost[result.check] = why
            for sink in self._sinks:
                sink.check_lost(result, why)


def _unmade(item: PlannedCheck, error: Exception) -> Finding:
    return cannot_tell(
        item.target,
        f"The check cannot be made from its definition ({type(error).__name__}: {error}).",
        fix=f"Run 'gonogo lint' and mend the check at {item.place}.",
    )


def _given_up(item: PlannedCheck) -> Finding:
    return cannot_tell(
        item.target,
        "The check did not end when its time was up and was given up.",
        fix="Report the check type; until then give the check a shorter 'timeout' or leave it out.",
    )


def _places() -> int:
    """Return how many checks may run at once: never more than the open files that are allowed."""
    try:
        import resource
    except ImportError:
        return TOTAL
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(10, min(TOTAL, soft - 200)) if soft != resource.RLIM_INFINITY else TOTAL
