"""Which hardware address has which IP address: a router's ARP and neighbour tables, old and new."""

from __future__ import annotations

import ipaddress

from checks.contract import CannotTell
from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.values import mac, number, oid
from checks.wire.snmp.agent import Index

OLD_MAC, OLD_TYPE = oid("1.3.6.1.2.1.4.22.1.2"), oid("1.3.6.1.2.1.4.22.1.4")
NEW_MAC, NEW_TYPE = oid("1.3.6.1.2.1.4.35.1.4"), oid("1.3.6.1.2.1.4.35.1.6")
_INVALID = 2
_LENGTHS = {1: 4, 2: 16, 3: 4, 4: 16}
"""InetAddressType to octets; 3 and 4 carry a zone of four octets behind them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One address and the hardware address behind it."""

    address: str
    mac: str
    if_index: int


async def read_arp(device: Device) -> tuple[Owner, ...]:
    """Return what both tables hold; raise CannotTell where both are empty: a router knows somebody."""
    table = await device.agent.table(OLD_MAC, OLD_TYPE)
    newer = await device.agent.table(NEW_MAC, NEW_TYPE, ordered=False)
    found = []
    for columns, kinds, parse in (
        (table[OLD_MAC], table[OLD_TYPE], _old), (newer[NEW_MAC], newer[NEW_TYPE], _new)
    ):  # fmt: skip
        for index, value in columns.items():
            address, hardware = parse(index), mac(value)
            if address and _one_device(hardware) and number(kinds.get(index)) != _INVALID:
                found.append(Owner(address=address, mac=hardware, if_index=index[0]))
    if not found:
        raise CannotTell(
            f"{device.name} shows no ARP table (ipNetToMediaTable, ipNetToPhysicalTable): it is no router "
            "of this network, or the view of this community or user is restricted.",
            "Name the router of the devices' network in 'routers', and give the community or user a view of "
            "1.3.6.1.2.1.4 there, read only.",
        )
    return tuple(dict.fromkeys(found))


def _old(index: Index) -> str:
    octets = index[1:]
    return _text(octets) if len(octets) == 4 else ""


def _new(index: Index) -> str:
    if len(index) < 3:
        return ""
    length = _LENGTHS.get(index[1], 0)
    rest = index[3:] if index[2] in (length, length + 4) and len(index) - 3 == index[2] else index[2:]
    return _text(rest[:length]) if length and len(rest) in (length, length + 4) else ""


def _text(octets: Index) -> str:
    return str(ipaddress.ip_address(bytes(octets))) if max(octets) < 256 else ""


def _one_device(hardware: str) -> bool:
    """Return whether it is an address of one device: not of a group, and not empty."""
    return bool(hardware) and not int(hardware[:2], 16) & 1
