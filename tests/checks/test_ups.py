"""ups: what is said of a UPS, judged from tables of observations; never a pass for what it does not say."""

from __future__ import annotations

import dataclasses
import json

import pytest

from checks import jsonable
from checks.contract import Status, worst
from checks.device.ups import merged, read_ups
from checks.device.ups_vendors import Said
from checks.device.values import oid
from checks.ups import Ups, UpsSeen
from checks.vantage import CannotTell
from tests import recordings
from tests.beside import DATA

WELL = UpsSeen(
    name="ups:161", sources=("UPS-MIB",), manufacturer="Acme", model="3000", charge_percent=100.0,
    runtime_minutes=40.0, runtime_doubtful=True, load_percent=30.0, on_battery=False, battery_ok=True,
    battery="normal", output="mains", seconds_on_battery=0, alarms=(), alarm_count=0,
)  # fmt: skip
CHECK = Ups(host="192.0.2.9", community="public")


def judged(**changes):
    return list(CHECK.judge(dataclasses.replace(WELL, **changes)))


def status(**changes):
    return worst(finding.status for finding in judged(**changes))


def test_a_healthy_ups_passes():
    assert status() is Status.PASS


@pytest.mark.parametrize(
    ("changes", "wanted", "about"),
    [
        ({"on_battery": True, "output": "battery"}, Status.FAIL, "on battery"),
        ({"output": "bypass"}, Status.FAIL, "bypass"),
        ({"output": "off", "on_battery": None}, Status.FAIL, "no output"),
        ({"on_battery": None, "output": "test"}, Status.INCONCLUSIVE, "cannot be told"),
        ({"on_battery": None, "output": "unknown"}, Status.INCONCLUSIVE, "cannot be told"),
        ({"battery_ok": False, "battery": "replace"}, Status.FAIL, "must be replaced"),
        ({"battery_ok": False, "battery": "depleted"}, Status.FAIL, "is empty"),
        ({"battery_ok": None, "battery": "unknown"}, Status.INCONCLUSIVE, "does not say"),
        ({"charge_percent": 60.0}, Status.FAIL, "Charge"),
        ({"charge_percent": None}, Status.INCONCLUSIVE, "charged"),
        ({"runtime_minutes": 5.0}, Status.FAIL, "runtime"),
        ({"runtime_minutes": None}, Status.INCONCLUSIVE, "how long"),
        ({"runtime_minutes": 0.0}, Status.INCONCLUSIVE, "how long"),
        ({"runtime_minutes": 400.0}, Status.INCONCLUSIVE, "hardly"),
        ({"runtime_minutes": 400.0, "runtime_doubtful": False}, Status.PASS, "runtime"),
        ({"runtime_minutes": 400.0, "load_percent": 2.0}, Status.PASS, "runtime"),
        ({"runtime_minutes": 2400.0}, Status.PASS, "runtime"),
        ({"load_percent": 95.0}, Status.FAIL, "Load"),
        ({"load_percent": None}, Status.INCONCLUSIVE, "load"),
        ({"alarms": ("fan failure",), "alarm_count": 1}, Status.WARN, "alarms"),
        ({"alarms": (), "alarm_count": 2}, Status.WARN, "does not name"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_one_thing_wrong(changes, wanted, about):
    findings = judged(**changes)
    assert worst(finding.status for finding in findings) is wanted
    assert any(about in finding.message for finding in findings if finding.status is wanted)


def test_no_runtime_on_battery_is_a_short_one():
    assert status(on_battery=True, output="battery", runtime_minutes=0.0) is Status.FAIL
    [runtime] = [f for f in judged(on_battery=True, runtime_minutes=0.0) if "runtime" in f.subject]
    assert runtime.status is Status.FAIL


def agent(**values):
    """Return an agent of UPS-MIB with some values changed; None takes one away."""
    base = {
        "2.1.0": 2, "2.2.0": 0, "2.3.0": 40, "2.4.0": 100, "4.1.0": 3, "4.4.1.5.1": 30, "6.1.0": 0,
    } | {key.replace("_", "."): value for key, value in values.items()}  # fmt: skip
    objects = {oid(f"1.3.6.1.2.1.33.1.{key.lstrip('.')}"): v for key, v in base.items() if v is not None}
    return recordings.device(recordings.Recording(objects | {oid("1.3.6.1.2.1.1.2.0"): oid("1.3.6.1.4.1.1")}))


async def test_the_standard_mib_is_read():
    ups = await read_ups(agent())
    assert (ups.charge_percent, ups.runtime_minutes, ups.load_percent) == (100.0, 40.0, 30.0)
    assert (ups.on_battery, ups.battery_ok, ups.output) == (False, True, "mains")
    assert ups.sources == ("UPS-MIB",)


@pytest.mark.parametrize(
    ("values", "field", "wanted"),
    [
        ({"_4_1_0": 5}, "on_battery", True),
        ({"_4_1_0": 5, "_2_2_0": 30}, "on_battery", True),
        ({"_2_2_0": 30}, "on_battery", None),
        ({"_4_1_0": 2}, "output", "off"),
        ({"_4_1_0": 1}, "on_battery", False),
        ({"_4_1_0": None}, "on_battery", False),
        ({"_4_1_0": None, "_2_2_0": None}, "on_battery", None),
        ({"_4_1_0": 0, "_2_2_0": -1}, "on_battery", None),
        ({"_2_1_0": 1}, "battery_ok", None),
        ({"_2_1_0": 3}, "battery_ok", False),
        ({"_2_1_0": 0}, "battery_ok", None),
        ({"_2_3_0": -1}, "runtime_minutes", None),
        ({"_2_4_0": -1}, "charge_percent", None),
        ({"_2_4_0": 1000}, "charge_percent", None),
        ({"_2_4_0": b"87"}, "charge_percent", 87.0),
        ({"_4_4_1_5_1": -1}, "load_percent", None),
        ({"_4_4_1_5_2": 70}, "load_percent", 70.0),
        ({"_6_2_1_2_7": oid("1.3.6.1.2.1.33.1.6.3.16")}, "alarms", ("fan failure",)),
        ({"_6_2_1_2_7": oid("1.3.6.1.2.1.33.1.6.3.2"), "_4_1_0": 1, "_2_2_0": None}, "on_battery", True),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_values_that_agents_send(values, field, wanted):
    assert (
        getattr(await read_ups(agent(**{key.lstrip("_"): v for key, v in values.items()})), field) == wanted
    )


def apc(**values):
    base = {
        "1.3.6.1.4.1.318.1.1.1.2.2.1.0": 97, "1.3.6.1.4.1.318.1.1.1.2.2.3.0": 570900,
        "1.3.6.1.4.1.318.1.1.1.2.1.1.0": 2, "1.3.6.1.4.1.318.1.1.1.4.1.1.0": 2,
        "1.3.6.1.4.1.318.1.1.1.4.2.3.0": 20, "1.3.6.1.4.1.318.1.1.1.2.2.4.0": 1,
    } | {f"1.3.6.1.4.1.318.1.1.1.{key}": value for key, value in values.items()}  # fmt: skip
    objects = {oid(key): value for key, value in base.items() if value is not None}
    who = {oid("1.3.6.1.2.1.1.2.0"): oid("1.3.6.1.4.1.318.1.3.27")}
    return recordings.device(recordings.Recording(objects | who))


@pytest.mark.parametrize(
    ("values", "field", "wanted"),
    [
        ({}, "runtime_minutes", 95.15),
        ({}, "charge_percent", 97.0),
        ({"2.3.1.0": 968}, "charge_percent", 96.8),
        ({"4.1.1.0": 3}, "on_battery", True),
        ({"4.1.1.0": 12}, "on_battery", False),
        ({"4.1.1.0": 15}, "on_battery", None),
        ({"4.1.1.0": 16}, "output", "bypass"),
        ({"4.1.1.0": 7}, "output", "off"),
        ({"2.2.4.0": 2}, "battery", "replace"),
        ({"2.1.1.0": 3}, "battery", "low"),
        ({"2.1.1.0": 1, "2.2.4.0": None}, "battery_ok", None),
        ({"2.1.1.0": 4}, "battery_ok", False),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_an_apc_fills_only_its_own_mib(values, field, wanted):
    assert getattr(await read_ups(apc(**values)), field) == wanted


async def test_two_mibs_that_contradict_each_other_prove_nothing():
    both = apc()
    both.agent.objects.update(agent(**{"4_1_0": 5}).agent.objects)
    both = recordings.device(
        recordings.Recording(both.agent.objects | {oid("1.3.6.1.2.1.1.2.0"): oid("1.3.6.1.4.1.318.1")})
    )
    assert (await read_ups(both)).on_battery is None


async def test_seconds_for_minutes_are_known_by_a_second_source():
    objects = agent(**{"2_3_0": 2594}).agent.objects | {
        oid("1.3.6.1.2.1.1.2.0"): oid("1.3.6.1.4.1.705.1"),
        oid("1.3.6.1.4.1.705.1.5.1.0"): 2594,
    }
    ups = await read_ups(recordings.device(recordings.Recording(objects)))
    assert ups.runtime_minutes == pytest.approx(43.23, abs=0.01)
    assert not ups.runtime_doubtful


@pytest.mark.parametrize("who", ["1.3.6.1.4.1.9.1.1208", "1.3.6.1.4.1.318.1.3.27", "0.0"])
async def test_a_device_that_is_no_ups_is_not_judged(who):
    only = recordings.Recording({oid("1.3.6.1.2.1.1.2.0"): oid(who), oid("1.3.6.1.2.1.33.1.1.1.0"): b"APC"})
    with pytest.raises(CannotTell, match="nothing that a UPS says"):
        await read_ups(recordings.device(only))


def test_an_observation_survives_json():
    stored = json.loads(json.dumps(jsonable.to_json(WELL)))
    assert jsonable.from_json(UpsSeen, stored) == WELL


CLASSES = {"charge": "charge_percent", "load": "load_percent", "runtime": "runtime_minutes"}


@pytest.mark.skipif(not (DATA / "snmp").is_dir(), reason="No recordings lie beside the repository.")
@pytest.mark.parametrize("name", ["apc_smx750i", "eaton-mgeups_5px"])
async def test_recorded_ups_agree_with_what_a_monitoring_system_made_of_them(name):
    ups = await read_ups(recordings.device(recordings.Recording.of(DATA / "snmp" / f"{name}.snmprec")))
    sensors = json.loads((DATA / "snmp" / f"{name}.json").read_text("utf-8"))["sensors"]["discovery"][
        "sensors"
    ]
    compared = 0
    for sensor in sensors:
        if sensor["sensor_class"] in CLASSES and "Time on" not in sensor["sensor_descr"]:
            assert getattr(ups, CLASSES[sensor["sensor_class"]]) == sensor["sensor_current"]
            compared += 1
    assert compared == 3
    assert (ups.on_battery, ups.battery_ok) == (False, True)


def vendor(enterprise, rows):
    objects = {oid(f"1.3.6.1.4.1.{enterprise}.{key}"): value for key, value in rows.items()}
    who = {oid("1.3.6.1.2.1.1.2.0"): oid(f"1.3.6.1.4.1.{enterprise}")}
    return recordings.device(recordings.Recording(objects | who))


@pytest.mark.parametrize(
    ("enterprise", "rows", "field", "wanted"),
    [
        ("534.1", {"2.1.0": 1500, "2.4.0": 80, "4.5.0": 3, "2.5.0": 4}, "runtime_minutes", 25.0),
        ("534.1", {"2.4.0": 80, "4.5.0": 5}, "on_battery", True),
        ("534.1", {"2.4.0": 80, "4.5.0": 11}, "output", "bypass"),
        ("534.1", {"2.4.0": 80, "2.5.0": 3, "2.9.0": 1}, "battery", "replace"),
        ("534.1", {"2.4.0": 80, "2.5.0": 3, "2.9.0": 2}, "battery_ok", True),
        ("534.1", {"2.4.0": 80, "4.4.1.8.1": 12, "4.4.1.8.2": 44}, "load_percent", 44.0),
        ("232.165.3", {"2.1.0": 1200, "4.1.0": 31}, "load_percent", 31.0),
        ("935.10.1", {"1.3.3.0": 600, "1.2.1.0": 4, "1.2.18.1.7.1": 27}, "runtime_doubtful", True),
        ("935.10.1", {"1.3.3.0": 600, "1.2.1.0": 6}, "on_battery", None),
        ("935", {"1.1.1.2.2.1.0": 99, "1.1.1.4.1.1.0": 3}, "on_battery", True),
        ("3808.1", {"1.1.2.2.4.0": 174000, "1.1.4.1.1.0": 2}, "runtime_minutes", 29.0),
        ("705.1", {"7.3.0": 1}, "on_battery", True),
        ("705.1", {"7.3.0": 2, "7.4.0": 1}, "output", "bypass"),
        ("705.1", {"7.3.0": 2, "5.9.0": 2, "5.11.0": 1}, "battery", "replace"),
        ("2254.2.4", {"5.1.0": 1, "7.2.0": 0}, "on_battery", True),
        ("4555.1.1.1.1", {"2.4.0": 73, "2.1.0": 2, "4.1.0": 9, "2.3.0": 41}, "runtime_minutes", 41.0),
        ("4555.1.1.1.1", {"2.4.0": 73, "2.1.0": 5, "4.1.0": 5}, "on_battery", True),
        ("4555.1.1.1.1", {"2.1.0": 6, "4.1.0": 3}, "battery", "fault"),
        ("4555.1.1.1.1", {"4.1.0": 4, "4.4.1.4.1": 12, "4.4.1.4.2": 19}, "load_percent", 19.0),
        ("4555.1.1.1.1", {"4.1.0": 4}, "output", "bypass"),
        ("674.10902.2", {"120.5.3.0": 11179, "110.1.0": 5}, "alarms", ("global status critical",)),
    ],
    ids=str,
)
async def test_the_mibs_of_vendors(enterprise, rows, field, wanted):
    assert getattr(await read_ups(vendor(enterprise, rows)), field) == wanted


async def test_a_card_of_another_maker_is_found_by_asking_all():
    objects = vendor("534.1", {"2.4.0": 80, "4.5.0": 5}).agent.objects
    who = {oid("1.3.6.1.2.1.1.2.0"): oid("1.3.6.1.4.1.8072.3.2.10")}
    assert (await read_ups(recordings.device(recordings.Recording(objects | who)))).on_battery is True


def said(mib="UPS-MIB", **more):
    plain = {"output": "mains", "on_battery": False, "battery": "normal", "charge_percent": 100.0}
    return Said(mib=mib, runtime_minutes=45.0, load_percent=20.0, **{**plain, **more})


@pytest.mark.parametrize(
    ("other", "field", "wanted"),
    [
        ({}, "charge_percent", 100.0),
        ({"charge_percent": 97.0}, "charge_percent", 100.0),
        ({"charge_percent": 20.0}, "charge_percent", None),
        ({"charge_percent": 0.0}, "charge_percent", None),
        ({"output": "bypass"}, "output", "unknown"),
        ({"output": "bypass"}, "on_battery", None),
        ({"output": "off", "on_battery": None}, "on_battery", None),
        ({"output": "boost"}, "output", "mains"),
        ({"output": "test"}, "output", "mains"),
    ],
    ids=str,
)
def test_two_mibs_of_one_ups_that_contradict_each_other_say_nothing(other, field, wanted):
    assert getattr(merged([said(), said("PowerNet-MIB", **other)]), field) == wanted


def test_a_runtime_whose_unit_is_sure_counts():
    doubtful = dataclasses.replace(said(), doubtful=True)
    short = dataclasses.replace(said("XUPS-MIB"), runtime_minutes=4.0)
    assert merged([doubtful, short]).runtime_minutes == 4.0
    assert merged([doubtful, said("XUPS-MIB")]).runtime_minutes == 45.0
