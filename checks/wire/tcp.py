"""TCP connections on plain non-blocking sockets: how an attempt ended, and the socket of one that succeeded.

asyncio's streams cost twice the CPU of the socket itself, so nothing here builds one. Where the event loop
cannot watch a file descriptor (Windows' proactor loop) `loop.sock_connect` does the waiting; that path was
tested on Linux by taking the watching away, and never run on Windows itself.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import socket
import struct
import sys
import time
from typing import Literal

from checks.dataclass import dataclass
from checks.vantage import Vantage

Outcome = Literal["open", "refused", "timeout", "unreachable", "no_route", "reset", "barred", "local"]
"""How an attempt ended.

`refused`: something answered with a reset: the host is there, the port is closed or a firewall rejects.
`timeout`: nothing came back. `unreachable`: a router, or the last one's failed neighbour search, said no.
`no_route`: this laptop has no route. `reset`: taken and then broken off. `barred`: this laptop's own firewall
forbids it. `local`: this laptop ran out of something or cannot speak the family. After `barred` and `local`
(and often `no_route`) nothing is known about the peer.
"""

_OUTCOMES: dict[int, Outcome] = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.EPERM: "barred",
    errno.EACCES: "barred",
}
_WINDOWS: dict[int, Outcome] = {
    121: "timeout",  # ERROR_SEM_TIMEOUT
    1225: "refused",  # ERROR_CONNECTION_REFUSED
    1231: "unreachable",  # ERROR_NETWORK_UNREACHABLE
    1232: "unreachable",  # ERROR_HOST_UNREACHABLE
    1236: "reset",  # ERROR_CONNECTION_ABORTED
}
_SO_NWRITE = 0x1024
_DRAIN_TICK = 0.005
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})
_PENDING = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY})
_Target = tuple[str, int] | tuple[str, int, int, int]
_NONBLOCK: int = getattr(socket, "SOCK_NONBLOCK", 0)
_TYPE = socket.SOCK_STREAM | _NONBLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One connection attempt; `seconds` until its outcome was known, `detail` in the system's words."""

    address: str
    port: int
    outcome: Outcome
    seconds: float
    detail: str = ""


def budget(vantage: Vantage) -> float:
    """Return the seconds the wire may take: what is left of the attempt less a margin to report in."""
    left = vantage.remaining()
    return max(0.01, left - min(0.5, left * 0.1))


def outcome_of(error: OSError, *, at_once: bool = False) -> Outcome:
    """Return what an error of connect, send or receive means; `at_once` if the call itself refused."""
    code = error.errno or 0
    if at_once and code in _NO_ROUTE:
        return "no_route"
    windows = getattr(error, "winerror", None)
    if windows in _WINDOWS:
        return _WINDOWS[windows]
    return _OUTCOMES.get(code, "local")


async def connect(address: str, port: int, within: float) -> tuple[Attempt, socket.socket | None]:
    """Connect to an address (not a name) and return the attempt and, when it is open, the socket.

    The caller closes the socket. No error of the network raises; `within` bounds the waiting, in seconds.
    """
    began = time.perf_counter()
    try:
        family, target = _sockaddr(address, port)
        sock = socket.socket(family, _TYPE)
    except (OSError, ValueError) as error:
        return Attempt(address=address, port=port, outcome="local", seconds=0.0, detail=str(error)), None
    try:
        if not _NONBLOCK:
            sock.setblocking(False)  # noqa: FBT003
        trouble = await _open(sock, target, within)
    except BaseException:
        sock.close()
        raise
    seconds = time.perf_counter() - began
    if trouble is None:
        return Attempt(address=address, port=port, outcome="open", seconds=_handshake(sock, seconds)), sock
    sock.close()
    outcome, detail = trouble
    return Attempt(address=address, port=port, outcome=outcome, seconds=seconds, detail=detail), None


def _handshake(sock: socket.socket, waited: float) -> float:
    """Return the seconds that the handshake took by the kernel's clock, where it tells (Linux, tcp(7)).

    `waited` counts the moments in which this process was busy with other checks, too: with 200 at once
    that was 50 ms on a path of 0.1 ms. A handshake with a repeated SYN has no such figure and keeps `waited`.
    """
    if sys.platform != "linux":
        return waited
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    if len(info) < 104:
        return waited
    round_trip_us, repeated = struct.unpack_from("I", info, 68)[0], struct.unpack_from("I", info, 100)[0]
    return min(waited, round_trip_us / 1e6) if round_trip_us and not repeated else waited


