"""How a server of RDP wants to be spoken to: its answer to one X.224 connection request, before any login.

[MS-RDPBCGR] 2.2.1.1 (request), 2.2.1.2 (confirm) and 5.4.2.1 (negotiation of the security protocol).
"""

from __future__ import annotations

from typing import Literal

from checks.dataclass import dataclass

PORT = 3389
LEGACY, TLS, NLA = 0, 1, 2
Kind = Literal["agreed", "refused", "old", "other"]
FAILURES = {
    1: "SSL_REQUIRED_BY_SERVER", 2: "SSL_NOT_ALLOWED_BY_SERVER", 3: "SSL_CERT_NOT_ON_SERVER",
    4: "INCONSISTENT_FLAGS", 5: "HYBRID_REQUIRED_BY_SERVER", 6: "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """`agreed` on a protocol, `refused` with a failure code, `old`: an answer that knows no negotiation."""

    kind: Kind
    code: int = 0
    """Selected protocol (0 standard RDP security, 1 TLS, 2 CredSSP) or failure code."""


def request(protocols: int) -> bytes:
    """Return a connection request that offers `protocols`: 0 standard RDP security, 1 TLS, 3 CredSSP too."""
    return bytes.fromhex("030000130ee000000000000100080000")[:15] + protocols.to_bytes(4, "little")


def complete(data: bytes) -> bool:
    """Return whether one whole TPKT packet (or what is none) is there."""
    return len(data) >= 4 and (data[0] != 3 or len(data) >= int.from_bytes(data[2:4], "big"))


def read_confirm(data: bytes) -> Confirmed:
    """Return what an answer says; what is no X.224 connection confirm is `other`."""
    if len(data) < 11 or data[0] != 3 or data[5] & 0xF0 != 0xD0:
        return Confirmed(kind="other")
    if len(data) < 19 or int.from_bytes(data[2:4], "big") < 19:
        return Confirmed(kind="old")
    code = int.from_bytes(data[15:19], "little")
    if data[11] == 2:
        return Confirmed(kind="agreed", code=code)
    return Confirmed(kind="refused", code=code) if data[11] == 3 else Confirmed(kind="other")
