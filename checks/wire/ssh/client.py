"""The SSH connections of a run: one per way into a host, opened on first use and closed with the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from checks.vantage import Shared
from checks.wire.ssh.access import Access
from checks.wire.ssh.connection import Connection
from checks.wire.ssh.host import Host
from checks.wire.ssh.limits import Limits
from checks.wire.ssh.remote import Remote
from checks.wire.ssh.timely import Timely
from checks.wire.ssh.watchdog import Watchdog

THREADS = 128
"""Commands and logins under way at once; a thread is made only when all others are busy."""
FAREWELL_S = 3.0


class Ssh:
    """All hosts that a run logs into; `vantage.client(Ssh)` gives it."""

    def __init__(self, shared: Shared, limits: Limits | None = None) -> None:
        self._shared = shared
        self._limits = limits or Limits()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="ssh")
        self._watchdog = Watchdog()
        self._hosts: dict[Access, Host] = {}
        self._connections: list[Connection] = []
        self._chores: set[asyncio.Task[Any]] = set()

    @classmethod
    async def open(cls, shared: Shared) -> Self:
        """Make the client; nobody is connected to yet."""
        return cls(shared)

    def host(self, access: Access, remaining: Callable[[], float] | None = None) -> Remote:
        """Return the host of `access`, one connection for the same way.

        With `remaining`, the seconds that who asks still has, a login that takes longer is told by its stage.
        """
        host = self._host(access)
        return host if remaining is None else Timely(host, remaining)

    def _host(self, access: Access) -> Host:
        if access not in self._hosts:
            jump = self._host(access.jump) if access.jump is not None else None
            self._hosts[access] = Host(access, jump, self._connection, self._chore)
        return self._hosts[access]

    async def close(self) -> None:
        """End what still runs on the hosts, then every connection, and leave no thread."""
        for host in self._hosts.values():
            host.stop()
        if self._chores:
            await asyncio.wait(self._chores, timeout=FAREWELL_S)
        for connection in self._connections:
            connection.cut()
        await asyncio.gather(
            *(connection.close() for connection in self._connections), return_exceptions=True
        )
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._hosts.clear()
        self._connections.clear()
        self._watchdog.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _connection(self, access: Access) -> Connection:
        connection = Connection(access, self._shared, self._pool, self._watchdog, self._limits)
        self._connections.append(connection)
        return connection

    def _chore(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something in the background until the client closes."""
        task = asyncio.ensure_future(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task
