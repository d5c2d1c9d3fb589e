"""DTP: a Cisco port that is willing to become a trunk, or is one.

Sources: Cisco, "Dynamic Trunking Protocol"; Wireshark's description of the protocol.
"""

from __future__ import annotations

from checks.dataclass import dataclass
from checks.wire.frames.announced import text, tlvs

_ADMIN = {1: "on", 2: "off", 3: "desirable", 4: "auto"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dtp:
    """What one DTP frame says; `trunk` is None where it does not say whether the port is one now."""

    trunk: bool | None = None
    mode: str = ""
    """`on`, `off`, `desirable`, `auto`: how the port is configured."""
    domain: str = ""
    neighbor: str = ""
    """Hardware address that it names as the sender's."""


def decode(data: bytes) -> Dtp:
    """Read what follows the SNAP head 00:00:0C 0x2004."""
    trunk, mode, domain, neighbor = None, "", "", ""
    for kind, value, whole in tlvs(data[1:], head=4):
        if not whole or not value:
            if kind == 0 or not whole:
                break
        elif kind == 1:
            domain = text(value)
        elif kind == 2:
            trunk, mode = bool(value[0] & 0x80), _ADMIN.get(value[0] & 7, "")
        elif kind == 4 and len(value) >= 6:
            neighbor = value[:6].hex(":")
    return Dtp(trunk=trunk, mode=mode, domain=domain, neighbor=neighbor)
