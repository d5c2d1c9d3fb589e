"""Services in a thread of their own, so that the run beside them is an ordinary one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

_START_S = 10.0


class Service(Protocol):
    """One server of the practice office; its sockets are bound before it is started."""

    async def start(self) -> None:
        """Begin to serve."""
        ...

    async def stop(self) -> None:
        """Stop serving and close every socket."""
        ...


class Serving:
    """A context manager within which all `services` serve."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="practice office", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_S):
            raise TimeoutError("The practice office did not start within ten seconds.")
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._over is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(_START_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            self._failed = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        started: list[Service] = []
        try:
            for service in self._services:
                await service.start()
                started.append(service)
            self._ready.set()
            await self._over.wait()
        finally:
            for service in reversed(started):
                await service.stop()
