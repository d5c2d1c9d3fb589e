"""The verdict: a pure function of plan, results, waivers, decisions and time.

Law 1 lives here: a milestone is GO only if every required check of its gate has a result of this very
definition that passed, is fresh, and was seen from an allowed vantage. Whatever is missing, stale, blocked or
inconclusive makes it INCOMPLETE; a required check that failed makes it NO-GO. What people accepted (see
`accepted`) makes at best GO WITH WAIVERS of it, and of every milestone that comes after.
"""

from __future__ import annotations

import enum
import fnmatch
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from agent.accepted import CLOCK_TOLERANCE as CLOCK_TOLERANCE  # noqa: PLC0414 - others find it here
from agent.accepted import GO, against_the_rules, cover, decided, in_force, last_words
from agent.plan import Gate, GateNeed, Milestone, Plan
from agent.records import Decision, Waiver
from checks.dataclass import dataclass
from checks.words import Status, span


class Verdict(enum.StrEnum):
    """Whether the milestone can go."""

    GO = "GO"
    GO_WITH_WAIVERS = "GO WITH WAIVERS"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"


GOES = frozenset({Verdict.GO, Verdict.GO_WITH_WAIVERS})


class Standing(enum.StrEnum):
    """How a check stands in a gate: its status, or why there is none that counts."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    BLOCKED = "blocked"
    STALE = "stale"
    NOT_RUN = "not run"


class Evidence(Protocol):
    """What the verdict needs to know of a result."""

    @property
    def status(self) -> Status: ...
    @property
    def finished(self) -> datetime: ...
    @property
    def digest(self) -> str: ...
    @property
    def vantage_name(self) -> str: ...
    @property
    def vantage_addresses(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStanding:
    """One check in one gate. `reason` is a sentence where there is no status that counts."""

    check: str
    required: bool
    standing: Standing
    reason: str = ""
    waiver: Waiver | None = None
    """The one that covers it as it stands."""
    uncovered: str = ""
    """Why a waiver that is in force does not cover it; raw text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneVerdict:
    """The verdict on one milestone; `reasons` are sentences, the weightiest first, empty for GO."""

    milestone: Milestone
    verdict: Verdict
    reasons: tuple[str, ...]
    standings: tuple[CheckStanding, ...]
    until: datetime | None = None
    """When this GO ends if nothing is run again: a result too old, a waiver over. None if it is no GO."""


Stood = tuple[tuple[CheckStanding, ...], tuple[datetime, ...]]
"""How the checks of a gate stand, and when those that are good enough end."""


Stand = Callable[[Plan, Milestone, Mapping[str, Evidence], Mapping[str, Sequence[Waiver]], datetime], Stood]


def stand_one(
    plan: Plan,
    gate: Gate,
    need: GateNeed,
    evidence: Evidence | None,
    waivers: Sequence[Waiver],
    now: datetime,
) -> tuple[CheckStanding, datetime | None]:
    """Return how one check stands in a gate, and when what is good enough now no longer is."""
    item = _stand(plan, gate, need, evidence, waivers, now)
    return item, _end(gate, item, evidence) if need.required else None


def stand_all(
    plan: Plan,
    milestone: Milestone,
    known: Mapping[str, Evidence],
    waived: Mapping[str, Sequence[Waiver]],
    now: datetime,
) -> Stood:
    """Return how every check of a milestone's gate stands, and when each that is good enough ends."""
    gate = milestone.gate
    stood = [
        stand_one(plan, gate, need, known.get(need.check), waived.get(need.check, ()), now)
        for need in gate.needs
    ]
    return tuple(item for item, _ in stood), tuple(end for _, end in stood if end is not None)


