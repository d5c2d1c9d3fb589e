"""IPv6 neighbour discovery on one interface: who answers for an address, and with which hardware addresses.

The system's own table holds one answer only; two devices with the gateway's address show only here.
Source: RFC 4861 sections 4.3, 4.4 and 7.1 (messages and what makes them valid), RFC 4291 section 2.7.1.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct

from checks.local.facts import InterfaceFact
from checks.wire.frames.capture import Frame, Sender, listen
from checks.wire.frames.vlan_tags import open_frame

_SOLICITATION, _ADVERTISEMENT = 135, 136
_MOST = 16


def solicitation(mac: str, source: str, target: str) -> bytes:
    """Return an Ethernet frame asking who has `target`, from our `source`."""
    hardware, wanted = bytes.fromhex(mac.replace(":", "")), ipaddress.IPv6Address(target).packed
    group = bytes.fromhex("ff0200000000000000000001ff") + wanted[13:]
    body = struct.pack("!BBHI", _SOLICITATION, 0, 0, 0) + wanted + b"\1\1" + hardware
    ours = ipaddress.IPv6Address(source).packed
    body = body[:2] + _checksum(ours, group, body).to_bytes(2, "big") + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + ours + group
    return b"\x33\x33" + group[12:] + hardware + b"\x86\xdd" + head + body


def advertised(frame: bytes, target: str) -> str | None:
    """Return the hardware address that a frame tells for `target`; None for any other or invalid frame."""
    opened = open_frame(frame)
    if opened is None or opened.ethertype != 0x86DD or opened.vlan is not None:
        return None
    packet = opened.payload
    if len(packet) < 64 or packet[6:8] != b"\x3a\xff":
        return None
    body = packet[40 : 40 + int.from_bytes(packet[4:6], "big")]
    if len(body) < 24 or body[:2] != bytes((_ADVERTISEMENT, 0)):
        return None
    if body[8:24] != ipaddress.IPv6Address(target).packed or _checksum(packet[8:24], packet[24:40], body):
        return None
    at = 24
    while at + 8 <= len(body) and body[at + 1]:
        if body[at : at + 2] == b"\2\1":
            return body[at + 2 : at + 8].hex(":")
        at += body[at + 1] * 8
    return opened.source


async def who_is(
    interface: InterfaceFact, target: str, source: str, *, rounds: int = 2, interval_s: float = 0.4
) -> tuple[str, ...]:
    """Ask `rounds` times and return each hardware address that answers for `target`.

    Raises CannotTell without the right to send raw frames.
    """
    found: dict[str, None] = {}
    question = solicitation(interface.mac, source, target)

    def wanted(frame: Frame) -> bool:
        mac = advertised(frame.whole, target)
        if mac is not None and len(found) < _MOST:
            found[mac] = None
        return False

    async def ask(send: Sender) -> None:
        for turn in range(rounds):
            if turn:
                await asyncio.sleep(interval_s)
            await send(question)

    await listen(interface, rounds * interval_s, wanted, send=ask)
    return tuple(sorted(found))


def _checksum(source: bytes, target: bytes, body: bytes) -> int:
    data = source + target + struct.pack("!II", len(body), 58) + body + b"\0" * (len(body) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
