"""Information elements: recorded beacons against second decoders, and bytes that lie."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.wire.frames.pcap import read_capture
from checks.wire.wifi.air import Heard
from checks.wire.wifi.beacon import IEEE80211, LINUX_COOKED, RADIOTAP, read_beacon
from checks.wire.wifi.channel import place_of
from checks.wire.wifi.elements import LONGEST, Elements, Load, OwePartner, read_elements, split_elements
from checks.wire.wifi.security import classify
from checks.wire.wifi.suites import Malformed, read_rsn, read_wpa
from tests.beside import DATA
from tests.checks.wire.wifi.beacons import (
    REQUIRED,
    WPA2,
    WPA3,
    element,
    ht,
    load,
    name,
    owe_transition,
    rsn,
    suites,
    wpa,
)

CAPTURES = DATA / "wifi/pcap"
LSWIFI = "joshschmelzle__lswifi/"
TOLD = {
    # file: (name, kind, AKMs, PMF, channel, width, standard, load of 255); channels and suites as tshark says
    LSWIFI + "ap-names/Beacon-AerohiveHostname.pcap": (
        "Robert-Test-DHCP", "open", (), "no", 140, 20, "802.11ac", 2,
    ),
    LSWIFI + "ap-names/Beacon-NoAerohiveHostname.pcap": (
        "Robert-Test-DHCP", "open", (), "no", 140, 20, "802.11ac", 2,
    ),
    LSWIFI + "ap-names/Beacon-Meter-AP-Name.pcapng": (
        "jmjmjmjmjmjmj Enterprise", "wpa2-enterprise", ("802.1X",), "no", 36, 40, "802.11ax", 17,
    ),
    LSWIFI + "caps/analiti-wifi-scan-session-8860754832576562657.pcapng": (
        "Guest", "wpa2-personal", ("PSK",), "no", 100, 80, "802.11ax", 6,
    ),
    LSWIFI + "caps/roku.pcap": (
        "DIRECT-roku-337-86D247", "wpa2-personal", ("PSK",), "no", 11, 20, "802.11n", None,
    ),
    LSWIFI + "caps/southwest-wmm-type-1.pcapng": (
        "SouthwestWiFi", "open", (), "no", 40, 20, "802.11n", 48,
    ),
    LSWIFI + "caps/wifi7unifi.pcapng": (
        "UniFi-WPA3-1X", "wpa3-enterprise", ("FT-802.1X", "802.1X-SHA256"), "required", 48, 20, "802.11be", 9,
    ),
    "secdev__scapy/pcaps/bad_rsn_parsing_overrides_ssid.pcap": (
        "ROUTE-821E295", "wpa2-personal", ("PSK",), "capable", 1, 20, "802.11n", None,
    ),
    "the-tcpdump-group__tcpdump/ieee802.11_exthdr.pcap": ("omus", "open", (), "no", 1, 20, "802.11n", None),
    "the-tcpdump-group__tcpdump/ieee802.11_parse_elements_oobr.pcap": (
        None, "unknown", (), "unknown", None, None, "", None,
    ),
}  # fmt: skip


def beacons_of(path):
    try:
        frames = list(read_capture(path.read_bytes()))
    except ValueError:
        return []
    return [found for frame in frames if (found := read_beacon(frame.data, frame.link_type)) is not None]


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="The recorded captures are not beside the repository.")
class TestCaptures:
    @pytest.mark.parametrize("file", TOLD)
    def test_says_what_its_name_and_a_second_decoder_say(self, file):
        found = beacons_of(CAPTURES / file)
        assert found
        for beacon in found:
            told = read_elements(beacon.elements)
            security = classify(told, privacy=beacon.privacy)
            heard = Heard(
                bssid=beacon.bssid, ssid=None, frequency_mhz=beacon.frequency_mhz, channel=None,
                width_mhz=None, signal_dbm=None, quality_percent=None, elements=beacon.elements,
            )  # fmt: skip
            place = place_of(heard)
            busy = told.load.utilisation if told.load else None
            if file.endswith("657.pcapng"):
                assert busy in (4, 6)
                busy = 6
            assert (
                told.ssid, security.kind, security.akms, security.pmf, place.channel, place.width_mhz,
                told.standard, busy,
            ) == TOLD[file]  # fmt: skip

    def test_every_capture_with_beacons_is_in_the_table(self):
        files = [path for path in CAPTURES.rglob("*") if path.is_file() and ".pcap" in path.name]
        assert {str(path.relative_to(CAPTURES)) for path in files if beacons_of(path)} == set(TOLD)

    def test_whatever_is_recorded_is_no_hang_and_no_crash(self):
        for path in CAPTURES.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                read_elements(data)
                for link_type in (IEEE80211, LINUX_COOKED, RADIOTAP, 1):
                    read_beacon(data, link_type)

    @pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed.")
    @pytest.mark.parametrize("file", TOLD)
    def test_tshark_says_the_same(self, file):
        fields = (
            "wlan.bssid", "wlan.ssid", "wlan.rsn.akms.type", "wlan.rsn.pcs.type", "wlan.rsn.gcs.type",
            "wlan.rsn.capabilities.mfpr", "wlan.rsn.capabilities.mfpc", "wlan.qbss.cu",
            "wlan.ht.info.primarychannel",
        )  # fmt: skip
        asked = [word for field in fields for word in ("-e", field)]
        done = subprocess.run(
            ["tshark", "-r", CAPTURES / file, "-Y", "wlan.fc.type_subtype in {5, 8}", "-T", "fields", *asked],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        found = beacons_of(CAPTURES / file)
        assert len(lines) == len(found)
        if TOLD[file][1] == "unknown":
            return
        for line, beacon in zip(lines, found, strict=True):
            told = read_elements(beacon.elements)
            numbers = dict(zip(("802.1X", "PSK", "FT-802.1X", "802.1X-SHA256"), "1235", strict=True))
            mine = told.rsn
            flags = (("0", "False"), ("1", "True"))
            assert line[0] == beacon.bssid
            assert bytes.fromhex(line[1]).decode() == told.ssid
            assert line[2] == (",".join(numbers[akm] for akm in mine.akms) if mine else "")
            assert line[3] == line[4] == ("4" if mine else "")
            assert line[5] in (flags[mine.pmf_required] if mine else ("",))
            assert line[6] in (flags[mine.pmf_capable] if mine else ("",))
            assert line[7] == (str(told.load.utilisation) if told.load else "")
            assert line[8] == str(told.operation.primary)


def test_a_whole_beacon():
    data = (
        name("Büro") + element(3, b"\x06") + element(7, b"DE \x01\x0d\x14") + load(7, 128) + WPA3 + ht(6)
        + element(54, b"\x01\x02\x00") + element(70, b"\x72\0\0\0\0") + element(127, b"\0\0\x08")
        + element(244, b"\x20") + element(113, b"ignored")
    )  # fmt: skip
    told = read_elements(data)
    assert told.ssid == "Büro"
    assert (told.ds_channel, told.country, told.standard) == (6, "DE", "802.11n")
    assert told.load == Load(stations=7, utilisation=128)
    assert told.fast_transition
    assert told.radio_measurement
    assert told.bss_transition
    assert told.sae_h2e
    assert (told.cut, told.malformed, told.repeated) == (False, (), ())
    assert jsonable.from_json(Elements, jsonable.to_json(told)) == told


def test_absent_is_absent():
    told = read_elements(
        name("x") + element(70, bytes(5)) + element(127, b"\xff\xff\xf7") + element(244, b"\0")
    )
    said = (told.fast_transition, told.radio_measurement, told.bss_transition, told.sae_h2e)
    assert said == (False,) * 4
    assert told.rsn is told.wpa is told.owe is told.load is None


@pytest.mark.parametrize("hidden", [b"", bytes(5), bytes(32)], ids=["empty", "zeros", "all zeros"])
def test_a_name_that_is_not_sent(hidden):
    assert read_elements(name(hidden)).ssid == ""


def test_a_name_too_long_is_none():
    told = read_elements(name("x" * 33))
    assert told.ssid is None
    assert "SSID" in told.malformed


def test_a_name_that_is_no_utf_8_is_told_apart_from_others():
    assert read_elements(name(b"caf\xe9")).ssid == "caf\\xe9"


def test_the_first_name_counts_and_a_second_is_told():
    told = read_elements(name("first") + name("second") + WPA2)
    assert told.ssid == "first"
    assert told.repeated == ("SSID",)


def test_fragments_are_joined():
    body = suites(" ".join(["PSK"] * 60)) + bytes(2)
    long = body + bytes(255 - len(body) + 30)
    data = element(48, long[:255]) + element(242, long[255:]) + name("after")
    parts, cut = split_elements(data)
    assert parts[0] == (48, long)
    assert not cut
    assert read_elements(data).ssid == "after"


def test_a_fragment_that_continues_nothing_is_left_out():
    parts, _ = split_elements(element(242, b"xx") + name("a") + element(242, b"yy"))
    assert parts == ((0, b"a"),)


def test_the_other_half_of_owe():
    told = read_elements(owe_transition("02:aa:bb:cc:dd:ee", "owe-hidden"))
    assert told.owe == OwePartner(bssid="02:aa:bb:cc:dd:ee", ssid="owe-hidden")


@pytest.mark.parametrize("body", [b"", bytes(6), bytes(6) + b"\x05abc", bytes(6) + b"\xff" + bytes(200)])
def test_half_an_owe_element_is_none(body):
    assert read_elements(element(221, b"\x50\x6f\x9a\x1c" + body)).owe is None


def test_one_beacon_for_several_networks():
    profile = element(83, b"\0\0") + name("Guest") + WPA2
    told = read_elements(name("Office") + element(71, b"\x02" + element(0, profile)) + WPA3)
    assert told.ssid == "Office"
    assert told.multiple_bssid == 4
    assert told.nontransmitted == ("Guest",)
    assert told.rsn is not None
    assert told.rsn.akms == ("SAE",)


def test_what_ends_in_the_middle_is_cut_and_the_rest_told():
    told = read_elements(name("Office") + WPA3[:-1])
    assert told.cut
    assert told.ssid == "Office"
    assert told.rsn is None


def test_more_than_any_frame_holds_is_cut():
    told = read_elements(name("Office") + element(5, bytes(255)) * 100 + WPA3)
    assert told.cut
    assert told.rsn is None
    assert len(split_elements(bytes(10 * LONGEST))[0]) <= 512


@pytest.mark.parametrize("size", range(2, 24))
def test_an_rsn_element_cut_anywhere_tells_defaults_or_is_refused(size):
    """What is left out has the standard's default, half a field is refused: never the stronger security."""
    whole = suites("SAE", "GCMP-256", "GCMP-256", REQUIRED)
    try:
        told = read_rsn(whole[:size])
    except Malformed:
        return
    assert size >= len(whole) or not told.pmf_required
    assert size >= len(whole) - 2 or told.akms == ("802.1X",)


