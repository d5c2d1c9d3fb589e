"""The discovery protocols of single vendors: EDP (Extreme), SONMP (Nortel, Avaya), MNDP (MikroTik).

Sources: lldpd's and Wireshark's public descriptions of EDP and SONMP; MikroTik's manual, Neighbor discovery.
"""

from __future__ import annotations

from typing import Any

from checks.wire.frames.announced import (
    MOST,
    Announced,
    NamedVlan,
    address,
    number,
    text,
    tlvs,
    vlan_id,
)

_EDP_HEAD = 16
_EDP_MARK = 0x99
_SONMP_PORTS = 3


def decode_edp(data: bytes, source: str = "") -> Announced:
    """Read what follows the SNAP head 00:E0:2B 0x00BB: a name, the port as `slot:port`, the VLANs."""
    said: dict[str, Any] = {}
    faults: list[str] = []
    if len(data) < _EDP_HEAD:
        return Announced(protocol="edp", source=source, faults=("the head is missing",))
    said.update(chassis=data[10:16].hex(":"), chassis_kind="mac")
    at, end = _EDP_HEAD, min(len(data), max(number(data[2:4]), _EDP_HEAD))
    while at + 4 <= end and data[at] == _EDP_MARK:
        kind, length = data[at + 1], number(data[at + 2 : at + 4])
        value = data[at + 4 : at + length]
        if length < 4 or at + length > end:
            faults.append(f"TLV {kind} ends beyond the frame")
            break
        at += length
        if kind == 1:
            said.setdefault("name", text(value))
        elif kind == 2 and len(value) >= 16:
            slot, port = number(value[:2]) + 1, number(value[2:4]) + 1
            said.setdefault("port", f"{slot}:{port}")
            said.setdefault("description", "software " + ".".join(str(part) for part in value[12:16]))
        elif kind == 5 and len(value) >= 12:
            _edp_vlan(said, value)
        elif kind in (2, 5):
            faults.append(f"TLV {kind} is too short")
        elif kind == 0:
            break
    return Announced(protocol="edp", source=source, faults=tuple(faults[:MOST]), **said)


def _edp_vlan(said: dict[str, Any], value: bytes) -> None:
    found, kept = vlan_id(number(value[2:4])), said.get("vlans", ())
    if found is not None and len(kept) < MOST:
        said["vlans"] = (*kept, NamedVlan(id=found, name=text(value[12:])))
    place = value[8:12]
    if any(place) and address(place) not in said.get("addresses", ()):
        said["addresses"] = (*said.get("addresses", ()), address(place))[:MOST]


def decode_sonmp(data: bytes, source: str = "") -> Announced:
    """Read what follows the SNAP head 00:00:81 0x01A2 or 0x01A1: an address and a slot and port."""
    if len(data) < 4 + _SONMP_PORTS:
        return Announced(protocol="sonmp", source=source, faults=("the announcement is too short",))
    slot, port = data[5], data[6]
    return Announced(
        protocol="sonmp", source=source, chassis=address(data[:4]), chassis_kind="address",
        addresses=(address(data[:4]),), port=f"{slot}/{port}" if slot else str(port),
    )  # fmt: skip


_MNDP_TEXTS = {5: "name", 7: "description", 8: "platform", 16: "port"}


def decode_mndp(data: bytes, source: str = "") -> Announced:
    """Read the payload of a datagram to port 5678."""
    said: dict[str, Any] = {}
    faults: list[str] = []
    for kind, value, whole in tlvs(data[4:], head=0):
        if not whole:
            faults.append(f"TLV {kind} ends beyond the datagram")
            break
        if kind == 1 and len(value) == 6:
            said.setdefault("chassis", value.hex(":"))
            said.setdefault("chassis_kind", "mac")
        elif kind in _MNDP_TEXTS:
            said.setdefault(_MNDP_TEXTS[kind], text(value))
        elif kind in (15, 17) and address(value):
            said["addresses"] = (*said.get("addresses", ()), address(value))[:MOST]
    return Announced(protocol="mndp", source=source, faults=tuple(faults), **said)
