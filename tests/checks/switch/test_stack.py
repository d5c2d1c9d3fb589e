"""switch.stack: a member that is missing is told; one that was never told of is not taken for there."""

from __future__ import annotations

import json

import pytest

from checks import jsonable
from checks.contract import Status, worst
from checks.device.stack import Member, StackPort, read_stack
from checks.device.values import oid
from checks.switch.stack import Stack, StackSeen
from checks.vantage import CannotTell
from tests import recordings


def member(number, *, ready=True, state="ready"):
    return Member(number=number, role="member", state=state, ready=ready, serial=f"S{number}")


def seen(*members, kind="StackWise", ring=True, ports=(), split=False):
    return StackSeen(name="sw:161", kind=kind, members=members, ring=ring, ports=ports, split=split)


def status(what, **more):
    check = Stack(host="192.0.2.2", community="public", **more)
    return worst(finding.status for finding in check.judge(what))


TWO = (member(1), member(2))


@pytest.mark.parametrize(
    ("what", "more", "wanted"),
    [
        (seen(*TWO), {}, Status.PASS),
        (seen(*TWO), {"members": 2}, Status.PASS),
        (seen(*TWO), {"members": 3}, Status.FAIL),
        (seen(*TWO), {"members": 1}, Status.FAIL),
        (seen(member(1), member(2, ready=False, state="version mismatch")), {}, Status.FAIL),
        (seen(member(1), member(2, ready=False, state="removed")), {"members": 2}, Status.FAIL),
        (seen(*TWO, ring=False), {}, Status.WARN),
        (seen(*TWO, ring=False), {"ring": False}, Status.PASS),
        (seen(member(1), ring=False), {"members": 1}, Status.PASS),
        (seen(member(1)), {}, Status.INCONCLUSIVE),
        (seen(*TWO, ports=(StackPort(name="a", up=False, said="down"),)), {}, Status.WARN),
        (seen(*TWO, split=True), {}, Status.FAIL),
        (seen(member(1, ready=None), kind="entities"), {}, Status.INCONCLUSIVE),
        (seen(member(1, ready=None), kind="entities"), {"members": 1}, Status.PASS),
        (seen(member(1, ready=None), kind="entities"), {"members": 2}, Status.FAIL),
        (seen(member(1), member(2, ready=None)), {}, Status.INCONCLUSIVE),
        (seen(), {}, Status.INCONCLUSIVE),
    ],
    ids=range(17),
)
def test_stacks(what, more, wanted):
    assert status(what, **more) is wanted


def test_an_observation_survives_json():
    what = seen(*TWO, ports=(StackPort(name="a", up=None, said="?"),))
    assert jsonable.from_json(StackSeen, json.loads(json.dumps(jsonable.to_json(what)))) == what


def device(maker, rows):
    objects = {oid("1.3.6.1.2.1.1.2.0"): oid(maker)} | {oid(key): value for key, value in rows.items()}
    return recordings.device(recordings.Recording(objects))


CSW = "1.3.6.1.4.1.9.9.500.1"


async def test_stackwise():
    stack = await read_stack(
        device(
            "1.3.6.1.4.1.9.1.1208",
            {
                f"{CSW}.2.1.1.1.1001": 1, f"{CSW}.2.1.1.3.1001": 1, f"{CSW}.2.1.1.6.1001": 4,
                f"{CSW}.2.1.1.1.2001": 2, f"{CSW}.2.1.1.3.2001": 2, f"{CSW}.2.1.1.6.2001": 9,
                f"{CSW}.1.3.0": 2, f"{CSW}.2.2.1.1.5180": 2, "1.3.6.1.2.1.2.2.1.2.5180": b"StackSub-St1-1",
                "1.3.6.1.2.1.47.1.1.1.1.11.1001": b"FCW1",
            },
        )
    )  # fmt: skip
    assert [(one.number, one.role, one.state, one.ready) for one in stack.members] == [
        (1, "master", "ready", True), (2, "member", "provisioned", False),
    ]  # fmt: skip
    assert stack.ring is False
    assert stack.ports == (StackPort(name="StackSub-St1-1", up=False, said="down"),)


async def test_virtual_chassis():
    base = "1.3.6.1.4.1.2636.3.40.1.4.1"
    stack = await read_stack(
        device(
            "1.3.6.1.4.1.2636.1.1.1.2",
            {
                f"{base}.1.1.2.0": b"A", f"{base}.1.1.3.0": 1, f"{base}.1.1.2.1": b"B", f"{base}.1.1.3.1": 2,
                f"{base}.2.1.3.0.5.118.99.112.45.48": 1, f"{base}.2.1.4.0.5.118.99.112.45.48": 2,
            },
        )
    )  # fmt: skip
    assert [(one.number, one.role, one.serial) for one in stack.members] == [
        (0, "master", "A"), (1, "backup", "B")
    ]  # fmt: skip
    assert [(one.name, one.up) for one in stack.ports] == [("member 0 vcp-0", False)]


IRF = "1.3.6.1.4.1.25506.2.91"


async def test_irf():
    rows = {
        f"{IRF}.1.2.0": 2, f"{IRF}.1.7.0": 1, f"{IRF}.2.1.1.2": 1, f"{IRF}.2.1.1.3": 2,
        f"{IRF}.3.1.1.20": 2, f"{IRF}.3.1.2.20": 1, f"{IRF}.3.1.1.30": 3, f"{IRF}.3.1.2.30": 2,
        f"{IRF}.4.1.3.1.1": 1, f"{IRF}.4.1.3.1.2": 4,
    }  # fmt: skip
    stack = await read_stack(device("1.3.6.1.4.1.25506.11.1.1", rows))
    assert [(one.number, one.role, one.ready) for one in stack.members] == [
        (1, "master", True), (2, "loading", False),
    ]  # fmt: skip
    assert stack.ring is False
    assert [one.name for one in stack.ports] == ["IRF port 1/1"]


async def test_half_an_irf_table_is_not_judged():
    with pytest.raises(CannotTell, match="counts 2 members"):
        await read_stack(device("1.3.6.1.4.1.25506.1", {f"{IRF}.1.2.0": 2, f"{IRF}.2.1.1.2": 1}))


async def test_chassis_beside_each_other_are_counted_and_modules_are_not():
    base = "1.3.6.1.2.1.47.1.1.1.1"
    rows = {
        f"{base}.5.1": 11, f"{base}.4.1": 0, f"{base}.5.2": 3, f"{base}.4.2": 1, f"{base}.5.3": 3,
        f"{base}.4.3": 1, f"{base}.5.4": 9, f"{base}.4.4": 3, f"{base}.5.5": 3, f"{base}.4.5": 2,
    }  # fmt: skip
    stack = await read_stack(device("1.3.6.1.4.1.890.1", rows))
    assert (stack.kind, len(stack.members)) == ("entities", 2)


async def test_a_device_that_tells_nothing_is_not_judged():
    with pytest.raises(CannotTell, match="no chassis"):
        await read_stack(device("1.3.6.1.4.1.890.1", {}))
