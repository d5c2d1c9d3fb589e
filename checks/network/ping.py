"""network.ping: loss, round-trip time and jitter to a host over a window."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated

from checks.bounds import Ge, Le
from checks.contract import CannotTell, Check, Finding, Measure, Status, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, within
from checks.network._echo import (
    NO_FAMILY,
    OWN_ADDRESS,
    OWN_ADDRESS_FIX,
    first_of_each,
    is_own,
    our_fix,
    unsent,
)
from checks.network._peers import unresolved
from checks.network._sample import jitter, percentile, proves_loss, sample_for
from checks.params import Duration, Host, Percent
from checks.thresholds import Limit, SetName, limits
from checks.wire.icmp import Icmp
from checks.wire.icmp_packet import Echo
from checks.wire.names import Family, Resolved, resolve

PATIENCE_S = 2.0
"""A reply that takes longer counts as lost, as it does for any call."""
SHORTEST_S, LONGEST_S = 0.02, 0.25
"""Bounds of an interval that is not given: 50 packets a second are what one phone call sends."""
FIELD_WINDOW_S = 15.0
MOST_ECHOES = 20_000
LEAST_REPLIES = 20
"""So many replies a 95th percentile and a mean of differences need at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error that echoes met: reported by `responder`, or this laptop's own (`local`)."""

    error: str
    responder: str | None
    local: bool
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinged:
    """The echoes to one address: `rtts_ms` has one entry for each that left, None if unanswered."""

    address: str
    planned: int
    interval_s: float
    rtts_ms: tuple[float | None, ...]
    faults: tuple[Fault, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PingSeen:
    """The first address of each family that the name has, and its echoes."""

    names: Resolved
    targets: tuple[Pinged, ...]


class Ping(Check[PingSeen]):
    """The host answers echo requests, with loss, round-trip time and jitter within limits over a window.

    The loss limit sets the size of the sample: without a single loss, three divided by the limit packets are
    needed to say with 95 % confidence that the loss is below it (1 % needs 300). `interval` and `window`
    follow from that unless they are given; a sample that is too small is inconclusive, not a pass. The
    round-trip time is judged by its 95th percentile. Jitter is the mean absolute difference between
    consecutive round-trip times: RFC 3550's difference, over both ways and without its smoothing.

    Proves: the first address of each family that the name has answers from here, as well as stated.
    Cannot prove: that a service works there; that loss is symmetric; how the network treats other traffic
    than ICMP. A host that ignores echo requests on purpose fails: use network.tcp for it. An IPv6 address is
    not tested where this laptop has no IPv6 route and IPv4 works: a warning; a failure with `family: ipv6`.
    If it fails: look for the link that loses or delays: Wi-Fi, a busy line, a bad cable; network.path
    shows the hops.

    Source: RFC 792 and RFC 4443 section 4 (echo), RFC 3550 section 6.4.1 (jitter); limits name theirs.

    Example:
        type: network.ping
        target: 10.20.0.1
        thresholds: teams
    """

    target: Host
    """Name or address of the host."""
    family: Family = "any"
    """Which addresses of the name to test: `any` (the first of each family), `ipv4` or `ipv6`."""
    thresholds: SetName = "data-only"
    """Named set of limits for loss, round-trip time and jitter."""
    max_loss: Percent | None = None
    """Most loss that is tolerable, instead of the set's limit; 0 allows none in the window."""
    max_rtt: Duration | None = None
    """Longest 95th percentile of the round-trip time, instead of the set's limit."""
    max_jitter: Duration | None = None
    """Most jitter, instead of the set's limit."""
    window: Annotated[Duration, Ge(0.02), Le(3600)] | None = None
    """How long to measure; left out, 15 s (the window of Microsoft's limits) or what the loss limit needs."""
    interval: Annotated[Duration, Ge(0.002), Le(60)] | None = None
    """Time between two packets; left out, what the loss limit needs, between 20 and 250 ms."""
    size: Annotated[int, Ge(16), Le(8972)] = 56
    """Bytes of data in each packet (IP and ICMP headers come on top)."""

    def __post_init__(self) -> None:
        if self.max_rtt == 0 or self.max_jitter == 0:
            raise ValueError("max_rtt and max_jitter must be longer than zero.")
        window, interval = self.timing()
        if interval > window:
            raise ValueError("interval must not be longer than window.")
        if window / interval > MOST_ECHOES:
            raise ValueError(
                f"window and interval make {window / interval:.0f} packets; at most {MOST_ECHOES:,} are sent."
            )

    def timing(self) -> tuple[float, float]:
        """Return window and interval in seconds."""
        need = sample_for(self.limits()["loss"].fail)
        window = self.window
        if window is None:
            window = max(FIELD_WINDOW_S, need * (self.interval or SHORTEST_S))
            window = min(window, 3600.0)
        if self.interval is not None:
            return window, self.interval
        return window, min(max(window / need, SHORTEST_S), LONGEST_S, window)

    def limits(self) -> dict[str, Limit]:
        """Return the limits in force for `loss`, `rtt` and `jitter`."""
        found = dict(limits(self.thresholds))
        own = {
            "loss": (self.max_loss, "%", "max_loss"),
            "rtt": (None if self.max_rtt is None else self.max_rtt * 1000, "ms", "max_rtt"),
            "jitter": (None if self.max_jitter is None else self.max_jitter * 1000, "ms", "max_jitter"),
        }
        for name, (value, unit, key) in own.items():
            if value is not None:
                found[name] = Limit(value, value, unit, f"{key} of this check")
        return found

    def allowance(self) -> float:
        return self.deadline_s + self.timing()[0] + PATIENCE_S

    async def observe(self, vantage: Vantage) -> PingSeen:
        names = await resolve(vantage, self.target, self.family)
        addresses = first_of_each(names.addresses)
        if not addresses:
            return PingSeen(names=names, targets=())
        icmp = await vantage.client(Icmp)
        window, interval = self.timing()
        planned = max(1, math.floor(window / interval + 1e-6))
        time_left = vantage.remaining() - PATIENCE_S - 0.5
        count = max(1, min(planned, math.floor(time_left / interval)))
        outcomes = await asyncio.gather(
            *(
                icmp.series(address, count=count, interval=interval, timeout=PATIENCE_S, size=self.size)
                for address in addresses
            ),
            return_exceptions=True,
        )
        targets = []
        for address, outcome in zip(addresses, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                if not isinstance(outcome, CannotTell) or len(addresses) == 1:
                    raise outcome
                vantage.note(outcome.reason)
                fault = Fault(error=NO_FAMILY, responder=None, local=True, count=count)
                targets.append(
                    Pinged(address=address, planned=planned, interval_s=interval, rtts_ms=(), faults=(fault,))
                )
            else:
                seen = summarise(address, planned, interval, outcome)
                targets.append(dataclasses.replace(seen, own=is_own(self.target, address)))
        return PingSeen(names=names, targets=tuple(targets))

    def judge(self, seen: PingSeen) -> Iterable[Finding]:
        if not seen.names.addresses:
            yield unresolved(self.subject(), seen.names)
        for pinged in seen.targets:
            works = any(
                rtt is not None for other in seen.targets for rtt in other.rtts_ms if other is not pinged
            )
            yield from self._judge_one(pinged, works=works)

    def _judge_one(self, pinged: Pinged, *, works: bool) -> Iterable[Finding]:
        where, sent = pinged.address, len(pinged.rtts_ms)
        if pinged.own:
            yield cannot_tell(where, OWN_ADDRESS, fix=OWN_ADDRESS_FIX, expected="a host elsewhere")
            return
        ours = [fault for fault in pinged.faults if fault.local]
        if sent == 0:
            error = ours[0].error if ours else "the time was over"
            yield unsent(where, error, elsewhere=works and self.family == "any")
            return
        if sent < 0.9 * pinged.planned:
            because = f" ({ours[0].error})" if ours else ""
            yield cannot_tell(
                where,
                f"The window was cut short: {sent} of {pinged.planned} packets left this laptop{because}.",
                expected=f"{pinged.planned} packets",
                observed=f"{sent} packets",
                fix=our_fix(ours[0].error)
                if ours
                else "Give the check more time (timeout), or a shorter window.",
            )
        replies = [rtt for rtt in pinged.rtts_ms if rtt is not None]
        if not replies:
            yield self._silent(pinged, sent)
            return
        found = self.limits()
        yield self._loss(pinged, found["loss"], sent, sent - len(replies))
        yield self._delay(where, found["rtt"], sorted(replies))
        yield self._jitter(where, found["jitter"], pinged.rtts_ms)

    def _silent(self, pinged: Pinged, sent: int) -> Finding:
        theirs = [fault for fault in pinged.faults if not fault.local]
        told = max(theirs, key=lambda fault: fault.count, default=None)
        observed = f"no reply to {sent} packets"
        fix = (
            "Check that the host is on, its address and VLAN, and the firewalls on the way; if it ignores "
            "ping on purpose, test its service by network.tcp."
        )
        if told is not None and told.responder is not None:
            observed += f"; {told.responder} says: {told.error}"
            fix = f"Look at {told.responder}: it reports that it cannot deliver to this host, or may not."
        elif told is not None:
            observed += f"; {told.error}"
            fix = "Look for address translation or a second host that answers in its place."
        return failed(
            pinged.address, "The host gives no reply.", expected="replies", observed=observed, fix=fix
        )

    def _loss(self, pinged: Pinged, limit: Limit, sent: int, lost: int) -> Finding:
        measure = Measure(
            name="Packet loss", value=100.0 * lost / sent, unit="%", warn=limit.warn, fail=limit.fail,
            source=limit.source,
        )  # fmt: skip
        seconds = sent * pinged.interval_s
        sample = f"{lost} of {sent} packets lost in {seconds:.3g} s"
        finding = within(
            pinged.address,
            measure,
            fix="Look for a bad cable or port, a duplex mismatch, Wi-Fi or a full uplink.",
        )
        need = sample_for(limit.fail)
        if sent < need and not (finding.status is Status.FAIL and proves_loss(sent, lost, limit.fail)):
            return cannot_tell(
                pinged.address,
                f"Too few packets to test a loss limit of {limit.fail:g} %: {sample}, {need} are needed.",
                expected=f"at most {limit.fail:g} % of at least {need} packets ({limit.source})",
                observed=f"{measure.value:.3g} % of {sent} packets",
                fix="Set a longer window or a shorter interval.",
            )
        return dataclasses.replace(finding, message=f"{finding.message[:-1]}: {sample}.")

    def _delay(self, where: str, limit: Limit, replies: Sequence[float]) -> Finding:
        p50, p95, p99 = (percentile(replies, share) for share in (50, 95, 99))
        spread = f"p50 {p50:.3g}, p95 {p95:.3g}, p99 {p99:.3g}, longest {replies[-1]:.3g} ms"
        if len(replies) < LEAST_REPLIES:
            return self._too_few(where, "round-trip time", limit, len(replies), spread)
        measure = Measure(
            name="Round-trip time (p95)", value=p95, unit="ms", warn=limit.warn, fail=limit.fail,
            source=limit.source,
        )  # fmt: skip
        fix = "Find what delays: a full uplink, Wi-Fi, a VPN, or a detour to a distant site."
        finding = within(where, measure, fix=fix)
        return dataclasses.replace(
            finding, message=f"{finding.message[:-1]}: {spread} ({len(replies)} replies)."
        )

    def _jitter(self, where: str, limit: Limit, rtts: Sequence[float | None]) -> Finding:
        value, pairs = jitter(rtts)
        if pairs < LEAST_REPLIES - 1:
            return self._too_few(where, "jitter", limit, pairs + 1, f"{value:.3g} ms")
        measure = Measure(
            name="Jitter", value=value, unit="ms", warn=limit.warn, fail=limit.fail, source=limit.source
        )
        fix = "Give voice its priority (QoS) and look for a full uplink, Wi-Fi interference or a busy router."
        finding = within(where, measure, fix=fix)
        return dataclasses.replace(
            finding, message=f"{finding.message[:-1]}: mean difference of {pairs} consecutive replies."
        )

    def _too_few(self, where: str, what: str, limit: Limit, count: int, observed: str) -> Finding:
        return cannot_tell(
            where,
            f"Too few replies to judge the {what}: {count}, at least {LEAST_REPLIES} are needed.",
            expected=f"at most {limit.fail:g} {limit.unit} ({limit.source})",
            observed=observed,
            fix="Mend the loss first, or set a longer window.",
        )


def summarise(address: str, planned: int, interval: float, echoes: Sequence[Echo]) -> Pinged:
    """Return what is kept of a series as evidence."""
    errors = Counter((echo.error, echo.responder, echo.local) for echo in echoes if echo.error is not None)
    return Pinged(
        address=address,
        planned=planned,
        interval_s=interval,
        rtts_ms=tuple(
            None if echo.rtt_ms is None else round(echo.rtt_ms, 3) for echo in echoes if not echo.local
        ),
        faults=tuple(
            Fault(error=str(error), responder=responder, local=local, count=count)
            for (error, responder, local), count in errors.most_common(8)
        ),
    )
