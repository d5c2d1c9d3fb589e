"""VTP: the VLAN database that a Cisco domain tells over its trunks.

Source: Cisco, "Understanding VLAN Trunk Protocol" (message formats).
"""

from __future__ import annotations

from checks.dataclass import dataclass
from checks.wire.frames.announced import NamedVlan, address, number, text, vlan_id

_CODES = {1: "summary", 2: "subset", 3: "request", 4: "join"}
_MOST = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Vtp:
    """What one VTP frame says."""

    code: str
    version: int
    domain: str
    revision: int | None = None
    updater: str = ""
    vlans: tuple[NamedVlan, ...] = ()


def decode(data: bytes) -> Vtp | None:
    """Read what follows the SNAP head 00:00:0C 0x2003; None if even its head is missing."""
    if len(data) < 36:
        return None
    code, length = data[1], min(data[3], 32)
    head = {
        "version": data[0], "domain": text(data[4 : 4 + length]), "code": _CODES.get(code, f"code {code}"),
    }  # fmt: skip
    revision = number(data[36:40]) if code in (1, 2) and len(data) >= 40 else None
    if code == 1 and len(data) >= 44:
        return Vtp(**head, revision=revision, updater=address(data[40:44]))  # type: ignore[arg-type]
    found: list[NamedVlan] = []
    at = 40
    while code == 2 and at + 12 <= len(data) and len(found) < _MOST:
        size, name = data[at], data[at + 3]
        if size < 12 or at + size > len(data):
            break
        vlan = vlan_id(number(data[at + 4 : at + 6]))
        if vlan is not None:
            found.append(NamedVlan(id=vlan, name=text(data[at + 12 : at + min(size, 12 + name)])))
        at += size
    return Vtp(**head, revision=revision, vlans=tuple(found))  # type: ignore[arg-type]
