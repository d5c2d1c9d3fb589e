"""An NTP server that tells this laptop's own time (RFC 5905 section 7.3)."""

from __future__ import annotations

import struct
import time

_EPOCH = 2_208_988_800
_SIZE = 48
_VERSIONS = (3, 4)
_CLIENT, _SERVER = 3, 4


def tell_time(request: bytes) -> bytes | None:
    """Return a stratum 2 server's answer to a client's request; anything else gets no answer."""
    received = _timestamp()
    if len(request) < _SIZE or request[0] & 7 != _CLIENT or (request[0] >> 3) & 7 not in _VERSIONS:
        return None
    head = struct.pack(
        "!BBbbII4s", (request[0] & 0x38) | _SERVER, 2, 6, -20, 0x100, 0x200, b"\x7f\x7f\x01\x01"
    )
    return head + received + request[40:48] + received + _timestamp()


def _timestamp() -> bytes:
    now = time.time_ns()
    seconds, rest = divmod(now, 1_000_000_000)
    return struct.pack("!II", (seconds + _EPOCH) & 0xFFFFFFFF, (rest << 32) // 1_000_000_000)
