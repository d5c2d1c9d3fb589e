"""network.mtu: the judge by tables, the observer across narrow links and black holes."""

from __future__ import annotations

import pytest

from checks.contract import Status
from checks.network._echo import NO_FAMILY
from checks.network.mtu import Mtu, MtuSeen, MtuTo, Tried, tries_for
from checks.wire.icmp_options import NO_ROUTE, NOT_PERMITTED
from checks.wire.names import Resolved
from tests.checks.wire.icmp_lab import R1, SERVER, observe

PASS, WARN, FAIL, UNKNOWN = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE
V4, V6 = "192.0.2.9", "2001:db8::9"


def to(*tries, address=V4, control=5, **more):
    return MtuTo(address=address, control=control, control_size=84, tries=tries, **more)


def judge(*targets, names=None, **params):
    names = names or Resolved(host=V4, addresses=tuple(target.address for target in targets))
    return list(Mtu(target=V4, **params).judge(MtuSeen(names=names, targets=targets)))


def good(size):
    return Tried(size=size, outcome="answered")


def bad(size, outcome="silent", **more):
    return Tried(size=size, outcome=outcome, **more)


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        (to(good(1500)), PASS, "1500 bytes get through"),
        (to(bad(1500, "too big", responder="10.0.0.1", told=1400), good(1400), bad(1401, "too big",
            responder="10.0.0.1")), FAIL, "10.0.0.1 says"),
        (to(bad(1500, "too big here", told=1400), good(1400)), FAIL, "This laptop itself"),
        (to(bad(1500), good(1400), bad(1401), fragmented=True), FAIL, "black hole"),
        (to(bad(1500), good(1400), bad(1401), fragmented=False), FAIL, "in pieces they vanish too"),
        (to(bad(1500), good(600), bad(601), fragmented=True), FAIL, "black hole"),
        (to(bad(1500), good(600), bad(601), fragmented=False), UNKNOWN, "hardly an MTU"),
        (to(bad(1500), fragmented=False), UNKNOWN, "hardly an MTU"),
        (to(control=0), UNKNOWN, "0 of 5"),
        (to(good(1500), control=2), UNKNOWN, "prove nothing"),
        (to(control=0, hindrance=NOT_PERMITTED), UNKNOWN, "firewall"),
        (to(control=0, hindrance=NO_ROUTE), FAIL, "no route"),
        (to(own=True, control=0), UNKNOWN, "laptop itself"),
        (to(), UNKNOWN, "in time"),
    ],
)  # fmt: skip
def test_judgement(target, status, words):
    (finding,) = judge(target)
    assert finding.status is status
    assert words in finding.message


def test_names_without_addresses_and_families_that_lack():
    assert judge(names=Resolved(host="x.example", addresses=(), error="?"))[0].status is FAIL
    lacking = to(address=V6, control=0, hindrance=NO_FAMILY)
    assert [finding.status for finding in judge(to(good(1500)), lacking)] == [PASS, WARN]
    assert judge(lacking, family="ipv6")[0].status is UNKNOWN
    hole = to(bad(1500), good(1400), bad(1401), address=V6, fragmented=False)
    assert [finding.status for finding in judge(to(good(1500)), hole)] == [PASS, FAIL]


def test_loss_makes_each_size_be_tried_more_often():
    assert [tries_for(answered) for answered in (5, 4, 3, 2, 1)] == [3, 5, 8, 14, 20]


def test_ipv6_below_its_minimum_is_refused():
    with pytest.raises(ValueError):
        Mtu(target=V6, family="ipv6", expect=1000)


def run(hosts, version, method="dgram", **params):
    check = Mtu(target=SERVER[version], **params)
    (target,) = (seen := observe(hosts, method, check)).targets
    (finding,) = check.judge(seen)
    return target, finding


def silence_errors(hosts):
    hosts.r1.nft(
        "table inet hole {\nchain output {\ntype filter hook output priority 0;\n"
        "icmp type destination-unreachable drop\nicmpv6 type packet-too-big drop\n}\n}\n"
    )
    hosts.r2.nft(
        "table inet hole {\nchain output {\ntype filter hook output priority 0;\n"
        "icmp type destination-unreachable drop\nicmpv6 type packet-too-big drop\n}\n}\n"
    )


BOTH = pytest.mark.parametrize("version", [4, 6])
SOCKETS = pytest.mark.parametrize("method", ["dgram", "raw"])


@pytest.mark.lab
@BOTH
@SOCKETS
def test_a_wide_way_passes(hosts, version, method):
    target, finding = run(hosts, version, method)
    assert finding.status is PASS, finding
    assert target.tries == (Tried(size=1500, outcome="answered"),)


@pytest.mark.lab
@BOTH
@SOCKETS
def test_a_narrow_link_is_found_to_the_byte_and_named(hosts, version, method):
    hosts.narrow(1400)
    target, finding = run(hosts, version, method)
    assert finding.status is FAIL
    assert finding.measure.value == 1400
    assert f"{R1[version]} says" in finding.message
    assert len(target.tries) == 3, "the router's word shortens the search"
    assert run(hosts, version, method, expect=1400)[1].status is PASS


@pytest.mark.lab
@BOTH
@SOCKETS
def test_a_black_hole_is_found_to_the_byte(hosts, version, method):
    hosts.narrow(1400)
    silence_errors(hosts)
    _, finding = run(hosts, version, method)
    assert finding.status is FAIL
    assert finding.measure.value == 1400
    assert "black hole" in finding.message


@pytest.mark.lab
def test_our_own_narrow_interface_is_named(hosts):
    hosts.laptop.ip("link set l0 mtu 1380")
    _, finding = run(hosts, 4)
    assert finding.status is FAIL
    assert "This laptop itself" in finding.message
    assert finding.measure.value == 1380


@pytest.mark.lab
def test_a_host_that_ignores_large_pings_is_inconclusive(hosts):
    hosts.filter(hosts.server, "input", "icmp type echo-request ip length > 600 drop")
    _, finding = run(hosts, 4)
    assert finding.status is UNKNOWN


@pytest.mark.lab
def test_without_an_answered_control_nothing_is_proven(hosts):
    hosts.filter(hosts.server, "input", "drop")
    _, finding = run(hosts, 4)
    assert finding.status is UNKNOWN
    assert "0 of 5" in finding.message


@pytest.mark.lab
def test_moderate_loss_is_not_taken_for_a_narrow_link(hosts):
    hosts.filter(hosts.server, "input", "icmp type echo-request numgen inc mod 4 == 0 drop")
    _, finding = run(hosts, 4)
    assert finding.status is PASS
