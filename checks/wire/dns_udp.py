"""Many DNS questions over few UDP sockets: a pool of connected sockets per server, one timer for all.

A reply counts only if the kernel saw it come from the server asked, its id is one that is waiting, and it
repeats the question byte for byte; anything else is counted and dropped. Ids are drawn from the system's
random source, source ports by the kernel (RFC 5452).

`ReaderPort` (POSIX: `add_reader` on a raw socket) costs about a third of a datagram endpoint; `EndpointPort`
stands in where the loop has no `add_reader` (Windows' Proactor loop) and was never run on Windows itself.
"""

from __future__ import annotations

import asyncio
import errno
import heapq
import os
import socket
from collections.abc import Callable
from time import monotonic, perf_counter

from checks.dataclass import dataclass
from checks.wire.dns_codec import reply_to

PORTS = 4
IDLE_S = 5.0
_RECEIVE = 4096
_DRAIN = 64
_BUFFER = 1 << 18


@dataclass(slots=True)
class Flight:
    """One question under way; `done` gets the reply, the error of the socket, or None when time is up."""

    question: bytes
    done: asyncio.Future[bytes | OSError | None]
    sent: float = 0.0
    rtt_s: float = 0.0


class Reaper:
    """Ends what is overdue: one timer and a heap for every question of a client."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, Flight]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, flight: Flight, deadline: float) -> None:
        """Give `flight` the result None at the loop's time `deadline` unless it is done by then."""
        self._count += 1
        heapq.heappush(self._heap, (deadline, self._count, flight))
        if len(self._heap) > 4096 and self._count % 4096 == 0:
            self._heap = [entry for entry in self._heap if not entry[2].done.done()]
            heapq.heapify(self._heap)
        if self._timer is None or deadline < self._timer.when():
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._heap[0][0], self._reap) if self._heap else None

    def _reap(self) -> None:
        now = self._loop.time()
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].done.done()):
            flight = heapq.heappop(self._heap)[2]
            if not flight.done.done():
                flight.done.set_result(None)
        self._arm()

    def close(self) -> None:
        """Stop the timer; whoever still waits is told that time is up."""
        for _, _, flight in self._heap:
            if not flight.done.done():
                flight.done.set_result(None)
        self._heap.clear()
        self._arm()


class Port:
    """One connected socket and the questions that wait on it by id."""

    def __init__(self) -> None:
        self.flights: dict[int, Flight] = {}
        self.foreign = 0
        """Datagrams from the server's address that answered no waiting question."""
        self.closed = False

    def send(self, message: bytes) -> None:
        """Send one datagram; raise OSError where this machine cannot."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the socket."""
        raise NotImplementedError

    def new_ident(self) -> int:
        """Return a random id that no waiting question has."""
        ident = int.from_bytes(os.urandom(2))
        while ident in self.flights:
            ident = int.from_bytes(os.urandom(2))
        return ident

    def deliver(self, message: bytes) -> None:
        """Hand a datagram to the question it answers, or count it as foreign."""
        flight = self.flights.get(int.from_bytes(message[:2], "big"))
        if flight is None or flight.done.done() or not reply_to(message, flight.question):
            self.foreign += 1
            return
        flight.rtt_s = perf_counter() - flight.sent
        flight.done.set_result(message)

    def fail(self, error: OSError) -> None:
        """Tell every waiting question what the kernel reports of the path (ICMP)."""
        for flight in self.flights.values():
            if not flight.done.done():
                flight.done.set_result(error)


class ReaderPort(Port):
    """A raw socket watched by the loop itself."""

    def __init__(self, address: str, port: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)  # noqa: FBT003 - its only form
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._sock.connect((address, port))
            loop.add_reader(self._sock.fileno(), self._read)
        except BaseException:
            self._sock.close()
            raise

    def _read(self) -> None:
        receive = self._sock.recv
        for _ in range(_DRAIN):
            try:
                message = receive(_RECEIVE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.fail(error)
                return
            self.deliver(message)
            if self.closed:
                return

    def send(self, message: bytes) -> None:
        try:
            self._sock.send(message)
        except ConnectionRefusedError as error:
            # The kernel reports here what an earlier datagram met; this one was not sent.
            self.fail(error)
            self._sock.send(message)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()


class EndpointPort(Port, asyncio.DatagramProtocol):
    """The same on the loop's own datagram endpoint."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.deliver(data)

    def error_received(self, exc: Exception) -> None:
        self.fail(exc if isinstance(exc, OSError) else OSError(errno.EIO, str(exc)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True

    def send(self, message: bytes) -> None:
        self.transport.sendto(message)

    def close(self) -> None:
        self.closed = True
        self.transport.close()


async def open_port(address: str, port: int, *, endpoint: bool | None = None) -> Port:
    """Open a port to a numeric address; raise OSError where this machine has no way to it.

    `endpoint` forces one kind or the other; by default the loop decides.
    """
    loop = asyncio.get_running_loop()
    if endpoint is not True:
        try:
            return ReaderPort(address, port, loop)
        except NotImplementedError:
            if endpoint is False:
                raise
    _, protocol = await loop.create_datagram_endpoint(EndpointPort, remote_addr=(address, port))
    return protocol


class Pool:
    """The ports to one server, opened as questions come and closed when they have been idle."""

    def __init__(self, address: str, port: int, reaper: Reaper, *, endpoint: bool | None = None) -> None:
        self._where = (address, port)
        self._reaper = reaper
        self._endpoint = endpoint
        self._ports: list[Port] = []
        self._opening = 0
        self.used = monotonic()

    async def _pick(self) -> Port:
        self._ports = [port for port in self._ports if not port.closed]
        if len(self._ports) + self._opening >= PORTS and self._ports:
            return self._ports[os.urandom(1)[0] % len(self._ports)]
        self._opening += 1
        try:
            port = await open_port(*self._where, endpoint=self._endpoint)
        finally:
            self._opening -= 1
        self._ports.append(port)
        return port

    async def exchange(
        self, message_of: Callable[[int], bytes], question: bytes, deadline: float
    ) -> tuple[bytes | OSError | None, float, int]:
        """Ask once; return the reply (or what the path reported, or None), the seconds, the foreign replies.

        Raises OSError where the question could not leave this machine.
        """
        loop = asyncio.get_running_loop()
        port = await self._pick()
        flight = Flight(question, loop.create_future())
        ident = port.new_ident()
        foreign = port.foreign
        port.flights[ident] = flight
        self.used = monotonic()
        try:
            while True:
                flight.sent = perf_counter()
                try:
                    port.send(message_of(ident))
                    break
                except (BlockingIOError, InterruptedError):
                    if loop.time() >= deadline:
                        return None, 0.0, 0
                    await asyncio.sleep(0.001)
            self._reaper.watch(flight, deadline)
            reply = await flight.done
        finally:
            del port.flights[ident]
        return reply, flight.rtt_s, port.foreign - foreign

    def idle(self) -> bool:
        """Return whether nothing is under way and nothing was asked for `IDLE_S` seconds."""
        busy = self._opening or any(port.flights for port in self._ports)
        return not busy and monotonic() - self.used > IDLE_S

    def close(self) -> None:
        """Close every port."""
        for port in self._ports:
            port.close()
        self._ports.clear()
