"""Aggregations, trunks and power that are planned by what they are for, whatever port they are on."""

from __future__ import annotations

from typing import Any

import pytest

from checks.contract import Finding
from checks.device.poe import Poe as PoeRead
from checks.device.poe import PoeGroup, PoePort
from checks.device.records import Neighbour, Vlan
from checks.switch._plan import PlannedPort
from checks.switch.neighbors import Neighbors, NeighborsSeen, PlannedNeighbor
from checks.switch.poe import PlannedPower, Poe, PoeSeen
from checks.switch.ports import Ports, PortsSeen
from checks.switch.vlans import PlannedTrunk, Vlans, VlansSeen
from tests.checks.switch.made import check_of, neighbour, port

CORE = (neighbour(11, "core-1", "Te1"), neighbour(12, "core-1", "Te2"))
LAG = (
    port(101, "Po1", if_type=161, physical=False, members=(11, 12), speed_mbps=20_000),
    port(11, "Te1/1/1", lag=101, speed_mbps=10_000),
    port(12, "Te1/1/2", lag=101, speed_mbps=10_000),
)


def bad(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.status, one.message) for one in findings if one.status != "pass"]


def judged_ports(ports: tuple[Any, ...], **planned: Any) -> list[tuple[str, str]]:
    check = check_of(Ports, ports=(PlannedPort(**planned),))
    findings = list(check.judge(PortsSeen(name="sw1", ports=ports, neighbours=CORE)))
    assert findings
    return bad(findings)


def test_an_aggregation_is_found_by_the_neighbour_at_its_members() -> None:
    assert judged_ports(LAG, neighbor="core-1", members=2, min_speed=10_000) == []


def test_an_aggregation_is_found_by_the_description_of_its_members() -> None:
    ports = (LAG[0], *(port(one, f"Te1/1/{one}", lag=101, alias="Uplink") for one in (11, 12)))
    assert judged_ports(ports, description="Uplink", members=2) == []


def test_a_cable_that_did_not_join_its_aggregation_is_a_failure() -> None:
    lag = port(101, "Po1", if_type=161, physical=False, members=(11,))
    ports = (lag, port(11, "Te1/1/1", lag=101), port(12, "Te1/1/2"))
    assert judged_ports(ports, neighbor="core-1", members=2) == [
        ("fail", "The aggregation has only 1 of 2 members up.")
    ]


def test_no_aggregation_at_all_is_no_pass() -> None:
    assert judged_ports((port(11, "Te1/1/1"),), neighbor="core-1", members=2)


VLANS = (
    Vlan(id=1, name="", untagged=(101,), tagged=()),
    Vlan(id=10, name="", untagged=(), tagged=(101,)),
    Vlan(id=30, name="", untagged=(), tagged=()),
)


def trunks(
    neighbours: tuple[Neighbour, ...] | None, ports: tuple[Any, ...] = LAG, **planned: Any
) -> list[tuple[str, str]]:
    check = check_of(Vlans, trunks=(PlannedTrunk(**planned),))
    seen = VlansSeen(
        name="sw1", source="made", vlans=VLANS, pvid={}, unread=(), suspended=(), open_trunks=(), ports=ports,
        neighbours=neighbours, silent="The table broke off." if neighbours is None else "",
    )  # fmt: skip
    findings = list(check.judge(seen))
    assert findings
    return bad(findings)


def test_a_trunk_is_found_by_its_neighbour() -> None:
    assert trunks(CORE, neighbor="core-1", native=1, allowed=(10,)) == []
    assert trunks(CORE, neighbor="core-1", allowed=(10, 30)) == [
        ("fail", "The trunk does not carry VLAN 30.")
    ]
    [(status, _)] = trunks(CORE, neighbor="core-2", allowed=(10,))
    assert status == "fail"


def test_a_trunk_is_found_by_its_description() -> None:
    ports = (port(101, "Po1", alias="Uplink core"),)
    assert trunks((), ports, description="uplink core", native=1, allowed=(10,)) == []
    down = (port(101, "Po1", alias="Uplink core", oper="down"),)
    [(status, message)] = trunks((), down, description="uplink core", allowed=(10,))
    assert (status, "up" in message) == ("fail", True)


