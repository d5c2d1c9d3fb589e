"""The link checks against real neighbours: namespaces on one switch, healthy and broken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from checks.contract import Status
from tests.checks.link.inside import run
from tests.lab import Lab, Namespace, need
from tests.lab.namespaces import bridge, plug

pytestmark = pytest.mark.lab


class Segment(NamedTuple):
    lab: Lab
    switch: Namespace
    laptop: Namespace
    router: Namespace


@pytest.fixture
def segment() -> Iterator[Segment]:
    need("ip", "setpriv")
    with Lab() as lab:
        switch, laptop, router = (lab.namespace(role) for role in ("switch", "laptop", "router"))
        bridge(switch, "br0")
        plug(laptop, "eth0", switch, "br0")
        plug(router, "eth0", switch, "br0")
        laptop.sysctl("net.ipv4.ping_group_range", "0 2147483647")
        router.ip("addr add 198.51.100.1/24 dev eth0", "addr add 2001:db8:5::1/64 dev eth0 nodad")
        laptop.ip(
            "addr add 198.51.100.20/24 dev eth0",
            "addr add 2001:db8:5::20/64 dev eth0 nodad",
            "route add default via 198.51.100.1",
            "route add default via 2001:db8:5::1",
        )
        yield Segment(lab, switch, laptop, router)


def newcomer(segment: Segment, address: str, role: str = "other") -> Namespace:
    other = segment.lab.namespace(role)
    plug(other, "eth0", segment.switch, "br0")
    other.ip(f"addr add {address}/24 dev eth0")
    return other


def mute_icmp(host: Namespace) -> None:
    need("nft")
    host.nft(
        "table inet quiet { chain in { type filter hook input priority 0; meta l4proto icmp drop; "
        "meta l4proto udp drop; meta l4proto tcp drop; }; }"
    )


def test_the_gateway_answers_arp_and_echo(segment: Segment) -> None:
    told = run(segment.laptop, "link.gateway", expect="198.51.100.1")
    assert told.status is Status.PASS, told
    assert told.seen.layer2.answered is True
    assert len(told.seen.layer2.macs) == 1
    assert told.seen.layer2.how == "ARP request"
    assert told.seen.ping.received == 3


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_without_rights_the_neighbour_table_is_the_evidence(segment: Segment, family: str) -> None:
    told = run(segment.laptop, "link.gateway", rights=False, family=family)
    assert told.status is Status.PASS, told
    assert "neighbour table" in told.seen.layer2.how
    assert told.seen.layer2.answered is True


@pytest.mark.parametrize("rights", [True, False])
def test_a_gateway_that_ignores_echoes_is_alive(segment: Segment, rights: bool) -> None:
    mute_icmp(segment.router)
    told = run(segment.laptop, "link.gateway", rights=rights)
    assert told.status is Status.PASS, told
    assert told.seen.ping.received == 0
    assert "ignores echoes" in told.findings[0].message
    assert run(segment.laptop, "link.gateway", icmp="required").status is Status.FAIL


@pytest.mark.parametrize("rights", [True, False])
def test_a_gateway_that_is_off_fails(segment: Segment, rights: bool) -> None:
    segment.router.ip("link set eth0 down")
    told = run(segment.laptop, "link.gateway", rights=rights)
    assert told.status is Status.FAIL, told


def test_an_old_or_a_nailed_entry_proves_nothing(segment: Segment) -> None:
    segment.router.ip("link set eth0 down")
    segment.laptop.ip("neigh replace 198.51.100.1 lladdr 02:00:00:00:00:99 dev eth0 nud permanent")
    told = run(segment.laptop, "link.gateway", rights=False)
    assert told.status is Status.INCONCLUSIVE, told
    assert run(segment.laptop, "link.gateway").status is Status.FAIL


def test_a_stale_entry_of_a_dead_gateway_fails(segment: Segment) -> None:
    segment.router.ip("link set eth0 down")
    segment.laptop.ip("neigh replace 198.51.100.1 lladdr 02:00:00:00:00:99 dev eth0 nud stale")
    told = run(segment.laptop, "link.gateway", rights=False)
    assert told.status is Status.FAIL, told


def test_two_devices_with_the_gateways_address_fail(segment: Segment) -> None:
    newcomer(segment, "198.51.100.1")
    told = run(segment.laptop, "link.gateway")
    assert told.status is Status.FAIL, told
    assert len(told.seen.layer2.macs) == 2


def test_the_ipv6_gateway_answers_a_solicitation(segment: Segment) -> None:
    told = run(segment.laptop, "link.gateway", expect="2001:db8:5::1")
    assert told.status is Status.PASS, told
    assert told.seen.layer2.how == "neighbour solicitation"
    mac = segment.router.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    assert told.seen.layer2.macs == (mac,)


@pytest.mark.parametrize("rights", [True, False])
def test_an_ipv6_gateway_that_is_off_fails(segment: Segment, rights: bool) -> None:
    segment.router.ip("link set eth0 down")
    told = run(segment.laptop, "link.gateway", rights=rights, family="ipv6")
    assert told.status is Status.FAIL, told


def test_two_devices_with_the_ipv6_gateways_address_fail(segment: Segment) -> None:
    other = segment.lab.namespace("other")
    plug(other, "eth0", segment.switch, "br0")
    other.ip("addr add 2001:db8:5::1/64 dev eth0 nodad")
    told = run(segment.laptop, "link.gateway", family="ipv6")
    assert told.status is Status.FAIL, told
    assert len(told.seen.layer2.macs) == 2


def test_no_default_route_fails(segment: Segment) -> None:
    segment.laptop.ip("route del default")
    told = run(segment.laptop, "link.gateway")
    assert told.status is Status.FAIL
    assert "no default gateway" in told.findings[0].message


def test_the_wrong_subnet_is_found(segment: Segment) -> None:
    right = run(segment.laptop, "link.interface", network="198.51.100.0/24", medium="wired")
    assert right.status is Status.PASS, right
    wrong = run(segment.laptop, "link.interface", network="203.0.113.0/24")
    assert wrong.status is Status.FAIL
    assert "VLAN" in wrong.findings[0].fix


def test_an_interface_that_keeps_its_speed_back_is_inconclusive(segment: Segment) -> None:
    segment.laptop.ip("link add quiet0 type ifb", "link set quiet0 up")
    told = run(segment.laptop, "link.interface", interface="quiet0", min_speed_mbps=100, duplex="full")
    assert told.status is Status.INCONCLUSIVE, told
    assert {f.status for f in told.findings} == {Status.INCONCLUSIVE}


def test_errors_are_watched(segment: Segment) -> None:
    told = run(segment.laptop, "link.interface", max_new_errors=0, window=0.2)
    assert told.status is Status.PASS, told
    assert told.seen.new_errors == 0


def test_no_link_at_all(segment: Segment) -> None:
    segment.switch.ip("link set p-laptop down")
    assert run(segment.laptop, "link.interface", interface="eth0", up=True).status is Status.FAIL


def test_a_duplicate_of_our_address_fails_and_is_named(segment: Segment) -> None:
    assert run(segment.laptop, "link.duplicate_ip").status is Status.PASS
    other = newcomer(segment, "198.51.100.20")
    told = run(segment.laptop, "link.duplicate_ip")
    assert told.status is Status.FAIL, told
    mac = other.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    assert mac in told.findings[0].message
    assert told.seen.own_mac in told.findings[0].message


def test_a_planned_address_must_be_free(segment: Segment) -> None:
    free = run(segment.laptop, "link.duplicate_ip", addresses=["198.51.100.77"], must_be="free")
    assert free.status is Status.PASS, free
    newcomer(segment, "198.51.100.77")
    taken = run(segment.laptop, "link.duplicate_ip", addresses=["198.51.100.77"], must_be="free")
    assert taken.status is Status.FAIL, taken
    once = run(segment.laptop, "link.duplicate_ip", addresses=["198.51.100.77"])
    assert once.status is Status.PASS, once
    newcomer(segment, "198.51.100.77", "third")
    twice = run(segment.laptop, "link.duplicate_ip", addresses=["198.51.100.77"])
    assert twice.status is Status.FAIL, twice


def test_silence_on_a_dead_segment_proves_nothing(segment: Segment) -> None:
    segment.router.ip("link set eth0 down")
    told = run(segment.laptop, "link.duplicate_ip")
    assert told.status is Status.INCONCLUSIVE, told


def test_without_rights_nobody_is_asked(segment: Segment) -> None:
    told = run(segment.laptop, "link.duplicate_ip", rights=False)
    assert told.status is Status.INCONCLUSIVE
    assert "raw" in told.reason


def test_an_address_behind_a_router_cannot_be_asked_for(segment: Segment) -> None:
    told = run(segment.laptop, "link.duplicate_ip", addresses=["203.0.113.7"])
    assert told.status is Status.INCONCLUSIVE
    assert "203.0.113.7" in told.reason


def test_our_second_card_on_the_same_wire_is_no_duplicate(segment: Segment) -> None:
    plug(segment.laptop, "eth1", segment.switch, "br0", "p-laptop1")
    told = run(segment.laptop, "link.duplicate_ip")
    assert told.status is Status.PASS, told


def test_a_router_that_answers_for_everybody_is_inconclusive(segment: Segment) -> None:
    segment.router.ip("addr add 198.51.100.20/32 dev lo")
    told = run(segment.laptop, "link.duplicate_ip")
    assert told.status is Status.INCONCLUSIVE, told
    assert "proxy ARP" in told.findings[0].message


FLOOD = """
import os, socket, struct
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
body = struct.Struct("!HHBBH6s4s6s4s")
while True:
    mac = b"\\x02" + os.urandom(5)
    reply = body.pack(1, 0x0800, 6, 4, 2, mac, socket.inet_aton("198.51.100.20"), b"\\xff" * 6, b"\\0" * 4)
    try:
        wire.send(b"\\xff" * 6 + mac + b"\\x08\\x06" + reply)
    except OSError:
        pass
"""


def test_a_flood_of_answers_costs_neither_time_nor_room(segment: Segment) -> None:
    other = newcomer(segment, "198.51.100.30")
    other.popen(sys.executable, "-c", FLOOD)
    told = run(segment.laptop, "link.duplicate_ip")
    assert told.status is Status.FAIL, told.reason
    assert len(told.seen.addresses[0].macs) <= 256
    assert len(told.findings[0].message) < 400


def test_a_link_local_gateway_is_asked_on_its_own_interface(segment: Segment) -> None:
    shown = segment.router.run("ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link").stdout
    address = shown.split("inet6 ")[1].split("/")[0]
    segment.laptop.run("ip", "-6", "route", "replace", "default", "via", address, "dev", "eth0")
    for rights in (True, False):
        told = run(segment.laptop, "link.gateway", rights=rights, family="ipv6", expect=address)
        assert told.status is Status.PASS, told
        assert told.seen.layer2.answered is not False
        assert told.seen.ping.received == 3
