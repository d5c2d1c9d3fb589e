"""Where a switch has learned which hardware address: its forwarding tables."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from checks.contract import CannotTell
from checks.dataclass import dataclass
from checks.device.base_places import BasePlaces, context_places, read_places
from checks.device.device import Device
from checks.device.maker import read_maker
from checks.device.values import mac, number, oid
from checks.wire.snmp.agent import Agent, Index, Value

_Q = oid("1.3.6.1.2.1.17.7.1.2.2.1")
Q_PORT, Q_STATUS = (*_Q, 2), (*_Q, 3)
_D = oid("1.3.6.1.2.1.17.4.3.1")
D_ADDRESS, D_PORT, D_STATUS = (*_D, 1), (*_D, 2), (*_D, 3)
VLAN_FDB_ID = oid("1.3.6.1.2.1.17.7.1.4.2.1.3")
VTP_STATE = oid("1.3.6.1.4.1.9.9.46.1.3.1.1.2")
CISCO = 9
_INVALID, _SELF = 2, 4
_OLD_RINGS = range(1002, 1006)
MAX_CONTEXTS = 256
_PROBES = 2
"""Contexts that are tried first: where none of them answers, the others are not waited for."""
_MAX_VLAN = 4095
Rows = Mapping[Index, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """One hardware address at one port."""

    mac: str
    if_index: int | None
    """None for the switch itself, and where its number leads to no port."""
    vlan: int | None
    own: bool
    """It is an address of the switch itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """What a switch has learned; `unread` are VLANs whose tables it did not show."""

    entries: tuple[Learned, ...]
    unread: tuple[int, ...] = ()


async def read_forwarding(device: Device) -> Forwarding:
    """Return every address that the switch has learned; raise CannotTell where it shows no table at all."""
    places = await device.read(read_places)
    entries = await _by_vlan(device, places)
    unread: tuple[int, ...] = ()
    if not entries:
        entries = await _plain(device.agent, places, None)
        if await device.read(read_maker) == CISCO:
            more, unread = await _by_context(device)
            seen = {(one.mac, one.if_index) for one in more}
            entries = [*more, *(one for one in entries if (one.mac, one.if_index) not in seen)]
    if not entries and not unread:
        raise CannotTell(
            f"{device.name} shows no forwarding table (dot1qTpFdbTable, dot1dTpFdbTable): it has learned "
            "nothing, is no switch, or the view of this community or user is restricted.",
            "Give the community or user a view of 1.3.6.1.2.1.17, read only, on a Cisco in every VLAN's "
            "context; or ask the switch that the devices are plugged into.",
        )
    return Forwarding(entries=tuple(dict.fromkeys(entries)), unread=unread)


async def _by_vlan(device: Device, places: BasePlaces) -> list[Learned]:
    table = await device.agent.table(Q_PORT, Q_STATUS)
    if not table[Q_PORT]:
        return []
    vlans = _vlans((await device.agent.table(VLAN_FDB_ID))[VLAN_FDB_ID])
    found = []
    for index, port in table[Q_PORT].items():
        address = _address(index[1:])
        status = number(table[Q_STATUS].get(index))
        if address and status != _INVALID:
            same = index[0] if 0 < index[0] < _MAX_VLAN else None
            vlan = same if vlans is None else vlans.get(index[0])
            found.append(_learned(address, number(port), status, vlan, places))
    return found


def _vlans(rows: Rows) -> dict[int, int] | None:
    """Return the VLAN of each forwarding database that only one VLAN uses.

    Agents that number none of them tell none, or 0 for every VLAN: then the databases are numbered as the
    VLANs are, which None stands for.
    """
    users: dict[int, set[int]] = {}
    for index, value in rows.items():
        users.setdefault(number(value) or 0, set()).add(index[-1])
    users.pop(0, None)
    if not users:
        return None
    return {fdb: next(iter(vlans)) for fdb, vlans in users.items() if len(vlans) == 1}


async def _plain(agent: Agent, places: BasePlaces, vlan: int | None) -> list[Learned]:
    table = await agent.table(D_ADDRESS, D_PORT, D_STATUS)
    found = []
    for index, port in table[D_PORT].items():
        address = _address(index) or mac(table[D_ADDRESS].get(index))
        status = number(table[D_STATUS].get(index))
        if address and status != _INVALID:
            found.append(_learned(address, number(port), status, vlan, places))
    return found


async def _by_context(device: Device) -> tuple[list[Learned], tuple[int, ...]]:
    """Return what a Cisco shows in each VLAN's own context, and the VLANs that it shows in none."""
    states = (await device.agent.table(VTP_STATE))[VTP_STATE]
    active = sorted({index[-1] for index, state in states.items() if number(state) == 1})
    vlans = [vlan for vlan in active if vlan not in _OLD_RINGS]
    turn = asyncio.Semaphore(4)

    async def read(vlan: int) -> list[Learned] | None:
        async with turn:
            agent = device.agent.in_context(str(vlan))
            try:
                return await _plain(agent, await context_places(device, agent), vlan)
            except CannotTell:
                return None

    asked = vlans[:MAX_CONTEXTS]
    told = await asyncio.gather(*(read(vlan) for vlan in asked[:_PROBES]))
    if told and all(rows is None for rows in told):
        return [], tuple(vlans)
    told += await asyncio.gather(*(read(vlan) for vlan in asked[_PROBES:]))
    unread = [vlan for vlan, rows in zip(vlans, told, strict=False) if rows is None]
    return [one for rows in told for one in rows or ()], (*unread, *vlans[MAX_CONTEXTS:])


def _address(index: Index) -> str:
    """Return the address that ends an index; some agents put its length before it."""
    octets = index[1:] if len(index) == 7 and index[0] == 6 else index
    if len(octets) != 6 or max(octets) > 255:
        return ""
    return bytes(octets).hex(":")


def _learned(
    address: str, told: int | None, status: int | None, vlan: int | None, places: BasePlaces
) -> Learned:  # fmt: skip
    return Learned(
        mac=address, if_index=places.find(told), vlan=vlan, own=status == _SELF or told == 0
    )  # fmt: skip
