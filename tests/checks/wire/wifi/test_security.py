"""The kind of security by what a beacon says, and by a source's words."""

from __future__ import annotations

import pytest

from checks.wire.wifi.air import Heard, Joined
from checks.wire.wifi.elements import read_elements
from checks.wire.wifi.security import KINDS, classify, from_words, security_of
from tests.checks.wire.wifi.beacons import (
    ALLIANCE,
    CAPABLE,
    MICROSOFT,
    NO,
    REQUIRED,
    element,
    heard,
    name,
    override,
    owe_transition,
    rsn,
    vendor,
    wpa,
    wps,
)

PARTNER = owe_transition("02:00:00:00:00:09", "hidden-owe")
SENT = {
    "open": (b"", False, "open", "no"),
    "wep": (b"", True, "wep", "no"),
    "owe": (rsn("OWE", REQUIRED), True, "owe", "required"),
    "owe's open half": (PARTNER, False, "owe-transition", "no"),
    "owe's encrypted half": (rsn("OWE", REQUIRED) + PARTNER, True, "owe", "required"),
    "owe without pmf": (rsn("OWE", CAPABLE), True, "other", "capable"),
    "wpa": (wpa(), True, "wpa-personal", "no"),
    "wpa enterprise": (wpa("802.1X"), True, "wpa-enterprise", "no"),
    "wpa beside wpa2": (rsn("PSK", CAPABLE) + wpa(), True, "wpa-personal", "capable"),
    "wpa2": (rsn("PSK"), True, "wpa2-personal", "no"),
    "wpa2 with capable": (rsn("PSK PSK-SHA256", CAPABLE), True, "wpa2-personal", "capable"),
    "wpa2 with required": (rsn("PSK-SHA256", REQUIRED), True, "wpa2-personal", "required"),
    "wpa2 fast": (rsn("FT-PSK PSK"), True, "wpa2-personal", "no"),
    "wpa3": (rsn("SAE", REQUIRED), True, "wpa3-personal", "required"),
    "wpa3 of wifi 7": (
        rsn("SAE SAE-EXT FT-SAE-EXT", REQUIRED, "CCMP GCMP-256"), True, "wpa3-personal", "required",
    ),
    "sae alone, pmf capable": (rsn("SAE", CAPABLE), True, "other", "capable"),
    "sae alone, no pmf": (rsn("SAE"), True, "other", "no"),
    "required without capable is a contradiction": (rsn("SAE", 0x40), True, "other", "no"),
    "transition": (rsn("PSK SAE", CAPABLE), True, "wpa3-personal-transition", "capable"),
    "transition, pmf required": (rsn("PSK SAE", REQUIRED), True, "wpa3-personal-transition", "required"),
    "transition without pmf": (rsn("PSK SAE"), True, "other", "no"),
    "compatibility": (rsn("PSK") + override("SAE"), True, "wpa3-personal-transition", "capable"),
    "compatibility of wifi 7": (
        rsn("PSK") + override("SAE") + override("SAE-EXT", second=True, pairwise="GCMP-256"),
        True, "wpa3-personal-transition", "capable",
    ),
    "enterprise": (rsn("802.1X"), True, "wpa2-enterprise", "no"),
    "enterprise, pmf required, sha-1": (rsn("802.1X", REQUIRED), True, "wpa2-enterprise", "required"),
    "enterprise, fast alone": (rsn("FT-802.1X", REQUIRED), True, "wpa2-enterprise", "required"),
    "enterprise transition": (
        rsn("802.1X 802.1X-SHA256", CAPABLE), True, "wpa3-enterprise-transition", "capable",
    ),
    "enterprise sha-256, pmf capable": (
        rsn("802.1X-SHA256", CAPABLE), True, "wpa3-enterprise-transition", "capable",
    ),
    "enterprise sha-256, no pmf": (rsn("802.1X-SHA256"), True, "wpa2-enterprise", "no"),
    "wpa3 enterprise": (rsn("802.1X-SHA256 FT-802.1X", REQUIRED), True, "wpa3-enterprise", "required"),
    "192": (rsn("Suite-B-192", REQUIRED, "GCMP-256", "GCMP-256"), True, "wpa3-enterprise-192", "required"),
    "192 with ccmp": (rsn("Suite-B-192", REQUIRED, "GCMP-256 CCMP", "CCMP"), True, "other", "required"),
    "192 without pmf": (rsn("Suite-B-192", CAPABLE, "GCMP-256", "GCMP-256"), True, "other", "capable"),
    "192 beside sha-1": (
        rsn("802.1X Suite-B-192", CAPABLE, "GCMP-256 CCMP"), True, "wpa3-enterprise-transition", "capable",
    ),
    "psk beside 802.1x": (rsn("802.1X PSK"), True, "other", "no"),
    "psk beside owe": (rsn("OWE PSK", CAPABLE), True, "other", "capable"),
    "rsn cut to its version": (element(48, b"\x01\x00"), True, "wpa2-enterprise", "no"),
    "a maker's own key management": (
        element(48, bytes.fromhex("0100000fac040100000fac0401000050430a8000")), True, "unknown", "capable",
    ),
    "rsn that counts too much": (
        element(48, bytes.fromhex("0100000fac04ff00000fac04")), True, "unknown", "unknown",
    ),
    "rsn of no suite": (
        element(48, bytes.fromhex("0100000fac040000" + "0100000fac020000")), True, "unknown", "unknown",
    ),
    "rsn of version 2": (element(48, b"\x02\x00" + rsn("SAE", REQUIRED)[4:]), True, "unknown", "unknown"),
    "an override that is cut": (
        rsn("SAE", REQUIRED) + vendor(ALLIANCE + b"\x29", b"\x01\x00\x00\x0f"), True, "unknown", "unknown",
    ),
    "two rsn that differ": (rsn("SAE", REQUIRED) + rsn("PSK"), True, "unknown", "unknown"),
    "the same rsn twice": (rsn("SAE", REQUIRED) * 2, True, "wpa3-personal", "required"),
    "cut before any security": (b"\x07\xff\x44", True, "unknown", "unknown"),
    "wpa2's privacy bit is nothing to rsn": (rsn("PSK"), False, "wpa2-personal", "no"),
}  # fmt: skip


