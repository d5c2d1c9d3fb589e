from __future__ import annotations

import asyncio
import dataclasses
import time
import tracemalloc

import pytest

from checks import jsonable
from checks.network.http import Http, HttpSeen, redirect
from checks.vantage import Shared, Vantage
from checks.wire.http import Exchange, Phases, Trouble
from checks.wire.names import Resolved
from checks.wire.tcp import Attempt
from checks.words import Status, worst
from tests.checks import hostile, pki

URL = "http://intranet.example.com/health"
SECURE = "https://intranet.example.com/health"
PEER = Attempt(address="192.0.2.5", port=80, outcome="open", seconds=0.01)


def answer(url: str = SECURE, status: int | None = 200, **more) -> Exchange:
    more.setdefault("names", Resolved(host="intranet.example.com", addresses=("192.0.2.5",)))
    more.setdefault("attempts", (PEER,))
    more.setdefault("complete", True)
    more.setdefault("phases", Phases(resolve=0.01, connect=0.02, ttfb=0.03, transfer=0.04))
    if "body" in more:
        more.setdefault("body_bytes", len(more["body"]))
    return Exchange(url=url, method="GET", status=status, **more)


def trouble(kind: str, phase: str = "ttfb", **more) -> Exchange:
    more.setdefault("status", None)
    return answer(complete=False, trouble=Trouble(phase=phase, kind=kind, detail="words"), **more)


def judged(check: Http, *exchanges: Exchange):
    seen = HttpSeen(exchanges=exchanges)
    assert jsonable.from_json(HttpSeen, jsonable.to_json(seen)) == seen
    findings = list(check.judge(seen))
    hostile.assert_harmless(findings)
    return worst(finding.status for finding in findings), findings


def ended(outcome: str) -> Attempt:
    return dataclasses.replace(PEER, outcome=outcome)


LATIN = (("content-type", "text/html; charset=iso-8859-1"),)
MOVED = answer(status=302, headers=(("location", "/login"),))


@pytest.mark.parametrize(
    ("what", "settings", "status"),
    [
        (answer(), {}, "pass"),
        (answer(status=404), {}, "fail"),
        (answer(status=404), {"expect_status": (200, 404)}, "pass"),
        (MOVED, {}, "fail"),
        (MOVED, {"expect_status": (302,), "location": "^/login$"}, "pass"),
        (MOVED, {"expect_status": (302,), "location": "^https:"}, "fail"),
        (trouble("timeout"), {}, "fail"),
        (trouble("untrusted", "tls"), {}, "fail"),
        (trouble("malformed"), {}, "fail"),
        (trouble("local", "connect", attempts=(ended("barred"),)), {}, "inconclusive"),
        (trouble("unreachable", "connect", attempts=(ended("refused"),)), {}, "fail"),
        (trouble("unresolved", "resolve", names=Resolved(host="x", addresses=(), error="no")), {}, "fail"),
        (
            trouble("local", "resolve", names=Resolved(host="x", addresses=(), error="no", temporary=True)),
            {},
            "inconclusive",
        ),
        # The status is right and the body breaks off: not a pass, whether anybody looks at the body or not.
        (trouble("closed", "transfer", status=200), {}, "fail"),
        (trouble("closed", "transfer", status=200, body=b"ready"), {"contains": "ready"}, "fail"),
        # Our own bound: what was found is proven, what was not is open.
        (answer(body=b"all ready", complete=False, cut=True), {"contains": "ready"}, "pass"),
        (answer(body=b"all", complete=False, cut=True), {"contains": "ready"}, "inconclusive"),
        (answer(body=b"all", complete=False, cut=True), {"matches": "ready"}, "inconclusive"),
        (answer(body=b'{"a": 1', complete=False, cut=True), {"json": {"a": 1}}, "inconclusive"),
        (answer(body=b"all"), {"contains": "ready"}, "fail"),
        (answer(body=b"all ready"), {"matches": "^all r"}, "pass"),
        (answer(body=b"\x1f", headers=(("content-encoding", "gzip"),)), {"contains": "x"}, "inconclusive"),
        (answer(body="Bücher".encode("latin-1"), headers=LATIN), {"contains": "Bücher"}, "pass"),
        (answer(body=b'{"status": "ok", "nodes": [{"up": true}]}'), {"json": {"status": "ok"}}, "pass"),
        (answer(body=b'{"status": "ok", "nodes": [{"up": true}]}'), {"json": {"nodes.0.up": True}}, "pass"),
        (answer(body=b'{"nodes": [{"up": 1}]}'), {"json": {"nodes.0.up": True}}, "fail"),
        (answer(body=b'{"nodes": []}'), {"json": {"nodes.0.up": True}}, "fail"),
        (answer(body=b'{"n": null}'), {"json": {"n": None}}, "pass"),
        (answer(body=b"{}"), {"json": {"n": None}}, "fail"),
        (answer(body=b'{"n": 1.0}'), {"json": {"n": 1}}, "pass"),
        (answer(body=b"[" * 100_000), {"json": {"a": 1}}, "fail"),
        (answer(body=b"<html>"), {"json": {"a": 1}}, "fail"),
        (answer(headers=(("server", "nginx"),)), {"headers": {"Server": "^nginx"}}, "pass"),
        (answer(headers=(("server", "nginx"),)), {"headers": {"Server": "^apache"}}, "fail"),
        (answer(), {"headers": {"Strict-Transport-Security": "."}}, "fail"),
        (answer(), {"max_time": 1.0}, "pass"),
        (answer(), {"max_time": 0.12}, "warn"),
        (answer(), {"max_time": 0.09}, "fail"),
        (answer(), {"final_url": "/health$"}, "pass"),
        (answer(), {"final_url": "/login$"}, "fail"),
        (answer(attempts=(ended("timeout"), PEER)), {}, "warn"),
        # A captive portal says 200 to everything.
        (answer(url=URL), {}, "warn"),
        (answer(url=URL, body=b"Please log in"), {"contains": "ready"}, "fail"),
        (answer(url=URL, body=b"ready"), {"contains": "ready"}, "pass"),
        (answer(url=URL, attempts=(dataclasses.replace(PEER, address="127.0.0.1"),)), {}, "pass"),
    ],
)  # fmt: skip
def test_judge(what, settings, status):
    found, findings = judged(Http(url=what.url, **settings), what)
    assert found == status, findings


