"""What an echo socket asks of the kernel, and what the kernel tells beside the data.

The Linux numbers are those of asm-generic/socket.h and linux/{in,in6,icmp,icmpv6,errqueue}.h.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import Literal

from checks.wire.icmp_packet import TOO_BIG

Kind = Literal["dgram", "raw"]
Ancillary = list[tuple[int, int, bytes]]

NO_ROUTE = "this machine has no route to it"
NOT_PERMITTED = "this machine's own firewall or policy does not let it out"
NOT_A_HOST = "this machine refuses it as a broadcast address or by a prohibiting route"
QUEUE_FULL = "this machine's send queue is full"
OVERRUN = "this machine's receive buffer overflowed"
PACE_USED_UP = "other checks use up the packets a second that gonogo sends"
"""The words of `Echo.error` where `local` is true."""

BUSY = (errno.ENOBUFS, errno.EAGAIN)
LINUX = sys.platform == "linux"
MSG_ERRQUEUE = 0x2000

_LOCAL = {
    errno.EPERM: NOT_PERMITTED,
    errno.EACCES: NOT_A_HOST,
    errno.ENETUNREACH: NO_ROUTE,
    errno.EHOSTUNREACH: NO_ROUTE,
    errno.EADDRNOTAVAIL: NO_ROUTE,
    errno.ENOBUFS: QUEUE_FULL,
    errno.EAGAIN: QUEUE_FULL,
}
_SO_RCVBUFFORCE, _SO_TIMESTAMPNS, _SO_MEMINFO = 33, 35, 55
_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PMTU_NEVER, _PMTU_PROBE = 10, 23, 0, 3
_IP_RECVERR, _IPV6_RECVERR, _IP_MTU, _IPV6_MTU = 11, 25, 14, 24
_IP_DONTFRAG_MACOS, _IPV6_DONTFRAG = 28, 62
_EXTENDED_ERROR = struct.Struct("=IBBBxII")
_TIMESPEC = struct.Struct("@ll")
_BUFFER_BYTES = 4 << 20


def ip_option(version: int, v4: int, v6: int) -> tuple[int, int]:
    """Return level and name of an IP socket option for this version."""
    return (socket.IPPROTO_IP, v4) if version == 4 else (socket.IPPROTO_IPV6, v6)


def configure(sock: socket.socket, version: int, kind: Kind) -> None:
    """Ask for kernel timestamps, room for a burst, errors, and only the ICMP types we read."""
    sock.setblocking(False)  # noqa: FBT003
    if not LINUX:
        return
    for option in (_SO_RCVBUFFORCE, socket.SO_RCVBUF):
        try:
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
            break
        except PermissionError:
            continue
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    if kind == "dgram":
        sock.setsockopt(*ip_option(version, _IP_RECVERR, _IPV6_RECVERR), 1)
    elif version == 4:
        wanted = sum(1 << number for number in (0, 3, 11, 12))
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("@I", 0xFFFFFFFF & ~wanted))
    else:
        blocked = [0xFFFFFFFF] * 8
        for number in (1, 2, 3, 4, 129):
            blocked[number // 32] &= ~(1 << number % 32)
        sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("@8I", *blocked))


def forbid_fragments(sock: socket.socket, version: int, *, forbid: bool) -> None:
    """Send whole packets only, whatever path MTU the kernel has learnt; or let large ones be fragmented."""
    if LINUX:
        mode = _PMTU_PROBE if forbid else _PMTU_NEVER
        sock.setsockopt(*ip_option(version, _IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER), mode)
    elif version == 4:
        sock.setsockopt(socket.IPPROTO_IP, _IP_DONTFRAG_MACOS, int(forbid))
    if version == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_DONTFRAG, int(forbid))
    if version == 6 and LINUX:
        # Only the sender fragments in IPv6: where it may, it does so at the size that every link takes.
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU, 0 if forbid else 1280)


def read_stamp(extra: Ancillary) -> int:
    """Return when the kernel received a packet, in nanoseconds by the wall clock; 0 if it did not say."""
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(data) >= _TIMESPEC.size:
            seconds, nanos = _TIMESPEC.unpack_from(data)
            return int(seconds * 1_000_000_000 + nanos)
    return 0


def read_drops(sock: socket.socket) -> int:
    """Return how many packets the kernel has dropped because this socket's buffer was full; 0 if not said."""
    if not LINUX:
        return 0
    numbers = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
    return int.from_bytes(numbers[32:36], sys.byteorder)  # SK_MEMINFO_DROPS is the ninth


def read_queued_error(version: int, extra: Ancillary) -> tuple[int, int, int, str] | None:
    """Return ICMP type, code, MTU and sender of an error from the error queue; None for a local error."""
    for level, kind, data in extra:
        if (level, kind) == ip_option(version, _IP_RECVERR, _IPV6_RECVERR):
            _, origin, icmp_type, code, info, _ = _EXTENDED_ERROR.unpack_from(data)
            if origin in (2, 3):  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6
                return icmp_type, code, info, _offender(data[_EXTENDED_ERROR.size :])
    return None


def _offender(sockaddr: bytes) -> str:
    family = int.from_bytes(sockaddr[:2], sys.byteorder)
    if family == socket.AF_INET and len(sockaddr) >= 8:
        return socket.inet_ntop(socket.AF_INET, sockaddr[4:8])
    if family == socket.AF_INET6 and len(sockaddr) >= 24:
        return socket.inet_ntop(socket.AF_INET6, sockaddr[8:24])
    return ""


def local_words(error: OSError, sockaddr: tuple[str | int, ...]) -> tuple[str, int | None]:
    """Return the words for an error that sending met on this machine, and the MTU that stood in the way."""
    number = error.errno or 0
    if number == errno.EMSGSIZE:
        mtu = _local_mtu(sockaddr)
        return (f"{TOO_BIG} (mtu {mtu})" if mtu else TOO_BIG), mtu
    return _LOCAL.get(number, f"this machine cannot send it: {os.strerror(number)}"), None


def _local_mtu(sockaddr: tuple[str | int, ...]) -> int | None:
    if not LINUX:
        return None
    version = 6 if len(sockaddr) == 4 else 4
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as ask:
        try:
            ask.connect((sockaddr[0], 9, *sockaddr[2:]))  # a datagram socket sends nothing by connecting
            return ask.getsockopt(*ip_option(version, _IP_MTU, _IPV6_MTU))
        except OSError:
            return None
