"""What the open ports of address ranges mean: unplanned ones fail, silence counts beside an open control."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checks.contract import Finding
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.network._echo import OWN_ADDRESS
from checks.params import join_endpoint, split_endpoint
from checks.safe import in_line, safe
from checks.security._exposed import ExposureSeen, Pair, Tally
from checks.security._knocks import Knock

MAX_FINDINGS = 50
FILTERED = (25, 135, 139, 445)
"""Ports that providers of lines and of clouds like to filter for their customers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the check was asked."""

    subject: str
    allowed: frozenset[Pair]
    authorised_by: str
    pairs: int


def judge(plan: Plan, seen: ExposureSeen) -> Iterable[Finding]:
    """Return the findings."""
    yield from _unplanned(plan, seen)
    for address in seen.own:
        yield cannot_tell(
            address, OWN_ADDRESS, expected="an address elsewhere", observed="an address of this laptop",
            fix="Stand outside of the ranges, and run it again.",
        )  # fmt: skip
    tried = sum(_all(tally) for tally in seen.tallies)
    if tried < plan.pairs:
        yield cannot_tell(
            plan.subject, "Not everything was tried.", expected=f"{plan.pairs} addresses and ports",
            observed=f"{tried}", fix="Run it again.",
        )  # fmt: skip
    for v6 in sorted({tally.v6 for tally in seen.tallies}):
        yield from _family(plan, seen, [tally for tally in seen.tallies if tally.v6 == v6], v6=v6)
    yield from _planned(plan, seen)


def _unplanned(plan: Plan, seen: ExposureSeen) -> Iterable[Finding]:
    wrong = [pair for pair in seen.open if pair not in plan.allowed]
    for pair in wrong[:MAX_FINDINGS]:
        since = ""
        if seen.earlier_at is not None:
            day = f"{seen.earlier_at:%Y-%m-%d %H:%M} UTC"
            since = f"; it was open on {day}, too" if pair in seen.earlier else f"; on {day} it was not"
        yield failed(
            join_endpoint(pair.address, pair.port), "The port is open from here and is not planned.",
            expected="closed", observed=f"open{since}",
            fix="Stop the service or close the port in the firewall; if it is planned, allow it: "
            f"allowed: [{{host: {_quoted(pair.address)}, port: {pair.port}}}].",
        )  # fmt: skip
    rest = len(wrong) - MAX_FINDINGS + seen.more_open
    if rest > 0:
        yield failed(
            plan.subject, f"{rest} more ports are open and not planned.", expected="closed", observed="open",
            fix="Close those that are named first. If everything seems open, a proxy on the way answers for "
            "all: stand elsewhere.",
        )  # fmt: skip


def _family(plan: Plan, seen: ExposureSeen, tallies: Sequence[Tally], *, v6: bool) -> Iterable[Finding]:
    family = "IPv6" if v6 else "IPv4"
    both = [
        pair for pair in seen.controls
        if all(item.outcome == "open" and (":" in item.address) == v6 for item in pair)
        and not any(item.address in seen.own for item in pair)
    ]  # fmt: skip
    opened = sum(tally.open for tally in tallies)
    silent = sum(tally.silent + tally.unreachable for tally in tallies)
    refused = sum(tally.refused for tally in tallies)
    hurried, unsent = sum(tally.hurried for tally in tallies), sum(tally.unsent for tally in tallies)
    if not both:
        yield cannot_tell(
            plan.subject, f"No control was open over {family} before and after: silence proves nothing.",
            expected="a control that is open", observed=_said(seen.controls),
            fix=f"Name a 'control' that is open over {family} and reached by the same line, or mend this "
            "laptop's line.",
        )  # fmt: skip
        return
    if unsent:
        yield cannot_tell(
            plan.subject, f"{unsent} attempts over {family} never left this laptop.", expected="all tried",
            observed=safe(seen.unsent, limit=200) or f"{unsent} not sent",
            fix="Give this laptop a route, allow it in its own firewall, or leave those ranges out.",
        )  # fmt: skip
    if hurried:
        yield cannot_tell(
            plan.subject, f"{hurried} ports were given too little time: an open one may look the same.",
            expected="at least 1.5 s for each", observed="less",
            fix="Give the check a longer 'timeout', or split its ranges.",
        )  # fmt: skip
    hidden = [
        tally.port for tally in tallies
        if tally.port in FILTERED and tally.silent and not (tally.refused or tally.open)
        and tally.port not in {split_endpoint(pair[0].endpoint)[1] for pair in both}
    ]  # fmt: skip
    if hidden:
        yield cannot_tell(
            plan.subject, f"Port {', '.join(map(str, hidden))} is silent everywhere, and providers like to "
            "filter it: an open one may be hidden by a filter near this laptop.",
            expected="a control that is open at the same port", observed="none",
            fix=f"Name in 'controls' a machine whose port {hidden[0]} is known to be open from here, stand "
            "on another line, or leave the port out of 'ports'.",
        )  # fmt: skip
    if not (unsent or hurried or hidden) and refused + silent:
        yield passed(
            plan.subject, f"{refused + silent} addresses and ports over {family} are closed, seen from here "
            f"(permitted by {safe(plan.authorised_by, limit=200)}).", expected="closed",
            observed=f"{refused} refused, {silent} unanswered, {opened} open; control {both[0][0].endpoint} "
            "open before and after",
        )  # fmt: skip


def _planned(plan: Plan, seen: ExposureSeen) -> Iterable[Finding]:
    there = sorted(_name(pair) for pair in plan.allowed if pair in seen.open)
    gone = sorted(_name(pair) for pair in plan.allowed if pair not in seen.open)
    if there:
        yield passed(plan.subject, "What is open and planned.", expected="allowed", observed=in_line(there))
    if gone and not seen.more_open:
        yield warned(
            plan.subject, "What is allowed is not open.", expected="open", observed=in_line(gone),
            fix="Take it out of 'allowed' if it is gone, or start the service.",
        )  # fmt: skip


def _all(tally: Tally) -> int:
    return (
        tally.open + tally.refused + tally.silent + tally.unreachable + tally.hurried + tally.unsent
    )  # fmt: skip


def _name(pair: Pair) -> str:
    return join_endpoint(pair.address, pair.port)


def _quoted(address: str) -> str:
    return f'"{address}"' if ":" in address else address


def _said(controls: Sequence[tuple[Knock, Knock]]) -> str:
    return in_line(f"{one.endpoint}: {one.outcome}, then {two.outcome}" for one, two in controls) or "none"
