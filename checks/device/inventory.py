"""Model, serial numbers and firmware: the ENTITY-MIB first, then what each vendor offers instead."""

from __future__ import annotations

from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.values import number, oid, text

ENTITY = oid("1.3.6.1.2.1.47.1.1.1.1")
DESCR, PARENT, CLASS, NAME, FIRMWARE, SOFTWARE, SERIAL, MODEL = (
    (*ENTITY, column) for column in (2, 4, 5, 7, 9, 10, 11, 13)
)
CHASSIS, STACK = 3, 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What the device is made of, as far as it tells."""

    model: str
    firmware: str
    serials: tuple[str, ...]
    """Of every chassis, in the order of the agent."""


async def read_inventory(device: Device) -> Inventory:
    """Return model, firmware and serial numbers; what the device does not tell is empty."""
    table = await device.agent.table(CLASS, SERIAL, MODEL, SOFTWARE, FIRMWARE, DESCR)
    chassis = [row for row, kind in sorted(table[CLASS].items()) if number(kind) == CHASSIS]
    serials = tuple(filter(None, (text(table[SERIAL].get(row)) for row in chassis)))
    models = tuple(filter(None, (text(table[MODEL].get(row)) for row in chassis)))
    software = tuple(filter(None, (text(table[SOFTWARE].get(row)) for row in chassis)))
    return Inventory(
        model=models[0] if models else "",
        firmware=software[0] if software else "",
        serials=serials,
    )
