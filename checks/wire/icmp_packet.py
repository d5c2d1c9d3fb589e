"""ICMP echo on the wire: building requests, reading replies and the errors that quote them. Pure, no I/O.

Sources: RFC 792 (IPv4), RFC 4443 (IPv6), RFC 1191 section 4 and RFC 8201 (MTU of the next hop).
"""

from __future__ import annotations

import socket
import struct

from checks.dataclass import dataclass

TIME_EXCEEDED = "time exceeded"
NET_UNREACHABLE = "network unreachable"
HOST_UNREACHABLE = "host unreachable"
PROHIBITED = "administratively prohibited"
TOO_BIG = "too big"
"""The words of `Echo.error`; `TOO_BIG` is followed by ` (mtu N)` where the router told its limit."""

TOKEN_BYTES = 16
"""A request carries this many bytes that no other request has; its payload cannot be shorter."""

_V4_UNREACHABLE = {
    0: NET_UNREACHABLE, 1: HOST_UNREACHABLE, 2: "protocol unreachable", 3: "port unreachable",
    5: "source route failed", 6: NET_UNREACHABLE, 7: HOST_UNREACHABLE, 9: PROHIBITED, 10: PROHIBITED,
    11: NET_UNREACHABLE, 12: HOST_UNREACHABLE, 13: PROHIBITED,
}  # fmt: skip
_V6_UNREACHABLE = {
    0: NET_UNREACHABLE, 1: PROHIBITED, 2: "beyond the scope of the source address", 3: HOST_UNREACHABLE,
    4: "port unreachable", 5: PROHIBITED, 6: PROHIBITED,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """One echo request and what came of it; `rtt_ms` is None unless its own target answered in time.

    `error` says in English why there was no reply, where somebody said so: a router or host (`responder`,
    after `error_ms`), or this machine itself (`local`: it says nothing about the target).
    No reply and no `error` is silence.
    """

    sequence: int
    """Place in its series, from 0."""
    sent_s: float
    """Seconds from the start of the series."""
    rtt_ms: float | None
    responder: str | None
    """Who answered or reported the error."""
    error: str | None
    error_ms: float | None = None
    mtu: int | None = None
    """Bytes of the largest whole IP packet that fits, where a "too big" error told it."""
    local: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An echo reply."""

    ident: int
    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """An ICMP error about an echo request; `payload` is what it quotes of the request's data."""

    error: str
    mtu: int | None
    target: str
    ident: int
    sequence: int
    payload: bytes


def error_words(version: int, kind: int, code: int, mtu: int = 0) -> tuple[str, int | None] | None:
    """Return the words for an ICMP error and the MTU it tells; None if this type is no error."""
    if version == 4:
        if (kind, code) == (3, 4):
            return _too_big(mtu)
        words = {3: _V4_UNREACHABLE.get(code, "unreachable"), 11: TIME_EXCEEDED, 12: "parameter problem"}
    else:
        if kind == 2:
            return _too_big(mtu)
        words = {1: _V6_UNREACHABLE.get(code, "unreachable"), 3: TIME_EXCEEDED, 4: "parameter problem"}
    return (words[kind], None) if kind in words else None


def _too_big(mtu: int) -> tuple[str, int | None]:
    return (f"{TOO_BIG} (mtu {mtu})", mtu) if mtu > 0 else (TOO_BIG, None)


def build_request(version: int, ident: int, sequence: int, payload: bytes) -> bytes:
    """Return an echo request; the IPv6 checksum is left to the kernel, which knows the addresses."""
    if version == 6:
        return struct.pack("!BBHHH", 128, 0, 0, ident, sequence) + payload
    packet = struct.pack("!BBHHH", 8, 0, 0, ident, sequence) + payload
    return struct.pack("!BBHHH", 8, 0, checksum(packet), ident, sequence) + payload


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of `data`."""
    if len(data) % 2:
        data += b"\0"
    # The sum of 16-bit words in ones' complement is the number modulo 65535 (RFC 1071 section 2).
    total = int.from_bytes(data, "big") % 0xFFFF
    return 0xFFFF - total if total else (0xFFFF if not any(data) else 0)


def without_ip_header(packet: memoryview) -> memoryview:
    """Return the ICMP message of an IPv4 packet, empty if it carries none."""
    if len(packet) < 20 or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_ICMP:
        return packet[:0]
    return packet[(packet[0] & 0x0F) * 4 :]


def read_message(version: int, message: memoryview) -> Reply | Refusal | None:
    """Read an ICMP message without IP header; None for what is no echo reply and no error about a request."""
    if len(message) < 8:
        return None
    kind, code, _, ident, sequence = struct.unpack_from("!BBHHH", message)
    if kind == (0 if version == 4 else 129):
        return Reply(ident, sequence, bytes(message[8:])) if code == 0 else None
    mtu = sequence if version == 4 else ident << 16 | sequence
    known = error_words(version, kind, code, mtu)
    quoted = read_quoted(version, message[8:]) if known else None
    if known is None or quoted is None:
        return None
    target, ident, sequence, payload = quoted
    return Refusal(known[0], known[1], target, ident, sequence, payload)


def read_quoted(version: int, packet: memoryview) -> tuple[str, int, int, bytes] | None:
    """Return target, id, sequence and data of the echo request at the start of a quoted IP packet."""
    if version == 4:
        if len(packet) < 20 or struct.unpack_from("!H", packet, 6)[0] & 0x1FFF:
            return None
        inner = without_ip_header(packet)
        target = socket.inet_ntop(socket.AF_INET, packet[16:20])
    else:
        if len(packet) < 40 or packet[0] >> 4 != 6:
            return None
        header, inner = packet[6], packet[40:]
        if header == socket.IPPROTO_FRAGMENT and len(inner) >= 8:
            if struct.unpack_from("!H", inner, 2)[0] & 0xFFF8:
                return None
            header, inner = inner[0], inner[8:]
        if header != socket.IPPROTO_ICMPV6:
            return None
        target = socket.inet_ntop(socket.AF_INET6, packet[24:40])
    request = read_request(version, inner)
    return (target, *request) if request else None


def read_request(version: int, message: memoryview) -> tuple[int, int, bytes] | None:
    """Return id, sequence and data of an echo request (without IP header), None if it is something else."""
    if len(message) < 8 or message[0] != (8 if version == 4 else 128):
        return None
    ident, sequence = struct.unpack_from("!HH", message, 4)
    return ident, sequence, bytes(message[8:])
