"""network.tcp: a TCP port can be reached from here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Ge, Le
from checks.contract import Check, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.network._peers import EXPLAINED, unresolved, untested
from checks.params import Duration, Host, Port, join_endpoint
from checks.safe import safe
from checks.wire.names import Family, Resolved, resolve
from checks.wire.tcp import Attempt, budget, probe

MAX_ADDRESSES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSeen:
    """One attempt for each of the first addresses that the name had."""

    names: Resolved
    attempts: tuple[Attempt, ...]


class Tcp(Check[TcpSeen]):
    """The TCP port accepts connections, on every address that the name has.

    Refused, filtered (no answer), unreachable and reset are told apart, because each is mended elsewhere.
    `seconds` in the observation is the connect time: one round trip, without name resolution.

    Proves: a TCP handshake from this laptop to that port completes now, on each address listed.
    Cannot prove: that the service behind the port works; a load balancer without a living server accepts too
    (`hold` finds the ones that then break off). An IPv6 address of a name is not tested where this laptop has
    no IPv6 route and an IPv4 address works: that is a warning, and a failure with `family: ipv6`.
    If it fails: start the service or correct its port; where packets are dropped, open the port in the
    firewall on the way.

    Source: RFC 9293 section 3.5 (connection), RFC 5461 section 2 (what ICMP errors mean to TCP), RFC 8305
    section 1 (what one dead family costs users).

    Example:
        type: network.tcp
        target: files.example.com
        port: 445
        max_connect: 100ms
    """

    deadline_s = 6.0

    target: Host
    """Name or address of the server."""
    port: Port
    """TCP port."""
    family: Family = "any"
    """Which addresses of the name to test: `any` (all of them), `ipv4` or `ipv6`."""
    addresses: Literal["every", "one"] = "every"
    """`every` address must accept; with `one` a dead address beside a living one is only a warning."""
    max_connect: Duration | None = None
    """Longest connect time that is still tolerable; a warning from two thirds of it on."""
    hold: Annotated[Duration, Ge(0), Le(5)] = 0.0
    """Seconds (at most 5) that the server must keep the connection open after accepting it."""

    def __post_init__(self) -> None:
        if self.max_connect is not None and self.max_connect <= 0:
            raise ValueError("max_connect must be longer than zero.")

    def subject(self) -> str:
        return join_endpoint(self.target, self.port)

    def allowance(self) -> float:
        return self.deadline_s + self.hold

    async def observe(self, vantage: Vantage) -> TcpSeen:
        names = await resolve(vantage, self.target, self.family)
        tried = names.addresses[:MAX_ADDRESSES]
        patience = max(0.01, budget(vantage) - self.hold)
        if len(tried) == 1:
            attempts = [await probe(tried[0], self.port, patience, self.hold)]
        else:
            probes = (probe(address, self.port, patience, self.hold) for address in tried)
            attempts = await asyncio.gather(*probes)
        return TcpSeen(names=names, attempts=tuple(attempts))

    def judge(self, seen: TcpSeen) -> Iterable[Finding]:
        if not seen.names.addresses:
            yield unresolved(self.subject(), seen.names)
        works = any(attempt.outcome == "open" for attempt in seen.attempts)
        for attempt in seen.attempts:
            yield from self._judge_one(attempt, works=works)
        untried = len(seen.names.addresses) - len(seen.attempts)
        if untried:
            yield warned(
                self.subject(),
                f"The name has more addresses than are tested at once: {untried} were left out.",
                fix="Test the addresses that matter by a check of their own.",
            )

    def _judge_one(self, attempt: Attempt, *, works: bool) -> Iterable[Finding]:
        where = join_endpoint(attempt.address, attempt.port)
        if attempt.outcome == "open":
            time_ms = attempt.seconds * 1000
            yield passed(
                where, "The port accepts connections.", expected="open", observed=f"open in {time_ms:.3g} ms"
            )
            if self.max_connect is not None:
                limit = self.max_connect * 1000
                measure = Measure(
                    name="Connect time", value=time_ms, unit="ms", warn=limit * 2 / 3, fail=limit,
                    source="max_connect of this check",
                )  # fmt: skip
                yield within(where, measure, fix="Find what slows the path: VPN, Wi-Fi, a loaded link.")
            return
        message, fix = EXPLAINED[attempt.outcome]
        say = {"expected": "open", "observed": f"{attempt.outcome}: {safe(attempt.detail, limit=200)}"}
        if attempt.outcome in ("barred", "local"):
            yield cannot_tell(where, message, fix=fix, **say)
        elif attempt.outcome == "no_route" and works and self.family == "any":
            yield untested(attempt)
        elif works and self.addresses == "one":
            yield warned(where, f"{message} Another address works.", fix=fix, **say)
        else:
            yield failed(where, message, fix=fix, **say)
