"""Whether a server agrees on a version of TLS, asked by a ClientHello that offers every cipher there was.

A handshake by this machine's own library cannot tell: a library without the ciphers of old versions looks the
same as a server that refuses them. RFC 5246 section 7.4.1 (and RFC 2246, RFC 4346 for the older versions).
"""

from __future__ import annotations

import ipaddress
import secrets
import struct
from typing import Literal

from checks.dataclass import dataclass

OldVersion = Literal["1.0", "1.1", "1.2"]
_NUMBERS: dict[OldVersion, int] = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303}
_NAMES = {0x0300: "SSL 3.0", 0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3"}
ALERTS = {
    0: "close_notify", 10: "unexpected_message", 40: "handshake_failure", 47: "illegal_parameter",
    50: "decode_error", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 112: "unrecognized_name", 116: "certificate_required",
}  # fmt: skip
_CIPHERS = (
    *range(0xC02B, 0xC033), *range(0xCCA8, 0xCCAB), *range(0x009C, 0x00A8), *range(0xC023, 0xC02B),
    *range(0xC001, 0xC01A), *range(0x0001, 0x001C), *range(0x002C, 0x0047), *range(0x0067, 0x006E),
    *range(0x0084, 0x009B), *range(0xC09C, 0xC0A4), *range(0x0060, 0x0067), 0x00FF,
)  # fmt: skip
"""Every key exchange with AES, Camellia, SEED, ChaCha20, 3DES, RC4, DES, NULL, and the export ciphers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What came back: the version of a ServerHello (`1.0`), or the name of an alert, or neither."""

    version: str = ""
    alert: str = ""


def client_hello(version: OldVersion, server_name: str) -> bytes:
    """Return one TLS record with a ClientHello that asks for `version` and nothing newer."""
    number = _NUMBERS[version]
    extensions = _extension(10, _listed(struct.pack(">4H", 29, 23, 24, 25)))
    extensions += _extension(11, b"\x01\x00")
    if version == "1.2":
        algorithms = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201)
        extensions += _extension(13, _listed(struct.pack(f">{len(algorithms)}H", *algorithms)))
    if server_name and not _is_address(server_name):
        name = server_name.encode("ascii", "ignore")
        extensions += _extension(0, _listed(b"\x00" + struct.pack(">H", len(name)) + name))
    ciphers = struct.pack(f">{len(_CIPHERS)}H", *_CIPHERS)
    body = struct.pack(">H", number) + secrets.token_bytes(32) + b"\x00" + _listed(ciphers) + b"\x01\x00"
    body += _listed(extensions)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


def complete(data: bytes) -> bool:
    """Return whether the first record's beginning is there: enough for `read_hello`."""
    return len(data) >= 5 and (data[0] not in (21, 22) or len(data) >= (7 if data[0] == 21 else 11))


def read_hello(data: bytes) -> Hello:
    """Return what the first record of an answer is; anything that is no TLS is neither."""
    if len(data) < 5 or data[1] != 3:
        return Hello()
    if data[0] == 21 and len(data) >= 7:
        return Hello(alert=ALERTS.get(data[6], f"alert {data[6]}"))
    if data[0] == 22 and len(data) >= 11 and data[5] == 2:
        number = int.from_bytes(data[9:11], "big")
        return Hello(version=_NAMES.get(number, f"0x{number:04x}"))
    return Hello()


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">HH", kind, len(body)) + body


def _listed(body: bytes) -> bytes:
    return struct.pack(">H", len(body)) + body


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
