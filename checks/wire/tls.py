"""TLS over our own non-blocking sockets, its time measured apart; one context per trust set and run.

Building a context reads every CA certificate and costs thirty times a handshake: `trusting` makes each once.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.dataclass import dataclass
from checks.vantage import CannotTell, Shared, Vantage

_READ = 65536
_CLIENT = ssl.PROTOCOL_TLS_CLIENT
_HTTP1 = ("http/1.1",)
MAX_NAMES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFacts:
    """What a verified handshake showed; names are raw text from the certificate."""

    version: str
    cipher: str
    server_name: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime


class TlsRefused(Exception):  # noqa: N818 - it is an outcome
    """The handshake failed; `code` is OpenSSL's X509_V_ERR_* where the certificate was the cause."""

    def __init__(self, words: str, code: int | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.code = code


class PlainChannel:
    """Bytes over a connected socket; errors of the system raise OSError."""

    __slots__ = ("_loop", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock

    async def send(self, data: bytes) -> None:
        """Send all of `data`."""
        await self._loop.sock_sendall(self._sock, data)

    async def receive(self) -> bytes:
        """Return at most 64 KB; empty when the peer has ended."""
        return await self._loop.sock_recv(self._sock, _READ)


class TlsChannel:
    """Bytes over TLS; call `handshake` first. An end without close_notify raises ssl.SSLEOFError."""

    __slots__ = ("_in", "_loop", "_out", "_sock", "object")

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._in, self._out, server_hostname=server_name or None)

    async def handshake(self) -> None:
        """Shake hands; raise TlsRefused where TLS said no, OSError where the connection broke."""
        try:
            while True:
                try:
                    self.object.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await self._flush()
                    await self._fill()
            await self._flush()
        except ssl.SSLCertVerificationError as error:
            await self._say_why()
            raise TlsRefused(error.verify_message or str(error), error.verify_code) from error
        except ssl.SSLEOFError as error:
            raise TlsRefused("the peer closed the connection during the handshake") from error
        except ssl.SSLError as error:
            await self._say_why()
            raise TlsRefused((error.reason or str(error)).replace("_", " ").lower()) from error

    async def send(self, data: bytes) -> None:
        """Send all of `data`."""
        self.object.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        """Return at most 64 KB; empty when the peer has ended properly."""
        while True:
            try:
                return self.object.read(_READ)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLZeroReturnError:
                return b""

    async def _fill(self) -> None:
        data = await self._loop.sock_recv(self._sock, _READ)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()

    async def _flush(self) -> None:
        if self._out.pending:
            await self._loop.sock_sendall(self._sock, self._out.read())

    async def _say_why(self) -> None:
        try:
            await self._flush()
        except OSError:
            pass


def facts(channel: TlsChannel, server_name: str) -> TlsFacts:
    """Return what a verified handshake showed."""
    shown: Mapping[str, Any] = channel.object.getpeercert() or {}
    cipher = channel.object.cipher()
    return TlsFacts(
        version=channel.object.version() or "",
        cipher=cipher[0] if cipher else "",
        server_name=server_name,
        subject=_distinguished(shown.get("subject", ())),
        issuer=_distinguished(shown.get("issuer", ())),
        names=tuple(str(name) for _, name in shown.get("subjectAltName", ())[:MAX_NAMES]),
        not_before=_moment(shown.get("notBefore")),
        not_after=_moment(shown.get("notAfter")),
    )


async def trusting(
    vantage: Vantage | Shared, ca_file: str | None, protocols: tuple[str, ...] = _HTTP1
) -> ssl.SSLContext:
    """Return this run's verifying context: the system's authorities, or only those of `ca_file` (PEM).

    OpenSSL's own environment variables (SSL_CERT_FILE, SSL_CERT_DIR) apply to the system's authorities;
    `protocols` are offered by ALPN. Raises CannotTell where the file cannot be read.
    """

    async def make() -> ssl.SSLContext:
        return await asyncio.to_thread(_verifying, ca_file, protocols)

    return await vantage.once(("tls", "trusting", ca_file, protocols), make)


async def lenient(vantage: Vantage, ca_file: str | None, *, verify: bool) -> ssl.SSLContext:
    """Return a context that speaks TLS 1.0 and weak ciphers too, so that an old server can be described."""

    async def make() -> ssl.SSLContext:
        if not verify:
            return _old(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), verify=False)
        return _old(await asyncio.to_thread(_verifying, ca_file), verify=True)

    return await vantage.once(("tls", "lenient", ca_file, verify), make)


async def opportunistic(vantage: Vantage, ca_file: str | None, *, verify: bool) -> ssl.SSLContext:
    """Return a context for STARTTLS: no ALPN, and with `verify` the chain is verified and the name is not.

    Without `verify` old versions are spoken too, so that what an old server shows can be described.
    """

    async def make() -> ssl.SSLContext:
        context = await asyncio.to_thread(_verifying, ca_file) if verify else ssl.SSLContext(_CLIENT)
        context.check_hostname = False
        if not verify:
            _old(context, verify=False)
        context.set_alpn_protocols([])
        return context

    return await vantage.once(("tls", "opportunistic", ca_file if verify else None, verify), make)


def _verifying(ca_file: str | None, protocols: tuple[str, ...] = _HTTP1) -> ssl.SSLContext:
    if ca_file is None:
        context = ssl.create_default_context()
    else:
        try:
            context = ssl.create_default_context(cafile=str(Path(ca_file).expanduser()))
        except (OSError, ssl.SSLError) as error:
            raise CannotTell(
                f"The CA certificates in {ca_file} cannot be read: {error.strerror or error}.",
                "Give the path of a PEM file with the certificates of the authorities to trust.",
            ) from error
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # Python 3.13 refuses what clients accept (an authority without key usage): the same result everywhere.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def _old(context: ssl.SSLContext, *, verify: bool) -> ssl.SSLContext:
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.set_alpn_protocols(list(_HTTP1))
    return context


def _distinguished(parts: Any) -> str:
    return ", ".join(f"{key}={value}" for part in parts for key, value in part)


def _moment(text: Any) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), UTC)
