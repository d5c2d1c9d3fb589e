from __future__ import annotations

from typing import Any

import pytest

from checks.contract import Status, worst
from checks.link.interface import Interface, InterfaceSeen
from checks.local.facts import AddressFact, InterfaceFact


def card(*addresses: str, **rest: Any) -> InterfaceFact:
    facts = tuple(
        AddressFact(address=a, prefix=24 if "." in a else 64, family="ipv4" if "." in a else "ipv6")
        for a in addresses
    )
    return InterfaceFact(**{"name": "eth0", "up": True, "mtu": 1500, "addresses": facts, **rest})


GIGABIT = card("10.20.3.4", "fe80::1", speed_mbps=1000, duplex="full")
SIX = card("10.20.3.4", "2001:db8::4", "fe80::1", speed_mbps=100, duplex="half")
DARK = card("10.20.3.4")
RADIO = card("10.20.3.4", wireless=True)
LOST = card("169.254.9.9")

TABLE = [
    ({"up": True}, GIGABIT, "pass"),
    ({"up": True}, card(up=False), "inconclusive"),
    ({"mtu": 1500}, card(up=False), "inconclusive"),
    ({"interface": "eth0", "up": True}, card(up=False), "fail"),
    ({"min_speed_mbps": 1000}, GIGABIT, "pass"),
    ({"min_speed_mbps": 1000}, SIX, "fail"),
    ({"min_speed_mbps": 1}, DARK, "inconclusive"),
    ({"duplex": "full"}, GIGABIT, "pass"),
    ({"duplex": "full"}, SIX, "fail"),
    ({"duplex": "full"}, DARK, "inconclusive"),
    ({"mtu": 1500}, GIGABIT, "pass"),
    ({"mtu": 9000}, GIGABIT, "fail"),
    ({"network": "10.20.0.0/16"}, GIGABIT, "pass"),
    ({"network": "10.21.0.0/16"}, GIGABIT, "fail"),
    ({"network": "10.20.0.0/16"}, LOST, "fail"),
    ({"network": "2001:db8::/32"}, SIX, "pass"),
    ({"network": "2001:db8::/32"}, GIGABIT, "fail"),
    ({"ipv6": "present"}, SIX, "pass"),
    ({"ipv6": "present"}, GIGABIT, "fail"),
    ({"ipv6": "absent"}, GIGABIT, "pass"),
    ({"ipv6": "absent"}, SIX, "fail"),
    ({"medium": "wired"}, GIGABIT, "pass"),
    ({"medium": "wired"}, RADIO, "fail"),
    ({"medium": "wireless"}, RADIO, "pass"),
    ({"medium": "wired"}, card(tunnel=True), "fail"),
    ({"up": True}, None, "inconclusive"),
    ({"interface": "eth9", "up": True}, None, "fail"),
]


@pytest.mark.parametrize(("params", "seen", "expected"), TABLE)
def test_judging(params: dict[str, Any], seen: InterfaceFact | None, expected: str) -> None:
    findings = tuple(Interface(**params).judge(InterfaceSeen(interface=seen, present=("eth0",))))
    assert findings
    assert worst(f.status for f in findings) is Status(expected), findings


@pytest.mark.parametrize(("new", "expected"), [(0, "pass"), (3, "pass"), (4, "fail"), (None, "inconclusive")])
def test_errors(new: int | None, expected: str) -> None:
    seen = InterfaceSeen(interface=GIGABIT, present=("eth0",), watched_s=5.0, new_errors=new)
    (finding,) = Interface(max_new_errors=3).judge(seen)
    assert finding.status is Status(expected)


def test_the_wrong_vlan_and_the_missing_lease_have_different_fixes() -> None:
    check = Interface(network="10.20.0.0/16")
    (other,) = check.judge(InterfaceSeen(interface=card("192.168.1.7"), present=()))
    (none,) = check.judge(InterfaceSeen(interface=LOST, present=()))
    assert "another VLAN" in other.fix
    assert "No lease" in none.fix


@pytest.mark.parametrize("params", [{}, {"interface": "eth0"}, {"window": 3.0}, {"up": True, "window": 0.0}])
def test_a_check_that_asserts_nothing_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"asserts nothing|longer than 0"):
        Interface(**params)


def test_it_is_not_blocked_by_the_very_thing_it_tests() -> None:
    assert not Interface(up=True).needs_link()


def test_a_hostile_name_is_made_harmless() -> None:
    seen = InterfaceSeen(interface=card(name="\x1b[31meth0"), present=("\x1b]52;c;x\x07",))
    (finding,) = Interface(up=True).judge(seen)
    assert "\x1b" not in finding.subject + finding.message
