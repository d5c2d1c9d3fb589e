"""A STUN client: whether a server answers by UDP, how well over a window, and as whom it sees this laptop.

Only replies with STUN's cookie and the random transaction id of a request count, from the address that was
asked; what else comes is counted and dropped. The window's packets leave at fixed times, late replies
included in the loss.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Sequence
from typing import Any, Literal, cast

from checks.dataclass import dataclass
from checks.params import join_endpoint
from checks.wire.stun_codec import Kind, Malformed, StunReply, decode, request
from checks.wire.tcp import outcome_of

PORT = 3478
Outcome = Literal["answered", "silent", "refused", "unreachable", "not sent"]
"""`refused`: the host or a firewall says by ICMP that the port is closed. `not sent`: this laptop has no way
there, so nothing is known about the server."""
_TRIES_S = (0.0, 0.2, 0.5, 1.0)
"""When a request is repeated (RFC 8489 section 6.2.1 starts with half a second, for one reply)."""
_AFTERTHOUGHT_S = 0.3
"""How long a reply to Binding is waited for after one to Allocate came."""
MAX_IGNORED = 5000
"""Foreign datagrams after which a socket is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Whether a server answers on one port: `kind` is the request that it answered, Binding if both."""

    address: str
    port: int
    outcome: Outcome
    kind: Kind | None = None
    rtt_ms: float | None = None
    error: int | None = None
    software: str = ""
    detail: str = ""
    ignored: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """The packets of a window in the order they were sent: the port asked, and the round trip if answered."""

    planned: int
    interval_s: float
    ports: tuple[int, ...]
    rtts_ms: tuple[float | None, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """As whom a server saw the one socket that all were asked from."""

    server: str
    mapped: str


class _Wire(asyncio.DatagramProtocol):
    """What is open on one socket: transaction ids and where their replies go."""

    def __init__(self, foreign: bool = False) -> None:  # noqa: FBT001, FBT002
        self.open: dict[
            bytes, tuple[float, tuple[str, int] | None, asyncio.Future[tuple[StunReply, float]]]
        ] = {}
        self.ignored = 0
        self.trouble: OSError | None = None
        self.troubled = asyncio.Event()
        self.transport: asyncio.DatagramTransport | None = None
        self._foreign = foreign

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        now = time.perf_counter()
        try:
            reply = decode(data)
        except Malformed:
            self._ignore()
            return
        waiting = self.open.get(reply.transaction)
        if waiting is None or (waiting[1] is not None and (addr[0], addr[1]) != waiting[1]):
            self._ignore()
            return
        began, _, future = self.open.pop(reply.transaction)
        if not future.done():
            future.set_result((reply, (now - began) * 1000))

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self.trouble = exc
            self.troubled.set()

    def ask(self, kind: Kind, to: tuple[str, int] | None = None) -> asyncio.Future[tuple[StunReply, float]]:
        """Send one request; the future gives reply and round trip in milliseconds."""
        assert self.transport is not None
        transaction = secrets.token_bytes(12)
        future: asyncio.Future[tuple[StunReply, float]] = asyncio.get_running_loop().create_future()
        self.open[transaction] = (time.perf_counter(), to, future)
        self.transport.sendto(request(kind, transaction), to)
        return future

    def _ignore(self) -> None:
        self.ignored += 1
        if self.ignored == MAX_IGNORED and self.transport is not None:
            self.transport.abort()


async def reach(address: str, port: int, within: float) -> Reached:
    """Ask by Binding and by Allocate, repeatedly, until one is answered or `within` seconds are over."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + within
    try:
        transport, wire = await loop.create_datagram_endpoint(_Wire, remote_addr=(address, port))
    except OSError as error:
        return Reached(address=address, port=port, outcome="not sent", detail=error.strerror or str(error))
    began = loop.time()
    asked: dict[asyncio.Future[tuple[StunReply, float]], Kind] = {}
    try:
        for after in (*_TRIES_S, within):
            pause = min(began + after, ends) - loop.time()
            if await _answered(asked, wire, pause) or wire.trouble is not None:
                break
            if loop.time() < ends and after < within:
                asked[wire.ask("binding")] = "binding"
                asked[wire.ask("allocate")] = "allocate"
        replies = [(asked[one], one.result()) for one in asked if one.done()]
        if replies and not any(kind == "binding" for kind, _ in replies):
            await asyncio.wait([one for one in asked if asked[one] == "binding"], timeout=_AFTERTHOUGHT_S)
            replies = [(asked[one], one.result()) for one in asked if one.done()]
    finally:
        transport.abort()
    if replies:
        kind, (reply, rtt) = min(replies, key=lambda one: (one[0] != "binding", one[1][1]))
        return Reached(
            address=address, port=port, outcome="answered", kind=kind, rtt_ms=round(rtt, 3),
            error=reply.error, software=reply.software, ignored=wire.ignored,
        )  # fmt: skip
    if wire.trouble is not None:
        said = outcome_of(wire.trouble)
        outcome: Outcome = (
            "refused"
            if said in ("refused", "reset")
            else "unreachable"
            if said == "unreachable"
            else "not sent"
        )
        words = wire.trouble.strerror or str(wire.trouble)
        return Reached(address=address, port=port, outcome=outcome, detail=words, ignored=wire.ignored)
    words = f"no reply to {len(asked)} requests within {within:.3g} s"
    return Reached(address=address, port=port, outcome="silent", detail=words, ignored=wire.ignored)


