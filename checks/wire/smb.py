"""Which dialects of SMB a server speaks, by its answer to one negotiation: nothing is logged into.

[MS-SMB] 2.2.4.5 and [MS-CIFS] 2.2.4.52 for SMB 1, [MS-SMB2] 2.2.3 and 2.2.4 for the later ones. A negotiation
that offers SMB 2 beside SMB 1 is answered with SMB 2 and hides SMB 1: so each is asked by itself.
"""

from __future__ import annotations

import secrets
import struct
from typing import Literal

from checks.dataclass import dataclass

PORT = 445
Kind = Literal["smb1", "smb2", "other"]
_DIALECT = b"\x02NT LM 0.12\x00"
_SMB2 = (0x0202, 0x0210, 0x0300, 0x0302)
NO_DIALECT = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiated:
    """What an answer was: `dialect` is the chosen index (SMB 1; 0xFFFF: none) or revision (SMB 2)."""

    kind: Kind
    status: int = 0
    dialect: int = NO_DIALECT
    signing_required: bool = False

    @property
    def accepted(self) -> bool:
        """Whether a dialect was agreed on."""
        return self.kind != "other" and self.status == 0 and self.dialect != NO_DIALECT


def ask_smb1() -> bytes:
    """Return a negotiation that offers NT LM 0.12 and nothing else."""
    header = b"\xffSMB\x72" + bytes(4) + b"\x18" + struct.pack("<H", 0xC843) + bytes(12)
    header += struct.pack("<4H", 0, secrets.randbelow(0xFFFE) + 1, 0, 1)
    return _framed(header + b"\x00" + struct.pack("<H", len(_DIALECT)) + _DIALECT)


def ask_smb2() -> bytes:
    """Return a negotiation that offers SMB 2.0.2 to 3.0.2."""
    header = b"\xfeSMB" + struct.pack("<HHIHHIIQ", 64, 0, 0, 0, 1, 0, 0, 0) + bytes(8) + bytes(8) + bytes(16)
    body = struct.pack("<HHHHI", 36, len(_SMB2), 1, 0, 0) + secrets.token_bytes(16) + bytes(8)
    return _framed(header + body + struct.pack(f"<{len(_SMB2)}H", *_SMB2))


def complete(data: bytes) -> bool:
    """Return whether one whole message (or what is none) is there."""
    return len(data) >= 4 and (data[0] != 0 or len(data) >= 4 + int.from_bytes(data[1:4], "big"))


def read_answer(data: bytes) -> Negotiated:
    """Return what the first message of an answer says; what is no SMB is `other`."""
    message = data[4 : 4 + int.from_bytes(data[1:4], "big")] if len(data) >= 4 and data[0] == 0 else b""
    if message[:4] == b"\xffSMB" and len(message) >= 35 and message[4] == 0x72 and message[9] & 0x80:
        status = int.from_bytes(message[5:9], "little")
        words = message[32]
        dialect = int.from_bytes(message[33:35], "little") if words else NO_DIALECT
        signing = words >= 17 and len(message) > 35 and bool(message[35] & 0x08)
        return Negotiated(kind="smb1", status=status, dialect=dialect, signing_required=signing)
    if message[:4] == b"\xfeSMB" and len(message) >= 72 and message[12:14] == b"\x00\x00" and message[16] & 1:
        status = int.from_bytes(message[8:12], "little")
        if len(message) < 70 or status:
            return Negotiated(kind="smb2", status=status)
        signing = bool(int.from_bytes(message[66:68], "little") & 2)
        dialect = int.from_bytes(message[68:70], "little")
        return Negotiated(kind="smb2", dialect=dialect, signing_required=signing)
    return Negotiated(kind="other")


def _framed(message: bytes) -> bytes:
    return b"\x00" + len(message).to_bytes(3, "big") + message
