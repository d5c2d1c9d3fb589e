"""DNS over HTTPS: unbound over HTTP/2, a stand-in by aiohttp over HTTP/1.1, and web servers that lie.

No DoH server of Debian's speaks HTTP/1.1, so the stand-in takes its place: real HTTP, and DNS replies from
the same answerers that the tests of UDP use. Google's and Cloudflare's public servers speak it.
"""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from checks.vantage import Shared
from checks.wire import dns_https
from checks.wire.dns import Dns
from tests.checks.hostile import FLOODS, STALLS, answers, close_at_once, request_head, reset, serve
from tests.checks.wire.dns_servers import answering, free_port, unbound
from tests.checks.wire.private import NAME, Authority, against
from tests.checks.wire.test_http2 import OK, SETTINGS, frame

GOOD = answering(("@", 60, "A", "192.0.2.1"), flags=("RA",))
URL = "https://127.0.0.1:{port}/dns-query"
MEDIA = "application/dns-message"


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


def standin(authority, answer, work):
    """Serve DNS over HTTPS by aiohttp (HTTP/1.1) and return what `work` makes of a client and the port."""

    async def run():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=authority.server("http/1.1")).start()
        client = await Dns.open(Shared())
        try:
            return await work(client, port)
        finally:
            await client.close()
            await runner.cleanup()

    return asyncio.run(run())


def ask(authority, handler, *, tls=True, protocols=(), url=URL, **options):
    """Ask one question of `handler` behind a healthy certificate."""
    options = {"timeout": 5.0, "tries": 1, "ca_file": authority.ca_file, **options}
    context = authority.server(*protocols) if tls else None
    return against(handler, lambda dns, place: dns.ask(place, NAME, "A", **options), tls=context, url=url)


@pytest.mark.parametrize("name", ["", "#dns.example"])
def test_a_real_server_answers_over_http2(authority, real, name):
    async def run():
        client = await Dns.open(Shared())
        server = f"https://127.0.0.1:{real.https}/dns-query{name}"
        found = await asyncio.gather(
            *(client.ask(server, NAME, "A", timeout=10, ca_file=authority.ca_file) for _ in range(40))
        )
        long = await client.ask(server, "big.example", "TXT", ca_file=authority.ca_file)
        nowhere = await client.ask(
            f"https://127.0.0.1:{real.https}/nowhere", NAME, "A", ca_file=authority.ca_file
        )
        await client.close()
        return found, long, nowhere

    found, long, nowhere = asyncio.run(run())
    for answer in found:
        assert (answer.rcode, answer.error, answer.transport) == ("NOERROR", None, "https")
        assert [record.text for record in answer.records] == ["192.0.2.7"]
    assert (len(long.records), long.tc, long.error) == (250, False, None), "50 KB come whole"
    assert (nowhere.rcode, nowhere.error, nowhere.detail) == (None, "HTTP error", "HTTP status 404")


def test_a_standin_answers_over_http1(authority):
    requests, peers = [], set()

    async def answer(request):
        query = await request.read()
        requests.append((request, query))
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(body=GOOD(query), content_type=MEDIA)

    async def work(client, port):
        places = (f"https://127.0.0.1:{port}/dns-query", f"https://127.0.0.1:{port}/q?x=%41#dns.example")
        return [await client.ask(one, NAME, "A", ca_file=authority.ca_file) for one in (*places, *places)]

    for one in standin(authority, answer, work):
        assert (one.rcode, one.error, one.transport, one.address) == ("NOERROR", None, "https", "127.0.0.1")
        assert [record.text for record in one.records] == ["192.0.2.1"]
    (request, query), (named, _) = requests[:2]
    assert (request.method, request.path) == ("POST", "/dns-query")
    assert request.headers["host"].partition(":")[0] == "127.0.0.1"
    assert (request.headers["content-type"], request.headers["accept"]) == (MEDIA, MEDIA)
    assert query[:2] == b"\0\0", "for the sake of caches"
    assert (named.raw_path, named.headers["host"].partition(":")[0]) == ("/q?x=%41", "dns.example")
    assert len(peers) == 2, "one connection for each resolver"


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (lambda query: web.Response(status=404), "HTTP error"),
        (lambda query: web.Response(status=415, body=GOOD(query)), "HTTP error"),
        (lambda query: web.Response(status=302, headers={"location": "/x"}), "HTTP error"),
        (
            lambda query: web.Response(text="<html>Please log in.</html>", content_type="text/html"),
            "malformed reply",
        ),
        (lambda query: web.Response(body=b""), "malformed reply"),
        (lambda query: web.Response(status=204), "malformed reply"),
        (lambda query: web.Response(body=b"\0\1" + GOOD(query)[2:]), "malformed reply"),
        (lambda query: web.Response(body=query), "malformed reply"),
        (lambda query: web.Response(body=GOOD(query).replace(b"\3www", b"\3wwx")), "malformed reply"),
        (lambda query: web.Response(body=GOOD(query)[:-3]), "malformed reply"),
        (
            lambda query: web.Response(body=GOOD(query)[:12] + query[12:-11] + b"\xff" * 65400),
            "malformed reply",
        ),
        (lambda query: web.Response(body=GOOD(query)[:2] + b"\x83" + GOOD(query)[3:]), "truncated"),
    ],
)
def test_a_wrong_answer_is_none(authority, response, error):
    async def answer(request):
        return response(await request.read())

    async def work(client, port):
        return await client.ask(f"https://127.0.0.1:{port}/dns-query", NAME, "A", ca_file=authority.ca_file)

    one = standin(authority, answer, work)
    assert one.error == error, one
    assert (one.rcode is None) == (error != "truncated")


