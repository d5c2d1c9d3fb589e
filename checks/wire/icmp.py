"""ICMP echo for every check of a run: one socket per family, one pace, the best method at hand.

Order: unprivileged datagram sockets, raw sockets, Windows' own echo call, the system's `ping` program. Where
none is to be had, CannotTell names the remedy.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable
from typing import Self

from checks.vantage import CannotTell, Shared
from checks.wire.icmp_pace import RATE, Pace, Series, Transport
from checks.wire.icmp_packet import (
    HOST_UNREACHABLE,
    NET_UNREACHABLE,
    PROHIBITED,
    TIME_EXCEEDED,
    TOKEN_BYTES,
    TOO_BIG,
    Echo,
)

__all__ = [
    "HOST_UNREACHABLE", "NET_UNREACHABLE", "PROHIBITED", "TIME_EXCEEDED", "TOO_BIG",
    "Echo", "Icmp", "packet_bytes",
]  # fmt: skip

_REMEDY = {
    "linux": (
        'Let everybody ping (as root: sysctl -w net.ipv4.ping_group_range="0 2147483647"), run gonogo as '
        "root, or install the system's ping command (Debian: iputils-ping)."
    ),
    "darwin": "Run gonogo where /sbin/ping can be started; macOS lets every account ping.",
    "win32": "Run gonogo as an administrator and look whether a security product blocks iphlpapi.dll.",
}


class Icmp:
    """The run's ICMP client: `await vantage.client(Icmp)`. Makes no judgement.

    `method` is `dgram`, `raw`, `windows` or `command`. With `command` the programs limit size, pace and
    precision; see `checks.wire.icmp_command`.
    """

    rate: float = RATE
    """Packets a second that all series together may send."""

    def __init__(self, method: str, transports: dict[int, Transport], why_not: dict[int, str]) -> None:
        self.method = method
        self._transports = transports
        self._why_not = why_not

    @classmethod
    async def open(cls, shared: Shared) -> Self:  # noqa: ARG003
        """Find the best method; raise CannotTell with the remedy if there is none."""
        pace = Pace(cls.rate)
        why_not: dict[int, str] = {}
        for method, make in _methods(pace):
            transports: dict[int, Transport] = {}
            for version in (4, 6):
                try:
                    transports[version] = make(version)
                except OSError as error:
                    why_not[version] = error.strerror or str(error)
            if transports:
                return cls(method, transports, why_not)
        raise CannotTell(
            f"This account may not send ICMP echo requests ({why_not.get(4) or why_not.get(6)}) "
            "and there is no ping command.",
            _REMEDY.get(sys.platform, _REMEDY["linux"]),
        )

    async def series(
        self,
        address: str,
        *,
        count: int,
        interval: float,
        timeout: float,
        size: int = 56,
        ttl: int | None = None,
        dont_fragment: bool = False,
    ) -> tuple[Echo, ...]:
        """Send `count` requests to a numeric address, `interval` seconds apart; return an echo for each.

        A reply counts if it comes from that very address, carries the request's own token and comes within
        `timeout` seconds by the kernel's clock. `size` is bytes of data after the ICMP header. An IPv6
        link-local address carries its zone (`fe80::1%eth0`). With `dont_fragment` false, large requests may
        be fragmented. The ping program may send fewer than `count`, at its own pace. Raises CannotTell where
        this machine has no such protocol or the address names no host.
        """
        if not TOKEN_BYTES <= size <= 65000 or count < 1:
            raise ValueError(f"A series has at least one request of {TOKEN_BYTES} to 65,000 bytes of data.")
        series = _series(address, count, interval, timeout, size, ttl, dont_fragment)
        transport = self._transports.get(series.version)
        if transport is None:
            raise CannotTell(
                f"This machine cannot send ICMP over IPv{series.version} "
                f"({self._why_not.get(series.version, 'not supported')}).",
                f"Switch IPv{series.version} on for this machine, or test the other address family.",
            )
        return await transport.series(series)

    async def close(self) -> None:
        """Close the sockets."""
        for transport in self._transports.values():
            await transport.close()


def packet_bytes(address: str, size: int) -> int:
    """Return the bytes of the whole IP packet of an echo request with `size` bytes of data."""
    return size + 8 + (40 if ":" in address else 20)


def _series(
    address: str, count: int, interval: float, timeout: float, size: int,
    ttl: int | None, dont_fragment: bool,  # noqa: FBT001
) -> Series:  # fmt: skip
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise ValueError(f"An ICMP series goes to a numeric address, not {address!r}.") from None
    # The unspecified address means this very machine to the kernel: an answer would prove nothing.
    if parsed.is_multicast or parsed.is_unspecified or getattr(parsed, "ipv4_mapped", None) is not None:
        raise CannotTell(
            f"{address} is not the address of one host, so no reply could prove anything.",
            "Name one host or its own address.",
        )
    scope = 0
    zone = getattr(parsed, "scope_id", None)
    if zone is not None:
        try:
            scope = int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
        except OSError:
            raise CannotTell(
                f"This machine has no interface {zone!r}, which {address} belongs to.",
                "Write the zone as this machine names the interface.",
            ) from None
    family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
    canonical = socket.inet_ntop(family, parsed.packed)
    return Series(
        address=canonical, scope=scope, count=count, interval=interval, timeout=timeout, size=size, ttl=ttl,
        dont_fragment=dont_fragment,
    )  # fmt: skip


def _methods(pace: Pace) -> list[tuple[str, Callable[[int], Transport]]]:
    if sys.platform == "win32":
        from checks.wire.icmp_windows import WindowsEcho

        return [("windows", lambda version: WindowsEcho(version, pace)), ("command", _ping_command)]
    from checks.wire.icmp_socket import EchoSocket

    return [
        ("dgram", lambda version: EchoSocket(version, "dgram", pace)),
        ("raw", lambda version: EchoSocket(version, "raw", pace)),
        ("command", _ping_command),
    ]


def _ping_command(version: int) -> Transport:
    from checks.wire.icmp_command import PingCommand

    return PingCommand(version)
