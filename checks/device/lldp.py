"""Neighbours by LLDP: LLDP-MIB, LLDP-V2-MIB, and the copies of it that some vendors keep instead."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Callable, Iterator, Mapping

from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.half import same_rows
from checks.device.lldp_ports import LocalPorts, LocalRow
from checks.device.maker import read_maker
from checks.device.ports import read_base_ports, read_ports
from checks.device.records import Duplex, Neighbour
from checks.device.told import (
    CHASSIS_ADDRESS,
    CHASSIS_ALIAS,
    CHASSIS_MAC,
    CHASSIS_NAME,
    PORT_ADDRESS,
    PORT_MAC,
    first_line,
    hardware,
    identity,
    lldp_capabilities,
    network_address,
    plain_address,
    said,
)
from checks.device.values import number, oid
from checks.wire.snmp.agent import Index, Oid, Value

_LOCAL = oid("1.0.8802.1.1.2.1.3.7.1")
LOCAL_KIND, LOCAL_ID, LOCAL_DESCRIPTION = (*_LOCAL, 2), (*_LOCAL, 3), (*_LOCAL, 4)
REMOTE = oid("1.0.8802.1.1.2.1.4.1.1")
MANAGEMENT = oid("1.0.8802.1.1.2.1.4.2.1.3")
_MANAGEMENT_WRITTEN = oid("1.0.8802.1.1.2.1.4.2.1.2")
"""The address itself, which the MIB hides and RouterOS shows, without it in the index."""
REMOTE_V2 = oid("1.3.111.2.802.1.1.13.1.4.1.1")
MANAGEMENT_V2 = oid("1.3.111.2.802.1.1.13.1.4.2.1.3")
REMOTE_PVID = oid("1.0.8802.1.1.2.1.5.32962.1.3.1.1.1")
REMOTE_MAU = oid("1.0.8802.1.1.2.1.5.4623.1.3.1.1.4")
LOCAL_CHASSIS = oid("1.0.8802.1.1.2.1.3.2.0")
LOCAL_CHASSIS_V2 = oid("1.3.111.2.802.1.1.13.1.3.2.0")
_TIMETRA = oid("1.3.6.1.4.1.6527.3.1.2.59.4.1.1")
_MIKROTIK_INTERFACE = oid("1.3.6.1.4.1.14988.1.1.11.1.1.8")
_MIKROTIK_NAME = oid("1.3.6.1.4.1.14988.1.1.14.1.1.2")
MIKROTIK, ZYXEL, NOKIA = 14988, 890, 6527
_NMS = frozenset({3320, 11606, 52642})
"""BDCOM and those that build on it keep LLDP in NMS-LLDP-MIB below their own number."""

_COLUMNS = range(4, 13)
_MAU_DUPLEX: Mapping[int, Duplex] = {
    10: "half", 11: "full", 12: "half", 13: "full", 15: "half", 16: "full", 17: "half", 18: "full",
    21: "half", 22: "full", 23: "half", 24: "full", 25: "half", 26: "full", 29: "half", 30: "full",
}  # fmt: skip
"""dot3MauType of IANA-MAU-MIB, those that come in both kinds."""
Rows = Mapping[Index, Value]
Find = Callable[[Index], tuple[int | None, str] | None]
"""ifIndex and label of the port that a row's index means; None for an index of another shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    chassis_kind: int | None
    chassis: Value | None
    port_kind: int | None
    port: Value | None
    port_description: Value | None
    name: Value | None
    description: Value | None
    capabilities: Value | None
    vlan: Value | None = None
    mau: Value | None = None


async def read_lldp(device: Device) -> tuple[Neighbour, ...]:
    """Return what the device hears by LLDP, from the first table that holds anything."""
    vendor = await device.read(read_maker)
    found = await _standard(device, vendor)
    if not found:
        found = await _version_2(device)
    if not found and vendor == NOKIA:
        found = await _timetra(device)
    if not found and vendor in _NMS:
        found = await _nms(device, vendor)
    return found


