"""A UDP service: one datagram in, at most one out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable


class Datagrams(asyncio.DatagramProtocol):
    """Answers datagrams on a bound UDP socket by `answer(request)`; None is silence."""

    def __init__(self, bound: socket.socket, answer: Callable[[bytes], bytes | None]) -> None:
        self._bound = bound
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Begin to answer."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=self._bound)

    async def stop(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one datagram."""
        reply = self._answer(data)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)
