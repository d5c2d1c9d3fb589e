"""Who is refused, and what the answers say."""

from __future__ import annotations

import asyncio
import contextlib
import re

import aiohttp
import pytest
from yarl import URL

from tests.tui.web.serving import drawn, get, serving
from tui.web.page import static

STATIC = ["page.css", "page.js", "textual.js", "xterm.css", "roboto-mono.ttf", "roboto-mono-italic.ttf"]


@pytest.fixture
async def served(tmp_path):
    async with serving(tmp_path) as made:
        yield made


async def test_the_printed_address_lets_in_once(served):
    token = served.server.doors.new_token()
    answer, text = await get(served, f"/?token={token}")
    assert answer.status == 200
    assert 'http-equiv="refresh" content="0;url=./"' in text
    assert token not in text
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert token not in cookie
    answer, text = await get(served, "/")
    assert answer.status == 200
    assert "data-session-websocket-url" in text


async def test_a_spent_token_opens_to_nobody_else(served):
    token = served.server.doors.new_token()
    await get(served, f"/?token={token}")
    answer, _ = await get(served, f"/?token={token}")
    assert answer.status == 200, "who is in already is led on"
    served.client.cookie_jar.clear()
    answer, text = await get(served, f"/?token={token}")
    assert answer.status == 403
    assert "Press Enter in the terminal" in text
    assert "Set-Cookie" not in answer.headers


async def test_who_is_in_does_not_spend_a_token(served):
    await served.come_in()
    token = served.server.doors.new_token()
    answer, _ = await get(served, f"/?token={token}")
    assert "Set-Cookie" not in answer.headers
    served.client.cookie_jar.clear()
    answer, _ = await get(served, f"/?token={token}")
    assert "Set-Cookie" in answer.headers


async def test_a_token_survives_what_only_looks(served):
    token = served.server.doors.new_token()
    async with served.client.head(f"{served.origin}/?token={token}") as answer:
        assert answer.status == 405
    answer, _ = await get(served, f"/?token={token}", headers={"Host": "evil.example"})
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers
    answer, _ = await get(served, f"/?token={token}")
    assert answer.status == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/ws", "/ws?width=80&height=24", "/download/x", "/static/", "/static", "/nothing", "/favicon.ico"]
    + [f"/static/{name}" for name in STATIC],
)
@pytest.mark.parametrize("cookie", ["", "wrong", "half"])
async def test_nothing_is_given_without_a_cookie(served, path, cookie):
    await served.come_in()
    good = served.cookie()["Cookie"]
    served.client.cookie_jar.clear()
    sent = {"wrong": f"{good.partition('=')[0]}=AAAA", "half": good[:-1]}.get(cookie)
    answer, text = await get(
        served, path, headers={"Origin": served.origin, **({"Cookie": sent} if sent else {})}
    )
    assert answer.status == 403
    assert "Press Enter in the terminal" in text
    assert not served.started()


@pytest.mark.parametrize("path", ["/", "/ws", "/static/page.js", "/?token=x"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "10.0.0.1:80"])
async def test_a_foreign_name_for_this_machine_is_refused(served, path, host):
    await served.come_in()
    headers = {"Host": host, "Origin": f"http://{host}", **served.cookie()}
    answer, _ = await get(served, path, headers=headers)
    assert answer.status == 403
    assert not served.started()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "https://127.0.0.1"])
async def test_a_foreign_page_gets_nothing(served, origin):
    await served.come_in()
    for path in ("/", "/static/textual.js", "/ws"):
        answer, _ = await get(served, path, headers={"Origin": origin, **served.cookie()})
        assert answer.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await served.socket(headers={"Origin": origin})
    assert refused.value.status == 403
    assert not served.started()


async def test_a_websocket_without_origin_is_refused(served):
    await served.come_in()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await served.client.ws_connect(f"{served.origin}/ws")
    assert refused.value.status == 403
    assert not served.started()


