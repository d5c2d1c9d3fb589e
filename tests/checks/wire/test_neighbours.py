from __future__ import annotations

import os
import socket
import struct

import pytest

from checks.wire.neighbours import Neighbour, macos_arp, macos_ndp, netlink_table, verdict


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def message(
    address: str, state: int, *, index: int = 3, mac: bytes = b"\x02\0\0\0\0\x01", age: int = 250
) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    body = struct.pack("=BxxxiHBB", family, index, state, 0, 1)
    body += attribute(1, socket.inet_pton(family, address)) + attribute(2, mac)
    body += attribute(3, struct.pack("=IIII", age, 0, 0, 1))
    return struct.pack("=IHHII", 16 + len(body), 28, 2, 1, 0) + body


def test_the_kernels_table() -> None:
    data = message("192.0.2.1", 0x02) + message("2001:db8::1", 0x04) + message("192.0.2.9", 0x02, index=8)
    assert netlink_table(data, 3) == (
        Neighbour(address="192.0.2.1", mac="02:00:00:00:00:01", state="reachable", age_s=2.5),
        Neighbour(address="2001:db8::1", mac="02:00:00:00:00:01", state="stale", age_s=2.5),
    )


def test_a_broken_table_never_raises() -> None:
    data = message("192.0.2.1", 0x02)
    for cut in range(len(data)):
        netlink_table(data[:cut], 3)
    for _ in range(200):
        netlink_table(os.urandom(64), 3)


def entry(state: str, age: float | None = None, mac: str = "02:00:00:00:00:01") -> Neighbour:
    return Neighbour(address="192.0.2.1", mac=mac, state=state, age_s=age)


@pytest.mark.parametrize(
    ("before", "now", "waited", "expected"),
    [
        (None, entry("reachable", 0.1), 0.5, True),
        (entry("reachable", 9.0), entry("reachable", 9.5), 0.5, None),
        (entry("stale", 90.0), entry("delay", 90.5), 0.5, None),
        (entry("stale", 90.0), entry("reachable", 0.0), 6.0, True),
        (entry("stale", 90.0), entry("failed", None, ""), 8.5, False),
        (None, entry("incomplete", None, ""), 1.0, None),
        (None, entry("permanent", 0.0), 1.0, None),
        (None, entry("noarp", 0.0), 1.0, None),
        (None, None, 1.0, None),
        (None, entry("unknown"), 1.0, True),
        (entry("unknown", None, ""), entry("unknown"), 1.0, True),
        (entry("unknown"), entry("unknown"), 1.0, None),
    ],
)
def test_only_an_answer_after_the_question_counts(
    before: Neighbour | None, now: Neighbour | None, waited: float, expected: bool | None
) -> None:
    assert verdict(before, now, waited) is expected


def test_macos_tables() -> None:
    text = (
        "? (192.0.2.1) at 0:1b:c:d:e:f on en0 ifscope [ethernet]\n"
        "? (192.0.2.7) at (incomplete) on en0 ifscope [ethernet]\n"
        "? (192.0.2.8) at 2:0:0:0:0:8 on en1 ifscope [ethernet]\n"
        "? (224.0.0.251) at 1:0:5e:0:0:fb on en0 ifscope permanent [ethernet]\nnoise\n"
    )
    assert macos_arp(text, "en0") == (
        Neighbour(address="192.0.2.1", mac="00:1b:0c:0d:0e:0f"),
        Neighbour(address="192.0.2.7"),
        Neighbour(address="224.0.0.251", mac="01:00:5e:00:00:fb", state="permanent"),
    )
    ndp = (
        "Neighbor                        Linklayer Address  Netif Expire    St Flgs Prbs\n"
        "2001:db8::1                     0:1b:c:d:e:f         en0 23h59m58s S  R\n"
        "fe80::1%lo0                     (incomplete)         lo0 permanent R\nx\n"
    )
    assert macos_ndp(ndp, "en0") == (Neighbour(address="2001:db8::1", mac="00:1b:0c:0d:0e:0f"),)
