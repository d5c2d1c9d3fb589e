"""Neighbours by CDP and by what other vendors made of it: ISDP, FDP, EDP, MikroTik's and TP-Link's own."""

from __future__ import annotations

from collections.abc import Mapping

from checks.device.device import Device
from checks.device.half import same_rows
from checks.device.naming import find_ports
from checks.device.ports import read_ports
from checks.device.records import Duplex, Neighbour, Port
from checks.device.told import cdp_capabilities, first_line, hardware, plain_address, said
from checks.device.values import number, oid
from checks.wire.snmp.agent import Index, Oid, Value

_CDP = oid("1.3.6.1.4.1.9.9.23.1.2.1.1")
CDP_RUN = oid("1.3.6.1.4.1.9.9.23.1.3.1.0")
_FDP = oid("1.3.6.1.4.1.1991.1.1.3.20.1.2.1.1")
_EDP = oid("1.3.6.1.4.1.1916.1.13.2.1")
_TP_LINK = oid("1.3.6.1.4.1.11863.6.35.1.2.2.1")
_MNDP = oid("1.3.6.1.4.1.14988.1.1.11.1.1")
ISDP: Mapping[int, Oid] = {
    4413: oid("1.3.6.1.4.1.4413.1.1.39.1.2.1.1"),
    4526: oid("1.3.6.1.4.1.4526.10.39.1.2.1.1"),
    674: oid("1.3.6.1.4.1.674.10895.5000.2.6132.1.1.39.1.2.1.1"),
}
"""Enterprise number to agentIsdpCacheTable, the CDP of switches built on Broadcom's software."""
FOUNDRY, EXTREME, TP_LINK = 1991, 1916, 11863
_DUPLEX: Mapping[int, Duplex] = {2: "half", 3: "full"}
Rows = Mapping[Index, Value]


async def read_cdp(device: Device) -> tuple[Neighbour, ...]:
    """Return what the device hears by CDP."""
    told = await _columns(device, _CDP, 4, 5, 6, 7, 8, 9, 11, 12)
    same_rows(device.name, "the neighbours that it hears by CDP", told[6], told[7])
    names = await _names(device) if told[6] else {}
    return _named(
        [
            _neighbour(
                "cdp", names, index[0],
                name=told[6].get(index), port=told[7].get(index), platform=told[8].get(index),
                version=told[5].get(index), address=told[4].get(index),
                vlan=number(told[11].get(index)), duplex=number(told[12].get(index)),
                capabilities=cdp_capabilities(told[9].get(index)),
            )
            for index in _rows(told[6], told[7])
        ]
    )  # fmt: skip


async def read_isdp(device: Device, vendor: int) -> tuple[Neighbour, ...]:
    """Return what Broadcom's CDP of that vendor hears."""
    told = await _columns(device, ISDP[vendor], 6, 7, 8)
    names = await _names(device) if told[6] else {}
    return _named(
        [
            _neighbour(
                "isdp", names, index[0],
                name=told[6].get(index), port=told[7].get(index), platform=told[8].get(index),
            )
            for index in _rows(told[6], told[7])
        ]
    )  # fmt: skip


async def read_fdp(device: Device) -> tuple[Neighbour, ...]:
    """Return what a Foundry hears by FDP, and by CDP in the same table."""
    told = await _columns(device, _FDP, 3, 5, 6, 7, 8, 10)
    names = await _names(device) if told[3] else {}
    return _named(
        [
            _neighbour(
                "cdp" if number(told[10].get(index)) == 2 else "fdp", names, index[0],
                name=told[3].get(index), port=told[7].get(index), platform=told[8].get(index),
                version=told[6].get(index), address=told[5].get(index),
            )
            for index in _rows(told[3], told[7])
        ]
    )  # fmt: skip


async def read_edp(device: Device) -> tuple[Neighbour, ...]:
    """Return what an Extreme switch hears by EDP; a port is told as slot and port."""
    told = await _columns(device, _EDP, 3, 4, 5, 6)
    names = await _names(device) if told[3] else {}
    found = []
    for index in told[3]:
        slot, port = number(told[5].get(index)), number(told[6].get(index))
        where = f"{slot}:{port}" if slot else str(port or "")
        mac = hardware(bytes(index[-6:])) if len(index) >= 7 and max(index[-6:]) < 256 else ""
        found.append(
            _neighbour(
                "edp",
                names,
                index[0],
                name=told[3].get(index),
                port=where.encode(),
                version=told[4].get(index),
                chassis=mac,
            )
        )
    return _named(found)