async def test_a_tunnel_may_use_another_port(served):
    await served.come_in()
    for host in ("localhost:2222", "127.0.0.1:80", "[::1]:4000"):
        headers = {"Host": host, **served.cookie()}
        answer, _ = await get(served, "/", headers=headers)
        assert answer.status == 200
        assert f"ws://{host}" in answer.headers["Content-Security-Policy"]
        async with served.socket(headers={"Origin": f"http://{host}", **headers}) as websocket:
            await drawn(websocket, b"ready")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "PROPFIND"])
async def test_only_getting_is_allowed(served, method):
    await served.come_in()
    for path in ("/", "/ws", "/static/page.js", "/nothing"):
        async with served.client.request(method, f"{served.origin}{path}") as answer:
            assert answer.status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/download/x",
        "/download/",
        "/static/",
        "/static",
        "/static/js",
        "/static/../page.py",
        "/static/%2e%2e/page.py",
        "/static//etc/passwd",
        "/static/index.html",
        "/static/js/textual.js",
        "/?fontsize=9",
        "/?ping=http://evil.example",
        "/?delay=1",
        "/?token=",
        "/index.html",
        "//",
        "/ws/",
        "/static/page.js%00",
        "/static/PAGE.JS",
    ],
)
async def test_there_is_nothing_but_the_dashboard(served, path):
    await served.come_in()
    async with served.client.get(URL(f"{served.origin}{path}", encoded=True)) as answer:
        text = await answer.text()
    assert answer.status == 404
    assert "There is nothing here" in text


async def test_a_get_of_the_websocket_is_no_page(served):
    await served.come_in()
    answer, _ = await get(served, "/ws", headers={"Origin": served.origin})
    assert answer.status == 400
    assert not served.started()


async def test_every_answer_is_wrapped_well(served):
    await served.come_in()
    index, text = await get(served, "/")
    others = [(await get(served, path))[0] for path in ("/static/page.js", "/nothing", "/static/xterm.css")]
    served.client.cookie_jar.clear()
    others += [(await get(served, "/"))[0]]
    for answer in (index, *others):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "aiohttp" not in answer.headers["Server"]
    (nonce,) = re.findall(r"'nonce-([^']+)'", index.headers["Content-Security-Policy"])
    assert f'nonce="{nonce}"' in text
    again, _ = await get(served, "/")
    assert nonce not in again.headers.get("Content-Security-Policy", "")


async def test_the_page_asks_nobody_else_and_holds_no_inline_code(served):
    await served.come_in()
    _, text = await get(served, "/")
    assert "://" not in text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
    for name in STATIC:
        answer, body = await get(served, f"/static/{name}")
        assert answer.status == 200
        assert name in text or name in (await get(served, "/static/page.css"))[1]
        if name.endswith((".js", ".css")):
            assert not re.search(r"(?:url\(|import\s*\(?|src\s*[=:])\s*[\"']?(?:https?:)?//", body)
    assert static("page.py") is None


async def test_a_name_from_outside_is_text_in_the_page(served):
    await served.come_in()
    _, text = await get(served, "/")
    assert "<title>A &lt;b&gt;move&lt;/b&gt;</title>" in text


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00" * 500,
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x1b]0;x\x07 / HTTP/1.1\r\n\r\n",
        b"GET " + b"/" * 100_000,
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"\r\n" * 1000,
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"CONNECT evil.example:80 HTTP/1.1\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\nOrigin: http://evil.example\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:40] + sent[-20:]),
)
async def test_what_is_no_request_gets_no_page(served, sent, capfd):
    await served.come_in()
    assert " 200 " in await answered(served, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert " 200 " not in await answered(served, sent)
    answer, _ = await get(served, "/")
    assert answer.status == 200, "the server goes on"
    assert "\x1b" not in capfd.readouterr().err


async def answered(served, sent):
    """Return the first line of the server's answer to these bytes, with our cookie where there is a Host."""
    cookie = f"Cookie: {served.cookie()['Cookie']}\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(sent.replace(b"Host:", cookie + b"Host:", 1))
    got = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            got = await reader.read(65536)
    writer.close()
    return got.partition(b"\r\n")[0].decode()
