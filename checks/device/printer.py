"""What a printer says of itself: HOST-RESOURCES-MIB for its state, Printer-MIB for supplies and alerts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.maker import read_maker, word
from checks.device.values import number, oid, text
from checks.vantage import CannotTell
from checks.wire.snmp.agent import Index, Oid, Value

Level = Literal["measured", "some", "unknown", "unlimited"]
"""`some`: the printer knows only that there is some left (-3)."""

_HR = oid("1.3.6.1.2.1.25.3")
_TYPE, _DESCR, _STATUS = (*_HR, 2, 1, 2), (*_HR, 2, 1, 3), (*_HR, 2, 1, 5)
_PRINTER_STATUS, _ERRORS = (*_HR, 5, 1, 1), (*_HR, 5, 1, 2)
_IS_PRINTER = (*_HR, 1, 5)
_PRT = oid("1.3.6.1.2.1.43")
_SERIAL, _ALL_EVENTS = (*_PRT, 5, 1, 1, 17), (*_PRT, 5, 1, 1, 19)
_TRAY = (*_PRT, 8, 2, 1)
_TRAY_MAX, _TRAY_LEVEL, _TRAY_NAME, _TRAY_DESCR = ((*_TRAY, arc) for arc in (9, 10, 13, 18))
_SUPPLY = (*_PRT, 11, 1, 1)
_CLASS, _KIND, _SUPPLY_DESCR, _UNIT, _MAX, _LEVEL = ((*_SUPPLY, arc) for arc in (4, 5, 6, 7, 8, 9))
_ALERT = (*_PRT, 18, 1, 1)
_SEVERITY, _CODE, _ALERT_TEXT = ((*_ALERT, arc) for arc in (2, 7, 8))
_RICOH = oid("1.3.6.1.4.1.367.3.2.1.2.24.1.1")
_RICOH_NAME, _RICOH_LEVEL = (*_RICOH, 3), (*_RICOH, 5)
_RICOHS = frozenset({367, 2051})
_BROTHER = 2435
_BROTHER_SERIAL = oid("1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1.0")

STATUS = {1: "unknown", 2: "running", 3: "warning", 4: "testing", 5: "down"}
PRINTER_STATUS = {1: "other", 2: "unknown", 3: "idle", 4: "printing", 5: "warmup"}
ERRORS = (
    "low paper", "no paper", "low toner", "no toner", "door open", "jammed", "offline", "service requested",
    "input tray missing", "output tray missing", "marker supply missing", "output near full", "output full",
    "input tray empty", "overdue preventive maintenance",
)  # fmt: skip
"""hrPrinterDetectedErrorState, from the first bit (RFC 2790 and RFC 3805)."""
SEVERITY = {1: "other", 3: "critical", 4: "warning", 5: "warning"}
KINDS = {
    1: "other", 2: "unknown", 3: "toner", 4: "waste toner", 5: "ink", 6: "ink cartridge", 7: "ink ribbon",
    8: "waste ink", 9: "drum", 10: "developer", 11: "fuser oil", 12: "solid wax", 13: "ribbon wax",
    14: "waste wax", 15: "fuser", 16: "corona wire", 17: "fuser oil wick", 18: "cleaner unit",
    19: "fuser cleaning pad", 20: "transfer unit", 21: "toner cartridge", 22: "fuser oiler", 23: "water",
    24: "waste water", 25: "glue", 26: "waste paper", 27: "binding supply", 28: "banding supply",
    29: "stitching wire", 30: "shrink wrap", 31: "paper wrap", 32: "staples", 33: "inserts", 34: "covers",
}  # fmt: skip
"""PrtMarkerSuppliesTypeTC."""
_WASTE = re.compile(r"waste|collection|maintenance box|resttoner|récupération|recupero", re.IGNORECASE)
_PERCENT, _RECEPTACLE = 19, 4
_WASTE_ALERTS = {1107: "nearly full", 1108: "nearly full", 1109: "full", 1110: "full"}
_MAX_ROWS = 200
_FULL = 0.8
"""Part of a level that its capacity must be at least: a cartridge a little beyond full is full, twice full is
no measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """One supply, receptacle or paper tray."""

    index: str
    description: str
    kind: str
    """`toner`, `ink`, `drum`, `waste toner`, ... or `input` for a paper tray."""
    receptacle: bool
    """It is filled while printing: full is bad."""
    level: Level
    level_percent: float | None
    """As the printer says it, of the capacity; None unless it was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One entry of the printer's alert table."""

    severity: str
    code: int | None
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Printer:
    """One printer as it is now."""

    model: str
    serial: str
    status: str
    """hrDeviceStatus: `running`, `warning`, `testing`, `down`, or `unknown`."""
    printer_status: str
    """hrPrinterStatus: `idle`, `printing`, `warmup`, `other`, or `unknown`."""
    errors: tuple[str, ...] | None
    """Conditions that the printer detected; None where it does not say."""
    supplies: tuple[Supply, ...]
    alerts: tuple[Alert, ...]
    keeps_alerts: bool
    """It counts its alerts, so that none listed means none."""

    def waste_alert(self) -> str:
        """Return what the printer itself says of its waste container, or an empty text."""
        return waste_alert(self.alerts)


