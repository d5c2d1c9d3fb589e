"""The interfaces behind the port numbers of bridge tables: base ports, where an agent keeps to the MIB."""

from __future__ import annotations

from collections.abc import Mapping

from checks.device.device import Device
from checks.device.maker import read_maker
from checks.device.ports import BASE_PORT_IF_INDEX, read_base_ports, read_ports
from checks.device.values import number
from checks.wire.snmp.agent import Agent

TP_LINK = 11863
_TP_LINK_FIRST = 49152
"""JetStreams number their ports from 1 and their interfaces from 49153."""
_STP_PORT_ID = 0x8000
"""Port id of the usual priority 128: some agents tell it in place of the base port."""


class BasePlaces:
    """The interfaces behind the numbers."""

    def __init__(self, base: Mapping[int, int], known: frozenset[int], maker: int | None) -> None:
        self._base, self._known, self._maker = base, known, maker

    def find(self, told: int | None) -> int | None:
        """Return the ifIndex of a base port; None for 0 and for what leads to no interface."""
        if told is None or told <= 0:
            return None
        if told in self._base:
            return self._base[told] if self._base[told] in self._known else None
        if told > _STP_PORT_ID and (told & 0xFFF) in self._base:
            return self.find(told & 0xFFF)
        if told in self._known:
            return told
        if self._maker == TP_LINK and told + _TP_LINK_FIRST in self._known:
            return told + _TP_LINK_FIRST
        return None


async def read_places(device: Device) -> BasePlaces:
    """Return the interfaces behind the numbers of the agent's own tables."""
    ports = await device.read(read_ports)
    return BasePlaces(
        await device.read(read_base_ports),
        frozenset(port.if_index for port in ports),
        await device.read(read_maker),
    )


async def context_places(device: Device, agent: Agent) -> BasePlaces:
    """Return those of a VLAN's context: its base ports are the ports of that VLAN only."""
    rows = (await agent.table(BASE_PORT_IF_INDEX))[BASE_PORT_IF_INDEX]
    base = {index[0]: number(value) or 0 for index, value in rows.items() if len(index) == 1}
    ports = await device.read(read_ports)
    return BasePlaces(base, frozenset(port.if_index for port in ports), await device.read(read_maker))
