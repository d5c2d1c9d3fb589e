from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from checks.contract import Status, worst
from checks.device.records import Neighbour, Port
from checks.switch._names import is_switch, same_name, same_port
from checks.switch.neighbors import Neighbors, NeighborsSeen, PlannedNeighbor
from tests.checks.switch.made import check_of, neighbour, port

UP, DOWN = port(1, "Gi1/0/1"), port(2, "Gi1/0/2", oper="down")
LAG = port(9, "Po1", members=(3,))
PORTS = (UP, DOWN, port(3, "Gi1/0/3", lag=9), LAG)


def seen(
    *heard: Neighbour, spoken: tuple[str, ...] = ("lldp",), pvid: dict[str, int] | None = None
) -> NeighborsSeen:
    return NeighborsSeen(name="sw1:161", ports=PORTS, neighbors=heard, spoken=spoken, pvid=pvid or {})


def planned(where: str = "Gi1/0/1", name: str = "core-1", **more: Any) -> Neighbors:
    return check_of(Neighbors, neighbors=(PlannedNeighbor(port=where, name=name, **more),))


CORE = neighbour(1, "core-1", "Te1/0/3")


@pytest.mark.parametrize(
    ("check", "what", "expected", "says"),
    [
        pytest.param(planned(), seen(CORE), "pass", "planned", id="the planned one"),
        pytest.param(
            planned(remote_port="TenGigabitEthernet1/0/3"), seen(CORE), "pass", "", id="at its port"
        ),
        pytest.param(
            planned(remote_port="Te1/0/4"), seen(CORE), "fail", "another of its ports", id="at another"
        ),
        pytest.param(
            planned(remote_port="Te1/0/4"),
            seen(neighbour(1, "core-1", "")),
            "inconclusive",
            "does not tell",
            id="its port is not told",
        ),
        pytest.param(planned("GigabitEthernet1/0/1"), seen(CORE), "pass", "", id="the port's long name"),
        pytest.param(planned("Gi9/0/1"), seen(CORE), "fail", "no such port", id="no such port"),
        pytest.param(
            planned("Po1"), seen(neighbour(3, "core-1", "x")), "pass", "", id="at a member of the LAG"
        ),
        pytest.param(
            planned(), seen(neighbour(3, "core-1", "x")), "fail", "wrong port", id="on the wrong port"
        ),
        pytest.param(
            planned(), seen(neighbour(1, "other", "x")), "fail", "Another neighbour", id="another one"
        ),
        pytest.param(
            planned(),
            seen(neighbour(None, "core-1", "x")),
            "inconclusive",
            "does not tell at which",
            id="heard at a port that is not known",
        ),
        pytest.param(planned("Gi1/0/2"), seen(), "fail", "down", id="the port is down"),
        pytest.param(planned(), seen(), "fail", "Nobody", id="nobody on a port that is up"),
        pytest.param(
            planned(), seen(spoken=()), "inconclusive", "silence", id="the switch listens to nobody"
        ),
        pytest.param(
            planned(protocol="cdp"),
            seen(spoken=("lldp",)),
            "inconclusive",
            "silence",
            id="not by that protocol",
        ),
        pytest.param(
            planned(protocol="cdp"), seen(CORE), "inconclusive", "silence", id="heard by another protocol"
        ),
        pytest.param(
            planned(), seen(CORE, neighbour(1, "phone", "x")), "pass", "", id="another one on the same port"
        ),
        pytest.param(check_of(Neighbors), seen(), "inconclusive", "no neighbour", id="no plan, nobody"),
        pytest.param(
            check_of(Neighbors),
            seen(CORE),
            "inconclusive",
            "None of the neighbours",
            id="no plan, nothing to compare",
        ),
    ],
)
def test_judging(check: Neighbors, what: NeighborsSeen, expected: str, says: str) -> None:
    findings = list(check.judge(what))
    assert worst(one.status for one in findings) is Status(expected), findings
    assert any(says in one.message for one in findings)
    assert all(one.subject.startswith("sw1:161") for one in findings)


CDP = dataclasses.replace(CORE, protocol="cdp", native_vlan=10, duplex="full")


