"""Power over Ethernet as a switch tells it: what its supplies give, what is drawn, what each port does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from checks.contract import CannotTell
from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.maker import read_maker
from checks.device.naming import canonical
from checks.device.poe_vendors import VENDOR_GROUPS, VENDOR_WATTS, VendorGroup
from checks.device.ports import read_base_ports, read_ports
from checks.device.records import Port
from checks.device.values import number, oid
from checks.wire.snmp.agent import Index, Oid, Value

_MAIN = oid("1.3.6.1.2.1.105.1.3.1.1")
POWER, STATUS, CONSUMPTION, THRESHOLD = ((*_MAIN, column) for column in range(2, 6))
_PORT = oid("1.3.6.1.2.1.105.1.1.1")
ENABLE, DETECTION, CLASS = (*_PORT, 3), (*_PORT, 6), (*_PORT, 10)
_CISCO = oid("1.3.6.1.4.1.9.9.402.1.2.1")
CISCO_ALLOCATED, CISCO_CONSUMED, CISCO_ENTITY = (*_CISCO, 7), (*_CISCO, 9), (*_CISCO, 11)
CISCO_PORT_IF_INDEX = oid("1.3.6.1.4.1.9.5.1.4.1.1.11")
ALIAS_MAPPING = oid("1.3.6.1.2.1.47.1.3.2.1.2")
CISCO = 9
_SLOT = re.compile(r"(?<![\d/])(\d{1,4})(?:/0)?/(\d{1,4})\Z")
Rows = Mapping[Index, Value]
Supply = Literal["on", "off", "faulty", "unknown"]
Detection = Literal["disabled", "searching", "delivering", "fault", "test", "other_fault", "unknown"]
_SUPPLY: Mapping[int, Supply] = {1: "on", 2: "off", 3: "faulty"}
_DETECTION: Mapping[int, Detection] = {
    1: "disabled", 2: "searching", 3: "delivering", 4: "fault", 5: "test", 6: "other_fault"
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PoeGroup:
    """One supply: a switch, or a member of a stack."""

    group: int
    power_w: float
    """What it can give."""
    consumption_w: float | None
    """What is drawn."""
    reserved_w: float | None
    """What it has promised to its ports, where it tells that: no less than what new devices cannot have."""
    status: Supply
    threshold_percent: int | None
    """Use at which the switch itself warns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoePort:
    """One port that can give power."""

    group: int
    number: int
    if_index: int | None
    enabled: bool | None
    state: Detection
    power_class: int | None
    """0 to 8 of the device, where it is powered."""
    watts: float | None
    """Drawn now, where the switch tells it a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poe:
    """The supplies and ports of a switch; both empty where it tells of none."""

    groups: tuple[PoeGroup, ...]
    ports: tuple[PoePort, ...]


async def read_poe(device: Device) -> Poe:
    """Return what POWER-ETHERNET-MIB and the vendor tell; raise CannotTell for half a table."""
    agent = device.agent
    maker = await device.read(read_maker)
    main = await agent.table(POWER, STATUS, CONSUMPTION, THRESHOLD)
    table = await agent.table(ENABLE, DETECTION, CLASS)
    rows: list[Index] = sorted({index for told in table.values() for index in told if len(index) == 2})
    watts, reserved = await _watts(device, maker)
    supplies: list[Index] = [index for index in main[POWER] if len(index) == 1]
    promised = {index: reserved.get(index[0]) for index in supplies}
    if len(supplies) == 1 and reserved:
        promised = {supplies[0]: sum(reserved.values())}
    groups = [_group(index, main, promised[index]) for index in supplies]
    if len(main[CONSUMPTION]) != len(main[POWER]):
        raise CannotTell(
            f"{device.name} tells the power of {len(main[POWER])} PoE supplies and the consumption of "
            f"{len(main[CONSUMPTION])}: half a table proves nothing.",
            "Run it again; if it stays so, give the community or user a view of the whole of "
            "1.3.6.1.2.1.105, read only.",
        )
    if not groups and maker in VENDOR_GROUPS:
        groups = [_from_vendor(one) for one in await VENDOR_GROUPS[maker](device)]
    rows = rows or sorted(watts)
    places = await _places(device, rows, maker) if rows else {}
    return Poe(
        groups=tuple(groups),
        ports=tuple(_port(index, places.get(index), table, watts) for index in rows),
    )


def _group(index: Index, main: Mapping[Oid, Rows], reserved: float | None) -> PoeGroup:
    consumption = number(main[CONSUMPTION].get(index))
    return PoeGroup(
        group=index[0],
        power_w=float(number(main[POWER].get(index)) or 0),
        consumption_w=None if consumption is None else float(consumption),
        reserved_w=reserved,
        status=_SUPPLY.get(number(main[STATUS].get(index)) or 0, "unknown"),
        threshold_percent=number(main[THRESHOLD].get(index)) or None,
    )


def _from_vendor(told: VendorGroup) -> PoeGroup:
    return PoeGroup(
        group=told.group, power_w=told.power_w, consumption_w=told.consumption_w, reserved_w=None,
        status="on" if told.power_w else "unknown", threshold_percent=None,
    )  # fmt: skip


def _port(
    index: Index, if_index: int | None, table: Mapping[Oid, Rows], watts: Mapping[Index, float]
) -> PoePort:
    state = _DETECTION.get(number(table[DETECTION].get(index)) or 0, "unknown")
    told = number(table[CLASS].get(index)) or 0
    return PoePort(
        group=index[0],
        number=index[1],
        if_index=if_index,
        enabled={1: True, 2: False}.get(number(table[ENABLE].get(index)) or 0),
        state=state,
        power_class=told - 1 if 1 <= told <= 9 and state == "delivering" else None,
        watts=watts.get(index),
    )


async def _watts(device: Device, maker: int | None) -> tuple[dict[Index, float], dict[int, float]]:
    """Return what each port draws, and what each group has promised, where the vendor tells it."""
    if maker == CISCO:
        table = await device.agent.table(CISCO_ALLOCATED, CISCO_CONSUMED)
        promised: dict[int, float] = {}
        for index, value in table[CISCO_ALLOCATED].items():
            if len(index) == 2:
                promised[index[0]] = promised.get(index[0], 0.0) + (number(value) or 0) / 1000
        return _scaled(table[CISCO_CONSUMED], 1000), promised
    way = VENDOR_WATTS.get(maker or 0)
    if way is None:
        return {}, {}
    column, divisor = way
    return _scaled((await device.agent.table(column))[column], divisor), {}


def _scaled(rows: Rows, divisor: int) -> dict[Index, float]:
    found = {index if len(index) == 2 else (1, *index): number(value) for index, value in rows.items()}
    return {index: value / divisor for index, value in found.items() if value is not None and len(index) == 2}


async def _places(device: Device, indexes: list[Index], maker: int | None) -> dict[Index, int]:
    """Return the ifIndex of each group and port: by what the vendor says, by name, then by number."""
    ports = {port.if_index: port for port in await device.read(read_ports)}
    base = await device.read(read_base_ports)
    said = await _cisco_places(device) if maker == CISCO else {}
    named = _by_name(ports.values())
    single = len({index[0] for index in indexes}) == 1
    found: dict[Index, int] = {}
    for index in indexes:
        place = said.get(index) or named.get(index)
        if place is None and single and not said:
            place = base.get(index[1], index[1])
        if place in ports:
            found[index] = place
    taken = list(found.values())
    return {index: place for index, place in found.items() if taken.count(place) == 1}


async def _cisco_places(device: Device) -> dict[Index, int]:
    direct = (await device.agent.table(CISCO_PORT_IF_INDEX))[CISCO_PORT_IF_INDEX]
    found: dict[Index, int] = {
        index: number(value) or 0 for index, value in direct.items() if len(index) == 2
    }
    if found:
        return found
    entities = (await device.agent.table(CISCO_ENTITY))[CISCO_ENTITY]
    if not entities:
        return {}
    aliases = (await device.agent.table(ALIAS_MAPPING))[ALIAS_MAPPING]
    interfaces = {index[0]: value[-1] for index, value in aliases.items() if isinstance(value, tuple)}
    return {
        index: interfaces[number(value) or 0]
        for index, value in entities.items()
        if len(index) == 2 and number(value) in interfaces
    }


def _by_name(ports: Iterable[Port]) -> dict[Index, int]:
    """Return the ports whose names end in slot and port: `Gi1/0/3` and `1/3` are port 3 of group 1."""
    found: dict[Index, list[int]] = {}
    for port in ports:
        place = _SLOT.search(canonical(port.name)) if port.physical else None
        if place:
            found.setdefault((int(place[1]), int(place[2])), []).append(port.if_index)
    return {index: places[0] for index, places in found.items() if len(places) == 1}
