from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from checks.device.stp import ErrDisabled, Inconsistent, StpPort, Tree, read_instance, read_tree
from checks.vantage import CannotTell
from tests.checks.device.fixtures import base_ports, interfaces, made, rows
from tests.recordings import FOLDER, Recording, device, names, oid

NAMES = {10101: "Gi1/0/1", 10102: "Gi1/0/2"}
STP = "1.3.6.1.2.1.17.2"
SCALARS = {
    oid("1.3.6.1.2.1.17.1.1.0"): bytes.fromhex("001b213c4d5e"),
    oid(f"{STP}.1.0"): 3,
    oid(f"{STP}.2.0"): 32769,
    oid(f"{STP}.3.0"): 90_000,
    oid(f"{STP}.4.0"): 7,
    oid(f"{STP}.5.0"): bytes.fromhex("100100aabbccddee"),
    oid(f"{STP}.7.0"): 2,
}
STATES = rows(f"{STP}.15.1.3", {"1": 2, "2": 5}) | rows(f"{STP}.15.1.4", {"1": 1, "2": 1})


def read(*parts: Any, **more: Any) -> Tree:
    base = base_ports({1: 10101, 2: 10102})
    return asyncio.run(made(interfaces(NAMES, **more), base, *parts).read(read_tree))


def test_a_tree() -> None:
    assert read(SCALARS, STATES, down=(10101,)) == Tree(
        protocol="ieee802.1d",
        bridge="00:1b:21:3c:4d:5e",
        priority=32769,
        root="00:aa:bb:cc:dd:ee",
        root_priority=0x1001,
        root_port=10102,
        root_port_number=2,
        changes=7,
        since_s=900.0,
        changes_again=7,
        read_after_s=0.0,
        ports=(
            StpPort(if_index=10101, base_port=1, up=False, state="blocking", enabled=True),
            StpPort(if_index=10102, base_port=2, up=True, state="forwarding", enabled=True),
        ),
        uptime_s=10_000.0,
    )


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"16384/BC:CF:4F:3E:48:2F", ("bc:cf:4f:3e:48:2f", 16384), id="written out"),
        pytest.param(b"\x80\x00\x00\x1b\x21\x3c\x4d\x5e", ("00:1b:21:3c:4d:5e", 32768), id="eight octets"),
        pytest.param(bytes(8), ("", 0), id="all zero: no root"),
        pytest.param(b"", ("", None), id="empty"),
        pytest.param(b"root", ("", None), id="no bridge id"),
        pytest.param(b"9" * 4000, ("", None), id="a flood of digits"),
    ],
)
def test_the_root_as_agents_write_it(raw: bytes, expected: tuple[str, int | None]) -> None:
    tree = read(SCALARS | {oid(f"{STP}.5.0"): raw}, STATES)
    assert (tree.root, tree.root_priority) == expected


def test_a_cisco_says_which_kind_of_tree_and_what_it_has_shut() -> None:
    tree = read(
        SCALARS | {oid(f"{STP}.1.0"): 1, oid("1.3.6.1.4.1.9.9.82.1.6.1.0"): 5},
        STATES,
        rows("1.3.6.1.4.1.9.9.82.1.5.2.1.3", {"10.1": 1, "20.2": 2}),
        rows("1.3.6.1.4.1.9.9.548.1.3.1.1.2", {"10102.0": 2}),
        vendor=9,
    )
    assert tree.protocol == "rapid-pvst+"
    assert tree.inconsistent == (Inconsistent(if_index=10101, base_port=1, vlan=10),)
    assert tree.err_disabled == (ErrDisabled(if_index=10102, vlan=0, cause="BPDU guard"),)


def test_the_tree_of_one_vlan_is_read_in_its_context() -> None:
    other = SCALARS | {oid(f"{STP}.5.0"): bytes.fromhex("600a001b213c4d5e")} | base_ports({9: 10102})
    switch = made(
        interfaces(NAMES, vendor=9),
        SCALARS,
        STATES,
        contexts={"10": other | rows(f"{STP}.15.1.3", {"9": 2})},
    )
    tree = asyncio.run(read_instance(switch, 10))
    assert tree.root == "00:1b:21:3c:4d:5e"
    assert [(one.if_index, one.state) for one in tree.ports] == [(10102, "blocking")]
    with pytest.raises(CannotTell, match="VLAN 20"):
        asyncio.run(read_instance(switch, 20))


def test_no_tree_is_no_answer() -> None:
    with pytest.raises(CannotTell, match="spanning tree"):
        read({})


NO_PLACE = {"junos_rpm": "without base ports they leave the ports of the tree out; the numbers are ifIndexes"}


@pytest.mark.parametrize("name", names())
def test_recordings(name: str) -> None:
    found = device(Recording.of(FOLDER / f"{name}.snmprec"))
    data = (json.loads((FOLDER / f"{name}.json").read_text()).get("stp") or {}).get("discovery")
    if not data:
        with pytest.raises(CannotTell):
            asyncio.run(found.read(read_tree))
        return
    (theirs,) = data["stp"]
    tree = asyncio.run(found.read(read_tree))
    ours = {
        "bridgeAddress": tree.bridge.replace(":", "") or "0" * 12,
        "designatedRoot": tree.root.replace(":", "") or (theirs["designatedRoot"] and "0" * 12),
        "priority": tree.priority,
        "topChanges": tree.changes or 0,
        "timeSinceTopologyChange": str(int(tree.since_s or 0)),
        "rootBridge": int(bool(tree.root) and tree.root == tree.bridge),
    }
    expected = {key: theirs[key] for key in ours}
    if name == "procurve_e2910":
        assert (expected.pop("rootBridge"), ours.pop("rootBridge")) == (1, 0), "blanked addresses are no root"
    if name == "zynos_gs1900-fdb":
        assert ours.pop("bridgeAddress") == "bccf4f3e482f", "written out: they keep six characters of it"
        assert ours.pop("rootBridge") == 1
        expected = {key: value for key, value in expected.items() if key in ours}
    assert ours == expected
    mine = {
        (one.base_port, one.if_index, one.state)
        for one in tree.ports
        if one.enabled is not False and one.state != "disabled" and one.if_index is not None
    }
    listed = {(one["port_index"], one["ifIndex"], one["state"]) for one in data.get("ports_stp", [])}
    if name in NO_PLACE:
        assert mine, NO_PLACE[name]
        assert not listed
    else:
        assert mine == listed
