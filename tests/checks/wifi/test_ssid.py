"""wifi.ssid: what is heard decides, and silence never does."""

from __future__ import annotations

import dataclasses

import pytest

from checks.vantage import CannotTell
from checks.wifi.ssid import HeardSsid
from checks.wire.wifi.air import Joined
from tests.checks.wifi.looks import judged, statuses, worst
from tests.checks.wire.wifi.beacons import (
    CAPABLE,
    ENTERPRISE3,
    OTHERS,
    OWE,
    TRANSITION,
    WPA2,
    WPA2_PMF,
    WPA3,
    air,
    heard,
    owe_transition,
    rsn,
    wpa,
)

A, B, C = "f0:9f:c2:00:00:01", "f0:9f:c2:00:00:02", "f0:9f:c2:00:00:03"
BOTH = (heard(bssid=A, band="2.4", signal=-48), heard(bssid=B, band="5", signal=-55))


def aged(seconds, networks):
    return [dataclasses.replace(one, age_s=seconds) for one in networks]


def plan(**fields) -> HeardSsid:
    return HeardSsid(**{"ssid": "Office", **fields})


HALF = owe_transition("02:00:00:00:00:09", "owe-guest")
PARTNER = heard("owe-guest", OWE, "02:00:00:00:00:09")
NAMELESS = heard("", WPA3, C)

GOOD = {
    "heard": ((*BOTH, *OTHERS), plan()),
    "on both bands": ((*BOTH, *OTHERS), plan(bands=("2.4", "5"))),
    "a second one far away": ((*BOTH, heard(bssid=C, signal=-88), *OTHERS), plan(bands=("5",))),
    "the planned security": ((*BOTH,), plan(security=("wpa3-personal",), pmf="required")),
    "one of two kinds": ((*BOTH,), plan(security=("wpa2-enterprise", "wpa3-personal"))),
    "exactly strong enough": ((heard(signal=-67),), plan()),
    "6 GHz": ((heard(band="6"), *OTHERS), plan(bands=("6",), security=("wpa3-personal",))),
    "enterprise": ((heard(sent=ENTERPRISE3),), plan(security=("wpa3-enterprise",))),
    "guests by owe": ((heard(sent=OWE), *OTHERS), plan(guest=True)),
    "an estimate": ((heard(signal=None, quality_percent=80),), plan()),
    "remembered a moment ago": ((heard(age_s=5.0),), plan()),
}


@pytest.mark.parametrize("way", GOOD)
async def test_good(way, monkeypatch):
    networks, check = GOOD[way]
    findings = await judged(check, air(*networks), monkeypatch)
    assert worst(findings) == "pass", findings


BAD = {
    "missing": (OTHERS, plan(), "Office", "not heard"),
    "missing on 5 GHz": (
        (BOTH[0], *OTHERS), plan(bands=("2.4", "5")), "Office on 5 GHz", "It is heard on 2.4 GHz",
    ),
    "missing on 2.4 GHz": ((BOTH[1], *OTHERS), plan(bands=("2.4",)), "Office on 2.4 GHz", "not heard on 2.4"),
    "other capitals": ((heard("office"), *OTHERS), plan(), "Office", "not heard"),
    "a space behind": ((heard("Office "), *OTHERS), plan(), "Office", "not heard"),
    "too weak": ((heard(signal=-68), *OTHERS), plan(), "Office", "too weak"),
    "too weak on one band": (
        (BOTH[0], heard(bssid=B, signal=-80)), plan(bands=("2.4", "5")), "Office on 5 GHz", "too weak",
    ),
    "wpa2 where wpa3 is planned": (
        (heard(sent=WPA2_PMF),), plan(security=("wpa3-personal",)), f"Office at {A}", "wpa2-personal, not",
    ),
    "one of three is wpa2": (
        (*BOTH, heard(sent=WPA2, bssid=C, signal=-85)), plan(security=("wpa3-personal",)), f"Office at {C}",
        "wpa2-personal",
    ),
    "transition where wpa3 is planned": (
        (heard(sent=TRANSITION),), plan(security=("wpa3-personal",)), f"Office at {A}", "transition",
    ),
    "pmf capable where it must be required": (
        (heard(sent=WPA2_PMF),), plan(pmf="required"), f"Office at {A}", "only capable",
    ),
    "open": ((heard(sent=b""),), plan(), f"Office at {A}", "open"),
    "wep": ((heard(sent=b"", privacy=True),), plan(), f"Office at {A}", "WEP"),
    "tkip": ((heard(sent=rsn("PSK", CAPABLE, "CCMP TKIP", "TKIP")),), plan(), f"Office at {A}", "TKIP"),
    "wpa beside wpa2": (
        (heard(sent=WPA2_PMF + wpa()),), plan(security=("wpa2-personal",)), f"Office at {A}", "wpa-personal",
    ),
    "6 GHz with wpa2": ((heard(sent=WPA2_PMF, band="6"),), plan(), f"Office at {A}", "On 6 GHz only"),
    "hidden planned, none hidden": (OTHERS, plan(hidden=True), "Office", "not heard"),
    "nameless ones are not ours": ((NAMELESS, *OTHERS), plan(), "Office", "not heard"),
}  # fmt: skip


