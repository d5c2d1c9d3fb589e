# ruff: noqa: E501
"""Recorded texts of real systems, and made ones: what each of them says, and that nothing breaks a reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.wifi import iw, macos, netsh, nmcli, raster, wpa_cli
from tests.beside import DATA

TEXTS = DATA / "wifi" / "text"
HEATMAPPER = "hnykda__wifi-heatmapper/data"


def recorded(name: str) -> str:
    path = TEXTS / name
    if not path.exists():
        pytest.skip("The recorded texts do not lie beside the repository.")
    return path.read_text("utf-8", "replace")


@pytest.mark.parametrize(
    ("name", "stations", "third"),
    [
        ("win-netsh-networks-de.txt", 9, ("SSID-2", "fe:dc:ba:09:87:03", 44, 87, "Open")),
        ("win-netsh-networks-es.txt", 7, ("SSID-1", "fe:dc:ba:09:87:03", 44, 86, "Open")),
        ("win-netsh-networks-it.txt", 11, ("SSID-3", "fe:dc:ba:09:87:03", 11, 20, "WPA2-Personal CCMP")),
    ],
    ids=["de", "es", "it"],
)
def test_recorded_networks_of_windows(name: str, stations: int, third: tuple[object, ...]) -> None:
    ((title, heard),) = netsh.networks(recorded(f"{HEATMAPPER}/{name}"))
    assert (title, len(heard)) == ("Wi-Fi", stations)
    one = heard[2]
    assert (one.ssid, one.bssid, one.channel, one.quality_percent, one.security) == third


def test_recorded_networks_of_windows_in_dutch() -> None:
    text = recorded("kootenpv__access_points/windows_test.txt")
    ((title, heard),) = netsh.networks(text)
    assert (title, len(heard), netsh.promised(text)) == ("Draadloze netwerkverbinding", 37, 7)
    assert {one.security for one in heard} == {"WPA2-Enterprise CCMP"}
    assert len({one.bssid for one in heard}) == 37
    assert all(one.channel and one.quality_percent and one.rates_mbps for one in heard)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("en", ("SSID-1", "fe:dc:ba:09:87:02", 44, 42, 103, 103, "WPA2-Personal CCMP")),
        ("fr", ("SSID-1", "fe:dc:ba:09:87:02", 11, 80, 103, 206, "Open")),
        ("no-match", ("SomeSSID-X", "fe:dc:ba:09:87:02", 44, 42, 103, 103, "WPA2-Personal CCMP")),
    ],
    ids=["en", "fr", "other-labels"],
)
def test_recorded_connections_of_windows(name: str, expected: tuple[object, ...]) -> None:
    (link,) = netsh.interfaces(recorded(f"{HEATMAPPER}/win-netsh-interfaces-{name}.txt"))
    assert (link.state, link.standard) == ("connected", "802.11ax")
    assert expected == (
        link.ssid, link.bssid, link.channel, link.quality_percent, link.rx_mbps, link.tx_mbps, link.security,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "stations", "state", "link"),
    [
        ("mac-sp_10.15.7.json", 18, "connected", ("SSID-6", 6, None, -55, -98, 145)),
        ("mac-sp_12.7.2-no-AP.json", 0, "disassociated", (None, None, None, None, None, None)),
        ("mac-sp_15.5-on-iPhone.json", 2, "connected", ("SSID-1", 149, 80, -55, -95, 864)),
        ("mac-sp_15.5-wpa2-en.json", 7, "connected", ("SSID-7", 6, 20, -58, -97, 144)),
    ],
)
def test_recorded_reports_of_macos(name: str, stations: int, state: str, link: tuple[object, ...]) -> None:
    ((_, heard, now),) = macos.profiler(recorded(f"{HEATMAPPER}/{name}"))
    assert (len(heard), now.state) == (stations, state)
    assert link == (now.ssid, now.channel, now.width_mhz, now.signal_dbm, now.noise_dbm, now.tx_mbps)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("macOS12-wdutil-2.4GHz-en.txt", ("en1", "connected", "SomeSSID-2.4", 1, 20, -55, -98, 145)),
        ("macOS15-wdutil-2.4GHz-en.txt", ("en0", "connected", None, 1, 20, -63, -97, 48)),
        ("mac-wdutil-nosignal-en.txt", ("en0", "disconnected", None, None, None, None, None, None)),
    ],
)
def test_recorded_connections_of_macos(name: str, expected: tuple[object, ...]) -> None:
    link = macos.wdutil(recorded(f"{HEATMAPPER}/{name}"))
    assert expected == (
        link.interface, link.state, link.ssid, link.channel, link.width_mhz, link.signal_dbm, link.noise_dbm,
        link.tx_mbps,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "first", "words"),
    [
        ("friedrith__node-wifi/macOS/scan/__logs__/scan-space.log", "10:23:03:1a:9f:1c", ["WPA2-Personal CCMP"] * 3),
        ("friedrith__node-wifi/macOS/scan/__logs__/scan-monterey.log", "",
         ["WPA2-Personal CCMP"] * 2 + ["WPA/WPA2-Personal CCMP TKIP"] * 2),
        ("kootenpv__access_points/osx_test.txt", "",
         ["WPA/WPA2-Personal CCMP TKIP"] * 2 + ["WPA-Personal TKIP"] + ["WPA/WPA2-Personal CCMP TKIP"] * 2),
    ],
    ids=["spaces", "monterey", "masked"],
)  # fmt: skip
def test_recorded_scans_by_airport(name: str, first: str, words: list[str]) -> None:
    heard = macos.airport(recorded(name))
    assert [one.security for one in heard] == words
    assert heard[0].bssid == first
    assert all(one.ssid and one.channel and one.signal_dbm for one in heard)


def test_recorded_connection_by_airport() -> None:
    link = macos.airport_joined(recorded("kellyjonbrazil__jc/osx-10.14.6/airport-I.out"), "en0")
    assert (link.ssid, link.bssid, link.channel, link.width_mhz) == (
        "SnazzleDazzle",
        "3c:37:86:15:ad:f9",
        48,
        80,
    )
    assert (link.signal_dbm, link.noise_dbm, link.tx_mbps, link.security) == (-66, -90, 195, "WPA2-Personal")


def test_recorded_list_of_networkmanager() -> None:
    fields = (
        "active",
        "ssid",
        "bssid",
        "mode",
        "chan",
        "freq",
        "signal",
        "security",
        "wpa-flags",
        "rsn-flags",
    )
    text = recorded("friedrith__node-wifi/linux/scan/__logs__/scan-01.log")
    heard = nmcli.stations(text, fields)
    assert len(heard) == 14
    assert [one.security for one in heard[:3]] == [
        "WPA2-Personal CCMP",
        "Open",
        "WPA/WPA2-Personal CCMP TKIP",
    ]
    assert (heard[1].ssid, heard[1].bssid, heard[1].quality_percent) == (
        "Linksys01777-invité",
        "31:23:03:18:9f:1c",
        100,
    )
    assert heard[12].ssid == ""
    (link,) = nmcli.joined(text, fields)
    assert (link.ssid, link.channel) == ("Linksys01777_5GHz", 36)


def test_recorded_scans_of_iw() -> None:
    first, second = iw.scan(recorded("kellyjonbrazil__jc/centos-7.7/iw-scan0.out"))
    assert (first.ssid, first.bssid, first.channel, first.signal_dbm) == (
        "Cisco1240",
        "00:19:a9:cd:c6:80",
        1,
        -45,
    )
    assert (first.security, first.privacy, first.age_s, second.channel) == ("Open", False, 0.429, 11)
    (masked,) = iw.scan(recorded("kellyjonbrazil__jc/centos-7.7/iw-scan2.out"))
    assert (masked.ssid, masked.bssid, masked.width_mhz) == ("Troubleshooting", "", 20)
    assert masked.security == "WPA2-Personal CCMP PMF-no"
    assert iw.interfaces(recorded(f"{HEATMAPPER}/linux-iw-dev-wlp1s0-info.txt")) == ("wlp1s0",)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("WPA2 802.1X:(none):pair_ccmp group_ccmp 802.1x", "WPA2-Enterprise CCMP"),
        ("WPA3:(none):pair_ccmp group_ccmp sae", "WPA3-Personal CCMP"),
        ("WPA2 WPA3:(none):pair_ccmp group_ccmp psk sae", "WPA2/WPA3-Personal CCMP"),
        ("OWE:(none):pair_ccmp group_ccmp owe", "OWE CCMP"),
        ("OWE-TM:(none):owe_transition_mode", "OWE-Transition"),
        ("WEP:(none):(none)", "WEP"),
        ("WPA3 802.1X:(none):pair_gcmp_256 group_gcmp_256 eap_suite_b_192", "WPA3-Enterprise-192"),
        ("--:(none):(none)", "Open"),
    ],
)
def test_networkmanagers_words(row: str, expected: str) -> None:
    line = rf"*:a\:b\\c:AA\:BB\:CC\:DD\:EE\:01:36:5180 MHz:80 MHz:77:{row}:wlan0"
    (one,) = nmcli.stations(line)
    assert (one.ssid, one.width_mhz, one.frequency_mhz) == ("a:b\\c", 80, 5180)
    assert one.security.split()[0] == expected.split()[0]
    (link,) = nmcli.joined(line)
    assert (link.interface, link.bssid) == ("wlan0", "aa:bb:cc:dd:ee:01")


@pytest.mark.parametrize("line", ["a:b", "Error: NetworkManager is not running.", ":".join("x" * 11)])
def test_what_networkmanager_prints_instead_is_no_list(line: str) -> None:
    with pytest.raises(ValueError, match="nmcli printed"):
        nmcli.stations(line)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("[WPA2-PSK-CCMP][ESS]", "WPA2-Personal CCMP"),
        ("[WPA-PSK-TKIP][WPA2-PSK-CCMP][WPS][ESS]", "WPA/WPA2-Personal CCMP TKIP"),
        ("[WPA2-PSK+SAE-CCMP][ESS]", "WPA2/WPA3-Personal CCMP"),
        ("[WPA2-SAE-CCMP][SAE-H2E][ESS]", "WPA3-Personal CCMP"),
        ("[WPA2-EAP-CCMP-preauth][ESS]", "WPA2-Enterprise CCMP"),
        ("[WPA2-EAP-SUITE-B-192-GCMP-256][ESS]", "WPA3-Enterprise-192 GCMP-256"),
        ("[WPA2-OWE-CCMP][ESS]", "OWE CCMP"),
        ("[OWE-TRANS-OPEN][ESS]", "OWE-Transition"),
        ("[WEP][ESS]", "WEP"),
        ("[ESS]", "Open"),
    ],
)
def test_the_supplicants_words(flags: str, expected: str) -> None:
    (one,) = wpa_cli.results(
        f"bssid / frequency\n02:00:00:00:00:01\t5180\t-40\t{flags}\tCaf\\xc3\\xa9 \\\\ x"
    )
    assert (one.security, one.ssid, one.channel, one.signal_dbm) == (expected, "Café \\ x", 36, -40)


REPORT: dict[str, Any] = {
    "SPAirPortDataType": [{"spairport_airport_interfaces": [{
        "_name": "en0", "spairport_status_information": "spairport_status_connected",
        "spairport_current_network_information": {
            "_name": "<redacted>", "spairport_network_channel": "37 (6GHz, 160MHz)",
            "spairport_security_mode": "pairport_security_mode_wpa3_transition",
            "spairport_signal_noise": "-44 dBm / -94 dBm", "spairport_network_rate": 2400,
        },
    }]}],
}  # fmt: skip


def test_a_name_that_macos_hides_is_not_a_name() -> None:
    ((_, (one,), link),) = macos.profiler(json.dumps(REPORT))
    assert (one.ssid, one.channel, one.frequency_mhz, one.width_mhz) == (None, 37, 6135, 160)
    assert (link.ssid, link.security, link.tx_mbps) == (None, "WPA2/WPA3-Personal", 2400)


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "[]", '{"SPAirPortDataType": 3}', "not json"])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        macos.profiler(text)


@pytest.mark.parametrize(
    ("channel", "band", "frequency"),
    [(1, "", 2412), (13, "2.4", 2472), (14, "", 2484), (36, "", 5180), (177, "5", 5885), (1, "6", 5955),
     (2, "6", 5935), (233, "6", 7115), (0, "", None), (36, "2.4", None), (300, "6", None)],
)  # fmt: skip
def test_channels_and_frequencies(channel: int, band: str, frequency: int | None) -> None:
    assert raster.frequency_of(channel, band) == frequency
    if frequency is not None:
        assert raster.channel_of(frequency) == channel


READERS: dict[str, Callable[[str], object]] = {
    "iw-scan": iw.scan, "iw-dev": iw.interfaces, "iw-link": lambda text: iw.link(text, "w"), "iw-noise": lambda text: iw.noise(text, 5180),
    "nmcli": nmcli.stations, "nmcli-split": nmcli.split, "wpa-results": wpa_cli.results,
    "wpa-status": lambda text: wpa_cli.status(text, "w", text), "wdutil": macos.wdutil,
    "airport": macos.airport, "airport-i": lambda text: macos.airport_joined(text, "w"),
    "channel": macos.channel, "profiler": macos.profiler, "mode": macos.mode, "name": raster.unescaped,
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
@given(data=st.data())
def test_no_text_breaks_a_reader(reader: str, data: st.DataObject) -> None:
    parts = st.sampled_from([
        "BSS 02:00:00:00:00:01(on w)\n", "\tSSID: ", "\tRSN:\t * Version: 1\n", "freq: 5180\n", "\n", "\t", "-40 dBm",
        ":", "\\:", "\\", "wpa_state=COMPLETED\n", "freq=5180\n", "WIFI\n", "Interface Name : en0\n",
        "RSSI : -3 dBm\n", "Op Mode : STA\n", "state: running\nchannel: 48,80\n", "[WPA2-", "]", "((", "Y  --",
        "MFP: yes", "Survey data from w [in use]", "noise: -92 dBm", "\0", "\x1b[2J", "é", "٣", "signal: ", "{", "}",
    ])  # fmt: skip
    text = "".join(data.draw(st.lists(st.one_of(parts, st.text(max_size=5)), max_size=40)))
    try:
        READERS[reader](text)
    except ValueError:
        return


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
                        "_name", "spairport_network_channel", "spairport_signal_noise", "spairport_security_mode",
                        "spairport_current_network_information", "spairport_status_information",
                        "spairport_network_rate"]), inner, max_size=4)))  # fmt: skip
def test_no_report_breaks_the_reader(inside: Any) -> None:
    radio = {"_name": "en0", "spairport_status_information": inside, "spairport_current_network_information": inside,
             "spairport_airport_other_local_wireless_networks": [inside, inside]}  # fmt: skip
    text = json.dumps({"SPAirPortDataType": [{"spairport_airport_interfaces": [radio, inside]}, inside]})
    for name, heard, link in macos.profiler(text):
        assert link.interface == name
        assert all(one.channel is None or one.channel > 0 for one in heard if one.frequency_mhz)


def test_the_recorded_texts_lie_where_they_are_looked_for() -> None:
    if not (DATA / "wifi").exists():
        pytest.skip("The recorded texts do not lie beside the repository.")
    assert len([path for path in TEXTS.rglob("*") if Path(path).is_file()]) > 30
