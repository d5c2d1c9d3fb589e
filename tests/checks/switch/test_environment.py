"""switch.environment: what a device says of its parts; nothing shown is never healthy."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.contract import Status, worst
from checks.device.sensor_records import Sensor
from checks.device.sensors import read_sensors, scaled
from checks.device.values import oid
from checks.switch.environment import Environment, EnvironmentSeen
from tests import recordings

FAN = Sensor(mib="M", oid="1.2", kind="fan", name="Fan 1", state="ok", said="normal")
BARE = dataclasses.replace(FAN, kind="temperature", name="Inlet", state="unknown", said="31 °C", value=31.0)
LIGHT = dataclasses.replace(
    FAN, kind="optical power", name="Gi1/0/52 Receive Power", optic=True, state="critical", value=-12.0
)


def judged(*sensors, **more):
    check = Environment(host="192.0.2.2", community="public", **more)
    return list(check.judge(EnvironmentSeen(name="sw:161", sensors=sensors)))


def status(*sensors, **more):
    return worst(finding.status for finding in judged(*sensors, **more))


@pytest.mark.parametrize(
    ("sensors", "wanted"),
    [
        ((), Status.INCONCLUSIVE),
        ((BARE,), Status.INCONCLUSIVE),
        ((dataclasses.replace(FAN, state="absent"),), Status.INCONCLUSIVE),
        ((dataclasses.replace(FAN, state="unknown"),), Status.INCONCLUSIVE),
        ((FAN,), Status.PASS),
        ((FAN, BARE), Status.PASS),
        ((FAN, dataclasses.replace(FAN, state="absent")), Status.PASS),
        ((FAN, dataclasses.replace(FAN, state="critical", said="failed")), Status.FAIL),
        ((FAN, dataclasses.replace(FAN, state="warning")), Status.WARN),
        ((FAN, LIGHT), Status.WARN),
        ((FAN, dataclasses.replace(LIGHT, value=-40.0)), Status.PASS),
        ((dataclasses.replace(LIGHT, state="ok"),), Status.INCONCLUSIVE),
    ],
    ids=range(12),
)
def test_sensors(sensors, wanted):
    assert status(*sensors) is wanted


def test_the_broken_part_is_named():
    [bad] = [f for f in judged(FAN, dataclasses.replace(FAN, name="Fan 2", state="critical")) if f.fix]
    assert bad.subject == "sw:161: Fan 2"
    assert "fan" in bad.fix


def test_many_broken_parts_are_bounded():
    findings = judged(*(dataclasses.replace(FAN, name=f"Fan {n}", state="critical") for n in range(900)))
    assert len(findings) < 50


def test_ignored_parts_are_not_judged_and_prove_nothing():
    broken = dataclasses.replace(FAN, name="Sw1, RPS", state="critical")
    assert status(FAN, broken, ignore=("*rps*",)) is Status.PASS
    assert status(broken, ignore=("*rps*",)) is Status.INCONCLUSIVE


@pytest.mark.parametrize("pattern", ["*", "", "**", "? *", "*a" * 9])
def test_a_pattern_for_everything_is_refused(pattern):
    with pytest.raises(ValueError, match=r"pattern"):
        Environment(host="192.0.2.2", community="public", ignore=(pattern,))


def test_an_observation_survives_json():
    seen = EnvironmentSeen(name="sw:161", sensors=(FAN, LIGHT))
    assert jsonable.from_json(EnvironmentSeen, json.loads(json.dumps(jsonable.to_json(seen)))) == seen


@pytest.mark.parametrize(
    ("value", "scale", "precision", "wanted"),
    [
        (31, 9, 0, 31.0),
        (21625, 8, 0, 21.625),
        (346, 9, 1, 34.6),
        (61, 8, 1, 0.0061),
        (4, 10, 0, 4000.0),
        (48, 9, 1615384784, 48.0),
        (48, 0, -100, 48.0),
        (48, None, None, 48.0),
    ],
)
def test_scale_and_precision(value, scale, precision, wanted):
    assert scaled(value, scale, precision) == pytest.approx(wanted)


@given(st.integers(), st.integers() | st.none(), st.integers() | st.none())
def test_no_number_breaks_the_scale(value, scale, precision):
    if abs(value) < 2**64:
        scaled(value, scale, precision)


def agent(maker, rows):
    objects = {oid("1.3.6.1.2.1.1.2.0"): oid(maker)} | {oid(key): value for key, value in rows.items()}
    return recordings.device(recordings.Recording(objects))


CISCO = "1.3.6.1.4.1.9.9.91.1"


def cisco(value=31, *limits, working=1):
    rows = {
        "1.3.6.1.2.1.47.1.1.1.1.7.5": b"Inlet",
        f"{CISCO}.1.1.1.1.5": 8, f"{CISCO}.1.1.1.2.5": 9, f"{CISCO}.1.1.1.3.5": 0,
        f"{CISCO}.1.1.1.4.5": value, f"{CISCO}.1.1.1.5.5": working,
    }  # fmt: skip
    for place, (severity, relation, limit) in enumerate(limits, 1):
        rows |= {
            f"{CISCO}.2.1.1.2.5.{place}": severity, f"{CISCO}.2.1.1.3.5.{place}": relation,
            f"{CISCO}.2.1.1.4.5.{place}": limit,
        }  # fmt: skip
    return agent("1.3.6.1.4.1.9.1.1208", rows)


@pytest.mark.parametrize(
    ("value", "limits", "wanted"),
    [
        (31, (), "unknown"),
        (31, ((30, 4, 56),), "ok"),
        (60, ((30, 4, 56), (10, 4, 46)), "critical"),
        (50, ((30, 4, 56), (10, 4, 46)), "warning"),
        (-9, ((20, 2, -5),), "critical"),
        (60, ((30, 4, -32768),), "unknown"),
        (60, ((30, 9, 10),), "unknown"),
        (60, ((1, 4, 50),), "warning"),
        (40, ((1, 1, 70), (1, 1, 60)), "unknown"),
        (40, ((20, 1, 70), (20, 1, 60), (20, 1, 5), (20, 1, 10)), "unknown"),
        (4, ((20, 1, 5), (10, 1, 10)), "critical"),
        (4, ((20, 1, 5), (10, 1, 10), (20, 3, 70), (10, 3, 60)), "critical"),
    ],
    ids=str,
)
async def test_cisco_limits(value, limits, wanted):
    [sensor] = await read_sensors(cisco(value, *limits))
    assert (sensor.name, sensor.state) == ("Inlet", wanted)


async def test_a_sensor_that_does_not_work_is_not_well():
    [sensor] = await read_sensors(cisco(31, (30, 4, 56), working=3))
    assert (sensor.state, sensor.value) == ("warning", None)
    [sensor] = await read_sensors(cisco(31, (30, 4, 56), working=2))
    assert sensor.state == "unknown"


@pytest.mark.parametrize(
    ("maker", "rows", "kind", "state"),
    [
        ("1.3.6.1.4.1.9.1.1", {"1.3.6.1.4.1.9.9.13.1.4.1.3.1": 3}, "fan", "critical"),
        ("1.3.6.1.4.1.9.1.1", {"1.3.6.1.4.1.9.9.13.1.5.1.3.1": 5}, "power supply", "absent"),
        ("1.3.6.1.4.1.9.1.1", {"1.3.6.1.4.1.9.9.13.1.5.1.3.1": 6}, "power supply", "critical"),
        ("1.3.6.1.4.1.9.1.1", {"1.3.6.1.4.1.9.9.117.1.4.1.1.1.9": 3}, "fan", "critical"),
        ("1.3.6.1.4.1.11.2", {"1.3.6.1.4.1.11.2.14.11.1.2.6.1.4.1": 2}, "part", "critical"),
        ("1.3.6.1.4.1.11.2", {"1.3.6.1.4.1.11.2.14.11.1.2.6.1.4.1": 77}, "part", "unknown"),
        ("1.3.6.1.4.1.2636.1", {"1.3.6.1.4.1.2636.3.4.2.3.1.0": 3}, "alarm", "critical"),
        ("1.3.6.1.4.1.25506.1", {"1.3.6.1.4.1.25506.8.35.9.1.1.1.2.1": 2}, "fan", "critical"),
        ("1.3.6.1.4.1.4526.1", {"1.3.6.1.4.1.4526.10.43.1.6.1.3.1.0": 3}, "fan", "critical"),
        ("1.3.6.1.4.1.47196.4", {"1.3.6.1.4.1.47196.4.1.1.3.11.5.1.1.5.1.1": b"fault"}, "fan", "critical"),
        ("1.3.6.1.4.1.47196.4", {"1.3.6.1.4.1.47196.4.1.1.3.11.5.1.1.5.1.1": b"new"}, "fan", "unknown"),
        ("1.3.6.1.4.1.2011.2", {"1.3.6.1.4.1.2011.5.25.31.1.1.10.1.7.0.1": 2}, "fan", "critical"),
        ("1.3.6.1.4.1.1916.2", {"1.3.6.1.4.1.1916.1.1.1.9.1.2.1": 2}, "fan", "critical"),
        ("1.3.6.1.4.1.12356.1", {"1.3.6.1.4.1.12356.101.4.3.2.1.4.1": 1}, "part", "critical"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_states_of_vendors(maker, rows, kind, state):
    [sensor] = await read_sensors(agent(maker, rows))
    assert (sensor.kind, sensor.state) == (kind, state)


async def test_another_vendors_table_is_not_asked():
    assert await read_sensors(agent("1.3.6.1.4.1.8072", {"1.3.6.1.4.1.9.9.13.1.4.1.3.1": 1})) == ()
