"""Fans, power supplies, temperatures: ENTITY-SENSOR-MIB, Cisco's copy with limits, and what vendors have."""

from __future__ import annotations

import re
from collections.abc import Mapping

from checks.device.device import Device
from checks.device.maker import read_maker
from checks.device.sensor_records import Kind, Sensor, State
from checks.device.sensor_tables import TABLES, Table
from checks.device.values import dotted, number, oid, text
from checks.wire.snmp.agent import Index, Oid, Value

ENTITY_DESCR, ENTITY_NAME = (oid(f"1.3.6.1.2.1.47.1.1.1.1.{column}") for column in (2, 7))
_SENSOR = oid("1.3.6.1.2.1.99.1.1.1")
_CISCO = oid("1.3.6.1.4.1.9.9.91.1.1.1.1")
_LIMIT = oid("1.3.6.1.4.1.9.9.91.1.2.1.1")
_SEVERITY, _RELATION, _THRESHOLD = ((*_LIMIT, column) for column in (2, 3, 4))
_CISCO_ENTERPRISE = 9
_UNITS: Mapping[int, tuple[Kind, str]] = {
    3: ("voltage", "V"), 4: ("voltage", "V"), 5: ("current", "A"), 6: ("power", "W"), 7: ("other", "Hz"),
    8: ("temperature", "°C"), 9: ("humidity", "%"), 10: ("fan", "rpm"), 11: ("other", "m³/min"),
    12: ("other", ""), 14: ("optical power", "dBm"),
}  # fmt: skip
_TRUTH = 12
_OPTIC = re.compile(
    r"transceiver|sfp|xfp|qsfp|\boptic|bias|[rt]x ?power|transmit power|receive power", re.IGNORECASE
)
_SEVERE, _OTHER = frozenset({20, 30}), 1
_BELOW, _LOW_LIMITS = frozenset({1, 2}), 2
"""Limits that a value must not be below, and how many a sensor can have. Some Nexus call all of theirs so,
the upper ones too; most of them are of the severity `other`."""
_NO_LIMIT = frozenset({-32768, 32767, -1000000000, 1000000000})
_NO_VALUE = frozenset({-1000000000, 1000000000, 2147483647, -2147483648})
_MAX = 5000

Columns = Mapping[Oid, Mapping[Index, Value]]
Rows = Mapping[Index, Value]


async def read_sensors(device: Device) -> tuple[Sensor, ...]:
    """Return all sensors, in the order of the MIBs; none where the device tells none."""
    maker = await device.read(read_maker)
    names = await device.read(read_entity_names)
    found: list[Sensor] = []
    cisco: list[Sensor] = []
    if maker == _CISCO_ENTERPRISE:
        limits = await device.agent.table(_SEVERITY, _RELATION, _THRESHOLD)
        cisco = _sensors("CISCO-ENTITY-SENSOR-MIB", _CISCO, await _columns(device, _CISCO), names, limits)
    seen = {sensor.oid.rpartition(".")[2] for sensor in cisco}
    found += cisco
    standard = _sensors("ENTITY-SENSOR-MIB", _SENSOR, await _columns(device, _SENSOR), names, {})
    found += [sensor for sensor in standard if sensor.oid.rpartition(".")[2] not in seen]
    for table in TABLES:
        if not table.enterprises or maker in table.enterprises:
            found += await _vendor(device, table, names)
    return tuple(found[:_MAX])


async def read_entity_names(device: Device) -> dict[int, str]:
    """Return the name of each physical entity, by entPhysicalIndex."""
    table = await device.agent.table(ENTITY_DESCR, ENTITY_NAME)
    found: dict[int, str] = {}
    for column in (ENTITY_NAME, ENTITY_DESCR):
        for index, value in table[column].items():
            said = text(value)
            if len(index) == 1 and said and not found.get(index[0]):
                found[index[0]] = said[:200]
    return found


async def _columns(device: Device, base: Oid) -> Columns:
    wanted = [(*base, column) for column in range(1, 6)]
    found = await device.agent.table(*wanted)
    return {column: found[column] for column in wanted}


def _sensors(
    mib: str, base: Oid, columns: Columns, names: Mapping[int, str], limits: Columns
) -> list[Sensor]:
    kinds, scales, precisions, values, states = ((*base, column) for column in range(1, 6))
    found = []
    for row, raw in sorted(columns[values].items()):
        kind = number(columns[kinds].get(row)) or 0
        working = number(columns[states].get(row))
        measured = signed(raw)
        if kind not in _UNITS or kind == _TRUTH or measured is None:
            continue
        what, unit = _UNITS[kind]
        scale = number(columns[scales].get(row))
        precision = number(columns[precisions].get(row))
        value = scaled(measured, scale, precision)
        name = names.get(row[0], "") or f"sensor {dotted(row)}"
        state, said = _judged(row, value, unit, limits, scale, precision)
        if working == 2:
            state, said = "unknown", "unavailable"
        elif working == 3:
            state, said = "warning", "not operational"
        found.append(
            Sensor(
                mib=mib, oid=dotted((*values, *row)), kind=what, name=name, state=state, said=said,
                value=value if working in (None, 1) else None, unit=unit,
                optic=what == "optical power" or _OPTIC.search(name[:200]) is not None,
            )
        )  # fmt: skip
    return found