def test_the_last_of_the_redirects_is_judged():
    check = Http(url=SECURE, max_redirects=1, final_url="/new$")
    assert judged(check, MOVED, answer(url="https://intranet.example.com/new"))[0] == "pass"


def test_a_downgrade_is_said():
    moved = answer(status=301, headers=(("location", "http://intranet.example.com/"),))
    _, findings = judged(Http(url=SECURE, max_redirects=5), moved)
    assert "https to plain http" in findings[0].message


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b", "https://intranet.example.com/b"),
        ("https://other.example.com/", "https://other.example.com/"),
        ("javascript:alert(1)", None),
        ("\x1b]0;owned\x07", None),
        ("//[::1", None),
        ("https://user:secret@example.com/", None),
        ("x" * 10_000, None),
    ],
)
def test_where_a_redirect_leads(location, target):
    assert redirect(answer(status=302, headers=(("location", location),))) == target


async def ask(check: Http, allowance: float = 5.0):
    return await check.observe(Vantage(Shared(), allowance=allowance))


@pytest.mark.parametrize("name", [*hostile.FLOODS, "redirects"])
def test_floods_cost_a_few_megabytes(name):
    handler = hostile.FLOODS.get(name, hostile.endless_redirect)

    async def go() -> HttpSeen:
        async with hostile.serve(handler) as port:
            return await ask(Http(url=f"http://127.0.0.1:{port}/", contains="ready", max_redirects=20))

    tracemalloc.start()
    seen = asyncio.run(go())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * hostile.MB
    assert len(seen.exchanges) <= 21
    status, _ = judged(Http(url="http://127.0.0.1/", contains="ready", max_redirects=20), *seen.exchanges)
    assert status in ("fail", "inconclusive")


@pytest.mark.parametrize("name", ["silence", "one byte a second"])
def test_stalls_cost_the_deadline_and_no_more(name):
    async def go() -> HttpSeen:
        async with hostile.serve(hostile.STALLS[name]) as port:
            return await ask(Http(url=f"http://127.0.0.1:{port}/"), 1.0)

    began = time.monotonic()
    seen = asyncio.run(go())
    assert time.monotonic() - began < 5
    assert seen.exchanges[-1].trouble is not None
    assert seen.exchanges[-1].trouble.kind == "timeout"
    assert judged(Http(url=URL), *seen.exchanges)[0] == "fail"