def test_an_answer_beyond_64_kb_is_none(authority):
    async def answer(request):
        return web.Response(body=GOOD(await request.read()) + bytes(70_000))

    async def work(client, port):
        return await client.ask(f"https://127.0.0.1:{port}/dns-query", NAME, "A", ca_file=authority.ca_file)

    one = standin(authority, answer, work)
    assert (one.rcode, one.error) == (None, "malformed reply")
    assert "longer" in one.detail


def test_without_trust_there_is_no_answer(authority, real):
    async def run(server, ca_file):
        client = await Dns.open(Shared())
        try:
            return await client.ask(server, NAME, "A", ca_file=ca_file)
        finally:
            await client.close()

    place = f"https://127.0.0.1:{real.https}/dns-query"
    assert asyncio.run(run(place, None)).error == "untrusted certificate"
    assert asyncio.run(run(f"{place}#other.example", authority.ca_file)).error == "untrusted certificate"


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("protocols", [("http/1.1",), ("h2",), ()], ids=["http/1.1", "h2", "no ALPN"])
def test_a_flood_ends_by_itself(authority, flood, protocols):
    answer = ask(authority, FLOODS[flood], protocols=protocols, timeout=30)
    assert (answer.rcode, answer.records) == (None, ())
    assert answer.error in ("malformed reply", "HTTP error"), answer


@pytest.mark.parametrize("stall", STALLS)
@pytest.mark.parametrize("tls", [True, False], ids=["after", "before"])
def test_a_stall_costs_the_timeout_only(authority, stall, tls):
    answer = ask(authority, STALLS[stall], tls=tls, timeout=0.3)
    assert (answer.rcode, answer.transport) == (None, "https")
    assert answer.error in ("timeout", "TLS failed", "malformed reply")


@pytest.mark.parametrize("handler", [reset, close_at_once])
@pytest.mark.parametrize("protocols", [("http/1.1",), ("h2",)])
def test_a_connection_that_breaks_is_no_answer(authority, handler, protocols):
    answer = ask(authority, handler, protocols=protocols)
    assert (answer.rcode, answer.error) == (None, "malformed reply") or answer.error == "TLS failed"


def test_closed_mid_answer(authority):
    cut = answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    answer = ask(authority, cut, protocols=("http/1.1",))
    assert (answer.rcode, answer.error) == (None, "malformed reply")
    assert "ended" in answer.detail

    async def half(reader, writer):
        await reader.read(65536)
        writer.write(SETTINGS + frame(1, 4, 1, OK) + frame(0, 0, 1, b"half"))
        await writer.drain()

    assert ask(authority, half, protocols=("h2",)).error == "malformed reply"
    closed = ask(authority, cut, url=f"https://127.0.0.1:{free_port()}/dns-query")
    assert closed.error == "refused (port closed)"


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"], ids=["silently", "as it said"])
def test_a_connection_that_the_server_closed_is_opened_again(authority, close):
    async def once(reader, writer):
        head = await request_head(reader)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        reply = GOOD(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\n" + close + b"Content-Length: %d\r\n\r\n" % len(reply) + reply)
        await writer.drain()

    async def work(client, server):
        return [await client.ask(server, NAME, "A", ca_file=authority.ca_file) for _ in range(4)]

    found = against(once, work, tls=authority.server("http/1.1"), url=URL)
    assert [answer.rcode for answer in found] == ["NOERROR"] * 4


def test_at_most_four_connections_and_idle_ones_are_closed(authority, monkeypatch):
    monkeypatch.setattr(dns_https, "IDLE_S", 0.05)
    opened, peak, current = [], [0], [0]

    async def keeps(reader, writer):
        opened.append(writer)
        current[0] += 1
        peak[0] = max(peak[0], current[0])
        try:
            while True:
                head = await request_head(reader)
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                reply = GOOD(await reader.readexactly(length))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply)
        finally:
            current[0] -= 1

    async def run():
        async with serve(keeps, tls=authority.server("http/1.1")) as port:
            client = await Dns.open(Shared())
            asked = [
                client.ask(f"https://127.0.0.1:{port}/q", NAME, "A", timeout=20, ca_file=authority.ca_file)
                for _ in range(50)
            ]
            found = await asyncio.gather(*asked)
            while current[0]:
                await asyncio.sleep(0.01)
            await client.close()
            return found

    assert {answer.rcode for answer in asyncio.run(run())} == {"NOERROR"}
    assert 1 <= peak[0] <= 4
