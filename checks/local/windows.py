"""Windows: adapters by GetAdaptersAddresses, proxies from the registry, neighbours by ResolveIpNetEntry2.

No command output is read, so the language of the system does not matter. Sources: Microsoft Learn,
GetAdaptersAddresses (iptypes.h), MIB_IPNET_ROW2 and ResolveIpNetEntry2 (netioapi.h). The walk over the
structures is tested in memory; the calls themselves were never made on Windows by us.
"""

from __future__ import annotations

import asyncio
import ctypes
import ipaddress
import platform
import re
import struct
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from checks.dataclass import dataclass
from checks.local import leases
from checks.local.facts import Found, GatewayFact, ResolverFact
from checks.local.proxy import from_environment, without_password

if TYPE_CHECKING:
    from checks.wire.neighbours import Neighbour

_AF_INET, _AF_INET6 = 2, 23
_FLAGS = 0x02 | 0x04 | 0x80
"""Skip anycast and multicast addresses; include gateways."""
_UP, _WIRELESS, _TUNNEL_TYPES = 1, 71, frozenset({23, 53, 131})
_TUNNEL_WORDS = re.compile(
    r"wireguard|wintun|tap-|openvpn|anyconnect|cisco secure client|pangp|globalprotect|fortinet|forti ?ssl|"
    r"juniper|pulse secure|check point|sonicwall|zscaler|tailscale|zerotier|nordlynx|netskope|vpn",
    re.IGNORECASE,
)
_NO_SUCH_NEIGHBOUR = 67
_INTERFACES = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces"
_SETTINGS = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"


class _SocketAddress(ctypes.Structure):
    _fields_ = (("where", ctypes.c_void_p), ("length", ctypes.c_int))


class _Entry(ctypes.Structure):
    """Head of IP_ADAPTER_DNS_SERVER_ADDRESS and IP_ADAPTER_GATEWAY_ADDRESS."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("next", ctypes.c_void_p),
        ("address", _SocketAddress),
    )


class AdapterAddresses(ctypes.Structure):
    """IP_ADAPTER_ADDRESSES_LH up to Dhcpv4Server."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("if_index", ctypes.c_uint32),
        ("next", ctypes.c_void_p),
        ("adapter_name", ctypes.c_char_p),
        ("first_unicast", ctypes.c_void_p),
        ("first_anycast", ctypes.c_void_p),
        ("first_multicast", ctypes.c_void_p),
        ("first_dns", ctypes.c_void_p),
        ("dns_suffix", ctypes.c_wchar_p),
        ("description", ctypes.c_wchar_p),
        ("friendly_name", ctypes.c_wchar_p),
        ("physical", ctypes.c_uint8 * 8),
        ("physical_length", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("mtu", ctypes.c_uint32),
        ("if_type", ctypes.c_uint32),
        ("oper_status", ctypes.c_int32),
        ("ipv6_index", ctypes.c_uint32),
        ("zones", ctypes.c_uint32 * 16),
        ("first_prefix", ctypes.c_void_p),
        ("transmit_speed", ctypes.c_uint64),
        ("receive_speed", ctypes.c_uint64),
        ("first_wins", ctypes.c_void_p),
        ("first_gateway", ctypes.c_void_p),
        ("ipv4_metric", ctypes.c_uint32),
        ("ipv6_metric", ctypes.c_uint32),
        ("luid", ctypes.c_uint64),
        ("dhcpv4_server", _SocketAddress),
    )


