"""What this machine's network is: interfaces, gateways, resolvers, VPN, proxy. Once per run, without root.

The facts common to all systems come from psutil; what psutil does not know comes from one reader per platform
(`checks.local.linux`, `macos`, `windows`) behind `Found`. Nothing here sends a packet.
"""

from __future__ import annotations

import asyncio
import getpass
import ipaddress
import platform
import socket
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from checks.dataclass import dataclass
from checks.vantage import Shared
from checks.wire.frames.dhcp_options import Option

Family = Literal["ipv4", "ipv6"]
Duplex = Literal["full", "half"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFact:
    """One address of an interface; an IPv6 zone (`%eth0`) is left out."""

    address: str
    prefix: int
    family: Family

    @property
    def network(self) -> str:
        """The network that the address lies in, in CIDR form."""
        return str(ipaddress.ip_network(f"{self.address}/{self.prefix}", strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceFact:
    """One network interface. What the system does not tell is None; counters count since it came up."""

    name: str
    up: bool
    """Switched on and with a carrier."""
    mac: str = ""
    mtu: int = 0
    speed_mbps: int | None = None
    duplex: Duplex | None = None
    wireless: bool = False
    tunnel: bool = False
    """A VPN or point-to-point interface."""
    loopback: bool = False
    addresses: tuple[AddressFact, ...] = ()
    errors_in: int | None = None
    errors_out: int | None = None
    drops_in: int | None = None
    drops_out: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFact:
    """One default route over a router; `source` is our address on its network, a lower `metric` wins."""

    address: str
    interface: str
    family: Family
    source: str | None = None
    metric: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverFact:
    """One DNS server that this system asks; behind a local stub, the server that the stub asks.

    `interface` is set where the server belongs to one link; `source` says where we read it.
    """

    address: str
    interface: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseFact:
    """A DHCP lease, as far as it can be read without root."""

    interface: str
    server: str = ""
    lease_s: float | None = None
    source: str = ""
    address: str = ""
    """The leased address; empty where it is not told."""
    options: tuple[Option, ...] = ()
    """What the lease keeps of the server's options: what its client asked for, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a platform's reader adds to psutil's facts."""

    os: str
    gateways: tuple[GatewayFact, ...] = ()
    resolvers: tuple[ResolverFact, ...] = ()
    search: tuple[str, ...] = ()
    wireless: frozenset[str] = frozenset()
    """Names of the wireless interfaces."""
    tunnels: frozenset[str] = frozenset()
    """Names of tunnel interfaces."""
    proxy: tuple[str, ...] = ()
    dhcp: tuple[LeaseFact, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalHost:
    """This machine, as far as an unprivileged program can know it."""

    hostname: str
    user: str
    os: str
    """For people: `Linux 6.1 (Debian GNU/Linux 12)`."""
    interfaces: tuple[InterfaceFact, ...] = ()
    gateways: tuple[GatewayFact, ...] = ()
    """Best first."""
    outgoing: tuple[str, ...] = ()
    """Our addresses that packets to the internet leave with, IPv4 first; policy routing is respected."""
    resolvers: tuple[ResolverFact, ...] = ()
    search: tuple[str, ...] = ()
    vpn: tuple[str, ...] = ()
    """Names of tunnel interfaces that are up and have an address."""
    tunnelled: bool = False
    """Packets to the internet leave by a tunnel."""
    proxy: tuple[str, ...] = ()
    """`http proxy.example.com:3128 (environment)`; never with a password."""
    dhcp: tuple[LeaseFact, ...] = ()
    unread: tuple[str, ...] = ()
    """Full sentences: what could not be read here, and why."""

    def interface(self, name: str) -> InterfaceFact | None:
        """Return the interface called `name`."""
        return next((item for item in self.interfaces if item.name == name), None)

    def owner(self, address: str) -> InterfaceFact | None:
        """Return the interface that has `address`."""
        return next((i for i in self.interfaces if any(a.address == address for a in i.addresses)), None)

    def gateway(self, family: Family = "ipv4", interface: str | None = None) -> GatewayFact | None:
        """Return the best default gateway of `family`, on `interface` if one is named."""
        fits = (g for g in self.gateways if g.family == family and interface in (None, g.interface))
        return next(fits, None)

    def main_interface(self) -> InterfaceFact | None:
        """Return the interface of the default route that is no tunnel; without one, the only one in use.

        Behind a full VPN this is still the card or radio that the cable or access point is tested with.
        """
        for address in self.outgoing:
            found = self.owner(address)
            if found is not None and not found.tunnel:
                return found
        for gateway in self.gateways:
            found = self.interface(gateway.interface)
            if found is not None and not found.tunnel:
                return found
        real = [i for i in self.interfaces if i.up and i.addresses and not i.loopback and not i.tunnel]
        return real[0] if len(real) == 1 else None

    def on_link(self, address: str) -> InterfaceFact | None:
        """Return the interface in whose network `address` lies, the most specific one."""
        wanted = ipaddress.ip_address(address.partition("%")[0])
        fits = [
            (a.prefix, i) for i in self.interfaces for a in i.addresses
            if i.up and wanted in ipaddress.ip_network(a.network)
        ]  # fmt: skip
        return max(fits, key=lambda pair: pair[0])[1] if fits else None


async def read_local(shared: Shared) -> LocalHost:
    """Return this machine's facts, read once per run."""
    return await shared.once(("local",), read_now)


async def read_now() -> LocalHost:
    """Read this machine's facts afresh; takes milliseconds on Linux, about a second elsewhere at most."""
    if sys.platform == "darwin":
        from checks.local import macos as reader
    elif sys.platform == "win32":
        from checks.local import windows as reader
    else:
        from checks.local import linux as reader
    found: Found = await reader.read()
    interfaces = await asyncio.to_thread(read_interfaces, found.wireless, found.tunnels)
    return assemble(found, interfaces, outgoing())


def assemble(found: Found, interfaces: tuple[InterfaceFact, ...], sources: tuple[str, ...]) -> LocalHost:
    """Put the reader's and psutil's facts together (pure but for host and user name)."""
    host = LocalHost(
        hostname=socket.gethostname(),
        user=_user(),
        os=found.os or f"{platform.system()} {platform.release()}",
        interfaces=interfaces,
        outgoing=sources,
        resolvers=found.resolvers,
        search=found.search,
        vpn=tuple(i.name for i in interfaces if i.tunnel and i.up and routable(i.addresses)),
        proxy=found.proxy,
        dhcp=found.dhcp,
        unread=found.unread,
    )
    owners = [host.owner(address) for address in sources]
    gateways = sorted(found.gateways, key=lambda g: (g.family, g.metric))
    return replace(
        host,
        gateways=tuple(_with_source(gateway, host) for gateway in gateways),
        tunnelled=any(owner is not None and owner.tunnel for owner in owners),
    )


def _with_source(gateway: GatewayFact, host: LocalHost) -> GatewayFact:
    interface = host.interface(gateway.interface)
    if gateway.source is not None or interface is None:
        return gateway
    wanted = ipaddress.ip_address(gateway.address.partition("%")[0])
    source = next((a.address for a in interface.addresses if wanted in ipaddress.ip_network(a.network)), None)
    return GatewayFact(
        address=gateway.address, interface=gateway.interface, family=gateway.family, source=source,
        metric=gateway.metric,
    )  # fmt: skip


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def routable(addresses: Iterable[AddressFact]) -> bool:
    """Return whether one of `addresses` is neither link-local, loopback nor unspecified."""
    parsed = (ipaddress.ip_address(item.address) for item in addresses)
    return any(not (a.is_link_local or a.is_loopback or a.is_unspecified) for a in parsed)


def outgoing() -> tuple[str, ...]:
    """Return the source addresses of packets to the internet.

    Connecting a UDP socket looks the route up and sends nothing; the targets are documentation addresses
    (RFC 5737, RFC 3849), which no router treats apart from the rest of the internet.
    """
    found = []
    for family, target in ((socket.AF_INET, "203.0.113.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                address = str(probe.getsockname()[0]).partition("%")[0]
        except OSError:
            continue
        if not ipaddress.ip_address(address).is_unspecified:
            found.append(address)
    return tuple(found)


def read_interfaces(wireless: frozenset[str], tunnels: frozenset[str]) -> tuple[InterfaceFact, ...]:
    """Return psutil's interfaces in its order, with the reader's knowledge of radios and tunnels."""
    import psutil

    stats, counters = psutil.net_if_stats(), psutil.net_io_counters(pernic=True, nowrap=False)
    found = []
    for name, entries in psutil.net_if_addrs().items():
        stat, count = stats.get(name), counters.get(name)
        duplex: Duplex | None = None
        if stat is not None and stat.duplex == psutil.NIC_DUPLEX_FULL:
            duplex = "full"
        elif stat is not None and stat.duplex == psutil.NIC_DUPLEX_HALF:
            duplex = "half"
        addresses = tuple(
            a for entry in entries if (a := _address(entry.address, entry.netmask, entry.family))
        )
        macs = [e.address for e in entries if e.family == psutil.AF_LINK]
        found.append(
            InterfaceFact(
                name=name,
                up=stat is not None and stat.isup,
                mac=macs[0].replace("-", ":").lower() if macs else "",
                mtu=stat.mtu if stat is not None else 0,
                speed_mbps=(stat.speed or None) if stat is not None else None,
                duplex=duplex,
                wireless=name in wireless,
                tunnel=name in tunnels,
                loopback=any(ipaddress.ip_address(a.address).is_loopback for a in addresses) or name == "lo",
                addresses=addresses,
                errors_in=count.errin if count is not None else None,
                errors_out=count.errout if count is not None else None,
                drops_in=count.dropin if count is not None else None,
                drops_out=count.dropout if count is not None else None,
            )
        )
    return tuple(found)


def _address(text: str, netmask: str | None, family: int) -> AddressFact | None:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    address = text.partition("%")[0]
    try:
        parsed = ipaddress.ip_address(address)
        prefix = _prefix(netmask) if netmask else parsed.max_prefixlen
    except ValueError:
        return None
    return AddressFact(address=str(parsed), prefix=prefix, family="ipv4" if parsed.version == 4 else "ipv6")


def _prefix(netmask: str) -> int:
    if netmask.isdigit():
        return int(netmask)
    return int(ipaddress.ip_address(netmask.partition("%")[0])).bit_count()
