"""HTTP/2 as far as DNS over HTTPS takes it: frames by hand, and hypothesis as the enemy."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.http1 import Malformed
from checks.wire.http2 import MAX_FRAMES, Connection, read_status

SETTINGS = b"\0\0\0\4\0\0\0\0\0"
OK = b"\x88"


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def asked():
    connection = Connection("dns.example", "/dns-query", 1000)
    connection.request((("content-type", "application/dns-message"), ("content-length", "3")), b"abc")
    return connection


def settings(name, value):
    return frame(4, 0, 0, struct.pack("!HI", name, value))


def test_a_question_is_preface_settings_headers_and_data():
    sent = Connection("dns.example", "/q", 1000).request((("accept", "x/y"),), b"abc")
    assert sent.startswith(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, struct.pack("!HIHI", 1, 0, 2, 0))
    )
    block = b"\x83\x87\x04\x02/q\x01\x0bdns.example\x0f\x04\x03x/y"
    assert sent.endswith(frame(1, 4, 1, block) + frame(0, 1, 1, b"abc"))


def test_an_answer_is_read_in_any_pieces():
    answer = (
        SETTINGS + frame(4, 1, 0) + frame(8, 0, 0, b"\0\0\1\0") + frame(1, 4, 1, OK + b"\x5f\x01x")
        + frame(0, 0, 1, b"one") + frame(6, 0, 0, b"12345678") + frame(0, 9, 1, b"\2two\0\0")
    )  # fmt: skip
    for size in (1, 2, 7, 1000):
        connection, back = asked(), b""
        for at in range(0, len(answer), size):
            back += connection.feed(answer[at : at + size])
        assert (connection.status, bytes(connection.body), connection.done) == (200, b"onetwo", True)
        assert back == frame(4, 1, 0) + frame(6, 1, 0, b"12345678"), "settings and ping are acknowledged"
        assert connection.reusable
        again = connection.request((), b"next")
        assert again == frame(8, 0, 0, b"\0\0\0\x09") + frame(1, 4, 3, again[22:-13]) + frame(
            0, 1, 3, b"next"
        )


def test_a_long_answer_is_given_room():
    connection = Connection("dns.example", "/", 65535)
    connection.request((), b"abc")
    back = connection.feed(SETTINGS + frame(1, 4, 1, OK) + frame(0, 0, 1, bytes(16384)))
    assert back.endswith(frame(8, 0, 0, b"\0\0\x40\0") + frame(8, 0, 1, b"\0\0\x40\0"))


@pytest.mark.parametrize(
    ("block", "status"),
    [
        (b"\x88", 200), (b"\x8c", 400), (b"\x8d", 404), (b"\x8e", 500), (b"\x20\x88", 200),
        (b"\x08\x03415", 415), (b"\x48\x03415", 415), (b"\x00\x07:status\x03503", 503),
        (b"\x88\x00\x01a\x01b\x1f\x10\x00", 200), (b"", 0), (b"\x61\x01x", 0),
    ],
)  # fmt: skip
def test_the_status_in_every_spelling(block, status):
    assert read_status(block) == status


def packed(digits):
    """Return digits in HPACK's Huffman code (RFC 7541 appendix B), filled up with ones."""
    codes = ["00000", "00001", "00010", "011001", "011010", "011011", "011100", "011101", "011110", "011111"]
    bits = "".join(codes[int(digit)] for digit in digits)
    bits += "1" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


@given(st.integers(100, 999))
def test_any_status_in_huffman_s_code(status):
    raw = packed(str(status))
    assert read_status(b"\x48" + bytes((0x80 | len(raw),)) + raw) == status


@pytest.mark.parametrize(
    "block",
    [b"\x80", b"\xbe", b"\xff\x01", b"\x7f\x20\x01a", b"\x08", b"\x08\x05200", b"\x08\x04200 ",
     b"\x08\x0320x", b"\x08\x00", b"\xff\xff\xff\xff\xff\xff", b"\x48\x81\x55", b"\x00\x7f\xff\xff\xff\xff",
     b"\x08\x83\0\0\0"],
)  # fmt: skip
def test_a_head_that_is_none_is_malformed(block):
    with pytest.raises(Malformed):
        read_status(block)


