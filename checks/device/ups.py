"""What a UPS says of itself: UPS-MIB first, its vendor's MIB where that is silent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.maker import read_maker
from checks.device.ups_vendors import VENDORS, Output, Said, Vendor
from checks.device.values import number, oid, text
from checks.vantage import CannotTell
from checks.wire.snmp.agent import Oid, Value

Battery = Literal["normal", "low", "depleted", "replace", "fault", "absent", "unknown"]

_UPS = oid("1.3.6.1.2.1.33.1")
_MANUFACTURER, _MODEL = (*_UPS, 1, 1, 0), (*_UPS, 1, 2, 0)
_BATTERY, _SECONDS, _MINUTES, _CHARGE = ((*_UPS, 2, arc, 0) for arc in (1, 2, 3, 4))
_SOURCE, _ALARMS = (*_UPS, 4, 1, 0), (*_UPS, 6, 1, 0)
_LOAD, _ALARM = (*_UPS, 4, 4, 1, 5), (*_UPS, 6, 2, 1, 2)
_KNOWN_ALARMS: Oid = (*_UPS, 6, 3)
_MIKROTIK = 14988
_SOURCES: dict[int, Output] = {
    1: "other", 2: "off", 3: "mains", 4: "bypass", 5: "battery", 6: "boost", 7: "trim",
}  # fmt: skip
_BATTERIES: dict[int, Battery] = {2: "normal", 3: "low", 4: "depleted"}
ALARMS = {
    1: "battery bad", 2: "on battery", 3: "low battery", 4: "depleted battery", 5: "temperature bad",
    6: "input bad", 7: "output bad", 8: "output overload", 9: "on bypass", 10: "bypass bad",
    11: "output off as requested", 12: "UPS off as requested", 13: "charger failed", 14: "UPS output off",
    15: "UPS system off", 16: "fan failure", 17: "fuse failure", 18: "general fault",
    19: "diagnostic test failed", 20: "communications lost", 21: "awaiting power", 22: "shutdown pending",
    23: "shutdown imminent", 24: "test in progress",
}  # fmt: skip
"""RFC 1628 upsWellKnownAlarms by their last number."""
_MAX_ALARMS = 64
_ALIKE = 10
"""Percent by which two MIBs of one UPS may differ: they are not filled at the same moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ups:
    """One UPS as it is now; None is what it does not say, or says in a value that can be none."""

    sources: tuple[str, ...]
    """The MIBs that said something."""
    manufacturer: str
    model: str
    charge_percent: float | None
    runtime_minutes: float | None
    runtime_doubtful: bool
    """The number may be seconds where the MIB says minutes."""
    load_percent: float | None
    """Of the phase with the highest load."""
    on_battery: bool | None
    """None also where the MIBs that it fills contradict each other."""
    battery_ok: bool | None
    battery: Battery
    output: Output
    seconds_on_battery: int | None
    alarms: tuple[str, ...]
    alarm_count: int | None


async def read_ups(device: Device) -> Ups:
    """Read all that a UPS says; raise CannotTell for a device that says nothing as a UPS."""
    maker = await device.read(read_maker)
    standard = await _standard(device, maker)
    likely = [vendor for vendor in VENDORS if maker in vendor.enterprises]
    found = [said for vendor in likely if (said := await vendor_says(device, vendor)) is not None]
    if not found and (standard is None or standard.lacks()):
        others = [vendor for vendor in VENDORS if vendor not in likely]
        found = [said for vendor in others if (said := await vendor_says(device, vendor)) is not None]
    heard = [said for said in (standard, *found) if said is not None]
    if not heard:
        raise CannotTell(
            f"{device.name} answers, and says nothing that a UPS says (UPS-MIB, {_names()}).",
            "Check that this is the address of the UPS's network card, and that its SNMP view shows more "
            "than the system group; a UPS without a card can be looked at only on its display.",
        )
    return merged(heard)


def _names() -> str:
    return ", ".join(vendor.name for vendor in VENDORS)


async def _standard(device: Device, maker: int | None) -> Said | None:
    scalars = await device.agent.get(
        _MANUFACTURER, _MODEL, _BATTERY, _SECONDS, _MINUTES, _CHARGE, _SOURCE, _ALARMS
    )
    if not set(scalars) & {_BATTERY, _SECONDS, _MINUTES, _CHARGE, _SOURCE}:
        return None
    tables = await device.agent.table(_LOAD)
    alarms = await device.agent.table(_ALARM)
    return standard_says(scalars, tables[_LOAD].values(), alarms[_ALARM].values(), seconds=maker == _MIKROTIK)


