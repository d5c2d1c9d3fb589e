"""What a device says it is: the system group, and its inventory."""

from __future__ import annotations

from checks.contract import CannotTell
from checks.device.device import Device
from checks.device.inventory import read_inventory
from checks.device.records import System
from checks.device.values import dotted, number, oid, text
from checks.device.vendors import vendor
from checks.wire.snmp.agent import Oid

DESCR, OBJECT_ID, UPTIME, CONTACT, NAME, LOCATION = (
    oid(f"1.3.6.1.2.1.1.{number}.0") for number in range(1, 7)
)
_GROUP: tuple[Oid, ...] = (DESCR, OBJECT_ID, UPTIME, CONTACT, NAME, LOCATION)


async def read_system(device: Device) -> System:
    """Return what the device says of itself; raise CannotTell where it answers and says nothing."""
    group = await device.agent.get(*_GROUP)
    if not any(one in group for one in (DESCR, OBJECT_ID, NAME)):
        raise CannotTell(
            f"{device.name} answers, but does not say what it is: the view of this community or user is "
            "restricted.",
            "Give the community or user a view that contains the system group (1.3.6.1.2.1.1), read only.",
        )
    inventory = await device.read(read_inventory)
    uptime = number(group.get(UPTIME))
    object_id = dotted(group.get(OBJECT_ID))
    return System(
        sys_name=text(group.get(NAME)),
        sys_descr=text(group.get(DESCR)),
        sys_object_id=object_id,
        location=text(group.get(LOCATION)),
        contact=text(group.get(CONTACT)),
        uptime_s=None if uptime is None else uptime / 100,
        vendor=vendor(object_id),
        model=inventory.model,
        serial=inventory.serials[0] if inventory.serials else "",
        firmware=inventory.firmware,
        serials=inventory.serials,
    )
