"""Neighbour solicitations against a second encoder, and advertisements that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import Ether

from checks.wire.frames.solicitation import advertised, solicitation

OURS, THEIRS = "02:00:00:00:00:01", "02:00:00:00:00:02"
SOURCE, TARGET = "2001:db8:5::20", "2001:db8:5::1"


def answer(**fields: object) -> bytes:
    given_ = {"hlim": 255, "target": TARGET, "option": True, "src": TARGET} | fields
    packet = Ether(dst=OURS, src=THEIRS) / IPv6(src=given_["src"], dst=SOURCE, hlim=given_["hlim"])
    packet /= ICMPv6ND_NA(tgt=given_["target"], R=1, S=1)
    return bytes(packet / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:99") if given_["option"] else packet)


def test_the_question_is_what_scapy_would_ask() -> None:
    theirs = (
        Ether(dst="33:33:ff:00:00:01", src=OURS)
        / IPv6(src=SOURCE, dst="ff02::1:ff00:1", hlim=255)
        / ICMPv6ND_NS(tgt=TARGET)
        / ICMPv6NDOptSrcLLAddr(lladdr=OURS)
    )
    assert solicitation(OURS, SOURCE, TARGET) == bytes(theirs)


def test_an_answer_names_its_hardware_address() -> None:
    assert advertised(answer(), TARGET) == "02:00:00:00:00:99"
    assert advertised(answer(option=False), TARGET) == THEIRS


LIES = {
    "another address": answer(target="2001:db8:5::2"),
    "from beyond a router": answer(hlim=64),
    "our own question": solicitation(THEIRS, SOURCE, TARGET),
    "a wrong checksum": answer()[:-1] + b"\0",
    "cut": answer()[:60],
    "tagged": answer()[:12] + b"\x81\0\0\x1e" + answer()[12:],
}


@pytest.mark.parametrize("frame", LIES.values(), ids=LIES)
def test_what_is_no_answer(frame: bytes) -> None:
    assert advertised(frame, TARGET) is None


@given(st.binary(max_size=200))
def test_any_options_are_read_to_their_end(data: bytes) -> None:
    advertised(answer(option=False) + data, TARGET)
    advertised(data, TARGET)
