from __future__ import annotations

import asyncio
import itertools
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.wire.stun import MAX_IGNORED, jitter_ms, mappings, pace, reach
from checks.wire.stun_codec import Malformed, decode, request
from tests.checks.wire.dns_servers import free_port
from tests.checks.wire.stun_servers import attribute, coturn, mapped, reply, scripted

TRANSACTION = b"0123456789ab"
QUERY = request("binding", TRANSACTION)


@pytest.fixture(scope="module")
def server():
    with coturn() as ports:
        yield ports


async def test_coturn_answers_binding(server):
    seen = await reach("127.0.0.1", server[0], 3)
    assert (seen.outcome, seen.kind, seen.error) == ("answered", "binding", None)
    assert "Coturn" in seen.software or seen.software == ""
    assert seen.rtt_ms is not None


async def test_coturn_tells_as_whom_it_sees_us(server):
    told = await mappings([("127.0.0.1", server[0])], 2)
    (one,) = told
    assert one.server == f"127.0.0.1:{server[0]}"
    assert one.mapped.startswith("127.0.0.1:")


async def test_a_paced_window_against_coturn(server):
    window = await pace("127.0.0.1", [(server[0], "binding")], count=60, interval=0.005, grace=1)
    assert len(window.rtts_ms) == 60
    assert all(rtt is not None and rtt < 500 for rtt in window.rtts_ms)


async def test_the_window_keeps_its_pace(server):
    loop = asyncio.get_running_loop()
    began = loop.time()
    await pace("127.0.0.1", [(server[0], "binding")], count=20, interval=0.02, grace=1)
    assert 0.38 <= loop.time() - began < 3


@pytest.mark.parametrize("kind", ["binding", "allocate"])
async def test_a_relay_that_answers_one_kind_only(kind):
    wanted = {"binding": b"\0\1", "allocate": b"\0\3"}[kind]
    error = attribute(0x0009, b"\0\0\4\1Unauthorized")

    def behaviour(query, peer):
        return (
            [reply(query, error, kind=0x0111 if kind == "binding" else 0x0113)] if query[:2] == wanted else []
        )

    with scripted(behaviour) as port:
        seen = await reach("127.0.0.1", port, 2)
    assert (seen.outcome, seen.kind, seen.error) == ("answered", kind, 401)


def says(*attributes, **how):
    return lambda query, peer: [reply(query, *attributes, **how)]


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda query, peer: [],
        lambda query, peer: [query],  # an echo server: our own request is no reply
        lambda query, peer: [b""],
        lambda query, peer: [b"x" * 1400],
        lambda query, peer: [b"\x16\x03\x03" + bytes(40)],
        says(cookie=b"\0\0\0\0"),
        says(kind=0x0001),
        says(kind=0x0011),
        says(kind=0x8101),
        says(length=8),
        lambda query, peer: [reply(query[:8] + bytes(12))],
        lambda query, peer: [reply(query[:19] + bytes([query[19] ^ 1]))],
        lambda query, peer: [reply(query)[:-1]],
        lambda query, peer: [reply(query) + b"x"],
    ],
)
async def test_what_is_no_reply_is_silence(behaviour):
    with scripted(behaviour) as port:
        seen = await reach("127.0.0.1", port, 0.5)
    assert seen.outcome == "silent"


async def test_a_reply_from_another_place_is_silence():
    with scripted(says(mapped("192.0.2.7", 5000)), foreign=True) as port:
        seen = await reach("127.0.0.1", port, 0.5)
        told = await mappings([("127.0.0.1", port)], 0.4)
    assert seen.outcome == "silent"
    assert told == ()


async def test_a_flood_is_cut_off():
    with scripted(lambda query, peer: [b"junk" * 10] * (MAX_IGNORED + 100)) as port:
        seen = await reach("127.0.0.1", port, 1.5)
    assert seen.outcome == "silent"
    assert seen.ignored <= MAX_IGNORED + 1


async def test_a_closed_port_is_refused():
    seen = await reach("127.0.0.1", free_port(), 1)
    assert seen.outcome == "refused"


async def test_an_address_that_cannot_be_asked():
    seen = await reach("not an address", 1, 1)
    assert seen.outcome == "not sent"


async def test_lost_packets_are_lost_and_late_ones_too():
    numbers = itertools.count()
    with scripted(lambda query, peer: [] if next(numbers) % 5 == 0 else [reply(query)]) as port:
        window = await pace("127.0.0.1", [(port, "binding")], count=50, interval=0.004, grace=0.3)
    assert sum(rtt is None for rtt in window.rtts_ms) == 10


async def test_repeated_replies_count_once():
    with scripted(lambda query, peer: [reply(query)] * 3) as port:
        window = await pace("127.0.0.1", [(port, "binding")], count=20, interval=0.004, grace=0.3)
    assert all(rtt is not None for rtt in window.rtts_ms)


async def test_a_mapping_by_destination():
    with (
        scripted(lambda query, peer: [reply(query, mapped("192.0.2.7", 5000))]) as one,
        scripted(lambda query, peer: [reply(query, mapped("192.0.2.7", 5001))]) as two,
    ):
        told = await mappings([("127.0.0.1", one), ("127.0.0.1", two)], 2)
    assert [entry.mapped for entry in told] == ["192.0.2.7:5000", "192.0.2.7:5001"]


async def test_all_are_asked_from_one_socket():
    peers = []
    lock = threading.Lock()

    def behaviour(query, peer):
        with lock:
            peers.append(peer)
        return [reply(query, mapped(*peer))]

    with scripted(behaviour) as one, scripted(behaviour) as two:
        await mappings([("127.0.0.1", one), ("127.0.0.1", two)], 2)
    assert len(set(peers)) == 1


def test_addresses_of_both_families():
    raw = bytes(a ^ b for a, b in zip(
        socket.inet_pton(socket.AF_INET6, "2001:db8::7"), QUERY[4:20], strict=True
    ))  # fmt: skip
    six = attribute(0x0020, b"\0\2" + (4711 ^ 0x2112).to_bytes(2, "big") + raw)
    assert decode(reply(QUERY, six)).mapped == "[2001:db8::7]:4711"
    assert decode(reply(QUERY, mapped("192.0.2.7", 4711))).mapped == "192.0.2.7:4711"
    plain = attribute(0x0001, b"\0\1\x12\x67\xc0\0\2\7")
    assert decode(reply(QUERY, plain)).mapped == "192.0.2.7:4711"
    assert decode(reply(QUERY, attribute(0x0020, b"\0\3\0\0"))).mapped is None
    assert decode(reply(QUERY, attribute(0x0020, b"\0"))).mapped is None


def test_an_error_without_its_code_is_still_one():
    assert decode(reply(QUERY, kind=0x0111)).error == 0
    assert decode(reply(QUERY, attribute(0x0009, b"\0\0\4\x14x"), kind=0x0111)).error == 420


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=120))
def test_any_bytes_give_a_reply_or_malformed(raw, body):
    for data in (raw, reply(QUERY, body), reply(QUERY, body, kind=0x0111), QUERY[:20] + body):
        try:
            seen = decode(data)
        except Malformed:
            continue
        assert len(seen.transaction) == 12
        assert seen.error is None or 0 <= seen.error < 1000


def test_jitter_is_rfc_3550_s():
    assert jitter_ms([10.0] * 20) == (0.0, 19)
    assert jitter_ms([]) == (0.0, 0)
    assert jitter_ms([10.0, None, 26.0]) == (1.0, 1)
    value, pairs = jitter_ms([10.0, 26.0] * 200)
    assert 15.9 < value <= 16.0
    assert pairs == 399