@pytest.mark.parametrize("way", SENT)
def test_kind(way):
    security, privacy, kind, pmf = SENT[way]
    found = classify(read_elements(name("Office") + security), privacy=privacy)
    assert (found.kind, found.pmf) == (kind, pmf), found
    assert found.possible == (() if kind == "unknown" else (kind,))
    assert found.from_elements
    assert bool(found.why) == (kind in ("other", "unknown"))


def test_every_kind_is_met():
    assert set(KINDS) == {kind for _, _, kind, _ in SENT.values()} - {"other", "unknown"}


def test_without_the_privacy_bit_wep_and_open_are_not_told_apart():
    found = classify(read_elements(name("Office")), privacy=None)
    assert found.kind == "unknown"
    assert set(found.possible) == {"wep", "open"}


def test_the_weakest_group_cipher_is_named():
    found = classify(read_elements(rsn("PSK", group="TKIP", pairwise="CCMP TKIP")), privacy=True)
    assert found.kind == "wpa2-personal"
    assert found.ciphers == ("CCMP", "TKIP")
    assert found.group == "TKIP"


def test_wps_is_seen_and_another_makers_element_is_not():
    assert classify(read_elements(rsn("PSK") + wps()), privacy=True).wps
    assert not classify(read_elements(rsn("PSK") + vendor(MICROSOFT + b"\x02", b"1")), privacy=True).wps


WORDS = {
    "Open": ("open",), "OWE": ("owe",), "OWE-Transition": ("owe-transition",), "WEP": ("wep",),
    "WPA-Personal TKIP": ("wpa-personal",), "WPA/WPA2-Personal CCMP TKIP": ("wpa-personal",),
    "WPA2-Personal CCMP": ("wpa2-personal", "wpa3-personal-transition"),
    "WPA2-Personal CCMP PMF-no": ("wpa2-personal",),
    "WPA2/WPA3-Personal": ("wpa3-personal-transition",),
    "WPA3-Personal": ("wpa3-personal", "wpa3-personal-transition"),
    "WPA3-Personal CCMP PMF-required": ("wpa3-personal",),
    "WPA2-Enterprise": ("wpa2-enterprise", "wpa3-enterprise-transition", "wpa3-enterprise"),
    "WPA3-Enterprise-192 GCMP-256": ("wpa3-enterprise-192",),
    "WPA3": (
        "wpa3-personal", "wpa3-personal-transition", "wpa3-enterprise", "wpa3-enterprise-transition",
        "wpa3-enterprise-192",
    ),
    "RSNA": (), "": (), "\x1b[2J": (),
}  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
def test_words(words):
    found = from_words(words)
    assert found.possible == WORDS[words]
    assert found.kind == (WORDS[words] or ("unknown",))[0]
    assert not found.from_elements
    assert found.pmf != "required" or "PMF-required" in words


def test_words_never_tell_pmf_that_they_do_not_say():
    assert from_words("WPA3-Personal CCMP").pmf == "unknown"
    assert from_words("Open").pmf == "no"
    assert from_words("WPA2-Personal PMF-capable").pmf == "capable"


def test_elements_outweigh_words():
    lie = heard("Office", rsn("PSK"), security="WPA3-Personal PMF-required")
    assert security_of(lie).kind == "wpa2-personal"
    joined = Joined(interface="w", state="connected", security="WPA2-Personal", elements=rsn("SAE", REQUIRED))
    assert security_of(joined).kind == "wpa3-personal"


def test_words_stand_in_for_a_capability_field_that_is_not_handed_on():
    assert security_of(heard("Office", b"", privacy=None, security="Open")).kind == "open"
    assert security_of(heard("Office", b"", privacy=None, security="WEP")).kind == "wep"
    assert security_of(heard("Office", b"", privacy=True, security="Open")).kind == "wep"
    assert security_of(heard("Office", rsn("PSK"), privacy=None, security="Open")).kind == "wpa2-personal"


def test_nothing_told_is_unknown_and_a_privacy_bit_alone_is_not_wep():
    def silent(privacy):
        return Heard(
            bssid="", ssid="x", frequency_mhz=None, channel=None, width_mhz=None, signal_dbm=None,
            quality_percent=None, privacy=privacy,
        )  # fmt: skip

    assert security_of(silent(None)).kind == "unknown"
    assert security_of(silent(True)).kind == "unknown"
    assert set(security_of(silent(False)).possible) == {"open", "owe-transition"}


def test_no_pmf_is_the_default():
    assert classify(read_elements(rsn("PSK", NO)), privacy=True).pmf == "no"
