"""DNS over HTTPS (RFC 8484): POST over HTTP/2 or HTTP/1.1, whichever the server takes by ALPN.

HTTP/1.1 alone is not enough: 9.9.9.9 gave it up in December 2025, and unbound never spoke it.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

from checks.vantage import Shared
from checks.wire import http1, http2
from checks.wire.dns_codec import reply_to
from checks.wire.dns_failures import Unanswered
from checks.wire.dns_stream import Peer, Reply, open_tls, prompt
from checks.wire.http import place

CONNECTIONS = 4
IDLE_S = 10.0
_PROTOCOLS = ("h2", "http/1.1")
_MAX_MESSAGE = 65535
_READ = 65536
_MEDIA_TYPE = "application/dns-message"


class Connection:
    """One verified connection, which carries one request at a time."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        transport: asyncio.Transport,
        address: str,
        authority: str,
        path: str,
    ) -> None:
        self._reader, self._transport = reader, transport
        self._authority, self._path = authority, path
        chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        self._http2 = http2.Connection(authority, path, _MAX_MESSAGE) if chosen == "h2" else None
        self.address = address
        self.answers = 0
        self.reusable = True
        self.used = asyncio.get_running_loop().time()

    def close(self) -> None:
        """Close it at once."""
        self._transport.abort()

    async def post(self, message: bytes) -> bytes:
        """Send a DNS message and return the one that came back; raise Unanswered, ssl.SSLError or OSError."""
        self.reusable = False
        headers = (
            ("content-type", _MEDIA_TYPE), ("accept", _MEDIA_TYPE), ("user-agent", "gonogo"),
            ("content-length", str(len(message))),
        )  # fmt: skip
        try:
            status, body = await (self._by_http1 if self._http2 is None else self._by_http2)(headers, message)
        except http1.Malformed as error:
            raise Unanswered("malformed reply", str(error)) from None
        self.answers += 1
        self.used = asyncio.get_running_loop().time()
        if not 200 <= status < 300:
            raise Unanswered("HTTP error", f"HTTP status {status}")
        return body

    async def _by_http1(self, headers: http1.Headers, message: bytes) -> tuple[int, bytes]:
        head = [f"POST {self._path} HTTP/1.1", f"host: {self._authority}", *(f"{k}: {v}" for k, v in headers)]
        self._transport.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + message)
        prompt(self._transport)
        answer = http1.Answer("POST", _MAX_MESSAGE)
        while not answer.done:
            data = await self._reader.read(_READ)
            if data:
                answer.feed(data)
            else:
                answer.end()
        if not answer.status:
            raise _ended()
        if answer.cut:
            raise Unanswered("malformed reply", f"the answer is longer than {_MAX_MESSAGE} bytes")
        if not answer.complete:
            raise Unanswered("malformed reply", "the connection ended before the answer did")
        keep = (answer.header("connection") or "").lower() != "close" and answer.version == "1.1"
        self.reusable = keep and not self._reader.at_eof()
        return answer.status, answer.body

    async def _by_http2(self, headers: http1.Headers, message: bytes) -> tuple[int, bytes]:
        assert self._http2 is not None
        state = self._http2
        self._transport.write(state.request(headers, message))
        prompt(self._transport)
        while not state.done:
            data = await self._reader.read(_READ)
            if not data:
                raise _ended()
            prompt(self._transport)
            back = state.feed(data)
            if back:
                self._transport.write(back)
        if state.refused:
            raise _ended()
        self.reusable = state.reusable
        return state.status, bytes(state.body)


def _ended() -> Unanswered:
    return Unanswered("malformed reply", "the connection ended before the answer did", closed=True)


class Connections:
    """The connections to one DoH server: at most four, kept while they are used."""

    def __init__(self, shared: Shared, resolver: str, ca_file: str | None) -> None:
        url, _, name = resolver.partition("#")
        where = place(url)
        shown = name if where.port == 443 else f"{name}:{where.port}"
        self._authority = shown if name else where.authority
        self._path = where.target
        self._peer = Peer(host=where.host, port=where.port, name=name or where.host, ca_file=ca_file)
        self._shared = shared
        self._free: list[Connection] = []
        self._turn = asyncio.Semaphore(CONNECTIONS)
        self._sweeper: asyncio.TimerHandle | None = None

    async def exchange(self, message: bytes, question: bytes, deadline: float) -> Reply:
        """Ask once; raise Unanswered. A connection that the server had closed meanwhile is replaced."""
        try:
            async with asyncio.timeout_at(deadline), self._turn:
                while True:
                    connection = self._free.pop() if self._free else await self._open(deadline)
                    try:
                        return await self._ask(connection, message, question)
                    except Unanswered as trouble:
                        if not (trouble.closed and connection.answers):
                            raise
        except TimeoutError:
            raise Unanswered("timeout", "no answer came in time over HTTPS") from None

    async def _ask(self, connection: Connection, message: bytes, question: bytes) -> Reply:
        begun = perf_counter()
        try:
            reply = await connection.post(message)
            rtt_s = perf_counter() - begun
        except OSError as error:  # ssl.SSLError too
            detail = f"the connection broke: {error.strerror or error}"
            raise Unanswered("malformed reply", detail, closed=True) from None
        finally:
            if connection.reusable:
                self._keep(connection)
            else:
                connection.close()
        if reply[:2] != message[:2] or not reply_to(reply, question):
            raise Unanswered("malformed reply", "the reply over HTTPS is not to the question asked")
        return Reply(reply, rtt_s, connection.address)

    async def _open(self, deadline: float) -> Connection:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_READ, loop=loop)
        transport, _, address = await open_tls(
            self._shared,
            self._peer,
            lambda: asyncio.StreamReaderProtocol(reader, loop=loop),
            deadline,
            _PROTOCOLS,
        )
        return Connection(reader, transport, address, self._authority, self._path)

    def _keep(self, connection: Connection) -> None:
        self._free.append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(IDLE_S, self._sweep)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        old = [one for one in self._free if loop.time() - one.used >= IDLE_S]
        self._free = [one for one in self._free if one not in old]
        for one in old:
            one.close()
        self._sweeper = loop.call_later(IDLE_S, self._sweep) if self._free else None

    async def close(self) -> None:
        """Close what is free; what is in use closes with its question."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in self._free:
            connection.close()
        self._free.clear()
