"""The DNS client that all checks of a run share: ask one server one question and get an `Answer`.

An `Answer` always comes back: what the server said (`rcode`), or how it failed to (`error`). UDP first, TCP
where the reply was cut or is asked for (RFC 7766), without EDNS where the server does not know it (RFC 6891
section 7); a resolver over TLS or HTTPS over that and nothing else. Nothing is cached here: an answer is
what the server said now.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from time import perf_counter
from typing import TYPE_CHECKING, Literal, Self

from checks.params import split_endpoint
from checks.vantage import Shared
from checks.wire import names
from checks.wire.dns_answer import CUT, Answer, Asked, Chain
from checks.wire.dns_codec import Record, encode, question_of, reply_to
from checks.wire.dns_failures import Failure, Unanswered, of_connecting, of_datagram, words
from checks.wire.dns_names import tidy_name
from checks.wire.dns_udp import IDLE_S, Pool, Reaper
from checks.wire.tcp import connect

if TYPE_CHECKING:
    from checks.wire.dns_private import Private

__all__ = ["Answer", "Chain", "Dns", "Failure", "Record"]

PORT = 53
Transport = Literal["auto", "udp", "tcp"]


class Dns:
    """The shared client; make it by `vantage.client(Dns)`."""

    def __init__(self, shared: Shared, *, endpoint: bool | None = None) -> None:
        self._shared = shared
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._reaper = Reaper(self._loop)
        self._places: dict[str, tuple[str, int]] = {}
        self._pools: dict[tuple[str, int], Pool] = {}
        self._private: dict[tuple[str, str | None], Private] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    @classmethod
    async def open(cls, shared: Shared) -> Self:
        """Make the client; sockets open with the first question."""
        return cls(shared)

    async def close(self) -> None:
        """Close every socket; questions under way end as timed out."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._reaper.close()
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        for private in self._private.values():
            await private.close()
        self._private.clear()

    async def ask(
        self,
        server: str,
        name: str,
        rdtype: str,
        *,
        timeout: float = 2.0,
        tries: int = 2,
        transport: Transport = "auto",
        recursion: bool = True,
        dnssec: bool = False,
        checking_disabled: bool = False,
        mix_case: bool = False,
        edns: bool = True,
        keep_wire: bool = False,
        ca_file: str | None = None,
    ) -> Answer:
        """Ask `server` for `name` and `rdtype`: a `Resolver` in normal form, plain DNS, TLS or HTTPS.

        Takes at most `timeout` seconds for each of `tries` over UDP and once more over TCP; over TLS and
        HTTPS as many seconds in all, opening the connection included. `edns` false asks as before RFC 6891,
        which tells a server that drops EDNS from a silent one. `mix_case` writes the name in random case,
        which the reply must repeat (0x20): off by default, as some servers do not. `keep_wire` keeps the
        reply's bytes in the answer. `ca_file` is a PEM file of the authorities to trust in place of the
        system's; `transport` is for plain DNS only. Raises ValueError for a name or type that cannot be
        asked and CannotTell for a `ca_file` that cannot be read; everything else is in the `Answer`.
        """
        name = tidy_name(name)
        question = question_of(_mixed(name) if mix_case else name, rdtype)
        asked = Asked(server=server, address="", name=name, rdtype=rdtype, question=question, edns=edns)
        asked.keep_wire = keep_wire
        flags = {"recursion": recursion, "dnssec": dnssec, "checking_disabled": checking_disabled}
        where = self._places.get(server)
        if where is None:
            if "://" in server:
                return await self._over_tls(asked, flags, timeout, max(1, tries), ca_file)
            try:
                where = await self._place(server)
            except OSError as error:
                return asked.failed("unknown host", str(error))
        asked.address, port = where
        if transport != "tcp":
            answer = await self._by_udp(asked, port, flags, timeout, tries)
            if not answer.tc or answer.error:
                return answer
            if transport == "udp":
                return dataclasses.replace(answer, error="truncated", detail=f"{CUT}; TCP was not asked")
            by_tcp = await self._by_tcp(asked, port, flags, timeout)
            return by_tcp if by_tcp.rcode is not None else asked.cut(answer, by_tcp)
        return await self._by_tcp(asked, port, flags, timeout)

    async def _place(self, server: str) -> tuple[str, int]:
        host, port = split_endpoint(server, PORT)
        found = await names.resolve(self._shared, host)
        if not found.addresses:
            raise OSError(f"{host} has no address: {found.error}")
        self._places[server] = found.addresses[0], port
        return self._places[server]

    async def _by_udp(
        self, asked: Asked, port: int, flags: dict[str, bool], timeout: float, tries: int
    ) -> Answer:
        pool = self._pool(asked.address, port)
        left = max(1, tries)
        while True:
            left -= 1
            asked.tries += 1
            try:
                reply, rtt_s, foreign = await pool.exchange(
                    lambda ident: encode(ident, asked.question, edns=asked.edns, **flags),
                    asked.question,
                    self._loop.time() + timeout,
                )
            except OSError as error:
                return asked.failed(of_datagram(error, leaving=True), words(error))
            asked.ignored += foreign
            if reply is None:
                answer = asked.failed("timeout", f"no answer within {timeout:g} s, asked {asked.tries} times")
            elif isinstance(reply, OSError):
                answer = asked.failed(of_datagram(reply), words(reply))
            else:
                answer = asked.answered(reply, "udp", rtt_s)
                if asked.edns and answer.rcode in ("FORMERR", "NOTIMP"):
                    asked.edns, left = False, max(1, left)
                elif answer.error is None:
                    return answer
            if left <= 0 or self._closed:
                return answer

    def _pool(self, address: str, port: int) -> Pool:
        pool = self._pools.get((address, port))
        if pool is None:
            pool = Pool(address, port, self._reaper, endpoint=self._endpoint)
            self._pools[address, port] = pool
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(IDLE_S, self._sweep)
        return pool

    def _sweep(self) -> None:
        for key in [key for key, pool in self._pools.items() if pool.idle()]:
            self._pools.pop(key).close()
        self._sweeper = self._loop.call_later(IDLE_S, self._sweep) if self._pools else None

    async def _by_tcp(self, asked: Asked, port: int, flags: dict[str, bool], timeout: float) -> Answer:
        answer = await self._once_by_tcp(asked, port, flags, timeout)
        if asked.edns and answer.rcode in ("FORMERR", "NOTIMP"):
            asked.edns = False
            answer = await self._once_by_tcp(asked, port, flags, timeout)
        return answer

    async def _once_by_tcp(self, asked: Asked, port: int, flags: dict[str, bool], timeout: float) -> Answer:
        ident = int.from_bytes(os.urandom(2))
        message = encode(ident, asked.question, edns=asked.edns, **flags)
        asked.tries += 1
        begun = perf_counter()
        try:
            async with asyncio.timeout(timeout):
                reply = await _tcp(asked.address, port, message, timeout)
        except Unanswered as trouble:
            return asked.failed(trouble.kind, trouble.detail, "tcp")
        except TimeoutError:
            return asked.failed("timeout", f"no answer within {timeout:g} s over TCP", "tcp")
        except (asyncio.IncompleteReadError, OSError):
            return asked.failed("malformed reply", "the connection ended before the answer did", "tcp")
        if int.from_bytes(reply[:2], "big") != ident or not reply_to(reply, asked.question):
            return asked.failed("malformed reply", "the reply over TCP is not to the question asked", "tcp")
        return asked.answered(reply, "tcp", perf_counter() - begun)

    async def _over_tls(
        self, asked: Asked, flags: dict[str, bool], timeout: float, tries: int, ca_file: str | None
    ) -> Answer:
        from checks.wire.dns_private import Private

        key = asked.server, ca_file
        private = self._private.get(key)
        if private is None:
            private = self._private[key] = Private(self._shared, asked.server, ca_file)
        deadline = self._loop.time() + timeout * tries
        while True:
            asked.tries += 1
            try:
                reply = await private.exchange(
                    lambda ident: encode(ident, asked.question, edns=asked.edns, **flags),
                    asked.question,
                    deadline,
                    tries,
                )
            except Unanswered as trouble:
                return asked.failed(trouble.kind, trouble.detail, private.path)
            asked.address = reply.address
            answer = asked.answered(reply.message, private.path, reply.rtt_s)
            if not (asked.edns and answer.rcode in ("FORMERR", "NOTIMP")):
                return answer
            asked.edns = False


async def _tcp(address: str, port: int, message: bytes, within: float) -> bytes:
    attempt, sock = await connect(address, port, within)
    if sock is None:
        raise Unanswered(of_connecting(attempt.outcome), f"{attempt.detail} (TCP)")
    try:
        reader, writer = await asyncio.open_connection(sock=sock)
    except BaseException:
        sock.close()
        raise
    try:
        writer.write(len(message).to_bytes(2, "big") + message)
        size = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(size)
    finally:
        writer.transport.abort()


def _mixed(name: str) -> str:
    coins = os.urandom(len(name))
    return "".join(c.upper() if coin & 1 else c.lower() for c, coin in zip(name, coins, strict=True))
