"""One frame, read by whichever protocol between neighbours it belongs to.

LLDP, CDP, EDP, FDP, SONMP and MNDP name the device and port at the other end; DTP, VTP and BPDUs tell how
that port is set; UDLD, PAgP, LACP and loop probes are told by their names.
"""

from __future__ import annotations

from checks.dataclass import dataclass
from checks.wire.frames import cdp, dtp, elders, lldp, stp, vtp
from checks.wire.frames.announced import Announced, number
from checks.wire.frames.vlan_tags import Opened, Tag, open_frame

GROUPS = (
    "01:80:c2:00:00:0e", "01:80:c2:00:00:03", "01:80:c2:00:00:00", "01:00:0c:cc:cc:cc", "01:00:0c:cc:cc:cd",
    "00:e0:2b:00:00:00", "01:e0:52:cc:cc:cc", "01:00:81:00:01:00", "01:00:81:00:01:01", "01:80:c2:00:00:02",
    "01:80:c2:00:00:08",
)  # fmt: skip
"""Addresses that these protocols are sent to; a card lets them through only if it is told to."""
ANNOUNCING = ("lldp", "cdp", "edp", "fdp", "sonmp", "mndp")
"""Protocols that name a device and its port."""

_CISCO, _EXTREME, _FOUNDRY, _NORTEL = 0x00000C, 0x00E02B, 0x00E052, 0x000081
_CISCO_NAMES = {0x0104: "pagp", 0x0111: "udld", 0x010C: "vlan bridge", 0x2000: "cdp"}
_TYPES = {0x8809: "slow protocol", 0x9000: "loop probe", 0x888E: "802.1X", 0x8902: "cfm", 0x88F7: "ptp"}
_MNDP_PORT = 5678


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one frame says between neighbours."""

    protocol: str
    source: str
    destination: str
    tags: tuple[Tag, ...] = ()
    neighbor: Announced | None = None
    dtp: dtp.Dtp | None = None
    vtp: vtp.Vtp | None = None
    bpdu: stp.Bpdu | None = None


def read_frame(frame: bytes) -> Said | None:
    """Return what a frame says between neighbours, None if it belongs to none of these protocols."""
    opened = open_frame(frame)
    return read_opened(opened) if opened is not None else None


def read_opened(opened: Opened) -> Said | None:
    """Return the same for a frame that was taken apart already."""
    said: Said | None = None
    if opened.ethertype is not None:
        said = _by_type(opened)
    elif (opened.dsap, opened.ssap) == (0x42, 0x42):
        said = _said(opened, "stp", bpdu=stp.decode(opened.payload))
    elif opened.oui is not None:
        said = _by_snap(opened)
    return said


def _by_type(opened: Opened) -> Said | None:
    if opened.ethertype == 0x88CC:
        return _said(opened, "lldp", neighbor=lldp.decode(opened.payload, opened.source))
    if opened.ethertype in (0x0800, 0x86DD):
        told = _datagram(opened)
        return _said(opened, "mndp", neighbor=elders.decode_mndp(told, opened.source)) if told else None
    if opened.ethertype in _TYPES:
        lacp = opened.ethertype == 0x8809 and opened.payload[:1] == b"\1"
        return _said(opened, "lacp" if lacp else _TYPES[opened.ethertype])
    return None


def _by_snap(opened: Opened) -> Said | None:
    place, payload, source = (opened.oui, opened.protocol), opened.payload, opened.source
    if place == (_CISCO, 0x2000):
        return _said(opened, "cdp", neighbor=cdp.decode(payload, source))
    if place == (_FOUNDRY, 0x2000):
        return _said(opened, "fdp", neighbor=cdp.decode(payload, source, "fdp"))
    if place == (_EXTREME, 0x00BB):
        return _said(opened, "edp", neighbor=elders.decode_edp(payload, source))
    if place in ((_NORTEL, 0x01A1), (_NORTEL, 0x01A2)):
        return _said(opened, "sonmp", neighbor=elders.decode_sonmp(payload, source))
    if place == (_CISCO, 0x2004):
        return _said(opened, "dtp", dtp=dtp.decode(payload))
    if place == (_CISCO, 0x2003):
        return _said(opened, "vtp", vtp=vtp.decode(payload))
    if place == (_CISCO, 0x010B):
        return _said(opened, "pvst", bpdu=stp.decode(payload, per_vlan=True))
    if opened.oui == _CISCO and opened.protocol in _CISCO_NAMES:
        return _said(opened, _CISCO_NAMES[opened.protocol])
    return None


def _datagram(opened: Opened) -> bytes | None:
    """Return what a datagram between two MNDP ports holds, for the other datagrams None."""
    packet = opened.payload
    if opened.ethertype == 0x0800:
        start = (packet[0] & 0xF) * 4 if packet else 0
        whole = len(packet) >= 20 <= start + 20 and packet[9] == 17 and not number(packet[6:8]) & 0x1FFF
    else:
        start, whole = 40, len(packet) >= 48 and packet[6] == 17
    udp = packet[start : start + 8]
    if not whole or start < 20 or len(udp) < 8 or number(udp[2:4]) != _MNDP_PORT:
        return None
    length = number(udp[4:6])
    body = packet[start + 8 : start + length]
    return body if len(body) > 4 else None


def _said(
    opened: Opened,
    protocol: str,
    *,
    neighbor: Announced | None = None,
    dtp: dtp.Dtp | None = None,
    vtp: vtp.Vtp | None = None,
    bpdu: stp.Bpdu | None = None,
) -> Said:
    return Said(
        protocol=protocol, source=opened.source, destination=opened.destination, tags=opened.tags,
        neighbor=neighbor, dtp=dtp, vtp=vtp, bpdu=bpdu,
    )  # fmt: skip