def waste_alert(alerts: tuple[Alert, ...]) -> str:
    """Return `full` or `nearly full` where an alert says so of a waste container, else an empty text."""
    said = [_WASTE_ALERTS[alert.code] for alert in alerts if alert.code in _WASTE_ALERTS]
    return "full" if "full" in said else said[0] if said else ""


async def read_printer(device: Device) -> Printer:
    """Read state, supplies and alerts; raise CannotTell for a device that says nothing as a printer."""
    maker = await device.read(read_maker)
    host = await device.agent.table(_TYPE, _DESCR, _STATUS)
    printers = await device.agent.table(_PRINTER_STATUS, _ERRORS)
    general = await device.agent.table(_SERIAL, _ALL_EVENTS)
    supplies = await device.agent.table(_CLASS, _KIND, _SUPPLY_DESCR, _UNIT, _MAX, _LEVEL)
    trays = await device.agent.table(_TRAY_MAX, _TRAY_LEVEL, _TRAY_NAME, _TRAY_DESCR)
    alerts = await device.agent.table(_SEVERITY, _CODE, _ALERT_TEXT)
    ricoh = await device.agent.table(_RICOH_NAME, _RICOH_LEVEL) if maker in _RICOHS else {}
    which = _which(host, printers)
    found = (*_supplies(supplies, ricoh, maker), *_trays(trays))
    if which is None and not found:
        raise CannotTell(
            f"{device.name} answers, and says nothing that a printer says (HOST-RESOURCES-MIB, Printer-MIB).",
            "Check that this is the printer's address, and that its SNMP community may read more than the "
            "system group.",
        )
    serials = [text(value) for value in general[_SERIAL].values()]
    if not any(serials) and maker == _BROTHER:
        serials = [text((await device.agent.get(_BROTHER_SERIAL)).get(_BROTHER_SERIAL))]
    return Printer(
        model=text(host[_DESCR].get(which)) if which else "",
        serial=next((serial for serial in serials if serial), ""),
        status=word(host[_STATUS].get(which), STATUS) if which else "unknown",
        printer_status=word(printers[_PRINTER_STATUS].get(which), PRINTER_STATUS) if which else "unknown",
        errors=errors_of(printers[_ERRORS].get(which)) if which else None,
        supplies=found,
        alerts=_alerts(alerts),
        keeps_alerts=bool(general[_ALL_EVENTS] or alerts[_SEVERITY]),
    )


Columns = Mapping[Oid, Mapping[Index, Value]]


def _which(host: Columns, printers: Columns) -> Index | None:
    """Return the printer's row of hrDeviceTable: a row of the printer table that is one by its type, too."""
    typed = [row for row, kind in host[_TYPE].items() if kind == _IS_PRINTER]
    rows = {*printers[_PRINTER_STATUS], *printers[_ERRORS]}
    ranked = [*(row for row in typed if row in rows), *sorted(rows), *typed]
    return ranked[0] if ranked else None


