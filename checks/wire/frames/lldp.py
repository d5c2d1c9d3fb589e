"""LLDP: the basic announcement, and the parts of IEEE 802.1, 802.3 and LLDP-MED that a port is known by.

One odd part costs that part and is said; the others are kept. Sources: IEEE 802.1AB clause 8 (basic), 802.1Q
annex D (VLANs), 802.3 clause 79 (duplex, power, aggregation, frame size), ANSI/TIA-1057 (LLDP-MED).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checks.dataclass import dataclass
from checks.wire.frames.announced import (
    MOST,
    Announced,
    NamedVlan,
    Poe,
    Policy,
    address,
    number,
    text,
    vlan_id,
)
from checks.wire.frames.mau import of_mau

_MOST_TLVS = 512
_ORGANISATION = 127
_8021, _8023, _MED = 0x0080C2, 0x00120F, 0x0012BB
_CHASSIS = (
    "", "component", "interface alias", "port component", "mac", "address", "interface name", "local",
)  # fmt: skip
_PORT = (
    "", "interface alias", "port component", "mac", "address", "interface name", "circuit", "local",
)  # fmt: skip
_CAPABILITIES = (
    "other", "repeater", "bridge", "wlan", "router", "telephone", "docsis", "station", "c-vlan", "s-vlan",
    "two-port mac relay",
)  # fmt: skip
_APPLICATIONS = (
    "", "voice", "voice signaling", "guest voice", "guest voice signaling", "softphone voice",
    "video conferencing", "streaming video", "video signaling",
)  # fmt: skip
_INVENTORY = {
    5: "hardware",
    6: "firmware",
    7: "software",
    8: "serial",
    9: "manufacturer",
    10: "model",
    11: "asset",
}
_TEXTS = {4: "port_description", 5: "name", 6: "description"}


@dataclass(kw_only=True)
class _Draft:
    """An announcement while it is read; `seen` are the basic types that came already."""

    said: dict[str, Any]
    seen: set[int]
    faults: list[str]
    poe: Poe | None = None

    def put(self, name: str, value: Any) -> None:
        if value is not None and value not in ("", ()):
            self.said.setdefault(name, value)

    def add(self, name: str, value: Any) -> None:
        kept = self.said.get(name, ())
        if len(kept) < MOST and value not in kept:
            self.said[name] = (*kept, value)

    def fault(self, said: str) -> None:
        if len(self.faults) < MOST:
            self.faults.append(said)


def decode(data: bytes, source: str = "") -> Announced:
    """Read the payload of ethertype 0x88CC."""
    draft = _Draft(said={}, seen=set(), faults=[])
    at = 0
    for _ in range(_MOST_TLVS):
        if at + 2 > len(data):
            break
        head = number(data[at : at + 2])
        kind, length = head >> 9, head & 0x1FF
        value = data[at + 2 : at + 2 + length]
        at += 2 + length
        if len(value) < length:
            draft.fault(f"TLV {kind} ends beyond the frame")
            break
        if kind == 0:
            break
        _one(draft, kind, value)
    for kind, what in ((1, "chassis"), (2, "port"), (3, "time to live")):
        if kind not in draft.seen:
            draft.fault(f"the {what} is missing")
    if draft.poe is not None:
        draft.said["poe"] = draft.poe
    return Announced(protocol="lldp", source=source, faults=tuple(draft.faults), **draft.said)


def _one(draft: _Draft, kind: int, value: bytes) -> None:
    if kind == _ORGANISATION:
        _organisation(draft, value)
        return
    if kind in draft.seen and kind < 8:
        draft.fault(f"TLV {kind} came twice")
        return
    draft.seen.add(kind)
    if kind in (1, 2):
        name, kinds = ("chassis", _CHASSIS) if kind == 1 else ("port", _PORT)
        if len(value) < 2:
            draft.fault(f"the {name} is empty")
            return
        how = kinds[value[0]] if value[0] < len(kinds) else ""
        draft.put(name, _identifier(how, value[1:]))
        draft.put(f"{name}_kind", how)
    elif kind == 3 and len(value) >= 2:
        draft.said["ttl_s"] = number(value[:2])
        draft.said["leaving"] = draft.said["ttl_s"] == 0
    elif kind in _TEXTS:
        draft.put(_TEXTS[kind], text(value))
    elif kind == 7 and len(value) >= 4:
        enabled = number(value[2:4])
        draft.put("capabilities", tuple(n for i, n in enumerate(_CAPABILITIES) if enabled >> i & 1))
    elif kind == 8 and len(value) >= 2 and 2 <= value[0] < len(value):
        family, place = value[1], value[2 : 1 + value[0]]
        if (family, len(place)) in ((1, 4), (2, 16)):
            draft.add("addresses", address(place))
        elif (family, len(place)) == (6, 6):
            draft.add("addresses", place.hex(":"))
    elif kind < 9:
        draft.fault(f"TLV {kind} is too short")


def _identifier(how: str, value: bytes) -> str:
    if how == "mac" and len(value) == 6:
        return value.hex(":")
    if how == "address" and len(value) > 1:
        return address(value[1:]) or value.hex()
    shown = text(value)
    return shown if shown and shown.isprintable() else value.hex(":")


def _organisation(draft: _Draft, value: bytes) -> None:
    if len(value) < 4:
        draft.fault("TLV 127 is too short")
        return
    place, body = (number(value[:3]), value[3]), value[4:]
    least, read = _READERS.get(place, (0, None))
    if place[0] == _MED and place[1] in _INVENTORY:
        said = draft.said.setdefault("inventory", {})
        if text(body):
            said.setdefault(_INVENTORY[place[1]], text(body)[:64])
    elif read is not None:
        if len(body) < least:
            draft.fault(f"TLV 127 of {place[0]:06x} subtype {place[1]} is too short")
        else:
            read(draft, body)


def _pvid(draft: _Draft, body: bytes) -> None:
    draft.put("vlan", vlan_id(number(body[:2])))


def _protocol_vlan(draft: _Draft, body: bytes) -> None:
    found = vlan_id(number(body[1:3]))
    if found is not None and not any(vlan.id == found for vlan in draft.said.get("vlans", ())):
        draft.add("vlans", NamedVlan(id=found))


def _vlan_name(draft: _Draft, body: bytes) -> None:
    found, length = vlan_id(number(body[:2])), body[2]
    if found is None or len(body) < 3 + length:
        draft.fault("a VLAN name ends beyond its TLV")
        return
    kept = tuple(vlan for vlan in draft.said.get("vlans", ()) if vlan != NamedVlan(id=found))
    draft.said["vlans"] = kept
    draft.add("vlans", NamedVlan(id=found, name=text(body[3 : 3 + length])))


def _mac_phy(draft: _Draft, body: bytes) -> None:
    draft.said.setdefault("autonegotiation", bool(body[0] & 2))
    speed, duplex = of_mau(number(body[3:5]))
    draft.put("speed_mbps", speed)
    draft.put("duplex", duplex)


def _power(draft: _Draft, body: bytes) -> None:
    source, supply = bool(body[0] & 1), body[0]
    said: dict[str, Any] = {
        "source": source, "supported": bool(supply & 2) if source else None,
        "enabled": bool(supply & 4) if source else None,
        "power_class": body[2] - 1 if 1 <= body[2] <= 5 else None,
    }  # fmt: skip
    if len(body) >= 8:
        said["kind"] = 1 if body[3] & 0x80 else 2
        said["allocated_w"] = _watts(body[6:8])
    if len(body) >= 25:
        extended = number(body[16:18]) & 0xF
        said["power_class"] = extended if 1 <= extended <= 8 else said["power_class"]
        setup = body[18] >> 1 & 7
        said["kind"] = {0: 3, 1: 4}.get(setup, said["kind"])
        said["available_w"] = _watts(body[19:21])
    draft.poe = _merged(draft.poe, Poe(**said))


def _med_power(draft: _Draft, body: bytes) -> None:
    source = body[0] >> 6 == 0
    watts = _watts(body[1:3])
    draft.poe = _merged(draft.poe, Poe(source=source, available_w=watts if source else None))


def _merged(first: Poe | None, other: Poe) -> Poe:
    if first is None:
        return other
    names = ("source", "supported", "enabled", "power_class", "kind", "allocated_w", "available_w")
    pairs = ((name, getattr(first, name), getattr(other, name)) for name in names)
    return Poe(**{name: one if one is not None else two for name, one, two in pairs})


def _watts(value: bytes) -> float | None:
    tenths = number(value)
    return tenths / 10 if tenths != 0xFFFF else None


def _aggregation(draft: _Draft, body: bytes) -> None:
    if body[0] & 2:
        draft.put("lag", number(body[1:5]))


def _frame_size(draft: _Draft, body: bytes) -> None:
    draft.put("mtu", number(body[:2]) or None)


def _policy(draft: _Draft, body: bytes) -> None:
    bits = number(body[1:4])
    application = _APPLICATIONS[body[0]] if body[0] < len(_APPLICATIONS) else ""
    policy = Policy(
        application=application or str(body[0]), unknown=bool(bits >> 23), tagged=bool(bits >> 22 & 1),
        vlan=bits >> 9 & 0xFFF, priority=bits >> 6 & 7, dscp=bits & 0x3F,
    )  # fmt: skip
    draft.add("policies", policy)
    if policy.application == "voice" and not policy.unknown:
        draft.put("voice_vlan", vlan_id(policy.vlan))


_READERS: dict[tuple[int, int], tuple[int, Callable[[_Draft, bytes], None]]] = {
    (_8021, 1): (2, _pvid),
    (_8021, 2): (3, _protocol_vlan),
    (_8021, 3): (3, _vlan_name),
    (_8021, 7): (5, _aggregation),
    (_8023, 1): (5, _mac_phy),
    (_8023, 2): (3, _power),
    (_8023, 3): (5, _aggregation),
    (_8023, 4): (2, _frame_size),
    (_MED, 2): (4, _policy),
    (_MED, 4): (3, _med_power),
}
