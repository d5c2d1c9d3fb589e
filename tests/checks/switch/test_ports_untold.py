"""switch.ports, by served agents: what is hidden, half told or only looks like the plan."""

from __future__ import annotations

from typing import Any

import pytest

from checks.contract import Status
from checks.device.values import oid
from checks.switch._plan import PlannedPort
from checks.switch.ports import Ports
from tests.checks.device.fixtures import Objects, heard, rows
from tests.checks.switch.served import hidden, judged, status
from tests.checks.switch.test_model_runs import ATTACHED, DUPLEX, OPER, SPEED, Q, healthy
from tests.lab.snmp_agent import Agent

ALIAS, STACK = "1.3.6.1.2.1.31.1.1.1.18", "1.3.6.1.2.1.31.1.2.1.3"
LLDP = ("1.0.8802", "1.3.6.1.4.1.9.9.23")


def of(changes: Objects, plan: dict[str, Any]) -> Status:
    described = rows(ALIAS, {"1": b"", "2": b"", "11": b"", "12": b"", "101": b""})
    with Agent(described | healthy() | changes) as agent:
        return status(Ports, agent, ports=(PlannedPort(**plan),))


@pytest.mark.parametrize(
    "plan",
    [
        {"description": "Printer"},
        {"port": "Gi1/0/3", "description": "Printer"},
        {"port": "Gi1/0/1", "description": "Scanner"},
    ],
    ids=str,
)
def test_descriptions_that_are_hidden_are_not_missing(plan: dict[str, Any]) -> None:
    with Agent(healthy()) as agent:
        agent.lies = hidden(agent, ALIAS)
        assert status(Ports, agent, ports=(PlannedPort(**plan),)) is Status.INCONCLUSIVE


def test_a_port_without_a_description_among_told_ones_is_a_fault() -> None:
    assert of({oid(f"{ALIAS}.1"): b""}, {"port": "Gi1/0/1", "description": "x"}) is Status.FAIL
    empty = {oid(f"{ALIAS}.{port}"): b"" for port in (1, 2, 3)}
    assert of(empty, {"description": "Printer"}) is Status.FAIL


@pytest.mark.parametrize("plan", [{"neighbor": "core-1"}, {"port": "Po1", "neighbor": "core-1"}], ids=str)
def test_a_switch_that_does_not_listen_has_no_wrong_neighbour(plan: dict[str, Any]) -> None:
    with Agent(healthy()) as agent:
        agent.lies = hidden(agent, *LLDP)
        assert status(Ports, agent, ports=(PlannedPort(**plan),)) is Status.INCONCLUSIVE
        assert status(Ports, agent, ports=(PlannedPort(port="Gi1/0/1"),)) is Status.PASS


def test_an_aggregation_is_no_second_cable() -> None:
    both = {oid(f"{ALIAS}.101"): b"to core", oid(f"{ALIAS}.11"): b"to core", oid(f"{ALIAS}.12"): b""}
    assert of(both, {"description": "to core", "count": 2}) is Status.FAIL
    all_three = both | {oid(f"{ALIAS}.12"): b"to core"}
    assert of(all_three, {"description": "to core", "count": 2}) is Status.PASS
    assert of(all_three, {"description": "to core", "count": 3}) is Status.FAIL


@pytest.mark.parametrize(
    ("alias", "wanted"),
    [(b"AP-10", Status.FAIL), (b"WAP-1", Status.FAIL), (b"AP-1 hall", Status.PASS), (b"AP-1", Status.PASS)],
    ids=str,
)
def test_a_description_that_begins_alike_is_another(alias: bytes, wanted: Status) -> None:
    assert of({oid(f"{ALIAS}.1"): alias}, {"description": "AP-1"}) is wanted


VLAN_LIES: dict[str, Objects] = {
    "PVID alone": {oid(f"{Q}.2.1.4.0.20"): b"\x90", oid(f"{Q}.2.1.5.0.20"): b"\x80"},
    "no such VLAN": {oid(f"{Q}.5.1.1.2"): 40},
}


@pytest.mark.parametrize(
    ("changes", "vlan"), [(VLAN_LIES["PVID alone"], 20), (VLAN_LIES["no such VLAN"], 40)], ids=VLAN_LIES
)
def test_a_port_that_is_half_in_a_vlan_is_not_in_it(changes: Objects, vlan: int) -> None:
    assert of({}, {"port": "Gi1/0/2", "vlan": 20}) is Status.PASS
    assert of(changes, {"port": "Gi1/0/2", "vlan": vlan}) is Status.FAIL