class _NeighbourRow(ctypes.Structure):
    """MIB_IPNET_ROW2."""

    _fields_ = (
        ("address", ctypes.c_uint8 * 28),
        ("if_index", ctypes.c_uint32),
        ("luid", ctypes.c_uint64),
        ("physical", ctypes.c_uint8 * 32),
        ("physical_length", ctypes.c_uint32),
        ("state", ctypes.c_int32),
        ("flags", ctypes.c_uint32),
        ("reachability", ctypes.c_uint32),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What GetAdaptersAddresses tells of one adapter."""

    name: str
    index: int
    ipv6_index: int
    description: str
    kind: int
    up: bool
    suffix: str
    dns: tuple[str, ...]
    gateways: tuple[str, ...]
    ipv4_metric: int
    ipv6_metric: int
    dhcp_server: str
    guid: str = ""
    """Its key below `Tcpip\\Parameters\\Interfaces` in the registry."""


async def read() -> Found:
    """Return what this Windows system says."""
    return await asyncio.to_thread(_read)


def _read() -> Found:
    return found_of(adapters(), (*from_environment(), *_registry_proxies()))


def found_of(present: tuple[Adapter, ...], proxy: tuple[str, ...]) -> Found:
    """Put the adapters into the common form (pure but for the system's own version)."""
    used = [adapter for adapter in present if adapter.up]
    resolvers = [
        ResolverFact(address=address, interface=adapter.name, source="GetAdaptersAddresses")
        for adapter in sorted(used, key=lambda item: item.ipv4_metric)
        for address in adapter.dns
        if not address.lower().startswith("fec0:0:0:ffff::")
    ]
    return Found(
        os=f"Windows {platform.release()} ({platform.version()})",
        gateways=tuple(
            GatewayFact(
                address=address, interface=adapter.name, family="ipv6" if ":" in address else "ipv4",
                metric=adapter.ipv6_metric if ":" in address else adapter.ipv4_metric,
            )
            for adapter in used for address in adapter.gateways
        ),
        resolvers=tuple(dict.fromkeys(resolvers)),
        search=tuple(dict.fromkeys(adapter.suffix for adapter in used if adapter.suffix)),
        wireless=frozenset(adapter.name for adapter in present if adapter.kind == _WIRELESS),
        tunnels=frozenset(
            adapter.name for adapter in present
            if adapter.kind in _TUNNEL_TYPES or _TUNNEL_WORDS.search(adapter.description)
        ),
        proxy=tuple(dict.fromkeys(proxy)),
        dhcp=tuple(
            leases.windows(_registry_lease(adapter.guid), adapter.name, adapter.dhcp_server)
            for adapter in used if adapter.dhcp_server
        ),
    )  # fmt: skip


def adapters() -> tuple[Adapter, ...]:
    """Ask Windows for its adapters; empty where the call fails."""
    if sys.platform != "win32":
        return ()
    ask = ctypes.windll.iphlpapi.GetAdaptersAddresses
    size = ctypes.c_uint32(32_768)
    for _ in range(4):
        buffer = ctypes.create_string_buffer(size.value)
        code = ask(0, _FLAGS, None, buffer, ctypes.byref(size))
        if code == 0:
            return tuple(walk(ctypes.addressof(buffer)))
        if code != 111:
            break
    return ()


def walk(where: int | None) -> Iterator[Adapter]:
    """Follow the linked list of IP_ADAPTER_ADDRESSES that begins at address `where`."""
    while where:
        item = AdapterAddresses.from_address(where)
        yield Adapter(
            name=item.friendly_name or "",
            index=item.if_index,
            ipv6_index=item.ipv6_index,
            description=item.description or "",
            kind=item.if_type,
            up=item.oper_status == _UP,
            suffix=item.dns_suffix or "",
            dns=tuple(_addresses(item.first_dns)),
            gateways=tuple(_addresses(item.first_gateway)),
            ipv4_metric=item.ipv4_metric,
            ipv6_metric=item.ipv6_metric,
            dhcp_server=_address(item.dhcpv4_server) or "",
            guid=(item.adapter_name or b"").decode("ascii", "replace"),
        )
        where = item.next


def _addresses(where: int | None) -> Iterator[str]:
    while where:
        entry = _Entry.from_address(where)
        address = _address(entry.address)
        if address is not None:
            yield address
        where = entry.next


def _address(socket_address: Any) -> str | None:
    if not socket_address.where or socket_address.length < 16:
        return None
    raw = ctypes.string_at(socket_address.where, min(socket_address.length, 28))
    family = struct.unpack_from("<H", raw)[0]
    if family == _AF_INET:
        return str(ipaddress.IPv4Address(raw[4:8]))
    if family == _AF_INET6 and len(raw) >= 24:
        return str(ipaddress.IPv6Address(raw[8:24]))
    return None


def resolve_neighbour(address: str, interface: str) -> Neighbour | None:
    """Let Windows forget the neighbour and ask for it anew; None if it cannot be asked, no MAC: no answer."""
    from checks.wire.neighbours import Neighbour

    if sys.platform != "win32":
        return None
    version = ipaddress.ip_address(address.partition("%")[0]).version
    adapter = next((item for item in adapters() if item.name == interface), None)
    if adapter is None:
        return None
    row = _NeighbourRow()
    row.if_index = adapter.index if version == 4 else adapter.ipv6_index
    row.address[:] = sockaddr(address)
    code = ctypes.windll.iphlpapi.ResolveIpNetEntry2(ctypes.byref(row), None)
    if code == _NO_SUCH_NEIGHBOUR:
        return Neighbour(address=address, state="failed")
    if code != 0:
        return None
    mac = bytes(row.physical[: min(row.physical_length, 32)]).hex(":")
    return Neighbour(address=address, mac=mac, state="reachable", age_s=0.0)


def sockaddr(address: str) -> bytes:
    """Return a SOCKADDR_INET of 28 bytes."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if parsed.version == 4:
        raw = struct.pack("<HH", _AF_INET, 0) + parsed.packed
    else:
        raw = struct.pack("<HHI", _AF_INET6, 0, 0) + parsed.packed
    return raw.ljust(28, b"\0")


def _registry_lease(guid: str) -> dict[str, Any]:
    """Return what the registry keeps of an adapter's lease; every account may read it."""
    if sys.platform != "win32" or not re.fullmatch(r"\{[0-9A-Fa-f-]{36}\}", guid):
        return {}
    import winreg

    found: dict[str, Any] = {}
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, f"{_INTERFACES}\\{guid}") as key:
            for name in ("DhcpIPAddress", "DhcpSubnetMask", "Lease", "DhcpInterfaceOptions"):
                try:
                    found[name] = winreg.QueryValueEx(key, name)[0]
                except OSError:
                    continue
    except OSError:
        return {}
    return found


def _registry_proxies() -> tuple[str, ...]:
    if sys.platform != "win32":
        return ()
    import winreg

    def value(root: int, path: str, name: str) -> Any:
        try:
            with winreg.OpenKey(root, path) as key:
                return winreg.QueryValueEx(key, name)[0]
        except OSError:
            return None

    user, machine = winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE
    return (
        *user_proxies(
            value(user, _SETTINGS, "ProxyEnable"),
            value(user, _SETTINGS, "ProxyServer"),
            value(user, _SETTINGS, "AutoConfigURL"),
        ),
        *winhttp_proxies(value(machine, rf"{_SETTINGS}\Connections", "WinHttpSettings")),
    )


def user_proxies(enabled: Any, server: Any, script: Any) -> tuple[str, ...]:
    """Read the user's Internet Settings: `host:port`, or `http=host:port;https=host:port`, and a script."""
    found = []
    if enabled == 1 and isinstance(server, str):
        for part in filter(None, server.split(";")):
            scheme, _, where = part.strip().rpartition("=")
            found.append(f"{scheme or 'all'} {without_password(where)} (user settings)")
    if isinstance(script, str) and script:
        found.append(f"PAC from {without_password(script)} (user settings)")
    return tuple(found)


def winhttp_proxies(settings: Any) -> tuple[str, ...]:
    """Read the value WinHttpSettings: at byte 8 the flags (2: named proxy), at 12 the length of its name."""
    if not isinstance(settings, bytes) or len(settings) < 16:
        return ()
    flags, length = struct.unpack_from("<II", settings, 8)
    name = settings[16 : 16 + min(length, 1000)].decode("ascii", "replace")
    if not flags & 2 or not name:
        return ()
    return tuple(
        f"{part.rpartition('=')[0] or 'all'} {without_password(part.rpartition('=')[2])} (WinHTTP)"
        for part in name.split(";") if part.strip()
    )  # fmt: skip


def reboot_reason() -> str | None:
    """Return which update waits for a restart, empty if none does, None where that cannot be read."""
    if sys.platform != "win32":
        return None
    import winreg

    base = r"SOFTWARE\Microsoft\Windows\CurrentVersion"
    marks = (
        (rf"{base}\Component Based Servicing\RebootPending", "component servicing"),
        (rf"{base}\WindowsUpdate\Auto Update\RebootRequired", "Windows Update"),
    )
    found = []
    for path, name in marks:
        try:
            winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path).Close()
        except FileNotFoundError:
            continue
        except OSError:
            return None
        found.append(name)
    return ", ".join(found)