async def read_tp_link(device: Device) -> tuple[Neighbour, ...]:
    """Return what a TP-Link JetStream hears: its LLDP is in TPLINK-LLDPINFO-MIB."""
    told = await _columns(device, _TP_LINK, 1, 4, 6, 8, 9, 10, 12, 13)
    if not told[9] and not told[4]:
        return ()
    ports = await device.read(read_ports)
    names = {port.if_index: port.name for port in ports}
    found = []
    for index in _rows(told[4], told[6], told[9]):
        local = said(told[1].get(index))
        chassis = hardware(told[4].get(index)) or said(told[4].get(index))
        port = hardware(told[6].get(index)) or said(told[6].get(index))
        if len(port) <= 2 and said(told[8].get(index)):
            port = said(told[8].get(index))
        named = _slot_port(ports, local)
        found.append(
            _neighbour(
                "lldp",
                names,
                named if named is not None else index[0],
                name=told[9].get(index) or (told[10].get(index) or b""),
                port=port.encode(),
                version=told[10].get(index),
                address=told[13].get(index),
                chassis=chassis,
                description=said(told[8].get(index)),
                label=local,
                capabilities=tuple(
                    word
                    for word in ("bridge", "router", "telephone", "wlan", "station")
                    if word in said(told[12].get(index)).casefold()
                ),
            )
        )
    return _named(found)


async def read_mndp(device: Device) -> tuple[Neighbour, ...]:
    """Return what a MikroTik hears by whatever protocol; it tells no port of the other end."""
    told = await _columns(device, _MNDP, 2, 3, 4, 5, 6, 8)
    names = await _names(device) if told[6] else {}
    return _named(
        [
            _neighbour(
                "mndp", names, number(told[8].get(index)) or 0,
                name=told[6].get(index), port=None, platform=told[5].get(index),
                version=told[4].get(index), address=told[2].get(index),
                chassis=hardware(told[3].get(index)),
            )
            for index in told[6]
        ]
    )  # fmt: skip


def _slot_port(ports: tuple[Port, ...], local: str) -> int | None:
    """Return the port that `1/0/23` ends the name of."""
    found = find_ports(ports, local) or tuple(
        port for port in ports if local and port.name.endswith(local) and not _cut_number(port.name, local)
    )
    return found[0].if_index if len(found) == 1 else None


def _cut_number(name: str, end: str) -> bool:
    return name[: -len(end)][-1:].isdigit()


async def _columns(device: Device, base: Oid, *columns: int) -> dict[int, Rows]:
    table = await device.agent.table(*((*base, column) for column in columns))
    return {column: table[(*base, column)] for column in columns}


async def _names(device: Device) -> dict[int, str]:
    return {port.if_index: port.name for port in await device.read(read_ports)}


def _rows(*columns: Rows) -> list[Index]:
    return list(dict.fromkeys(index for column in columns for index in column if len(index) == 2))


def _neighbour(
    protocol: str,
    names: Mapping[int, str],
    if_index: int,
    *,
    name: Value | None,
    port: Value | None,
    platform: Value | None = None,
    version: Value | None = None,
    address: Value | None = None,
    chassis: str = "",
    description: str = "",
    label: str = "",
    vlan: int | None = None,
    duplex: int | None = None,
    capabilities: tuple[str, ...] = (),
) -> Neighbour:
    return Neighbour(
        protocol=protocol,
        local_if_index=if_index if if_index in names else None,
        local_port=names.get(if_index, label or str(if_index)),
        remote_name=first_line(said(name)),
        remote_port=said(port),
        remote_port_description=description,
        remote_chassis=chassis,
        remote_platform=said(platform) or first_line(said(version)),
        remote_address=plain_address(address),
        native_vlan=vlan if vlan and 0 < vlan < 4095 else None,
        duplex=_DUPLEX.get(duplex or 0, "unknown"),
        capabilities=capabilities,
    )


def _named(found: list[Neighbour]) -> tuple[Neighbour, ...]:
    return tuple(one for one in found if one.remote_name or one.remote_chassis)
