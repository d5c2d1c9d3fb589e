"""network.path: the way to a host leads over the planned hops."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Le
from checks.contract import Check, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, within
from checks.network._echo import OWN_ADDRESS, OWN_ADDRESS_FIX, is_own, unsent
from checks.network._peers import unresolved
from checks.params import Host, Network
from checks.wire.icmp import Icmp
from checks.wire.icmp_packet import Echo
from checks.wire.names import Family, Resolved, resolve

MOST_HOPS = 30
AT_ONCE = 6
TRIES = 3
INTERVAL_S = 0.1
PATIENCE_S = 1.0
_SILENT_FIX = "Let the routers on the way send ICMP time exceeded, or test from another place."


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Who answered packets that may pass `ttl` routers, and how fast at best; nobody is a silent hop."""

    ttl: int
    responders: tuple[str, ...]
    rtt_ms: float | None
    reached: bool = False
    refusal: str | None = None
    """An error other than time exceeded: here the way ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSeen:
    """The hops up to the target, to an error or to the 30th; `hindrance` is this laptop's own error."""

    names: Resolved
    address: str | None
    hops: tuple[Hop, ...] = ()
    own: bool = False
    hindrance: str | None = None


class Path(Check[PathSeen]):
    """The way to the host leads over the planned hops, around the forbidden ones, and is short enough.

    Proves: which routers answer for the way that echo requests take from here now.
    Cannot prove: the way back; what other traffic takes where links are shared by flow or steered by policy.
    A router that sends no errors is a silent hop: what may hide there is inconclusive, never a pass.
    If it fails: correct the route or its priority where the way leaves the planned one.

    Source: RFC 792 and RFC 4443 section 3.3 (time exceeded), RFC 1812 section 5.3.1 (time to live).

    Example:
        type: network.path
        target: 192.0.2.10
        through: [10.20.0.1]
        max_hops: 8
    """

    deadline_s = 15.0

    target: Host
    """Name or address of the host at the end of the way."""
    family: Family = "any"
    """Which address of the name: `any` is that of the hops named below, or else what programs try first."""
    through: tuple[Network, ...] = ()
    """Addresses or networks that must each show up on the way."""
    avoid: tuple[Network, ...] = ()
    """Addresses or networks that must not show up on the way."""
    max_hops: Annotated[int, Ge(1), Le(MOST_HOPS)] | None = None
    """Most hops to the host, itself included (1: it is a neighbour)."""

    def __post_init__(self) -> None:
        if not self.through and not self.avoid and self.max_hops is None:
            raise ValueError("network.path asserts nothing: give through, avoid or max_hops.")
        versions: set[int] = {ipaddress.ip_network(item).version for item in (*self.through, *self.avoid)}
        if self.family != "any":
            versions.add(int(self.family[-1]))
        if len(versions) > 1:
            raise ValueError(
                "through, avoid and family must be of one address family: check each on its own."
            )

    async def observe(self, vantage: Vantage) -> PathSeen:
        names = await resolve(vantage, self.target, self._family())
        if not names.addresses:
            return PathSeen(names=names, address=None)
        address = names.addresses[0]
        if is_own(self.target, address):
            return PathSeen(names=names, address=address, own=True)
        icmp = await vantage.client(Icmp)
        hops: list[Hop] = []
        while len(hops) < MOST_HOPS and vantage.remaining() > 2 * PATIENCE_S:
            ttls = range(len(hops) + 1, min(len(hops) + AT_ONCE, MOST_HOPS) + 1)
            found = await asyncio.gather(*(self._hop(icmp, address, ttl) for ttl in ttls))
            for ttl, echoes in zip(ttls, found, strict=True):
                if all(echo.local for echo in echoes):
                    return PathSeen(names=names, address=address, hops=tuple(hops), hindrance=echoes[0].error)
                hops.append(summarise(ttl, echoes))
                if hops[-1].reached or hops[-1].refusal:
                    return PathSeen(names=names, address=address, hops=tuple(hops))
        return PathSeen(names=names, address=address, hops=tuple(hops))

    async def _hop(self, icmp: Icmp, address: str, ttl: int) -> tuple[Echo, ...]:
        return await icmp.series(address, count=TRIES, interval=INTERVAL_S, timeout=PATIENCE_S, ttl=ttl)

    def _family(self) -> Family:
        planned = (*self.through, *self.avoid)
        if self.family != "any" or not planned:
            return self.family
        return "ipv6" if ipaddress.ip_network(planned[0]).version == 6 else "ipv4"

    def judge(self, seen: PathSeen) -> Iterable[Finding]:
        if seen.address is None:
            yield unresolved(self.subject(), seen.names)
            return
        if seen.own:
            yield cannot_tell(seen.address, OWN_ADDRESS, fix=OWN_ADDRESS_FIX, expected="a host elsewhere")
            return
        if seen.hindrance is not None:
            yield unsent(seen.address, seen.hindrance, elsewhere=False)
            return
        way = describe(seen.hops)
        loop = looping(seen.hops)
        if loop is not None:
            yield failed(
                loop, "Packets go round in circles: this router shows up three times or more.",
                expected="each router once", observed=way,
                fix="Compare the routes of this router and its neighbours: two of them point at each other.",
            )  # fmt: skip
        for wanted in self.through:
            yield self._judge_through(wanted, seen, way)
        for forbidden in self.avoid:
            yield self._judge_avoid(forbidden, seen, way)
        if self.max_hops is not None:
            yield self._judge_length(seen, way, self.max_hops)

    def _judge_through(self, wanted: str, seen: PathSeen, way: str) -> Finding:
        expected = f"through {wanted}"
        if _on_the_way(wanted, seen.hops):
            return passed(wanted, "It is on the way.", expected=expected, observed=way)
        if _known_whole(seen.hops):
            return failed(
                wanted, "It is not on the way.", expected=expected, observed=way,
                fix="Compare the routes: the default gateway here, and the next hop of each router shown.",
            )  # fmt: skip
        return cannot_tell(
            wanted,
            "It does not show up, and not every hop of the way is known.",
            expected=expected,
            observed=way,
            fix=_SILENT_FIX,
        )

    def _judge_avoid(self, forbidden: str, seen: PathSeen, way: str) -> Finding:
        expected = f"not through {forbidden}"
        if _on_the_way(forbidden, seen.hops):
            return failed(
                forbidden, "It is on the way and must not be.", expected=expected, observed=way,
                fix="Correct the route or policy that leads there; look at the hop just before it.",
            )  # fmt: skip
        if _known_whole(seen.hops):
            return passed(forbidden, "It is not on the way.", expected=expected, observed=way)
        return cannot_tell(
            forbidden,
            "It does not show up, but not every hop of the way is known.",
            expected=expected,
            observed=way,
            fix=_SILENT_FIX,
        )

    def _judge_length(self, seen: PathSeen, way: str, most: int) -> Finding:
        where = str(seen.address)
        if not seen.hops or not seen.hops[-1].reached:
            refusal = seen.hops[-1].refusal if seen.hops else None
            return failed(
                where,
                f"The host was not reached within {len(seen.hops)} hops"
                + (f": the last one says {refusal}." if refusal else "."),
                expected=f"at most {most} hops", observed=way,
                fix="Look at the last hop that answered; if the host ignores ping, leave max_hops out.",
            )  # fmt: skip
        measure = Measure(
            name="Number of hops", value=seen.hops[-1].ttl, unit="hops", fail=most,
            source="max_hops of this check",
        )  # fmt: skip
        return within(where, measure, fix=f"Find the detour in the way: {way}.")


