"""What a neighbour announces of itself and of the port that we hang on, in one form for all protocols."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import field
from typing import Literal

from checks.dataclass import dataclass

MOST = 64
"""Addresses, VLANs and remarks that are kept of one announcement."""
_LONGEST = 512
_MOST_TLVS = 512

Duplex = Literal["full", "half"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedVlan:
    """A VLAN that the port carries, with its name."""

    id: int
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """An LLDP-MED network policy: how an application's frames must be marked."""

    application: str
    """`voice`, `voice signaling`, `guest voice`..."""
    vlan: int
    tagged: bool
    priority: int
    dscp: int
    unknown: bool = False
    """The switch has no policy for the application yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poe:
    """Power over Ethernet as the announcement tells it; None is what it does not tell."""

    source: bool | None = None
    """True: the neighbour supplies power (PSE). False: it wants power itself (PD)."""
    supported: bool | None = None
    enabled: bool | None = None
    power_class: int | None = None
    """0 to 8."""
    kind: int | None = None
    """IEEE type 1 to 4: 15.4, 30, 60 and 90 W at the switch."""
    allocated_w: float | None = None
    """What the switch has granted to the device that hangs on the port."""
    available_w: float | None = None
    """What the port can give at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """One announcement. What it does not say is empty or None; `faults` say what of it could not be read."""

    protocol: str
    chassis: str = ""
    chassis_kind: str = ""
    name: str = ""
    port: str = ""
    port_kind: str = ""
    port_description: str = ""
    description: str = ""
    """Of the system: make, model, software."""
    platform: str = ""
    addresses: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    """What the neighbour does: `bridge`, `router`, `telephone`, `wlan`..."""
    vlan: int | None = None
    """The port's untagged VLAN (PVID, native VLAN)."""
    vlans: tuple[NamedVlan, ...] = ()
    voice_vlan: int | None = None
    """VLAN for phones; whether they are to tag it, LLDP-MED's `policies` say."""
    policies: tuple[Policy, ...] = ()
    duplex: Duplex | None = None
    speed_mbps: int | None = None
    autonegotiation: bool | None = None
    poe: Poe | None = None
    mtu: int | None = None
    """Largest frame, as the protocol counts it."""
    lag: int | None = None
    """Number of the aggregation that the port is a member of."""
    domain: str = ""
    """VTP domain."""
    inventory: dict[str, str] = field(default_factory=dict)
    """Hardware, firmware, software, serial number, manufacturer, model, asset (LLDP-MED)."""
    ttl_s: int | None = None
    leaving: bool = False
    """A shutdown frame: the neighbour says good-bye."""
    source: str = ""
    """Hardware address that the frame came from."""
    faults: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether it names both the device and its port, which every one of these protocols must."""
        return bool((self.chassis or self.name) and self.port)


def tlvs(data: bytes, *, head: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield type, value and whether it is whole of the two-byte type, two-byte length units (CDP, DTP, MNDP).

    `head` is 4 where the length counts the unit's own head, else 0.
    """
    at = 0
    for _ in range(_MOST_TLVS):
        if at + 4 > len(data):
            return
        kind, length = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
        if length < head:
            yield kind, b"", False
            return
        end = at + 4 + length - head
        yield kind, data[at + 4 : end], end <= len(data)
        at = end


def text(data: bytes) -> str:
    """Return raw text until its first zero byte, at most 512 characters."""
    return data.partition(b"\0")[0].decode("utf-8", "replace").strip()[:_LONGEST]


def number(data: bytes) -> int:
    """Return a whole number in network order."""
    return int.from_bytes(data, "big")


def address(data: bytes) -> str:
    """Return an IPv4 or IPv6 address, or the empty text for other lengths."""
    return str(ipaddress.ip_address(data)) if len(data) in (4, 16) else ""


def vlan_id(value: int) -> int | None:
    """Return a VLAN's number, None for what is no VLAN (0: none, 4095: reserved)."""
    return value if 1 <= value <= 4094 else None
