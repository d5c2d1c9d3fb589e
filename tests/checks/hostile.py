"""Servers that no check may trust: each floods, stalls, lies or breaks off, on loopback, in this event loop.

async with serve(flood) as port: ...
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

from checks.safe import safe

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ESCAPES = "\x1b[31m\x1b]52;c;aGk=\x07\x9b2J\u202eevil\u200b\x00\r\x08"
"""Colour, clipboard write (OSC 52), C1 control, reversed reading, zero width, NUL, CR, backspace."""
MB = 1 << 20


@contextlib.asynccontextmanager
async def serve(
    handler: Handler, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Run `handler` for each connection on a free port; whatever it still does is stopped at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the peer went, or the test is over
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(guarded, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        running = list(tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def assert_harmless(findings: object) -> None:
    """Assert that no text of any finding would do anything to a terminal."""
    for finding in findings:  # type: ignore[attr-defined]
        for text in (finding.subject, finding.message, finding.expected, finding.observed, finding.fix):
            assert safe(text, limit=100_000) == text, ascii(text)
            assert len(text) < 4000


async def request_head(reader: asyncio.StreamReader) -> bytes:
    """Read one request's head."""
    return await reader.readuntil(b"\r\n\r\n")


def answers(raw: bytes) -> Handler:
    """Return a handler that reads a request, sends `raw` and closes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(raw)
        await writer.drain()

    return handler


def floods(head: bytes, block: bytes) -> Handler:
    """Return a handler that sends `head` and then `block` again and again, up to 1 GB."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range((1 << 30) // len(block)):
            writer.write(block)
            await writer.drain()

    return handler


def drips(raw: bytes, every: float = 1.0) -> Handler:
    """Return a handler that sends `raw` one byte every `every` seconds, then zeros for ever."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in raw + bytes(10_000):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(every)

    return handler


banner = floods(b"", b"A" * 65536)
endless_headers = floods(b"HTTP/1.1 200 OK\r\n", b"X-Pad: " + b"h" * 1000 + b"\r\n")
endless_header_line = floods(b"HTTP/1.1 200 OK\r\nX-Pad: ", b"h" * 65536)
endless_reason = floods(b"HTTP/1.1 200 ", b"O" * 65536)
endless_chunks = floods(
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b"c" * 32768 + b"\r\n"
)
endless_chunk_extension = floods(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=", b"e" * 65536)
endless_trailers = floods(
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-T: " + b"t" * 1000 + b"\r\n"
)
endless_interim = floods(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
huge_length = floods(b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n", b"L" * 65536)
absurd_length = answers(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx")
one_byte_a_second = drips(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
nul_bytes = answers(bytes(4096))
ansi = answers(
    b"HTTP/1.1 200 " + ESCAPES.translate({0: None, 13: None}).encode() + b"\r\nLocation: \x1b]0;owned\x07\r\n"
    b"X-Ansi: \x1b[2J\x9b\r\nContent-Length: 5\r\n\r\n\x1b[1mx"
)
yes_to_everything = answers(
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 27\r\n\r\n<html>Please log in.</html>"
)


async def gzip_bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send 64 MB of zeros as 64 KB of gzip, whatever encoding was asked for."""
    await request_head(reader)
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(MB)) for _ in range(64)) + packer.flush()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb))
    writer.write(bomb)
    await writer.drain()


async def endless_redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Redirect every request to another path of the same server."""
    head = await request_head(reader)
    path = head.split(b" ")[1]
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: " + path + b"x\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, read and never say anything: also a TLS handshake that stalls."""
    while await reader.read(65536):
        pass


async def stalls_in_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a ClientHello with the start of a handshake record whose rest never comes."""
    await reader.read(65536)
    writer.write(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
    await writer.drain()
    await silence(reader, writer)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break the connection off by a reset as soon as it is accepted."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def close_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept and close: a load balancer without a living server behind it."""


FLOODS: dict[str, Handler] = {
    "banner": banner,
    "endless headers": endless_headers,
    "endless header line": endless_header_line,
    "endless reason": endless_reason,
    "endless chunks": endless_chunks,
    "endless chunk extension": endless_chunk_extension,
    "endless trailers": endless_trailers,
    "endless interim answers": endless_interim,
    "huge content length": huge_length,
    "absurd content length": absurd_length,
    "NUL bytes": nul_bytes,
    "ANSI": ansi,
    "a gzip bomb": gzip_bomb,
}
"""What must end quickly and small by itself."""
STALLS: dict[str, Handler] = {
    "silence": silence,
    "one byte a second": one_byte_a_second,
    "a stalled handshake": stalls_in_handshake,
}
"""What only the time limit ends."""
