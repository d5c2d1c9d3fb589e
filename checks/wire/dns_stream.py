"""DNS over connections that are kept: framed questions over TLS (RFC 7858), many at once on one connection.

A connection is verified against the system's authorities or a file of them, reused until it has been idle,
and opened anew once if the peer closed it meanwhile. A stranger cannot put a reply into it, so whatever does
not fit what was asked ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from checks.dataclass import dataclass
from checks.params import split_endpoint
from checks.vantage import Shared
from checks.wire import names
from checks.wire.dns_codec import reply_to
from checks.wire.dns_failures import Unanswered, of_connecting
from checks.wire.tcp import connect
from checks.wire.tls import trusting

PORT = 853
MAX_ADDRESSES = 4
IDLE_S = 10.0
_MAX_GIVEN_UP = 200
_P = TypeVar("_P", bound=asyncio.BaseProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Where a resolver over TLS is, the name that its certificate must be for, and who may have signed it."""

    host: str
    port: int
    name: str
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes that answered, the seconds from question to answer, and the address they came from."""

    message: bytes
    rtt_s: float
    address: str


def peer_of(resolver: str, ca_file: str | None) -> Peer:
    """Return the peer of a normal-form `tls://HOST[:PORT][#NAME]`."""
    place, _, name = resolver.removeprefix("tls://").partition("#")
    host, port = split_endpoint(place, PORT)
    return Peer(host=host, port=port, name=name or host, ca_file=ca_file)


async def open_tls(
    shared: Shared, peer: Peer, make: Callable[[], _P], deadline: float, protocols: tuple[str, ...] = ()
) -> tuple[asyncio.Transport, _P, str]:
    """Connect to the first address of `peer` that accepts, verify it and return transport and address.

    Raises Unanswered; `deadline` is in the loop's time. `protocols` are offered by ALPN.
    """
    loop = asyncio.get_running_loop()
    found = await names.resolve(shared, peer.host)
    if not found.addresses:
        raise Unanswered("unknown host", f"{peer.host} has no address: {found.error}")
    context = await trusting(shared, peer.ca_file, protocols)
    trouble = Unanswered("timeout", "no time was left to connect")
    addresses = found.addresses[:MAX_ADDRESSES]
    for number, address in enumerate(addresses):
        share = (deadline - loop.time()) / (len(addresses) - number)
        if share <= 0:
            break
        attempt, sock = await connect(address, peer.port, share)
        if sock is None:
            trouble = Unanswered(of_connecting(attempt.outcome), f"{attempt.detail} (TCP)")
            continue
        try:
            async with asyncio.timeout_at(deadline):
                transport, protocol = await loop.create_connection(
                    make, sock=sock, ssl=context, server_hostname=peer.name
                )
        except TimeoutError:
            raise Unanswered("timeout", "connected, and the TLS handshake was not done in time") from None
        except ssl.SSLCertVerificationError as error:
            raise Unanswered("untrusted certificate", error.verify_message or str(error)) from None
        except ssl.SSLError as error:
            raise Unanswered("TLS failed", (error.reason or str(error)).replace("_", " ").lower()) from None
        except OSError as error:
            detail = f"the connection broke during the TLS handshake: {error.strerror or error}"
            raise Unanswered("TLS failed", detail) from None
        return transport, protocol, address
    raise trouble


def prompt(transport: asyncio.Transport) -> None:
    """Have the next bytes acknowledged at once: a server with Nagle's algorithm would wait 40 ms (Linux)."""
    quick = getattr(socket, "TCP_QUICKACK", None)
    if quick is not None:
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, quick, 1)


def _retrieve(task: asyncio.Task[Line]) -> None:
    if not task.cancelled():
        task.exception()


@dataclass(slots=True)
class _Flight:
    question: bytes
    done: asyncio.Future[bytes]
    sent: float
    rtt_s: float = 0.0


