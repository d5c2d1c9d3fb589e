"""The outside of an Ethernet frame: addresses, VLAN tags, and what kind of payload follows.

Sources: IEEE 802.1Q clause 9 (tags, service tags), IEEE 802.3 clause 3 (length or type), IEEE 802 clause 9
(LLC, SNAP); Cisco's ISL encapsulation, whose frames hold another one.
"""

from __future__ import annotations

from checks.dataclass import dataclass

_TAGS = {0x8100: "802.1Q", 0x88A8: "802.1ad", 0x9100: "802.1Q (0x9100)", 0x9200: "802.1Q (0x9200)"}
_VNTAG = 0x8926
_ISL = (b"\x01\x00\x0c\x00\x00", b"\x03\x00\x0c\x00\x00")
_ISL_HEAD = 26
_MOST_TAGS = 8
_TYPES = 0x0600
"""From here on the field behind the addresses is a type, below it a length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One tag; VLAN 0 carries a priority only and names no VLAN."""

    kind: str
    vlan: int
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A frame without its wrapping.

    `ethertype` is set for Ethernet II; a frame with a length has `dsap` and `ssap`, and with SNAP `oui` and
    `protocol`. `payload` begins behind all of them.
    """

    destination: str
    source: str
    tags: tuple[Tag, ...]
    payload: bytes
    ethertype: int | None = None
    dsap: int | None = None
    ssap: int | None = None
    oui: int | None = None
    protocol: int | None = None

    @property
    def vlan(self) -> int | None:
        """The VLAN that the outermost tag names; None for an untagged or priority-tagged frame."""
        return self.tags[0].vlan or None if self.tags else None


def open_frame(frame: bytes) -> Opened | None:
    """Take a frame apart; None if it ends within its own head."""
    tags: list[Tag] = []
    if frame[:5] in _ISL and len(frame) > _ISL_HEAD + 14:
        tags.append(Tag(kind="ISL", vlan=int.from_bytes(frame[20:22], "big") >> 1 & 0xFFF, priority=0))
        frame = frame[_ISL_HEAD:]
    if len(frame) < 14:
        return None
    kind, at = int.from_bytes(frame[12:14], "big"), 14
    while len(tags) < _MOST_TAGS and (kind in _TAGS or kind == _VNTAG):
        size = 4 if kind in _TAGS else 6
        if at + size > len(frame):
            return None
        if kind in _TAGS:
            control = int.from_bytes(frame[at : at + 2], "big")
            tags.append(Tag(kind=_TAGS[kind], vlan=control & 0xFFF, priority=control >> 13))
        kind, at = int.from_bytes(frame[at + size - 2 : at + size], "big"), at + size
    destination, source = frame[:6].hex(":"), frame[6:12].hex(":")
    if kind >= _TYPES:
        return Opened(
            destination=destination, source=source, tags=tuple(tags), payload=frame[at:], ethertype=kind
        )
    body = frame[at : at + kind]
    dsap, ssap, oui, protocol = None, None, None, None
    if len(body) >= 3:
        dsap, ssap, skip = body[0], body[1], 3
        if (dsap, ssap, body[2]) == (0xAA, 0xAA, 0x03) and len(body) >= 8:
            oui, protocol, skip = int.from_bytes(body[3:6], "big"), int.from_bytes(body[6:8], "big"), 8
        body = body[skip:]
    return Opened(
        destination=destination, source=source, tags=tuple(tags), payload=body, dsap=dsap, ssap=ssap,
        oui=oui, protocol=protocol,
    )  # fmt: skip
