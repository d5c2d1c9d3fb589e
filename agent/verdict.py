"""The verdict: a pure function of plan, results, waivers, decisions and time.

Law 1 lives here: a milestone is GO only if every required check of its gate has a result of this very
definition that passed, is fresh, and was seen from an allowed vantage. Whatever is missing, stale, blocked or
inconclusive makes it INCOMPLETE; a required check that failed makes it NO-GO.
"""

from __future__ import annotations

import enum
import fnmatch
import ipaddress
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from agent.plan import Gate, GateNeed, Milestone, Plan
from agent.records import Decision, Waiver
from checks.dataclass import dataclass
from checks.words import Status

CLOCK_TOLERANCE = timedelta(seconds=5)
"""How far in the future a result may lie before the clock, not the check, is to blame."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneVerdict:
    """The verdict on one milestone; `reasons` are sentences, the weightiest first, empty for GO."""

    milestone: Milestone
    verdict: Verdict
    reasons: tuple[str, ...]
    standings: tuple[CheckStanding, ...]
    until: datetime | None = None
    """When this GO ends if nothing is run again: a result too old, a waiver over. None if it is no GO."""


def judge_plan(
    plan: Plan,
    known: Mapping[str, Evidence],
    *,
    now: datetime,
    waivers: Iterable[Waiver] = (),
    decisions: Iterable[Decision] = (),
) -> tuple[MilestoneVerdict, ...]:
    """Return the verdict on every milestone of `plan` at the time `now`, in the plan's order."""
    in_force = {waiver.check: waiver for waiver in waivers if _in_force(waiver, now)}
    last_word = {decision.milestone: decision for decision in decisions}
    signed = {
        name for name, said in last_word.items() if said.verdict in GOES and said.at <= now + CLOCK_TOLERANCE
    }
    done: dict[str, MilestoneVerdict] = {}

    def judge(milestone: Milestone, above: frozenset[str]) -> MilestoneVerdict:
        if milestone.id not in done:
            before: list[str] = []
            ends: list[datetime | None] = []
            for name in milestone.after:
                earlier = plan.milestone(name)
                if earlier is None or name in above:
                    before.append(f"It comes after {name}, which cannot be judged.")
                elif name not in signed:
                    judged = judge(earlier, above | {milestone.id})
                    if judged.verdict not in GOES:
                        before.append(f"It comes after {name}, which is {judged.verdict}.")
                    ends.append(judged.until)
            standings = tuple(
                _stand(plan, milestone.gate, need, known, in_force.get(need.check), now)
                for need in milestone.gate.needs
            )
            ends += [_end(milestone.gate, item, known) for item in standings if item.required]
            done[milestone.id] = _conclude(milestone, standings, before, ends)
        return done[milestone.id]

    return tuple(judge(milestone, frozenset({milestone.id})) for milestone in plan.milestones)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the one word for several milestones: the worst; of none, INCOMPLETE."""
    order = (Verdict.NO_GO, Verdict.INCOMPLETE, Verdict.GO_WITH_WAIVERS, Verdict.GO)
    return min(verdicts, key=order.index, default=Verdict.INCOMPLETE)


def _in_force(waiver: Waiver, now: datetime) -> bool:
    author, approver = _person(waiver.author), _person(waiver.approver)
    two_people = bool(author) and bool(approver) and author != approver
    return two_people and waiver.at <= now + CLOCK_TOLERANCE < waiver.expires


def _person(name: str) -> str:
    """Return a name without what writes one person in two ways: case, spaces, forms of a letter."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _stand(
    plan: Plan,
    gate: Gate,
    need: GateNeed,
    known: Mapping[str, Evidence],
    waiver: Waiver | None,
    now: datetime,
) -> CheckStanding:
    standing, reason = _weigh(plan, gate, need.check, known.get(need.check), now)
    return CheckStanding(
        check=need.check,
        required=need.required,
        standing=standing,
        reason=reason,
        waiver=None if standing is Standing.PASS else waiver,
    )


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


def _end(gate: Gate, item: CheckStanding, known: Mapping[str, Evidence]) -> datetime | None:
    """Return when a check that is good enough now no longer is: its result too old, its waiver over."""
    if item.standing is Standing.PASS or (item.standing is Standing.WARN and gate.warnings):
        try:
            return known[item.check].finished + timedelta(seconds=gate.max_age_s)
        except OverflowError:
            return None
    return item.waiver.expires if item.waiver is not None else None


def _conclude(
    milestone: Milestone,
    standings: tuple[CheckStanding, ...],
    before: list[str],
    ends: list[datetime | None],
) -> MilestoneVerdict:
    required = [item for item in standings if item.required]
    failing: list[str] = []
    unproven: list[str] = list(before)
    waived: list[str] = []
    for item in required:
        if item.standing is Standing.PASS or (item.standing is Standing.WARN and milestone.gate.warnings):
            continue
        why = f"{item.check}: {item.reason or item.standing}"
        if item.waiver is not None:
            waived.append(f"{why}, waived until {item.waiver.expires.isoformat()} by {item.waiver.approver}")
        elif item.standing is Standing.FAIL:
            failing.append(why)
        elif item.standing is Standing.WARN:
            failing.append(f"{item.check}: warn, and this gate allows no warnings")
        else:
            unproven.append(why)
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


def span(seconds: float) -> str:
    """Return a length of time in its two largest units: `3 d 4 h`, `12 min`, `4.2 s`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    parts = []
    rest = int(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(parts[:2])
