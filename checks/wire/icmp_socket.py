"""Echo by socket, one per address family for the whole run: unprivileged datagram sockets, or raw ones.

Linux: `SOCK_DGRAM` (allowed by `net.ipv4.ping_group_range`; the kernel sets the id, errors come by the error
queue; over IPv6 a packet that the local firewall drops looks sent) and `SOCK_RAW` (CAP_NET_RAW; sees
everybody's ICMP, so id, sequence, source and token are compared).
macOS: `SOCK_DGRAM` for everybody, with the IP header before the message and errors as messages; written from
its documentation, never run there.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time

from checks.wire.icmp_options import (
    BUSY,
    LINUX,
    MSG_ERRQUEUE,
    OVERRUN,
    PACE_USED_UP,
    Kind,
    configure,
    forbid_fragments,
    ip_option,
    local_words,
    read_drops,
    read_queued_error,
    read_stamp,
)
from checks.wire.icmp_pace import Pace, Series
from checks.wire.icmp_packet import (
    TOKEN_BYTES,
    Echo,
    Refusal,
    Reply,
    build_request,
    error_words,
    read_message,
    read_request,
    without_ip_header,
)

_READ_AT_ONCE = 512
_LAG_S = 5.0
"""A series that falls this far behind its schedule ends, so that it ends before its check's deadline."""


class _Run:
    """A series under way."""

    __slots__ = ("done", "echoes", "left", "pending", "series", "sockaddr", "started", "strays")

    def __init__(self, series: Series, started: float) -> None:
        self.series = series
        self.started = started
        host = (series.address, 0)
        self.sockaddr = host if series.version == 4 else (*host, 0, series.scope)
        self.echoes: list[Echo | None] = [None] * series.count
        self.left = series.count
        self.pending: dict[int, _Probe] = {}
        self.strays: dict[int, str] = {}
        self.done: asyncio.Future[None] | None = None

    def put(self, echo: Echo) -> None:
        self.echoes[echo.sequence] = echo
        self.left -= 1
        if not self.left and self.done is not None and not self.done.done():
            self.done.set_result(None)


class _Probe:
    """One request in flight: `sent` by the monotonic clock in seconds, `wall_ns` by the kernel's clock."""

    __slots__ = ("index", "payload", "run", "sent", "wall_ns")

    def __init__(self, run: _Run, index: int, payload: bytes) -> None:
        self.run = run
        self.index = index
        self.payload = payload
        self.sent = 0.0
        self.wall_ns = 0


