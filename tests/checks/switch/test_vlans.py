"""switch.vlans: VLANs, their ports and both ends of trunks, judged by tables of what was seen."""

from __future__ import annotations

import pytest

from checks.contract import Status, worst
from checks.device.records import Vlan
from checks.device.vlans import VlansRead
from checks.switch._trunk import FarEnd
from checks.switch.vlans import PlannedTrunk, PlannedVlan, Vlans, VlansSeen
from tests.checks.switch.made import check_of, port

PORTS = (
    port(1, "Gi1/0/1"), port(2, "Gi1/0/2"), port(11, "Te1/1/1", lag=101), port(49, "Gi1/0/49"),
    port(101, "Po1", if_type=161, physical=False, members=(11,)),
)  # fmt: skip
OFFICE = Vlan(id=20, name="Office", untagged=(1, 2), tagged=(49, 101))
NATIVE = Vlan(id=1, name="default", untagged=(49, 101), tagged=())
READ = VlansRead(source="test", vlans=(NATIVE, OFFICE), pvid={"1": 20, "2": 20, "49": 1, "101": 1})


def seen(*, read=READ, ports=PORTS, far=()):
    return VlansSeen(
        name="sw1", source=read.source, vlans=read.vlans, pvid=read.pvid, unread=read.unread,
        suspended=read.suspended, open_trunks=read.open_trunks, ports=ports, far=far,
    )  # fmt: skip


def status(*, vlans=(), trunks=(), **more):
    check = check_of(
        Vlans,
        vlans=tuple(PlannedVlan(**one) for one in vlans),
        trunks=tuple(PlannedTrunk(**o) for o in trunks),
    )
    findings = list(check.judge(seen(**more)))
    assert all(finding.fix for finding in findings if finding.status is not Status.PASS)
    return worst(finding.status for finding in findings)


def read(*vlans, **more):
    return VlansRead(source="test", vlans=vlans, **{"pvid": READ.pvid, **more})


@pytest.mark.parametrize(
    ("plan", "wanted"),
    [
        ({"id": 20}, Status.PASS),
        ({"id": 30}, Status.FAIL),
        ({"id": 20, "name": "office"}, Status.PASS),
        ({"id": 20, "name": "Phones"}, Status.FAIL),
        ({"id": 20, "untagged": ("Gi1/0/1",), "tagged": ("Gi1/0/49",)}, Status.PASS),
        ({"id": 20, "tagged": ("Po1", "Te1/1/1")}, Status.PASS),
        ({"id": 20, "untagged": ("Gi1/0/49",)}, Status.FAIL),
        ({"id": 20, "tagged": ("Gi1/0/1",)}, Status.FAIL),
        ({"id": 20, "untagged": ("Gi1/0/7",)}, Status.FAIL),
        ({"id": 1, "untagged": ("Gi1/0/1",)}, Status.FAIL),
        ({"id": 20, "untagged": ("Gi1/0/1",), "exact": True}, Status.FAIL),
        (
            {"id": 20, "untagged": ("Gi1/0/1", "Gi1/0/2"), "tagged": ("Gi1/0/49", "Po1"), "exact": True},
            Status.PASS,
        ),
    ],
    ids=str,
)
def test_a_planned_vlan(plan, wanted):
    assert status(vlans=[plan]) is wanted


@pytest.mark.parametrize(
    ("plan", "what", "wanted"),
    [
        ({"id": 20}, read(OFFICE, suspended=(20,)), Status.FAIL),
        ({"id": 20, "untagged": ("Gi1/0/1",)}, read(OFFICE, pvid={"1": 1}), Status.FAIL),
        ({"id": 20, "untagged": ("Gi1/0/1",)}, read(OFFICE, pvid={}), Status.PASS),
        ({"id": 20, "untagged": ("Gi1/0/1",)}, read(OFFICE, unread=(20,)), Status.INCONCLUSIVE),
        ({"id": 20, "untagged": ("Gi1/0/1",)}, read(OFFICE, unread=(20,), pvid={"1": 7}), Status.FAIL),
        ({"id": 20, "tagged": ("Gi1/0/2",)}, read(NATIVE, OFFICE, open_trunks=(2,)), Status.FAIL),
        (
            {"id": 20, "tagged": ("Gi1/0/49",)},
            read(Vlan(id=20, name="", untagged=(), tagged=()), open_trunks=(49,)),
            Status.INCONCLUSIVE,
        ),
        (
            {"id": 20, "name": "Office"},
            read(Vlan(id=20, name="", untagged=(), tagged=())),
            Status.INCONCLUSIVE,
        ),
        (
            {"id": 20, "untagged": ("Gi1/0/1", "Gi1/0/2"), "tagged": ("Gi1/0/49", "Po1"), "exact": True},
            read(OFFICE, open_trunks=(49,)),
            Status.INCONCLUSIVE,
        ),
    ],
    ids=[
        "suspended",
        "pvid",
        "no-pvid",
        "unread",
        "unread-pvid",
        "other-way",
        "open",
        "no-name",
        "exact-open",
    ],
)
def test_what_the_switch_does_not_tell(plan, what, wanted):
    assert status(vlans=[plan], read=what) is wanted


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (READ, Status.PASS),
        (read(NATIVE, OFFICE, pvid={"1": 1}), Status.WARN),
        (read(NATIVE, OFFICE, pvid={"1": 525}), Status.FAIL),
        (read(NATIVE, OFFICE, pvid={}), Status.INCONCLUSIVE),
        (read(NATIVE, OFFICE, unread=(1, 20)), Status.INCONCLUSIVE),
        (read(Vlan(id=1, name="", untagged=(), tagged=()), OFFICE, pvid={"49": 1}), Status.PASS),
        (read(Vlan(id=1, name="", untagged=(), tagged=()), pvid={"49": 1}), Status.WARN),
    ],
    ids=["agree", "other", "no-such-vlan", "no-pvid", "unread", "tagged-only", "in-no-vlan"],
)
def test_without_a_plan_the_tables_must_agree(what, wanted):
    assert status(read=what) is wanted


