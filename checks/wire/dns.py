"""The DNS client that all checks of a run share: ask one server one question and get an `Answer`.

An `Answer` always comes back: what the server said (`rcode`), or how it failed to (`error`). UDP first, TCP
where the reply was cut or is asked for (RFC 7766), without EDNS where the server does not know it (RFC 6891
section 7). Nothing is cached here: an answer is what the server said now.
"""

from __future__ import annotations

import asyncio
import errno
import os
from time import perf_counter
from typing import Literal, Self

from checks.dataclass import dataclass
from checks.params import split_endpoint
from checks.vantage import Shared
from checks.wire import names
from checks.wire.dns_codec import Malformed, Record, decode, encode, question_of, reply_to
from checks.wire.dns_names import tidy_name
from checks.wire.dns_udp import IDLE_S, Pool, Reaper

__all__ = ["Answer", "Chain", "Dns", "Failure", "Record"]

PORT = 53
Transport = Literal["auto", "udp", "tcp"]
Failure = Literal[
    "timeout",
    "refused (port closed)",
    "unreachable",
    "not sent",
    "malformed reply",
    "truncated",
    "unknown host",
]
"""Why there is no whole answer. `not sent`: this machine has no way to the server (no route, a local rule),
so nothing is said about the server. `truncated`: cut over UDP, and TCP gave nothing either."""
_LOCAL = {
    errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES, errno.ENETDOWN,
    errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.EINVAL,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where a question led: the aliases passed, the name at the end, and its records of the type asked."""

    aliases: tuple[str, ...]
    end: str
    records: tuple[Record, ...]
    loop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one server answered to one question, or how it did not.

    `rcode` is None if there was no reply that can be read; `error` then says why. `rtt_ms` is the time of
    the exchange that gave the answer. `ignored` counts datagrams that came from the server's address on the
    same socket meanwhile and answered nothing that was asked: late, mangled or forged. `edns` says whether
    the reply speaks EDNS; None where the question did not (asked so, or after the server refused it).
    """

    server: str
    address: str
    name: str
    rdtype: str
    rcode: str | None = None
    error: Failure | None = None
    detail: str = ""
    aa: bool = False
    tc: bool = False
    ra: bool = False
    ad: bool = False
    edns: bool | None = None
    transport: Literal["udp", "tcp"] = "udp"
    rtt_ms: float | None = None
    tries: int = 1
    ignored: int = 0
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()

    def chain(self) -> Chain:
        """Follow the aliases from the name asked to the records (RFC 1034 section 3.6.2)."""
        wanted, name = self.rdtype, self.name
        aliases: list[str] = []
        while True:
            found = tuple(r for r in self.records if r.name == name and wanted in (r.rdtype, "ANY"))
            alias = next((r.text for r in self.records if r.name == name and r.rdtype == "CNAME"), None)
            if found or alias is None or wanted == "CNAME":
                return Chain(aliases=tuple(aliases), end=name, records=found)
            if alias in aliases or alias == self.name:
                return Chain(aliases=tuple(aliases), end=name, records=(), loop=True)
            aliases.append(alias)
            name = alias

    def referral(self) -> bool:
        """Return whether the server only points to other servers: that says nothing about the name."""
        kinds = {record.rdtype for record in self.authority}
        empty = self.rcode == "NOERROR" and not self.aa and not self.records
        return empty and "NS" in kinds and "SOA" not in kinds


class Dns:
    """The shared client; make it by `vantage.client(Dns)`."""

    def __init__(self, shared: Shared, *, endpoint: bool | None = None) -> None:
        self._shared = shared
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._reaper = Reaper(self._loop)
        self._places: dict[str, tuple[str, int]] = {}
        self._pools: dict[tuple[str, int], Pool] = {}
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
    ) -> Answer:
        """Ask `server` (an endpoint in normal form, port 53 unless given) for `name` and `rdtype`.

        Takes at most `timeout` seconds for each of `tries` over UDP and once more over TCP. `edns` false asks
        as before RFC 6891, which tells a server that drops EDNS from a silent one. `mix_case` writes the name
        in random case, which the reply must repeat (0x20): off by default, as some servers do not. Raises
        ValueError for a name or type that cannot be asked; everything else is in the `Answer`.
        """
        name = tidy_name(name)
        question = question_of(_mixed(name) if mix_case else name, rdtype)
        asked = _Asked(server=server, address="", name=name, rdtype=rdtype, question=question, edns=edns)
        where = self._places.get(server)
        if where is None:
            try:
                where = await self._place(server)
            except OSError as error:
                return asked.failed("unknown host", str(error))
        asked.address, port = where
        flags = {"recursion": recursion, "dnssec": dnssec, "checking_disabled": checking_disabled}
        if transport != "tcp":
            answer = await self._by_udp(asked, port, flags, timeout, tries)
            if not answer.tc or answer.error or transport == "udp":
                return answer
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
        self, asked: _Asked, port: int, flags: dict[str, bool], timeout: float, tries: int
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
                return asked.failed(_kind(error, leaving=True), _words(error))
            asked.ignored += foreign
            if reply is None:
                answer = asked.failed("timeout", f"no answer within {timeout:g} s, asked {asked.tries} times")
            elif isinstance(reply, OSError):
                answer = asked.failed(_kind(reply), _words(reply))
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

    async def _by_tcp(self, asked: _Asked, port: int, flags: dict[str, bool], timeout: float) -> Answer:
        answer = await self._once_by_tcp(asked, port, flags, timeout)
        if asked.edns and answer.rcode in ("FORMERR", "NOTIMP"):
            asked.edns = False
            answer = await self._once_by_tcp(asked, port, flags, timeout)
        return answer

    async def _once_by_tcp(self, asked: _Asked, port: int, flags: dict[str, bool], timeout: float) -> Answer:
        ident = int.from_bytes(os.urandom(2))
        message = encode(ident, asked.question, edns=asked.edns, **flags)
        asked.tries += 1
        begun = perf_counter()
        try:
            async with asyncio.timeout(timeout):
                reply = await _tcp(asked.address, port, message)
        except TimeoutError:
            return asked.failed("timeout", f"no answer within {timeout:g} s over TCP", "tcp")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return asked.failed("malformed reply", "the connection ended before the answer did", "tcp")
        except OSError as error:
            return asked.failed(_kind(error), f"{_words(error)} (TCP)", "tcp")
        if int.from_bytes(reply[:2], "big") != ident or not reply_to(reply, asked.question):
            return asked.failed("malformed reply", "the reply over TCP is not to the question asked", "tcp")
        return asked.answered(reply, "tcp", perf_counter() - begun)


