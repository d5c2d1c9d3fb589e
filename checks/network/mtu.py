"""network.mtu: packets of the planned size get through whole."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Ge, Le
from checks.contract import CannotTell, Check, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, within
from checks.network._echo import NO_FAMILY, OWN_ADDRESS, OWN_ADDRESS_FIX, first_of_each, is_own, unsent
from checks.network._peers import unresolved
from checks.params import Host
from checks.wire.icmp import TOO_BIG, Icmp, packet_bytes
from checks.wire.icmp_packet import Echo
from checks.wire.names import Family, Resolved, resolve

CONTROL_BYTES = 56
CONTROLS = 5
INTERVAL_S = 0.05
DOUBT = 0.001
"""Chance, at most, that mere loss makes a size look refused."""
MOST_TRIES = 20
NARROWEST = 1280
"""A link narrower than this cannot carry IPv6 (RFC 8200 section 5) and hardly exists."""

Outcome = Literal["answered", "too big", "too big here", "silent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Packets of one size (whole IP packet, may not be fragmented) and what came of them.

    `too big` was said by `responder`, `too big here` by this laptop; `told` is the MTU that was named.
    """

    size: int
    outcome: Outcome
    responder: str | None = None
    told: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MtuTo:
    """The sizes tried towards one address, in order, after `control` of 5 small packets were answered.

    `fragmented` says whether packets of the planned size were answered when they might be fragmented; None
    if that was not asked. `hindrance` is this laptop's own error.
    """

    address: str
    control: int
    control_size: int
    tries: tuple[Tried, ...] = ()
    fragmented: bool | None = None
    hindrance: str | None = None
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MtuSeen:
    """The first address of each family that the name has, and the sizes tried."""

    names: Resolved
    targets: tuple[MtuTo, ...]


class Mtu(Check[MtuSeen]):
    """Packets of the planned size reach the host whole: the path MTU is at least `expect`.

    Where they do not, a binary search finds the size that does, and the finding says who refuses the rest:
    this laptop, a router that says so, or nobody. The last is a black hole: large packets vanish without a
    word, so connections open and then hang.

    Proves: echo requests of that size, not to be fragmented, are answered from here; small packets, answered
    in the same minute, are the control.
    Cannot prove: the path MTU from the host back to here. Where the host ignores large pings even in pieces,
    or all pings, the check is inconclusive.
    If it fails: raise the MTU on the way (tunnel, PPPoE, VLAN), or lower it on both ends and let ICMP
    `packet too big` pass.

    Source: RFC 1191 and RFC 8201 (path MTU discovery), RFC 2923 section 2.1 (black holes), RFC 8200 section 5
    (IPv6 links carry at least 1280 bytes).

    Example:
        type: network.mtu
        target: vpn.example.com
        expect: 1400
    """

    deadline_s = 25.0

    target: Host
    """Name or address of a host that answers echo requests."""
    expect: Annotated[int, Ge(576), Le(9216)] = 1500
    """Bytes of the largest whole IP packet that must get through: 1500 on Ethernet, 1492 with PPPoE."""
    family: Family = "any"
    """Which addresses of the name to test: `any` (the first of each family), `ipv4` or `ipv6`."""

    def __post_init__(self) -> None:
        if self.expect < 1280 and self.family == "ipv6":
            raise ValueError("An IPv6 link carries at least 1280 bytes (RFC 8200), so expect no less.")

    async def observe(self, vantage: Vantage) -> MtuSeen:
        names = await resolve(vantage, self.target, self.family)
        addresses = first_of_each(names.addresses)
        if not addresses:
            return MtuSeen(names=names, targets=())
        icmp = await vantage.client(Icmp)
        targets = await asyncio.gather(
            *(self._measure(vantage, icmp, address, alone=len(addresses) == 1) for address in addresses)
        )
        return MtuSeen(names=names, targets=tuple(targets))

    async def _measure(self, vantage: Vantage, icmp: Icmp, address: str, *, alone: bool) -> MtuTo:
        small = packet_bytes(address, CONTROL_BYTES)
        base = MtuTo(address=address, control=0, control_size=small)
        if is_own(self.target, address):
            return dataclasses.replace(base, own=True)
        try:
            controls = await icmp.series(address, count=CONTROLS, interval=INTERVAL_S, timeout=1.0)
            times = [echo.rtt_ms for echo in controls if echo.rtt_ms is not None]
            if not times:
                ours = next((echo.error for echo in controls if echo.local), None)
                return dataclasses.replace(base, hindrance=ours)
            search = _Search(vantage, icmp, address, tries_for(len(times)), max(0.3, 4 * max(times) / 1000))
            tried = await search.run(small, self.expect)
        except CannotTell as trouble:
            if alone:
                raise
            vantage.note(trouble.reason)
            return dataclasses.replace(base, hindrance=NO_FAMILY)
        limit = limit_of(tried)
        silent = limit is not None and limit.outcome == "silent"
        fragmented = await search.in_pieces(self.expect) if silent else None
        return dataclasses.replace(base, control=len(times), tries=tuple(tried), fragmented=fragmented)

    def judge(self, seen: MtuSeen) -> Iterable[Finding]:
        if not seen.names.addresses:
            yield unresolved(self.subject(), seen.names)
        for target in seen.targets:
            works = any(other.control for other in seen.targets if other is not target)
            yield self._judge_one(target, elsewhere=works and self.family == "any")

    def _judge_one(self, seen: MtuTo, *, elsewhere: bool) -> Finding:
        where, expected = seen.address, f"at least {self.expect} bytes"
        if seen.own:
            return cannot_tell(where, OWN_ADDRESS, fix=OWN_ADDRESS_FIX, expected=expected)
        if seen.hindrance is not None:
            return unsent(where, seen.hindrance, elsewhere=elsewhere)
        if seen.control * 2 < CONTROLS:
            return cannot_tell(
                where,
                f"Only {seen.control} of {CONTROLS} small packets were answered: large ones prove nothing.",
                expected=expected, observed="no control",
                fix="Mend the loss first (network.ping), or name a host nearby that answers ping.",
            )  # fmt: skip
        answered = [one.size for one in seen.tries if one.outcome == "answered"]
        largest = max(answered, default=seen.control_size)
        limit = limit_of(seen.tries)
        measure = Measure(
            name="Path MTU", value=largest, unit="bytes", fail=self.expect, source="expect of this check"
        )
        if largest >= self.expect:
            finding = within(where, measure, fix="Nothing is to be done.", least=True)
            return dataclasses.replace(finding, message=f"Packets of {largest} bytes get through whole.")
        if limit is None:
            return cannot_tell(
                where, "The size that gets through was not found in time.", expected=expected,
                observed=f"{largest} bytes get through", fix="Give the check more time (timeout).",
            )  # fmt: skip
        if limit.outcome == "silent" and not seen.fragmented and largest < NARROWEST:
            return cannot_tell(
                where,
                f"Packets of {limit.size} bytes and more are not answered, in pieces neither: hardly an MTU, "
                "rather a host or firewall that ignores large pings.",
                expected=expected, observed=f"{largest} bytes get through",
                fix="Name another host behind the same link that answers large pings.",
            )  # fmt: skip
        message, fix = explain(limit, largest, in_pieces=bool(seen.fragmented))
        return dataclasses.replace(within(where, measure, fix=fix, least=True), message=message)