@pytest.mark.parametrize("way", BAD)
async def test_bad(way, monkeypatch):
    networks, check, subject, words = BAD[way]
    findings = await judged(check, air(*networks), monkeypatch)
    assert statuses(findings)[subject] == "fail", findings
    (finding,) = (one for one in findings if one.status.value == "fail")
    assert words in finding.message
    assert finding.fix
    assert finding.expected
    assert finding.observed


UNCERTAIN = {
    "nothing heard": (air(), plan()),
    "nothing heard, hidden planned": (air(), plan(hidden=True)),
    "redacted": (air(heard("", b"", ""), redacted=True), plan()),
    "redacted and nothing": (air(redacted=True), plan()),
    "redacted beside a name": (air(*BOTH, redacted=True), plan()),
    "names hidden though nobody says so": (air(heard(elements=b"", ssid=None), *OTHERS), plan()),
    "a list that is cut": (air(*OTHERS, unread=("It says 5, and lists 2.",)), plan()),
    "more than are looked at": (air(*OTHERS * 501), plan()),
    "only remembered": (air(*BOTH, fresh=False), plan()),
    "remembered long ago": (air(*aged(600.0, BOTH), fresh=False), plan()),
    "old in a fresh look": (air(dataclasses.replace(BOTH[0], age_s=600.0), *OTHERS), plan()),
    "not among what is remembered": (air(*aged(1.0, OTHERS), fresh=False), plan()),
    "nobody on 6 GHz": (air(*BOTH, *OTHERS), plan(bands=("6",))),
    "nobody on 5 GHz": (air(BOTH[0], OTHERS[0]), plan(bands=("2.4", "5"))),
    "hidden, and some are nameless": (air(NAMELESS, *OTHERS), plan(hidden=True)),
    "no signal told": (air(heard(signal=None)), plan()),
    "no security told": (air(heard(elements=b"", privacy=None)), plan()),
    "words that may be transition": (
        air(heard(elements=b"", security="WPA3-Personal CCMP")), plan(security=("wpa3-personal",)),
    ),
    "pmf that no words tell": (air(heard(elements=b"", security="WPA3-Personal")), plan(pmf="required")),
    "an rsn element that lies": (air(heard(sent=b"\x30\x02\x02\x00")), plan(security=("wpa3-personal",))),
}  # fmt: skip


@pytest.mark.parametrize("way", UNCERTAIN)
async def test_what_proves_nothing_is_neither_a_pass_nor_a_missing_network(way, monkeypatch):
    look, check = UNCERTAIN[way]
    findings = await judged(check, look, monkeypatch)
    assert worst(findings) == "inconclusive", findings
    assert all(one.fix for one in findings if one.status.value == "inconclusive")


