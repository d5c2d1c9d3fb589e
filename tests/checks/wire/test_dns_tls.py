"""DNS over TLS: unbound as the healthy peer, and servers that lie, stall and break off."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from checks import jsonable
from checks.contract import CannotTell
from checks.vantage import Shared
from checks.wire import dns_stream
from checks.wire.dns import Answer, Dns
from tests.checks import pki
from tests.checks.hostile import STALLS, banner, close_at_once, reset, serve
from tests.checks.wire.dns_servers import answering, free_port, unbound
from tests.checks.wire.private import NAME, Authority, against

GOOD = answering(("@", 60, "A", "192.0.2.1"), flags=("RA",))
URL = "tls://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def real(authority):
    small = ('local-zone: "office.example." redirect', 'local-data: "office.example. A 192.0.2.7"')
    large = (f'local-data: "big.example. TXT {number:03d}{"x" * 200}"' for number in range(250))
    with unbound(
        *small, 'local-zone: "big.example." static', *large, tls=authority.files(), probe="office.example"
    ) as ports:
        yield ports


def ask(authority, handler, name=NAME, *, url=URL, tls=True, **options):
    """Ask one question of `handler` behind a healthy certificate."""
    options = {"timeout": 5.0, "tries": 1, "ca_file": authority.ca_file, **options}
    context = authority.server() if tls is True else tls
    return against(handler, lambda dns, place: dns.ask(place, name, "A", **options), tls=context, url=url)


def framed(message):
    return len(message).to_bytes(2, "big") + message


def says(*, make, rounds=1 << 30):
    """Return a handler that reads framed questions and sends what `make` makes of each."""

    async def handler(reader, writer):
        for _ in range(rounds):
            size = int.from_bytes(await reader.readexactly(2), "big")
            reply = make(await reader.readexactly(size))
            if reply is not None:
                writer.write(reply)
                await writer.drain()

    return handler


HONEST = says(make=lambda query: framed(GOOD(query)))


@pytest.mark.parametrize("name", ["", "#dns.example"])
def test_a_real_resolver_answers_over_tls(authority, real, name):
    async def run():
        client = await Dns.open(Shared())
        server = f"tls://127.0.0.1:{real.tls}{name}"
        found = [await client.ask(server, NAME, "A", ca_file=authority.ca_file) for _ in range(3)]
        long = await client.ask(server, "big.example", "TXT", ca_file=authority.ca_file)
        await client.close()
        return server, found, long

    server, found, long = asyncio.run(run())
    for answer in found:
        assert (answer.rcode, answer.error, answer.transport) == ("NOERROR", None, "tls")
        assert (answer.server, answer.address, answer.ra) == (server, "127.0.0.1", True)
        assert [record.text for record in answer.records] == ["192.0.2.7"]
        assert jsonable.from_json(Answer, jsonable.to_json(answer)) == answer
    assert (len(long.records), long.tc, long.error) == (250, False, None), "50 KB come whole"


def test_many_questions_share_one_connection(authority):
    connections = []

    async def backwards(reader, writer):
        connections.append(writer)
        queries = []
        while len(queries) < 200:
            size = int.from_bytes(await reader.readexactly(2), "big")
            queries.append(await reader.readexactly(size))
        for query in reversed(queries):
            text = f"192.0.2.{int(query[13:16])}"
            writer.write(framed(answering(("@", 60, "A", text), flags=("RA",))(query)))
        await reader.read()

    async def work(client, server):
        asked = [client.ask(server, f"{n:03d}.example", "A", ca_file=authority.ca_file) for n in range(200)]
        return await asyncio.gather(*asked)

    answers = against(backwards, work, tls=authority.server(), url=URL)
    assert len(connections) == 1, "pipelined"
    for number, answer in enumerate(answers):
        assert [record.text for record in answer.records] == [f"192.0.2.{number}"], "each to its own"


def test_ids_are_random(authority):
    seen = []

    def make(query):
        seen.append(query[:2])
        return framed(GOOD(query))

    async def work(client, server):
        return [await client.ask(server, NAME, "A", ca_file=authority.ca_file) for _ in range(30)]

    against(says(make=make), work, tls=authority.server(), url=URL)
    assert len(set(seen)) > 25


def test_without_trust_there_is_no_answer(authority, real):
    async def run(server, ca_file):
        client = await Dns.open(Shared())
        try:
            return await client.ask(server, NAME, "A", ca_file=ca_file)
        finally:
            await client.close()

    stranger = asyncio.run(run(f"tls://127.0.0.1:{real.tls}", None))
    assert (stranger.rcode, stranger.error, stranger.records) == (None, "untrusted certificate", ())
    assert "issuer" in stranger.detail
    wrong = asyncio.run(run(f"tls://127.0.0.1:{real.tls}#other.example", authority.ca_file))
    assert (wrong.rcode, wrong.error) == (None, "untrusted certificate")
    assert "other.example" in wrong.detail
    with pytest.raises(CannotTell, match="cannot be read"):
        asyncio.run(run(f"tls://127.0.0.1:{real.tls}", "/nonexistent/ca.pem"))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"end": -1.0}, "expired"),
        ({"start": 1.0}, "not yet valid"),
        ({"by": None}, "self-signed"),
        ({"names": ("192.0.2.1", "dns.example")}, "127.0.0.1"),
        ({"names": ()}, "127.0.0.1"),
    ],
)
def test_every_kind_of_bad_certificate(authority, made, words):
    pair = pki.make("dns.example", **{"by": authority.pair, "names": ("127.0.0.1",), **made})
    answer = ask(authority, HONEST, tls=authority.server(pair=pair))
    assert (answer.rcode, answer.error) == (None, "untrusted certificate")
    assert words in answer.detail


def test_the_host_s_name_is_what_the_certificate_must_be_for(authority, monkeypatch):
    pair = pki.make("localhost", by=authority.pair, names=("localhost",))
    url = "tls://localhost:{port}"
    answer = ask(authority, HONEST, url=url, tls=authority.server(pair=pair))
    assert (answer.rcode, answer.address) == ("NOERROR", "127.0.0.1"), answer
    assert ask(authority, HONEST, url=url).error == "untrusted certificate"


@pytest.mark.parametrize("stall", STALLS)
def test_a_handshake_that_stalls_costs_the_timeout_only(authority, stall):
    answer = ask(authority, STALLS[stall], tls=None, timeout=0.1, tries=3)
    assert (answer.rcode, answer.transport) == (None, "tls")
    assert answer.error in ("timeout", "TLS failed")


@pytest.mark.parametrize("handler", [banner, reset, close_at_once])
def test_what_is_no_tls_is_said_so(authority, handler):
    answer = ask(authority, handler, tls=None)
    assert (answer.rcode, answer.error) == (None, "TLS failed")


def test_silence_and_closed_ports(authority):
    assert ask(authority, says(make=lambda query: None), timeout=0.2).error == "timeout"
    closed = ask(authority, HONEST, url=f"tls://127.0.0.1:{free_port()}")
    assert (closed.error, closed.transport) == ("refused (port closed)", "tls")


def other(query, at, change=1):
    """Return the good reply to `query` with one byte changed."""
    reply = bytearray(GOOD(query))
    reply[at] ^= change
    return bytes(reply)


LIES = {
    "a wrong id": lambda query: framed(other(query, 1)),
    "a wrong question": lambda query: framed(other(query, 13)),
    "the query itself": framed,
    "nothing": lambda query: framed(b""),
    "a header cut": lambda query: framed(GOOD(query)[:7]),
    "a name that loops": lambda query: framed(GOOD(query)[:-16] + b"\xc0\x22" + bytes(14)),
    "64 KB of junk": lambda query: framed(GOOD(query)[:12] + query[12:-11] + b"\xff" * 65000),
    "64 KB of NUL": lambda query: framed(bytes(65535)),
    "a flood": lambda query: framed(other(query, 1)) * 1000,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_no_answer(authority, lie):
    answer = ask(authority, says(make=LIES[lie]))
    assert (answer.rcode, answer.error, answer.records) == (None, "malformed reply", ()), answer


ENDS = {
    "mid-answer": lambda query: framed(GOOD(query))[:-3],
    "oversized length": lambda query: b"\xff\xff" + GOOD(query),
    "no answer": lambda query: b"",
    "half a length": lambda query: b"\0",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_connection_that_ends_early_is_no_answer(authority, end):
    answer = ask(authority, says(make=ENDS[end], rounds=1))
    assert (answer.rcode, answer.error) == (None, "malformed reply")
    assert "ended" in answer.detail


@pytest.mark.parametrize("end", ["oversized length", "half a length"])
def test_an_answer_that_never_ends_is_a_timeout(authority, end):
    assert ask(authority, says(make=ENDS[end]), timeout=0.2).error == "timeout"


def test_an_answer_cut_short_is_no_answer(authority):
    answer = ask(authority, says(make=lambda query: framed(other(query, 2, 2))))
    assert (answer.rcode, answer.tc, answer.error) == ("NOERROR", True, "truncated")


def test_a_connection_that_the_server_closed_is_opened_again(authority):
    async def work(client, server):
        return [await client.ask(server, NAME, "A", tries=1, ca_file=authority.ca_file) for _ in range(4)]

    answers = against(says(make=lambda q: framed(GOOD(q)), rounds=1), work, tls=authority.server(), url=URL)
    assert [answer.rcode for answer in answers] == ["NOERROR"] * 4


def test_an_abandoned_question_s_reply_ends_nothing(authority):
    late = []

    def make(query):
        if not late:
            late.append(query)
            return None
        return framed(GOOD(late[0])) + framed(GOOD(query))

    async def work(client, server):
        first = asyncio.create_task(client.ask(server, NAME, "A", timeout=30, ca_file=authority.ca_file))
        while not late:
            await asyncio.sleep(0.001)
        first.cancel()
        return await client.ask(server, NAME, "A", ca_file=authority.ca_file)

    assert against(says(make=make), work, tls=authority.server(), url=URL).rcode == "NOERROR"


def test_a_connection_that_fell_silent_is_not_used_again(authority):
    connections = []

    async def first_is_deaf(reader, writer):
        connections.append(writer)
        if len(connections) == 1:
            await reader.read()
        await HONEST(reader, writer)

    async def work(client, server):
        return [
            await client.ask(server, NAME, "A", timeout=wait, tries=1, ca_file=authority.ca_file)
            for wait in (0.2, 5)
        ]

    answers = against(first_is_deaf, work, tls=authority.server(), url=URL)
    assert [answer.error for answer in answers] == ["timeout", None]


def test_an_idle_connection_is_closed(authority, monkeypatch):
    monkeypatch.setattr(dns_stream, "IDLE_S", 0.01)

    async def run():
        closed = asyncio.Event()

        async def handler(reader, writer):
            try:
                await HONEST(reader, writer)
            finally:
                closed.set()

        async with serve(handler, tls=authority.server()) as port:
            client = await Dns.open(Shared())
            server = f"tls://127.0.0.1:{port}"
            assert (await client.ask(server, NAME, "A", ca_file=authority.ca_file)).rcode == "NOERROR"
            await asyncio.wait_for(closed.wait(), 10)
            assert (await client.ask(server, NAME, "A", ca_file=authority.ca_file)).rcode == "NOERROR"
            await client.close()

    asyncio.run(run())


def test_closing_the_client_ends_what_is_under_way_and_leaks_nothing(authority):
    async def run(handler, tls):
        async with serve(handler, tls=tls) as port:
            client = await Dns.open(Shared())
            server = f"tls://127.0.0.1:{port}"
            asked = [
                asyncio.ensure_future(client.ask(server, NAME, "A", timeout=30, ca_file=authority.ca_file))
                for _ in range(3)
            ]
            while not (client._private and next(iter(client._private.values()))._over._line):
                await asyncio.sleep(0.01)
            await client.close()
            done, pending = await asyncio.wait(asked, timeout=5)
            assert not pending
            for task in done:
                assert task.cancelled() or task.result().rcode is None

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        asyncio.run(run(says(make=lambda query: None), authority.server()))
        asyncio.run(run(STALLS["silence"], None))
        gc.collect()


def test_a_server_without_edns_is_asked_without(authority):
    def old(query):
        return framed(query[:2] + b"\x80\x01" + bytes(8) if query[11] else GOOD(query))

    answer = ask(authority, says(make=old))
    assert (answer.rcode, answer.tries, answer.edns) == ("NOERROR", 2, None)
