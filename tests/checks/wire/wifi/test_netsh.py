"""netsh's texts read by shape: the same records in every language, whatever is hostile in them."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.wifi import netsh
from checks.wire.wifi.lswifi_source import Denied
from checks.wire.wifi.sources import Nothing, Said
from checks.wire.wifi.windows_source import read_interfaces, read_networks
from tests.checks.wire.wifi import netsh_texts
from tests.checks.wire.wifi.netsh_texts import LANGUAGES

OTHERS = [tongue for tongue in LANGUAGES if tongue != "en"]


def test_the_english_text_says_what_its_numbers_say() -> None:
    ((title, heard),) = netsh.networks(netsh_texts.networks(LANGUAGES["en"]))
    assert title == "Wi-Fi"
    told = [
        (h.ssid, h.bssid, h.channel, h.frequency_mhz, h.quality_percent, h.security, h.standard)
        for h in heard
    ]
    assert told == [
        ("Café : gäste", "02:11:22:33:44:01", 6, 2437, 99, "Open", "802.11ax"),
        ("Café : gäste", "02:11:22:33:44:02", 100, 5500, 40, "Open", "802.11ac"),
        ("Firma", "02:11:22:33:44:03", 37, 6135, 71, "WPA2-Enterprise CCMP", "802.11be"),
        ("", "02:11:22:33:44:04", 11, 2462, 5, "WPA2-Personal TKIP", "802.11g"),
    ]
    assert [(h.stations, h.utilisation) for h in heard] == [(3, 128), (None, None), (3, 10), (None, None)]
    assert heard[0].rates_mbps == (5.5, 6, 9, 12, 18, 24, 36, 48, 54)


@pytest.mark.parametrize("tongue", OTHERS)
def test_every_language_gives_the_same_records(tongue: str) -> None:
    assert netsh.networks(netsh_texts.networks(LANGUAGES[tongue])) == netsh.networks(
        netsh_texts.networks(LANGUAGES["en"])
    )


@pytest.mark.parametrize("newer", [False, True], ids=["windows10", "windows11"])
@pytest.mark.parametrize("tongue", LANGUAGES)
def test_every_language_gives_the_same_connection(tongue: str, newer: bool) -> None:
    (link,) = netsh.interfaces(netsh_texts.interfaces(LANGUAGES[tongue], newer=newer))
    assert (link.interface, link.state, link.ssid, link.bssid) == (
        "Wi-Fi 2",
        "connected",
        "Firma",
        "02:11:22:33:44:03",
    )
    assert (link.channel, link.frequency_mhz, link.quality_percent) == (100, 5500, 83)
    assert (link.rx_mbps, link.tx_mbps, link.standard) == (866.7, 780, "802.11ax")
    assert link.security == "WPA2-Enterprise CCMP"
    assert link.signal_dbm == (-58 if newer else None)


@pytest.mark.parametrize("tongue", LANGUAGES)
def test_a_radio_without_a_connection_is_not_connected(tongue: str) -> None:
    (link,) = netsh.interfaces(netsh_texts.interfaces(LANGUAGES[tongue], connected=False))
    assert (link.state, link.bssid, link.ssid) == ("disconnected", "", None)


@pytest.mark.parametrize(
    "word", ["authenticating", "associating", "Authentifizierung wird durchgeführt", "wird verbunden"]
)
def test_a_handshake_that_is_not_over_is_no_connection(word: str) -> None:
    text = netsh_texts.interfaces(dataclasses.replace(LANGUAGES["en"], connected=word))
    (link,) = netsh.interfaces(text.replace("866.7", "0"))
    assert link.state != "connected"


def test_a_word_of_an_unknown_language_is_a_connection_only_if_data_moves() -> None:
    text = netsh_texts.interfaces(dataclasses.replace(LANGUAGES["en"], connected="hokonohia"))
    assert netsh.interfaces(text)[0].state == "connected"
    assert netsh.interfaces(text.replace("866.7", "0"))[0].state == "hokonohia"


@pytest.mark.parametrize(
    ("words", "cipher", "expected"),
    [
        ("WPA3-Personal", "CCMP", "WPA3-Personal CCMP"),
        ("WPA3-Enterprise 192 Bits", "GCMP-256", "WPA3-Enterprise-192 GCMP-256"),
        ("WPA3-Enterprise", "CCMP", "WPA3-Enterprise CCMP"),
        ("WPA-Personal", "TKIP", "WPA-Personal TKIP"),
        ("WPA2 - 企业", "CCMP", "WPA2-Enterprise CCMP"),
        ("WPA2-whakaaro", "CCMP", "WPA2 CCMP"),
        ("OWE", "CCMP", "OWE CCMP"),
        ("Open", "WEP", "WEP"),
        ("Offen", "WEP", "WEP"),
        ("Shared", "WEP", "WEP"),
        ("Offen", "Keine", "Open"),
        ("開放", "無", "Open"),
    ],
)
def test_security_is_read_by_the_protocols_names(words: str, cipher: str, expected: str) -> None:
    text = netsh_texts.networks(dataclasses.replace(LANGUAGES["en"], enterprise=words)).replace(
        "CCMP", cipher
    )
    assert netsh.networks(text)[0][1][2].security == expected


def test_two_radios_are_two_lists() -> None:
    one = netsh_texts.networks(LANGUAGES["nl"])
    found = netsh.networks(one + one.replace("Wi-Fi", "Wi-Fi 2").replace("02:11", "06:11"))
    assert [(title, len(heard)) for title, heard in found] == [("Wi-Fi", 4), ("Wi-Fi 2", 4)]
    assert found[0][1][3].channel == 11
    assert found[1][1][0].bssid == "06:11:22:33:44:01"


def test_carriage_returns_doubled_by_a_pipe_change_nothing() -> None:
    text = netsh_texts.networks(LANGUAGES["fr"])
    assert netsh.networks(text.replace("\n", "\r\r\n")) == netsh.networks(text)
    assert netsh.networks(text.replace("\n", "\r\n")) == netsh.networks(text)


def test_half_a_list_is_no_list() -> None:
    whole = netsh_texts.networks(LANGUAGES["en"])
    begin, end = whole.index("\nSSID 2") + 1, whole.index("\nSSID 3") + 1
    with pytest.raises(ValueError, match="from 1 to 3"):
        netsh.networks(whole[:begin] + whole[end:])
    cut = read_networks(Said(code=0, text=whole[:end]), None)
    assert any("says that there are 3 networks, and lists 2" in sentence for sentence in cut.unread)
    assert not any(
        "says that" in sentence for sentence in read_networks(Said(code=0, text=whole), None).unread
    )


def test_what_netsh_remembers_is_not_a_fresh_scan() -> None:
    air = read_networks(Said(code=0, text=netsh_texts.networks(LANGUAGES["en"])), None)
    assert (air.fresh, air.source, len(air.heard)) == (False, "netsh", 4)


REFUSAL = (
    "Les commandes de l'environnement réseau ont besoin de l'autorisation d'emplacement. "
    "ms-settings:privacy-location La fonction WlanQueryInterface a renvoyé l'erreur 5"
)


def test_a_missing_permission_is_no_missing_network() -> None:
    for read in (read_networks, read_interfaces):
        with pytest.raises(Denied):
            read(Said(code=1, text=REFUSAL), None)


@pytest.mark.parametrize(
    "text", ["", "El servicio de configuración (wlansvc) no se está ejecutando.", "Keine Schnittstelle."]
)
def test_no_radio_and_no_service_are_told(text: str) -> None:
    for read in (read_networks, read_interfaces):
        with pytest.raises(Nothing):
            read(Said(code=1, text=text), None)


@given(st.text(alphabet=st.sampled_from("SID :0123456789abcf%()\n.,-GHzMBWPA2 \r\u00a0é802.11x")))
def test_no_text_breaks_the_reader(text: str) -> None:
    for read in (netsh.networks, netsh.interfaces, netsh.promised, netsh.lines_of):
        try:
            read(text)
        except ValueError:
            continue


@given(st.data())
def test_no_mutation_breaks_the_reader(data: st.DataObject) -> None:
    text = netsh_texts.networks(LANGUAGES["en"])
    at = data.draw(st.integers(0, len(text)))
    text = text[:at] + data.draw(st.text(max_size=40)) + text[at + data.draw(st.integers(0, 60)) :]
    try:
        found = netsh.networks(text)
    except ValueError:
        return
    for _, heard in found:
        assert all(h.quality_percent is None or 0 <= h.quality_percent <= 100 for h in heard)


def test_a_flood_is_bounded() -> None:
    block = "SSID 1 : x\n a : b\n c : d\n e : f\n" + "  BSSID 1 : 02:00:00:00:00:01\n" * 50_000
    assert sum(len(heard) for _, heard in netsh.networks(block)) <= netsh.MAX_NETWORKS


def test_a_percent_sign_may_stand_before_its_number() -> None:
    text = netsh_texts.networks(LANGUAGES["en"])
    turned = re.sub(r"(\d{1,3})%", r"%\1", text)
    assert turned != text
    assert netsh.networks(turned) == netsh.networks(text)
    shown = netsh_texts.interfaces(LANGUAGES["en"])
    assert netsh.interfaces(re.sub(r"(\d{1,3})%", r"%\1", shown)) == netsh.interfaces(shown)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        ("Widoczne teraz sieci: 3.", 3), ("현재 3개의 네트워크가 보입니다.", 3), ("Síťi: 3", 3),
        ("Sieci", None), ("3 z 4 sieci", None), ("Wi-Fi 2: 3 sieci", None),
    ],
)  # fmt: skip
def test_how_many_networks_there_are_in_other_sentences(count: str, told: int | None) -> None:
    text = netsh_texts.networks(dataclasses.replace(LANGUAGES["en"], count=count))
    assert netsh.promised(text) == told
    if told:
        assert netsh.networks(text) == netsh.networks(netsh_texts.networks(LANGUAGES["en"]))
