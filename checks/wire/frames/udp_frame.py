"""UDP over IPv4 in an Ethernet frame, as raw bytes: what is sent and heard without an address of our own.

Sources: RFC 791, RFC 768, RFC 1071 (checksum), IEEE 802.1Q clause 9 (tags). Checksums of what is heard are
not held: a sender on the same machine leaves them to a network card that is not there.
"""

from __future__ import annotations

import socket
import struct

from checks.dataclass import dataclass

_TAGS = frozenset({0x8100, 0x88A8, 0x9100})
_IPV4, _UDP = 0x0800, 17
_IP = struct.Struct("!BBHHHBBH4s4s")
_PORTS = struct.Struct("!HHHH")
MAX_TAGS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Untagged:
    """An Ethernet frame without its 802.1Q tags; `vlans` are the outermost first, 0 where only priority."""

    target: str
    source: str
    kind: int
    body: bytes
    vlans: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpFrame:
    """One UDP datagram and who sent it, by hardware address, address and port."""

    source_mac: str
    target_mac: str
    source: str
    target: str
    source_port: int
    target_port: int
    payload: bytes
    vlans: tuple[int, ...] = ()
    cut: bool = False
    """The datagram says that it is longer than what arrived."""


def checksum(data: bytes) -> int:
    """Return the internet checksum of `data`."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def hardware(mac: str) -> bytes:
    """Return the six bytes of `00:1b:21:3c:4d:5e`."""
    raw = bytes.fromhex(mac.replace(":", ""))
    if len(raw) != 6:
        raise ValueError(f"A hardware address has six bytes, unlike {mac!r}.")
    return raw


def tagged(frame: bytes, vlan: int | None) -> bytes:
    """Return the frame with an 802.1Q tag of `vlan` behind its addresses; as it is for None."""
    if vlan is None:
        return frame
    return frame[:12] + struct.pack("!HH", 0x8100, vlan & 0x0FFF) + frame[12:]


def untagged(frame: bytes) -> Untagged | None:
    """Take the tags off an Ethernet II frame; None for one that is too short or has too many."""
    at = 12
    vlans: list[int] = []
    while len(frame) >= at + 2:
        (kind,) = struct.unpack_from("!H", frame, at)
        if kind not in _TAGS:
            return Untagged(
                target=frame[:6].hex(":"), source=frame[6:12].hex(":"), kind=kind, body=frame[at + 2 :],
                vlans=tuple(vlans),
            )  # fmt: skip
        if len(vlans) == MAX_TAGS or len(frame) < at + 4:
            return None
        vlans.append(struct.unpack_from("!H", frame, at + 2)[0] & 0x0FFF)
        at += 4
    return None


def broadcast(
    mac: str, payload: bytes, *, source_port: int, target_port: int, vlan: int | None = None
) -> bytes:
    """Return a frame from `mac` without an address to everybody: 0.0.0.0 to 255.255.255.255."""
    source, target = b"\0" * 4, b"\xff" * 4
    length = _PORTS.size + len(payload)
    pseudo = source + target + struct.pack("!BBH", 0, _UDP, length)
    bare = _PORTS.pack(source_port, target_port, length, 0) + payload
    udp = _PORTS.pack(source_port, target_port, length, checksum(pseudo + bare) or 0xFFFF) + payload
    parts = (0x45, 0x10, _IP.size + length, 0, 0, 64, _UDP)
    head = _IP.pack(*parts, checksum(_IP.pack(*parts, 0, source, target)), source, target)
    ethernet = b"\xff" * 6 + hardware(mac) + struct.pack("!H", _IPV4)
    return tagged((ethernet + head + udp).ljust(60, b"\0"), vlan)


def read_udp(frame: bytes) -> UdpFrame | None:
    """Return the UDP datagram in an Ethernet frame; None for anything else, and for a piece of a datagram."""
    bare = untagged(frame)
    if bare is None or bare.kind != _IPV4 or len(bare.body) < _IP.size:
        return None
    first, _, total, _, fragment, _, protocol, _, source, target = _IP.unpack_from(bare.body)
    head = (first & 0x0F) * 4
    if first >> 4 != 4 or head < _IP.size or protocol != _UDP or fragment & 0x3FFF:
        return None
    datagram = bare.body[head : max(total, head)]
    if len(datagram) < _PORTS.size:
        return None
    source_port, target_port, length, _ = _PORTS.unpack_from(datagram)
    if length < _PORTS.size:
        return None
    return UdpFrame(
        source_mac=bare.source, target_mac=bare.target, source=socket.inet_ntoa(source),
        target=socket.inet_ntoa(target), source_port=source_port, target_port=target_port,
        payload=datagram[_PORTS.size : length], vlans=bare.vlans, cut=length > len(datagram),
    )  # fmt: skip
