"""A beacon or probe response out of a captured 802.11 frame, with or without its radiotap header.

Sources: IEEE 802.11-2020 sections 9.2.4.1 (frame control), 9.3.3.2 and 9.3.3.10 (beacon, probe response);
radiotap.org (header, present words, flags); tcpdump.org, LINKTYPE_LINUX_SLL.
"""

from __future__ import annotations

import struct

from checks.dataclass import dataclass

IEEE80211, LINUX_COOKED, RADIOTAP = 105, 113, 127
"""Link types of a capture."""
_COOKED = {801: IEEE80211, 803: RADIOTAP}
"""Hardware types of Linux that a cooked header names."""
_BEACON, _PROBE_RESPONSE = 0x80, 0x50
_FIXED = 12
_MAX_WORDS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """What a beacon or probe response says before its elements."""

    bssid: str
    privacy: bool
    elements: bytes
    frequency_mhz: int | None = None
    signal_dbm: int | None = None


def read_beacon(frame: bytes, link_type: int = IEEE80211) -> Beacon | None:
    """Return the beacon or probe response in `frame`; None for another frame or one that is cut before."""
    frequency = signal = None
    if link_type == LINUX_COOKED:
        link_type, frame = _COOKED.get(int.from_bytes(frame[2:4], "big"), -1), frame[16:]
    if link_type == RADIOTAP:
        told = _radiotap(frame)
        if told is None:
            return None
        frame, frequency, signal = told
    elif link_type != IEEE80211:
        return None
    if len(frame) < 24 + _FIXED or frame[0] not in (_BEACON, _PROBE_RESPONSE):
        return None
    body = 28 if frame[1] & 0x80 else 24
    if len(frame) < body + _FIXED:
        return None
    return Beacon(
        bssid=frame[16:22].hex(":"), privacy=bool(frame[body + 10] & 0x10), elements=frame[body + _FIXED :],
        frequency_mhz=frequency, signal_dbm=signal,
    )  # fmt: skip


def _radiotap(packet: bytes) -> tuple[bytes, int | None, int | None] | None:
    """Return the frame without its header and its check sequence, with the frequency and signal told."""
    if len(packet) < 8 or packet[0] != 0:
        return None
    size = int.from_bytes(packet[2:4], "little")
    if not 8 <= size <= len(packet):
        return None
    present = int.from_bytes(packet[4:8], "little")
    at, word = 8, present
    for _ in range(_MAX_WORDS):
        if not word & 1 << 31 or at + 4 > size:
            break
        word = int.from_bytes(packet[at : at + 4], "little")
        at += 4
    flags, frequency, signal = 0, None, None
    for bit, align, length in ((0, 8, 8), (1, 1, 1), (2, 1, 1), (3, 2, 4), (4, 2, 2), (5, 1, 1)):
        if not present & 1 << bit:
            continue
        at = -(-at // align) * align
        if at + length > size:
            break
        if bit == 1:
            flags = packet[at]
        elif bit == 3:
            frequency = int.from_bytes(packet[at : at + 2], "little") or None
        elif bit == 5:
            (signal,) = struct.unpack_from("b", packet, at)
        at += length
    frame = packet[size:]
    return (frame[:-4] if flags & 0x10 and len(frame) >= 4 else frame), frequency, signal
