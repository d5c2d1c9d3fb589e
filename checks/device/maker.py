"""Who made a device, by the enterprise number of its object identifier; and numbers that stand for words."""

from __future__ import annotations

from collections.abc import Mapping

from checks.device.device import Device
from checks.device.values import dotted, number, oid
from checks.device.vendors import enterprise
from checks.wire.snmp.agent import Value

SYS_OBJECT_ID = oid("1.3.6.1.2.1.1.2.0")


async def read_maker(device: Device) -> int | None:
    """Return the enterprise number; None where the device does not tell any."""
    found = await device.agent.get(SYS_OBJECT_ID)
    return enterprise(dotted(found.get(SYS_OBJECT_ID)))


def word(value: Value | None, words: Mapping[int, str], other: str = "unknown") -> str:
    """Return the word of an enumeration; what is not in it is `other`."""
    found = number(value)
    return words.get(found, other) if found is not None else other
