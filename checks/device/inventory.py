"""Model, serial numbers and firmware: the ENTITY-MIB, and what each vendor offers besides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.values import dotted, number, oid, text
from checks.device.vendors import places
from checks.wire.snmp.agent import Index, Oid, Value

SYS_DESCR, SYS_OBJECT_ID = oid("1.3.6.1.2.1.1.1.0"), oid("1.3.6.1.2.1.1.2.0")
_ENTITY = oid("1.3.6.1.2.1.47.1.1.1.1")
PARENT, CLASS, FIRMWARE, SOFTWARE, SERIAL, MODEL = ((*_ENTITY, column) for column in (4, 5, 9, 10, 11, 13))
CHASSIS, STACK = 3, 11
_SEARCHED = 1024
"""Characters of a text in which a regular expression looks."""
_NOTHING = frozenset({"", "none", "n/a", "na", "not available", "unknown", "0", "not applicable"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What the device is made of, as far as it tells."""

    model: str
    firmware: str
    serials: tuple[str, ...]
    """Of every chassis, in the order of the agent; of every board where the agent knows only boards."""


async def read_inventory(device: Device) -> Inventory:
    """Return model, firmware and serial numbers; what the device does not tell is empty."""
    group = await device.agent.get(SYS_DESCR, SYS_OBJECT_ID)
    vendor = places(dotted(group.get(SYS_OBJECT_ID)))
    entity = await _entity(device)
    known, columns = await _ask(device, (*vendor.model, *vendor.serial, *vendor.firmware))
    known["descr"] = text(group.get(SYS_DESCR))

    def found(wanted: tuple[str, ...], chassis: str) -> str:
        return next(filter(None, (_said(place, known | {"entity": chassis}) for place in wanted)), "")

    first = found(vendor.serial, entity.serials[0] if entity.serials else "")
    serials = entity.serials if first in entity.serials else ((first,) if first else ())
    serials = next((boards for boards in columns.values() if serials and boards[:1] == serials), serials)
    return Inventory(
        model=found(vendor.model, entity.model),
        firmware=found(vendor.firmware, entity.firmware),
        serials=serials,
    )


async def _entity(device: Device) -> Inventory:
    """Return what the chassis in the ENTITY-MIB say, else what the topmost entries do."""
    table = await device.agent.table(PARENT, CLASS, SERIAL, MODEL, SOFTWARE, FIRMWARE)
    kinds = {row: number(kind) for row, kind in sorted(table[CLASS].items())}
    chassis = [row for row, kind in kinds.items() if kind == CHASSIS]
    top = [row for row, kind in kinds.items() if kind == STACK]
    if not chassis:
        top += [row for row, parent in sorted(table[PARENT].items()) if number(parent) == 0]
        top = top or sorted(table[SERIAL])[:1]
    return Inventory(
        model=_first(table[MODEL], (*chassis, *top)),
        firmware=_first(table[SOFTWARE], (*chassis, *top)) or _first(table[FIRMWARE], (*chassis, *top)),
        serials=_told(table[SERIAL], chassis) or _told(table[SERIAL], top),
    )


def _told(column: Mapping[Index, Value], rows: Iterable[Index]) -> tuple[str, ...]:
    said = (text(column.get(row)) for row in rows)
    return tuple(dict.fromkeys(one for one in said if one.casefold() not in _NOTHING))


def _first(column: Mapping[Index, Value], rows: Iterable[Index]) -> str:
    return next(iter(_told(column, rows)), "")


async def _ask(device: Device, wanted: tuple[str, ...]) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return what the agent says at each place that is an object or a column, and whole columns."""
    objects = dict.fromkeys(place.partition("~")[0] for place in wanted if place[:1].isdigit())
    scalars = {place: oid(place) for place in objects if not place.endswith("*")}
    columns: dict[str, Oid] = {place: oid(place[:-2]) for place in objects if place.endswith("*")}
    got = await device.agent.get(*scalars.values()) if scalars else {}
    known = {place: _text(got.get(one)) for place, one in scalars.items()}
    told: dict[str, tuple[str, ...]] = {}
    for place, column in columns.items():
        table = await device.agent.table(column)
        rows = table[column]
        told[place] = _told(rows, sorted(rows))
        known[place] = next(iter(told[place]), "")
    return known, told


def _text(value: Value | None) -> str:
    said = text(value)
    return "" if said.casefold() in _NOTHING else said


def _said(place: str, known: Mapping[str, str]) -> str:
    where, _, pattern = place.partition("~")
    said = known.get(where, "")
    if not pattern:
        return said
    match = re.search(pattern, said[:_SEARCHED])
    return match.group(1).strip() if match else ""
