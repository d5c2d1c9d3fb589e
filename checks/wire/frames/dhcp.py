"""DHCP for IPv4 (RFC 2131): the DISCOVER that is sent, and any BOOTP or DHCP message that is heard.

There is no way here to make a REQUEST: nothing is ever leased. Decoding is bounded and never raises but
`Malformed`: a length that lies, or a message that is cut off, is a flaw of the message.
"""

from __future__ import annotations

import struct

from checks.dataclass import dataclass
from checks.wire.frames.dhcp_options import KINDS, Option, read
from checks.wire.frames.udp_frame import UdpFrame, broadcast, hardware, read_udp

CLIENT_PORT, SERVER_PORT = 68, 67
_FIXED = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")
_COOKIE = b"\x63\x82\x53\x63"
_BROADCAST = 0x8000
_PAD, _OVERLOAD, _KIND, _END = 0, 52, 53, 255
_LEAST = 300
"""Bytes of a message that BOOTP relays and servers count on (RFC 1542 section 2.1)."""
_LONGEST = 1500
WANTED = (
    1, 3, 6, 12, 15, 26, 28, 42, 43, 44, 51, 54, 58, 59, 66, 67, 114, 119, 120, 121, 132, 138, 150, 160, 161,
    176, 242, 252,
)  # fmt: skip
"""What is asked for (option 55): what laptops, phones and access points live by."""


class Malformed(ValueError):  # noqa: N818 - as its neighbours' names
    """The bytes are no BOOTP message at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A BOOTP or DHCP message; an address that is not set is an empty text."""

    reply: bool
    kind: str
    """`OFFER`, `NAK` ...; `BOOTP` without a message type; a number that has no name as a number."""
    xid: int
    secs: int
    broadcast: bool
    client: str
    yours: str
    next_server: str
    relay: str
    hardware: str
    """The client's hardware address."""
    server_name: str
    boot_file: str
    options: tuple[Option, ...]
    flaws: tuple[str, ...] = ()

    def option(self, code: int) -> Option | None:
        """Return the option `code`."""
        return next((item for item in self.options if item.code == code), None)

    def values(self, code: int) -> tuple[str, ...]:
        """Return the values of option `code`; empty without it."""
        found = self.option(code)
        return found.values if found is not None else ()


def client_id(mac: str) -> bytes:
    """Return a client identifier of a locally administered address (RFC 2132 section 9.14).

    It is the same each time, so that a server always offers the same address to it, and not the one that this
    machine's own client asks by.
    """
    raw = hardware(mac)
    return bytes((1, raw[0] | 0x02, *raw[1:]))


def discover(
    mac: str,
    xid: int,
    *,
    secs: int = 0,
    identity: bytes | None = None,
    vendor_class: str | None = None,
    wanted: tuple[int, ...] = WANTED,
    vlan: int | None = None,
) -> bytes:
    """Return the frame of a DISCOVER from `mac`, whose answers are to be broadcast."""
    head = _FIXED.pack(
        1, 1, 6, 0, xid, min(secs, 0xFFFF), _BROADCAST, b"", b"", b"", b"", hardware(mac), b"", b""
    )
    options = [
        (_KIND, b"\1"), (61, identity or client_id(mac)), (57, _LONGEST.to_bytes(2, "big")),
        (55, bytes(dict.fromkeys(wanted))),
    ]  # fmt: skip
    if vendor_class is not None:
        options.insert(1, (60, vendor_class.encode()[:255]))
    body = b"".join(bytes((code, len(value))) + value for code, value in options) + b"\xff"
    message = (head + _COOKIE + body).ljust(_LEAST, b"\0")
    return broadcast(mac, message, source_port=CLIENT_PORT, target_port=SERVER_PORT, vlan=vlan)


def heard(frame: bytes) -> UdpFrame | None:
    """Return the datagram of a frame that a server or relay sent to a client's port; None for others."""
    datagram = read_udp(frame)
    return datagram if datagram is not None and datagram.target_port == CLIENT_PORT else None


def xid_of(message: bytes) -> int | None:
    """Return the transaction of a reply without decoding it; None if it is no reply."""
    return struct.unpack_from("!I", message, 4)[0] if len(message) >= 8 and message[0] == 2 else None


def decode(message: bytes) -> Message:
    """Return what a message says; raise Malformed for bytes that are none."""
    if len(message) < _FIXED.size:
        raise Malformed(f"{len(message)} bytes are no BOOTP message.")
    op, _, length, _, xid, secs, flags, client, yours, following, relay, mac, name, file = _FIXED.unpack_from(
        message
    )
    if op not in (1, 2):
        raise Malformed(f"The operation {op} is neither a request nor a reply.")
    flaws: list[str] = []
    if length > len(mac):
        flaws.append(f"The hardware address claims {length} of 16 bytes.")
    parts: dict[int, list[bytes]] = {}
    body = message[_FIXED.size :]
    overload = 0
    if body[:4] == _COOKIE:
        _collect(body[4:], "options", parts, flaws)
        overload = _overload(parts, flaws)
        if overload & 1:
            _collect(file, "the boot file field", parts, flaws)
        if overload & 2:
            _collect(name, "the server name field", parts, flaws)
    elif body.strip(b"\0"):
        flaws.append("The options do not begin with DHCP's magic cookie.")
    options = tuple(read(code, b"".join(pieces)) for code, pieces in parts.items())
    kind = next((option.raw for option in options if option.code == _KIND), None)
    return Message(
        reply=op == 2,
        kind="BOOTP" if kind is None else KINDS.get(kind[0], str(kind[0])) if len(kind) == 1 else "malformed",
        xid=xid, secs=secs, broadcast=bool(flags & _BROADCAST),
        client=_set(client), yours=_set(yours), next_server=_set(following), relay=_set(relay),
        hardware=mac[: min(length, 16)].hex(":"),
        server_name="" if overload & 2 else _field(name),
        boot_file="" if overload & 1 else _field(file),
        options=options,
        flaws=(*flaws, *(option.flaw for option in options if option.flaw)),
    )  # fmt: skip


def _collect(data: bytes, where: str, parts: dict[int, list[bytes]], flaws: list[str]) -> None:
    """Add the options in `data`; pieces of one option follow each other (RFC 3396)."""
    at = 0
    while at < len(data):
        code = data[at]
        at += 1
        if code == _PAD:
            continue
        if code == _END:
            return
        if at >= len(data) or at + 1 + data[at] > len(data):
            flaws.append(f"Option {code} in {where} is longer than what is left of it.")
            return
        parts.setdefault(code, []).append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]


def _overload(parts: dict[int, list[bytes]], flaws: list[str]) -> int:
    found = b"".join(parts.get(_OVERLOAD, ()))
    if not found:
        return 0
    if len(found) == 1 and 1 <= found[0] <= 3:
        return found[0]
    flaws.append(f"The overload (option 52) is 0x{found.hex()} instead of 1, 2 or 3.")
    return 0


def _set(address: bytes) -> str:
    return "" if address == b"\0" * 4 else ".".join(map(str, address))


def _field(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace")
