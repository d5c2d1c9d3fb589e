"""What vendors tell of PoE beside POWER-ETHERNET-MIB: watts a port, and supplies of those without it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.values import number, oid
from checks.wire.snmp.agent import Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorGroup:
    """One supply in watts."""

    group: int
    power_w: float
    consumption_w: float | None


_RADLAN = oid("1.3.6.1.4.1.89.108.1.1.5")
VENDOR_WATTS: Mapping[int, tuple[Oid, int]] = {
    89: (_RADLAN, 1000),
    3955: (_RADLAN, 1000),
    674: (_RADLAN, 1000),
    4413: (oid("1.3.6.1.4.1.4413.1.1.15.1.1.1.2"), 1000),
    4526: (oid("1.3.6.1.4.1.4526.10.15.1.1.1.2"), 1000),
    11863: (oid("1.3.6.1.4.1.11863.6.56.1.1.2.1.1.7"), 10),
    1991: (oid("1.3.6.1.4.1.1991.1.1.2.14.2.2.1.6"), 1000),
}
"""Enterprise number to the column of power drawn by port and its divisor to watts."""

_FOUNDRY_TOTAL, _FOUNDRY_FREE = oid("1.3.6.1.4.1.1991.1.1.2.14.1.1.0"), oid("1.3.6.1.4.1.1991.1.1.2.14.1.2.0")
_TP_LIMIT, _TP_DRAWN = oid("1.3.6.1.4.1.11863.6.56.1.1.1.1.0"), oid("1.3.6.1.4.1.11863.6.56.1.1.1.3.0")
_HUAWEI = oid("1.3.6.1.4.1.2011.5.25.195.2.1")
_HUAWEI_MAXIMUM, _HUAWEI_DRAWN = (*_HUAWEI, 2), (*_HUAWEI, 5)


async def _foundry(device: Device) -> tuple[VendorGroup, ...]:
    """Return total and free milliwatts of a Foundry."""
    found = await device.agent.get(_FOUNDRY_TOTAL, _FOUNDRY_FREE)
    total, free = number(found.get(_FOUNDRY_TOTAL)), number(found.get(_FOUNDRY_FREE))
    if not total or free is None or free > total:
        return ()
    return (VendorGroup(group=1, power_w=total / 1000, consumption_w=(total - free) / 1000),)


async def _tp_link(device: Device) -> tuple[VendorGroup, ...]:
    """Return limit and consumption of a JetStream, both in tenths of a watt."""
    found = await device.agent.get(_TP_LIMIT, _TP_DRAWN)
    limit, drawn = number(found.get(_TP_LIMIT)), number(found.get(_TP_DRAWN))
    if not limit or drawn is None:
        return ()
    return (VendorGroup(group=1, power_w=limit / 10, consumption_w=drawn / 10),)


async def _huawei(device: Device) -> tuple[VendorGroup, ...]:
    """Return the slots of a Huawei, in milliwatts."""
    table = await device.agent.table(_HUAWEI_MAXIMUM, _HUAWEI_DRAWN)
    found = []
    for index, value in table[_HUAWEI_MAXIMUM].items():
        power, drawn = number(value), number(table[_HUAWEI_DRAWN].get(index))
        if power is not None and drawn is not None and len(index) == 1:
            found.append(VendorGroup(group=index[0], power_w=power / 1000, consumption_w=drawn / 1000))
    return tuple(found)


VENDOR_GROUPS: Mapping[int | None, Callable[[Device], Awaitable[tuple[VendorGroup, ...]]]] = {
    1991: _foundry, 2011: _huawei, 11863: _tp_link,
}  # fmt: skip
