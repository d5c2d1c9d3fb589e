"""The links of an old switch: single ports and aggregations that are up, and what each is for."""

from __future__ import annotations

from agent.learn.reading import OldSwitch
from agent.learn.words import name_of
from checks.dataclass import dataclass
from checks.device.naming import canonical
from checks.device.records import Neighbour, Port
from checks.switch._names import is_switch
from checks.switch._plan import pvid, untagged_vlans

_LAG = 161


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One link."""

    port: Port
    """The aggregation, or the port itself."""
    below: tuple[Port, ...]
    """Members that are up; of a single port the port."""
    alias: str
    heard: Neighbour | None
    """Who of the infrastructure is at the other end."""
    native: int | None
    carried: tuple[int, ...]
    """VLANs besides the native one."""
    open: bool
    """The switch does not tell all VLANs that it carries."""
    uplink: bool
    """A switch is heard there, whatever else is."""

    @property
    def members(self) -> int | None:
        """How many ports an aggregation has; None for a single port."""
        return len(self.below) if self.port.if_type == _LAG or self.port.members else None

    @property
    def speed(self) -> int | None:
        """The slowest of its ports in Mbit/s; None where one does not tell."""
        told = [port.speed_mbps for port in self.below]
        known = [one for one in told if one]
        return min(known) if known and len(known) == len(told) else None

    @property
    def access(self) -> int | None:
        """The VLAN of an access port (a voice VLAN may be tagged beside it); None for a trunk."""
        phone = self.heard is not None and kind(self.heard) == "telephone"
        few = not self.carried or (phone and len(self.carried) == 1)
        return self.native if few and self.members is None and not self.open else None


def kind(neighbour: Neighbour) -> str:
    """Return `switch`, `router`, `access point` or `telephone`; empty for what is no infrastructure."""
    told = set(neighbour.capabilities)
    if "telephone" in told:
        return "telephone"
    if "wlan" in told:
        return "access point"
    if is_switch(neighbour) and "station" not in told:
        return "switch"
    if "transparent-bridge" in told:
        return "access point"
    return "router" if "router" in told else ""


def units(old: OldSwitch) -> tuple[Unit, ...]:
    """Return the links that are up, in the order of the ports."""
    ports = old.ports or ()
    by_index = {port.if_index: port for port in ports}
    found = []
    for port in ports:
        if port.oper != "up":
            continue
        members = tuple(
            by_index[one] for one in port.members if one in by_index and by_index[one].oper == "up"
        )
        if port.if_type == _LAG or port.members:
            if members:
                found.append(_unit(old, port, members))
        elif port.physical and (port.lag is None or by_index[port.lag].oper != "up"):
            found.append(_unit(old, port, (port,)))
    return tuple(found)


def _unit(old: OldSwitch, port: Port, below: tuple[Port, ...]) -> Unit:
    aliases = {alias_of(one) for one in below}
    places = {port.if_index, *(one.if_index for one in below)}
    native, carried, is_open = _vlans(old, port)
    return Unit(
        port=port,
        below=below,
        alias=alias_of(port) or (aliases.pop() if len(aliases) == 1 else ""),
        heard=_heard(old, places),
        native=native,
        carried=carried,
        open=is_open,
        uplink=any(is_switch(one) for one in old.neighbours or () if one.local_if_index in places),
    )


def alias_of(port: Port) -> str:
    """Return the description that a person gave; some switches fill in the port's own name."""
    alias = port.alias.strip()
    plain = alias.casefold().removesuffix(" interface")
    return "" if canonical(plain) in {canonical(port.name), canonical(port.descr)} else alias


def _heard(old: OldSwitch, places: set[int]) -> Neighbour | None:
    """Return the infrastructure at a port: what the cable goes to before what hangs on that."""
    order = ("switch", "router", "access point", "telephone")
    heard = [
        one
        for one in old.neighbours or ()
        if one.local_if_index in places and kind(one) and name_of(one)
    ]  # fmt: skip
    return min(heard, key=lambda one: order.index(kind(one)), default=None)


def _vlans(old: OldSwitch, port: Port) -> tuple[int | None, tuple[int, ...], bool]:
    """Return native VLAN, the others, and whether there may be more that are not told."""
    read = old.vlans
    if read is None:
        return None, (), True
    untagged = untagged_vlans(port, read)
    told = pvid(port, read)
    native = untagged[0] if len(untagged) == 1 else told
    inside = {
        vlan.id for vlan in read.vlans if port.if_index in vlan.untagged or port.if_index in vlan.tagged
    }
    is_open = port.if_index in read.open_trunks
    if untagged and told is not None and told not in untagged:
        is_open = True
    return native, tuple(sorted(inside - {native})), is_open