def test_a_circle_is_named():
    async def circle(reader, writer):
        await hostile.request_head(reader)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n")

    async def go() -> HttpSeen:
        async with hostile.serve(circle) as port:
            return await ask(Http(url=f"http://127.0.0.1:{port}/", max_redirects=3))

    _, findings = judged(Http(url=URL, max_redirects=3), *asyncio.run(go()).exchanges)
    assert "circle" in findings[0].message


def test_tls_facts_and_trust(tmp_path):
    root = pki.make("Lab Root", authority=True)
    pair = pki.make("srv.example.com", by=root, names=("srv.example.com",))
    ca = tmp_path / "ca.pem"
    ca.write_bytes(pki.pem(root.certificate))
    page = hostile.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready")

    async def go(**settings) -> tuple[str, HttpSeen, list]:
        async with hostile.serve(page, tls=pair.server(tmp_path)) as port:
            settings.setdefault("connect_to", f"127.0.0.1:{port}")
            check = Http(contains="ready", **settings)
            seen = await ask(check)
            return (*judged(check, *seen.exchanges), seen)

    good = {"url": "https://srv.example.com/", "ca_file": str(ca)}
    status, _, seen = asyncio.run(go(**good))
    facts = seen.exchanges[0].tls
    assert status == "pass"
    assert facts is not None
    assert (facts.names, facts.issuer, facts.version) == (
        ("srv.example.com",), "commonName=Lab Root", "TLSv1.3",
    )  # fmt: skip
    assert (facts.not_after - facts.not_before).days == 490
    assert None not in dataclasses.astuple(seen.exchanges[0].phases)

    status, findings, _ = asyncio.run(go(**good, server_name="other.example.com"))
    assert (status, findings[0].message) == ("fail", "The certificate is for another name.")
    status, findings, _ = asyncio.run(go(**good | {"url": "https://new.example.com/"}))
    assert (status, findings[0].message) == ("fail", "The certificate is for another name.")
    status, findings, _ = asyncio.run(go(url="https://srv.example.com/"))
    assert status == "fail"
    assert findings[0].expected == "a certificate that is trusted here"


def test_http_on_a_tls_port_and_tls_on_an_http_port(tmp_path):
    pair = pki.make("srv.example.com", names=("127.0.0.1",))

    async def plain() -> HttpSeen:
        async with hostile.serve(hostile.silence, tls=pair.server(tmp_path)) as port:
            return await ask(Http(url=f"http://127.0.0.1:{port}/"))

    async def secure() -> HttpSeen:
        async with hostile.serve(hostile.yes_to_everything) as port:
            return await ask(Http(url=f"https://127.0.0.1:{port}/"), 2.0)

    assert judged(Http(url=URL), *asyncio.run(plain()).exchanges)[0] == "fail"
    assert judged(Http(url=SECURE), *asyncio.run(secure()).exchanges)[0] == "fail"


def test_proxy_settings_are_not_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def go() -> HttpSeen:
        async with hostile.serve(hostile.yes_to_everything) as port:
            return await ask(Http(url=f"http://127.0.0.1:{port}/"))

    assert asyncio.run(go()).exchanges[0].status == 200


def test_a_body_that_nobody_looks_at_is_kept_short():
    page = hostile.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)

    async def go() -> Exchange:
        async with hostile.serve(page) as port:
            return (await ask(Http(url=f"http://127.0.0.1:{port}/"))).exchanges[0]

    seen = asyncio.run(go())
    assert (len(seen.body), seen.body_bytes, seen.complete) == (4096, 100_000, True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"contains": ""}, "asserts nothing"),
        ({"json": {}}, "asserts nothing"),
        ({"headers": {}}, "asserts nothing"),
        ({"method": "HEAD", "contains": "x"}, "no body"),
        ({"location": "x"}, "set expect_status"),
        ({"max_time": 0.0}, "longer than zero"),
    ],
)
def test_refused_parameters(settings, words):
    with pytest.raises(ValueError, match=words):
        Http(url=URL, **settings)


def test_whether_it_needs_the_link():
    assert Http(url=URL).needs_link()
    assert not Http(url="http://127.0.0.1:8080/x").needs_link()
    assert not Http(url=URL, connect_to="127.0.0.1:80").needs_link()


def test_statuses_of_findings_about_a_trouble_never_pass():
    for kind in (
        "unresolved",
        "unreachable",
        "untrusted",
        "handshake",
        "timeout",
        "reset",
        "closed",
        "malformed",
    ):
        _, findings = judged(Http(url=SECURE), trouble(kind))
        assert [f for f in findings if f.status is Status.PASS] == []
        assert findings
