"""security.exposure: nothing in own address ranges can be reached from here that was not planned."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.network._echo import is_own
from checks.params import Address, Endpoint, Network, Port, join_endpoint
from checks.security._exposed import (
    A_SECOND,
    AT_ONCE,
    MAX_OPEN,
    PATIENCE_S,
    ExposureSeen,
    Pair,
    earlier,
    edges_of,
    pairs,
    tallied,
    tried,
)  # fmt: skip
from checks.security._exposure_judge import Plan, judge
from checks.security._knocks import OPEN, Knock, knock, require_port
from checks.security._places import listed
from checks.wire.tcp import budget

MAX_PAIRS = 16_384
CONTROL_S = 3.0
PORTS = (
    21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 161, 389, 443, 445, 514, 636, 873, 1433, 1521, 2049,
    2375, 3306, 3389, 5432, 5900, 5985, 6379, 8080, 8443, 9100, 9200, 10000, 11211, 27017,
)  # fmt: skip
"""Ports over which machines are administered, files, databases and mail are served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A port that is meant to be open."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    host: Address
    port: Port


class Exposure(Check[ExposureSeen]):
    """In these address ranges nothing is open, seen from here, but what is allowed.

    Every address and port gets one TCP handshake and not a byte of data, at most 500 a second. Scan your own
    ranges only, with a permission in writing. Silence counts only while controls of the same family were seen
    open before and after: an allowed port, `control`, `controls`. Where only silence answered at a port that
    providers like to filter on the way (25, 135, 139, 445), a control with that port is needed.

    Proves: from this laptop and network, at that moment, TCP connections to these ports were refused or
    unanswered. Stand where an attacker stands: on the Internet, or in the guest network.
    Cannot prove: anything about UDP, about other ports, nor about who is treated in another way than this
    laptop; that a filter near this laptop does not hide an open port, where no control has the same port.
    If it fails: stop the service or close the port in the firewall; if it is planned, name it in `allowed`.

    Source: RFC 9293 section 3.5; NIST SP 800-115 section 4.1 (network discovery), appendix B (permission).

    Example:
        type: security.exposure
        ranges: [203.0.113.0/29]
        allowed: [{host: 203.0.113.2, port: 443}]
        authorised_by: C. Owner, 2026-11-20, CHG0042
    """

    deadline_s = 30.0

    ranges: Annotated[tuple[Network, ...], Len(1, 64)]
    """Your own networks, `203.0.113.0/29`; with the ports at most 16,384 pairs."""
    ports: Annotated[tuple[Port, ...], Len(1, 1024)] = PORTS
    """The TCP ports to try; left out, 35 over which machines are administered or data is served."""
    allowed: Annotated[tuple[Planned, ...], Len(0, 1024)] = ()
    """What is meant to be open: `{host: 203.0.113.2, port: 443}`. It is tried, whether in `ports` or not."""
    control: Endpoint | None = None
    """Something that is known to be open, with its port, best on the same line as the ranges."""
    controls: Annotated[tuple[Endpoint, ...], Len(0, 32)] = ()
    """More of them, one for each port that a provider may filter: `probe.example.net:445`."""
    authorised_by: Annotated[str, Len(1, 300)]
    """Who has permitted it in writing; it is kept as evidence."""

    def __post_init__(self) -> None:
        networks = [ipaddress.ip_network(text) for text in self.ranges]
        count = sum(network.num_addresses for network in networks) * len(self.ports) + len(self.allowed)
        if count > MAX_PAIRS:
            raise ValueError(
                f"{count} addresses and ports are more than the {MAX_PAIRS} of one check: split it."
            )
        for plan in self.allowed:
            if not any(ipaddress.ip_address(plan.host) in network for network in networks):
                raise ValueError(f"{plan.host} in 'allowed' lies in none of the ranges.")
        if not self._controls():
            raise ValueError("Name a 'control' that is known to be open: silence alone proves nothing.")
        for place in self._controls():
            require_port(place, "control")
            if is_loopback(place) and not self._loopback():
                raise ValueError(
                    "A control on this laptop itself proves nothing about the way to the ranges."
                )
        if not self.authorised_by.strip():
            raise ValueError("'authorised_by' says who has permitted it in writing.")

    def subject(self) -> str:
        return listed(self.ranges)

    def allowance(self) -> float:
        count = len(self._pairs())
        return self.deadline_s + count / A_SECOND + PATIENCE_S * -(-count // AT_ONCE)

    def needs_link(self) -> bool:
        return not (self._loopback() and all(is_loopback(place) for place in self._controls()))

    def _loopback(self) -> bool:
        return all(ipaddress.ip_network(text).is_loopback for text in self.ranges)

    def _planned(self) -> list[Pair]:
        return [Pair(address=plan.host, port=plan.port) for plan in self.allowed]

    def _pairs(self) -> list[Pair]:
        return pairs(self.ranges, self.ports, self._planned())

    def _controls(self) -> list[str]:
        named = [self.control] if self.control else []
        allowed = [join_endpoint(plan.host, plan.port) for plan in self.allowed]
        return list(dict.fromkeys((*named, *self.controls, *allowed)))

    async def observe(self, vantage: Vantage) -> ExposureSeen:
        vantage.note(f"Permitted by: {self.authorised_by}")
        wanted = self._pairs()
        before = await self._knock_controls(vantage)
        left = budget(vantage) - 2 * CONTROL_S - len(wanted) / A_SECOND
        patience = min(PATIENCE_S, max(0.1, left / -(-len(wanted) // AT_ONCE)))
        attempts = await tried(wanted, patience)
        after = await self._knock_controls(vantage)
        found = [attempt for attempt in attempts if attempt.outcome in OPEN]
        hosts = dict.fromkeys(pair.address for pair in wanted)
        edges = edges_of(self.ranges)
        local = ("no_route", "barred", "local")
        unsent = [item for item in attempts if item.outcome in local and item.address not in edges]
        was, at = earlier(vantage)
        return ExposureSeen(
            addresses=len(hosts),
            open=tuple(Pair(address=item.address, port=item.port) for item in found[:MAX_OPEN]),
            more_open=max(0, len(found) - MAX_OPEN),
            tallies=tallied(attempts, edges),
            controls=tuple(zip(before, after, strict=True)),
            own=() if self._loopback() else tuple(host for host in hosts if is_own(host, host)),
            unsent=f"{unsent[0].outcome}: {unsent[0].detail}" if unsent else "",
            earlier=was,
            earlier_at=at,
        )

    async def _knock_controls(self, vantage: Vantage) -> list[Knock]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(place: str) -> Knock:
            async with gate:
                return await knock(vantage, place, CONTROL_S)

        return list(await asyncio.gather(*(one(place) for place in self._controls())))

    def judge(self, seen: ExposureSeen) -> Iterable[Finding]:
        plan = Plan(
            subject=self.subject(), allowed=frozenset(self._planned()), authorised_by=self.authorised_by,
            pairs=len(self._pairs()),
        )  # fmt: skip
        return judge(plan, seen)
