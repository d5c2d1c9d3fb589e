"""The SNMP client that all checks of a run share."""

from __future__ import annotations

import asyncio
from typing import Self

from checks.params import join_endpoint
from checks.vantage import Shared
from checks.wire.names import resolve
from checks.wire.snmp import failures, walk
from checks.wire.snmp.agent import Access, Agent, Index, Oid, Value
from checks.wire.snmp.community import CommunityLine
from checks.wire.snmp.datagrams import Socket, open_socket
from checks.wire.snmp.engines import Engines
from checks.wire.snmp.line import AT_ONCE, Line
from checks.wire.snmp.usm import UsmLine

_PORT = 161
_NAMES_S = 10.0


class LineAgent:
    """An `Agent` over a line."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._contexts: dict[str, LineAgent] = {}

    @property
    def name(self) -> str:
        """See `Agent.name`."""
        return self.line.name

    @property
    def quirks(self) -> tuple[str, ...]:
        """What is odd about the agent, in sentences, as far as it has shown."""
        return tuple(self.line.quirks)

    async def get(self, *oids: Oid) -> dict[Oid, Value]:
        """See `Agent.get`."""
        return await walk.get(self.line, oids)

    async def table(self, *columns: Oid, ordered: bool = True) -> dict[Oid, dict[Index, Value]]:
        """See `Agent.table`."""
        return await walk.table(self.line, columns, ordered=ordered)

    def in_context(self, context: str) -> LineAgent:
        """See `Agent.in_context`."""
        if context not in self._contexts:
            self._contexts[context] = LineAgent(self.line.in_context(context))
        return self._contexts[context]

    async def close(self) -> None:
        """End what is under way."""
        for agent in self._contexts.values():
            await agent.close()
        await self.line.close()


class Snmp:
    """One client for a run: hands out an agent for each way of asking."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._agents: dict[Access, LineAgent] = {}
        self._gates: dict[tuple[str, int], asyncio.Semaphore] = {}
        self._engines = Engines()
        self._sockets: dict[int, asyncio.Future[Socket]] = {}

    @classmethod
    async def open(cls, shared: Shared) -> Self:
        """See `checks.vantage.Client`."""
        return cls(shared)

    def agent(self, access: Access) -> Agent:
        """Return the agent that `access` leads to; nothing is asked yet."""
        if access not in self._agents:
            self._agents[access] = LineAgent(self._line(access))
        return self._agents[access]

    def _line(self, access: Access) -> Line:
        name = access.host if access.port == _PORT else join_endpoint(access.host, access.port)
        gate = self._gates.setdefault((access.host, access.port), asyncio.Semaphore(AT_ONCE))
        if access.version == "3":
            return UsmLine(access, name, self, self._engines, gate)
        return CommunityLine(access, name, self, gate)

    async def addresses(self, host: str, name: str) -> tuple[str, ...]:
        """Return the addresses of a host; raise CannotTell where there are none."""
        try:
            async with asyncio.timeout(_NAMES_S):
                found = await resolve(self._shared, host)
        except TimeoutError:
            raise failures.no_address(name, host, "the resolver did not answer in time") from None
        if not found.addresses:
            raise failures.no_address(name, host, found.error or "no address")
        return found.addresses

    async def socket(self, version: int, name: str) -> Socket:
        """Return the run's socket of an IP version; raise CannotTell where this machine has none."""
        if version not in self._sockets:
            self._sockets[version] = asyncio.ensure_future(open_socket(version))
        try:
            return await asyncio.shield(self._sockets[version])
        except OSError as error:
            raise failures.no_way(name, str(error)) from None

    async def close(self) -> None:
        """See `checks.vantage.Client`."""
        for agent in self._agents.values():
            await agent.close()
        self._agents.clear()
        await self._engines.close()
        for opened in await asyncio.gather(*self._sockets.values(), return_exceptions=True):
            if isinstance(opened, Socket):
                opened.close()
        self._sockets.clear()
