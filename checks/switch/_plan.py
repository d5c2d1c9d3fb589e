"""What a plan says of ports, and finding the ports that it means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from checks.bounds import Ge, Le, Len
from checks.dataclass import dataclass
from checks.device.ports import LAG
from checks.device.records import Neighbour, Port
from checks.device.vlans import VlansRead
from checks.switch._names import same_name

VlanId = Annotated[int, Ge(1), Le(4094)]
Name = Annotated[str, Len(1, 256)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPort:
    """One port of the plan, or `count` of them: by its name, or by what it is for."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    port: Name | None = None
    description: Name | None = None
    neighbor: Name | None = None
    vlan: VlanId | None = None
    up: bool = True
    speed: Annotated[int, Ge(1)] | None = None
    min_speed: Annotated[int, Ge(1)] | None = None
    duplex: Literal["full", "half", "any"] = "full"
    members: Annotated[int, Ge(1), Le(256)] | None = None
    count: Annotated[int, Ge(1), Le(4096)] = 1

    def __post_init__(self) -> None:
        if not any((self.port, self.description, self.neighbor, self.vlan)):
            raise ValueError(
                "A planned port needs 'port', 'description', 'neighbor' or 'vlan': otherwise it means none."
            )
        if self.port is not None and self.count != 1:
            raise ValueError("'count' goes with 'description', 'neighbor' or 'vlan'; 'port' names one port.")
        if self.speed is not None and self.min_speed is not None:
            raise ValueError("'speed' says it exactly and 'min_speed' at least: give one of the two.")
        if not self.up and any((self.speed, self.min_speed, self.members)):
            raise ValueError("A port that is planned down has no speed and no members: leave them out.")
        if not self.up and self.port is None and self.description is None and self.neighbor is None:
            raise ValueError("'up: false' goes with 'port', 'description' or 'neighbor', not with 'vlan'.")

    def words(self) -> str:
        """Return what it means, for a person."""
        if self.port:
            return self.port
        if self.description:
            return f"described {self.description!r}"
        if self.neighbor:
            return f"to {self.neighbor}"
        return f"in VLAN {self.vlan}"


def described(ports: Iterable[Port], description: str) -> tuple[Port, ...]:
    """Return the ports with that description; one that contains it as words counts where none equals it."""
    wanted = description.strip().casefold()
    named = [port for port in ports if port.alias and _describable(port)]
    equal = tuple(port for port in named if port.alias.strip().casefold() == wanted)
    words = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)")
    return equal or tuple(port for port in named if words.search(port.alias[:1024].casefold()))


def undescribed(ports: Iterable[Port]) -> tuple[Port, ...]:
    """Return the ports whose description the switch does not show."""
    return tuple(port for port in ports if not port.alias_told and _describable(port))


def cables(ports: Iterable[Port]) -> tuple[Port, ...]:
    """Return the ports without the aggregations of which members are among them: those are no cables."""
    found = tuple(ports)
    lags = {port.lag for port in found}
    return tuple(port for port in found if port.if_index not in lags)


def _describable(port: Port) -> bool:
    return port.physical or bool(port.members) or port.if_type == LAG


def facing(ports: Iterable[Port], neighbours: Iterable[Neighbour], name: str) -> tuple[Port, ...]:
    """Return the ports on which a neighbour of that name is heard."""
    heard = {one.local_if_index for one in neighbours if same_name(name, one)}
    return tuple(port for port in ports if port.if_index in heard)


def aggregations(found: Iterable[Port], ports: Iterable[Port]) -> tuple[Port, ...]:
    """Return the aggregations that the found ports are or belong to; without any, the ports themselves."""
    by_index = {port.if_index: port for port in ports}
    lifted = [by_index.get(port.lag, port) if port.lag is not None else port for port in found]
    distinct = tuple(dict.fromkeys(lifted))
    return tuple(port for port in distinct if port.members or port.if_type == 161) or distinct


def carriers(port: Port) -> tuple[int, ...]:
    """Return the ifIndexes under which a port may stand in VLAN tables: its own and its aggregation's."""
    return (port.if_index,) if port.lag is None else (port.if_index, port.lag)


def untagged_vlans(port: Port, vlans: VlansRead) -> tuple[int, ...]:
    """Return the VLANs that a port carries untagged, by its membership."""
    return tuple(vlan.id for vlan in vlans.vlans if not set(carriers(port)).isdisjoint(vlan.untagged))


def pvid(port: Port, vlans: VlansRead) -> int | None:
    """Return the VLAN that untagged frames get on a port; None where that is not told."""
    return next(
        (vlans.pvid[str(index)] for index in reversed(carriers(port)) if str(index) in vlans.pvid), None
    )