async def _standard(device: Device, vendor: int | None) -> tuple[Neighbour, ...]:
    rows = await _remote(device, REMOTE, ordered=vendor != ZYXEL)
    if not rows:
        return ()
    table = await device.agent.table(LOCAL_KIND, LOCAL_ID, LOCAL_DESCRIPTION, ordered=vendor != ZYXEL)
    numbers = {index[-1] for rows in table.values() for index in rows if len(index) == 1}
    ports = LocalPorts(
        await device.read(read_ports),
        await device.read(read_base_ports),
        {
            one: LocalRow(
                kind=number(table[LOCAL_KIND].get((one,))),
                id=table[LOCAL_ID].get((one,)),
                description=table[LOCAL_DESCRIPTION].get((one,)),
            )
            for one in numbers
        },
        by_index=vendor == MIKROTIK,
    )
    behind_zero = await _mikrotik_zero(device) if vendor == MIKROTIK and _all_on_zero(rows) else None

    def find(index: Index) -> tuple[int | None, str] | None:
        if len(index) not in (2, 3):
            return None
        if behind_zero is not None:
            return behind_zero(index[-1])
        return ports.find(index[-2]), ports.label(index[-2])

    more = await device.agent.table(REMOTE_PVID, REMOTE_MAU, ordered=vendor != ZYXEL)
    rows = {
        index: dataclasses.replace(row, vlan=more[REMOTE_PVID].get(index), mau=more[REMOTE_MAU].get(index))
        for index, row in rows.items()
    }
    return _neighbours(rows, find, await _addresses(device, MANAGEMENT, (2, 3)), mark=3)


async def _version_2(device: Device) -> tuple[Neighbour, ...]:
    rows = await _remote(device, REMOTE_V2, shift=1)
    addresses = await _addresses(device, MANAGEMENT_V2, (4,)) if rows else {}
    return _neighbours(rows, await _by_if_index(device, 4, 1), addresses, mark=4)


async def _timetra(device: Device) -> tuple[Neighbour, ...]:
    rows = await _remote(device, _TIMETRA)
    return _neighbours(rows, await _by_if_index(device, 4, 1), {}, mark=4)


async def _nms(device: Device, vendor: int | None) -> tuple[Neighbour, ...]:
    base = (1, 3, 6, 1, 4, 1, vendor or 0, 127, 1, 4, 1, 1)
    rows = await _remote(device, base, ordered=False)
    if not rows:
        return ()
    local = (await device.agent.table((*base, 2), ordered=False))[(*base, 2)]
    known = {port.if_index for port in await device.read(read_ports)}

    def find(index: Index) -> tuple[int | None, str]:
        told = number(local.get(index))
        return (told if told in known else None), str(told or "")

    return _neighbours(rows, find, {}, mark=0)


async def _by_if_index(device: Device, length: int, place: int) -> Find:
    known = {port.if_index: port.name for port in await device.read(read_ports)}

    def find(index: Index) -> tuple[int | None, str] | None:
        if len(index) != length:
            return None
        told = index[place]
        return (told if told in known else None), known.get(told, str(told))

    return find


async def _remote(
    device: Device, base: Oid, *, shift: int = 0, ordered: bool = True
) -> dict[Index, _Row]:  # fmt: skip
    columns = [(*base, column + shift) for column in _COLUMNS if column != 11]
    table = await device.agent.table(*columns, ordered=ordered)
    told = [table[column] for column in columns]
    same_rows(device.name, "the neighbours that it hears by LLDP", told[1], told[3], told[5])
    rows = dict.fromkeys(index for column in told for index in column)
    return {
        index: _Row(
            chassis_kind=number(told[0].get(index)), chassis=told[1].get(index),
            port_kind=number(told[2].get(index)), port=told[3].get(index),
            port_description=told[4].get(index), name=told[5].get(index),
            description=told[6].get(index), capabilities=told[7].get(index),
        )
        for index in rows
    }  # fmt: skip