def errors_of(value: Value | None) -> tuple[str, ...] | None:
    """Return the conditions of an hrPrinterDetectedErrorState of one or two octets; None if it is empty."""
    if isinstance(value, int) and 0 <= value <= 0xFF:
        value = bytes([value])
    if not isinstance(value, bytes) or not value:
        return None
    bits = [at for at in range(min(len(value), 2) * 8) if value[at // 8] & (0x80 >> at % 8)]
    return tuple(ERRORS[bit] for bit in bits if bit < len(ERRORS))


def _supplies(columns: Columns, ricoh: Columns, maker: int | None) -> list[Supply]:
    found = []
    rows = set(columns[_LEVEL]) | set(columns[_SUPPLY_DESCR]) | set(columns[_MAX])
    for row in sorted(rows)[:_MAX_ROWS]:
        own = {column: values.get(row) for column, values in columns.items()}
        level, described = number(own[_LEVEL]), text_of(own[_SUPPLY_DESCR])
        if ricoh and not level:
            level = number(ricoh[_RICOH_LEVEL].get(row[-1:])) or level
        if ricoh and not described:
            described = text(ricoh[_RICOH_NAME].get(row[-1:]))
        if level == -100 and maker in _RICOHS:
            level = 0
        kind = word(own[_KIND], KINDS)
        way, percent = _level(level, number(own[_MAX]), number(own[_UNIT]), maker)
        found.append(
            Supply(
                index=".".join(map(str, row)), description=described, kind=kind,
                receptacle=_is_receptacle(number(own[_CLASS]), kind, described),
                level=way, level_percent=percent,
            )
        )  # fmt: skip
    return found


def text_of(value: Value | None) -> str:
    """Return a supply's name without its part number; HP sends the second line in hex."""
    whole = text(value)[:1000].partition(", PN")[0]
    if "\n" not in whole:
        return whole
    parts = []
    for line in whole.split("\n"):
        try:
            parts.append(bytes.fromhex(line).decode("latin-1").rstrip("\0"))
        except ValueError:
            parts.append(line)
    return "".join(parts).strip()


def _is_receptacle(given: int | None, kind: str, described: str) -> bool:
    if given in (3, _RECEPTACLE):
        return given == _RECEPTACLE
    return kind.startswith("waste") or (kind == "unknown" and _WASTE.search(described[:200]) is not None)


def _level(
    level: int | None, most: int | None, unit: int | None, maker: int | None
) -> tuple[Level, float | None]:
    if level == -3:
        return "some", None
    if level == -1:
        return "unlimited", None
    if level is None or level < 0:
        return "unknown", None
    if most is not None and 0 < most < level * _FULL:
        return "unknown", None
    if most is not None and most > 0:
        return "measured", _rounded(100 * level / most)
    if maker == _BROTHER and level <= 3:
        return "unknown", None
    if level <= 100 and (unit == _PERCENT or unit is None):
        return "measured", float(level)
    return "unknown", None


def _rounded(percent: float) -> float:
    """Return whole percents, as monitoring systems tell them; a little is not nothing."""
    whole = float(int(percent + 0.5))
    return whole if whole or percent == 0 else round(percent, 2)


def _trays(columns: Columns) -> list[Supply]:
    found = []
    for row in sorted(columns[_TRAY_LEVEL])[:_MAX_ROWS]:
        level, most = number(columns[_TRAY_LEVEL][row]), number(columns[_TRAY_MAX].get(row))
        way, percent = _level(level, most, None if level == 0 else 0, None)
        name = text(columns[_TRAY_NAME].get(row)) or text(columns[_TRAY_DESCR].get(row))
        found.append(
            Supply(
                index=".".join(map(str, row)), description=name, kind="input", receptacle=False, level=way,
                level_percent=percent,
            )
        )  # fmt: skip
    return found


def _alerts(columns: Columns) -> tuple[Alert, ...]:
    return tuple(
        Alert(
            severity=word(columns[_SEVERITY][row], SEVERITY, "other"),
            code=number(columns[_CODE].get(row)),
            description=text(columns[_ALERT_TEXT].get(row))[:400],
        )
        for row in sorted(columns[_SEVERITY])[:_MAX_ROWS]
    )
