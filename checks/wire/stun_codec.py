"""STUN messages (RFC 8489): the two requests that we send, and replies read with bounds; sans I/O.

The second request is Microsoft's TURN Allocate of [MS-TURN] without credentials. That protocol has a
transaction id of 16 bytes; ours begins with STUN's magic cookie, so that one reader does for both.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Literal

from checks.dataclass import dataclass
from checks.params import join_endpoint

COOKIE = 0x2112A442
Kind = Literal["binding", "allocate"]
MAX_DATAGRAM = 2048
_HEADER = struct.Struct("!HHI12s")
_METHODS: dict[Kind, int] = {"binding": 1, "allocate": 3}
_MAPPED, _ERROR, _SOFTWARE = 0x0001, 0x0009, 0x8022
_XOR_MAPPED = (0x0020, 0x8020)
"""RFC 8489, and [MS-TURN] section 2.2.2.16."""
_MS_COOKIE = struct.pack("!HHI", 0x000F, 4, 0x72C64BC6)
_MS_VERSION = struct.pack("!HHI", 0x8008, 4, 4)
_MS_USERNAME = struct.pack("!HH8s", 0x0006, 8, b"gonogo")
_MS_BANDWIDTH = struct.pack("!HHI", 0x0010, 4, 64)
_MS_QUALITY = struct.pack("!HHHH", 0x8055, 4, 1, 0)


class Malformed(Exception):  # noqa: N818 - it is an outcome
    """The datagram is no STUN message; the words say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StunReply:
    """A reply: `error` is the code where it refuses, `mapped` what the server saw as our address and port.

    `software` and `reason` are raw text.
    """

    method: int
    transaction: bytes
    error: int | None = None
    reason: str = ""
    mapped: str | None = None
    software: str = ""


def request(kind: Kind, transaction: bytes) -> bytes:
    """Return a request with a transaction id of 12 random bytes."""
    body = b""
    if kind == "allocate":
        body = _MS_COOKIE + _MS_VERSION + _MS_USERNAME + _MS_BANDWIDTH + _MS_QUALITY
    return _HEADER.pack(_METHODS[kind], len(body), COOKIE, transaction) + body


def decode(data: bytes) -> StunReply:
    """Read a reply; raise Malformed for everything else, a request that was sent back included."""
    if len(data) < _HEADER.size or len(data) > MAX_DATAGRAM:
        raise Malformed(f"{len(data)} bytes are no STUN message")
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if kind & 0xC000 or cookie != COOKIE:
        raise Malformed("no STUN header")
    if length != len(data) - _HEADER.size:
        raise Malformed(f"the header says {length} bytes of attributes, {len(data) - _HEADER.size} came")
    of_class = kind >> 4 & 1 | kind >> 7 & 2
    if of_class not in (2, 3):
        raise Malformed("a request or indication, not a reply")
    method = kind & 0xF | kind >> 1 & 0x70 | kind >> 2 & 0xF80
    error, reason, mapped, plain, software = None, "", None, None, ""
    for number, value in _attributes(data):
        if number in _XOR_MAPPED and mapped is None:
            mapped = _address(value, COOKIE.to_bytes(4, "big") + transaction)
        elif number == _MAPPED and plain is None:
            plain = _address(value, bytes(16))
        elif number == _ERROR and error is None and len(value) >= 4:
            error = (value[2] & 7) * 100 + value[3]
            reason = value[4:].decode("utf-8", "replace")[:200]
        elif number == _SOFTWARE and not software:
            software = value.decode("utf-8", "replace")[:200]
    if of_class == 3 and error is None:
        error = 0
    return StunReply(
        method=method, transaction=transaction, error=error if of_class == 3 else None,
        reason=reason if of_class == 3 else "", mapped=mapped or plain, software=software,
    )  # fmt: skip


def _attributes(data: bytes) -> list[tuple[int, bytes]]:
    """Return the attributes; what does not fit ends them ([MS-TURN] servers pad as they like)."""
    found, at = [], _HEADER.size
    while at + 4 <= len(data):
        number, length = struct.unpack_from("!HH", data, at)
        end = at + 4 + length
        if end > len(data):
            break
        found.append((number, data[at + 4 : end]))
        at = end + -length % 4
    return found


def _address(value: bytes, mask: bytes) -> str | None:
    """Return address and port of a (XOR-)MAPPED-ADDRESS, None if it holds neither IPv4 nor IPv6."""
    size = {1: 4, 2: 16}.get(value[1]) if len(value) >= 4 else None
    if size is None or len(value) != 4 + size:
        return None
    port = struct.unpack_from("!H", value, 2)[0] ^ int.from_bytes(mask[:2], "big")
    raw = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
    address = ipaddress.ip_address(raw)
    return join_endpoint(str(address), port)