class _Search:
    """The search for the largest size that one address answers."""

    def __init__(self, vantage: Vantage, icmp: Icmp, address: str, tries: int, patience_s: float) -> None:
        self._vantage = vantage
        self._icmp = icmp
        self._address = address
        self._tries = tries
        self._patience_s = patience_s
        self._headers = packet_bytes(address, 0)

    async def run(self, good: int, wanted: int) -> list[Tried]:
        """Return the sizes tried: `wanted` first, then between `good` and the smallest refused one."""
        tried = [await self._try(wanted)]
        if tried[0].outcome == "answered":
            return tried
        bad, hints = wanted, self._hints(tried[0])
        need_s = self._tries * INTERVAL_S + self._patience_s + 0.5
        while bad - good > 1 and self._vantage.remaining() > 2 * need_s:
            hints = [hint for hint in hints if good < hint < bad]
            size = hints.pop(0) if hints else (good + bad) // 2
            tried.append(await self._try(size))
            if tried[-1].outcome == "answered":
                good = size
            else:
                bad, hints = size, [*self._hints(tried[-1]), *hints]
        return tried

    @staticmethod
    def _hints(tried: Tried) -> list[int]:
        return [tried.told, tried.told + 1] if tried.told is not None else []

    async def _try(self, size: int) -> Tried:
        echoes = await self._send(size, whole=True)
        refusal = next((echo for echo in echoes if (echo.error or "").startswith(TOO_BIG)), None)
        if any(echo.rtt_ms is not None for echo in echoes):
            return Tried(size=size, outcome="answered")
        if refusal is None:
            ours = next((echo.error for echo in echoes if echo.local), None)
            if ours is not None:
                raise CannotTell(f"Packets of {size} bytes could not be sent: {ours}.", "Run it again.")
            return Tried(size=size, outcome="silent")
        outcome: Outcome = "too big here" if refusal.local else "too big"
        return Tried(size=size, outcome=outcome, responder=refusal.responder, told=refusal.mtu)

    async def in_pieces(self, size: int) -> bool:
        """Return whether packets of `size` bytes are answered when they may be fragmented."""
        return any(echo.rtt_ms is not None for echo in await self._send(size, whole=False))

    async def _send(self, size: int, *, whole: bool) -> tuple[Echo, ...]:
        return await self._icmp.series(
            self._address, count=self._tries, interval=INTERVAL_S, timeout=min(1.0, self._patience_s),
            size=size - self._headers, dont_fragment=whole,
        )  # fmt: skip


def tries_for(answered: int) -> int:
    """Return how often each size is tried when so many of the controls were answered."""
    lost = (CONTROLS - answered) / CONTROLS
    if not 0 < lost < 1:
        return 3
    return min(MOST_TRIES, max(3, math.ceil(math.log(DOUBT) / math.log(lost))))


def limit_of(tries: Iterable[Tried]) -> Tried | None:
    """Return the smallest size that was refused."""
    refused = (one for one in tries if one.outcome != "answered")
    return min(refused, key=lambda one: one.size, default=None)


def explain(limit: Tried, largest: int, *, in_pieces: bool) -> tuple[str, str]:
    """Return what refuses packets of the size `limit`, and what to do about it."""
    if limit.outcome == "too big here":
        return (
            f"This laptop itself sends no packets of more than {limit.told or largest} bytes there.",
            "Look at the MTU of the laptop's interface: a VPN, or DHCP option 26, lowers it.",
        )
    if limit.outcome == "too big":
        who = limit.responder or "a router"
        return (
            f"Packets of {limit.size} bytes are refused: {who} says that they are too big.",
            f"Raise the MTU of the link behind {who} (tunnel, PPPoE, VLAN), or plan with {largest}.",
        )
    fix = (
        "Let ICMP 'fragmentation needed' (IPv6: 'packet too big') through the firewalls on the way, raise "
        f"the MTU of the narrow link, or clamp the TCP MSS so that {largest} bytes suffice."
    )
    pieces = "in pieces they pass" if in_pieces else "in pieces they vanish too"
    return f"A black hole: packets of {limit.size} bytes vanish, nobody says 'too big', {pieces}.", fix