def test_neighbours_that_are_not_told_prove_no_trunk() -> None:
    [(status, message)] = trunks(None, neighbor="core-1", allowed=(10,))
    assert status == "inconclusive"
    assert "broke off" in message


@pytest.mark.parametrize("wrong", [{}, {"port": "Po1", "neighbor": "core-1"}], ids=["none", "two"])
def test_a_trunk_is_known_by_one_thing(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give one of them"):
        PlannedTrunk(**wrong, allowed=(10,))


def powered(count: int, power_class: int | None) -> PoeSeen:
    group = PoeGroup(
        group=1, power_w=100.0, consumption_w=60.0, reserved_w=None, status="on", threshold_percent=None
    )
    ports = tuple(
        PoePort(
            group=1, number=one, if_index=one, enabled=True, state="delivering", power_class=power_class,
            watts=None,
        )
        for one in range(1, count + 1)
    )  # fmt: skip
    return PoeSeen(name="sw1", poe=PoeRead(groups=(group,), ports=ports))


@pytest.mark.parametrize(
    ("planned", "there", "short"),
    [
        (PlannedPower(name="AP", count=2, power_class=4, in_all=True), powered(2, 4), False),
        (PlannedPower(name="AP", count=3, power_class=4, in_all=True), powered(2, 4), False),
        (PlannedPower(name="AP", count=4, power_class=4, in_all=True), powered(2, 4), True),
        (PlannedPower(name="AP", count=2, power_class=4, in_all=True), powered(2, 3), True),
        (PlannedPower(name="AP", count=2, power_class=4), powered(2, 4), True),
        (PlannedPower(name="AP", count=2, watts=30.0, in_all=True), powered(2, None), False),
        (PlannedPower(name="AP", count=2, watts=30.0, in_all=True), powered(2, 4), True),
    ],
    ids=[
        "all-there",
        "one-to-come",
        "two-to-come",
        "another-class",
        "not-in-all",
        "watts",
        "watts-and-class",
    ],
)
def test_devices_that_are_powered_already_are_not_added_again(
    planned: PlannedPower, there: PoeSeen, short: bool
) -> None:
    findings = bad(list(check_of(Poe, devices=(planned,), max_usage=100.0).judge(there)))
    assert any(message.startswith("PoE is short") for _, message in findings) is short


def test_one_powered_device_is_taken_off_once() -> None:
    two = tuple(PlannedPower(name=name, power_class=4, in_all=True) for name in ("AP 1", "AP 2"))
    findings = list(check_of(Poe, devices=two, max_usage=100.0).judge(powered(1, 4)))
    assert [one.expected for one in findings if one.subject.endswith("budget")] == [
        "30 W for 1 planned devices"
    ]


def test_a_port_is_one_device() -> None:
    with pytest.raises(ValueError, match="in_all"):
        PlannedPower(name="AP", power_class=4, port="Gi1/0/1", in_all=True)


def neighbors(spoken: tuple[str, ...] = ("lldp",), **planned: Any) -> list[tuple[str, str]]:
    check = check_of(Neighbors, neighbors=(PlannedNeighbor(**planned),))
    seen = NeighborsSeen(name="sw1", ports=LAG, neighbors=CORE, spoken=spoken)
    findings = list(check.judge(seen))
    assert findings
    return bad(findings)


def test_a_neighbour_may_be_at_any_port() -> None:
    assert neighbors(name="core-1") == []
    assert neighbors(name="core-1", remote_port="Te2") == []
    [(status, message)] = neighbors(name="core-1", remote_port="Te3")
    assert (status, "another of its ports" in message) == ("fail", True)
    assert neighbors(name="core-2") == [("fail", "The planned neighbour is heard on no port.")]


def test_a_switch_that_does_not_listen_proves_nobody_missing() -> None:
    [(status, _)] = neighbors((), name="core-2")
    assert status == "inconclusive"
    [(status, _)] = neighbors(("lldp",), name="core-2", protocol="cdp")
    assert status == "inconclusive"
