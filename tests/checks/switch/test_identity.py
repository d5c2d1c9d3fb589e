"""switch.identity: what a device says of itself, held against the plan."""

from __future__ import annotations

import dataclasses

import pytest

from checks.contract import Status, worst
from checks.device.records import System
from checks.switch.identity import Identity

SEEN = System(
    sys_name="sw1.example.com", sys_descr="A switch", sys_object_id="1.3.6.1.4.1.9.1.1208", location="Hall",
    contact="", uptime_s=9.0, vendor="Cisco", model="WS-C2960X-48FPS-L", serial="FCW1", firmware="15.2(7)E9",
    serials=("FCW1", "FCW2"),
)  # fmt: skip


def status(plan, **changes):
    check = Identity(host="192.0.2.2", community="public", **plan)
    return worst(one.status for one in check.judge(dataclasses.replace(SEEN, **changes)))


@pytest.mark.parametrize(
    ("plan", "changes", "wanted"),
    [
        ({}, {}, Status.PASS),
        ({}, {"sys_name": "", "vendor": "", "model": ""}, Status.PASS),
        (
            {},
            {"sys_name": "", "vendor": "", "model": "", "sys_descr": "", "sys_object_id": ""},
            Status.INCONCLUSIVE,
        ),
        ({"sys_name": "SW1.example.com"}, {}, Status.PASS),
        ({"sys_name": "sw1"}, {}, Status.FAIL),
        ({"sys_name": "sw1"}, {"sys_name": ""}, Status.INCONCLUSIVE),
        ({"model": "2960x"}, {}, Status.PASS),
        ({"model": "3850"}, {}, Status.FAIL),
        ({"model": "2960X"}, {"model": ""}, Status.INCONCLUSIVE),
        ({"serial": "fcw2"}, {}, Status.PASS),
        ({"serial": "FCW"}, {}, Status.FAIL),
        ({"serial": "FCW1"}, {"serials": (), "serial": ""}, Status.INCONCLUSIVE),
        ({"firmware": "15.2(7)E9"}, {}, Status.PASS),
        ({"firmware": "15.2(7)E"}, {}, Status.FAIL),
        ({"firmware": "15.2(7)E9"}, {"firmware": ""}, Status.INCONCLUSIVE),
        ({"location": "hall"}, {}, Status.PASS),
        ({"location": "Cellar"}, {}, Status.FAIL),
        ({"sys_name": "sw1.example.com", "serial": "X"}, {}, Status.FAIL),
    ],
    ids=lambda value: str(value)[:50],
)
def test_identity(plan, changes, wanted):
    assert status(plan, **changes) is wanted


def test_a_hostile_name_is_shown_harmless():
    check = Identity(host="192.0.2.2", community="public")
    (finding,) = check.judge(dataclasses.replace(SEEN, sys_name="\x1b[2Jsw"))
    assert "\x1b" not in finding.observed
