"""SNMP v1 and v2c to one agent: own codec, the run's shared socket."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from checks.wire.snmp import ber, failures
from checks.wire.snmp.agent import Access, Oid
from checks.wire.snmp.datagrams import Address, Socket
from checks.wire.snmp.line import LOST_S, PROBES, WAIT_S, Budget, Line, Outcome, SilenceError

SYS_OBJECT_ID: Oid = (1, 3, 6, 1, 2, 1, 1, 2, 0)
SYS_UP_TIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
PROBE = (ber.encode_oid(SYS_OBJECT_ID), ber.encode_oid(SYS_UP_TIME))
_V1, _V2C = 0, 1
_ADDRESSES = 2


class Ways(Protocol):
    """What a line needs of the client: addresses and sockets."""

    def addresses(self, host: str, name: str) -> Awaitable[tuple[str, ...]]:
        """Return the addresses of a host; raise CannotTell where there are none."""
        ...

    def socket(self, version: int, name: str) -> Awaitable[Socket]:
        """Return the socket of an IP version; raise CannotTell where this machine has none."""
        ...


class CommunityLine(Line):
    """An agent that is asked with a community."""

    def __init__(
        self,
        access: Access,
        name: str,
        ways: Ways,
        gate: asyncio.Semaphore,
        *,
        context: str = "",
        budget: Budget | None = None,
    ) -> None:
        super().__init__(name, gate, budget or Budget(LOST_S))
        self._access = access
        self._ways = ways
        self._context = context
        community = f"{access.community}@{context}" if context else access.community
        self._community = community.encode("utf-8")
        self._version = _V1 if access.version == "1" else _V2C
        self._to: Address = ("", 0)
        self._socket: Socket

    @property
    def bulk(self) -> bool:  # type: ignore[override]
        return self._version == _V2C

    @property
    def fallback(self) -> bool:  # type: ignore[override]
        return self._version == _V2C

    async def probe(self) -> None:
        found = await self._ways.addresses(self._access.host, self.name)
        by_version: dict[int, str] = {}
        for one in found:
            by_version.setdefault(ipaddress.ip_address(one.partition("%")[0]).version, one)
        problems: list[OSError] = []
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for version, address in list(by_version.items())[:_ADDRESSES]:
            self._socket = await self._ways.socket(version, self.name)
            self._to = (str(ipaddress.ip_address(address)), self._access.port)
            heard = await self._greet()
            if heard is True:
                return
            if heard:
                problems.append(heard)
        self.spend(loop.time() - begun, lost=True)
        if any(isinstance(problem, ConnectionRefusedError) for problem in problems):
            raise failures.closed(self.name)
        if problems and len(problems) == len(by_version):
            raise failures.no_way(self.name, str(problems[0]))
        if self._context:
            raise failures.silent_context(self.name, self._context)
        versions = "v1" if self._access.version == "1" else "v2c or v1"
        raise failures.silent(self.name, f"to SNMP {versions}", self._socket.strays.get(self._to[0], 0))

    async def _greet(self) -> bool | OSError:
        """Return whether the agent answers: as v2c, or as v1 if only that is answered."""
        first = asyncio.ensure_future(self._hello(self._version, PROBES))
        asked = {first}
        try:
            if self._version == _V2C and not self._context:
                await asyncio.wait(asked, timeout=WAIT_S)
                if not first.done():
                    second = asyncio.ensure_future(self._hello(_V1, PROBES - 1))
                    asked.add(second)
            heard = await first
            if heard is True or len(asked) == 1:
                return heard
            if await second is True:
                self._version = _V1
                self.quirks["It answers SNMP v1 only: it has no 64-bit counters."] = None
                return True
            return heard
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _hello(self, version: int, tries: int) -> bool | OSError:
        try:
            await self._exchange(version, ber.GET, PROBE, 0, (WAIT_S,) * tries)
        except SilenceError:
            return False
        except ber.MalformedError:
            return True
        except OSError as error:
            return error
        return True

    async def exchange(
        self, kind: int, oids: Sequence[bytes], repetitions: int, tries: int, *, v1: bool
    ) -> Outcome:
        version = _V1 if v1 else self._version
        try:
            return await self._exchange(version, kind, oids, repetitions, (WAIT_S,) * tries)
        except ConnectionRefusedError:
            self.end(failures.closed(self.name))
            raise failures.closed(self.name) from None
        except OSError as error:
            raise failures.no_way(self.name, str(error)) from None

    async def _exchange(
        self, version: int, kind: int, oids: Sequence[bytes], repetitions: int, waits: Sequence[float]
    ) -> Outcome:
        message_of: Callable[[int], bytes] = lambda ident: ber.request(  # noqa: E731
            version, self._community, kind, ident, oids, repetitions
        )
        answer, other = await self._socket.exchange(self._to, version, self._community, message_of, waits)
        if answer is None:
            raise SilenceError
        if isinstance(answer, OSError):
            raise answer
        if other:
            self.quirks[f"It answers from {other}, another of its addresses than the one asked."] = None
        if answer.error:
            return Outcome(answer.error, answer.culprit, [])
        return Outcome(0, 0, ber.bindings(answer), len(answer.data))

    def in_context(self, context: str) -> CommunityLine:
        return CommunityLine(
            self._access, self.name, self._ways, self.gate, context=context, budget=self.contexts_budget
        )