class EchoSocket:
    """The echo socket of one address family; raises OSError where this machine or account may not have it."""

    def __init__(self, version: int, kind: Kind, pace: Pace) -> None:
        self._version = version
        self._kind = kind
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._ident = int.from_bytes(os.urandom(2))
        self._secret = os.urandom(TOKEN_BYTES - 8)
        self._number = 0
        self._sequence = int.from_bytes(os.urandom(2))
        self._pending: dict[int, _Probe] = {}
        self._buffer = bytearray(65536)
        self._view = memoryview(self._buffer)
        self._has_header = version == 4 and (kind == "raw" or not LINUX)
        self._own_ident = kind == "raw" or not LINUX
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
        self._socket = socket.socket(
            family, socket.SOCK_DGRAM if kind == "dgram" else socket.SOCK_RAW, protocol
        )
        try:
            configure(self._socket, version, kind)
            self._ttl_option = ip_option(version, socket.IP_TTL, socket.IPV6_UNICAST_HOPS)
            self._default_ttl = self._ttl = self._socket.getsockopt(*self._ttl_option)
            self._dont_fragment: bool | None = None
        except BaseException:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket.fileno(), self._read, _READ_AT_ONCE)

    def _apply(self, series: Series) -> None:
        ttl = self._default_ttl if series.ttl is None else series.ttl
        if ttl != self._ttl:
            self._socket.setsockopt(*self._ttl_option, ttl)
            self._ttl = ttl
        if series.dont_fragment != self._dont_fragment:
            forbid_fragments(self._socket, self._version, forbid=series.dont_fragment)
            self._dont_fragment = series.dont_fragment

    async def series(self, series: Series) -> tuple[Echo, ...]:
        """Run one series; what is unanswered `timeout` seconds after it was sent is lost."""
        loop = self._loop
        drops = read_drops(self._socket)
        run = _Run(series, loop.time())
        try:
            for index in range(series.count):
                wait = run.started + index * series.interval - loop.time()
                if index and wait < -_LAG_S:
                    self._give_up(run, index)
                    break
                if wait > 0:
                    await asyncio.sleep(wait)
                await self._pace.turn()
                await self._send_patiently(run, index)
            if run.left:
                run.done = loop.create_future()
                timer = loop.call_later(series.timeout, self._expire, run)
                try:
                    await run.done
                finally:
                    timer.cancel()
        finally:
            for sequence in run.pending:
                self._pending.pop(sequence, None)
        if run.pending:
            overrun = read_drops(self._socket) != drops
            for probe in run.pending.values():
                self._lose(probe, overrun=overrun)
        return tuple(echo for echo in run.echoes if echo is not None)

    def _give_up(self, run: _Run, first: int) -> None:
        now = self._loop.time() - run.started
        for index in range(first, run.series.count):
            run.put(
                Echo(
                    sequence=index, sent_s=now, rtt_ms=None, responder=None, error=PACE_USED_UP, local=True
                )
            )  # fmt: skip

    async def _send_patiently(self, run: _Run, index: int) -> None:
        for _ in range(20):
            if self._send(run, index, last=False):
                return
            await asyncio.sleep(0.005)
        self._send(run, index, last=True)

    def _send(self, run: _Run, index: int, *, last: bool) -> bool:
        """Send one request; False if the queue is full and it is worth another try."""
        series = run.series
        self._number += 1
        payload = self._secret + self._number.to_bytes(8, "big") + bytes(series.size - TOKEN_BYTES)
        probe = _Probe(run, index, payload)
        sequence = self._free_sequence()
        packet = build_request(self._version, self._ident, sequence, payload)
        error: OSError | None = None
        for _ in range(3):
            self._pending[sequence] = run.pending[sequence] = probe
            probe.wall_ns, probe.sent = time.time_ns(), time.monotonic()
            try:
                self._apply(series)
                self._socket.sendto(packet, run.sockaddr)
            except OSError as caught:
                del self._pending[sequence], run.pending[sequence]
                error = caught
                if caught.errno in BUSY:
                    break
                # The kernel hands the error of an earlier packet to the next call, whatever that one sends.
                self._read_errors()
            else:
                return True
        assert error is not None
        if error.errno in BUSY and not last:
            return False
        words, mtu = local_words(error, run.sockaddr)
        run.put(
            Echo(
                sequence=index, sent_s=probe.sent - run.started, rtt_ms=None, responder=None,
                error=words, mtu=mtu, local=True,
            )
        )  # fmt: skip
        return True

    def _free_sequence(self) -> int:
        for _ in range(0x10000):
            self._sequence = (self._sequence + 1) & 0xFFFF
            if self._sequence not in self._pending:
                return self._sequence
        raise RuntimeError("65,536 echo requests are in flight already.")

    def _expire(self, run: _Run) -> None:
        self._read(8 * _READ_AT_ONCE)  # what the kernel received in time counts, however late we are
        if run.done is not None and not run.done.done():
            run.done.set_result(None)

    def _read(self, budget: int) -> None:
        if self._kind == "dgram" and LINUX:
            self._read_errors()
        for _ in range(budget):
            try:
                length, extra, _flags, source = self._socket.recvmsg_into([self._buffer], 128)
            except BlockingIOError:
                return
            except OSError:
                continue
            now = time.monotonic()
            stamp = read_stamp(extra)
            message = self._view[:length]
            if self._has_header:
                message = without_ip_header(message)
            found = read_message(self._version, message)
            if isinstance(found, Reply):
                self._on_reply(found, source, now, stamp)
            elif found is not None and found.ident == self._ident:
                self._on_refusal(found, source[0], now)

    def _on_reply(self, reply: Reply, source: tuple[str, int, int, int], now: float, stamp: int) -> None:
        if self._own_ident and reply.ident != self._ident:
            return
        probe = self._pending.get(reply.sequence)
        # Some hosts cut a long answer short; it must begin with the token and be the start of what was sent.
        if probe is None or len(reply.payload) < TOKEN_BYTES or not probe.payload.startswith(reply.payload):
            return
        series = probe.run.series
        address = source[0].partition("%")[0]
        if address != series.address or (series.scope and source[3] != series.scope):
            probe.run.strays[probe.index] = address
            return
        elapsed = now - probe.sent
        if stamp:
            by_kernel = (stamp - probe.wall_ns) / 1e9
            if 0 <= by_kernel <= elapsed + 0.0005:  # otherwise the wall clock was set in between
                elapsed = by_kernel
        if elapsed > series.timeout:
            return
        self._settle(reply.sequence, probe)
        probe.run.put(
            Echo(
                sequence=probe.index, sent_s=probe.sent - probe.run.started, rtt_ms=elapsed * 1000,
                responder=address, error=None,
            )
        )  # fmt: skip

    def _on_refusal(self, refusal: Refusal, source: str, now: float) -> None:
        probe = self._pending.get(refusal.sequence)
        if probe is None or refusal.target != probe.run.series.address:
            return
        known = min(len(refusal.payload), TOKEN_BYTES)
        if refusal.payload[:known] != probe.payload[:known]:
            return
        self._settle(refusal.sequence, probe)
        probe.run.put(
            Echo(
                sequence=probe.index, sent_s=probe.sent - probe.run.started, rtt_ms=None,
                responder=source.partition("%")[0], error=refusal.error,
                error_ms=(now - probe.sent) * 1000, mtu=refusal.mtu,
            )
        )  # fmt: skip

    def _read_errors(self) -> None:
        if not (self._kind == "dgram" and LINUX):
            return
        for _ in range(_READ_AT_ONCE):
            try:
                quoted, extra, _flags, target = self._socket.recvmsg(2048, 512, MSG_ERRQUEUE)
            except OSError:
                return
            request = read_request(self._version, memoryview(quoted))
            if request is None:
                continue
            error = read_queued_error(self._version, extra)
            if error is None:
                continue
            icmp_type, code, info, offender = error
            known = error_words(self._version, icmp_type, code, info)
            if known is not None:
                _ident, sequence, payload = request
                address = target[0].partition("%")[0]
                refusal = Refusal(known[0], known[1], address, self._ident, sequence, payload)
                self._on_refusal(refusal, offender, time.monotonic())

    def _settle(self, sequence: int, probe: _Probe) -> None:
        del self._pending[sequence], probe.run.pending[sequence]

    def _lose(self, probe: _Probe, *, overrun: bool) -> None:
        stray = probe.run.strays.get(probe.index)
        error = OVERRUN if overrun else f"answered by {stray} instead" if stray else None
        probe.run.put(
            Echo(
                sequence=probe.index, sent_s=probe.sent - probe.run.started, rtt_ms=None, responder=None,
                error=error, local=overrun,
            )
        )  # fmt: skip

    async def close(self) -> None:
        """Close the socket; no series may be under way."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