BROKEN = {
    "HTTP/1.1": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "no settings first": frame(1, 5, 1, OK),
    "a frame too long": SETTINGS + b"\0\x40\1\0\0\0\0\0\1",
    "body before head": SETTINGS + frame(0, 1, 1, b"x"),
    "an end without a status": SETTINGS + frame(1, 5, 1, b"\x0f\x10\x00"),
    "an end with an interim status": SETTINGS + frame(1, 5, 1, b"\x08\x03103"),
    "a head that never ends": SETTINGS + frame(1, 0, 1, OK) + frame(0, 1, 1, b"x"),
    "a continuation of nothing": SETTINGS + frame(9, 4, 1, OK),
    "a continuation of another stream": SETTINGS + frame(1, 0, 1, OK) + frame(9, 4, 3, OK),
    "a head without bound": SETTINGS + frame(1, 0, 1, OK) + frame(9, 0, 1, bytes(16384)) * 5,
    "a push": SETTINGS + frame(5, 4, 1, b"\0\0\0\2" + OK),
    "a stream never opened": SETTINGS + frame(1, 5, 3, OK),
    "an even stream": SETTINGS + frame(0, 1, 2, b"x"),
    "a body too long": SETTINGS + frame(1, 4, 1, OK) + frame(0, 1, 1, bytes(1001)),
    "padding beyond the frame": SETTINGS + frame(1, 0xC, 1, b"\x09" + OK),
    "padding of nothing": SETTINGS + frame(1, 4, 1, OK) + frame(0, 9, 1, b""),
    "a reset": SETTINGS + frame(3, 0, 1, b"\0\0\0\2"),
    "a short reset": SETTINGS + frame(3, 0, 1, b"\0"),
    "a short ping": SETTINGS + frame(6, 0, 0, b"\0"),
    "a short goaway": SETTINGS + frame(7, 0, 0, b"\0"),
    "a short window": SETTINGS + frame(8, 0, 0, b"\0"),
    "a third of a setting": frame(4, 0, 0, b"\0\1"),
    "frames without end": SETTINGS + frame(8, 0, 0, b"\0\0\0\1") * MAX_FRAMES,
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_does_not_fit_is_malformed(what):
    with pytest.raises(Malformed):
        asked().feed(BROKEN[what])


def test_refused_means_that_another_connection_may_be_tried():
    for refusal in (frame(3, 0, 1, b"\0\0\0\7"), frame(7, 0, 0, bytes(8))):
        connection = asked()
        connection.feed(SETTINGS + refusal)
        assert (connection.done, connection.refused, connection.reusable) == (True, True, False)
    going = asked()
    going.feed(SETTINGS + frame(7, 0, 0, b"\0\0\0\1\0\0\0\0") + frame(1, 5, 1, OK))
    assert (going.status, going.refused, going.reusable) == (200, False, False)


def test_a_server_that_leaves_no_room_is_not_flooded():
    connection = asked()
    connection.feed(settings(4, 0) + frame(1, 5, 1, OK))
    with pytest.raises(Malformed, match="no room"):
        connection.request((), b"abc")


@given(st.lists(st.binary(max_size=120), max_size=8), st.booleans())
def test_no_bytes_crash_it(parts, settled):
    connection = asked()
    try:
        if settled:
            connection.feed(SETTINGS)
        for part in parts:
            connection.feed(part)
    except Malformed:
        return
    assert len(connection.body) <= 1000


@given(
    st.lists(
        st.builds(
            frame, st.integers(0, 10), st.integers(0, 255), st.sampled_from([0, 1, 1, 1, 3]),
            st.binary(max_size=40) | st.just(OK),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_no_frames_crash_it(frames):
    connection = asked()
    try:
        connection.feed(SETTINGS + b"".join(frames))
    except Malformed:
        return
    assert connection.status == 0 or connection.status >= 200
