"""switch.ports: tables of what was seen, and what would make it say `pass` when it is not true."""

from __future__ import annotations

import pytest

from checks.contract import Status, worst
from checks.device.records import Vlan
from checks.device.vlans import VlansRead
from checks.switch._names import same_name
from checks.switch._plan import PlannedPort
from checks.switch.ports import Ports, PortsSeen
from tests.checks.switch.made import check_of, neighbour, port

P1 = port(1, "Gi1/0/1", alias="AP hall")
P2 = port(2, "Gi1/0/2", alias="AP roof")
DOWN = port(3, "Gi1/0/3", oper="down", speed_mbps=10, duplex="half")
M1, M2 = port(11, "Te1/1/1", lag=101), port(12, "Te1/1/2", lag=101)
PO = port(101, "Po1", if_type=161, physical=False, members=(11, 12), speed_mbps=2000, duplex="unknown")
VLANS = VlansRead(
    source="test",
    vlans=(
        Vlan(id=20, name="Office", untagged=(1, 2, 3), tagged=(101,)),
        Vlan(id=1, name="", untagged=(101,), tagged=()),
    ),
    pvid={"1": 20, "2": 20, "3": 20, "101": 1},
)  # fmt: skip
HEARD = (
    neighbour(11, "core-1.example.com", "Te1"),
    neighbour(12, "core-1(SERIAL1)", "Te2"),
    neighbour(1, "ap-1", "eth0"),
)


def judged(*ports, plan=(), neighbours=HEARD, vlans=VLANS, **more):
    check = check_of(Ports, ports=tuple(PlannedPort(**one) for one in plan), **more)
    return list(check.judge(PortsSeen(name="sw1", ports=ports, neighbours=neighbours, vlans=vlans)))


def status(*ports, **more):
    return worst(finding.status for finding in judged(*ports, **more))


ALL = (P1, P2, DOWN, M1, M2, PO)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, Status.PASS),
        ({"oper": "down"}, Status.FAIL),
        ({"oper": "down", "admin": "down"}, Status.FAIL),
        ({"oper": "not_present"}, Status.FAIL),
        ({"oper": "lower_layer_down"}, Status.FAIL),
        ({"oper": "dormant"}, Status.FAIL),
        ({"oper": "unknown"}, Status.INCONCLUSIVE),
        ({"oper": "testing"}, Status.INCONCLUSIVE),
        ({"speed_mbps": 100}, Status.FAIL),
        ({"speed_mbps": 10_000}, Status.FAIL),
        ({"speed_mbps": None}, Status.INCONCLUSIVE),
        ({"duplex": "half"}, Status.FAIL),
        ({"duplex": "unknown"}, Status.PASS),
    ],
    ids=str,
)
def test_a_planned_port(changes, wanted):
    plan = [{"port": "GigabitEthernet1/0/1", "speed": 1000}]
    assert status(port(1, "Gi1/0/1", **changes), P2, plan=plan) is wanted


@pytest.mark.parametrize(
    ("plan", "wanted"),
    [
        ({"port": "Gi1/0/9"}, Status.FAIL),
        ({"port": "Gi1/0/3"}, Status.FAIL),
        ({"port": "Gi1/0/3", "up": False}, Status.PASS),
        ({"port": "Gi1/0/1", "up": False}, Status.FAIL),
        ({"port": "Gi1/0/1", "min_speed": 1000}, Status.PASS),
        ({"port": "Gi1/0/1", "min_speed": 2500}, Status.FAIL),
        ({"port": "Gi1/0/1", "description": "ap HALL"}, Status.PASS),
        ({"port": "Gi1/0/1", "description": "Printer"}, Status.FAIL),
        ({"port": "Gi1/0/1", "duplex": "half"}, Status.FAIL),
        ({"port": "Gi1/0/1", "vlan": 20}, Status.PASS),
        ({"port": "Gi1/0/1", "vlan": 30}, Status.FAIL),
        ({"port": "Gi1/0/1", "neighbor": "ap-1"}, Status.PASS),
        ({"port": "Gi1/0/1", "neighbor": "ap-2"}, Status.FAIL),
        ({"port": "Gi1/0/2", "neighbor": "ap-1"}, Status.FAIL),
        ({"port": "Po1", "members": 2, "neighbor": "core-1"}, Status.PASS),
        ({"port": "Po1", "members": 3}, Status.FAIL),
        ({"port": "Gi1/0/1", "members": 1}, Status.INCONCLUSIVE),
        ({"description": "AP hall"}, Status.PASS),
        ({"description": "AP"}, Status.INCONCLUSIVE),
        ({"description": "AP", "count": 2}, Status.PASS),
        ({"description": "AP", "count": 3}, Status.FAIL),
        ({"description": "Printer"}, Status.FAIL),
        ({"neighbor": "core-1"}, Status.PASS),
        ({"neighbor": "core-1", "count": 2}, Status.PASS),
        ({"neighbor": "ap-1"}, Status.PASS),
        ({"neighbor": "core-2"}, Status.FAIL),
        ({"vlan": 20, "count": 2}, Status.PASS),
        ({"vlan": 20, "count": 3}, Status.FAIL),
        ({"vlan": 20, "count": 2, "min_speed": 2500}, Status.FAIL),
        ({"vlan": 30}, Status.FAIL),
    ],
    ids=str,
)
def test_a_plan(plan, wanted):
    assert status(*ALL, plan=[plan]) is wanted


