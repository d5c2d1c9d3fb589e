from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from checks.contract import Status, worst
from checks.device.poe import Poe as Told
from checks.device.poe import PoeGroup, PoePort
from checks.switch._poe_plan import CLASS_WATTS, Supply, fit
from checks.switch.poe import PlannedPower, Poe, PoeSeen
from tests.checks.switch.made import check_of, port

PORTS = (port(1, "Gi1/0/1"), port(2, "Gi1/0/2"), port(3, "Gi2/0/1"))


def group(number: int = 1, power: float = 370, drawn: float | None = 100, **more: Any) -> PoeGroup:
    plain: dict[str, Any] = {"reserved_w": None, "status": "on", "threshold_percent": None}
    return PoeGroup(group=number, power_w=power, consumption_w=drawn, **{**plain, **more})


def place(if_index: int = 1, **more: Any) -> PoePort:
    plain: dict[str, Any] = {
        "group": 1,
        "number": if_index,
        "enabled": True,
        "state": "searching",
        "power_class": None,
        "watts": None,
    }
    return PoePort(if_index=if_index, **{**plain, **more})


def seen(*groups: PoeGroup, ports: tuple[PoePort, ...] = ()) -> PoeSeen:
    return PoeSeen(name="sw1:161", poe=Told(groups=groups, ports=ports), ports=PORTS)


def plan(*devices: PlannedPower, **more: Any) -> Poe:
    return check_of(Poe, devices=devices, **more)


def some(count: int = 1, **more: Any) -> PlannedPower:
    return PlannedPower(
        **{"name": "AP", "count": count, "power_class": None if "watts" in more else 4, **more}
    )


@pytest.mark.parametrize(
    ("check", "what", "expected", "says"),
    [
        pytest.param(plan(), seen(group()), "pass", "within", id="healthy"),
        pytest.param(plan(some(3)), seen(group()), "pass", "fit", id="they fit"),
        pytest.param(plan(some(9)), seen(group()), "warn", "marginal", id="they just fit"),
        pytest.param(plan(some(10)), seen(group()), "fail", "short by 30 W", id="short by one access point"),
        pytest.param(plan(some(watts=135.0, count=2)), seen(group()), "warn", "fit", id="to the last watt"),
        pytest.param(plan(), seen(group(drawn=330)), "warn", "marginal", id="use above the limit"),
        pytest.param(plan(), seen(group(drawn=380)), "fail", "beyond", id="overdrawn"),
        pytest.param(plan(max_usage=95), seen(group(drawn=330)), "pass", "", id="another limit"),
        pytest.param(
            plan(max_usage=95),
            seen(group(drawn=330, threshold_percent=70)),
            "warn",
            "",
            id="the switch's own limit",
        ),
        pytest.param(
            plan(some(2)), seen(group(reserved_w=330.0)), "fail", "short by 20 W", id="promised to ports"
        ),
        pytest.param(plan(), seen(), "inconclusive", "no PoE supply", id="no supply is told"),
        pytest.param(plan(some()), seen(), "inconclusive", "no PoE supply", id="planned, and none is told"),
        pytest.param(
            plan(), seen(group(power=0, drawn=0, status="off")), "inconclusive", "no PoE", id="supply off"
        ),
        pytest.param(
            plan(some()),
            seen(group(power=0, drawn=0, status="off")),
            "fail",
            "no PoE supply",
            id="off and planned",
        ),
        pytest.param(plan(), seen(group(status="faulty")), "fail", "faulty", id="supply faulty"),
        pytest.param(plan(), seen(group(drawn=None)), "inconclusive", "what is drawn", id="use not told"),
        pytest.param(
            plan(some(2)),
            seen(group(1, 100, 60), group(2, 100, 60)),
            "warn",
            "",
            id="one in each of the stack",
        ),
        pytest.param(
            plan(some(1, power_class=6)),
            seen(group(1, 100, 60), group(2, 100, 60)),
            "fail",
            "in each supply",
            id="together enough, in none enough",
        ),
        pytest.param(
            plan(some(port="Gi1/0/1")), seen(group(), ports=(place(),)), "pass", "PoE is on", id="port on"
        ),
        pytest.param(
            plan(some(port="Gi1/0/1")),
            seen(group(), ports=(place(enabled=False),)),
            "fail",
            "switched off",
            id="port off",
        ),
        pytest.param(
            plan(some(port="Gi1/0/1")),
            seen(group(), ports=(place(state="fault"),)),
            "fail",
            "fault",
            id="port with a fault",
        ),
        pytest.param(
            plan(some(port="Gi1/0/1")),
            seen(group(drawn=370), ports=(place(state="delivering"),)),
            "warn",
            "already",
            id="what delivers is not added again",
        ),
        pytest.param(
            plan(some(port="Gi1/0/2")),
            seen(group(), ports=(place(),)),
            "inconclusive",
            "nothing of PoE",
            id="a port that tells nothing",
        ),
        pytest.param(
            plan(some(port="Gi9")), seen(group(), ports=(place(),)), "fail", "no such port", id="no port"
        ),
        pytest.param(
            plan(some(port="Gi2/0/1")),
            seen(group(1, 370, 0), group(2, 100, 90), ports=(place(3, group=2),)),
            "fail",
            "in each supply",
            id="the supply of its port is full",
        ),
        pytest.param(
            plan(),
            seen(group(), ports=(place(state="fault"),)),
            "fail",
            "reports a fault",
            id="a port's fault",
        ),
    ],
)
def test_judging(check: Poe, what: PoeSeen, expected: str, says: str) -> None:
    findings = list(check.judge(what))
    assert worst(one.status for one in findings) is Status(expected), findings
    assert any(says in one.message for one in findings), findings


@pytest.mark.parametrize(
    ("power_class", "watts"),
    enumerate((15.4, 4.0, 7.0, 15.4, 30.0, 45.0, 60.0, 75.0, 90.0)),
    ids=lambda value: str(value),
)
def test_watts_of_a_class(power_class: int, watts: float) -> None:
    assert PlannedPower(name="x", power_class=power_class).each_w() == watts
    assert CLASS_WATTS[power_class] == watts


def test_devices_are_written_with_their_class() -> None:
    read = TypeAdapter(Poe).validate_json
    check = read('{"host": "sw1", "community": "env:C", "devices": [{"name": "AP", "count": 3, "class": 4}]}')
    assert check.devices == (PlannedPower(name="AP", count=3, power_class=4),)
    for wrong in (
        '{"name": "AP"}',
        '{"name": "AP", "class": 9}',
        '{"name": "AP", "class": 4, "clas": 4}',
        '{"name": "AP", "class": 4, "port": "Gi1", "count": 2}',
    ):
        with pytest.raises(ValidationError):
            read(f'{{"host": "sw1", "community": "env:C", "devices": [{wrong}]}}')


@given(
    st.lists(st.floats(0, 200), min_size=1, max_size=4),
    st.lists(st.floats(0.1, 100), max_size=12),
)
def test_what_is_placed_fits(lefts: list[float], watts: list[float]) -> None:
    supplies = [Supply(group=number, left=left) for number, left in enumerate(lefts)]
    missing = fit(supplies, [("x", one, None) for one in watts])
    placed = sum(one.taken for one in supplies)
    assert placed + sum(one for _, one in missing) == pytest.approx(sum(watts))
    assert all(one.taken <= left + 1e-3 for one, left in zip(supplies, lefts, strict=True))
    if not missing:
        assert sum(watts) <= sum(lefts) + 1e-3
