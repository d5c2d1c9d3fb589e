from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from checks.contract import Status, worst
from checks.device.stp import ErrDisabled, Inconsistent, StpPort, Tree
from checks.switch.stp import Stp, StpSeen
from tests.checks.switch.made import check_of, port

OWN, ROOT = "00:1b:21:3c:4d:5e", "00:aa:bb:cc:dd:ee"
PORTS = (port(1, "Gi1/0/1"), port(2, "Gi1/0/2"), port(3, "Gi1/0/3", oper="down"))


def place(number: int, state: Any, *, up: bool | None = True) -> StpPort:
    return StpPort(if_index=number, base_port=number, up=up, state=state, enabled=True)


TREE = Tree(
    protocol="ieee802.1d",
    bridge=OWN,
    priority=32769,
    root=ROOT,
    root_priority=4096,
    root_port=1,
    root_port_number=1,
    changes=7,
    since_s=9000.0,
    changes_again=7,
    read_after_s=0.1,
    ports=(place(1, "forwarding"), place(2, "forwarding"), place(3, "blocking", up=False)),
)
BLOCKED = (place(1, "forwarding"), place(2, "blocking"), place(3, "blocking", up=False))


def seen(**more: Any) -> StpSeen:
    return StpSeen(name="sw1:161", ports=PORTS, tree=dataclasses.replace(TREE, **more))


def stp(**more: Any) -> Stp:
    return check_of(Stp, **more)


@pytest.mark.parametrize(
    ("check", "what", "expected", "says"),
    [
        pytest.param(stp(), seen(), "pass", "is known", id="healthy"),
        pytest.param(stp(root=ROOT), seen(), "pass", "planned", id="the planned root"),
        pytest.param(stp(root="self"), seen(), "fail", "Another bridge", id="not root itself"),
        pytest.param(stp(root="self"), seen(root=OWN), "pass", "planned", id="root itself"),
        pytest.param(stp(root=ROOT), seen(root=OWN), "fail", "root itself", id="root against the plan"),
        pytest.param(
            stp(root=ROOT), seen(root="02:00:00:00:00:01"), "fail", "Another bridge", id="an intruder"
        ),
        pytest.param(
            stp(root=ROOT), seen(root=""), "inconclusive", "no root", id="planned, and none is known"
        ),
        pytest.param(stp(), seen(root=""), "inconclusive", "no root", id="none is known"),
        pytest.param(
            stp(root="self"), seen(bridge=""), "inconclusive", "its own", id="its own address is not told"
        ),
        pytest.param(
            stp(min_priority=32768), seen(), "pass", "as planned", id="priority with the VLAN in it"
        ),
        pytest.param(stp(min_priority=40960), seen(), "fail", "become root", id="priority too low"),
        pytest.param(stp(min_priority=4096), seen(priority=None), "inconclusive", "", id="priority not told"),
        pytest.param(stp(), seen(changes_again=8), "fail", "at this moment", id="changing now"),
        pytest.param(stp(), seen(since_s=100.0), "warn", "short while", id="changed lately"),
        pytest.param(stp(stable_for=60), seen(since_s=100.0), "pass", "stable", id="long enough"),
        pytest.param(
            stp(), seen(changes=0, changes_again=0, since_s=0.0), "pass", "never", id="never changed"
        ),
        pytest.param(stp(), seen(since_s=0.0), "inconclusive", "when", id="changes at no time"),
        pytest.param(stp(), seen(since_s=None), "inconclusive", "when", id="time not told"),
        pytest.param(stp(), seen(changes=None, since_s=None), "inconclusive", "when", id="nothing is told"),
        pytest.param(stp(), seen(ports=(place(1, "broken"),)), "fail", "broken", id="a broken port"),
        pytest.param(
            stp(), seen(ports=(place(3, "broken", up=False),)), "pass", "known", id="broken, and it is down"
        ),
        pytest.param(
            stp(),
            seen(inconsistent=(Inconsistent(if_index=2, base_port=2, vlan=10),)),
            "fail",
            "root-inconsistent in VLAN 10",
            id="root guard",
        ),
        pytest.param(
            stp(),
            seen(err_disabled=(ErrDisabled(if_index=2, vlan=0, cause="BPDU guard"),)),
            "fail",
            "BPDU guard",
            id="err-disabled",
        ),
        pytest.param(stp(), seen(ports=BLOCKED), "pass", "second way", id="blocked without a plan"),
        pytest.param(
            stp(blocked=("Gi1/0/2",)), seen(ports=BLOCKED), "pass", "as planned", id="blocked as planned"
        ),
        pytest.param(stp(blocked=("Gi1/0/2",)), seen(), "fail", "is not", id="planned, and it forwards"),
        pytest.param(stp(blocked=("Gi1/0/3",)), seen(), "fail", "not up", id="planned, and it is down"),
        pytest.param(
            stp(blocked=("Gi1/0/1",)), seen(ports=BLOCKED), "fail", "not planned", id="another is blocked"
        ),
        pytest.param(stp(blocked=("Gi9/9",)), seen(), "fail", "no such port", id="no such port"),
        pytest.param(
            stp(blocked=("Gi1/0/2",)),
            seen(ports=(place(1, "forwarding"),)),
            "inconclusive",
            "in this tree",
            id="not in this tree",
        ),
        pytest.param(stp(), seen(ports=()), "inconclusive", "no port", id="no port is told"),
    ],
)
def test_judging(check: Stp, what: StpSeen, expected: str, says: str) -> None:
    findings = list(check.judge(what))
    assert worst(one.status for one in findings) is Status(expected), findings
    assert any(says in one.message for one in findings if one.status is Status(expected)), findings


def test_the_way_to_an_unexpected_root_is_named() -> None:
    finding = next(iter(stp(root="self").judge(seen())))
    assert ROOT in finding.observed
    assert "Gi1/0/1" in finding.observed
