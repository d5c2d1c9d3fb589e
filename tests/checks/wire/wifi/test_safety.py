"""What is said of a network's security, without a plan and with one."""

from __future__ import annotations

import pytest

from checks.contract import Status
from checks.wire.wifi.elements import read_elements
from checks.wire.wifi.safety import judge_security, shown
from checks.wire.wifi.security import classify, from_words
from tests.checks.wire.wifi.beacons import (
    CAPABLE,
    ENTERPRISE,
    ENTERPRISE3,
    OWE,
    REQUIRED,
    TRANSITION,
    WPA2,
    WPA2_PMF,
    WPA3,
    element,
    owe_transition,
    rsn,
    wpa,
    wps,
)

P, W, F, I = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE  # noqa: E741
HALF = owe_transition("02:00:00:00:00:09", "x")
WORST = {
    # beacon, privacy, planned, what else is asked: the worst status
    "open": (b"", False, (), {}, F), "open for guests": (b"", False, (), {"guest": True}, W),
    "open as planned": (b"", False, ("open",), {}, W),
    "open as planned for guests": (b"", False, ("open",), {"guest": True}, W),
    "wep": (b"", True, (), {}, F), "wep for guests": (b"", True, (), {"guest": True}, F),
    "wep as planned": (b"", True, ("wep",), {}, W),
    "wpa": (wpa(), True, (), {}, F), "wpa beside wpa2": (WPA2_PMF + wpa(), True, (), {}, F),
    "wpa beside wpa2 where wpa2 is planned": (WPA2_PMF + wpa(), True, ("wpa2-personal",), {}, F),
    "owe": (OWE, True, (), {}, W), "owe for guests": (OWE, True, (), {"guest": True}, P),
    "owe as planned": (OWE, True, ("owe",), {}, P),
    "owe's open half": (HALF, False, (), {}, F),
    "owe's open half for guests": (HALF, False, (), {"guest": True}, W),
    "owe's open half where owe is planned": (HALF, False, ("owe",), {"guest": True}, F),
    "wpa2": (WPA2, True, (), {}, W), "wpa2 as planned": (WPA2, True, ("wpa2-personal",), {}, W),
    "wpa2 with pmf": (WPA2_PMF, True, (), {}, P),
    "wpa2 with pmf as planned": (WPA2_PMF, True, ("wpa2-personal",), {}, P),
    "wpa2 where wpa3 is planned": (WPA2_PMF, True, ("wpa3-personal",), {}, F),
    "tkip in wpa2": (rsn("PSK", CAPABLE, "CCMP TKIP", "TKIP"), True, ("wpa2-personal",), {}, F),
    "tkip for the group": (rsn("802.1X", CAPABLE, "CCMP", "TKIP"), True, (), {}, F),
    "wps": (WPA2_PMF + wps(), True, (), {}, W), "wps in transition": (TRANSITION + wps(), True, (), {}, W),
    "wpa3": (WPA3, True, (), {}, P), "wpa3 as planned": (WPA3, True, ("wpa3-personal",), {}, P),
    "wpa3 where wpa2 is planned": (WPA3, True, ("wpa2-personal",), {}, F),
    "transition": (TRANSITION, True, (), {}, W),
    "transition as planned": (TRANSITION, True, ("wpa3-personal-transition",), {}, P),
    "transition where wpa3 is planned": (TRANSITION, True, ("wpa3-personal",), {}, F),
    "transition where wpa2 is planned": (TRANSITION, True, ("wpa2-personal",), {}, W),
    "sae without pmf": (rsn("SAE", CAPABLE), True, (), {}, W),
    "sae without pmf where wpa3 is planned": (rsn("SAE", CAPABLE), True, ("wpa3-personal",), {}, F),
    "enterprise": (ENTERPRISE, True, (), {}, P),
    "enterprise where wpa3 is planned": (ENTERPRISE, True, ("wpa3-enterprise",), {}, F),
    "enterprise of wpa3": (ENTERPRISE3, True, ("wpa3-enterprise",), {}, P),
    "personal where enterprise is planned": (WPA3, True, ("wpa3-enterprise", "wpa2-enterprise"), {}, F),
    "malformed": (element(48, b"\x01\x00\x00"), True, (), {}, I),
    "malformed, planned": (element(48, b"\x01\x00\x00"), True, ("wpa3-personal",), {}, I),
    "pmf required and is": (WPA3, True, (), {"pmf": "required"}, P),
    "pmf required and capable": (WPA2_PMF, True, (), {"pmf": "required"}, F),
    "pmf capable and required": (WPA3, True, (), {"pmf": "capable"}, P),
    "pmf capable and no": (ENTERPRISE, True, (), {"pmf": "capable"}, F),
    "pmf of an open network": (b"", False, ("open",), {"pmf": "capable"}, F),
    "6 GHz, wpa3": (WPA3, True, (), {"band": "6"}, P), "6 GHz, owe": (OWE, True, ("owe",), {"band": "6"}, P),
    "6 GHz, transition": (TRANSITION, True, ("wpa3-personal-transition",), {"band": "6"}, F),
    "6 GHz, wpa2": (WPA2_PMF, True, ("wpa2-personal",), {"band": "6"}, F),
    "6 GHz, wpa2 with required": (rsn("PSK", REQUIRED), True, ("wpa2-personal",), {"band": "6"}, F),
    "6 GHz, open": (b"", False, ("open",), {"band": "6", "guest": True}, F),
    "6 GHz, enterprise without pmf": (ENTERPRISE, True, (), {"band": "6"}, F),
    "6 GHz, enterprise": (rsn("802.1X", REQUIRED), True, (), {"band": "6"}, P),
    "5 GHz, transition is legal": (TRANSITION, True, ("wpa3-personal-transition",), {"band": "5"}, P),
}  # fmt: skip


