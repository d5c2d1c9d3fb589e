"""macOS: routes from netstat, resolvers and proxies from scutil, radios from networksetup.

Sources: netstat(1), scutil(8), networksetup(8), ipconfig(8). Tested with recorded output; never run on macOS.
"""

from __future__ import annotations

import asyncio
import ipaddress
import platform
import re
import socket

from checks.local import leases
from checks.local.command import output
from checks.local.facts import Family, Found, GatewayFact, ResolverFact
from checks.local.proxy import from_environment, without_password

_MOST_PACKETS = 4
TUNNEL_NAMES = re.compile(r"(utun|ppp|ipsec|tun|tap|wg)\d+\Z")


async def read() -> Found:
    """Return what this Mac's own tools say; each has three seconds."""
    routes, dns, proxies, ports = await asyncio.gather(
        output("netstat", "-rn"),
        output("scutil", "--dns"),
        output("scutil", "--proxy"),
        output("networksetup", "-listallhardwareports"),
    )
    found = gateways(routes or "")
    resolvers, search = resolvers_of(dns or "")
    first = next((item.interface for item in found if item.family == "ipv4"), None)
    asked = tuple(dict.fromkeys((*((first,) if first else ()), *_ethernet_names())))[:_MOST_PACKETS]
    packets = await asyncio.gather(*(output("ipconfig", "getpacket", name) for name in asked))
    tools = (("netstat", routes), ("scutil --dns", dns), ("scutil --proxy", proxies), ("networksetup", ports))
    names = {item.interface for item in found} | set(_interface_names())
    return Found(
        os=f"macOS {platform.mac_ver()[0]}",
        gateways=found,
        resolvers=resolvers,
        search=search,
        wireless=wireless(ports or ""),
        tunnels=frozenset(name for name in names if TUNNEL_NAMES.match(name)),
        proxy=(*from_environment(), *proxies_of(proxies or "")),
        dhcp=tuple(
            lease for name, text in zip(asked, packets, strict=True)
            if (lease := leases.macos(text or "", name)) is not None
        ),
        unread=tuple(
            f"'{name}' did not answer, so a part of this laptop's settings is not known; run it by hand."
            for name, text in tools if text is None
        ),
    )  # fmt: skip


def _interface_names() -> list[str]:
    import psutil

    return list(psutil.net_if_addrs())


def _ethernet_names() -> list[str]:
    """Return the interfaces that may have a lease: en0, en7 ... with an IPv4 address."""
    import psutil

    return [
        name for name, entries in psutil.net_if_addrs().items()
        if re.fullmatch(r"en\d+", name) and any(entry.family == socket.AF_INET for entry in entries)
    ]  # fmt: skip


def gateways(text: str) -> tuple[GatewayFact, ...]:
    """Read the default routes of `netstat -rn`; a route bound to one interface (flag I) comes second."""
    found: list[GatewayFact] = []
    family: Family = "ipv4"
    for line in text.splitlines():
        cells = line.split()
        if line.startswith("Internet"):
            family = "ipv6" if line.startswith("Internet6") else "ipv4"
        elif len(cells) >= 4 and cells[0] == "default" and "G" in cells[2]:
            try:
                address = ipaddress.ip_address(cells[1].partition("%")[0])
            except ValueError:
                continue
            if int(address) & ((1 << 64) - 1):
                metric = 1 if "I" in cells[2] else 0
                found.append(
                    GatewayFact(address=str(address), interface=cells[3], family=family, metric=metric)
                )
    return tuple(found)


def resolvers_of(text: str) -> tuple[tuple[ResolverFact, ...], tuple[str, ...]]:
    """Read `scutil --dns`: the resolvers that every name is asked of, and the search list."""
    found: list[ResolverFact] = []
    search: list[str] = []
    everybody = text.partition("DNS configuration (for scoped queries)")[0]
    for block in re.split(r"^resolver #\d+\s*$", everybody, flags=re.MULTILINE)[1:]:
        lines = dict(re.findall(r"^\s*([^:\n]+?)\s*:\s*(.+?)\s*$", block, re.MULTILINE))
        if "domain" in lines or "mdns" in lines.get("options", ""):
            continue
        interface = re.search(r"\((\S+)\)", lines.get("if_index", ""))
        for key, value in lines.items():
            if key.startswith("nameserver["):
                try:
                    address = str(ipaddress.ip_address(value.partition("%")[0]))
                except ValueError:
                    continue
                name = interface.group(1) if interface else None
                found.append(ResolverFact(address=address, interface=name, source="scutil --dns"))
            elif key.startswith("search domain["):
                search.append(value)
    return tuple(dict.fromkeys(found)), tuple(dict.fromkeys(search))


def proxies_of(text: str) -> tuple[str, ...]:
    """Read `scutil --proxy`: the proxies that are switched on."""
    values = dict(re.findall(r"^\s*(\w+) : (.+?)\s*$", text, re.MULTILINE))
    found = []
    for prefix, name in (("HTTP", "http"), ("HTTPS", "https"), ("SOCKS", "socks")):
        if values.get(f"{prefix}Enable") == "1" and values.get(f"{prefix}Proxy"):
            where = without_password(
                f"{values[f'{prefix}Proxy']}:{values.get(f'{prefix}Port', '')}".rstrip(":")
            )
            found.append(f"{name} {where} (system settings)")
    if values.get("ProxyAutoConfigEnable") == "1":
        found.append(f"PAC from {without_password(values.get('ProxyAutoConfigURLString', ''))}")
    if values.get("ProxyAutoDiscoveryEnable") == "1":
        found.append("automatic discovery (WPAD)")
    return tuple(found)


def wireless(text: str) -> frozenset[str]:
    """Read `networksetup -listallhardwareports`: devices whose port is called Wi-Fi or AirPort."""
    pairs = re.findall(r"^Hardware Port: (.+)\nDevice: (\S+)", text, re.MULTILINE)
    return frozenset(device for port, device in pairs if port in ("Wi-Fi", "AirPort"))
