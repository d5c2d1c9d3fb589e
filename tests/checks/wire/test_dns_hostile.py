"""Plain DNS against peers that forge, flood, cut and stall: what must not pass, and what it may cost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import time

import pytest

from checks.vantage import Shared
from checks.wire.dns import Answer, Dns, Record
from tests.checks.wire.dns_servers import framed, free_port, scripted
from tests.checks.wire.test_dns import BAD, BOTH, GOOD, ask, truncated


@contextlib.contextmanager
def forger(query_port, forged_from):
    """Read queries on 127.0.0.1 and answer them from another address with the same port, only."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth,
    ):
        ear.bind(("127.0.0.1", query_port))
        mouth.bind((forged_from, query_port))
        sent = []

        def work():
            while True:
                query, peer = ear.recvfrom(4096)
                if query == b"stop":
                    return
                sent.append(peer)
                mouth.sendto(BAD(query), peer)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield sent
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
                knock.sendto(b"stop", ("127.0.0.1", query_port))
            thread.join(10)


@BOTH
def test_a_reply_from_another_address_is_dropped_by_the_kernel(endpoint):
    """Right id, right question, right port, wrong address: a connected socket never sees it."""
    port = free_port()
    with forger(port, "127.0.0.2") as sent:
        answer = ask(port, timeout=0.3, tries=1, endpoint=endpoint)
    assert len(sent) == 1, "the forged reply was sent"
    assert (answer.rcode, answer.error, answer.records, answer.ignored) == (None, "timeout", (), 0)


def test_ids_and_source_ports_are_random():
    seen = []

    def server(query):
        seen.append(query[:2])
        return GOOD(query)

    async def run(port):
        client = await Dns.open(Shared())
        for _ in range(200):
            await client.ask(f"127.0.0.1:{port}", "www.example", "A")
        ports = {one._sock.getsockname()[1] for pool in client._pools.values() for one in pool._ports}
        await client.close()
        return ports

    with scripted(udp=server) as port:
        ports = asyncio.run(run(port))
    assert len(set(seen)) > 190
    steps = {int.from_bytes(b) - int.from_bytes(a) for a, b in itertools.pairwise(seen)}
    assert len(steps) > 150, "no counter"
    assert len(ports) == 4


def test_every_question_has_its_own_time():
    async def run(port):
        client = await Dns.open(Shared())
        loop = asyncio.get_running_loop()
        begun = loop.time()

        async def one(wait):
            answer = await client.ask(f"127.0.0.1:{port}", "x.example", "A", timeout=wait, tries=1)
            return answer, loop.time() - begun - wait

        waits = [0.05 + 0.001 * (number % 200) for number in range(1000)]
        found = await asyncio.gather(*map(one, waits))
        await client.close()
        return found

    with scripted(udp=lambda query: None) as port:
        found = asyncio.run(run(port))
    assert {answer.error for answer, _ in found} == {"timeout"}
    assert all(late > -0.002 for _, late in found), "none before its time"
    assert sorted(late for _, late in found)[500] < 0.5


def test_a_flood_of_lies_costs_its_timeout_only():
    flood = [bytes((index & 255, index >> 8)) + b"\x81\x80" + bytes(1200) for index in range(4000)]
    with scripted(udp=lambda query: flood) as port:
        before = time.monotonic()
        answer = ask(port, timeout=0.5, tries=1)
    assert answer.error == "timeout"
    assert time.monotonic() - before < 10


def texts(query, count, size):
    """Return a reply with `count` TXT records of one string of `size` bytes each."""
    record = b"\xc0\x0c\0\x10\0\1\0\0\0\1" + (size + 1).to_bytes(2, "big") + bytes((size,)) + b"x" * size
    return (
        query[:2] + b"\x81\x80\0\1" + count.to_bytes(2, "big") + b"\0\0\0\0" + query[12:-11] + record * count
    )


