"""TCP services: one that greets, one that takes what it is sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

_PATIENCE_S = 10.0


class Streams:
    """A TCP service on a bound socket; subclasses say in `talk` what happens on a connection."""

    def __init__(self, listening: socket.socket, context: ssl.SSLContext | None = None) -> None:
        self._listening = listening
        self._context = context
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(self._accept, sock=self._listening, ssl=self._context)

    async def stop(self) -> None:
        """Stop accepting and break off what is still going on."""
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one conversation; the connection is closed afterwards."""
        raise NotImplementedError

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        try:
            with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
                async with asyncio.timeout(_PATIENCE_S):
                    await self.talk(reader, writer)
        finally:
            writer.close()


class Greeter(Streams):
    """Sends `greeting`, then reads until the peer is done: a printer, a telephone system, a mail server."""

    def __init__(self, listening: socket.socket, greeting: bytes = b"") -> None:
        super().__init__(listening)
        self._greeting = greeting

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Greet and listen."""
        writer.write(self._greeting)
        await writer.drain()
        while await reader.read(4096):
            continue
