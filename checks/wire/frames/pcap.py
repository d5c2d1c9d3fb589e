"""Frames out of a capture file, pcap or pcapng, bounded in number and size.

Sources: draft-ietf-opsawg-pcap (link types, magic numbers), draft-ietf-opsawg-pcapng (blocks).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from checks.dataclass import dataclass

ETHERNET = 1
MAX_FILE = 256 * 1024 * 1024
MAX_FRAMES = 1_000_000
_LARGEST = 262_144
_MAGIC = {
    b"\xa1\xb2\xc3\xd4": ">", b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">", b"\x4d\x3c\xb2\xa1": "<",
}  # fmt: skip
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """One frame of a file; `link_type` 1 is Ethernet."""

    data: bytes
    link_type: int


def read_capture(data: bytes) -> Iterator[Captured]:
    """Yield the frames of a capture file; a file that ends or lies in the middle ends there.

    Raises ValueError if it is neither pcap nor pcapng.
    """
    if data[:4] in _MAGIC and len(data) >= 24:
        return _classic(data, _MAGIC[data[:4]])
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return _blocks(data)
    raise ValueError("This file is neither a pcap nor a pcapng capture.")


def _classic(data: bytes, order: str) -> Iterator[Captured]:
    link_type = struct.unpack_from(f"{order}I", data, 20)[0] & 0x0FFFFFFF
    at = 24
    for _ in range(MAX_FRAMES):
        if at + 16 > len(data):
            return
        length = struct.unpack_from(f"{order}I", data, at + 8)[0]
        if length > _LARGEST:
            return
        yield Captured(data=data[at + 16 : at + 16 + length], link_type=link_type)
        at += 16 + length


def _blocks(data: bytes) -> Iterator[Captured]:
    at, order, links, count = 0, "<", list[tuple[int, int]](), 0
    while at + 12 <= len(data) and count < MAX_FRAMES:
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order, links = ">" if data[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d" else "<", []
        kind, length = struct.unpack_from(f"{order}II", data, at)
        if length < 12 or length % 4 or at + length > len(data):
            return
        body = data[at + 8 : at + length - 4]
        at += length
        if kind == _INTERFACE and len(body) >= 8 and len(links) < 4096:
            link, _, snap = struct.unpack_from(f"{order}HHI", body)
            links.append((link, snap))
        found = _frame(kind, body, order, links)
        if found is not None:
            count += 1
            yield found


def _frame(kind: int, body: bytes, order: str, links: list[tuple[int, int]]) -> Captured | None:
    if kind in (_ENHANCED, _PACKET) and len(body) >= 20:
        index = struct.unpack_from(f"{order}I" if kind == _ENHANCED else f"{order}H", body)[0]
        length, start = struct.unpack_from(f"{order}I", body, 12)[0], 20
    elif kind == _SIMPLE and len(body) >= 4 and links:
        index, start = 0, 4
        length = struct.unpack_from(f"{order}I", body)[0]
        length = min(length, links[0][1] or length, len(body) - start)
    else:
        return None
    if index >= len(links) or start + length > len(body):
        return None
    return Captured(data=body[start : start + length], link_type=links[index][0])
