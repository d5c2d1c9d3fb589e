"""Bands, channels, widths and what overlaps; the strength of what sources tell."""

from __future__ import annotations

from typing import Any

import pytest

from checks.wire.wifi.air import Heard
from checks.wire.wifi.channel import Place, band_of, is_dfs, overlap, parse_band, place_of
from checks.wire.wifi.strength import shown, strength
from tests.checks.wire.wifi.beacons import eht, element, he_six, ht, name, vht


def heard(elements=b"", **fields: Any) -> Heard:
    return Heard(**{
        "bssid": "02:00:00:00:00:01", "ssid": "x", "frequency_mhz": None, "channel": None, "width_mhz": None,
        "signal_dbm": None, "quality_percent": None, "elements": elements, **fields,
    })  # fmt: skip


@pytest.mark.parametrize("written", ["5", "5 GHz", "5ghz", "5GHz ", 5, 5.0])
def test_a_band_is_written_in_many_ways(written):
    assert parse_band(written) == "5"
    assert parse_band(parse_band(written)) == "5"


def test_the_comma_of_other_countries():
    assert parse_band("2,4 GHz") == parse_band(2.4) == "2.4"


@pytest.mark.parametrize("wrong", ["", "3", "24", None, True, "2.4.5", [], "5 MHz", "60 GHz"])
def test_no_band(wrong):
    with pytest.raises(ValueError, match="A band is"):
        parse_band(wrong)


@pytest.mark.parametrize(
    ("mhz", "band"),
    [(2412, "2.4"), (2484, "2.4"), (5180, "5"), (5885, "5"), (5935, "6"), (5955, "6"), (7115, "6"), (0, ""),
     (60480, ""), (None, "")],
)  # fmt: skip
def test_band_of(mhz, band):
    assert band_of(mhz) == band


PLACES = {
    "20 on 2.4": (ht(6), 2437, ("2.4", 6, 20, [(2427, 2447)])),
    "40 above": (ht(36, 40), 5180, ("5", 36, 40, [(5170, 5210)])),
    "40 below": (ht(40, 40, above=False), 5200, ("5", 40, 40, [(5170, 5210)])),
    "40 on 2.4": (ht(1, 40), 2412, ("2.4", 1, 40, [(2402, 2442)])),
    "80": (ht(36, 40) + vht(1, 42), 5180, ("5", 36, 80, [(5170, 5250)])),
    "160, new way": (ht(36, 40) + vht(1, 42, 50), 5180, ("5", 36, 160, [(5170, 5330)])),
    "160, old way": (ht(36, 40) + vht(2, 50), 5180, ("5", 36, 160, [(5170, 5330)])),
    "80+80": (ht(36, 40) + vht(1, 42, 155), 5180, ("5", 36, 160, [(5170, 5250), (5735, 5815)])),
    "vht of 40": (ht(36, 40) + vht(0, 0), 5180, ("5", 36, 40, [(5170, 5210)])),
    "6 GHz, 80": (he_six(37, 2, 39), 6135, ("6", 37, 80, [(6105, 6185)])),
    "6 GHz, 160": (he_six(37, 3, 39, 47), 6135, ("6", 37, 160, [(6105, 6265)])),
    "6 GHz, 320": (he_six(37, 3, 39, 47) + eht(4, 47, 63), 6135, ("6", 37, 320, [(6105, 6425)])),
    "6 GHz told by the elements alone": (he_six(5, 0, 5), None, ("6", 5, 20, [(5965, 5985)])),
    "eht of 80 on 5": (ht(36, 40) + eht(2, 42), 5180, ("5", 36, 80, [(5170, 5250)])),
    "nothing but DS": (element(3, b"\x0b"), None, ("2.4", 11, None, [(2452, 2472)])),
    "a centre elsewhere is not believed": (ht(36, 40) + vht(1, 155), 5180, ("5", 36, 80, [(5170, 5250)])),
    "a channel of another band is not believed": (element(3, b"\x0b"), 5180, ("5", 36, None, [(5170, 5190)])),
    "nothing": (b"", None, ("", None, None, [])),
    "nonsense": (element(61, b"\xff\xff"), None, ("", 255, 40, [])),
    "channel 14": (element(3, b"\x0e"), 2484, ("2.4", 14, None, [(2474, 2494)])),
}  # fmt: skip


@pytest.mark.parametrize("way", PLACES)
def test_place(way):
    elements, mhz, wanted = PLACES[way]
    found = place_of(heard(name("x") + elements, frequency_mhz=mhz))
    assert (found.band, found.channel, found.width_mhz, [(int(a), int(b)) for a, b in found.spans]) == wanted


def test_without_elements_the_source_s_numbers_count():
    found = place_of(heard(channel=44, width_mhz=80))
    assert (found.band, found.channel, found.width_mhz, found.spans) == ("5", 44, 80, ((5170.0, 5250.0),))
    assert place_of(heard(frequency_mhz=6135, width_mhz=160)).spans == ((6105.0, 6265.0),)
    assert place_of(heard(frequency_mhz=5745, width_mhz=80)).spans == ((5735.0, 5815.0),)


def place(channel, mhz, *spans, band="2.4"):
    return Place(band=band, channel=channel, frequency_mhz=mhz, width_mhz=20, spans=spans)


def test_overlap_begins_where_the_other_does_not_end():
    one, six, three = (place_of(heard(element(3, bytes((n,))))) for n in (1, 6, 3))
    assert not overlap(one, six)
    assert overlap(one, three)
    assert overlap(three, six)
    assert not overlap(one, Place())


def test_dfs():
    assert is_dfs(place_of(heard(frequency_mhz=5260)))
    assert is_dfs(place_of(heard(name("x") + ht(36, 40) + vht(1, 42, 50), frequency_mhz=5180)))
    assert not is_dfs(place_of(heard(frequency_mhz=5240)))
    assert is_dfs(place_of(heard(frequency_mhz=5500)))
    assert not is_dfs(place_of(heard(frequency_mhz=5745)))
    assert not is_dfs(place_of(heard(frequency_mhz=5955)))


LEVELS = {
    "dBm": (-67.0, None, "iw", "-67 dBm"),
    "dBm outweighs": (-67.0, 99, "netsh", "-67 dBm"),
    "Windows": (None, 66, "netsh", "about -67 dBm"),
    "NetworkManager": (None, 55, "nmcli", "about -67 dBm"),
    "none": (None, None, "system_profiler", "unknown"),
    "0 dBm is no signal": (0.0, None, "iw", "unknown"),
    "nonsense": (-500.0, None, "iw", "unknown"),
    "more than all": (None, 101, "netsh", "unknown"),
}


@pytest.mark.parametrize("way", LEVELS)
def test_strength(way):
    dbm, quality, source, wanted = LEVELS[way]
    assert shown(strength(heard(signal_dbm=dbm, quality_percent=quality), source)) == wanted
