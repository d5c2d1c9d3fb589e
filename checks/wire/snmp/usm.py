"""SNMPv3 to one agent: pysnmp's engines, our tables, and what each failure means."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from collections.abc import Sequence

from checks.vantage import CannotTell
from checks.wire.snmp import ber, failures
from checks.wire.snmp.agent import Access
from checks.wire.snmp.community import PROBE, Ways
from checks.wire.snmp.engines import Engines
from checks.wire.snmp.line import LOST_S, Budget, Line, Outcome, SilenceError

_UNKNOWN_CONTEXTS = "1.3.6.1.6.3.12.1.5"
_AUTHORIZATION_ERROR = 16
_PROBES = 3
_ADDRESSES = 2
_V3 = 3
_CLOSED_S = 0.5
_DISCOVERY = bytes.fromhex(
    "303e020103301102047a6e6f0002030"  # version 3, message id and largest message
    "0ffe3040104020103"  # reportable, neither authenticated nor encrypted, user-based
    "0410300e0400020100020100040004000400"  # no engine, user, or keys
    "301404000400a00e02047a6e6f010201000201003000"
)
"""The question who an agent is (RFC 3414 section 4)."""


class UsmLine(Line):
    """An agent that is asked as a user."""

    def __init__(
        self,
        access: Access,
        name: str,
        ways: Ways,
        engines: Engines,
        gate: asyncio.Semaphore,
        *,
        context: str | None = None,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(name, gate, budget or Budget(LOST_S))
        self._access = access
        self._ways = ways
        self._engines = engines
        self._context = access.context if context is None else f"vlan-{context}"
        self._to = ("", 0)

    async def probe(self) -> None:
        for what, how, key in (
            ("authentication", self._access.auth, self._access.auth_key),
            ("privacy", self._access.privacy, self._access.privacy_key),
        ):
            if how != "none" and not key:
                raise failures.empty_key(self.name, what)
        found = await self._ways.addresses(self._access.host, self.name)
        by_version: dict[int, str] = {}
        for one in found:
            by_version.setdefault(ipaddress.ip_address(one.partition("%")[0]).version, one)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for address in list(by_version.values())[:_ADDRESSES]:
            self._to = (address, self._access.port)
            try:
                outcome = await self.exchange(ber.GET, PROBE, 0, _PROBES, v1=False)
            except SilenceError:
                continue
            if outcome.error == _AUTHORIZATION_ERROR:
                raise failures.not_authorized(self.name, self._access)
            return
        self.spend(loop.time() - begun, lost=True)
        if self._context and self._context != self._access.context:
            raise failures.silent_context(self.name, self._context.removeprefix("vlan-"))
        raise await self._why(list(by_version.values())[:_ADDRESSES])

    async def _why(self, addresses: Sequence[str]) -> CannotTell:
        """Ask with less security, which agents answer more often, and tell what that says."""
        access = self._access
        for address in addresses:
            to = (address, access.port)
            if self._context:
                said = await self._engines.ask(access, to, "", ber.GET, PROBE, 0, 2)
                if isinstance(said, Outcome):
                    return failures.unknown_context(self.name, self._context)
            if access.privacy != "none":
                plain = dataclasses.replace(access, privacy="none", privacy_key="")
                said = await self._engines.ask(plain, to, self._context, ber.GET, PROBE, 0, 2)
                if isinstance(said, Outcome) or said.startswith("UnsupportedSecurityLevel"):
                    return failures.privacy_silent(self.name, access)
                if not said.startswith("RequestTimedOut"):
                    return self._told(said)
            if access.auth != "none":
                bare = dataclasses.replace(access, auth="none", auth_key="", privacy="none", privacy_key="")
                said = await self._engines.ask(bare, to, "", ber.GET, PROBE, 0, 2)
                if isinstance(said, Outcome) or not said.startswith("RequestTimedOut"):
                    return failures.user_silent(self.name, access)
            if await self._closed(address):
                return failures.closed(self.name)
        return failures.silent(self.name, "to SNMPv3, not even to the question who it is")

    async def _closed(self, address: str) -> bool:
        """Return whether the kernel says of the port that it is closed; pysnmp does not hear of that."""
        try:
            socket = await self._ways.socket(6 if ":" in address else 4, self.name)
        except CannotTell:
            return False
        to = (str(ipaddress.ip_address(address)), self._access.port)
        heard, _ = await socket.exchange(to, _V3, b"", lambda _: _DISCOVERY, (_CLOSED_S,))
        return isinstance(heard, ConnectionRefusedError)

    async def exchange(
        self, kind: int, oids: Sequence[bytes], repetitions: int, tries: int, *, v1: bool
    ) -> Outcome:
        said = await self._engines.ask(self._access, self._to, self._context, kind, oids, repetitions, tries)
        if isinstance(said, Outcome):
            return said
        if said.startswith("RequestTimedOut"):
            raise SilenceError
        if said.startswith(("EmptyResponse", "TooBig")):
            raise ber.MalformedError(said)
        raise self._told(said)

    def _told(self, said: str) -> CannotTell:
        """Return what an indication of the security layer means for a person."""
        what = said.partition(":")[0]
        if what == "UnknownUserName":
            return failures.unknown_user(self.name, self._access)
        if what in {"WrongDigest", "AuthenticationFailure", "AuthenticationError"}:
            return failures.wrong_digest(self.name, self._access)
        if what == "UnsupportedSecurityLevel":
            return failures.unsupported_level(self.name, self._access)
        if what in {"DecryptionError", "EncryptionError"}:
            return failures.privacy_silent(self.name, self._access)
        if what == "NotInTimeWindow":
            return failures.not_in_time(self.name)
        if _UNKNOWN_CONTEXTS in said or what in {"NoSuchContext", "UnknownContext"}:
            return failures.unknown_context(self.name, self._context)
        return failures.security(self.name, said)

    def in_context(self, context: str) -> UsmLine:
        return UsmLine(
            self._access, self.name, self._ways, self._engines, self.gate, context=context,
            budget=self.contexts_budget,
        )  # fmt: skip