@pytest.mark.parametrize(
    ("what", "expected", "says"),
    [
        pytest.param(seen(CDP, pvid={"1": 10}), "pass", "agrees", id="alike"),
        pytest.param(seen(CDP, pvid={"1": 20}), "fail", "Native VLAN mismatch: ours is 20", id="native VLAN"),
        pytest.param(
            seen(dataclasses.replace(CDP, duplex="half"), pvid={"1": 10}),
            "fail",
            "Duplex mismatch",
            id="duplex",
        ),
        pytest.param(seen(CDP), "pass", "agrees", id="our VLAN is not told, the duplex is"),
        pytest.param(
            seen(dataclasses.replace(CORE, native_vlan=20), pvid={"1": 10}),
            "pass",
            "agrees",
            id="an LLDP station tells its own VLAN",
        ),
        pytest.param(
            seen(dataclasses.replace(CORE, native_vlan=20, capabilities=("bridge",)), pvid={"1": 10}),
            "fail",
            "Native VLAN mismatch",
            id="an LLDP switch tells another VLAN",
        ),
    ],
)
def test_both_ends_of_a_cable(what: NeighborsSeen, expected: str, says: str) -> None:
    findings = list(check_of(Neighbors).judge(what))
    assert worst(one.status for one in findings) is Status(expected), findings
    assert any(says in one.message for one in findings)


@pytest.mark.parametrize(
    ("wanted", "name", "same"),
    [
        ("core-1", "CORE-1", True),
        ("core-1", "core-1.example.com", True),
        ("core-1.example.com", "core-1", True),
        ("core-1.example.com", "core-1.example.net", False),
        ("core-1", "core-1(FOC123)", True),
        ("core-1", "core-10", False),
        ("core", "", False),
        ("10.0.0.1", "10.20.0.9", False),
        ("00:1b:21:3c:4d:5e", "whatever", True),
        ("001b.213c.4d5e", "whatever", True),
        ("10.20.0.1", "whatever", True),
    ],
)
def test_names(wanted: str, name: str, same: bool) -> None:
    told = dataclasses.replace(
        neighbour(1, name, "x"), remote_chassis="00:1b:21:3c:4d:5e", remote_address="10.20.0.1"
    )
    assert same_name(wanted, told) is same


@pytest.mark.parametrize(
    ("wanted", "port_id", "description", "same"),
    [
        ("Gi1/0/3", "GigabitEthernet1/0/3", "", True),
        ("Gi1/0/3", "3", "GigabitEthernet1/0/3", True),
        ("Gi1/0/3", "Gi1/0/31", "", False),
        ("946424000102", "94:64:24:00:01:02", "", True),
        ("Gi1/0/3", "", "", False),
    ],
)
def test_ports(wanted: str, port_id: str, description: str, same: bool) -> None:
    told = dataclasses.replace(neighbour(1, "n", port_id), remote_port_description=description)
    assert same_port(wanted, told) is same


@pytest.mark.parametrize(
    ("protocol", "capabilities", "expected"),
    [
        ("lldp", ("bridge",), True),
        ("lldp", ("bridge", "router"), True),
        ("lldp", ("bridge", "telephone"), False),
        ("lldp", ("bridge", "wlan"), False),
        ("lldp", ("router",), False),
        ("lldp", (), False),
        ("cdp", ("router", "switch"), True),
        ("cdp", ("transparent-bridge",), False),
        ("cdp", ("switch", "telephone"), False),
    ],
)
def test_who_is_a_switch(protocol: str, capabilities: tuple[str, ...], expected: bool) -> None:
    told = dataclasses.replace(neighbour(1, "n", "x"), protocol=protocol, capabilities=capabilities)
    assert is_switch(told) is expected


def test_what_a_neighbour_sends_is_made_harmless() -> None:
    hostile = neighbour(1, "\x1b]52;c;x\x07\u202eevil", "\x1b[2J")
    ports: tuple[Port, ...] = PORTS
    for finding in planned().judge(NeighborsSeen(name="sw", ports=ports, neighbors=(hostile,), spoken=())):
        assert "\x1b" not in str(finding.as_json())
        assert "\u202e" not in str(finding.as_json())
