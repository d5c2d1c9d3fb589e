"""All that a report shows, gathered in one place: plan, verdicts, results, run and time. No form yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Protocol

from agent.live import LiveRun
from agent.plan import Milestone, Plan
from agent.records import Decision, RunRecord, VantageRecord, Waiver
from agent.verdict import Evidence, MilestoneVerdict, Standing, Verdict, judge_plan, overall
from checks.dataclass import dataclass
from checks.words import Finding, Result, Status


class Told(Protocol):
    """What a report says of a result: a whole `Result`, or what the ledger keeps at hand of it."""

    @property
    def check(self) -> str: ...
    @property
    def status(self) -> Status: ...
    @property
    def target(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def duration_s(self) -> float: ...
    @property
    def blocked_by(self) -> str | None: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...


@dataclass(frozen=True, slots=True)
class Fresh:
    """A result of the run that just ended, as the verdict wants to see it."""

    status: Status
    finished: datetime
    digest: str
    vantage_name: str
    vantage_addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is known at `now`. `results` holds those that exist; a planned check without one was not run."""

    plan: Plan
    now: datetime
    run: RunRecord | None
    verdicts: tuple[MilestoneVerdict, ...]
    results: Mapping[str, Told]
    shown: tuple[str, ...]
    """Ids of the checks that belong to the verdicts shown, in the plan's order."""
    lost: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    """All that were ever written, the oldest first; which of them count, the verdicts say."""
    decisions: tuple[Decision, ...] = ()
    running: tuple[LiveRun, ...] = ()
    """Runs that go on, of whichever process."""
    stale: frozenset[str] = frozenset()
    """Checks that are stale in a gate whose verdict is not shown."""

    @property
    def verdict(self) -> Verdict:
        """The one word for all milestones shown."""
        return overall(item.verdict for item in self.verdicts)

    def standings(self) -> dict[str, Standing]:
        """Return how each check shown stands: its status, unless a gate does not count the result."""
        found = {
            name: Standing(self.results[name].status.value) if name in self.results else Standing.NOT_RUN
            for name in self.shown
        }
        for name in self.shown:
            digest = self.plan.by_id[name].digest
            changed = name in self.results and getattr(self.results[name], "digest", digest) != digest
            if changed or name in self.stale:
                found[name] = Standing.STALE
        for verdict in self.verdicts:
            for item in verdict.standings:
                if item.standing in (Standing.STALE, Standing.NOT_RUN):
                    found[item.check] = item.standing
        return {name: found[name] for name in self.shown}


def fresh(results: Mapping[str, Result], vantage: VantageRecord) -> dict[str, Evidence]:
    """Return the evidence that a run's own results are."""
    return {
        name: Fresh(
            result.status,
            result.started + timedelta(seconds=result.duration_s),
            result.digest,
            vantage.name,
            vantage.addresses,
        )
        for name, result in results.items()
    }


def paint_picture(
    plan: Plan,
    evidence: Mapping[str, Evidence],
    results: Mapping[str, Told],
    *,
    now: datetime,
    run: RunRecord | None,
    milestones: Iterable[Milestone],
    waivers: Iterable[Waiver] = (),
    decisions: Iterable[Decision] = (),
    lost: Mapping[str, str] | None = None,
    running: Iterable[LiveRun] = (),
) -> Picture:
    """Judge the plan and keep what concerns `milestones`."""
    wanted = {milestone.id for milestone in milestones}
    waivers, decisions = tuple(waivers), tuple(decisions)
    judged = judge_plan(plan, evidence, now=now, waivers=waivers, decisions=decisions)
    verdicts = tuple(item for item in judged if item.milestone.id in wanted)
    concerned = {need.check for item in verdicts for need in item.milestone.gate.needs}
    if len(wanted) == len(plan.milestones):
        concerned.update(plan.by_id)
    concerned.update(results)
    return Picture(
        plan=plan,
        now=now,
        run=run,
        verdicts=verdicts,
        results=results,
        shown=tuple(check.id for check in plan.checks if check.id in concerned),
        lost=lost or {},
        waivers=waivers,
        decisions=decisions,
        running=tuple(running),
        stale=frozenset(
            one.check
            for item in judged
            if item.milestone.id not in wanted
            for one in item.standings
            if one.standing is Standing.STALE
        ),
    )
