"""wifi.coverage: tables of surveys and what follows from each."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checks import jsonable
from checks.contract import Status, worst
from checks.survey import Look, Reading, SurveyPoint
from checks.vantage import Shared, Vantage
from checks.wifi.coverage import Coverage, CoverageSeen
from checks.wire.wifi.levels import device_of, median
from profiles import wording

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
AP1, AP1_5, AP2 = "00:1b:21:00:00:10", "02:1b:21:00:00:11", "00:1b:21:00:07:10"


def look(*levels: float, ssid: str | None = "Contoso", others: int = 1) -> Look:
    """A look that hears the network from so many access points, and so many foreign ones."""
    own = [
        Reading(ssid=ssid, bssid=f"00:1b:21:00:{number:02x}:10", frequency_mhz=5180, signal_dbm=level)
        for number, level in enumerate(levels)
    ]
    foreign = [
        Reading(ssid="Neighbour", bssid=f"00:99:00:00:{n:02x}:01", frequency_mhz=2412, signal_dbm=-80.0)
        for n in range(others)
    ]
    return Look(source="test", readings=(*own, *foreign))


def point(name: str, *looks: Look, floor="ground", at=NOW, plan="aa") -> SurveyPoint:
    return SurveyPoint(
        check="coverage", name=name, floor=floor, x=float(sum(name.encode())), y=2.0, by="Ann Rey",
        at=at, host="laptop", looks=looks, plan="floor.png", plan_sha256=plan, width=100, height=50,
    )  # fmt: skip


GOOD = (look(-50.0, -60.0),) * 5
OFFICE = tuple(point(f"P{n}", *GOOD) for n in range(5))


async def judged(points: tuple[SurveyPoint, ...], **params):
    check = Coverage(**{"ssid": "Contoso", **params})
    shared = Shared(survey=lambda name: tuple(p for p in points if p.check == name))
    seen = await check.observe(Vantage(shared, "coverage"))
    seen = replace(seen, at=NOW + timedelta(hours=1))
    again = jsonable.from_json(CoverageSeen, jsonable.to_json(seen))
    findings = list(check.judge(again))
    return worst(finding.status for finding in findings) if findings else None, findings


async def test_a_good_office_passes_and_names_its_weakest_points():
    corner = point("corner", *(look(-66.0, -70.0),) * 5)
    status, findings = await judged((*OFFICE, corner))
    assert status is Status.PASS
    assert findings[0].measure.value == -66
    assert findings[0].observed.startswith("the weakest: ground: corner -66 dBm, ground: P0 -50 dBm")


WEAK = {
    "weak": ((look(-71.0, -72.0),) * 5, Status.FAIL, "-71 dBm"),
    "mostly weak": ((*GOOD[:2], *(look(-80.0, -81.0),) * 3), Status.FAIL, "-80 dBm"),
    "silent": ((look(),) * 5, Status.FAIL, "not heard"),
    "silent in half": ((*(look(),) * 3, *GOOD[:3]), Status.FAIL, "not heard"),
    "too few looks": (GOOD[:4], Status.INCONCLUSIVE, "4"),
    "deaf": ((look(others=0),) * 5, Status.INCONCLUSIVE, "0"),
    "hidden": ((look(-50.0, ssid=None),) * 5, Status.INCONCLUSIVE, "names hidden"),
    "another name": ((look(-50.0, ssid="contoso"),) * 5, Status.FAIL, "not heard"),
    "one access point": ((look(-50.0),) * 5, Status.WARN, "none"),
    "a second one far away": ((look(-50.0, -80.0),) * 5, Status.WARN, "-80 dBm"),
}


@pytest.mark.parametrize("name", WEAK)
async def test_one_point_decides_and_is_named(name):
    looks, expected, observed = WEAK[name]
    status, findings = await judged((*OFFICE, point("corner", *looks)))
    assert status is expected
    [about] = [finding for finding in findings if finding.subject == "ground: corner"]
    assert (about.status, about.observed) == (expected, observed)
    assert about.fix


async def test_the_median_counts_not_the_mean():
    corner = point("corner", *GOOD[:3], look(-90.0), look(-90.0))
    assert (await judged((*OFFICE, corner)))[0] is Status.PASS


async def test_nobody_walked():
    status, findings = await judged(())
    assert (status, findings[0].observed) == (Status.INCONCLUSIVE, "no points")
    assert "gonogo survey FILE --check coverage" in findings[0].fix


async def test_points_of_another_check_do_not_count():
    other = tuple(replace(p, check="other") for p in OFFICE)
    assert (await judged(other))[0] is Status.INCONCLUSIVE


async def test_too_few_points_and_floors_that_nobody_walked():
    assert (await judged(OFFICE[:4]))[0] is Status.INCONCLUSIVE
    status, findings = await judged(OFFICE, floors=("ground", "first"))
    assert status is Status.INCONCLUSIVE
    assert [f.subject for f in findings if f.status is Status.INCONCLUSIVE] == ["first"]


async def test_a_point_measured_again_replaces_the_earlier_one():
    weak = point("P0", *(look(-80.0),) * 5, at=NOW - timedelta(hours=1))
    assert (await judged((weak, *OFFICE)))[0] is Status.PASS
    assert (await judged((*OFFICE, replace(weak, at=NOW))))[0] is Status.FAIL


async def test_points_on_another_plan_are_not_mixed():
    status, findings = await judged((*OFFICE[:3], *(replace(p, plan_sha256="bb") for p in OFFICE[3:])))
    assert status is Status.INCONCLUSIVE
    assert "on another plan" in findings[-1].message


async def test_old_points_and_points_of_the_future_prove_nothing():
    old = tuple(replace(p, at=NOW - timedelta(days=15)) for p in OFFICE)
    assert (await judged(old))[0] is Status.INCONCLUSIVE
    late = (*OFFICE, point("corner", *GOOD, at=NOW + timedelta(days=1)))
    assert (await judged(late))[0] is Status.INCONCLUSIVE


async def test_a_band_counts_alone():
    status, findings = await judged(OFFICE, band="2.4")
    assert status is Status.FAIL
    assert "on 2.4 GHz" in findings[0].message


def test_radios_of_one_access_point_are_no_second_one():
    assert device_of(AP1) == device_of(AP1_5) != device_of(AP2)


async def test_a_percentage_is_worth_what_its_source_means_by_it():
    reading = Reading(ssid="Contoso", bssid=AP1, frequency_mhz=5180, quality_percent=66)
    for source, expected in (("netsh", -67.0), ("nmcli", -60.4)):
        corner = point("corner", *(Look(source=source, readings=(reading,)),) * 5)
        _, findings = await judged((*OFFICE, corner), second_ap=None, min_signal=-50)
        [about] = [finding for finding in findings if finding.subject == "ground: corner"]
        assert about.observed == f"{expected:.0f} dBm"


def test_the_median_of_an_even_number_is_the_lower():
    assert median([-50.0, -60.0, -70.0, -80.0]) == -70.0
    assert median([-50.0, -math.inf]) is None
    assert median([]) is None


@pytest.mark.parametrize("params", [{"second_ap": -60}, {"max_age": 0.0}])
def test_refused(params):
    with pytest.raises(ValueError, match=r"second_ap|max_age"):
        Coverage(ssid="Contoso", **params)


async def test_five_names_for_one_place_are_one_place():
    here = tuple(replace(p, x=1.0) for p in OFFICE)
    status, findings = await judged(here)
    assert status is Status.INCONCLUSIVE
    assert findings[-1].observed == "1"
    assert (await judged((*here, *OFFICE[:3])))[0] is Status.INCONCLUSIVE
    assert (await judged((*here, *OFFICE[:4])))[0] is Status.PASS


async def test_a_scan_that_the_system_repeats_is_one_look():
    crowd = tuple(look(-50.0, -60.0, others=8) for _ in range(5))
    status, findings = await judged((*OFFICE, point("corner", *crowd)))
    assert status is Status.INCONCLUSIVE
    assert any("repeated" in (one.observed or "") for one in findings)
    moved = (*crowd[:4], look(-51.0, -60.0, others=8))
    assert (await judged((*OFFICE, point("corner", *moved))))[0] is Status.PASS


def test_a_band_is_written_as_in_the_other_wifi_checks() -> None:
    for written in ("5", "5 GHz", 5):
        made, wrong = wording.validate(Coverage, {"ssid": "Contoso", "band": written})
        assert not wrong
        assert made is not None
        assert made.band == "5"
    assert wording.validate(Coverage, {"ssid": "Contoso", "band": "both"})[0] is None
