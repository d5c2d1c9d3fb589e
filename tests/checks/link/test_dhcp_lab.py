"""link.dhcp against real servers and a real relay in namespaces, and against a stand-in that lies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from checks import jsonable
from checks.contract import Status
from checks.link._dhcp_seen import DhcpSeen
from checks.link.dhcp import Dhcp
from checks.local import leases
from checks.wire.frames.dhcp import decode
from checks.wire.frames.udp_frame import read_udp, untagged
from tests.checks.link.inside import Told, run
from tests.lab import Lab, need
from tests.lab.dhcp import (
    OPTIONS,
    PLAN,
    ROGUE,
    ROUTER,
    SERVER,
    Segment,
    Tap,
    dnsmasq,
    isc_dhcpd,
    isc_relay,
    liar,
    segment,
    udhcpd,
)
from tests.lab.namespaces import link

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("dhcp-lab")]
WINDOW = 3.0


@pytest.fixture
def office() -> Iterator[Segment]:
    need("ip", "setpriv", "dnsmasq")
    with Lab() as lab:
        yield segment(lab)


def ask(where: Segment, **changed: Any) -> Told:
    given = {**PLAN, "window": WINDOW, "interface": "eth0", **changed}
    return run(where.laptop, "link.dhcp", **{key: value for key, value in given.items() if value is not None})


def bad(told: Told) -> list[str]:
    return [finding.subject for finding in told.findings if finding.status is not Status.PASS]


def without(code: int) -> tuple[str, ...]:
    return tuple(option for option in OPTIONS if not option.startswith(f"{code},"))


def test_the_planned_server_passes_and_only_a_discover_leaves(office: Segment) -> None:
    dnsmasq(office.host("server", SERVER))
    tap = Tap(office.laptop, "eth0")
    try:
        told = ask(office)
        mac = told.seen.mac
        sent = [frame for frame in tap.frames() if frame[6:12].hex(":") == mac]
    finally:
        tap.close()
    assert told.status is Status.PASS, told
    assert told.seen.sent == 2
    spoken = [datagram for frame in sent if (datagram := read_udp(frame)) and datagram.target_port == 67]
    assert [decode(datagram.payload).kind for datagram in spoken] == ["DISCOVER", "DISCOVER"]
    assert {decode(datagram.payload).broadcast for datagram in spoken} == {True}
    rest = [frame for frame in sent if read_udp(frame) not in spoken]
    kinds = {bare.kind for frame in rest if (bare := untagged(frame)) is not None}
    assert kinds <= {0x0806, 0x86DD}, "more than ARP (and the system's own IPv6) left beside the DISCOVERs"
    for frame in rest:
        if frame[12:14] == b"\x08\x06":
            assert frame[20:22] == b"\0\1", "an ARP answer or claim of ours"
            assert frame[28:32] == b"\0\0\0\0", "an ARP question that carries an address of ours"


def test_the_same_address_is_offered_each_time(office: Segment) -> None:
    dnsmasq(office.host("server", SERVER))
    first, second = (ask(office, window=1.0) for _ in range(2))
    offered = {reply.message.yours for told in (first, second) for reply in told.seen.replies}
    assert len(offered) == 1, "the pool is drained"
    assert first.status is Status.INCONCLUSIVE, "one second proves no silence of others"


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("without-option-150", {"options": without(150)}, "option 150"),
    ("wrong-dns", {"options": (*without(6), "6,8.8.8.8")}, "option 6"),
    ("wrong-voice-scope", {"span": "10.88.0.50,10.88.0.99,255.255.255.0,1h"}, "address"),
    ("short-lease", {"span": "10.77.0.50,10.77.0.99,255.255.255.0,2m"}, "option 51"),
    ("old-pool", {"span": "10.77.0.200,10.77.0.220,255.255.255.0,1h"}, "pool"),
]


@pytest.mark.parametrize(("served", "about"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_wrong_scope_is_named(office: Segment, served: dict[str, Any], about: str) -> None:
    server = office.host("server", SERVER)
    server.ip("addr add 10.88.0.1/24 dev eth0")
    dnsmasq(server, **served)
    told = ask(office, servers=[SERVER, "10.88.0.1"])
    assert told.status is Status.FAIL, told
    assert any(about in subject for subject in bad(told)), told


def test_a_rogue_beside_the_planned_server_fails(office: Segment) -> None:
    dnsmasq(office.host("server", SERVER))
    dnsmasq(
        office.host("rogue", ROGUE, mac="00:0c:29:66:66:66"),
        span="10.77.0.200,10.77.0.220,255.255.255.0,10m", options=(f"3,{ROGUE}", f"6,{ROGUE}"),
    )  # fmt: skip
    told = ask(office)
    assert told.status is Status.FAIL
    assert bad(told) == [f"{ROGUE} at 00:0c:29:66:66:66"]
    (finding,) = (finding for finding in told.findings if finding.status is Status.FAIL)
    assert "VMware" in finding.observed
    assert f"router {ROGUE}, DNS {ROGUE}" in finding.observed


def test_a_slow_rogue_is_waited_for(office: Segment) -> None:
    """It looks by echo whether the address is free, which takes dnsmasq three seconds."""
    dnsmasq(office.host("server", SERVER))
    rogue = office.host("rogue", ROGUE)
    rogue.daemon(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--port=0",
        "--leasefile-ro", "--bind-interfaces", "--interface=eth0",
        "--dhcp-range=10.77.0.200,10.77.0.220,255.255.255.0,10m", ready=lambda: True,
    )  # fmt: skip
    told = ask(office, window=6.0)
    assert told.status is Status.FAIL, told
    slow = [reply for reply in told.seen.replies if reply.server == ROGUE]
    assert slow
    assert slow[0].after_ms > 1000


def test_udhcpd_is_another_kind_of_server(office: Segment) -> None:
    need("udhcpd")
    udhcpd(office.host("server", SERVER), office.lab.folder)
    told = ask(
        office, search=None, ntp=None, tftp=None, boot_file=None, tftp_servers=None, mtu=None, options=None
    )
    assert told.status is Status.PASS, told
    assert "10.77.0.10 TFTP server address (option 150)" in bad(ask(office))


SCOPE = """
option tftp150 code 150 = array of ip-address;
subnet 10.77.0.0 netmask 255.255.255.0 {{
  range 10.77.0.50 {last}; default-lease-time 7200; option routers 10.77.0.1; option tftp150 10.77.0.150;
  option domain-name-servers 10.77.0.53, 10.77.0.54; option domain-name "corp.example";
  option domain-search "corp.example", "lab.example"; {more}
}}
"""
LESS: dict[str, Any] = {"ntp": None, "tftp": None, "boot_file": None, "mtu": None, "options": None}


def test_isc_dhcpd_compresses_the_search_list(office: Segment) -> None:
    need("dhcpd")
    isc_dhcpd(office.host("server", SERVER), office.lab.folder, SCOPE.format(last="10.77.0.99", more=""))
    told = ask(office, **LESS)
    assert told.status is Status.PASS, told
    (reply,) = {reply.message.option(119) for reply in told.seen.replies}
    assert b"\xc0" in reply.raw


def test_an_exhausted_pool_is_silence_with_a_control(office: Segment) -> None:
    need("dhcpd")
    full = SCOPE.format(last="10.77.0.50", more="deny unknown-clients;")
    isc_dhcpd(office.host("server", SERVER), office.lab.folder, full)
    told = ask(office, **LESS)
    assert told.status is Status.FAIL, told
    (finding,) = told.findings
    assert "free addresses" in finding.fix
    assert f"{ROUTER} answers ARP" in finding.observed


def test_silence_where_nobody_is_proves_nothing() -> None:
    need("ip", "setpriv")
    with Lab() as lab:
        switch, laptop, router = (lab.namespace(role) for role in ("switch", "laptop", "router"))
        for host in (switch, laptop):
            host.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        link(laptop, "eth0", switch, "p1")
        told = ask(Segment(lab, switch, laptop, router))
        assert told.status is Status.INCONCLUSIVE, told
        assert told.seen.others == 0


def test_a_server_behind_a_relay() -> None:
    need("ip", "setpriv", "dhcpd", "dhcrelay")
    with Lab() as lab:
        office = segment(lab)
        far = lab.namespace("far")
        link(office.router, "up0", far, "eth0")
        office.router.ip("addr add 192.0.2.1/24 dev up0")
        office.router.sysctl("net.ipv4.ip_forward", 1)
        far.ip("addr add 192.0.2.10/24 dev eth0", "route add default via 192.0.2.1")
        scope = "subnet 192.0.2.0 netmask 255.255.255.0 { }\n" + SCOPE.format(last="10.77.0.99", more="")
        isc_dhcpd(far, lab.folder, scope)
        isc_relay(office.router, "192.0.2.10", "eth0", "up0")
        told = ask(office, servers=["192.0.2.10"], relay=ROUTER, **LESS)
        assert told.status is Status.PASS, told
        assert told.seen.replies[0].message.relay == ROUTER
        assert told.seen.replies[0].source == ROUTER
        wrong = ask(office, servers=["192.0.2.10"], relay="10.77.0.2", **LESS)
        assert bad(wrong) == ["192.0.2.10 relay"]


def test_an_offered_address_that_somebody_has_fails(office: Segment) -> None:
    server = office.host("server", SERVER)
    dnsmasq(
        server, span="10.77.0.60,10.77.0.60,255.255.255.0,1h", more=("--dhcp-host=*:*:*:*:*:*,10.77.0.60",)
    )
    office.host("squatter", "10.77.0.60", mac="00:0c:29:00:00:60")
    told = ask(office)
    assert told.status is Status.FAIL, told
    assert bad(told) == ["10.77.0.60 in use"]


def test_the_lease_of_a_real_client_reads_as_it_was_given(office: Segment) -> None:
    need("dhclient")
    dnsmasq(office.host("server", SERVER))
    kept = office.lab.folder / "dhclient.leases"
    office.laptop.run(
        "dhclient",
        "-4",
        "-1",
        "-sf",
        "/bin/true",
        "-lf",
        kept,
        "-pf",
        office.lab.folder / "dhclient.pid",
        "eth0",
    )
    (lease,) = leases.dhclient(kept.read_text())
    assert (lease.interface, lease.server, lease.lease_s) == ("eth0", SERVER, 3600.0)
    given = {item.code: item.values for item in lease.options}
    assert given[6] == ("10.77.0.53", "10.77.0.54")
    assert given[66] == ("tftp.corp.example",)
    assert given[119] == ("corp.example.", "lab.example.")
    check = jsonable.from_json(Dhcp, PLAN)
    seen = DhcpSeen(interface="eth0", mac="52:54:00:00:00:05", lease=lease, hindrance="No right.")
    findings = list(check.judge(seen))
    assert {finding.status for finding in findings} == {Status.PASS, Status.INCONCLUSIVE}
    untold = {finding.subject for finding in findings if finding.status is Status.INCONCLUSIVE}
    assert untold == {
        "10.77.0.10 TFTP server address (option 150)",
        "10.77.0.10 vendor specific (option 43)",
        "DHCP",
    }


# --- what lies


BARE: dict[str, Any] = {
    "servers": [SERVER], "network": "10.77.0.0/24", "pool": None, "router": [ROUTER], "dns": ["10.77.0.53"],
    "domain": None, "search": None, "ntp": None, "tftp": None, "boot_file": None, "tftp_servers": None,
    "mtu": None, "min_lease": None, "options": None,
}  # fmt: skip
LIAR = "00:1b:21:00:00:01"
"""The hardware address from which the stand-in answers, and ARP with it."""
GOOD = {"options": {"o3": "0a4d0001", "o6": "0a4d0035"}}


def test_the_stand_in_can_be_healthy(office: Segment) -> None:
    liar(office.host("server", SERVER, LIAR), GOOD)
    assert ask(office, **BARE).status is Status.PASS


LIES: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("wrong-transaction", [{**GOOD, "xid": 1}], "fail", "No planned DHCP server"),
    ("another-client", [{**GOOD, "client": "52:54:00:00:00:99"}], "fail", "No planned DHCP server"),
    ("garbage", [{"garbage": True}], "fail", "No planned DHCP server"),
    ("garbage-beside", [GOOD, {"garbage": True, "count": 50}], "warn", "no DHCP message"),
    ("refusal", [{**GOOD, "kind": 6}], "fail", "instead of an offer"),
    ("servers-name", [GOOD, {**GOOD, "mac": "00:0c:29:00:00:01"}], "fail", "2 devices answer"),
    ("no-identifier", [{"options": {**GOOD["options"], "o54": ""}}], "fail", "without saying which"),
    ("lies-about-length", [{"options": {**GOOD["options"], "o26": "05"}}], "fail", "malformed"),
]


@pytest.mark.parametrize(
    ("replies", "status", "words"), [row[1:] for row in LIES], ids=[row[0] for row in LIES]
)
def test_a_lie_is_seen(office: Segment, replies: list[dict[str, Any]], status: str, words: str) -> None:
    liar(office.host("server", SERVER, LIAR), *replies)
    told = ask(office, **BARE)
    assert told.status is Status(status), told
    assert any(words in finding.message for finding in told.findings), told


def test_a_unicast_offer_is_heard(office: Segment) -> None:
    mac = office.laptop.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    liar(office.host("server", SERVER, LIAR), {**GOOD, "to": mac})
    assert ask(office, **BARE).status is Status.PASS


@pytest.mark.parametrize("mac", ["00:0c:29:00:00:66", "many"], ids=["one-sender", "many-senders"])
def test_a_flood_of_offers_is_bounded_and_hides_nobody(office: Segment, mac: str) -> None:
    liar(office.host("server", SERVER, LIAR), GOOD)
    liar(office.host("flood"), {**GOOD, "server": ROGUE, "mac": mac, "count": 10_000})
    told = ask(office, **BARE)
    assert told.status is Status.FAIL, told
    assert len(told.seen.replies) <= 64
    assert len(told.findings) < 60
    assert any(ROGUE in subject for subject in bad(told))
    if mac != "many":
        assert any(reply.server == SERVER for reply in told.seen.replies), "the flood has hidden the server"


# --- tagged


def test_a_vlan_is_asked_and_answered_with_tags(office: Segment) -> None:
    office.router.ip("addr add 10.77.30.1/24 dev eth0")
    liar(office.host("server", SERVER, LIAR), {**GOOD, "vlan": 30})
    told = ask(office, **BARE, vlan=30)
    assert told.status is Status.PASS, told
    assert {reply.vlan for reply in told.seen.replies} == {30}
    untagged_ = ask(office, **BARE)
    assert untagged_.status is Status.FAIL
    assert f"{SERVER} VLAN" in bad(untagged_)


def test_a_port_that_does_not_carry_the_vlan_proves_nothing(office: Segment) -> None:
    """The untagged server, the router and everybody else are heard; of VLAN 30 nothing is."""
    dnsmasq(office.host("server", SERVER))
    told = ask(office, vlan=30)
    assert told.status is Status.INCONCLUSIVE, told
    (finding,) = told.findings
    assert "trunk port" in finding.fix


def test_without_rights_another_vlan_cannot_be_told(office: Segment) -> None:
    told = run(office.laptop, "link.dhcp", rights=False, servers=[SERVER], vlan=30, interface="eth0")
    assert told.status is Status.INCONCLUSIVE
    assert "another VLAN" in told.reason


def test_a_cable_that_is_out_is_inconclusive(office: Segment) -> None:
    office.switch.ip("link set p-laptop down")
    told = ask(office)
    assert told.status is Status.INCONCLUSIVE
    assert "not connected" in told.reason


def test_who_answers_alone_in_the_servers_name_is_given_away_by_arp(office: Segment) -> None:
    liar(office.host("server", SERVER), GOOD)
    told = ask(office, **BARE)
    assert told.status is Status.INCONCLUSIVE, told
    assert any(finding.subject == f"{SERVER} card" for finding in told.findings)