def test_suites_of_makers_are_named_by_number():
    told = read_rsn(bytes.fromhex("0100 000fac04 0100 000fac04 0200 0050430a 506f9a02 0000"))
    assert told.akms == ("00-50-43:10", "DPP")


def test_the_group_s_cipher_by_reference():
    assert read_rsn(suites("PSK", "group", "TKIP")).pairwise == ("TKIP",)
    assert read_wpa(wpa("PSK", "group", "TKIP")[6:]).pairwise == ("TKIP",)


@given(st.binary(max_size=600))
def test_any_bytes(data):
    told = read_elements(data)
    assert told.ssid is None or len(told.ssid) <= 4 * 32
    assert jsonable.from_json(Elements, jsonable.to_json(told)) == told
    classify(told, privacy=None)
    for link_type in (IEEE80211, LINUX_COOKED, RADIOTAP):
        read_beacon(data, link_type)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 3, 11, 48, 61, 71, 191, 192, 221, 242, 244, 255]), st.binary(max_size=60)
        )
    )
)
def test_any_elements(parts):
    data = b"".join(element(kind, body) for kind, body in parts)
    read_elements(data)
    found, cut = split_elements(data)
    assert not cut
    assert sum(len(body) for _, body in found) <= len(data)


@given(st.binary(max_size=80))
def test_a_prefix_never_makes_security_stronger(tail):
    """What stands before the RSN element, and is well formed, does not change what it says."""
    data = element(5, tail) + rsn("PSK")
    assert read_elements(data).rsn == read_elements(rsn("PSK")).rsn


