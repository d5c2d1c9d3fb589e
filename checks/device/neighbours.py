"""Who is at the other end of each cable, as the device itself hears it."""

from __future__ import annotations

from checks.device.cdp import (
    CDP_RUN,
    EXTREME,
    FOUNDRY,
    ISDP,
    TP_LINK,
    read_cdp,
    read_edp,
    read_fdp,
    read_isdp,
    read_mndp,
    read_tp_link,
)
from checks.device.device import Device
from checks.device.lldp import LOCAL_CHASSIS, LOCAL_CHASSIS_V2, LOCAL_ID, MIKROTIK, read_lldp
from checks.device.maker import read_maker
from checks.device.records import Neighbour
from checks.device.values import number

MAX_NEIGHBOURS = 10_000


async def read_neighbours(device: Device) -> tuple[Neighbour, ...]:
    """Return every neighbour that the device hears by any protocol, by local port; none where it hears none.

    One device that speaks two protocols is two neighbours. See `read_spoken` for whether it listens at all.
    """
    vendor = await device.read(read_maker)
    lldp = await device.read(read_lldp)
    if not lldp and vendor == TP_LINK:
        lldp = await read_tp_link(device)
    others = await read_cdp(device)
    if not others and vendor is not None and vendor in ISDP:
        others = await read_isdp(device, vendor)
    if vendor == FOUNDRY:
        others += await read_fdp(device)
    if vendor == EXTREME:
        others += await read_edp(device)
    if vendor == MIKROTIK and not lldp and not others:
        others = await read_mndp(device)
    found = dict.fromkeys((*lldp, *others))
    return tuple(sorted(found, key=_by_port)[:MAX_NEIGHBOURS])


async def read_spoken(device: Device) -> tuple[str, ...]:
    """Return the protocols by which the device listens for neighbours, as far as it tells."""
    scalars = await device.agent.get(LOCAL_CHASSIS, LOCAL_CHASSIS_V2, CDP_RUN)
    spoken = {one.protocol for one in await device.read(read_neighbours)}
    if (
        LOCAL_CHASSIS in scalars
        or LOCAL_CHASSIS_V2 in scalars
        or ("lldp" not in spoken and (await device.agent.table(LOCAL_ID))[LOCAL_ID])
    ):
        spoken.add("lldp")
    if number(scalars.get(CDP_RUN)) == 1:
        spoken.add("cdp")
    return tuple(sorted(spoken))


def _by_port(one: Neighbour) -> tuple[bool, int, str, str, str, str]:
    return (
        one.local_if_index is None, one.local_if_index or 0, one.local_port, one.protocol, one.remote_name,
        one.remote_port,
    )  # fmt: skip