def judge_plan(
    plan: Plan,
    known: Mapping[str, Evidence],
    *,
    now: datetime,
    waivers: Iterable[Waiver] = (),
    decisions: Iterable[Decision] = (),
    stand: Stand = stand_all,
) -> tuple[MilestoneVerdict, ...]:
    """Return the verdict on every milestone of `plan` at the time `now`, in the plan's order.

    `stand` is for who judges again and again and remembers what cannot have changed: `agent.standings`.
    """
    waived: dict[str, list[Waiver]] = {}
    for waiver in reversed(tuple(waivers)):
        if in_force(waiver, now):
            waived.setdefault(waiver.check, []).append(waiver)
    signed = last_words(decisions, now)
    done: dict[str, MilestoneVerdict] = {}

    def judge(milestone: Milestone, above: frozenset[str]) -> MilestoneVerdict:
        if milestone.id not in done:
            before: list[str] = []
            accepted: list[str] = []
            ends: list[datetime | None] = []
            for name in milestone.after:
                earlier, said = plan.milestone(name), signed.get(name)
                if earlier is None or name in above:
                    before.append(f"It comes after {name}, which cannot be judged.")
                elif said is not None and decided(said):
                    (accepted if decided(said) == GO else before).extend(_by_signature(said))
                else:
                    judged = judge(earlier, above | {milestone.id})
                    if judged.verdict not in GOES:
                        before.append(f"It comes after {name}, which is {judged.verdict}.")
                    elif judged.verdict is Verdict.GO_WITH_WAIVERS:
                        accepted.append(f"It comes after {name}, which is {judged.verdict}.")
                    ends.append(judged.until)
            standings, lasting = stand(plan, milestone, known, waived, now)
            ends += lasting
            done[milestone.id] = _conclude(milestone, standings, before, accepted, ends)
        return done[milestone.id]

    return tuple(judge(milestone, frozenset({milestone.id})) for milestone in plan.milestones)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the one word for several milestones: the worst; of none, INCOMPLETE."""
    order = (Verdict.NO_GO, Verdict.INCOMPLETE, Verdict.GO_WITH_WAIVERS, Verdict.GO)
    return min(verdicts, key=order.index, default=Verdict.INCOMPLETE)


def _by_signature(said: Decision) -> list[str]:
    """Return what a signature says of the milestones that come after; nothing if it says they can go."""
    begun = f"It comes after {said.milestone}, which {said.by}"
    if decided(said) != GO:
        return [f"{begun} signed NO-GO."]
    if against_the_rules(said):
        return [f"{begun} and {said.second} signed GO against the rules, which said {said.verdict}."]
    return [f"{begun} signed {said.verdict}."] if said.verdict != GO else []


def _stand(
    plan: Plan,
    gate: Gate,
    need: GateNeed,
    evidence: Evidence | None,
    waivers: Sequence[Waiver],
    now: datetime,
) -> CheckStanding:
    standing, reason = _weigh(plan, gate, need.check, evidence, now)
    waiver, uncovered = None, ""
    if standing is not Standing.PASS and waivers:
        planned = plan.by_id.get(need.check)
        waiver, uncovered = cover(waivers, standing, planned.digest if planned is not None else "")
    return CheckStanding(
        check=need.check, required=need.required, standing=standing, reason=reason, waiver=waiver,
        uncovered=uncovered,
    )  # fmt: skip


def _weigh(
    plan: Plan, gate: Gate, check: str, evidence: Evidence | None, now: datetime
) -> tuple[Standing, str]:
    planned = plan.by_id.get(check)
    if evidence is None or planned is None:
        return Standing.NOT_RUN, "not run"
    if evidence.digest != planned.digest:
        return Standing.STALE, "its definition has changed since it ran"
    if evidence.finished > now + CLOCK_TOLERANCE:
        return Standing.STALE, "its time lies in the future: the clock was moved"
    age = (now - evidence.finished).total_seconds()
    if age > gate.max_age_s:
        return Standing.STALE, f"{span(age)} old, the gate allows {span(gate.max_age_s)}"
    if gate.vantages and not _allowed(gate.vantages, evidence):
        return (
            Standing.NOT_RUN,
            f"only seen from {evidence.vantage_name}; the gate asks for {', '.join(gate.vantages)}",
        )
    return Standing(evidence.status.value), ""


def _allowed(vantages: Sequence[str], evidence: Evidence) -> bool:
    for pattern in vantages:
        try:
            network = ipaddress.ip_network(pattern)
        except ValueError:
            if fnmatch.fnmatchcase(evidence.vantage_name.casefold(), pattern.casefold()):
                return True
        else:
            if any(_inside(address, network) for address in evidence.vantage_addresses):
                return True
    return False


def _inside(address: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]) in network
    except ValueError:
        return False


def _end(gate: Gate, item: CheckStanding, evidence: Evidence | None) -> datetime | None:
    """Return when a check that is good enough now no longer is: its result too old, its waiver over."""
    good = item.standing is Standing.PASS or (item.standing is Standing.WARN and gate.warnings)
    if good and evidence is not None:
        try:
            return evidence.finished + timedelta(seconds=gate.max_age_s)
        except OverflowError:
            return None
    return item.waiver.expires if item.waiver is not None else None


def _conclude(
    milestone: Milestone,
    standings: tuple[CheckStanding, ...],
    before: list[str],
    accepted: list[str],
    ends: list[datetime | None],
) -> MilestoneVerdict:
    required = [item for item in standings if item.required]
    failing: list[str] = []
    unproven: list[str] = list(before)
    waived: list[str] = list(accepted)
    for item in required:
        if item.standing is Standing.PASS or (item.standing is Standing.WARN and milestone.gate.warnings):
            continue
        why = f"{item.check}: {item.reason or item.standing}"
        if item.waiver is not None:
            waived.append(f"{why}, waived until {item.waiver.expires.isoformat()} by {item.waiver.approver}")
            continue
        uncovered = f"; {item.uncovered}" if item.uncovered else ""
        if item.standing is Standing.FAIL:
            failing.append(why + uncovered)
        elif item.standing is Standing.WARN:
            failing.append(f"{item.check}: warn, and this gate allows no warnings{uncovered}")
        else:
            unproven.append(why + uncovered)
    if not required:
        unproven.append("the gate requires nothing, so nothing is proven")
    if failing:
        verdict = Verdict.NO_GO
    elif unproven:
        verdict = Verdict.INCOMPLETE
    else:
        verdict = Verdict.GO_WITH_WAIVERS if waived else Verdict.GO
    known_ends = [end for end in ends if end is not None]
    return MilestoneVerdict(
        milestone=milestone,
        verdict=verdict,
        reasons=(*failing, *unproven, *waived),
        standings=standings,
        until=min(known_ends, default=None) if verdict in GOES else None,
    )
