from __future__ import annotations

import asyncio

import pytest

from checks import jsonable
from checks.local.command import output
from checks.local.facts import (
    AddressFact,
    Found,
    GatewayFact,
    InterfaceFact,
    LocalHost,
    assemble,
    read_local,
    routable,
)
from checks.local.proxy import from_environment, without_password
from checks.vantage import Shared


def face(
    name: str, *addresses: str, up: bool = True, tunnel: bool = False, loopback: bool = False
) -> InterfaceFact:
    facts = tuple(
        AddressFact(
            address=text.partition("/")[0],
            prefix=int(text.partition("/")[2]),
            family="ipv6" if ":" in text else "ipv4",
        )
        for text in addresses
    )
    return InterfaceFact(
        name=name, up=up, tunnel=tunnel, loopback=loopback, addresses=facts, mac="02:00:00:00:00:01"
    )


LO = face("lo", "127.0.0.1/8", loopback=True)
ETH = face("eth0", "198.51.100.20/24", "fe80::1/64")
VPN = face("wg0", "10.8.0.2/24", tunnel=True)


def gateway(address: str, interface: str, metric: int = 0) -> GatewayFact:
    return GatewayFact(
        address=address, interface=interface, family="ipv6" if ":" in address else "ipv4", metric=metric
    )


def host(
    *faces: InterfaceFact, gateways: tuple[GatewayFact, ...] = (), out: tuple[str, ...] = ()
) -> LocalHost:
    return assemble(Found(os="Test", gateways=gateways), faces, out)


def test_gateways_are_best_first_and_know_our_address() -> None:
    found = host(
        LO, ETH, gateways=(gateway("198.51.100.9", "eth0", 600), gateway("198.51.100.1", "eth0", 100))
    )
    assert [g.address for g in found.gateways] == ["198.51.100.1", "198.51.100.9"]
    assert found.gateways[0].source == "198.51.100.20"


def test_a_gateway_outside_our_network_has_no_source() -> None:
    assert host(ETH, gateways=(gateway("203.0.113.1", "eth0"),)).gateways[0].source is None


def test_behind_a_full_vpn_the_card_is_still_the_main_interface() -> None:
    found = host(LO, VPN, ETH, gateways=(gateway("198.51.100.1", "eth0"),), out=("10.8.0.2",))
    assert found.tunnelled
    assert found.vpn == ("wg0",)
    assert found.main_interface() == ETH


def test_a_tunnel_without_an_address_is_no_vpn() -> None:
    assert host(face("utun0", "fe80::1/64", tunnel=True), ETH).vpn == ()


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ((LO,), None),
        ((LO, ETH), ETH),
        ((LO, ETH, face("eth1", "192.0.2.1/24")), None),
        ((LO, face("eth0", "198.51.100.20/24", up=False)), None),
        ((LO, VPN), None),
    ],
)
def test_without_a_route_only_a_single_interface_is_meant(
    faces: tuple[InterfaceFact, ...], expected: InterfaceFact | None
) -> None:
    assert host(*faces).main_interface() == expected


def test_on_link_takes_the_most_specific_network() -> None:
    narrow = face("eth1", "198.51.100.66/28")
    found = host(LO, ETH, narrow)
    assert found.on_link("198.51.100.70") == narrow
    assert found.on_link("198.51.100.200") == ETH
    assert found.on_link("203.0.113.5") is None


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [(("fe80::1/64",), False), (("169.254.3.4/16",), False), (("10.0.0.1/8",), True), ((), False)],
)
def test_routable(addresses: tuple[str, ...], expected: bool) -> None:
    assert routable(face("x", *addresses).addresses) is expected


def test_this_very_machine_can_be_read_and_kept() -> None:
    async def read() -> LocalHost:
        shared = Shared()
        first = await read_local(shared)
        assert await read_local(shared) is first
        return first

    found = asyncio.run(read())
    assert any(item.loopback for item in found.interfaces)
    assert jsonable.from_json(LocalHost, jsonable.to_json(found)) == found


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:secret@proxy.example.com:3128/x", "proxy.example.com:3128"),
        ("proxy.example.com:8080", "proxy.example.com:8080"),
        ("socks5://[2001:db8::1]:1080", "[2001:db8::1]:1080"),
        ("http://[broken", "a URL that cannot be read"),
        ("http://host:99999999", "a URL that cannot be read"),
        ("", "a URL that cannot be read"),
    ],
)
def test_a_proxy_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_proxies_of_the_environment() -> None:
    assert from_environment({"HTTPS_PROXY": "http://u:p@a:1", "no_proxy": "x", "http_proxy": ""}) == (
        "https a:1 (environment)",
    )


def test_a_tool_that_is_missing_fails_or_hangs_gives_none() -> None:
    assert asyncio.run(output("no-such-tool-here")) is None
    assert asyncio.run(output("false")) is None
    assert asyncio.run(output("sleep", "60", timeout=0.05)) is None
    assert asyncio.run(output("echo", "hello")) == "hello\n"
