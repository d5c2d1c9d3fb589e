"""The walk over Windows' structures, built in memory; nothing is called."""

from __future__ import annotations

import asyncio
import ctypes
import struct
from typing import Any

import pytest

from checks.local import windows
from checks.local.windows import Adapter, AdapterAddresses


class Memory:
    """Keeps what pointers point at alive."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def keep(self, item: Any) -> int:
        self.kept.append(item)
        return ctypes.addressof(item)

    def address(self, text: str) -> windows._SocketAddress:
        raw = windows.sockaddr(text)
        length = 28 if ":" in text else 16
        where = self.keep(ctypes.create_string_buffer(raw, 28))
        return windows._SocketAddress(where, length)

    def chain(self, *addresses: str) -> int | None:
        following = None
        for text in reversed(addresses):
            following = self.keep(windows._Entry(32, 0, following, self.address(text)))
        return following


def test_adapters_are_walked_and_put_into_the_common_form() -> None:
    memory = Memory()
    vpn = AdapterAddresses(
        if_index=9, friendly_name="Büro-VPN", description="TAP-Windows Adapter V9", if_type=6, oper_status=1,
        first_dns=memory.chain("10.8.0.53"), first_gateway=memory.chain("10.8.0.1"), ipv4_metric=5,
    )  # fmt: skip
    radio = AdapterAddresses(
        next=memory.keep(vpn), if_index=7, ipv6_index=7, friendly_name="WLAN", description="Intel AX211",
        if_type=71, oper_status=1, dns_suffix="example.com", ipv4_metric=50, ipv6_metric=55,
        first_dns=memory.chain("192.0.2.53", "fec0:0:0:ffff::1"),
        first_gateway=memory.chain("192.0.2.1", "fe80::1"),
        dhcpv4_server=memory.address("192.0.2.2"),
    )  # fmt: skip
    present = tuple(windows.walk(memory.keep(radio)))
    assert present[0] == Adapter(
        name="WLAN", index=7, ipv6_index=7, description="Intel AX211", kind=71, up=True,
        suffix="example.com", dns=("192.0.2.53", "fec0:0:0:ffff::1"), gateways=("192.0.2.1", "fe80::1"),
        ipv4_metric=50, ipv6_metric=55, dhcp_server="192.0.2.2",
    )  # fmt: skip
    found = windows.found_of(present, ())
    assert [(g.address, g.interface, g.metric) for g in found.gateways] == [
        ("192.0.2.1", "WLAN", 50),
        ("fe80::1", "WLAN", 55),
        ("10.8.0.1", "Büro-VPN", 5),
    ]
    assert [item.address for item in found.resolvers] == ["10.8.0.53", "192.0.2.53"]
    assert (found.wireless, found.tunnels) == ({"WLAN"}, {"Büro-VPN"})
    assert found.search == ("example.com",)
    assert found.dhcp[0].server == "192.0.2.2"


@pytest.mark.parametrize(
    ("enabled", "server", "script", "expected"),
    [
        (0, "proxy:8080", None, ()),
        (1, "proxy:8080", None, ("all proxy:8080 (user settings)",)),
        (1, "http=a:1;https=b:2", None, ("http a:1 (user settings)", "https b:2 (user settings)")),
        (None, None, "http://u:p@pac.example/x", ("PAC from pac.example (user settings)",)),
        (1, 5, 6, ()),
    ],
)
def test_the_users_proxy(enabled: Any, server: Any, script: Any, expected: tuple[str, ...]) -> None:
    assert windows.user_proxies(enabled, server, script) == expected


def test_the_machines_proxy() -> None:
    named = struct.pack("<IIII", 0x28, 0, 3, 10) + b"proxy:8080" + struct.pack("<I", 0)
    assert windows.winhttp_proxies(named) == ("all proxy:8080 (WinHTTP)",)
    direct = struct.pack("<IIII", 0x28, 0, 1, 0) + struct.pack("<I", 0)
    assert windows.winhttp_proxies(direct) == ()
    for broken in (None, b"", b"\x18", b"\xff" * 40):
        assert isinstance(windows.winhttp_proxies(broken), tuple)


def test_socket_addresses_have_windows_family_numbers() -> None:
    assert windows.sockaddr("192.0.2.1")[:8] == b"\x02\x00\x00\x00\xc0\x00\x02\x01"
    assert windows.sockaddr("fe80::1%7")[:2] == b"\x17\x00"
    assert len(windows.sockaddr("fe80::1")) == 28


def test_elsewhere_there_is_nothing_to_read() -> None:
    assert windows.adapters() == ()
    assert windows.resolve_neighbour("192.0.2.1", "WLAN") is None
    assert asyncio.run(windows.read()).gateways == ()
