from __future__ import annotations

import asyncio
import os
import struct

import pytest

from checks.local.facts import InterfaceFact
from checks.vantage import CannotTell
from checks.wire.arp import claim, request, who_has

MAC = "02:00:00:00:00:05"


def test_a_probe_tells_nobody_our_address() -> None:
    frame = request(MAC, "192.0.2.9")
    assert len(frame) == 42
    assert frame[:6] == b"\xff" * 6
    assert frame[28:32] == b"\0\0\0\0"
    assert frame[38:42] == bytes([192, 0, 2, 9])
    assert claim(frame) is None


def test_a_plain_request_and_a_reply_claim_an_address() -> None:
    assert claim(request(MAC, "192.0.2.9", "192.0.2.5")) == ("192.0.2.5", MAC)
    reply = bytearray(request(MAC, "192.0.2.9", "192.0.2.5"))
    reply[21] = 2
    assert claim(bytes(reply)) == ("192.0.2.5", MAC)


@pytest.mark.parametrize("cut", range(0, 42, 3))
def test_a_short_frame_claims_nothing(cut: int) -> None:
    assert claim(request(MAC, "192.0.2.9", "192.0.2.5")[:cut]) is None


@pytest.mark.parametrize("place", [12, 14, 16, 18, 19, 20])
def test_a_frame_of_another_protocol_claims_nothing(place: int) -> None:
    frame = bytearray(request(MAC, "192.0.2.9", "192.0.2.5"))
    frame[place] ^= 0x40
    assert claim(bytes(frame)) is None


def test_noise_never_raises() -> None:
    for size in range(120):
        claim(os.urandom(size))
    assert claim(struct.pack("!6s6sH", b"a" * 6, b"b" * 6, 0x0806)) is None


def test_an_interface_without_hardware_address_cannot_ask() -> None:
    with pytest.raises(CannotTell, match="no hardware address"):
        asyncio.run(who_has(InterfaceFact(name="tun0", up=True), ["192.0.2.1"]))