def signed(value: Value | None) -> int | None:
    """Return a measured value; agents have some numbers for "no value"."""
    found = value if isinstance(value, int) else number(value)
    return None if found in _NO_VALUE else found


def scaled(value: int, scale: int | None, precision: int | None) -> float:
    """Return a value of ENTITY-SENSOR-MIB in its unit: scale 9 is units, 8 is milli, 10 is kilo.

    A scale or precision out of range, as some agents send it, is none.
    """
    power = 3 * (scale - 9) if scale is not None and 1 <= scale <= 17 else 0
    digits = precision if precision is not None and -8 <= precision <= 9 else 0
    return round(float(value) * 10.0**power / 10.0**digits, 9)


def _judged(
    row: Index, value: float, unit: str, limits: Columns, scale: int | None, precision: int | None
) -> tuple[State, str]:
    """Return what a value is against the device's own limits; without any it is not known."""
    state: State = "unknown"
    said = f"{value:g} {unit}".strip()
    own = {index: number(told) for index, told in limits.get(_RELATION, {}).items() if index[:-1] == row}
    if len(own) > _LOW_LIMITS and _BELOW.issuperset(own.values()):
        return state, said
    for index, raw in sorted(limits.get(_THRESHOLD, {}).items()):
        limit, relation = signed(raw), number(limits[_RELATION].get(index))
        severity = number(limits[_SEVERITY].get(index))
        if index[:-1] != row or limit is None or limit in _NO_LIMIT or relation not in (1, 2, 3, 4):
            continue
        if severity == _OTHER and relation in _BELOW:
            continue
        bound = scaled(limit, scale, precision)
        beyond = {1: value < bound, 2: value <= bound, 3: value > bound, 4: value >= bound}[relation]
        if not beyond:
            state = "ok" if state == "unknown" else state
        elif severity in _SEVERE:
            return "critical", f"{said}, limit {bound:g} {unit}".strip()
        else:
            state, said = "warning", f"{value:g} {unit}, limit {bound:g} {unit}".strip()
    return state, said


async def _vendor(device: Device, table: Table, names: Mapping[int, str]) -> list[Sensor]:
    wanted = [
        column for column in (table.state, table.name, table.value, table.low, table.high) if column
    ]  # fmt: skip
    columns = await device.agent.table(*wanted)
    judged = table.state or table.value
    if judged is None:
        return []
    found = []
    for row, raw in sorted(columns[judged].items()):
        value = signed(columns[table.value].get(row)) if table.value else None
        measured = None if value is None else value / table.divisor
        if table.state:
            word, state = _word(table, raw)
        else:
            if measured is None or measured in (0, 65535, 255):
                continue
            word, state = _within(table, columns, row, measured)
            if table.entity and state == "unknown":
                continue
        found.append(
            Sensor(
                mib=table.mib, oid=dotted((*judged, *row)), kind=table.kind,
                name=_name(table, columns, names, row), state=state, said=word, value=measured,
                unit=table.unit,
            )
        )  # fmt: skip
    return found


def _word(table: Table, raw: Value) -> tuple[str, State]:
    if table.texts is not None and isinstance(raw, bytes):
        said = text(raw)[:80]
        return said, table.texts.get(said.lower(), "unknown")
    code = raw if isinstance(raw, int) else number(raw)
    if code is None or table.words is None:
        return "no state", "unknown"
    return table.words.get(code, (f"state {code}", "unknown"))


def _within(table: Table, columns: Columns, row: Index, value: float) -> tuple[str, State]:
    low = signed(columns[table.low].get(row)) if table.low else None
    high = signed(columns[table.high].get(row)) if table.high else None
    said = f"{value:g} {table.unit}".strip()
    low = low or None
    high = high if high and high not in (255, 65535) else None
    if high is not None and value > high / table.divisor:
        return f"{said}, limit {high / table.divisor:g}", "critical"
    if low is not None and value < low / table.divisor:
        return f"{said}, limit {low / table.divisor:g}", "warning"
    return said, "unknown" if high is None and low is None else "ok"


def _name(table: Table, columns: Columns, names: Mapping[int, str], row: Index) -> str:
    own = text(columns[table.name].get(row)) if table.name else ""
    if table.entity and len(row) == 1:
        own = names.get(row[0], "")
    if own:
        return own[:200]
    return table.called if row == (0,) else f"{table.called} {dotted(row)}"
