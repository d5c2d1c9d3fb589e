"""switch.find: the planned devices are behind this switch, each at its port."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, Any, ClassVar

from checks.bounds import Ge, Le, Len
from checks.contract import CannotTell, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.device.arp_table import Owner, read_arp
from checks.device.bridge import Forwarding, Learned, read_forwarding
from checks.device.check import DeviceCheck, device
from checks.device.device import Device
from checks.device.neighbours import read_neighbours, read_spoken
from checks.device.ports import read_ports
from checks.device.records import Neighbour, Port
from checks.params import Address, Endpoint, Mac
from checks.switch._find_judge import judge_device
from checks.switch._names import called, is_switch


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDevice:
    """A device by its hardware address, or by an address whose hardware address the routers know."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    name: Annotated[str, Len(1, 256)]
    mac: Mac | None = None
    address: Address | None = None
    port: Annotated[str, Len(1, 256)] | None = None
    vlan: Annotated[int, Ge(1), Le(4094)] | None = None

    def __post_init__(self) -> None:
        if (self.mac is None) == (self.address is None):
            raise ValueError(f"Give 'mac' or 'address' of {self.name!r}: one of the two.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindSeen:
    """Where the switch has learned the planned devices, and what else is at its ports."""

    name: str
    ports: tuple[Port, ...]
    entries: tuple[Learned, ...]
    """Of the planned devices only."""
    counts: dict[str, int] = field(default_factory=dict)
    """By ifIndex: how many hardware addresses are learned there."""
    uplinks: dict[str, str] = field(default_factory=dict)
    """By ifIndex: the switch that is heard there; of an aggregation, at one of its members."""
    unread_vlans: tuple[int, ...] = ()
    """VLANs whose tables the switch did not show."""
    owners: tuple[Owner, ...] = ()
    """Of the planned addresses only."""
    routers: tuple[str, ...] = ()
    """Whose ARP tables were read."""
    silent_routers: tuple[str, ...] = ()
    """Those whose tables could not be read, and why."""
    listens: bool = True
    """The switch shows that it listens for neighbours, so that it knows behind which port a switch is."""


class Find(DeviceCheck[FindSeen]):
    """Each planned device is found at an access port of this switch: the planned one, in the planned VLAN.

    The access port is the one that has learned the device's address and at which no other switch is heard;
    of several, the one with the fewest addresses.

    Proves: at which port the switch has seen frames of that hardware address within its ageing time (mostly
    five minutes).
    Cannot prove: that a device that is silent is not plugged in, nor what is behind a switch that does not
    announce itself.
    If it fails: move the cable to the port that is named, or correct the plan; let a silent device speak
    (ping it) and run it again.

    Source: RFC 4188 (BRIDGE-MIB), RFC 4363 (Q-BRIDGE-MIB), RFC 4293 (IP-MIB), CISCO-VTP-MIB.

    Example:
        type: switch.find
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        routers: [10.20.0.1]
        devices:
          - {name: reception phone, mac: 00:1b:21:3c:4d:5e, port: Gi1/0/7, vlan: 40}
          - {name: printer, address: 10.20.30.9, port: Gi1/0/12}
    """

    devices: Annotated[tuple[PlannedDevice, ...], Len(1, 1000)]
    """The devices: `mac` or `address`, and where each is planned (`port`, `vlan`)."""
    routers: tuple[Endpoint, ...] = ()
    """Routers whose ARP tables tell the hardware address of an address; asked with the same credentials. Left
    out, the switch itself is asked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.routers and all(one.address is None for one in self.devices):
            raise ValueError("'routers' are asked for addresses, and no device is given by its 'address'.")

    def needs_link(self) -> bool:
        return super().needs_link() or not all(map(is_loopback, self.routers))

    async def observe(self, vantage: Vantage) -> FindSeen:
        found = await device(self, vantage)
        ports = await found.read(read_ports)
        owners, routers, silent = await self._owners(found, vantage)
        macs = {one.mac for one in self.devices if one.mac} | {owner.mac for owner in owners}
        forwarding = await found.read(read_forwarding)
        return FindSeen(
            name=found.name,
            ports=ports,
            entries=tuple(one for one in forwarding.entries if one.mac in macs),
            counts=_counts(forwarding),
            uplinks=_uplinks(ports, await found.read(read_neighbours)),
            unread_vlans=forwarding.unread,
            owners=owners,
            routers=routers,
            silent_routers=silent,
            listens=bool(await found.read(read_spoken)),
        )

    def judge(self, seen: FindSeen) -> Iterable[Finding]:
        for planned in self.devices:
            yield judge_device(planned, seen)

    async def _owners(
        self, found: Device, vantage: Vantage
    ) -> tuple[tuple[Owner, ...], tuple[str, ...], tuple[str, ...]]:
        wanted = {one.address for one in self.devices if one.address}
        if not wanted:
            return (), (), ()
        asked = [await device(self, vantage, one) for one in self.routers] or [found]
        owners: dict[Owner, None] = {}
        silent = []
        for router in asked:
            try:
                table = await router.read(read_arp)
            except CannotTell as error:
                silent.append(error.reason)
                continue
            owners |= dict.fromkeys(owner for owner in table if owner.address in wanted)
        if len(silent) == len(asked) and not any(one.mac for one in self.devices):
            raise CannotTell(
                silent[0], "Name the router of the devices' network in 'routers', with the same credentials."
            )
        return tuple(owners), tuple(router.name for router in asked), tuple(silent)


def _counts(forwarding: Forwarding) -> dict[str, int]:
    held: dict[int, set[str]] = {}
    for one in forwarding.entries:
        if one.if_index is not None and not one.own:
            held.setdefault(one.if_index, set()).add(one.mac)
    return {str(if_index): len(macs) for if_index, macs in sorted(held.items())}


def _uplinks(ports: tuple[Port, ...], neighbours: tuple[Neighbour, ...]) -> dict[str, str]:
    lags = {port.if_index: port.lag for port in ports}
    found: dict[str, str] = {}
    for one in neighbours:
        if one.local_if_index is not None and is_switch(one):
            for place in (one.local_if_index, lags.get(one.local_if_index)):
                if place is not None:
                    found[str(place)] = called(one)
    return found
