"""One HTTP/1.1 request on a connection of its own, its phases measured, everything about it bounded.

Proxy settings of the environment are not used: what is tested is the path itself. No redirect is followed
and nothing is decompressed (`Accept-Encoding: identity` is sent). No error of the network raises: it is
`trouble`.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import time
from dataclasses import field
from typing import Literal
from urllib.parse import quote, urlsplit

from checks.dataclass import dataclass
from checks.params import bracketed, parse_host, split_endpoint
from checks.vantage import Vantage
from checks.wire import http1
from checks.wire.http1 import Headers
from checks.wire.names import Family, Resolved, resolve
from checks.wire.tcp import Attempt, connect, drained, outcome_of
from checks.wire.tls import PlainChannel, TlsChannel, TlsFacts, TlsRefused, facts, trusting

Phase = Literal["resolve", "connect", "tls", "ttfb", "transfer"]
Kind = Literal[
    "unresolved", "unreachable", "untrusted", "handshake", "timeout", "reset", "closed", "malformed", "local"
]
MAX_ADDRESSES = 8
PATIENCE = 3.0
"""Seconds that an address may take to accept while another one of the name is left to try."""
_CHUNK = 65536
_SAFE_IN_TARGET = "/:=&?%~+!$,;'@()*[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask for, and where, if not where the URL says.

    `connect_to` is an endpoint that is used in place of the URL's host and port; `server_name` is what TLS
    asks for and checks in place of the URL's host. `ca_file` is a PEM file to trust in place of the
    system's authorities.
    """

    url: str
    method: str = "GET"
    family: Family = "any"
    connect_to: str | None = None
    server_name: str | None = None
    ca_file: str | None = None
    max_body: int = 1 << 20
    headers: Headers = ()
    upload: int = 0
    """Bytes of random content to send as the request's body."""
    body: bytes = b""
    """Content to send as the request's body, in place of `upload`; name its type in `headers`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why there is no whole answer: in which phase, of which kind, in whose words (raw)."""

    phase: Phase
    kind: Kind
    detail: str
    verify_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Seconds that each phase took; None for one that was not reached, or not needed."""

    resolve: float | None = None
    connect: float | None = None
    tls: float | None = None
    ttfb: float | None = None
    transfer: float | None = None

    @property
    def total(self) -> float:
        """Seconds from the name to the last byte."""
        return sum(
            part
            for part in (self.resolve, self.connect, self.tls, self.ttfb, self.transfer)
            if part is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came back; texts are raw. `status` is None where no answer came.

    `complete` says that the peer sent all of the body it announced, `cut` that our own bound ended it after
    `body_bytes`.
    """

    url: str
    method: str
    phases: Phases
    names: Resolved | None = None
    attempts: tuple[Attempt, ...] = ()
    local_address: str | None = None
    tls: TlsFacts | None = None
    status: int | None = None
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""
    body_bytes: int = 0
    complete: bool = False
    cut: bool = False
    trouble: Trouble | None = None
    unsent: int = 0
    """Bytes of an upload that the peer had not taken when it answered."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Place:
    """A URL taken apart: where to connect, and what to ask for."""

    secure: bool
    host: str
    port: int
    authority: str
    target: str


@functools.lru_cache(maxsize=4096)
def place(url: str) -> Place:
    """Take a normal-form URL apart."""
    parts = urlsplit(url)
    host = parse_host(parts.hostname or "")
    secure = parts.scheme == "https"
    usual = 443 if secure else 80
    port = parts.port or usual
    shown = bracketed(host)
    target = quote(parts.path or "/", safe=_SAFE_IN_TARGET)
    if parts.query:
        target += "?" + quote(parts.query, safe=_SAFE_IN_TARGET)
    return Place(secure, host, port, shown if port == usual else f"{shown}:{port}", target)


async def exchange(
    vantage: Vantage, request: Request, within: float, sink: http1.Sink | None = None
) -> Exchange:
    """Send one request and read its answer, all in `within` seconds; `sink` takes the body as it comes.

    Raises CannotTell only where `ca_file` cannot be read.
    """
    journey = _Journey(request, sink)
    try:
        async with asyncio.timeout(within):
            await journey.travel(vantage, within)
    except TimeoutError:
        journey.stop("timeout", f"not done within {within:.3g} s")
    except TlsRefused as error:
        kind: Kind = "handshake" if error.code is None else "untrusted"
        journey.stop(kind, error.words, error.code)
    except http1.Malformed as error:
        journey.stop("malformed", str(error))
    except OSError as error:
        kind = "reset" if outcome_of(error) == "reset" else "closed"
        journey.stop(kind, error.strerror or str(error))
    finally:
        journey.close()
    return journey.report()


@dataclass(slots=True)
class _Journey:
    """The way of one request: what is known so far, so that a limit at any moment loses nothing."""

    request: Request
    sink: http1.Sink | None
    phase: Phase = "resolve"
    times: dict[Phase, float] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)
    names: Resolved | None = None
    attempts: list[Attempt] = field(default_factory=list)
    sock: socket.socket | None = None
    local_address: str | None = None
    tls: TlsFacts | None = None
    answer: http1.Answer | None = None
    trouble: Trouble | None = None
    unsent: int = 0

    async def travel(self, vantage: Vantage, within: float) -> None:
        """Go through the phases until the answer is read or `trouble` stands in the way."""
        where = place(self.request.url)
        host, port = where.host, where.port
        if self.request.connect_to is not None:
            host, port = split_endpoint(self.request.connect_to, where.port)
        self.names = await resolve(vantage, host, self.request.family)
        if not self.names.addresses:
            kind: Kind = "local" if self.names.temporary else "unresolved"
            self.stop(kind, self.names.error or "no address")
            return
        self._next("connect")
        self.sock = await self._connect(self.names.addresses[:MAX_ADDRESSES], port, within)
        if self.sock is None:
            last = self.attempts[-1]
            self.stop("local" if last.outcome in ("local", "barred") else "unreachable", last.detail)
            return
        self.local_address = str(self.sock.getsockname()[0])
        channel: PlainChannel | TlsChannel
        if where.secure:
            self._next("tls")
            context = await trusting(vantage, self.request.ca_file)
            self.began = time.perf_counter()
            name = self.request.server_name or where.host
            channel = TlsChannel(self.sock, context, name)
            await channel.handshake()
            self.tls = facts(channel, name)
            self._next("ttfb")
        else:
            channel = PlainChannel(self.sock)
            self._next("ttfb")
        await self._talk(channel, where)

    async def _connect(self, addresses: tuple[str, ...], port: int, within: float) -> socket.socket | None:
        for number, address in enumerate(addresses):
            left = within - (time.perf_counter() - self.began)
            others = len(addresses) - number - 1
            patience = min(PATIENCE, left / (others + 1)) if others else left
            attempt, sock = await connect(address, port, patience)
            self.attempts.append(attempt)
            if sock is not None:
                return sock
        return None

    async def _talk(self, channel: PlainChannel | TlsChannel, where: Place) -> None:
        answer = self.answer = http1.Answer(self.request.method, self.request.max_body, self.sink)
        await channel.send(_head(self.request, where) + self.request.body)
        if self.request.upload:
            await _upload(channel, self.request.upload)
            assert self.sock is not None
            self.unsent = await drained(self.sock)
        while not answer.done:
            data = await channel.receive()
            if self.phase == "ttfb":
                self._next("transfer")
            if data:
                answer.feed(data)
            else:
                answer.end()
        self._next("transfer")
        if not answer.status:
            self.stop("closed", "the connection was closed without an answer")
        elif not answer.complete and not answer.cut:
            self.stop("closed", f"the connection was closed after {answer.size} bytes of the body")

    def _next(self, phase: Phase) -> None:
        """Account the time since the last call to the phase that ends and enter `phase`."""
        now = time.perf_counter()
        self.times[self.phase] = self.times.get(self.phase, 0.0) + now - self.began
        self.began, self.phase = now, phase

    def stop(self, kind: Kind, detail: str, code: int | None = None) -> None:
        """Keep why the journey ended, and when."""
        self.trouble = Trouble(phase=self.phase, kind=kind, detail=detail, verify_code=code)
        self._next(self.phase)

    def close(self) -> None:
        """Close the socket."""
        if self.sock is not None:
            self.sock.close()

    def report(self) -> Exchange:
        """Return all that is known."""
        answer = self.answer or http1.Answer("GET", 0)
        return Exchange(
            url=self.request.url,
            method=self.request.method,
            phases=Phases(**self.times),
            names=self.names,
            attempts=tuple(self.attempts),
            local_address=self.local_address,
            tls=self.tls,
            status=answer.status or None,
            reason=answer.reason,
            headers=answer.headers,
            body=answer.body,
            body_bytes=answer.size,
            complete=answer.complete,
            cut=answer.cut,
            trouble=self.trouble,
            unsent=self.unsent,
        )


def _head(request: Request, where: Place) -> bytes:
    lines = [
        f"{request.method} {where.target} HTTP/1.1",
        f"Host: {where.authority}",
        "User-Agent: gonogo",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    if request.upload:
        lines += ["Content-Type: application/octet-stream", f"Content-Length: {request.upload}"]
    elif request.body:
        lines.append(f"Content-Length: {len(request.body)}")
    lines += [f"{name}: {value}" for name, value in request.headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _upload(channel: PlainChannel | TlsChannel, size: int) -> None:
    block = os.urandom(_CHUNK)
    left = size
    while left > 0:
        await channel.send(block[:left] if left < _CHUNK else block)
        left -= _CHUNK
