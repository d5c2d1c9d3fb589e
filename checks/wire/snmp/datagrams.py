"""One UDP socket per address family for every SNMP v1 and v2c question of a run.

A response belongs to the question with its request id (31 random bits). One that comes from the address that
was asked is taken at that; switches with several addresses answer from another one, and such a response
counts only if version and community are those of the question as well. The rest is counted and dropped.

On Linux the kernel's error queue tells which question an ICMP message is about, so that a closed port is told
at once and apart from silence; elsewhere an unconnected socket hears nothing of it. `Endpoint` stands in
where the loop has no `add_reader` (Windows' Proactor loop) and was never run on Windows itself.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
import struct
import sys
from collections.abc import Callable, Sequence

from checks.dataclass import dataclass
from checks.wire.snmp.ber import MalformedError, Reply, reply

Address = tuple[str, int]
"""As the kernel writes it, with the port."""
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_ERRQUEUE = 0x2000
_LARGEST = 65_535
_DRAIN = 64
_BUFFER = 1 << 22
_STRAYS = 1024


@dataclass(slots=True)
class Flight:
    """One question under way."""

    to: Address
    version: int
    community: bytes
    message: bytes
    waits: tuple[float, ...]
    """Seconds after each transmission; its length is how often the question is sent."""
    done: asyncio.Future[Reply | OSError | None]
    sent: int = 0
    timer: asyncio.TimerHandle | None = None
    answered_by: str = ""


class Socket:
    """What both kinds of sockets share: the questions under way and whom an arriving datagram belongs to."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.flights: dict[int, Flight] = {}
        self.strays: dict[str, int] = {}
        """Datagrams by source address that answered nothing."""
        self.closed = False

    def transmit(self, message: bytes, to: Address) -> None:
        """Send one datagram; raise OSError where this machine cannot."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the socket; whoever still waits is told that nothing came."""
        self.closed = True
        for flight in self.flights.values():
            if flight.timer is not None:
                flight.timer.cancel()
            if not flight.done.done():
                flight.done.set_result(None)

    async def exchange(
        self,
        to: Address,
        version: int,
        community: bytes,
        message_of: Callable[[int], bytes],
        waits: Sequence[float],
    ) -> tuple[Reply | OSError | None, str]:
        """Ask until an answer comes or `waits` are over.

        Returns the response, what the path reported, or None for silence; and the address that answered if it
        is not the one that was asked.
        """
        ident = secrets.randbits(31)
        while not ident or ident in self.flights:
            ident = secrets.randbits(31)
        flight = Flight(to, version, community, message_of(ident), tuple(waits), self.loop.create_future())
        self.flights[ident] = flight
        try:
            self._send(flight)
            return await flight.done, flight.answered_by
        finally:
            del self.flights[ident]
            if flight.timer is not None:
                flight.timer.cancel()

    def _send(self, flight: Flight) -> None:
        if flight.done.done():
            return
        if flight.sent >= len(flight.waits):
            flight.done.set_result(None)
            return
        wait = flight.waits[flight.sent]
        flight.sent += 1
        try:
            self.transmit(flight.message, flight.to)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            flight.done.set_result(error)
            return
        flight.timer = self.loop.call_later(wait, self._send, flight)

    def received(self, data: bytes, source: Address) -> None:
        """Hand a datagram to the question it answers, or count it."""
        try:
            answer = reply(data)
            flight = self.flights[answer.ident]
        except (MalformedError, KeyError, IndexError):
            self._stray(source[0])
            return
        if source != flight.to:
            if answer.version != flight.version or answer.community != flight.community:
                self._stray(source[0])
                return
            if source[0] != flight.to[0]:
                flight.answered_by = source[0]
        elif answer.version != flight.version:
            self._stray(source[0])
            return
        if not flight.done.done():
            flight.done.set_result(answer)

    def _stray(self, source: str) -> None:
        if source in self.strays or len(self.strays) < _STRAYS:
            self.strays[source] = self.strays.get(source, 0) + 1

    def reported(self, to: Address | None, error: OSError) -> None:
        """Tell the questions to an address what the path says of it; only a closed port is final."""
        if error.errno != errno.ECONNREFUSED:
            return
        for flight in self.flights.values():
            if flight.to == to and not flight.done.done():
                flight.done.set_result(error)


class Reader(Socket):
    """A raw socket that the loop watches."""

    def __init__(self, version: int) -> None:
        super().__init__()
        six = version == 6
        self._sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)  # noqa: FBT003 - its only form
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            if sys.platform == "linux":
                level, option = (
                    (socket.IPPROTO_IPV6, _IPV6_RECVERR) if six else (socket.IPPROTO_IP, _IP_RECVERR)
                )
                self._sock.setsockopt(level, option, 1)
            self.loop.add_reader(self._sock.fileno(), self._read)
        except BaseException:
            self._sock.close()
            raise

    def _read(self) -> None:
        receive, received = self._sock.recvfrom, self.received
        for _ in range(_DRAIN):
            try:
                data, source = receive(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._errors()
                return
            received(data, (source[0], source[1]))

    def transmit(self, message: bytes, to: Address) -> None:
        try:
            self._sock.sendto(message, to)
        except (BlockingIOError, InterruptedError):
            raise
        except OSError:
            # The kernel may report here what an earlier datagram met, perhaps of another device.
            self._errors()
            self._sock.sendto(message, to)

    def _errors(self) -> None:
        if sys.platform != "linux":
            return
        for _ in range(_DRAIN):
            try:
                _, ancillary, _, to = self._sock.recvmsg(0, 512, _ERRQUEUE)
            except OSError:
                return
            for _, _, content in ancillary:
                number = struct.unpack_from("=I", content)[0] if len(content) >= 4 else 0
                self.reported((to[0], to[1]) if to else None, OSError(number, os.strerror(number)))

    def close(self) -> None:
        if not self.closed:
            super().close()
            self.loop.remove_reader(self._sock.fileno())
            self._sock.close()


class Endpoint(Socket, asyncio.DatagramProtocol):
    """The same on the loop's own datagram endpoint."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received(data, (addr[0], addr[1]))

    def transmit(self, message: bytes, to: Address) -> None:
        self.transport.sendto(message, to)

    def close(self) -> None:
        super().close()
        self.transport.close()


async def open_socket(version: int, *, endpoint: bool | None = None) -> Socket:
    """Open the socket of an IP version; `endpoint` forces one kind or the other.

    Raises OSError where this machine does not have that IP version.
    """
    if endpoint is not True:
        try:
            return Reader(version)
        except NotImplementedError:
            if endpoint is False:
                raise
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(
        Endpoint,
        local_addr=("::" if version == 6 else "0.0.0.0", 0),  # noqa: S104 - it sends only
    )
    return protocol
