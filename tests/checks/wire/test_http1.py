from __future__ import annotations

import asyncio

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checks.vantage import Shared, Vantage
from checks.wire.http import Request, exchange, place
from checks.wire.http1 import Answer, Malformed
from tests.checks import hostile


def read(raw: bytes, method: str = "GET", pieces: int = 0, max_body: int = 1 << 20) -> Answer:
    """Read `raw` whole, or in pieces of that many bytes; the peer closes at the end."""
    answer = Answer(method, max_body)
    step = pieces or len(raw) or 1
    for at in range(0, len(raw), step):
        if answer.done:
            break
        answer.feed(raw[at : at + step])
    if not answer.done:
        answer.end()
    return answer


def oracle(raw: bytes, method: str) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """Return status, headers and body as h11 reads them; None if it refuses or the answer is not whole."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=65536)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "x"), ("Connection", "close")]))
    client.send(h11.EndOfMessage())
    status, headers, body = 0, [], b""
    try:
        client.receive_data(raw)
        closed = False
        while True:
            event = client.next_event()
            if event is h11.NEED_DATA:
                if closed:
                    return None
                client.receive_data(b"")
                closed = True
            elif isinstance(event, h11.Response):
                status, headers = event.status_code, list(event.headers)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return status, headers, body
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                return None
    except h11.RemoteProtocolError:
        return None


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GOOD = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "close": b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello",
    "chunks": CHUNKED + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: x\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "folded": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
    "bare": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "both": CHUNKED.replace(b"\r\n", b"\r\nContent-Length: 9\r\n", 1) + b"5\r\nhello\r\n0\r\n\r\n",
    "twice": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
    "more": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 500 No\r\n\r\n",
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("pieces", [0, 1, 7])
def test_whole_answers(name, pieces):
    answer = read(GOOD[name], pieces=pieces)
    assert (answer.status, answer.body, answer.complete) == (200, b"hello", True)


@pytest.mark.parametrize("name", ["length", "chunks"])
def test_an_answer_that_breaks_off_is_not_complete(name):
    answer = read(GOOD[name][:-4])
    assert (answer.done, answer.complete, answer.status) == (True, False, 200)


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_body(status):
    answer = read(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nhello" % status)
    assert (answer.body, answer.complete) == (b"", True)


def test_head_has_no_body():
    assert read(GOOD["length"], "HEAD").complete


@pytest.mark.parametrize("name", ["length", "close", "chunks"])
def test_the_bound_cuts(name):
    answer = read(GOOD[name], max_body=3)
    assert (answer.body, answer.cut, answer.complete, answer.done) == (b"hel", True, False, True)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad name: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
    ],
)
def test_malformed(raw):
    with pytest.raises(Malformed):
        read(raw)
    assert oracle(raw, "GET") is None


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 103 Hints\r\n\r\n" * 20,
    ],
)
def test_our_own_bounds(raw):
    with pytest.raises(Malformed):
        read(raw)


_PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404 No\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204\r\n",
        b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: 5,5\r\n",
        b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n",
        b"transfer-encoding: Chunked\r\n", b"X-A: b\r\n", b" fold\r\n",
        b"\r\n", b"\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nT: x\r\n\r\n", b"hello", b"\0", b"\xff",
        b"5;e\r\n", b"X: \x1b[0m\r\n", b":\r\n", b"a", b"Connection: close\r\n",
    ]
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.binary(max_size=4)), max_size=12), st.sampled_from(["GET", "HEAD"]))
@example([b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n", b"\r\n", b"hello"], "GET")
def test_what_h11_reads_we_read_alike(pieces, method):
    raw = b"".join(pieces)
    expected = oracle(raw, method)
    try:
        answer = read(raw, method)
    except Malformed:
        assert expected is None
        return
    if expected is not None:
        status, headers, body = expected
        assert (answer.status, answer.complete, answer.body) == (status, True, body)
        mine = [(key.encode(), value.encode("latin-1")) for key, value in answer.headers]
        assert [key for key, _ in mine] == [key for key, _ in headers]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.binary(max_size=4)), max_size=12), st.integers(1, 5))
def test_pieces_change_nothing(pieces, size):
    def outcome(step: int):
        try:
            answer = read(b"".join(pieces), pieces=step)
        except Malformed:
            return "malformed"
        return answer.status, answer.headers, answer.body, answer.complete

    assert outcome(size) == outcome(0)


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("http://x.example.com", "x.example.com", "/"),
        ("http://x.example.com:80/a?b=c", "x.example.com", "/a?b=c"),
        ("https://x.example.com:8443/", "x.example.com:8443", "/"),
        ("http://[::1]:8080/é", "[::1]:8080", "/%C3%A9"),
        ("http://bücher.example/", "xn--bcher-kva.example", "/"),
        ("http://x.example.com/a%20b", "x.example.com", "/a%20b"),
    ],
)
def test_places(url, authority, target):
    assert (place(url).authority, place(url).target) == (authority, target)


def test_what_is_sent():
    heads = []

    async def keep(reader, writer):
        heads.append(await hostile.request_head(reader))
        writer.write(GOOD["length"])

    async def go():
        async with hostile.serve(keep, host="::1") as port:
            request = Request(url=f"http://[::1]:{port}/a?b")
            return port, await exchange(Vantage(Shared()), request, 5)

    port, seen = asyncio.run(go())
    head = heads[0].decode()
    assert head.startswith(f"GET /a?b HTTP/1.1\r\nHost: [::1]:{port}\r\n")
    assert "Accept-Encoding: identity\r\n" in head
    assert seen.complete
    assert seen.phases.total > 0


def test_a_dead_first_address_is_seen_and_the_next_one_used(monkeypatch):
    async def go():
        async with hostile.serve(hostile.yes_to_everything) as port:
            found = [(2, 1, 6, "", ("127.0.0.2", 0)), (2, 1, 6, "", ("127.0.0.1", 0))]

            async def lookup(self, *args, **kwargs):
                return found

            monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", lookup)
            return await exchange(Vantage(Shared()), Request(url=f"http://two.example.com:{port}/"), 5)

    seen = asyncio.run(go())
    assert [attempt.outcome for attempt in seen.attempts] == ["refused", "open"]
    assert seen.status == 200