class Line(asyncio.Protocol):
    """One connection and the questions that wait on it by id, each message behind its length."""

    def __init__(self) -> None:
        self.flights: dict[int, _Flight] = {}
        self.address = ""
        self.answers = 0
        self.closed = False
        self.stale = False
        """A question timed out without a word from the peer: new ones go elsewhere."""
        self._given_up: set[int] = set()
        self._buffer = bytearray()
        self._heard = 0
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._heard += 1
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 2 and not self.closed:
            end = at + 2 + int.from_bytes(buffer[at : at + 2], "big")
            if len(buffer) < end:
                break
            self._deliver(bytes(buffer[at + 2 : end]))
            at = end
        del buffer[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        why = f": {exc}" if exc else ""
        detail = f"the connection ended before the answer did{why}"
        self.end(Unanswered("malformed reply", detail, closed=True))

    def _deliver(self, message: bytes) -> None:
        ident = int.from_bytes(message[:2], "big")
        flight = self.flights.get(ident)
        if flight is None and ident in self._given_up:
            self._given_up.discard(ident)
        elif flight is None or flight.done.done() or not reply_to(message, flight.question):
            self.end(Unanswered("malformed reply", "a reply over TLS is not to a question that was asked"))
        else:
            self.answers += 1
            flight.rtt_s = perf_counter() - flight.sent
            flight.done.set_result(message)

    async def ask(self, message_of: Callable[[int], bytes], question: bytes, deadline: float) -> Reply:
        """Send one question and return its answer; raise Unanswered."""
        loop = asyncio.get_running_loop()
        ident = int.from_bytes(os.urandom(2))
        while ident in self.flights or ident in self._given_up:
            ident = int.from_bytes(os.urandom(2))
        message = message_of(ident)
        flight = self.flights[ident] = _Flight(question, loop.create_future(), perf_counter())
        heard = self._heard
        answered = False
        try:
            async with asyncio.timeout_at(deadline):
                self._transport.write(len(message).to_bytes(2, "big") + message)
                prompt(self._transport)
                reply = await flight.done
                answered = True
        except TimeoutError:
            self.stale |= heard == self._heard
            raise Unanswered("timeout", "connected, and no answer came in time") from None
        finally:
            del self.flights[ident]
            if not answered:
                self._given_up.add(ident)
            self._rest(loop)
        return Reply(reply, flight.rtt_s, self.address)

    def _rest(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.flights or self.closed:
            return
        if self.stale or len(self._given_up) > _MAX_GIVEN_UP:
            self.end(Unanswered("timeout", "the peer fell silent"))
            return
        if self._idle is not None:
            self._idle.cancel()
        self._idle = loop.call_later(IDLE_S, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if not self.flights:
            self.end(Unanswered("timeout", "idle"))

    def end(self, why: Unanswered) -> None:
        """Close the connection; whoever still waits is told why."""
        if self.closed:
            return
        self.closed = True
        if self._idle is not None:
            self._idle.cancel()
        self._transport.abort()
        for flight in self.flights.values():
            if not flight.done.done():
                flight.done.set_exception(why)


class Lines:
    """The connections to one resolver: one that is in use, opened when it is needed."""

    def __init__(self, shared: Shared, peer: Peer) -> None:
        self._shared = shared
        self._peer = peer
        self._line: asyncio.Task[Line] | None = None

    async def exchange(
        self, message_of: Callable[[int], bytes], question: bytes, deadline: float, tries: int
    ) -> Reply:
        """Ask once; raise Unanswered. Where the peer closed a connection that had worked, ask on another."""
        while True:
            line = await self._open(deadline)
            proven = line.answers > 0
            try:
                return await line.ask(message_of, question, deadline)
            except Unanswered as trouble:
                tries -= 1
                if not (trouble.closed and (proven or line.answers) and tries >= 0):
                    raise

    async def _open(self, deadline: float) -> Line:
        loop = asyncio.get_running_loop()
        while True:
            task = self._line
            if task is not None and task.done():
                failed = task.cancelled() or task.exception() is not None
                if failed or task.result().closed or task.result().stale:
                    task = None
            mine = task is None
            if task is None:
                task = self._line = asyncio.ensure_future(self._connect(deadline))
                task.add_done_callback(_retrieve)
            try:
                async with asyncio.timeout_at(None if mine else deadline):
                    return await asyncio.shield(task)
            except TimeoutError:
                raise Unanswered("timeout", "no connection over TLS in time") from None
            except Unanswered as trouble:
                # Whoever opened it may have had less time.
                if mine or trouble.kind != "timeout" or loop.time() >= deadline:
                    raise

    async def _connect(self, deadline: float) -> Line:
        _, line, address = await open_tls(self._shared, self._peer, Line, deadline)
        line.address = address
        return line

    async def close(self) -> None:
        """Close what is open or being opened."""
        task, self._line = self._line, None
        if task is None:
            return
        task.cancel()
        (found,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(found, Line):
            found.end(Unanswered("timeout", "the client was closed"))
