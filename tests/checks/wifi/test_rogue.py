"""wifi.rogue: who sends our names."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from checks.wifi._names import skeleton
from checks.wifi.rogue import Rogue, parse_access_point
from tests.checks.wifi.looks import judged, statuses, worst
from tests.checks.wire.wifi.beacons import (
    ENTERPRISE,
    OTHERS,
    TRANSITION,
    WPA2_PMF,
    WPA3,
    air,
    heard,
    ht,
)

OURS, SECOND = "f0:9f:c2:00:00:01", "f0:9f:c2:00:00:02"
STRANGER = "02:00:00:00:00:66"


def plan(**fields: Any) -> Rogue:
    return Rogue(**{"ssids": ("Office",), "access_points": ("f0:9f:c2",), **fields})


PAIR = (heard(bssid=OURS), heard(bssid=SECOND, band="2.4"))
GOOD = {
    "ours": (PAIR, {}),
    "by full addresses": (PAIR, {"access_points": (OURS, SECOND)}),
    "an address derived from ours": ((heard(bssid="f2:9f:c2:00:00:01"), *PAIR), {}),
    "another derived one": ((heard(bssid="06:9f:c2:00:00:01"), *PAIR), {}),
    "the planned security": (PAIR, {"security": ("wpa3-personal",)}),
    "kinds that stand side by side": (
        (heard(bssid=OURS, sent=TRANSITION), heard(bssid=SECOND, band="6")),
        {},
    ),
    "neighbours": ((*PAIR, *OTHERS), {}),
    "an open network for guests": ((heard(bssid=OURS, sent=b""), heard(bssid=SECOND, sent=b"")), {}),
}


@pytest.mark.parametrize("way", GOOD)
async def test_good(way, monkeypatch):
    networks, asked = GOOD[way]
    findings = await judged(plan(**asked), air(*networks), monkeypatch)
    assert worst(findings) == "pass", findings


BAD = {
    "a stranger": ((*PAIR, heard(bssid=STRANGER)), {}, STRANGER, "not planned"),
    "an open twin": ((*PAIR, heard(bssid=STRANGER, sent=b"")), {}, STRANGER, "less secure than ours"),
    "a twin of enterprise by password": (
        (heard(bssid=OURS, sent=ENTERPRISE), heard(bssid=STRANGER, sent=WPA2_PMF)), {}, STRANGER,
        "less secure",
    ),
    "only the stranger": ((heard(bssid=STRANGER), *OTHERS), {}, STRANGER, "not planned"),
    "one of ours that the plan lacks": (PAIR, {"access_points": (OURS,)}, SECOND, "not planned"),
    "a derived address is not the full one": (
        (heard(bssid="f2:9f:c2:00:00:01"), PAIR[0]), {"access_points": (OURS,)}, "f2:9f:c2:00:00:01",
        "not planned",
    ),
    "another maker, not locally administered": (
        (*PAIR, heard(bssid="00:9f:c2:00:00:01")), {}, "00:9f:c2:00:00:01", "not planned",
    ),
    "our address copied, open": ((PAIR[1], heard(bssid=OURS, sent=b"")), {}, OURS, "copies our address"),
    "our address copied, by password": (
        (heard(bssid=SECOND, sent=ENTERPRISE), heard(bssid=OURS, sent=WPA2_PMF)), {}, OURS,
        "copies our address",
    ),
    "not the planned security": (
        (heard(bssid=OURS, sent=WPA2_PMF),), {"security": ("wpa3-personal",)}, OURS,
        "not the planned security",
    ),
    "far away is still there": ((*PAIR, heard(bssid=STRANGER, signal=-94)), {}, STRANGER, "not planned"),
    "without a signal, too": ((*PAIR, heard(bssid=STRANGER, signal=None)), {}, STRANGER, "not planned"),
}  # fmt: skip


@pytest.mark.parametrize("way", BAD)
async def test_bad(way, monkeypatch):
    networks, asked, bssid, words = BAD[way]
    findings = await judged(plan(**asked), air(*networks), monkeypatch)
    told = statuses(findings)
    assert [subject for subject, status in told.items() if status == "fail"] == [f"Office at {bssid}"], (
        findings
    )
    (finding,) = (one for one in findings if one.status.value == "fail")
    assert words in finding.message


UNCERTAIN = {
    "nothing heard": (air(), {}),
    "our own network is not heard": (air(*OTHERS), {}),
    "one of two is not heard": (air(*PAIR), {"ssids": ("Office", "Guest")}),
    "redacted": (air(redacted=True), {}),
    "redacted addresses": (air(heard(bssid=""), redacted=True), {}),
    "no address": (air(heard(bssid="")), {}),
    "a list that is cut": (air(*PAIR, unread=("It says 5, and lists 2.",)), {}),
    "names hidden though nobody says so": (air(*PAIR, heard(elements=b"", ssid=None)), {}),
    "more than are looked at": (air(*PAIR, *OTHERS * 501), {}),
    "only remembered": (air(*PAIR, *OTHERS, fresh=False), {}),
    "a stranger that is only remembered": (
        air(*PAIR, dataclasses.replace(heard(bssid=STRANGER), age_s=900.0)), {},
    ),
    "security that is not told": (air(heard(bssid=OURS, elements=b"", privacy=None)), {}),
    "security that may be another": (
        air(heard(bssid=OURS, elements=b"", security="WPA3-Personal")), {"security": ("wpa3-personal",)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", UNCERTAIN)
async def test_uncertain(way, monkeypatch):
    look, asked = UNCERTAIN[way]
    findings = await judged(plan(**asked), look, monkeypatch)
    assert worst(findings) == "inconclusive", findings


TWINS = [
    "office", "Office ", " Office", "OFFICE", "0ffice", "\u041effice", "Off\u200bice", "Off ice", "Off-ice",
    "0ff1ce", "Of\ufb01ce", "\uff2fffice", "Off\u0456ce",
]  # fmt: skip


@pytest.mark.parametrize("twin", TWINS, ids=ascii)
async def test_a_name_that_looks_like_ours_is_a_warning(twin, monkeypatch):
    findings = await judged(plan(), air(*PAIR, heard(twin, bssid=STRANGER)), monkeypatch)
    assert worst(findings) == "warn"
    (finding,) = (one for one in findings if one.status.value == "warn")
    assert ascii(twin) in finding.observed
    assert finding.observed.isascii()


@pytest.mark.parametrize("other", ["Office-Guest", "Officer", "Home", "Offic", "Ofice", ""])
async def test_another_name_is_none(other, monkeypatch):
    findings = await judged(plan(), air(*PAIR, heard(other, bssid=STRANGER)), monkeypatch)
    assert worst(findings) == "pass"


async def test_a_planned_name_that_looks_like_another_planned_one_is_planned(monkeypatch):
    look = air(*PAIR, heard("office", bssid="f0:9f:c2:00:00:03"))
    assert worst(await judged(plan(ssids=("Office", "office")), look, monkeypatch)) == "pass"


async def test_one_address_on_two_channels_is_told(monkeypatch):
    clone = heard(bssid=OURS, more=ht(100), frequency_mhz=5500, channel=100)
    findings = await judged(plan(), air(heard(bssid=OURS), clone), monkeypatch)
    assert worst(findings) == "warn"
    assert "channel 36" in findings[0].message
    assert "channel 100" in findings[0].message


async def test_a_pass_says_where_was_listened(monkeypatch):
    findings = await judged(plan(), air(*PAIR), monkeypatch)
    assert all("Listened on 2.4 and 5 GHz" in one.message for one in findings)


@pytest.mark.parametrize(
    ("written", "normal"),
    [("F0-9F-C2", "f0:9f:c2"), ("f09fc2", "f0:9f:c2"), ("f09f.c200.0001", OURS), (OURS.upper(), OURS)],
)
def test_addresses_are_written_in_many_ways(written, normal):
    assert parse_access_point(written) == normal
    assert parse_access_point(normal) == normal


@pytest.mark.parametrize("wrong", ["", "f0:9f", "f0:9f:c2:00", "f0:9f-c2", None, 7, "office"])
def test_no_address(wrong):
    with pytest.raises(ValueError, match="An access point is written"):
        parse_access_point(wrong)


def test_a_name_of_nothing_but_marks_has_a_skeleton_of_its_own():
    assert skeleton("---") == ""
    assert skeleton("WPA3") != skeleton("WPA2")


async def test_names_of_nothing_but_marks_do_not_look_alike(monkeypatch):
    look = air(heard("---", WPA3, OURS), heard("...", bssid=STRANGER))
    assert worst(await judged(plan(ssids=("---",)), look, monkeypatch)) == "pass"
