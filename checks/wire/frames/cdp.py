"""CDP (versions 1 and 2) and FDP, which has its form: a device, its port and what it set there.

Sources: Cisco, "Frame Formats" (Cisco Discovery Protocol); Foundry and Brocade, FDP in the FastIron
configuration guide. The checksum is not held against anybody: Cisco's devices sum odd lengths in two ways.
"""

from __future__ import annotations

from typing import Any

from checks.wire.frames.announced import MOST, Announced, Poe, address, number, text, tlvs, vlan_id

_CAPABILITIES = (
    "router", "bridge", "source-route bridge", "switch", "host", "igmp", "repeater", "telephone",
    "remotely managed", "camera", "two-port mac relay",
)  # fmt: skip
_TEXTS = {
    0x01: "chassis", 0x03: "port", 0x05: "description", 0x06: "platform", 0x09: "domain", 0x14: "name",
}  # fmt: skip
_NUMBERS = {0x0A: (2, "vlan"), 0x11: (4, "mtu")}
_UNLIMITED = 0xFFFFFFFF
_VOICE = 1


def decode(data: bytes, source: str = "", protocol: str = "cdp") -> Announced:
    """Read what follows the SNAP head 00:00:0C 0x2000 (CDP) or 00:E0:52 0x2000 (FDP)."""
    said: dict[str, Any] = {}
    faults: list[str] = []
    if len(data) < 4:
        return Announced(protocol=protocol, source=source, faults=("the head is missing",))
    said["ttl_s"], said["leaving"] = data[1], data[1] == 0
    if data[0] not in (1, 2):
        faults.append(f"version {data[0]} is not known")
    for kind, value, whole in tlvs(data[4:], head=4):
        if not whole:
            faults.append(f"TLV {kind} ends beyond the frame")
            break
        _one(said, faults, kind, value)
    if said.get("chassis", "") == "" and said.get("name", "") == "":
        faults.append("the device is missing")
    if not said.get("port"):
        faults.append("the port is missing")
    said.setdefault("name", said.get("chassis", ""))
    return Announced(protocol=protocol, source=source, faults=tuple(faults[:MOST]), **said)


def _one(said: dict[str, Any], faults: list[str], kind: int, value: bytes) -> None:
    if kind in _TEXTS:
        said.setdefault(_TEXTS[kind], text(value))
    elif kind in (0x02, 0x16):
        found = _addresses(value, faults)
        said["addresses"] = tuple(dict.fromkeys((*said.get("addresses", ()), *found)))[:MOST]
    elif kind == 0x04 and value[:1].isalpha():
        said["capabilities"] = (text(value).lower(),)
    elif kind == 0x04 and len(value) >= 4:
        bits = number(value[:4])
        said["capabilities"] = tuple(name for i, name in enumerate(_CAPABILITIES) if bits >> i & 1)
    elif kind in _NUMBERS and len(value) >= _NUMBERS[kind][0]:
        size, name = _NUMBERS[kind]
        found_number = number(value[:size])
        kept = vlan_id(found_number) if name == "vlan" else found_number
        if kept is not None:
            said.setdefault(name, kept)
    elif kind == 0x0B and value:
        said.setdefault("duplex", "full" if value[0] else "half")
    elif kind == 0x0E and len(value) >= 3:
        voice = vlan_id(number(value[1:3]))
        if value[0] == _VOICE and voice is not None:
            said.setdefault("voice_vlan", voice)
    elif kind == 0x1A and len(value) >= 8:
        granted, most = _watts(value[4:8]), _watts(value[8:12])
        said.setdefault("poe", Poe(source=True, allocated_w=granted, available_w=most))
    elif kind in (0x10, 0x19):
        said.setdefault("poe", Poe(source=False))
    elif kind in (0x04, 0x0A, 0x0B, 0x0E, 0x11, 0x1A) and len(faults) < MOST:
        faults.append(f"TLV {kind} is too short")


def _watts(value: bytes) -> float | None:
    return number(value) / 1000 if len(value) == 4 and number(value) != _UNLIMITED else None


def _addresses(value: bytes, faults: list[str]) -> list[str]:
    found: list[str] = []
    at = 4
    for _ in range(min(number(value[:4]), MOST)):
        kind_length = value[at + 1] if at + 2 <= len(value) else 0
        start = at + 2 + kind_length + 2
        length = number(value[start - 2 : start]) if start <= len(value) else 0
        place = value[start : start + length]
        if start > len(value) or len(place) < length:
            faults.append("an address ends beyond its TLV")
            break
        if address(place):
            found.append(address(place))
        at = start + length
    return found
