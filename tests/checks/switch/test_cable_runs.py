"""Neighbours, devices by address, spanning tree and PoE through `gonogo run --json`, by a served agent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.checks.device.fixtures import Objects, base_ports, heard, interfaces, local, rows
from tests.checks.switch.test_health_runs import bad, run
from tests.lab.snmp_agent import Agent, Lies
from tests.recordings import oid

NAMES = {10101: "Gi1/0/1", 10102: "Gi1/0/2", 10103: "Gi1/0/3", 10149: "Gi1/0/49"}
STP, POE = "1.3.6.1.2.1.17.2", "1.3.6.1.2.1.105"
OWN, ROOT, PHONE = (bytes.fromhex(f"001b213c4d{end}") for end in ("01", "02", "5e"))
FDB = "1.3.6.1.2.1.17.7.1.2.2.1.2"
PHONE_ARCS = ".".join(map(str, PHONE))


def healthy() -> Objects:
    """A switch: core-1 at its uplink, ap-1 at port 1, a telephone at port 2, its root behind the uplink."""
    crowd = {f"10.2.0.0.0.1.{number}": 49 for number in range(40)}
    return (
        interfaces(NAMES)
        | base_ports({1: 10101, 2: 10102, 3: 10103, 49: 10149})
        | {oid("1.0.8802.1.1.2.1.3.2.0"): OWN}
        | local({1: b"Gi1/0/1", 2: b"Gi1/0/2", 3: b"Gi1/0/3", 49: b"Gi1/0/49"})
        | heard("600.49.1", "core-1", b"Te1/0/3", chassis=ROOT)
        | heard("600.1.2", "ap-1", b"eth0", capabilities=b"\x10")
        | rows(FDB, {f"40.{PHONE_ARCS}": 2, f"10.{PHONE_ARCS}": 49} | crowd)
        | {oid("1.3.6.1.2.1.4.22.1.2.10.10.20.40.9"): PHONE}
        | {
            oid("1.3.6.1.2.1.17.1.1.0"): OWN,
            oid(f"{STP}.1.0"): 3,
            oid(f"{STP}.2.0"): 32768,
            oid(f"{STP}.3.0"): 900_000,
            oid(f"{STP}.4.0"): 3,
            oid(f"{STP}.5.0"): b"\x10\x00" + ROOT,
            oid(f"{STP}.7.0"): 49,
        }
        | rows(f"{STP}.15.1.3", {"1": 5, "2": 5, "3": 2, "49": 5})
        | rows(f"{STP}.15.1.4", {"1": 1, "2": 1, "3": 1, "49": 1})
        | rows(f"{POE}.1.3.1.1.2", {"1": 370})
        | rows(f"{POE}.1.3.1.1.3", {"1": 1})
        | rows(f"{POE}.1.3.1.1.4", {"1": 100})
        | rows(f"{POE}.1.1.1.3", {"1.1": 1, "1.2": 1, "1.3": 1})
        | rows(f"{POE}.1.1.1.6", {"1.1": 3, "1.2": 3, "1.3": 2})
    )


NEIGHBORS: dict[str, Any] = {
    "type": "switch.neighbors",
    "neighbors": [
        {"port": "GigabitEthernet1/0/49", "name": "core-1", "remote_port": "Te1/0/3"},
        {"port": "Gi1/0/1", "name": "ap-1"},
    ],
}
TREE: dict[str, Any] = {"type": "switch.stp", "root": "00:1b:21:3c:4d:02", "blocked": ["Gi1/0/3"]}
POWER: dict[str, Any] = {"type": "switch.poe", "devices": [{"name": "access points", "count": 3, "class": 4}]}
FIND: dict[str, Any] = {
    "type": "switch.find",
    "devices": [
        {"name": "phone", "mac": "001b.213c.4d5e", "port": "Gi1/0/2"},
        {"name": "same phone", "address": "10.20.40.9", "port": "Gi1/0/2"},
    ],
}
CHECKS = [NEIGHBORS, TREE, POWER, FIND]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check["type"])
def test_healthy(tmp_path: Path, check: dict[str, Any]) -> None:
    with Agent(healthy()) as served:
        result, code = run(tmp_path, served, **check)
    assert (result["status"], bad(result), code) == ("pass", [], 0)


@pytest.mark.parametrize(
    ("check", "changes", "subjects", "words"),
    [
        pytest.param(
            NEIGHBORS,
            {
                oid("1.0.8802.1.1.2.1.4.1.1.9.600.49.1"): b"ap-1",
                oid("1.0.8802.1.1.2.1.4.1.1.9.600.1.2"): b"core-1",
            },
            ["Gi1/0/1", "GigabitEthernet1/0/49"],
            "wrong port",
            id="neighbours on the wrong ports",
        ),
        pytest.param(
            NEIGHBORS,
            {oid("1.0.8802.1.1.2.1.4.1.1.7.600.49.1"): b"Te1/0/4"},
            ["GigabitEthernet1/0/49"],
            "another of its ports",
            id="the other end is another port",
        ),
        pytest.param(
            TREE, {oid(f"{STP}.5.0"): b"\x10\x00" + OWN}, ["root bridge"], "root itself", id="unexpected root"
        ),
        pytest.param(
            TREE, {oid(f"{STP}.15.1.3.3"): 5}, ["Gi1/0/3"], "is not", id="nothing is blocked: a loop"
        ),
        pytest.param(
            POWER,
            {oid(f"{POE}.1.3.1.1.4.1"): 290},
            ["PoE budget"],
            "short by 10 W",
            id="PoE is short by one access point",
        ),
        pytest.param(
            FIND,
            {oid(f"{FDB}.40.{PHONE_ARCS}"): 3},
            ["phone", "same phone"],
            "at port Gi1/0/3",
            id="a device on the wrong port",
        ),
    ],
)
def test_one_fault_is_named(
    tmp_path: Path, check: dict[str, Any], changes: Objects, subjects: list[str], words: str
) -> None:
    with Agent(healthy() | changes) as served:
        result, code = run(tmp_path, served, **check)
    assert (result["status"], code) == ("fail", 4)
    failures = [one for one in result["findings"] if one["status"] == "fail"]
    assert len(failures) == len(subjects)
    for finding, subject in zip(sorted(failures, key=lambda one: one["subject"]), subjects, strict=True):
        assert finding["subject"].endswith(subject)
        assert words in finding["message"]
        assert finding["fix"]


SYSTEM, PORTS = oid("1.3.6.1.2.1.1"), (oid("1.3.6.1.2.1.2"), oid("1.3.6.1.2.1.31"))


@pytest.mark.parametrize(
    ("check", "lies"),
    [
        pytest.param(FIND, Lies(only=(SYSTEM,)), id="restricted view"),
        pytest.param(NEIGHBORS, Lies(only=(SYSTEM, *PORTS)), id="no LLDP in the view"),
        pytest.param(FIND, Lies(only=(SYSTEM, *PORTS)), id="no forwarding table in the view"),
        pytest.param(TREE, Lies(only=(SYSTEM, *PORTS)), id="no spanning tree in the view"),
        pytest.param(POWER, Lies(only=(SYSTEM, *PORTS)), id="no PoE in the view"),
        pytest.param(
            NEIGHBORS, Lies(silent_at=oid("1.0.8802.1.1.2.1.4.1.1.9")), id="silent in the middle of LLDP"
        ),
        pytest.param(FIND, Lies(silent_at=oid(FDB)), id="silent in the middle of the forwarding table"),
        pytest.param(TREE, Lies(silent_at=oid(f"{STP}.15.1.3")), id="silent in the middle of the tree"),
        pytest.param(POWER, Lies(silent_at=oid(f"{POE}.1.3.1.1.4")), id="silent in the middle of PoE"),
        pytest.param(FIND, Lies(stuck=True), id="a loop"),
    ],
)
def test_what_is_hidden_is_never_a_pass(tmp_path: Path, check: dict[str, Any], lies: Lies) -> None:
    with Agent(healthy(), lies=lies) as served:
        result, code = run(tmp_path, served, **check)
    assert (result["status"], code) == ("inconclusive", 3)
    assert all(one["fix"] for one in bad(result))


def test_observations_carry_the_promised_fields(tmp_path: Path) -> None:
    with Agent(healthy()) as served:
        result, _ = run(tmp_path, served, type="switch.neighbors")
    heard_ = {one["remote_name"]: one for one in result["observation"]["neighbors"]}
    expected: Mapping[str, Any] = {
        "protocol": "lldp",
        "local_if_index": 10149,
        "remote_name": "core-1",
        "remote_port": "Te1/0/3",
    }
    assert expected.items() <= heard_["core-1"].items()