def test_without_a_plan_ports_that_are_down_prove_nothing():
    down = tuple(port(index, f"Gi1/0/{index}", oper="down") for index in (1, 2))
    assert status(ports=down) is Status.INCONCLUSIVE


FAR_PORTS = (port(5, "Te1/5"),)


def far(native=1, tagged=(20,), **more):
    ids = sorted({native, *tagged, *more.pop("others", ())})
    vlans = tuple(
        Vlan(id=i, name="", untagged=(5,) if i == native else (), tagged=(5,) if i in tagged else ())
        for i in ids
    )
    return (FarEnd(host="192.0.2.1", ports=FAR_PORTS, read=read(*vlans, **{"pvid": {"5": native}, **more})),)


TRUNK = {"port": "Gi1/0/49", "peer": "192.0.2.1", "peer_port": "Te1/5"}


@pytest.mark.parametrize(
    ("plan", "there", "wanted"),
    [
        (TRUNK, far(), Status.PASS),
        (TRUNK | {"native": 1, "allowed": (20,)}, far(), Status.PASS),
        (TRUNK, far(native=20, tagged=(1,)), Status.FAIL),
        (TRUNK, far(tagged=(20, 30)), Status.FAIL),
        (TRUNK, far(tagged=()), Status.FAIL),
        (TRUNK, far(open_trunks=(5,)), Status.INCONCLUSIVE),
        (TRUNK, (), Status.INCONCLUSIVE),
        (TRUNK, (FarEnd(host="192.0.2.1", why="It does not answer.", fix="Ask it."),), Status.INCONCLUSIVE),
        (TRUNK | {"peer_port": "Te9/9"}, far(), Status.FAIL),
        ({"port": "Gi1/0/49", "native": 20}, (), Status.FAIL),
        ({"port": "Gi1/0/49", "allowed": (20, 30)}, (), Status.FAIL),
        ({"port": "Gi1/0/49", "allowed": (1,)}, (), Status.WARN),
        ({"port": "Gi1/0/48", "native": 1}, (), Status.FAIL),
        ({"port": "Te1/1/1", "native": 1, "allowed": (20,)}, (), Status.PASS),
    ],
    ids=["agree", "as-planned", "native", "more-there", "less-there", "open", "not-asked", "silent",
         "no-far-port", "native-plan", "lacking", "extra", "no-port", "member"],
)  # fmt: skip
def test_trunks(plan, there, wanted):
    assert status(trunks=[plan], far=there) is wanted


def test_an_open_trunk_is_not_known_to_carry_what_is_planned():
    what = read(NATIVE, Vlan(id=20, name="", untagged=(), tagged=()), open_trunks=(49,))
    assert status(trunks=[{"port": "Gi1/0/49", "allowed": (20,)}], read=what) is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("kind", "plan"),
    [
        (PlannedVlan, {"id": 20, "exact": True}),
        (PlannedVlan, {"id": 20, "untagged": ("a",), "tagged": ("a",)}),
        (PlannedTrunk, {"port": "a"}),
        (PlannedTrunk, {"port": "a", "peer": "192.0.2.1"}),
        (PlannedTrunk, {"port": "a", "native": 1, "peer_port": "b"}),
    ],
    ids=["exact", "both", "nothing", "no-peer-port", "no-peer"],
)
def test_a_plan_that_means_nothing_is_refused(kind, plan):
    with pytest.raises(ValueError, match=r"\."):
        kind(**plan)


def test_a_vlan_planned_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        check_of(Vlans, vlans=(PlannedVlan(id=1), PlannedVlan(id=1)))