def summarise(ttl: int, echoes: Iterable[Echo]) -> Hop:
    """Return what the echoes with one TTL show."""
    echoes = [echo for echo in echoes if not echo.local]
    responders = dict.fromkeys(echo.responder for echo in echoes if echo.responder)
    times = [ms for echo in echoes for ms in (echo.rtt_ms, echo.error_ms) if ms is not None]
    reached = any(echo.rtt_ms is not None for echo in echoes)
    refusals = [echo.error for echo in echoes if echo.responder and echo.error not in (None, "time exceeded")]
    return Hop(
        ttl=ttl,
        responders=tuple(responders),
        rtt_ms=round(min(times), 3) if times else None,
        reached=reached,
        refusal=refusals[0] if refusals and not reached else None,
    )


def describe(hops: Iterable[Hop]) -> str:
    """Return the way in one line: `10.0.0.1 > ? > 192.0.2.10`; `?` is a silent hop."""
    shown = [" or ".join(hop.responders) or "?" for hop in hops]
    while len(shown) > 1 and shown[-1] == shown[-2] == "?":
        shown.pop()
    return " > ".join(shown) or "nothing"


def looping(hops: Iterable[Hop]) -> str | None:
    """Return a router that shows up at three or more distances, if there is one."""
    often = Counter(responder for hop in hops if not hop.reached for responder in hop.responders)
    return next((responder for responder, count in often.most_common(1) if count >= 3), None)


def _on_the_way(network: str, hops: Iterable[Hop]) -> bool:
    wanted = ipaddress.ip_network(network)
    return any(ipaddress.ip_address(responder) in wanted for hop in hops for responder in hop.responders)


def _known_whole(hops: tuple[Hop, ...]) -> bool:
    return bool(hops) and hops[-1].reached and all(hop.responders for hop in hops)
