"""Bridge protocol data units: STP, RSTP, MSTP, and the copy for every VLAN of PVST+ and RPVST+.

Sources: IEEE 802.1D clause 9, 802.1Q clause 14; Cisco's originating-VLAN TLV behind the unit (PVST+).
"""

from __future__ import annotations

from typing import Literal

from checks.dataclass import dataclass
from checks.wire.frames.announced import number, text, vlan_id

_KINDS = {0x00: "configuration", 0x02: "rapid", 0x80: "topology change"}
_ROLES = ("", "alternate or backup", "root", "designated")
_LEAST = 35
_VLAN_AT = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeId:
    """Priority (with the VLAN or instance that is part of it) and hardware address of a bridge."""

    priority: int
    extension: int
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bpdu:
    """One unit; a topology change notification holds nothing but its kind."""

    version: Literal["stp", "rstp", "mstp", "unknown"]
    kind: str
    root: BridgeId | None = None
    bridge: BridgeId | None = None
    cost: int | None = None
    """Of the way to the root."""
    port: int | None = None
    role: str = ""
    """Of the sending port, where the version tells it."""
    changing: bool = False
    """The topology is changing."""
    vlan: int | None = None
    """The VLAN that the unit is for (PVST+, RPVST+)."""
    region: str = ""
    """Name of the MST region."""
    instances: int = 0
    """How many MST instances it carries."""


def decode(data: bytes, *, per_vlan: bool = False) -> Bpdu | None:
    """Read what follows LLC 42 42 03, or the SNAP head 00:00:0C 0x010B with `per_vlan`; or None."""
    if len(data) < 4 or data[:2] != b"\0\0":
        return None
    version, kind = data[2], data[3]
    names: dict[int, Literal["stp", "rstp", "mstp"]] = {0: "stp", 2: "rstp", 3: "mstp"}
    name: Literal["stp", "rstp", "mstp", "unknown"] = names.get(version, "unknown")
    if kind not in _KINDS:
        return None
    if kind == 0x80 or len(data) < _LEAST:
        return Bpdu(version=name, kind=_KINDS[kind]) if kind == 0x80 else None
    flags, vlan, region, instances = data[4], None, "", 0
    if per_vlan and len(data) >= _VLAN_AT + 4 + 2 and data[_VLAN_AT : _VLAN_AT + 4] == b"\0\0\0\2":
        vlan = vlan_id(number(data[_VLAN_AT + 4 : _VLAN_AT + 6]))
    bridge = data[17:25]
    if name == "mstp" and not per_vlan and len(data) >= 102:
        region, bridge = text(data[39:71]), data[93:101]
        instances = min(max(number(data[36:38]) - 64, 0), len(data) - 102) // 16
    return Bpdu(
        version=name, kind=_KINDS[kind], root=_bridge(data[5:13]), cost=number(data[13:17]),
        bridge=_bridge(bridge), port=number(data[25:27]), changing=bool(flags & 1),
        role=_ROLES[flags >> 2 & 3] if kind == 0x02 else "", vlan=vlan, region=region, instances=instances,
    )  # fmt: skip


def _bridge(data: bytes) -> BridgeId:
    head = number(data[:2])
    return BridgeId(priority=head & 0xF000, extension=head & 0x0FFF, mac=data[2:].hex(":"))