def _neighbours(
    rows: Mapping[Index, _Row], find: Find, addresses: Mapping[Index, str], *, mark: int
) -> tuple[Neighbour, ...]:
    """Return one neighbour a row; of rows that differ in their time mark only, the newest counts.

    `mark` is the length of an index that starts with a time mark.
    """
    newest: dict[Index, Index] = {}
    for index in rows:
        key = index[1:] if len(index) == mark else index
        newest[key] = max(index, newest.get(key, index))
    found = []
    for key, index in newest.items():
        place = find(index)
        if place is not None:
            found.append(_neighbour(rows[index], *place, addresses.get(key, "")))
    return tuple(one for one in found if one.remote_name or one.remote_chassis or one.remote_port)


def _neighbour(row: _Row, if_index: int | None, label: str, address: str) -> Neighbour:
    chassis = identity(row.chassis, row.chassis_kind, mac_kind=CHASSIS_MAC, address_kind=CHASSIS_ADDRESS)
    port = identity(row.port, row.port_kind, mac_kind=PORT_MAC, address_kind=PORT_ADDRESS)
    nameless = not port or (row.port_kind == PORT_MAC and bool(hardware(row.port)))
    if nameless and row.chassis_kind in (CHASSIS_ALIAS, CHASSIS_NAME) and chassis:
        port = chassis
    description, vlan = said(row.description), number(row.vlan) or 0
    if not address and row.chassis_kind == CHASSIS_ADDRESS:
        address = network_address(row.chassis)
    return Neighbour(
        protocol="lldp",
        local_if_index=if_index,
        local_port=label,
        remote_name=first_line(said(row.name)).rstrip(". ") or first_line(description),
        remote_port=port,
        remote_port_description=said(row.port_description),
        remote_chassis=chassis,
        remote_platform=first_line(description),
        remote_address=address,
        native_vlan=vlan if 0 < vlan < 4095 else None,
        duplex=_MAU_DUPLEX.get(number(row.mau) or 0, "unknown"),
        capabilities=lldp_capabilities(row.capabilities),
    )


async def _addresses(device: Device, column: Oid, lengths: tuple[int, ...]) -> dict[Index, str]:
    """Return the management address of each row (without its time mark): it stands in the index."""
    table = await device.agent.table(column, _MANAGEMENT_WRITTEN, ordered=False)
    rows = table[column]
    found: dict[Index, str] = {
        index[1:]: plain_address(value)
        for index, value in table[_MANAGEMENT_WRITTEN].items()
        if len(index) == 3 and plain_address(value)
    }
    for index in rows:
        for key, address in _in_index(index, lengths):
            if ":" not in address or key not in found:
                found[key] = address if ":" in found.get(key, ":") else found[key]
    return found


def _in_index(index: Index, lengths: tuple[int, ...]) -> Iterator[tuple[Index, str]]:
    for length in lengths:
        rest, octets = index[length:], index[length + 2 :]
        shaped = len(octets) in (4, 16) and rest[0] in (1, 2) and rest[1] == len(octets)
        if shaped and all(part < 256 for part in octets):
            yield (
                (index[1:length] if length > 2 else index[:length]),
                str(ipaddress.ip_address(bytes(octets))),
            )
            return


def _all_on_zero(rows: Mapping[Index, _Row]) -> bool:
    """RouterOS before 7.7 tells every neighbour on port 0."""
    return all(len(index) == 3 and index[1] == 0 for index in rows)


async def _mikrotik_zero(device: Device) -> Callable[[int], tuple[int | None, str]]:
    table = await device.agent.table(_MIKROTIK_INTERFACE)
    names = (await device.agent.table(_MIKROTIK_NAME))[_MIKROTIK_NAME]
    ports = await device.read(read_ports)

    def find(row: int) -> tuple[int | None, str]:
        interface = number(table[_MIKROTIK_INTERFACE].get((row,)))
        if interface is None:
            return None, ""
        name = said(names.get((interface,)))
        found = [port.if_index for port in ports if name and port.name == name]
        found = found or [port.if_index for port in ports if port.if_index == interface]
        return (found[0] if len(found) == 1 else None), name or str(interface)

    return find
