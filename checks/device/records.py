"""The normalised model: what a device has, in the same words whatever its vendor.

Ports are known by ifIndex everywhere in the model. Base port, LLDP port number and PoE group and port are
what the agent's other tables count by; the readers translate them and nobody else sees them.
"""

from __future__ import annotations

from typing import Literal

from checks.dataclass import dataclass

Admin = Literal["up", "down", "testing", "unknown"]
Oper = Literal[
    "up", "down", "testing", "unknown", "dormant", "not_present", "lower_layer_down"
]  # fmt: skip
Duplex = Literal["full", "half", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What the device says it is; an empty text is what it does not say."""

    sys_name: str
    sys_descr: str
    sys_object_id: str
    """Dotted, without a leading dot."""
    location: str
    contact: str
    uptime_s: float | None
    """Since its agent started: not always since the device did."""
    vendor: str
    """Short name from the enterprise number of its object id; empty if unknown."""
    model: str
    serial: str
    """Of the chassis; of a stack the first member's."""
    firmware: str
    serials: tuple[str, ...]
    """Of every chassis, in the order of the agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One interface of the device. What it does not tell is None, empty or `unknown`."""

    if_index: int
    name: str
    """ifName; ifDescr where there is none."""
    descr: str
    alias: str
    """ifAlias: the description that a person gave it."""
    if_type: int
    """IANAifType: 6 Ethernet, 161 LAG, 53 and 136 VLAN interfaces, 24 loopback."""
    physical: bool
    """Something can be plugged in."""
    admin: Admin
    oper: Oper
    speed_mbps: int | None
    """Of the link now, while it is up; a port that is down often tells an old or a configured one."""
    duplex: Duplex
    mac: str
    mtu: int | None
    since_s: float | None
    """How long it has been as it is; None where that cannot be told."""
    lag: int | None
    """ifIndex of the aggregation it is a member of."""
    members: tuple[int, ...]
    """Of an aggregation: ifIndexes of its members."""
    alias_told: bool = True
    """The agent shows a description, were it an empty one."""
    duplex_told: bool = True
    """The agent has a duplex mode for it, were it `unknown`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vlan:
    """One VLAN and the ports that carry it, by ifIndex, ascending."""

    id: int
    name: str
    untagged: tuple[int, ...]
    tagged: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """What a device hears on one of its ports."""

    protocol: str
    """`lldp`, `cdp`, or the vendor's own: `fdp`, `edp`, `isdp`, `mndp`."""
    local_if_index: int | None
    """None where the agent's port number leads to no port."""
    local_port: str
    """As the agent calls it."""
    remote_name: str
    """Its name; the first line of its description where it sends no name."""
    remote_port: str
    remote_port_description: str
    remote_chassis: str
    remote_platform: str
    remote_address: str
    native_vlan: int | None
    duplex: Duplex
    """Of the other end, where it tells."""
    capabilities: tuple[str, ...] = ()
    """What it says it is, as far as it does: `bridge`, `router`, `telephone`, `wlan`, `station`, ..."""
