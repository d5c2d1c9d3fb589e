"""Identity, ports and VLANs through `gonogo run --json`, by served agents: healthy, at fault, and lying."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.device.fixtures import Objects, base_ports, heard, interfaces, local, rows
from tests.checks.switch.test_health_runs import bad, run
from tests.lab.snmp_agent import Agent, Lies
from tests.recordings import oid

NAMES = {1: "Gi1/0/1", 2: "Gi1/0/2", 3: "Gi1/0/3", 11: "Te1/1/1", 12: "Te1/1/2", 101: "Po1"}
Q = "1.3.6.1.2.1.17.7.1.4"
SPEED, DUPLEX, OPER = "1.3.6.1.2.1.31.1.1.1.15", "1.3.6.1.2.1.10.7.2.1.19", "1.3.6.1.2.1.2.2.1.8"
ATTACHED = "1.2.840.10006.300.43.1.2.1.1.13"


def healthy() -> Objects:
    """A switch: two ports in VLAN 20, one described in VLAN 30, and an aggregation of two to core-1."""
    return (
        interfaces(NAMES, aliases={3: "Printer"})
        | rows("1.3.6.1.2.1.2.2.1.3", {"101": 161})
        | rows(SPEED, {"11": 10_000, "12": 10_000, "101": 20_000})
        | rows(ATTACHED, {"1": 0, "2": 0, "3": 0, "11": 101, "12": 101})
        | base_ports({1: 1, 2: 2, 3: 3, 4: 101})
        | local({11: b"Te1/1/1", 12: b"Te1/1/2"})
        | heard("0.11.1", "core-1", b"Te1", chassis=b"\0\x1b\x21\0\0\1")
        | rows(f"{Q}.3.1.1", {"1": b"default", "20": b"Office", "30": b"Printers"})
        | rows(f"{Q}.2.1.4", {"0.1": b"\x10", "0.20": b"\xd0", "0.30": b"\x30"})
        | rows(f"{Q}.2.1.5", {"0.1": b"\x10", "0.20": b"\xc0", "0.30": b"\x20"})
        | rows(f"{Q}.5.1.1", {"1": 20, "2": 20, "3": 30, "4": 1})
        | rows("1.3.6.1.2.1.47.1.1.1.1.5", {"1": 3})
        | rows("1.3.6.1.2.1.47.1.1.1.1.11", {"1": b"FCW1"})
        | rows("1.3.6.1.2.1.47.1.1.1.1.13", {"1": b"SW-48P"})
    )


IDENTITY: dict[str, Any] = {"type": "switch.identity", "sys_name": "SW1", "model": "48p", "serial": "FCW1"}
PORTS: dict[str, Any] = {
    "type": "switch.ports",
    "ports": [
        {"port": "GigabitEthernet1/0/1", "speed": 1000},
        {"description": "Printer", "min_speed": 100, "vlan": 30},
        {"port": "Port-channel1", "members": 2, "speed": 20_000, "neighbor": "core-1"},
        {"vlan": 20, "count": 2},
    ],
}
VLANS: dict[str, Any] = {
    "type": "switch.vlans",
    "vlans": [
        {"id": 20, "name": "Office", "untagged": ["Gi1/0/1", "Gi1/0/2"], "tagged": ["Po1"], "exact": True},
        {"id": 30, "untagged": ["Gi1/0/3"], "tagged": ["Te1/1/1"]},
    ],
    "trunks": [{"port": "Po1", "native": 1, "allowed": [20, 30]}],
}
PLAIN: list[dict[str, Any]] = [
    {"type": "switch.identity"}, {"type": "switch.ports"}, {"type": "switch.vlans"}
]  # fmt: skip


@pytest.mark.parametrize(
    "check", [IDENTITY, PORTS, VLANS, *PLAIN], ids=lambda check: f"{check['type']}-{len(check)}"
)
def test_healthy(tmp_path: Path, check: dict[str, Any]) -> None:
    with Agent(healthy()) as served:
        result, code = run(tmp_path, served, **check)
    assert (result["status"], bad(result), code) == ("pass", [], 0)


FAULTS: dict[str, tuple[dict[str, Any], Objects, str]] = {
    "another device": (IDENTITY, {oid("1.3.6.1.2.1.47.1.1.1.1.11.1"): b"FCW2"}, "serial number"),
    "a port at 100 Mbit/s": (PORTS, {oid(f"{SPEED}.1"): 100}, "Gi1/0/1"),
    "half duplex": (PORTS, {oid(f"{DUPLEX}.1"): 2}, "Gi1/0/1"),
    "a port that is down": (PORTS, {oid(f"{OPER}.3"): 2}, "Gi1/0/3"),
    "an uplink missing from the aggregation": (PORTS, {oid(f"{ATTACHED}.12"): 0}, "Po1"),
    "an uplink of the aggregation down": (PORTS, {oid(f"{OPER}.12"): 2}, "Po1"),
    "another neighbour": (PORTS, {oid("1.0.8802.1.1.2.1.4.1.1.9.0.11.1"): b"core-2"}, "Po1"),
    "half duplex without a plan": ({"type": "switch.ports"}, {oid(f"{DUPLEX}.2"): 2}, "Gi1/0/2"),
    "a VLAN that is missing on the trunk": (
        VLANS, {oid(f"{Q}.2.1.4.0.30"): b"\x20"}, "Po1",
    ),
    "no such VLAN": (
        {"type": "switch.vlans", "vlans": [{"id": 40}]}, {}, "VLAN 40",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("check", "changes", "about"), FAULTS.values(), ids=FAULTS)
def test_one_fault_is_named(tmp_path: Path, check: dict[str, Any], changes: Objects, about: str) -> None:
    with Agent(healthy() | changes) as served:
        result, code = run(tmp_path, served, **check)
    assert (result["status"], code) == ("fail", 4)
    failures = [one for one in result["findings"] if one["status"] == "fail"]
    assert any(about in finding["subject"] for finding in failures)
    assert all(finding["fix"] and finding["expected"] and finding["observed"] for finding in failures)


def test_a_port_in_the_wrong_vlan_is_named_with_the_vlan_it_is_in(tmp_path: Path) -> None:
    moved = {
        oid(f"{Q}.5.1.1.2"): 30, oid(f"{Q}.2.1.4.0.20"): b"\x90", oid(f"{Q}.2.1.5.0.20"): b"\x80",
        oid(f"{Q}.2.1.4.0.30"): b"\x70", oid(f"{Q}.2.1.5.0.30"): b"\x60",
    }  # fmt: skip
    with Agent(healthy() | moved) as served:
        result, _ = run(tmp_path, served, **VLANS)
    (finding,) = bad(result)
    assert finding["subject"].endswith("Gi1/0/2")
    assert "30" in finding["observed"]


SYSTEM = oid("1.3.6.1.2.1.1")
IF_TABLES = (oid("1.3.6.1.2.1.2"), oid("1.3.6.1.2.1.31"))


@pytest.mark.parametrize(
    ("check", "lies"),
    [
        (PORTS, Lies(only=(SYSTEM,))),
        ({"type": "switch.ports"}, Lies(only=(SYSTEM,))),
        ({"type": "switch.ports"}, Lies(only=(SYSTEM, oid("1.3.6.1.2.1.2.2.1.2")))),
        ({"type": "switch.ports"}, Lies(silent_at=oid(f"{OPER}.3"))),
        ({"type": "switch.ports"}, Lies(stuck=True)),
        ({"type": "switch.ports"}, Lies(endless=oid(OPER))),
        ({"type": "switch.ports"}, Lies(nulls=True)),
        ({"type": "switch.vlans"}, Lies(only=(SYSTEM, *IF_TABLES))),
        (VLANS, Lies(only=(SYSTEM, *IF_TABLES))),
        ({"type": "switch.vlans"}, Lies(silent_at=oid(f"{Q}.2.1.5"))),
        ({"type": "switch.vlans"}, Lies(only=(SYSTEM, *IF_TABLES, oid(f"{Q}.3"), oid(f"{Q}.5")))),
        ({"type": "switch.identity"}, Lies(only=IF_TABLES)),
        ({"type": "switch.identity"}, Lies(silent=True)),
    ],
    ids=[
        "restricted-plan", "restricted", "no-states", "silent-in-the-middle", "loop", "endless", "nulls",
        "no-vlans-in-view", "no-vlans-in-view-plan", "silent-in-vlans", "names-and-pvid-only",
        "no-system-group", "silent",
    ],
)  # fmt: skip
def test_what_is_hidden_is_never_a_pass(tmp_path: Path, check: dict[str, Any], lies: Lies) -> None:
    with Agent(healthy(), lies=lies) as served:
        result, code = run(tmp_path, served, **check)
    assert (result["status"], code) == ("inconclusive", 3)
    assert all(one["fix"] for one in bad(result))


def test_both_ends_of_a_trunk_are_read(tmp_path: Path) -> None:
    trunk = {"port": "Po1", "peer_port": "Po1"}
    with Agent(healthy()) as near, Agent(healthy() | {oid(f"{Q}.2.1.4.0.30"): b"\x20"}) as far:
        same, _ = run(tmp_path, near, type="switch.vlans", trunks=[{**trunk, "peer": near.endpoint}])
        other, _ = run(tmp_path, near, type="switch.vlans", trunks=[{**trunk, "peer": far.endpoint}])
        with Agent(healthy(), lies=Lies(only=(SYSTEM,))) as hidden:
            unread, _ = run(tmp_path, near, type="switch.vlans", trunks=[{**trunk, "peer": hidden.endpoint}])
    assert same["status"] == "pass"
    assert (other["status"], unread["status"]) == ("fail", "inconclusive")
    assert "VLAN 30 ends at this trunk" in bad(other)[0]["message"]
    assert far.asked["set"] == 0


def test_observations_carry_the_promised_fields(tmp_path: Path) -> None:
    with Agent(healthy()) as served:
        identity, _ = run(tmp_path, served, type="switch.identity")
        ports, _ = run(tmp_path, served, type="switch.ports")
        vlans, _ = run(tmp_path, served, type="switch.vlans")
    wanted = {"sys_name": "sw1", "sys_object_id": "1.3.6.1.4.1.99999.1", "model": "SW-48P", "serial": "FCW1"}
    assert wanted.items() <= identity["observation"].items()
    assert "firmware" in identity["observation"]
    first = {
        "if_index": 1, "name": "Gi1/0/1", "alias": "", "admin": "up", "oper": "up", "speed_mbps": 1000,
        "duplex": "full",
    }  # fmt: skip
    assert first.items() <= ports["observation"]["ports"][0].items()
    office = {"id": 20, "name": "Office", "untagged": [1, 2], "tagged": [101]}
    assert office in vlans["observation"]["vlans"]
    assert vlans["observation"]["pvid"] == {"1": 20, "2": 20, "3": 30, "101": 1}