async def test_a_missing_permission_says_how_to_grant_it(monkeypatch):
    (finding,) = await judged(plan(), air(redacted=True), monkeypatch)
    assert "ms-settings:privacy-location" in finding.fix
    assert "System Settings > Privacy & Security > Location Services" in finding.fix


async def test_a_silent_radio_is_not_a_missing_network(monkeypatch):
    (finding,) = await judged(plan(bands=("5",)), air(), monkeypatch)
    assert "no network at all" in finding.message
    assert "radio" in finding.fix


async def test_what_is_remembered_says_when(monkeypatch):
    look = air(*aged(600.0, BOTH), *aged(1.0, OTHERS), fresh=False)
    findings = await judged(plan(), look, monkeypatch)
    assert any("10 min ago" in one.message for one in findings)
    assert worst(findings) == "inconclusive"


async def test_a_hidden_network_is_known_by_the_connection_to_it(monkeypatch):
    joined = Joined(interface="wlan0", state="connected", ssid="Office", bssid=C)
    look = air(NAMELESS, *OTHERS)
    findings = await judged(plan(hidden=True), look, monkeypatch, joined=air(joined=(joined,)))
    assert worst(findings) == "pass"
    assert f"Office at {C}" in statuses(findings)
    gone = dataclasses.replace(joined, state="disconnected")
    for other in (air(joined=(gone,)), CannotTell("No radio.", "Plug one in.")):
        assert worst(await judged(plan(hidden=True), look, monkeypatch, joined=other)) == "inconclusive"
    assert worst(await judged(plan(), look, monkeypatch, joined=air(joined=(joined,)))) == "fail"


WARNED = {
    "wpa2 without pmf": ((heard(sent=WPA2),), plan(security=("wpa2-personal",))),
    "transition": ((heard(sent=TRANSITION),), plan()),
    "transition where wpa2 is planned": ((heard(sent=TRANSITION),), plan(security=("wpa2-personal",))),
    "open for guests": ((heard(sent=b""),), plan(guest=True)),
    "owe for staff": ((heard(sent=OWE),), plan()),
    "owe transition without its other half": ((heard(sent=HALF, privacy=False),), plan(guest=True)),
}


@pytest.mark.parametrize("way", WARNED)
async def test_warned(way, monkeypatch):
    networks, check = WARNED[way]
    assert worst(await judged(check, air(*networks, *OTHERS), monkeypatch)) == "warn"


async def test_the_other_half_of_owe_is_looked_for(monkeypatch):
    alone = await judged(plan(guest=True), air(heard(sent=HALF, privacy=False)), monkeypatch)
    assert any("not heard" in one.message for one in alone)
    pair = await judged(plan(guest=True), air(heard(sent=HALF, privacy=False), PARTNER), monkeypatch)
    assert not any("half" in one.message for one in pair)


async def test_names_from_outside_are_made_safe(monkeypatch):
    evil = "\x1b]52;c;evil\x07"
    findings = await judged(plan(ssid=evil), air(heard(evil)), monkeypatch)
    assert findings
    for one in findings:
        for text in (one.subject, one.message, one.expected, one.observed):
            assert "\x1b" not in text


async def test_the_observation_carries_the_verdict(monkeypatch):
    check = plan()
    await judged(check, air(*BOTH), monkeypatch)
    from checks.contract import Vantage
    from checks.jsonable import to_json
    from checks.vantage import Shared

    seen = to_json(await check.observe(Vantage(Shared())))
    assert seen["access_points"][0]["security"]["kind"] == "wpa3-personal"
    assert seen["access_points"][0]["security"]["pmf"] == "required"
    assert {one["place"]["band"] for one in seen["access_points"]} == {"2.4", "5"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"ssid": "ü" * 17}, "32 bytes"), ({"bands": ("5", "5")}, "twice")],
)
def test_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        plan(**fields)


def test_it_needs_no_link():
    assert not plan().needs_link()


def test_wpa3_is_wpa3():
    assert BOTH[0].elements.endswith(WPA3)