def standard_says(
    scalars: dict[Oid, Value], loads: Iterable[Value], alarms: Iterable[Value], *, seconds: bool
) -> Said:
    """Return what the objects of UPS-MIB say; `seconds` is for agents known to give them for minutes."""
    source = number(scalars.get(_SOURCE))
    minutes = positive(scalars.get(_MINUTES))
    battery = _BATTERIES.get(number(scalars.get(_BATTERY)) or 0, "unknown")
    known = tuple(_alarm(value) for value in list(alarms)[:_MAX_ALARMS])
    since = positive(scalars.get(_SECONDS))
    return Said(
        mib="UPS-MIB", manufacturer=text(scalars.get(_MANUFACTURER)), model=text(scalars.get(_MODEL)),
        charge_percent=percent(scalars.get(_CHARGE)),
        runtime_minutes=None if minutes is None else minutes / 60 if seconds else float(minutes),
        doubtful=minutes is not None and not seconds,
        load_percent=highest(loads),
        output=_SOURCES.get(source or 0, "unknown"),
        on_battery=_on_battery(source, since, known),
        battery=battery, seconds_on_battery=since, alarms=known,
        alarm_count=positive(scalars.get(_ALARMS)),
    )  # fmt: skip


def _on_battery(source: int | None, since: int | None, alarms: tuple[str, ...]) -> bool | None:
    says_so = source == 5 or bool(since) or ALARMS[2] in alarms
    denies = source in (3, 4, 6, 7) or (since == 0 and source in (None, 1))
    return None if says_so == denies else says_so


def _alarm(value: Value) -> str:
    if isinstance(value, tuple) and value[:-1] == _KNOWN_ALARMS:
        return ALARMS.get(value[-1], f"alarm {value[-1]}")
    if isinstance(value, tuple):
        return f"alarm {'.'.join(map(str, value[-4:]))}"
    return text(value) or "alarm without a name"


def percent(value: Value | None, divisor: int = 1) -> float | None:
    """Return a percentage from 0 to 100."""
    found = number(value)
    return found / divisor if found is not None and 0 <= found <= 100 * divisor else None


def positive(value: Value | None) -> int | None:
    """Return a number that is not below zero; -1 is how many agents say that they do not know."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def highest(values: Iterable[Value], divisor: int = 1) -> float | None:
    """Return the highest load of the phases, in percent."""
    loads = [found / divisor for value in values if (found := number(value)) is not None and found >= 0]
    fit = [load for load in loads if load <= 300]
    return max(fit, default=None)


async def vendor_says(device: Device, vendor: Vendor) -> Said | None:
    """Return what a vendor's MIB says, or None where the agent has none of it."""
    scalars = await device.agent.get(*vendor.scalars())
    if not any(number(value) is not None for place, value in scalars.items() if place != vendor.model):
        return None
    loads = (await device.agent.table(vendor.load_column))[vendor.load_column] if vendor.load_column else {}
    return vendor.says(scalars, list(loads.values()))


def merged(heard: list[Said]) -> Ups:
    """Return one UPS of what several MIBs said, the first that says something counting."""
    votes = {said.on_battery for said in heard if said.on_battery is not None}
    outputs = [said.output for said in heard if said.output not in ("unknown", "other")]
    fed = {output in ("off", "bypass") for output in outputs if output != "test"}
    contradicts = len(fed) > 1 or any(
        said.on_battery is None and said.output in ("mains", "battery", "boost", "trim") for said in heard
    )
    worse = [said.battery for said in heard if said.battery not in ("normal", "unknown")]
    normal = any(said.battery == "normal" for said in heard)
    battery: Battery = worse[0] if worse else "normal" if normal else "unknown"
    minutes = [said for said in heard if said.runtime_minutes is not None]
    sure = [said for said in minutes if not said.doubtful]
    runtime = minutes[0] if minutes else None
    if runtime is not None and runtime.doubtful and sure and _otherwise(runtime, sure[0]):
        runtime = sure[0]
    return Ups(
        sources=tuple(said.mib for said in heard),
        manufacturer=_first(said.manufacturer for said in heard),
        model=_first(said.model for said in heard),
        charge_percent=_agreed(said.charge_percent for said in heard),
        runtime_minutes=runtime.runtime_minutes if runtime else None,
        runtime_doubtful=bool(runtime and runtime.doubtful and not sure),
        load_percent=_agreed(said.load_percent for said in heard),
        on_battery=votes.pop() if len(votes) == 1 and not contradicts else None,
        battery_ok=None if battery == "unknown" else battery == "normal",
        battery=battery,
        output=outputs[0] if outputs and len(fed) < 2 else "unknown",
        seconds_on_battery=next(
            (said.seconds_on_battery for said in heard if said.seconds_on_battery is not None), None
        ),
        alarms=tuple(dict.fromkeys(alarm for said in heard for alarm in said.alarms)),
        alarm_count=next((said.alarm_count for said in heard if said.alarm_count is not None), None),
    )


def _first(texts: Iterable[str]) -> str:
    return next((found for found in texts if found), "")


def _otherwise(doubtful: Said, sure: Said) -> bool:
    """Return whether a MIB whose unit is sure tells another runtime."""
    long, short = doubtful.runtime_minutes or 0.0, sure.runtime_minutes or 0.0
    return short > 0 and not 2 / 3 <= long / short <= 3 / 2


def _agreed(values: Iterable[float | None]) -> float | None:
    """Return what the first of the MIBs tells; None where they tell what cannot both be."""
    told = [value for value in values if value is not None]
    return told[0] if told and max(told) - min(told) <= _ALIKE else None