def cisco(state: int) -> Objects:
    vtp, member = "1.3.6.1.4.1.9.9.46.1.3.1.1", "1.3.6.1.4.1.9.9.68.1.2.2.1.2"
    return (
        {oid("1.3.6.1.2.1.1.2.0"): oid("1.3.6.1.4.1.9.1.1208")}
        | rows(f"{vtp}.2", {"1.1": 1, "1.20": state})
        | rows(f"{vtp}.3", {"1.1": 1, "1.20": 1})
        | rows(f"{vtp}.4", {"1.1": b"default", "1.20": b"Office"})
        | rows(member, {"1": 20, "2": 20, "3": 40})
    )


@pytest.mark.parametrize("plan", [{"vlan": 20, "count": 2}, {"port": "Gi1/0/2", "vlan": 20}], ids=str)
def test_a_vlan_that_is_shut_down_serves_nobody(plan: dict[str, Any]) -> None:
    assert of(cisco(1), plan) is Status.PASS
    assert of(cisco(2), plan) is Status.FAIL


def test_an_access_port_of_a_vlan_that_was_removed() -> None:
    assert of(cisco(1), {"port": "Gi1/0/3", "vlan": 40}) is Status.FAIL


def test_an_uplink_is_no_desk() -> None:
    plan = {"vlan": 20, "count": 2}
    uplink = local_to_switch()
    assert of({}, plan) is Status.PASS
    assert of(uplink, plan) is Status.FAIL
    with Agent(healthy() | uplink) as agent:
        [finding] = judged(Ports, agent, ports=(PlannedPort(**plan),))
    assert "Gi1/0/2" in (finding.observed or "")


def local_to_switch() -> Objects:
    return rows("1.0.8802.1.1.2.1.3.7.1.3", {"2": b"Gi1/0/2"}) | heard(
        "0.2.1", "sw9", b"1", chassis=b"\0\x1b\x21\0\0\2"
    )


def test_a_port_that_waits_for_a_logon_is_not_down() -> None:
    plan = {"port": "Gi1/0/1", "up": False}
    assert of({oid(f"{OPER}.1"): 5}, plan) is Status.FAIL
    assert of({oid(f"{OPER}.1"): 2}, plan) is Status.PASS


def test_a_member_that_lacp_left_out_is_none_whatever_the_stack_table_says() -> None:
    plan = {"port": "Po1", "members": 2}
    stacked = rows(STACK, {"101.11": 1, "101.12": 1})
    assert of(stacked, plan) is Status.PASS
    assert of(stacked | {oid(f"{ATTACHED}.12"): 0}, plan) is Status.FAIL
    without_lacp = stacked | {oid(f"{ATTACHED}.11"): 0, oid(f"{ATTACHED}.12"): 0}
    assert of(without_lacp, plan) is Status.PASS


@pytest.mark.parametrize(
    ("speed", "more", "wanted"),
    [
        (100, {}, Status.INCONCLUSIVE),
        (100, {"duplex": "any"}, Status.PASS),
        (1000, {}, Status.PASS),
    ],
    ids=["100", "any", "1000"],
)
def test_duplex_that_is_not_told_is_known_by_the_speed_alone(
    speed: int, more: dict[str, Any], wanted: Status
) -> None:
    with Agent(healthy() | {oid(f"{SPEED}.1"): speed}) as agent:
        agent.lies = hidden(agent, DUPLEX)
        assert status(Ports, agent, ports=(PlannedPort(port="Gi1/0/1", **more),)) is wanted


def test_a_name_that_looks_like_the_start_of_an_address_is_no_neighbour() -> None:
    told = {oid("1.0.8802.1.1.2.1.4.1.1.9.0.11.1"): b"10.0.0.1"}
    assert of(told, {"port": "Po1", "neighbor": "10"}) is Status.FAIL


def test_ports_whose_speed_is_hidden_are_not_fast_enough() -> None:
    with Agent(healthy()) as agent:
        assert status(Ports, agent) is Status.PASS
        agent.lies = hidden(agent, SPEED)
        assert status(Ports, agent) is Status.INCONCLUSIVE
        agent.lies = hidden(agent, f"{SPEED}.1")
        findings = judged(Ports, agent)
    assert [one.status for one in findings] == [Status.PASS]
    assert "speed of 1 is not told" in (findings[0].observed or "")