async def probe(address: str, port: int, within: float, hold: float = 0.0) -> Attempt:
    """Connect and close again; with `hold` the peer must not close or reset within that many seconds."""
    attempt, sock = await connect(address, port, within)
    if sock is None:
        return attempt
    try:
        detail = await _broken_off(sock, hold) if hold > 0 else None
    finally:
        sock.close()
    if detail is None:
        return attempt
    return Attempt(address=address, port=port, outcome="reset", seconds=attempt.seconds, detail=detail)


async def drained(sock: socket.socket, patience: float = 2.0) -> int:
    """Wait until the peer has acknowledged all that was sent; return how many bytes it has not.

    Gives up when nothing moves for `patience` seconds; an error of the connection raises OSError. A send that
    has returned has only filled this laptop's own buffer.
    """
    before, moved = -1, time.monotonic()
    while left := unacknowledged(sock):
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, _words(code))
        now = time.monotonic()
        if left != before:
            before, moved = left, now
        elif now - moved > patience:
            return left
        await asyncio.sleep(_DRAIN_TICK)
    return 0


def unacknowledged(sock: socket.socket) -> int:
    """Return the bytes in the send buffer: SIOCOUTQ, on macOS SO_NWRITE (never run), else 0: unknown."""
    if sys.platform == "linux":
        import fcntl
        import termios

        return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    if sys.platform == "darwin":
        return sock.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
    return 0


def _sockaddr(address: str, port: int) -> tuple[int, _Target]:
    if ":" not in address:
        return socket.AF_INET, (address, port)
    bare, _, zone = address.partition("%")
    scope = 0 if not zone else int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    return socket.AF_INET6, (bare, port, 0, scope)


async def _open(sock: socket.socket, target: _Target, within: float) -> tuple[Outcome, str] | None:
    """Connect `sock`; return None, or how it failed with the system's words."""
    loop = asyncio.get_running_loop()
    if not _can_watch(loop):
        return await _open_by_loop(sock, target, within)
    code = sock.connect_ex(target)
    if code == 0:
        return None
    if code not in _PENDING:
        return outcome_of(OSError(code, ""), at_once=True), _words(code)
    fd = sock.fileno()
    done: asyncio.Future[bool] = loop.create_future()
    loop.add_writer(fd, _settle, done, True)  # noqa: FBT003
    timer = loop.call_later(within, _settle, done, False)  # noqa: FBT003
    try:
        if not await done:
            return "timeout", _silence(within)
    finally:
        timer.cancel()
        loop.remove_writer(fd)
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return (outcome_of(OSError(code, "")), _words(code)) if code else None


async def _open_by_loop(sock: socket.socket, target: _Target, within: float) -> tuple[Outcome, str] | None:
    try:
        async with asyncio.timeout(within):
            await asyncio.get_running_loop().sock_connect(sock, target)
    except OSError as error:
        if isinstance(error, TimeoutError) and error.errno is None:
            return "timeout", _silence(within)
        words = _words(error.errno) if error.errno and sys.platform != "win32" else str(error)
        return outcome_of(error), words
    return None


def _can_watch(loop: asyncio.AbstractEventLoop) -> bool:
    return sys.platform != "win32" or isinstance(loop, asyncio.SelectorEventLoop)


def _silence(within: float) -> str:
    return f"no answer within {within:.3g} s"


def _settle(done: asyncio.Future[bool], ready: bool) -> None:  # noqa: FBT001
    if not done.done():
        done.set_result(ready)


@functools.cache
def _words(code: int) -> str:
    return os.strerror(code)


async def _broken_off(sock: socket.socket, hold: float) -> str | None:
    """Return how the peer ended the connection within `hold` seconds, None if it did not."""
    try:
        async with asyncio.timeout(hold):
            data = await asyncio.get_running_loop().sock_recv(sock, 1)
    except TimeoutError:
        return None
    except OSError as error:
        return error.strerror or str(error)
    return None if data else "the peer closed the connection at once"
