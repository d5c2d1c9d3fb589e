"""DHCP messages and frames for tests, written apart from the codec that they test."""

from __future__ import annotations

import socket
import struct

COOKIE = b"\x63\x82\x53\x63"
SERVER_MAC = "00:1b:21:00:00:01"
CLIENT_MAC = "52:54:00:00:00:05"


def option(code: int, value: bytes) -> bytes:
    """Return one option as it is on the wire."""
    return bytes((code, len(value))) + value


def addresses(*texts: str) -> bytes:
    """Return addresses as bytes."""
    return b"".join(socket.inet_aton(text) for text in texts)


def message(
    *options: bytes,
    op: int = 2,
    xid: int = 0x1234,
    yours: str = "10.20.0.50",
    relay: str = "0.0.0.0",
    following: str = "0.0.0.0",
    mac: str = CLIENT_MAC,
    name: bytes = b"",
    file: bytes = b"",
    cookie: bytes = COOKIE,
    end: bytes = b"\xff",
) -> bytes:
    """Return a BOOTP message with the options."""
    head = struct.pack("!BBBBIHH", op, 1, 6, 0, xid, 0, 0x8000)
    head += addresses("0.0.0.0", yours, following, relay)
    head += (
        bytes.fromhex(mac.replace(":", "")).ljust(16, b"\0") + name.ljust(64, b"\0") + file.ljust(128, b"\0")
    )
    return head + cookie + b"".join(options) + end


def offer_options(server: str = "10.20.0.1", **given: bytes) -> list[bytes]:
    """Return the options of a healthy offer; `o6=...` replaces option 6, an empty value leaves it out."""
    found = {
        53: b"\2", 54: addresses(server), 51: struct.pack("!I", 28800), 1: addresses("255.255.255.0"),
        3: addresses("10.20.0.1"), 6: addresses("10.20.0.53", "10.20.0.54"), 15: b"corp.example",
    }  # fmt: skip
    found |= {int(key[1:]): value for key, value in given.items()}
    return [option(code, value) for code, value in found.items() if value]


def frame(
    payload: bytes,
    *,
    source: str = "10.20.0.1",
    target: str = "255.255.255.255",
    mac: str = SERVER_MAC,
    to: str = "ff:ff:ff:ff:ff:ff",
    vlan: int | None = None,
    ports: tuple[int, int] = (67, 68),
) -> bytes:
    """Return an Ethernet frame with a UDP datagram, which has no checksum."""
    udp = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    ends = addresses(source, target)
    words = struct.unpack("!9H", struct.pack("!BBHHHBB", 0x45, 0, 20 + len(udp), 0, 0, 64, 17) + ends)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0xFFFF - (sum(words) % 0xFFFF)) + ends
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return bytes.fromhex((to + mac).replace(":", "")) + tag + b"\x08\x00" + ip + udp
