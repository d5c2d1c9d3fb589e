"""wifi.link: the connection as the system tells it, and what it does not tell."""

from __future__ import annotations

from typing import Any

import pytest

from checks.wifi.link import WifiLink
from checks.wire.wifi.air import Joined
from tests.checks.wifi.looks import judged, worst
from tests.checks.wire.wifi.beacons import ENTERPRISE3, WPA2_PMF, WPA3, air, heard, name

AP = "f0:9f:c2:00:00:01"


def joined(**fields: Any) -> Joined:
    return Joined(**{
        "interface": "wlan0", "state": "connected", "ssid": "Office", "bssid": AP, "frequency_mhz": 5180,
        "channel": 36, "width_mhz": 80, "signal_dbm": -55.0, "noise_dbm": -92.0, "rx_mbps": 780.0,
        "tx_mbps": 866.7, "elements": name("Office") + WPA3, **fields,
    })  # fmt: skip


def plan(**fields: Any) -> WifiLink:
    return WifiLink(**{"ssid": "Office", **fields})


EVERYTHING = {
    "bssid": AP, "band": "5", "min_signal": -60, "min_rate_mbps": 500.0, "security": ("wpa3-personal",),
}  # fmt: skip
OFF = joined(interface="wlan1", state="disconnected", ssid=None, bssid="", elements=b"")
GOOD = {
    "joined": ([joined()], {}),
    "all of it": ([joined()], EVERYTHING),
    "a second radio is off": ([OFF, joined()], {}),
    "this radio": ([joined(ssid="Other"), joined(interface="wlan1")], {"interface": "wlan1"}),
    "a percentage": ([joined(signal_dbm=None, quality_percent=80)], {}),
    "words": (
        [joined(elements=b"", security="WPA3-Personal CCMP PMF-required")],
        {"security": ("wpa3-personal",)},
    ),
    "enterprise": ([joined(elements=ENTERPRISE3)], {"security": ("wpa3-enterprise",)}),
    "no noise is told": ([joined(noise_dbm=None)], {}),
    "exactly": ([joined(signal_dbm=-67.0, noise_dbm=-92.0)], {"min_signal": -67}),
}


@pytest.mark.parametrize("way", GOOD)
async def test_good(way, monkeypatch):
    radios, asked = GOOD[way]
    findings = await judged(plan(**asked), air(joined=tuple(radios)), monkeypatch)
    assert worst(findings) == "pass", findings
    assert findings


BAD = {
    "another network": ([joined(ssid="Cafe")], {}, "joined to Cafe"),
    "other capitals": ([joined(ssid="OFFICE")], {}, "joined to OFFICE"),
    "not joined": ([OFF], {}, "not joined to any"),
    "only remembered as joined": ([joined(state="disconnected")], {}, "not joined to any"),
    "on its way": ([joined(state="associating")], {}, "not joined to any"),
    "another radio": ([joined(), OFF], {"interface": "wlan1"}, "not joined to any"),
    "another access point": ([joined(bssid="f0:9f:c2:00:00:02")], {"bssid": AP}, "another access point"),
    "another band": ([joined(frequency_mhz=2412, channel=1)], {"band": "5"}, "another band"),
    "too weak": ([joined(signal_dbm=-68.0)], {}, "too weak"),
    "too slow": ([joined(tx_mbps=24.0)], {"min_rate_mbps": 100.0}, "24 Mbit/s only"),
    "receives fast, sends slowly": ([joined(tx_mbps=6.0)], {"min_rate_mbps": 100.0}, "6 Mbit/s only"),
    "wpa2": ([joined(elements=WPA2_PMF)], {"security": ("wpa3-personal",)}, "not wpa3-personal"),
    "open": ([joined(elements=b"", security="Open")], {}, "open"),
}


@pytest.mark.parametrize("way", BAD)
async def test_bad(way, monkeypatch):
    radios, asked, words = BAD[way]
    findings = await judged(plan(**asked), air(joined=tuple(radios)), monkeypatch)
    failing = [one for one in findings if one.status.value == "fail"]
    assert len(failing) == 1, findings
    assert words in failing[0].message


UNCERTAIN = {
    "no radio": ([], {}, {}),
    "another interface does not exist": ([joined()], {"interface": "wlan7"}, {}),
    "redacted": ([joined(ssid=None, bssid="")], {}, {"redacted": True}),
    "the name is hidden": ([joined(ssid=None)], {}, {}),
    "no signal": ([joined(signal_dbm=None)], {}, {}),
    "no rate": ([joined(tx_mbps=None, rx_mbps=None)], {"min_rate_mbps": 100.0}, {}),
    "no address": ([joined(bssid="")], {"bssid": AP}, {}),
    "no band": ([joined(frequency_mhz=None, channel=None)], {"band": "5"}, {}),
    "no security": ([joined(elements=b"")], {"security": ("wpa3-personal",)}, {}),
    "words that may be transition": (
        [joined(elements=b"", security="WPA3-Personal")], {"security": ("wpa3-personal",)}, {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", UNCERTAIN)
async def test_uncertain(way, monkeypatch):
    radios, asked, told = UNCERTAIN[way]
    findings = await judged(plan(**asked), air(joined=tuple(radios), **told), monkeypatch)
    assert worst(findings) == "inconclusive", findings


async def test_noise_is_a_warning(monkeypatch):
    findings = await judged(plan(), air(joined=(joined(signal_dbm=-60.0, noise_dbm=-80.0),)), monkeypatch)
    assert worst(findings) == "warn"
    assert any("20 dB above the noise" in one.message for one in findings)


async def test_what_was_heard_of_the_access_point_tells_its_security(monkeypatch):
    look = air(heard(sent=WPA2_PMF, bssid=AP), joined=(joined(elements=b"", security="WPA3-Personal"),))
    findings = await judged(plan(security=("wpa3-personal",)), look, monkeypatch)
    assert worst(findings) == "fail"


async def test_another_access_point_s_elements_do_not(monkeypatch):
    look = air(heard(bssid="02:00:00:00:00:99"), joined=(joined(elements=b"", security="WPA2-Personal"),))
    findings = await judged(plan(security=("wpa3-personal",)), look, monkeypatch)
    assert worst(findings) == "fail"


def test_it_is_not_blocked_by_a_link_that_is_down():
    assert not plan().needs_link()


async def test_the_rate_that_is_received_says_nothing_of_the_one_that_is_sent(monkeypatch):
    findings = await judged(plan(min_rate_mbps=500), air(joined=(joined(tx_mbps=None),)), monkeypatch)
    assert worst(findings) == "inconclusive"
