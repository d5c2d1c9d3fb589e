from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from checks.contract import Status
from checks.device.arp_table import Owner
from checks.device.bridge import Forwarding, Learned
from checks.switch.find import Find, FindSeen, PlannedDevice, _counts, _uplinks
from tests.checks.switch.made import check_of, neighbour, port

MAC, OTHER = "00:1b:21:3c:4d:5e", "00:1b:21:3c:4d:5f"
PORTS = (
    port(1, "Gi1/0/1"),
    port(2, "Gi1/0/2"),
    port(3, "Gi1/0/3", oper="down"),
    port(4, "Gi1/0/4", lag=9),
    port(9, "Po1", members=(4,)),
)


def at(place: int | None, vlan: int | None = 10, *, mac: str = MAC, own: bool = False) -> Learned:
    return Learned(mac=mac, if_index=place, vlan=vlan, own=own)


def seen(*entries: Learned, **more: Any) -> FindSeen:
    counts = {str(one.if_index): 1 for one in entries if one.if_index is not None}
    return FindSeen(**{"name": "sw1:161", "ports": PORTS, "entries": entries, "counts": counts, **more})


def device(**more: Any) -> Find:
    plain: dict[str, Any] = {"name": "phone", "mac": None if "address" in more else MAC}
    return check_of(Find, devices=(PlannedDevice(**{**plain, **more}),))


HERE, ANYWHERE, ADDRESS = device(port="Gi1/0/1"), device(), device(address="10.20.0.9", port="Gi1/0/1")
OWNER = Owner(address="10.20.0.9", mac=MAC, if_index=1)


@pytest.mark.parametrize(
    ("check", "what", "expected", "says"),
    [
        pytest.param(HERE, seen(at(1)), "pass", "Gi1/0/1", id="at the planned port"),
        pytest.param(ANYWHERE, seen(at(2)), "pass", "Gi1/0/2", id="at a port"),
        pytest.param(HERE, seen(at(2)), "fail", "at port Gi1/0/2", id="at the wrong port"),
        pytest.param(device(port="Gi9/9"), seen(at(1)), "fail", "no such port", id="no such port"),
        pytest.param(HERE, seen(), "inconclusive", "not learned", id="silent"),
        pytest.param(device(port="Gi1/0/3"), seen(), "fail", "is down", id="the planned port is down"),
        pytest.param(
            HERE, seen(unread_vlans=(20,)), "inconclusive", "VLANs that it shows", id="a VLAN is not shown"
        ),
        pytest.param(
            HERE, seen(at(None, own=True)), "fail", "the switch itself", id="the switch's own address"
        ),
        pytest.param(HERE, seen(at(None)), "inconclusive", "do not lead to", id="a port that is not known"),
        pytest.param(device(vlan=10), seen(at(1)), "pass", "", id="in its VLAN"),
        pytest.param(device(vlan=20), seen(at(1)), "fail", "VLAN 10, not in 20", id="in the wrong VLAN"),
        pytest.param(
            device(vlan=20), seen(at(1, None)), "inconclusive", "in which VLAN", id="the VLAN is not told"
        ),
        pytest.param(
            ANYWHERE, seen(at(1), uplinks={"1": "sw2"}), "inconclusive", "behind sw2", id="behind another"
        ),
        pytest.param(
            HERE, seen(at(2), uplinks={"2": "sw2"}), "fail", "behind sw2", id="not here, behind another"
        ),
        pytest.param(HERE, seen(at(1), uplinks={"1": "sw2"}), "warn", "sw2", id="a switch between"),
        pytest.param(
            HERE,
            seen(at(1), at(2, 20), uplinks={"2": "sw2"}),
            "pass",
            "",
            id="the uplink has it in another VLAN",
        ),
        pytest.param(
            HERE, seen(at(1), at(2, 20), counts={"1": 1, "2": 40}), "pass", "", id="the port with the fewest"
        ),
        pytest.param(HERE, seen(at(1), at(2, 20)), "inconclusive", "several ports", id="two as likely"),
        pytest.param(ANYWHERE, seen(at(1), counts={"1": 60}), "warn", "59 other", id="many others there"),
        pytest.param(HERE, seen(at(1), counts={"1": 60}), "pass", "", id="many others at the planned port"),
        pytest.param(device(port="Gi1/0/4"), seen(at(9)), "pass", "", id="at the LAG of the planned port"),
        pytest.param(device(port="Po1"), seen(at(4)), "pass", "", id="at a member of the planned LAG"),
        pytest.param(ADDRESS, seen(at(1), owners=(OWNER,)), "pass", "", id="by address"),
        pytest.param(ADDRESS, seen(at(2), owners=(OWNER,)), "fail", "Gi1/0/2", id="by address, wrong port"),
        pytest.param(
            ADDRESS, seen(routers=("r1",)), "inconclusive", "No router", id="nobody knows the address"
        ),
        pytest.param(
            ADDRESS,
            seen(at(1), owners=(OWNER, Owner(address="10.20.0.9", mac=OTHER, if_index=1))),
            "inconclusive",
            "2 hardware addresses",
            id="two have the address",
        ),
    ],
)
def test_judging(check: Find, what: FindSeen, expected: str, says: str) -> None:
    (finding,) = check.judge(what)
    assert finding.status is Status(expected), finding
    assert says in finding.message
    assert finding.subject == "phone"


def test_another_devices_entries_prove_nothing() -> None:
    (finding,) = HERE.judge(seen(at(1, mac=OTHER)))
    assert finding.status is Status.INCONCLUSIVE


def test_an_uplink_is_known_by_who_is_heard_there() -> None:
    switch = neighbour(4, "sw2", "1")
    told = (neighbour(1, "phone", "x"), dataclasses.replace(switch, capabilities=("bridge",)))
    assert _uplinks(PORTS, told) == {"4": "sw2 (1)", "9": "sw2 (1)"}


def test_addresses_are_counted_once_a_port() -> None:
    entries = (at(1, 10), at(1, 20), at(1, mac=OTHER), at(2, own=True), at(None))
    assert _counts(Forwarding(entries=entries)) == {"1": 2}


def test_slips_are_refused() -> None:
    with pytest.raises(ValueError, match="one of the two"):
        PlannedDevice(name="x")
    with pytest.raises(ValueError, match="one of the two"):
        PlannedDevice(name="x", mac=MAC, address="10.0.0.1")
    with pytest.raises(ValueError, match="routers"):
        check_of(Find, devices=(PlannedDevice(name="x", mac=MAC),), routers=("10.0.0.1",))
    with pytest.raises(ValueError, match="community"):
        Find(host="sw1", devices=(PlannedDevice(name="x", mac=MAC),))