def test_a_member_that_is_down_or_half_is_seen_through_its_aggregation():
    plan = [{"port": "Po1", "members": 2}]
    gone = port(12, "Te1/1/2", lag=101, oper="down")
    assert status(P1, M1, gone, PO, plan=plan) is Status.FAIL
    half = port(12, "Te1/1/2", lag=101, duplex="half")
    assert status(P1, M1, half, PO, plan=plan) is Status.FAIL


@pytest.mark.parametrize(
    "plan",
    [
        {"neighbor": "core-1"}, {"port": "Gi1/0/1", "neighbor": "ap-1"}, {"vlan": 20},
        {"port": "Gi1/0/1", "vlan": 20},
    ],
    ids=str,
)  # fmt: skip
def test_what_could_not_be_read_is_inconclusive(plan):
    assert status(*ALL, plan=[plan], neighbours=None, vlans=None) is Status.INCONCLUSIVE


def test_vlans_whose_ports_are_not_told_are_judged_by_their_pvid_or_not_at_all():
    unread = VlansRead(
        source="", vlans=(Vlan(id=20, name="", untagged=(), tagged=()),), pvid={"1": 20, "2": 1}, unread=(20,)
    )
    assert status(P1, P2, plan=[{"vlan": 20}], vlans=unread) is Status.PASS
    assert status(P1, P2, plan=[{"vlan": 20, "count": 2}], vlans=unread) is Status.FAIL
    silent = VlansRead(source="", vlans=unread.vlans, unread=(20,))
    assert status(P1, P2, plan=[{"vlan": 20}], vlans=silent) is Status.INCONCLUSIVE
    assert status(P1, P2, plan=[{"port": "Gi1/0/1", "vlan": 20}], vlans=silent) is Status.INCONCLUSIVE


def test_a_name_that_fits_two_ports_is_not_guessed():
    same = (port(1, "g1", descr="Ethernet Interface"), port(2, "g2", descr="Ethernet Interface"))
    assert status(*same, plan=[{"port": "Ethernet Interface"}]) is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("ports", "more", "wanted"),
    [
        ((P1, P2, DOWN), {}, Status.PASS),
        ((), {}, Status.INCONCLUSIVE),
        ((DOWN,), {}, Status.INCONCLUSIVE),
        ((port(1, "Vlan1", physical=False),), {}, Status.INCONCLUSIVE),
        ((P1, port(2, "x", duplex="half")), {}, Status.FAIL),
        ((P1, port(2, "x", duplex="half", speed_mbps=100)), {}, Status.FAIL),
        ((P1, port(2, "x", duplex="half", speed_mbps=10)), {}, Status.WARN),
        ((P1, port(2, "x", speed_mbps=10)), {}, Status.WARN),
        ((P1, port(2, "x", duplex="unknown")), {}, Status.PASS),
        ((P1, port(2, "x", oper="unknown")), {}, Status.INCONCLUSIVE),
        ((port(2, "x", duplex="unknown", speed_mbps=None),), {}, Status.INCONCLUSIVE),
        ((P1, port(2, "x", speed_mbps=100)), {"min_speed": 1000}, Status.FAIL),
        ((P1, port(2, "x", speed_mbps=None)), {"min_speed": 1000}, Status.INCONCLUSIVE),
        ((P1, P2), {"min_speed": 1000}, Status.PASS),
    ],
    ids=["well", "none", "all-down", "no-physical", "half", "half-100", "half-10", "10", "no-duplex",
         "no-state", "nothing-told", "slow", "no-speed", "fast"],
)  # fmt: skip
def test_without_a_plan(ports, more, wanted):
    assert status(*ports, **more) is wanted


@pytest.mark.parametrize(
    "plan",
    [
        {}, {"port": "x", "count": 2}, {"port": "x", "speed": 10, "min_speed": 5}, {"vlan": 2, "up": False},
        {"port": "x", "up": False, "speed": 10}, {"speed": 1000},
    ],
    ids=str,
)  # fmt: skip
def test_a_plan_that_means_nothing_is_refused(plan):
    with pytest.raises(ValueError, match=r"\."):
        PlannedPort(**plan)


@pytest.mark.parametrize(
    ("told", "wanted", "same"),
    [
        ("core-1", "CORE-1", True), ("core-1.example.com", "core-1", True),
        ("core-1(FOX123)", "core-1", True),
        ("core-1", "core-1.example.com", True), ("core-1.a.example", "core-1.b.example", False),
        ("core-10", "core-1", False), ("", "core-1", False), ("10.0.0.1", "10", False),
    ],
)  # fmt: skip
def test_names_of_neighbours(told, wanted, same):
    assert same_name(wanted, neighbour(1, told, "1")) is same


def test_every_finding_that_is_no_pass_says_what_to_do_and_names_the_port():
    for finding in judged(*ALL, plan=[{"port": "Gi1/0/3"}, {"port": "nowhere"}, {"vlan": 30}]):
        assert finding.status is Status.FAIL
        assert finding.fix
        assert finding.expected
        assert finding.observed
        assert finding.subject.startswith("sw1 ")
