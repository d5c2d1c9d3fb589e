"""Switches that tell half, or tell what was: neither is a pass, and what is not told is no fault."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from checks.contract import Status, worst
from checks.device.counters import rates
from checks.device.records import Vlan
from checks.device.values import oid
from checks.switch.errors import Errors, ErrorsSeen, PortErrors
from checks.switch.find import Find, PlannedDevice
from checks.switch.neighbors import Neighbors, NeighborsSeen, PlannedNeighbor
from checks.switch.stp import Stp
from checks.switch.vlans import PlannedTrunk, Vlans, VlansSeen
from tests.checks.device.fixtures import Objects, rows
from tests.checks.switch import test_cable_runs as cable
from tests.checks.switch import test_errors as counted
from tests.checks.switch import test_model_runs as models
from tests.checks.switch import test_poe as power
from tests.checks.switch import test_stp as trees
from tests.checks.switch.made import check_of, neighbour, port
from tests.checks.switch.served import hidden, status
from tests.lab.snmp_agent import Agent

OPER = "1.3.6.1.2.1.2.2.1.8"
CORE = PlannedNeighbor(port="Gi1/0/49", name="core-1")


def of(kind: Any, changes: Objects, **parameters: Any) -> Status:
    with Agent(cable.healthy() | changes) as agent:
        return status(kind, agent, **parameters)


@pytest.mark.parametrize("state", [2, 6, 7], ids=["down", "not present", "lower layer down"])
def test_a_neighbour_is_remembered_for_minutes_after_its_cable_was_pulled(state: int) -> None:
    assert of(Neighbors, {}, neighbors=(CORE,)) is Status.PASS
    assert of(Neighbors, {oid(f"{OPER}.10149"): state}, neighbors=(CORE,)) is Status.FAIL


@pytest.mark.parametrize("anywhere", [False, True], ids=["at a port", "anywhere"])
def test_a_neighbour_whose_name_is_hidden_is_not_another(anywhere: bool) -> None:
    planned = PlannedNeighbor(name="core-1") if anywhere else CORE
    with Agent(cable.healthy()) as agent:
        assert status(Neighbors, agent, neighbors=(planned,)) is Status.PASS
        agent.lies = hidden(agent, "1.0.8802.1.1.2.1.4.1.1.9", "1.0.8802.1.1.2.1.4.1.1.10")
        assert status(Neighbors, agent, neighbors=(planned,)) is Status.INCONCLUSIVE
        by_address = PlannedNeighbor(port="Gi1/0/49", name="00:1b:21:3c:4d:02")
        assert status(Neighbors, agent, neighbors=(by_address,)) is Status.PASS
        other = dataclasses.replace(by_address, name="00:1b:21:3c:4d:99")
        assert status(Neighbors, agent, neighbors=(other,)) is Status.FAIL


def test_a_neighbour_remembered_at_a_dead_port_is_not_heard_anywhere() -> None:
    anywhere = (PlannedNeighbor(name="core-1"),)
    assert of(Neighbors, {}, neighbors=anywhere) is Status.PASS
    assert of(Neighbors, {oid(f"{OPER}.10149"): 2}, neighbors=anywhere) is Status.FAIL


def test_a_dead_port_contradicts_nobody() -> None:
    heard = dataclasses.replace(neighbour(1, "pc", "eth0"), duplex="full")
    for oper, wanted in (("up", Status.FAIL), ("down", Status.INCONCLUSIVE)):
        half = port(1, "Gi1/0/1", duplex="half", oper=oper)
        seen = NeighborsSeen(name="sw1", ports=(half,), neighbors=(heard,), spoken=("lldp",))
        assert worst(one.status for one in check_of(Neighbors).judge(seen)) is wanted


PHONE = PlannedDevice(name="phone", mac="00:1b:21:3c:4d:5e")
AT_2 = dataclasses.replace(PHONE, port="Gi1/0/2")


def test_an_address_entered_by_hand_at_a_port_that_is_down() -> None:
    assert of(Find, {}, devices=(AT_2,)) is Status.PASS
    assert of(Find, {oid(f"{OPER}.10102"): 2}, devices=(AT_2,)) is Status.INCONCLUSIVE


def test_an_uplink_that_cannot_be_known_as_one_is_no_access_port() -> None:
    crowd = rows(cable.FDB, {f"40.2.0.0.0.9.{number}": 2 for number in range(5)})
    assert of(Find, crowd, devices=(PHONE,)) is Status.PASS
    with Agent(cable.healthy() | crowd) as agent:
        agent.lies = hidden(agent, "1.0.8802")
        assert status(Find, agent, devices=(PHONE,)) is Status.WARN
        assert status(Find, agent, devices=(AT_2,)) is Status.PASS


def test_poe_whose_use_is_not_told_is_not_used_up() -> None:
    what = power.seen(power.group(drawn=None))
    findings = list(power.plan(power.some(3)).judge(what))
    assert worst(one.status for one in findings) is Status.INCONCLUSIVE
    assert any("what is left is not known" in one.message for one in findings)
    off = power.seen(power.group(drawn=None, status="off"))
    assert worst(one.status for one in power.plan(power.some(3)).judge(off)) is Status.FAIL


def test_a_tree_that_no_port_takes_part_in_has_no_root() -> None:
    off = rows(f"{cable.STP}.15.1.3", {"1": 1, "2": 1, "3": 1, "49": 1})
    own = {oid(f"{cable.STP}.5.0"): b"\x80\x00" + cable.OWN, oid(f"{cable.STP}.7.0"): 0}
    assert of(Stp, own, root="self") is Status.PASS
    assert of(Stp, own | off, root="self") is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("uptime", "since", "wanted"),
    [(6_000, 6_000, Status.INCONCLUSIVE), (6_000, 0, Status.INCONCLUSIVE), (900_000, 0, Status.PASS)],
    ids=["started", "started, no clock", "long ago"],
)
def test_a_tree_that_never_changed_since_a_minute_ago_is_not_stable(
    uptime: int, since: int, wanted: Status
) -> None:
    quiet = {
        oid(f"{cable.STP}.4.0"): 0,
        oid(f"{cable.STP}.3.0"): since,
        oid("1.3.6.1.2.1.1.3.0"): uptime,
    }
    assert of(Stp, quiet) is wanted


@pytest.mark.parametrize("again", [0, 3], ids=["restarted", "backwards"])
def test_a_count_of_changes_that_goes_back_is_a_restart(again: int) -> None:
    findings = trees.stp().judge(trees.seen(changes=7, changes_again=again))
    assert worst(one.status for one in findings) is Status.INCONCLUSIVE


@pytest.mark.parametrize("missing", ["in_errors", "out_errors"])
def test_errors_of_one_direction_are_half(missing: str) -> None:
    def errors(**grown: Any) -> Status:
        before = dataclasses.replace(
            counted.BEFORE, counters={k: v for k, v in counted.BEFORE.counters.items() if k != missing}
        )
        later = counted.after(in_unicast=5000, out_unicast=5000, **grown)
        later.counters.pop(missing)
        one = PortErrors(
            if_index=1, name="Gi1/0/1", alias="", duplex="full", speed_mbps=1000, planned=False,
            rates=rates(before, later),
        )  # fmt: skip
        return worst(f.status for f in check_of(Errors).judge(ErrorsSeen(name="sw1", ports=(one,))))

    other = "out_errors" if missing == "in_errors" else "in_errors"
    assert errors() is Status.INCONCLUSIVE
    assert errors(**{other: 4000}) is Status.FAIL


def seen(*, pvid: dict[str, int], unread: tuple[int, ...] = ()) -> VlansSeen:
    return VlansSeen(
        name="sw1", source="test", pvid=pvid, unread=unread, suspended=(), open_trunks=(),
        vlans=(
            Vlan(id=1, name="", untagged=(1, 2), tagged=()),
            Vlan(id=20, name="Office", untagged=(), tagged=(1,)),
        ),
        ports=(port(1, "Gi1/0/1"), port(2, "Gi1/0/2")),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("into", "wanted"), [(1, Status.PASS), (20, Status.FAIL)], ids=["both ways", "one way"]
)
def test_a_native_vlan_is_one_in_both_directions(into: int, wanted: Status) -> None:
    check = check_of(Vlans, trunks=(PlannedTrunk(port="Gi1/0/1", native=1, allowed=(20,)),))
    assert worst(one.status for one in check.judge(seen(pvid={"1": into, "2": 1}))) is wanted


def test_a_trunk_that_is_down_carries_nothing() -> None:
    check = check_of(Vlans, trunks=(PlannedTrunk(port="Gi1/0/1", native=1, allowed=(20,)),))
    what = seen(pvid={"1": 1, "2": 1})
    down = dataclasses.replace(what, ports=(port(1, "Gi1/0/1", oper="down"), what.ports[1]))
    assert worst(one.status for one in check.judge(down)) is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    "trunk",
    [{"description": "to core"}, {"neighbor": "core-1"}],
    ids=["described", "heard"],
)
def test_a_trunk_by_what_is_hidden_is_not_missing(trunk: dict[str, str]) -> None:
    with Agent(models.healthy()) as agent:
        agent.lies = hidden(agent, "1.0.8802", "1.3.6.1.2.1.31.1.1.1.18")
        planned = (PlannedTrunk(native=1, **trunk),)
        assert status(Vlans, agent, trunks=planned) is Status.INCONCLUSIVE


def test_ports_that_tell_no_default_vlan_are_named_as_such() -> None:
    [finding] = check_of(Vlans).judge(seen(pvid={"1": 1}))
    assert finding.status is Status.PASS
    assert "not told of Gi1/0/2" in (finding.observed or "")
