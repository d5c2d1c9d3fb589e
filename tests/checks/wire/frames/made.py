"""Frames as switches send them, built byte by byte."""

from __future__ import annotations

import struct

SWITCH = bytes.fromhex("001f27b47d82")
LLDP_GROUP = bytes.fromhex("0180c200000e")
CDP_GROUP = bytes.fromhex("01000ccccccc")
STP_GROUP = bytes.fromhex("0180c2000000")
PVST_GROUP = bytes.fromhex("01000ccccccd")
BROADCAST = b"\xff" * 6


def ethernet(payload: bytes, kind: int = 0x88CC, *, to: bytes = LLDP_GROUP, source: bytes = SWITCH) -> bytes:
    return to + source + kind.to_bytes(2, "big") + payload


def llc(payload: bytes, *, to: bytes, source: bytes = SWITCH) -> bytes:
    return to + source + len(payload).to_bytes(2, "big") + payload


def snap(oui: int, protocol: int, payload: bytes, *, to: bytes = CDP_GROUP, source: bytes = SWITCH) -> bytes:
    head = b"\xaa\xaa\x03" + oui.to_bytes(3, "big") + protocol.to_bytes(2, "big")
    return llc(head + payload, to=to, source=source)


def tagged(frame: bytes, vlan: int, tpid: int = 0x8100) -> bytes:
    return frame[:12] + struct.pack("!HH", tpid, vlan) + frame[12:]


def tlv(kind: int, value: bytes) -> bytes:
    return (kind << 9 | len(value)).to_bytes(2, "big") + value


def org(oui: int, subtype: int, value: bytes) -> bytes:
    return tlv(127, oui.to_bytes(3, "big") + bytes((subtype,)) + value)


def pvid(vlan: int) -> bytes:
    return org(0x0080C2, 1, vlan.to_bytes(2, "big"))


def mau(kind: int, *, negotiation: int = 3) -> bytes:
    return org(0x00120F, 1, bytes((negotiation,)) + b"\x6c\x01" + kind.to_bytes(2, "big"))


def voice(vlan: int, *, tagged: bool = True, application: int = 1, unknown: bool = False) -> bytes:
    bits = unknown << 23 | tagged << 22 | vlan << 9 | 5 << 6 | 46
    return org(0x0012BB, 2, bytes((application,)) + bits.to_bytes(3, "big"))


def capabilities(enabled: int = 0x14) -> bytes:
    return tlv(7, struct.pack("!HH", 0x14, enabled))


def lldp(
    *parts: bytes,
    name: str = "sw-idf1",
    port: str = "Gi1/0/7",
    ttl: int = 120,
    enabled: int = 0x14,
    source: bytes = SWITCH,
) -> bytes:
    """An announcement: `parts` are further TLVs, `enabled` its capabilities (bridge and router)."""
    body = tlv(1, b"\x04" + source) + tlv(2, b"\x05" + port.encode()) + tlv(3, ttl.to_bytes(2, "big"))
    body += tlv(5, name.encode()) + capabilities(enabled) + b"".join(parts) + tlv(0, b"")
    return ethernet(body, source=source)


def unit(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value) + 4) + value


def cdp(
    *parts: bytes,
    name: str = "sw-idf1.example.com",
    port: str = "GigabitEthernet1/0/7",
    source: bytes = SWITCH,
) -> bytes:
    body = b"\x02\xb4\0\0" + unit(1, name.encode()) + unit(3, port.encode())
    body += unit(4, (0x28).to_bytes(4, "big")) + b"".join(parts)
    return snap(0x00000C, 0x2000, body, source=source)


def native(vlan: int) -> bytes:
    return unit(0x0A, vlan.to_bytes(2, "big"))


def duplex(full: bool) -> bytes:
    return unit(0x0B, bytes((full,)))


def appliance(vlan: int) -> bytes:
    return unit(0x0E, b"\x01" + vlan.to_bytes(2, "big"))


def dtp(status: int = 0x03, domain: str = "office") -> bytes:
    body = b"\x01" + unit(1, domain.encode()) + unit(2, bytes((status,))) + unit(3, b"\xa5") + unit(4, SWITCH)
    return snap(0x00000C, 0x2004, body)


def vtp(domain: str = "office") -> bytes:
    name = domain.encode()
    body = bytes((1, 1, 0, len(name))) + name.ljust(32, b"\0") + struct.pack("!I", 7) + bytes(32)
    return snap(0x00000C, 0x2003, body)


def bpdu(root: str = "001f27b47d80", *, vlan: int = 0, version: int = 2, priority: int = 0x8000) -> bytes:
    ident = (priority | vlan).to_bytes(2, "big") + bytes.fromhex(root)
    body = b"\0\0" + bytes((version, 2 if version else 0, 0x3C)) + ident + b"\0\0\0\x04" + ident + b"\x80\x07"
    return body + b"\0\0\x14\0\x02\0\x0f\0" + b"\0"


def stp(root: str = "001f27b47d80", *, vlan: int = 1) -> bytes:
    return llc(b"\x42\x42\x03" + bpdu(root, vlan=vlan), to=STP_GROUP)


def pvst(vlan: int, root: str = "001f27b47d80") -> bytes:
    body = bpdu(root, vlan=vlan) + b"\0\0\0\2" + vlan.to_bytes(2, "big")
    return snap(0x00000C, 0x010B, body, to=PVST_GROUP)