async def _answered(
    asked: dict[asyncio.Future[tuple[StunReply, float]], Kind], wire: _Wire, pause: float
) -> bool:
    """Wait `pause` seconds, less if a reply or an error comes; return whether a reply is there."""
    trouble = asyncio.ensure_future(wire.troubled.wait())
    try:
        waiting: list[asyncio.Future[Any]] = [*asked, trouble]
        await asyncio.wait(waiting, timeout=max(0.0, pause), return_when=asyncio.FIRST_COMPLETED)
    finally:
        trouble.cancel()
    return any(one.done() for one in asked)


async def pace(
    address: str, asks: Sequence[tuple[int, Kind]], *, count: int, interval: float, grace: float
) -> Paced:
    """Send `count` requests to the ports in turn, `interval` seconds apart; wait `grace` for the last."""
    loop = asyncio.get_running_loop()
    wires: list[_Wire] = []
    sent: list[tuple[int, asyncio.Future[tuple[StunReply, float]]]] = []
    detail = ""
    try:
        for port, _ in asks:
            _, wire = await loop.create_datagram_endpoint(_Wire, remote_addr=(address, port))
            wires.append(wire)
        began = loop.time()
        for number in range(count):
            pause = began + number * interval - loop.time()
            await asyncio.sleep(max(0.0, pause))
            which = number % len(asks)
            sent.append((asks[which][0], wires[which].ask(asks[which][1])))
        left = [future for _, future in sent if not future.done()]
        if left:
            await asyncio.wait(left, timeout=grace)
    except OSError as error:
        detail = error.strerror or str(error)
    finally:
        for wire in wires:
            if wire.transport is not None:
                wire.transport.abort()
    return Paced(
        planned=count, interval_s=interval, ports=tuple(port for port, _ in sent),
        rtts_ms=tuple(round(one.result()[1], 3) if one.done() else None for _, one in sent), detail=detail,
    )  # fmt: skip


async def mappings(destinations: Sequence[tuple[str, int]], within: float) -> tuple[Mapped, ...]:
    """Ask several servers of one IP version for our address from one socket; those that tell it."""
    if not destinations:
        return ()
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in destinations[0][0] else socket.AF_INET
    unbound = ("::", 0) if family == socket.AF_INET6 else ("0.0.0.0", 0)  # noqa: S104 - sends first
    try:
        transport, wire = await loop.create_datagram_endpoint(_Wire, local_addr=unbound, family=family)
    except OSError:
        return ()
    asked: list[tuple[str, asyncio.Future[tuple[StunReply, float]]]] = []
    try:
        for _ in range(2):
            done = {server for server, one in asked if one.done()}
            for address, port in destinations:
                server = join_endpoint(address, port)
                if server not in done:
                    asked.append((server, wire.ask("binding", (address, port))))
            await asyncio.wait([one for _, one in asked], timeout=within / 2)
    except OSError:
        pass
    finally:
        transport.abort()
    found: dict[str, str] = {}
    for server, one in asked:
        if one.done() and (mapped := one.result()[0].mapped) is not None:
            found.setdefault(server, mapped)
    return tuple(Mapped(server=server, mapped=mapped) for server, mapped in found.items())


def jitter_ms(rtts_ms: Sequence[float | None]) -> tuple[float, int]:
    """Return the highest interarrival jitter of RFC 3550 section 6.4.1 in the window, and of how many pairs.

    The difference is that of round trips, so it holds both ways. A lost packet is passed over.
    """
    jitter = highest = 0.0
    pairs, before = 0, None
    for rtt in rtts_ms:
        if rtt is None:
            continue
        if before is not None:
            jitter += (abs(rtt - before) - jitter) / 16
            highest = max(highest, jitter)
            pairs += 1
        before = rtt
    return highest, pairs