@pytest.mark.parametrize("way", WORST)
def test_worst(way):
    sent, privacy, planned, asked, wanted = WORST[way]
    remarks = judge_security(classify(read_elements(sent), privacy=privacy), planned, **asked)
    assert remarks[0].status is wanted, remarks
    assert all(bool(remark.fix) == (remark.status is not P) for remark in remarks)
    assert all(remark.text.endswith(".") for remark in remarks)
    assert wanted is not P or len(remarks) == 1


WORDS = {
    "WPA2 that may be transition, wpa2 planned": ("WPA2-Personal CCMP", ("wpa2-personal",), {}, P),
    "WPA3 that may be transition, wpa3 planned": ("WPA3-Personal CCMP", ("wpa3-personal",), {}, I),
    "WPA3 with its pmf": ("WPA3-Personal CCMP PMF-required", ("wpa3-personal",), {}, P),
    "WPA2, wpa3 planned": ("WPA2-Personal CCMP", ("wpa3-personal",), {}, F),
    "WPA2-Enterprise may be wpa3": ("WPA2-Enterprise", ("wpa3-enterprise",), {}, I),
    "WPA2 alone may be personal": ("WPA2", ("wpa2-enterprise",), {}, I),
    "no words": ("", ("wpa2-personal",), {}, I), "no words, no plan": ("", (), {}, I),
    "pmf is not told": ("WPA3-Personal", (), {"pmf": "required"}, I),
    "pmf of open": ("Open", ("open",), {"pmf": "required"}, F),
    "tkip": ("WPA2-Personal TKIP", (), {}, F), "open": ("Open", (), {}, F), "wep": ("WEP", (), {}, F),
}  # fmt: skip


@pytest.mark.parametrize("way", WORDS)
def test_words(way):
    words, planned, asked, wanted = WORDS[way]
    assert judge_security(from_words(words), planned, **asked)[0].status is wanted


def test_a_network_without_rsn_fails_even_if_nobody_tells_open_from_wep():
    remarks = judge_security(classify(read_elements(b"\0\x01x"), privacy=None))
    assert remarks[0].status is F
    assert "wep or open" in remarks[0].text


def test_one_line():
    told = shown(classify(read_elements(rsn("PSK SAE", CAPABLE, "CCMP", "TKIP")), privacy=True))
    assert told == "wpa3-personal-transition (PSK, SAE; CCMP; group TKIP; PMF capable)"
