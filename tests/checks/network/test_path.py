"""network.path: the judge by tables, the observer on a line of hosts."""

from __future__ import annotations

import pytest

from checks.contract import Status
from checks.network.path import Hop, Path, PathSeen, describe, looping, summarise
from checks.wire.icmp_options import NO_ROUTE, NOT_PERMITTED
from checks.wire.icmp_packet import Echo
from checks.wire.names import Resolved
from tests.checks.wire.icmp_lab import CLOSED, R1, R2, SERVER, observe

PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.INCONCLUSIVE
TARGET = "192.0.2.9"


def hops(*who, reached=True):
    """Return hops by responder; an empty text is a silent hop, the last one is the target if `reached`."""
    last = len(who)
    return tuple(
        Hop(ttl=n, responders=(name,) if name else (), rtt_ms=1.0 if name else None,
            reached=reached and n == last)
        for n, name in enumerate(who, 1)
    )  # fmt: skip


def judge(way, *, names=None, own=False, hindrance=None, **params):
    names = names or Resolved(host=TARGET, addresses=(TARGET,))
    address = names.addresses[0] if names.addresses else None
    seen = PathSeen(names=names, address=address, hops=way, own=own, hindrance=hindrance)
    return [finding.status for finding in Path(target=TARGET, **params).judge(seen)]


GOOD = hops("10.0.0.1", "10.0.1.1", TARGET)
GAP = hops("10.0.0.1", "", TARGET)
DEAD = hops("10.0.0.1", "", "", reached=False)


@pytest.mark.parametrize(
    ("way", "params", "expected"),
    [
        (GOOD, {"through": ("10.0.1.1/32",)}, [PASS]),
        (GOOD, {"through": ("10.0.0.0/24", "10.0.1.0/24")}, [PASS, PASS]),
        (GOOD, {"through": ("10.0.2.1/32",)}, [FAIL]),
        (GAP, {"through": ("10.0.2.1/32",)}, [UNKNOWN]),
        (GAP, {"through": ("10.0.0.1/32",)}, [PASS]),
        (DEAD, {"through": ("10.0.2.1/32",)}, [UNKNOWN]),
        (GOOD, {"avoid": ("10.0.2.0/24",)}, [PASS]),
        (GOOD, {"avoid": ("10.0.1.0/24",)}, [FAIL]),
        (GAP, {"avoid": ("10.0.1.0/24",)}, [UNKNOWN]),
        (DEAD, {"avoid": ("10.0.1.0/24",)}, [UNKNOWN]),
        ((), {"avoid": ("10.0.1.0/24",)}, [UNKNOWN]),
        (GOOD, {"max_hops": 3}, [PASS]),
        (GOOD, {"max_hops": 2}, [FAIL]),
        (GAP, {"max_hops": 3}, [PASS]),
        (DEAD, {"max_hops": 30}, [FAIL]),
        (hops("a", "b", "a", "b", "a", reached=False), {"max_hops": 9}, [FAIL, FAIL]),
    ],
)
def test_judgement(way, params, expected):
    assert judge(way, **params) == expected


def test_what_was_not_tested_is_no_pass():
    assert judge(GOOD, own=True, max_hops=9) == [UNKNOWN]
    assert judge((), hindrance=NOT_PERMITTED, max_hops=9) == [UNKNOWN]
    assert judge((), hindrance=NO_ROUTE, max_hops=9) == [FAIL]
    silent = Resolved(host="x.example", addresses=(), error="?", temporary=True)
    assert judge((), names=silent, max_hops=9) == [UNKNOWN]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"through": ("10.0.0.1/32",), "avoid": ("2001:db8::/64",)},
        {"through": ("10.0.0.1/32",), "family": "ipv6"},
    ],
)
def test_what_asserts_nothing_or_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValueError):
        Path(target=TARGET, **wrong)


def test_words():
    assert describe(GAP) == f"10.0.0.1 > ? > {TARGET}"
    assert describe(DEAD) == "10.0.0.1 > ?"
    assert describe(()) == "nothing"
    assert looping(hops("a", "b", "a", "b", reached=False)) is None
    assert looping(hops("a", "a", "a", reached=False)) == "a"
    echo = {"sequence": 0, "sent_s": 0.0, "rtt_ms": None}
    refused = Echo(**echo, responder="10.0.0.1", error="host unreachable", error_ms=2.0)
    assert summarise(2, [refused]).refusal == "host unreachable"
    assert summarise(2, [Echo(**echo, responder=None, error=None)]) == Hop(ttl=2, responders=(), rtt_ms=None)


def run(hosts, method="dgram", **params):
    check = Path(**params)
    seen = observe(hosts, method, check)
    return seen, [finding.status for finding in check.judge(seen)]


@pytest.mark.lab
@pytest.mark.parametrize("method", ["dgram", "raw", "command"])
@pytest.mark.parametrize("version", [4, 6])
def test_the_line_is_seen_as_it_is(hosts, method, version):
    seen, statuses = run(
        hosts, method, target=SERVER[version], through=(f"{R1[version]}/{32 if version == 4 else 128}",),
        max_hops=3,
    )  # fmt: skip
    assert [hop.responders for hop in seen.hops] == [(R1[version],), (R2[version],), (SERVER[version],)]
    assert statuses == [PASS, PASS]


@pytest.mark.lab
def test_a_router_that_keeps_silent_makes_avoid_inconclusive(hosts):
    hosts.filter(hosts.r2, "output", "icmp type time-exceeded drop")
    seen, statuses = run(hosts, target=SERVER[4], avoid=("10.9.2.0/24",))
    assert [hop.responders for hop in seen.hops] == [(R1[4],), (), (SERVER[4],)]
    assert statuses == [UNKNOWN]


@pytest.mark.lab
def test_a_refusal_ends_the_way(hosts):
    hosts.close_off()
    seen, statuses = run(hosts, target=CLOSED[4], max_hops=5)
    assert seen.hops[-1].refusal == "network unreachable"
    assert len(seen.hops) == 2
    assert statuses == [FAIL]


@pytest.mark.lab
def test_two_routers_that_point_at_each_other_are_a_loop(hosts):
    hosts.r2.ip("route add 10.9.9.0/24 via 10.9.2.1")
    try:
        seen, statuses = run(hosts, target=CLOSED[4], max_hops=5)
    finally:
        hosts.r2.ip("route del 10.9.9.0/24")
    assert looping(seen.hops)
    assert statuses == [FAIL, FAIL]


@pytest.mark.lab
def test_our_own_firewall_is_inconclusive(hosts):
    hosts.filter(hosts.laptop, "output", "drop")
    _, statuses = run(hosts, target=SERVER[4], max_hops=5)
    assert statuses == [UNKNOWN]
