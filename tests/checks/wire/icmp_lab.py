"""A line of hosts for ICMP: laptop, two routers, a server; and a server that answers as a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from checks.contract import Check, Vantage
from checks.vantage import Shared
from checks.wire.icmp import Icmp
from checks.wire.icmp_command import PingCommand
from checks.wire.icmp_pace import Pace
from checks.wire.icmp_packet import checksum
from checks.wire.icmp_socket import EchoSocket
from tests.lab import Lab, Namespace, need
from tests.lab.namespaces import link

SERVER = {4: "10.9.3.2", 6: "fd09:3::2"}
R1 = {4: "10.9.1.1", 6: "fd09:1::1"}
R2 = {4: "10.9.2.2", 6: "fd09:2::2"}
CLOSED = {4: "10.9.9.9", 6: "fd09:9::9"}
"""An address that the first router says it cannot reach, once `close_off` was called."""


@dataclass
class Line:
    """laptop (l0) - (west) r1 (east) - (west) r2 (east) - (s0) server; all links carry 1500 bytes."""

    laptop: Namespace
    r1: Namespace
    r2: Namespace
    server: Namespace

    def reset(self) -> None:
        """Undo what a test did."""
        for host in (self.laptop, self.r1, self.r2, self.server):
            host.nft("flush ruleset")
            host.ip("route flush cache")
            host.run("ip", "-6", "route", "flush", "cache")
        self.r1.ip("link set east mtu 1500")
        self.r2.ip("link set west mtu 1500")
        self.laptop.ip("link set l0 mtu 1500")
        self.server.sysctl("net.ipv4.icmp_echo_ignore_all", 0)
        self.laptop.sysctl("net.ipv4.ping_group_range", "0 2147483647")

    def close_off(self) -> None:
        """Let the first router refuse CLOSED; a rule does so for every packet, a route only once a second."""
        self.r1.nft(
            "table inet closed {\nchain forward {\ntype filter hook forward priority 0;\n"
            f"ip daddr {CLOSED[4]} reject with icmp type net-unreachable\n"
            f"ip6 daddr {CLOSED[6]} reject with icmpv6 type no-route\n}}\n}}\n"
        )

    def narrow(self, mtu: int) -> None:
        """Make the link between the routers narrow."""
        self.r1.ip(f"link set east mtu {mtu}")
        self.r2.ip(f"link set west mtu {mtu}")

    def filter(self, host: Namespace, hook: str, rule: str, family: str = "ip") -> None:
        """Add an nftables rule to a host's `output` or `forward`."""
        chain = f"type filter hook {hook} priority 0;"
        host.nft(f"table {family} t {{\nchain {hook} {{\n{chain}\n{rule}\n}}\n}}\n")

    def ask(self, method: str, what: Callable[[Icmp], Awaitable[Any]]) -> Any:
        """Return what `what` gives on the laptop with a client of this method."""

        async def inside() -> Any:
            icmp = client(method)
            try:
                return await what(icmp)
            finally:
                await icmp.close()

        return self.laptop.call(lambda: asyncio.run(inside()))


def client(method: str) -> Icmp:
    """Return a client that uses this method and no other."""
    pace = Pace()
    if method == "command":
        return Icmp(method, {4: PingCommand(4), 6: PingCommand(6)}, {})
    kind: Any = method
    return Icmp(method, {4: EchoSocket(4, kind, pace), 6: EchoSocket(6, kind, pace)}, {})


def observe(hosts: Line, method: str, check: Check[Any], allowance: float | None = None) -> Any:
    """Return what `check` sees from the laptop with a client of this method; no name is looked up."""

    async def inside() -> Any:
        shared = Shared()
        icmp = client(method)
        await shared.once(("client", Icmp), lambda: asyncio.sleep(0, icmp))
        try:
            return await check.observe(Vantage(shared, "it", allowance or check.allowance()))
        finally:
            await icmp.close()

    return hosts.laptop.call(lambda: asyncio.run(inside()))


@contextlib.contextmanager
def line() -> Iterator[Line]:
    """Build the line and take it down."""
    need("ip", "nft", "ping")
    with Lab() as lab:
        hosts = Line(*(lab.namespace(name) for name in ("laptop", "r1", "r2", "server")))
        link(hosts.laptop, "l0", hosts.r1, "west")
        link(hosts.r1, "east", hosts.r2, "west")
        link(hosts.r2, "east", hosts.server, "s0")
        hosts.laptop.ip(*_address(1, 2, "l0"), *_default(1, 1))
        hosts.r1.ip(*_address(1, 1, "west"), *_address(2, 1, "east"))
        hosts.r1.ip("route add 10.9.3.0/24 via 10.9.2.2", "route add fd09:3::/64 via fd09:2::2")
        hosts.r1.ip("route add 10.9.9.0/24 via 10.9.2.2", "route add fd09:9::/64 via fd09:2::2")
        hosts.r2.ip(*_address(2, 2, "west"), *_address(3, 1, "east"), *_default(2, 1))
        hosts.server.ip(*_address(3, 2, "s0"), *_default(3, 1))
        for router in (hosts.r1, hosts.r2):
            router.sysctl("net.ipv4.ip_forward", 1)
            router.sysctl("net.ipv6.conf.all.forwarding", 1)
            for limit in ("ipv4.icmp_ratelimit", "ipv6.icmp.ratelimit"):
                router.sysctl(f"net.{limit}", 0)
        hosts.reset()
        yield hosts


def _address(net: int, host: int, device: str) -> tuple[str, str]:
    return (
        f"addr add 10.9.{net}.{host}/24 dev {device}",
        f"addr add fd09:{net}::{host}/64 dev {device} nodad",
    )


def _default(net: int, host: int) -> tuple[str, str]:
    return f"route add default via 10.9.{net}.{host}", f"route add default via fd09:{net}::{host}"


Answer = Callable[[bytes, int], Iterable[tuple[float, bytes]]]
"""From the ICMP message and its number: delays in seconds and the messages to send back."""


@contextlib.contextmanager
def odd_server(hosts: Line, answer: Answer) -> Iterator[None]:
    """Let the server answer IPv4 echo requests by `answer` instead of its kernel."""
    hosts.server.sysctl("net.ipv4.icmp_echo_ignore_all", 1)
    sock = hosts.server.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    sock.settimeout(0.05)
    over = threading.Event()
    timers: list[threading.Timer] = []

    def serve() -> None:
        number = 0
        while not over.is_set():
            try:
                packet, source = sock.recvfrom(65535)
            except TimeoutError:
                continue
            message = packet[(packet[0] & 15) * 4 :]
            if message[0] != 8:
                continue
            for delay, back in answer(message, number):
                if delay:
                    timers.append(threading.Timer(delay, sock.sendto, (back, source)))
                    timers[-1].start()
                else:
                    sock.sendto(back, source)
            number += 1

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for timer in timers:
            timer.cancel()
            timer.join()
        sock.close()
        hosts.server.sysctl("net.ipv4.icmp_echo_ignore_all", 0)


def reply_to(message: bytes, *, sequence: int = 0, ident: int = 0, payload: bytes | None = None) -> bytes:
    """Return the reply to an echo request, off by `sequence` and `ident`, with another payload if wanted."""
    own_ident, own_sequence = struct.unpack_from("!HH", message, 4)
    head = ((own_ident + ident) & 0xFFFF, (own_sequence + sequence) & 0xFFFF)
    data = message[8:] if payload is None else payload
    blank = struct.pack("!BBHHH", 0, 0, 0, *head) + data
    return struct.pack("!BBHHH", 0, 0, checksum(blank), *head) + data