@dataclass(slots=True, kw_only=True)
class _Asked:
    """What was asked so far: makes the answers."""

    server: str
    address: str
    name: str
    rdtype: str
    question: bytes
    edns: bool
    tries: int = 0
    ignored: int = 0

    def failed(self, error: Failure, detail: str, transport: Literal["udp", "tcp"] = "udp") -> Answer:
        return Answer(
            server=self.server, address=self.address, name=self.name, rdtype=self.rdtype, error=error,
            detail=detail, transport=transport, tries=self.tries, ignored=self.ignored,
        )  # fmt: skip

    def answered(self, reply: bytes, transport: Literal["udp", "tcp"], rtt_s: float) -> Answer:
        try:
            message = decode(reply, self.question, self.name)
        except Malformed as error:
            return self.failed("malformed reply", str(error), transport)
        flags = message.flags
        return Answer(
            server=self.server, address=self.address, name=self.name, rdtype=self.rdtype,
            rcode=message.rcode, aa=bool(flags & 0x0400), tc=bool(flags & 0x0200), ra=bool(flags & 0x0080),
            ad=bool(flags & 0x0020), edns=message.edns if self.edns else None, transport=transport,
            rtt_ms=round(rtt_s * 1000, 3), tries=self.tries, ignored=self.ignored, records=message.answer,
            authority=message.authority, additional=message.additional,
        )  # fmt: skip

    def cut(self, answer: Answer, by_tcp: Answer) -> Answer:
        return Answer(
            server=self.server, address=self.address, name=self.name, rdtype=self.rdtype,
            rcode=answer.rcode, error="truncated", detail=f"over TCP: {by_tcp.error}, {by_tcp.detail}",
            aa=answer.aa, tc=True, ra=answer.ra, ad=answer.ad, rtt_ms=answer.rtt_ms, tries=self.tries,
            ignored=self.ignored, records=answer.records, authority=answer.authority,
            additional=answer.additional,
        )  # fmt: skip


async def _tcp(address: str, port: int, message: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(len(message).to_bytes(2, "big") + message)
        size = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(size)
    finally:
        writer.transport.abort()


def _mixed(name: str) -> str:
    coins = os.urandom(len(name))
    return "".join(c.upper() if coin & 1 else c.lower() for c, coin in zip(name, coins, strict=True))


def _kind(error: OSError, *, leaving: bool = False) -> Failure:
    if isinstance(error, (ConnectionRefusedError, ConnectionResetError)):  # the latter on Windows (UDP)
        return "refused (port closed)"
    if leaving and error.errno in _LOCAL:
        return "not sent"
    return "unreachable"


def _words(error: OSError) -> str:
    return error.strerror or str(error)