class TestFrames:
    HEAD = b"\x80\x00" + bytes(8) + bytes.fromhex("020000000001") * 2 + bytes(2)

    def beacon(self, capability=0x0411, head=HEAD, more=b""):
        return head + more + bytes(8) + b"\x64\x00" + capability.to_bytes(2, "little") + name("Office")

    def test_plain(self):
        found = read_beacon(self.beacon())
        assert found is not None
        assert (found.bssid, found.privacy) == ("02:00:00:00:00:01", True)
        assert read_elements(found.elements).ssid == "Office"

    def test_without_privacy(self):
        found = read_beacon(self.beacon(0x0401))
        assert found is not None
        assert not found.privacy

    def test_with_ht_control(self):
        found = read_beacon(self.beacon(head=b"\x80\x80" + self.HEAD[2:], more=bytes(4)))
        assert found is not None
        assert read_elements(found.elements).ssid == "Office"

    @pytest.mark.parametrize("first", [0x40, 0x00, 0x08, 0xB0, 0x82])
    def test_other_frames(self, first):
        assert read_beacon(bytes((first,)) + self.beacon()[1:]) is None

    @pytest.mark.parametrize("size", [0, 1, 23, 24, 35])
    def test_cut(self, size):
        assert read_beacon(self.beacon()[:size]) is None

    def test_radiotap_with_check_sequence(self):
        header = bytes.fromhex("0000 0f00 2a000000 10 00 3c14 4001 c4".replace(" ", ""))
        found = read_beacon(header + self.beacon() + b"FCS!", RADIOTAP)
        assert found is not None
        assert (found.frequency_mhz, found.signal_dbm) == (5180, -60)
        assert read_elements(found.elements) == read_elements(name("Office"))

    @pytest.mark.parametrize("size", [0, 7, 9999])
    def test_a_radiotap_header_that_lies(self, size):
        header = b"\0\0" + size.to_bytes(2, "little") + bytes(4)
        assert read_beacon(header + self.beacon(), RADIOTAP) is None
