"""Linux: routes from /proc, resolvers from resolv.conf and whatever stands behind its stub, radios from /sys.

Sources: proc(5) `/proc/net/route`; Linux `net/ipv6/route.c` (columns of ipv6_route); resolv.conf(5);
systemd-resolved(8) (files below /run/systemd/resolve); `include/uapi/linux/if_arp.h` (hardware types).
"""

from __future__ import annotations

import ipaddress
import platform
import re
import socket
import struct
from pathlib import Path

from checks.local import leases
from checks.local.command import output
from checks.local.facts import Found, GatewayFact, LeaseFact, ResolverFact
from checks.local.proxy import from_environment

_UP, _GATEWAY, _REJECT = 0x1, 0x2, 0x200
_STUBS = frozenset({"127.0.0.53", "127.0.0.54", "127.0.0.1", "127.0.1.1", "::1"})
_BEHIND = (
    ("run/systemd/resolve/resolv.conf", "systemd-resolved"),
    ("run/NetworkManager/no-stub-resolv.conf", "NetworkManager"),
    ("run/NetworkManager/resolv.conf", "NetworkManager"),
)
_TUNNEL_TYPES = frozenset({512, 768, 769, 776, 778, 65534})
_TUNNEL_NAMES = re.compile(
    r"(tun|wg|ppp|ipsec|vti|xfrm|tailscale|zt|nordlynx|proton|gpd|cscotun|vpn|ts|wt|utun)\d*([a-z0-9]{8})?\Z"
)
_NOT_TUNNELS = frozenset({"lo"})
_MAX = 262_144


async def read(root: Path = Path("/")) -> Found:
    """Return what this Linux system's files say; `root` is for tests with recorded files."""
    tables = root / "proc/net"
    names = _interface_names(tables / "dev")
    resolvers, search = await _resolvers(root)
    return Found(
        os=_os_name(root),
        gateways=(*gateways_v4(_text(tables / "route")), *gateways_v6(_text(tables / "ipv6_route"))),
        resolvers=resolvers,
        search=search,
        wireless=frozenset(name for name in names if _is_wireless(root, name)),
        tunnels=frozenset(name for name in names if _is_tunnel(root, name)),
        proxy=from_environment(),
        dhcp=await _leases(root, names),
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX).decode("utf-8", "replace")
    except OSError:
        return ""


def _os_name(root: Path) -> str:
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', _text(root / "etc/os-release"), re.MULTILINE))
    kernel = ".".join(platform.release().split(".")[:2])
    pretty = release.get("PRETTY_NAME", "")
    return f"Linux {kernel} ({pretty})" if pretty else f"Linux {kernel}"


def gateways_v4(table: str) -> tuple[GatewayFact, ...]:
    """Read the default routes of `/proc/net/route`: little-endian hexadecimal, one route a line."""
    found = []
    for line in table.splitlines()[1:]:
        cells = line.split()
        if len(cells) < 8 or cells[1] != "00000000" or cells[7] != "00000000":
            continue
        flags = int(cells[3], 16)
        if flags & _UP and flags & _GATEWAY and not flags & _REJECT:
            address = socket.inet_ntoa(struct.pack("=I", int(cells[2], 16)))
            found.append(
                GatewayFact(address=address, interface=cells[0], family="ipv4", metric=int(cells[6]))
            )
    return tuple(found)


def gateways_v6(table: str) -> tuple[GatewayFact, ...]:
    """Read the default routes of `/proc/net/ipv6_route`; a link-local gateway keeps no zone here."""
    found = []
    for line in table.splitlines():
        cells = line.split()
        if len(cells) < 10 or cells[1] != "00" or set(cells[0]) != {"0"}:
            continue
        flags = int(cells[8], 16)
        if flags & _UP and flags & _GATEWAY and not flags & _REJECT and cells[9] != "lo":
            address = str(ipaddress.IPv6Address(bytes.fromhex(cells[4])))
            metric = int(cells[5], 16)
            found.append(GatewayFact(address=address, interface=cells[9], family="ipv6", metric=metric))
    return tuple(found)


def servers_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the name servers and the search list of a resolv.conf; unreadable lines are left out."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                servers.append(str(ipaddress.ip_address(words[1])))
            except ValueError:
                continue
        elif len(words) >= 2 and words[0] in ("search", "domain"):
            search = tuple(word.rstrip(".") or "." for word in words[1:])
    return tuple(dict.fromkeys(servers)), search


def per_link(text: str) -> tuple[ResolverFact, ...]:
    """Read `resolvectl dns`: `Link 2 (eth0): 192.0.2.1 192.0.2.2#name` and `Global: ...`."""
    found = []
    for line in text.splitlines():
        match = re.match(r"(?:Link \d+ \(([^)]+)\)|Global):(.*)", line.strip())
        if match is None:
            continue
        for word in match.group(2).split():
            try:
                address = str(ipaddress.ip_address(word.partition("#")[0].partition("%")[0]))
            except ValueError:
                continue
            found.append(ResolverFact(address=address, interface=match.group(1), source="systemd-resolved"))
    return tuple(dict.fromkeys(found))


async def _resolvers(root: Path) -> tuple[tuple[ResolverFact, ...], tuple[str, ...]]:
    servers, search = servers_of(_text(root / "etc/resolv.conf"))
    if servers and set(servers) <= _STUBS:
        if root == Path("/") and set(servers) <= {"127.0.0.53", "127.0.0.54"}:
            found = per_link(await output("resolvectl", "dns", timeout=1.0) or "")
            if found:
                return found, search
        for place, source in _BEHIND:
            behind, more = servers_of(_text(root / place))
            real = tuple(server for server in behind if server not in _STUBS)
            if real:
                facts = tuple(ResolverFact(address=server, source=source) for server in real)
                return facts, search or more
    return tuple(ResolverFact(address=server, source="/etc/resolv.conf") for server in servers), search


def _interface_names(dev: Path) -> tuple[str, ...]:
    return tuple(line.partition(":")[0].strip() for line in _text(dev).splitlines()[2:] if ":" in line)


def _is_wireless(root: Path, name: str) -> bool:
    device = root / "sys/class/net" / name
    if (device / "phy80211").exists() or (device / "wireless").exists():
        return True
    return any(line.strip().startswith(f"{name}:") for line in _text(root / "proc/net/wireless").splitlines())


def _is_tunnel(root: Path, name: str) -> bool:
    if name in _NOT_TUNNELS:
        return False
    kind = _text(root / "sys/class/net" / name / "type").strip()
    if kind.isdigit() and int(kind) in _TUNNEL_TYPES:
        return True
    return _TUNNEL_NAMES.match(name) is not None


async def _leases(root: Path, names: tuple[str, ...]) -> tuple[LeaseFact, ...]:
    numbers = {name: _text(root / "sys/class/net" / name / "ifindex").strip() for name in names}
    indexes = {int(number): name for name, number in numbers.items() if number.isdecimal()}
    found = {item.interface: item for item in leases.read_linux(root, indexes)}
    if root == Path("/") and (root / "run/NetworkManager").exists():
        said = await output("nmcli", "-t", "-f", "GENERAL.DEVICE,DHCP4", "device", "show", timeout=1.5)
        found |= {item.interface: item for item in leases.nmcli(said or "")}
    return tuple(found.values())
