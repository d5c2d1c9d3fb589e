from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from checks.local import linux
from checks.local.facts import GatewayFact, ResolverFact

ROUTES = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    "eth0\t00000000\t0114140A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    "eth0\t0014140A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
    "tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000080\t0\t0\t0\n"
    "eth0\t00000000\t0214140A\t0202\t0\t0\t9\t00000000\t0\t0\t0\n"
)
NOWHERE = "0" * 32
ROUTER = "fe800000000000000000000000000001"
ROUTES6 = (
    f"{NOWHERE} 00 {NOWHERE} 00 {ROUTER} 00000400 00000001 00000000 00000003     eth0\n"
    f"{NOWHERE} 00 {NOWHERE} 00 {NOWHERE} ffffffff 00000001 00000000 00200200       lo\n"
    f"20010db8{'0' * 24} 40 {NOWHERE} 00 {NOWHERE} 00000100 00000001 00000000 00000001     eth0\n"
)
DEV = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop\n"
    "    lo:       0       0    0    0    0     0          0         0        0       0    0    0\n"
    "  eth0:       0       0    0    0    0     0          0         0        0       0    0    0\n"
    " wlan0:       0       0    0    0    0     0          0         0        0       0    0    0\n"
    "   wg0:       0       0    0    0    0     0          0         0        0       0    0    0\n"
)


def lay(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_default_routes_are_those_over_a_router_that_are_up() -> None:
    assert linux.gateways_v4(ROUTES) == (
        GatewayFact(address="192.168.0.1", interface="wlan0", family="ipv4", metric=600),
        GatewayFact(address="10.20.20.1", interface="eth0", family="ipv4", metric=100),
    )
    assert linux.gateways_v6(ROUTES6) == (
        GatewayFact(address="fe80::1", interface="eth0", family="ipv6", metric=1024),
    )


@pytest.mark.parametrize("text", ["", "\n", "Iface\nx y\n", "a 00 b\n" * 3])
def test_a_broken_table_gives_no_route(text: str) -> None:
    assert linux.gateways_v4(text) == ()
    assert linux.gateways_v6(text) == ()


def test_a_machine_with_everything(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "proc/net/route": ROUTES,
            "proc/net/ipv6_route": ROUTES6,
            "proc/net/dev": DEV,
            "etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
            "etc/resolv.conf": "nameserver 127.0.0.53\noptions edns0\nsearch example.com corp.example.com\n",
            "run/systemd/resolve/resolv.conf": "nameserver 10.20.20.53 # office\nnameserver nonsense\n",
            "sys/class/net/wlan0/phy80211/name": "phy0\n",
            "sys/class/net/wg0/type": "65534\n",
            "sys/class/net/eth0/type": "1\n",
            "var/lib/dhcp/dhclient.eth0.leases": (
                'lease {\n  interface "eth0";\n  option dhcp-lease-time 3600;\n'
                "  option dhcp-server-identifier 10.20.20.1;\n}\n"
            ),
        },
    )
    found = asyncio.run(linux.read(tmp_path))
    assert found.wireless == {"wlan0"}
    assert found.tunnels == {"wg0"}
    assert found.resolvers == (ResolverFact(address="10.20.20.53", source="systemd-resolved"),)
    assert found.search == ("example.com", "corp.example.com")
    assert "Debian GNU/Linux 12" in found.os
    assert (found.dhcp[0].server, found.dhcp[0].lease_s) == ("10.20.20.1", 3600.0)


def test_a_stub_with_nothing_known_behind_it_is_named_itself(tmp_path: Path) -> None:
    lay(tmp_path, {"etc/resolv.conf": "nameserver 127.0.0.1\n", "proc/net/dev": DEV})
    found = asyncio.run(linux.read(tmp_path))
    assert [item.address for item in found.resolvers] == ["127.0.0.1"]


def test_an_empty_machine(tmp_path: Path) -> None:
    found = asyncio.run(linux.read(tmp_path))
    assert (found.gateways, found.resolvers, found.wireless, found.tunnels) == (
        (),
        (),
        frozenset(),
        frozenset(),
    )


def test_servers_of_each_link() -> None:
    text = "Global:\nLink 2 (eth0): 10.20.20.53 2001:db8::53%2\n"
    text += "Link 3 (wlan0): 192.0.2.1#dns.example\nLink 4 (x):\n"
    assert linux.per_link(text) == (
        ResolverFact(address="10.20.20.53", interface="eth0", source="systemd-resolved"),
        ResolverFact(address="2001:db8::53", interface="eth0", source="systemd-resolved"),
        ResolverFact(address="192.0.2.1", interface="wlan0", source="systemd-resolved"),
    )


@pytest.mark.parametrize(
    ("name", "tunnel"),
    [("tun0", True), ("wg0", True), ("ppp0", True), ("tailscale0", True), ("eth0", False), ("docker0", False),
     ("virbr0", False), ("lo", False), ("veth12ab", False), ("vnet0", False)],
)  # fmt: skip
def test_tunnels_by_name(tmp_path: Path, name: str, tunnel: bool) -> None:
    lay(tmp_path, {"proc/net/dev": f"\n\n{name}: 0\n"})
    assert (name in asyncio.run(linux.read(tmp_path)).tunnels) is tunnel