def test_a_datagram_beyond_what_was_offered_is_no_answer():
    with scripted(udp=lambda query: texts(query, 100, 200)) as port:
        answer = ask(port, rdtype="TXT", tries=1)
    assert (answer.rcode, answer.error, answer.records) == (None, "malformed reply", ())


def test_the_largest_answer_comes_whole_over_tcp():
    with scripted(udp=truncated, tcp=framed(lambda query: texts(query, 244, 255))) as port:
        answer = ask(port, rdtype="TXT")
    assert (answer.transport, answer.error, len(answer.records)) == ("tcp", None, 244), "65,434 bytes"


JUNK = {
    "64 KB of nothing": lambda query: query[:2] + b"\x81\x80" + bytes(65531),
    "64 KB of pointers": lambda query: (
        query[:2] + b"\x81\x80\0\0\xff\xff\0\0\0\0" + b"\xc0\x0c" * 32761
    ),
    "64 KB of records": lambda query: (
        query[:2] + b"\x81\x80\0\1\xff\xff\0\0\0\0" + query[12:-11]
        + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4abcd" * 4090
    ),
    "64 KB of one name": lambda query: (
        query[:2] + b"\x81\x80\0\1\x07\xd0\0\0\0\0" + query[12:-11]
        + (b"\x01a" * 120 + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4abcd") * 250
    ),
    "a name that points at itself": lambda query: (
        query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:-11]
        + b"\xc0" + bytes((len(query) - 11,)) + bytes(14)
    ),
    "the length and no more": lambda query: b"",
    "the whole message, cut short again": lambda query: truncated(query),
}  # fmt: skip


@pytest.mark.parametrize("junk", JUNK)
def test_whatever_comes_over_tcp_is_bounded_and_no_answer(junk):
    with scripted(udp=truncated, tcp=framed(JUNK[junk])) as port:
        before = time.process_time()
        answer = ask(port)
        by_tcp = ask(port, transport="tcp")
    assert time.process_time() - before < 5
    assert answer.error == "truncated", answer
    assert by_tcp.error in ("malformed reply", "truncated")
    if junk.startswith("the whole"):
        assert (by_tcp.error, by_tcp.tc, by_tcp.transport) == ("truncated", True, "tcp")


def test_a_reply_that_is_cut_and_not_asked_over_tcp_is_no_answer():
    with scripted(udp=truncated) as port:
        answer = ask(port, transport="udp")
    assert (answer.rcode, answer.tc, answer.error) == ("NOERROR", True, "truncated")


def test_a_drip_over_tcp_costs_its_timeout_only():
    def drip(reply_to):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            reply_to.append(listener.getsockname()[1])
            ready.set()
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                while not done.is_set():
                    connection.sendall(b"\xff")
                    done.wait(0.02)

    ports, ready, done = [], threading.Event(), threading.Event()
    thread = threading.Thread(target=drip, args=(ports,), daemon=True)
    thread.start()
    assert ready.wait(10)
    answer = ask(ports[0], transport="tcp", timeout=0.3)
    done.set()
    thread.join(10)
    assert (answer.rcode, answer.error) == (None, "timeout")


@pytest.mark.parametrize("back", [True, False], ids=["in order", "backwards"])
def test_a_long_chain_of_aliases_costs_little(back):
    links = [Record(name=f"{n}.x", ttl=1, rdtype="CNAME", text=f"{n + 1}.x") for n in range(2000)]
    answer = Answer(
        server="s", address="s", name="0.x", rdtype="A", rcode="NOERROR",
        records=tuple(links if back else reversed(links)),
    )  # fmt: skip
    before = time.process_time()
    chain = answer.chain()
    assert time.process_time() - before < 0.5
    assert (chain.loop, chain.records) == (True, ()), "no resolver goes that far"
    short = Answer(
        server="s", address="s", name="0.x", rdtype="A", rcode="NOERROR",
        records=(*links[:9], Record(name="9.x", ttl=1, rdtype="A", text="192.0.2.1")),
    )  # fmt: skip
    assert (len(short.chain().aliases), short.chain().end, short.chain().loop) == (9, "9.x", False)
