"""ICMP messages: built, read, and read out of what errors quote; nonsense is refused without an exception."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.icmp_packet import (
    PROHIBITED,
    TIME_EXCEEDED,
    Refusal,
    Reply,
    build_request,
    checksum,
    error_words,
    read_message,
    without_ip_header,
)


def ip4(payload, *, target="192.0.2.9", protocol=1, fragment=0, words=5):
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | words, 0, 20 + len(payload), 1, fragment, 64, protocol, 0,
        socket.inet_aton("192.0.2.1"), socket.inet_aton(target),
    )  # fmt: skip
    return header + bytes(4 * (words - 5)) + payload


def ip6(payload, *, target="2001:db8::9", following=58):
    source, to = (socket.inet_pton(socket.AF_INET6, a) for a in ("2001:db8::1", target))
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), following, 64, source, to) + payload


def error4(kind, code, quoted, rest=0):
    return struct.pack("!BBHI", kind, code, 0, rest) + quoted


def slow_checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@given(st.binary(max_size=200))
def test_checksum_is_that_of_rfc_1071(data):
    assert checksum(data) == slow_checksum(data)


def test_a_request_sums_to_zero_and_its_reply_is_read():
    request = build_request(4, 0x1234, 7, b"token" * 4)
    assert slow_checksum(request) == 0
    reply = b"\0" + request[1:]
    assert read_message(4, memoryview(reply)) == Reply(0x1234, 7, b"token" * 4)
    six = build_request(6, 5, 6, b"x")
    assert read_message(6, memoryview(b"\x81" + six[1:])) == Reply(5, 6, b"x")


def test_our_own_request_is_no_reply():
    """A raw socket on loopback sees what it sent itself."""
    assert read_message(4, memoryview(build_request(4, 1, 2, b"x" * 16))) is None
    assert read_message(6, memoryview(build_request(6, 1, 2, b"x" * 16))) is None


@pytest.mark.parametrize(
    ("kind", "code", "rest", "words", "mtu"),
    [
        (3, 0, 0, "network unreachable", None),
        (3, 1, 0, "host unreachable", None),
        (3, 13, 0, PROHIBITED, None),
        (3, 4, 1400, "too big (mtu 1400)", 1400),
        (3, 4, 0, "too big", None),
        (3, 77, 0, "unreachable", None),
        (11, 0, 0, TIME_EXCEEDED, None),
    ],
)
def test_errors_quote_the_request(kind, code, rest, words, mtu):
    request = build_request(4, 9, 10, b"t" * 16)
    found = read_message(4, memoryview(error4(kind, code, ip4(request, words=6), rest)))
    assert found == Refusal(words, mtu, "192.0.2.9", 9, 10, b"t" * 16)


def test_an_error_that_quotes_eight_bytes_still_names_the_request():
    quoted = ip4(build_request(4, 9, 10, b"t" * 16))[:28]
    assert read_message(4, memoryview(error4(11, 0, quoted))) == Refusal(
        TIME_EXCEEDED, None, "192.0.2.9", 9, 10, b""
    )


@pytest.mark.parametrize(
    "quoted",
    [
        b"",
        ip4(build_request(4, 9, 10, b"t" * 16))[:24],
        ip4(build_request(4, 9, 10, b"t" * 16), protocol=17),
        ip4(build_request(4, 9, 10, b"t" * 16), fragment=100),
        ip4(b"\0" + build_request(4, 9, 10, b"t" * 16)[1:]),
    ],
)
def test_errors_about_other_packets_are_none_of_ours(quoted):
    assert read_message(4, memoryview(error4(3, 1, quoted))) is None


def test_ipv6_errors_and_their_mtu():
    request = build_request(6, 9, 10, b"t" * 16)
    message = struct.pack("!BBHI", 2, 0, 0, 1280) + ip6(request)
    expected = Refusal("too big (mtu 1280)", 1280, "2001:db8::9", 9, 10, b"t" * 16)
    assert read_message(6, memoryview(message)) == expected
    in_pieces = struct.pack("!BBHI", 58, 0, 1, 99) + request
    message = struct.pack("!BBHI", 3, 0, 0, 0) + ip6(in_pieces, following=44)
    assert read_message(6, memoryview(message)) == Refusal(
        TIME_EXCEEDED, None, "2001:db8::9", 9, 10, b"t" * 16
    )
    later_piece = struct.pack("!BBHI", 58, 0, 8 | 1, 99) + request
    message = struct.pack("!BBHI", 3, 0, 0, 0) + ip6(later_piece, following=44)
    assert read_message(6, memoryview(message)) is None


def test_redirects_and_other_messages_are_no_errors():
    assert error_words(4, 5, 1) is None
    assert error_words(6, 134, 0) is None
    assert without_ip_header(memoryview(ip4(b"abc", protocol=6))) == b""


@given(st.sampled_from([4, 6]), st.binary(max_size=120))
def test_nonsense_raises_nothing(version, data):
    read_message(version, memoryview(data))
    without_ip_header(memoryview(data))
    read_message(version, memoryview(bytes([3, 4]) + data))
