"""SNMP agents (v1 and v2c, by pysnmp) that serve fixed and moving objects; nothing can be set."""

from __future__ import annotations

import bisect
import socket
from collections.abc import Callable, Mapping
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.smi.instrum import AbstractMibInstrumController

Oid = tuple[int, ...]
Objects = Mapping[Oid, Any]
"""pysnmp's values, or callables that return one whenever they are asked."""


class Mib(AbstractMibInstrumController):  # type: ignore[misc]
    """The objects of one device."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._order = sorted(objects)

    def read_variables(self, *binds: Any, **_: Any) -> list[tuple[Oid, Any]]:
        """Answer a GET."""
        return [(name, self._value(tuple(name))) for name, _ in binds]

    def read_next_variables(self, *binds: Any, **_: Any) -> list[tuple[Oid, Any]]:
        """Answer a GETNEXT, and GETBULK that is made of them."""
        found = []
        for name, _ in binds:
            place = bisect.bisect_right(self._order, tuple(name))
            if place == len(self._order):
                found.append((tuple(name), rfc1905.endOfMibView))
            else:
                found.append((self._order[place], self._value(self._order[place])))
        return found

    def _value(self, name: Oid) -> Any:
        value = self._objects.get(name, rfc1905.noSuchObject)
        return value() if isinstance(value, Callable) else value  # type: ignore[arg-type]


class SnmpAgent:
    """One device's agent on a bound UDP socket."""

    def __init__(self, bound: socket.socket, community: str, objects: Objects) -> None:
        self._bound = bound
        self._community = community
        self._mib = Mib(objects)
        self._engine: Any = None

    async def start(self) -> None:
        """Begin to answer."""
        self._engine = found = engine.SnmpEngine()
        config.add_transport(found, udp.DOMAIN_NAME, udp.UdpTransport().open_server_mode(sock=self._bound))
        config.add_v1_system(found, "practice", self._community)
        for model in (1, 2):
            config.add_vacm_user(found, model, "practice", "noAuthNoPriv", readSubTree=(1,))
        served = context.SnmpContext(found)
        served.unregister_context_name(rfc1902.OctetString(b""))
        served.register_context_name(rfc1902.OctetString(b""), self._mib)
        for responder in (
            cmdrsp.GetCommandResponder,
            cmdrsp.NextCommandResponder,
            cmdrsp.BulkCommandResponder,
        ):
            responder(found, served)

    async def stop(self) -> None:
        """Close the socket."""
        if self._engine is not None:
            self._engine.close_dispatcher()
