"""A small HTTP/1.1 server: fixed pages, with or without TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping

from agent.demo.streams import Streams
from checks.dataclass import dataclass

_MAX_HEADERS = 100


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered for a path."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: str = "200 OK"


_NOT_FOUND = Page(b"<h1>Not found</h1>\n", status="404 Not Found")


class Web(Streams):
    """Serves `pages` by path; answers HEAD and GET, one request a connection."""

    def __init__(
        self, listening: socket.socket, pages: Mapping[str, Page], context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(listening, context)
        self._pages = pages

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        words = (await reader.readline()).split()
        for _ in range(_MAX_HEADERS):
            if (await reader.readline()).strip() == b"":
                break
        if len(words) != 3:
            return
        method, target = words[0], words[1].decode("latin-1")
        page = self._pages.get(target.partition("?")[0], _NOT_FOUND)
        head = (
            f"HTTP/1.1 {page.status}\r\nContent-Type: {page.content_type}\r\n"
            f"Content-Length: {len(page.body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode("ascii") + (b"" if method == b"HEAD" else page.body))
        await writer.drain()
