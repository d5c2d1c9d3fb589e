"""A window and its app process: what a page may do to the server is nothing, and no process is left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket

import pytest
from aiohttp import WSMsgType

from tests.tui.web.serving import drawn, serving, until
from tui.web.server import MOST_SESSIONS

HOSTILE_MESSAGES = [
    "",
    "x",
    "[" * 60000,
    '["resize", {"width": -1, "height": 1000000000}]',
    '["stdin", 17]',
    '["quit"]',
    "null",
    '["resize", {"width": "a", "height": null}]',
    '["stdin", "\\ud800"]',
    '["deliver_chunk_request", {"key": "x"}]',
]


@pytest.fixture
async def served(tmp_path):
    async with serving(tmp_path) as made:
        yield made


async def test_the_app_draws_and_hears(served):
    await served.come_in()
    async with served.socket("?width=120&height=40") as websocket:
        await drawn(websocket, b"120x40 ready")
        await websocket.send_str('["stdin", "q"]')
        await drawn(websocket, b"heard D q")
        await websocket.send_str('["ping", "17"]')
        await drawn(websocket, b'["pong", "17"]')
    await until(lambda: not served.alive(), "the app ends with its window")


@pytest.mark.parametrize(
    "query", ["", "?width=-1&height=24", "?width=x", "?width=1000000000&height=1000000000"]
)
async def test_a_first_size_that_makes_no_sense(served, query):
    await served.come_in()
    async with served.socket(query) as websocket:
        assert await drawn(websocket, b"ready") == b"80x24 ready"


async def test_hostile_messages_do_nothing(served):
    await served.come_in()
    async with served.socket() as websocket:
        await drawn(websocket, b"ready")
        for text in HOSTILE_MESSAGES:
            await websocket.send_str(text)
        await websocket.send_bytes(b"\xff" * 1000)
        await websocket.send_str('["stdin", "after"]')
        seen = await drawn(websocket, b"after")
        assert b'"width": 20, "height": 200' in seen
        assert len(served.started()) == 1
    assert not served.troubles


@pytest.mark.parametrize("length", [70_000, 20_000_000])
async def test_a_message_too_long_ends_that_window_only(served, length):
    await served.come_in()
    async with served.socket() as good, served.socket() as bad:
        await drawn(bad, b"ready")
        with contextlib.suppress(ConnectionError):
            await bad.send_str("x" * length)
        async with asyncio.timeout(10):
            while (await bad.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR):
                pass
        await until(lambda: len(served.alive()) == 1, "its app ends")
        await drawn(good, b"ready")
        await good.send_str('["ping", "1"]')
        await drawn(good, b"pong")


async def test_windows_are_bounded_and_places_come_back(served):
    await served.come_in()
    open_ones = [await served.socket() for _ in range(MOST_SESSIONS)]
    for websocket in open_ones:
        await drawn(websocket, b"ready")
    async with served.socket() as one_more:
        message = await one_more.receive(10)
        assert json.loads(message.data)[0] == "ended"
        assert "8 windows" in json.loads(message.data)[1]
        assert (await one_more.receive(10)).type == WSMsgType.CLOSE
    assert len(served.started()) == MOST_SESSIONS
    await open_ones[0].close()
    await until(lambda: len(served.alive()) == MOST_SESSIONS - 1, "a place comes back")
    async with served.socket() as websocket:
        await drawn(websocket, b"ready")
    for websocket in open_ones:
        await websocket.close()
    await until(lambda: not served.alive(), "all end")


async def test_opening_and_leaving_at_once_leaves_no_process(served):
    await served.come_in()
    for _ in range(20):
        (await served.socket())._response.close()
    await until(lambda: not served.alive() and not served.server._sessions, "none is left")


async def test_a_window_that_vanishes_is_noticed(tmp_path):
    async with serving(tmp_path, heartbeat_s=0.4) as served:
        await served.come_in()
        websocket = await served.socket(autoping=False)
        await drawn(websocket, b"ready")
        assert served.alive()
        await until(lambda: not served.alive(), "the app of a silent window ends")


async def test_a_window_that_reads_nothing_is_let_go(tmp_path):
    async with serving(tmp_path, "flood", heartbeat_s=0.4) as served:
        await served.come_in()
        host, cookie = f"127.0.0.1:{served.port}", f"Cookie: {served.cookie()['Cookie']}"
        with socket.create_connection(("127.0.0.1", served.port)) as raw:
            raw.sendall(
                f"GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{cookie}\r\n\r\n".encode()
            )
            await until(served.started, "the app starts")
            await until(lambda: not served.alive(), "the app ends")


@pytest.mark.parametrize("word", ["deaf", "mute", "huge", "leave"])
async def test_an_app_that_behaves_badly_ends(tmp_path, word):
    async with serving(tmp_path, word) as served:
        await served.come_in()
        async with served.socket() as websocket:
            await until(served.started, "the app starts")
            if word in ("huge", "leave"):
                await drawn(websocket, b"The dashboard was closed")
        await until(lambda: not served.alive() and not served.server._sessions, "it is ended by force")


async def test_an_app_that_breaks_is_told_in_the_terminal_and_not_to_the_page(tmp_path):
    async with serving(tmp_path, "break") as served:
        await served.come_in()
        async with served.socket() as websocket:
            seen = await drawn(websocket, b"ended")
            assert b"boom" not in seen
            assert b"The terminal where" in seen
        assert "boom" in served.troubles[0]


async def test_an_app_that_cannot_be_started(served):
    served.server._command = ["/nonexistent/program"]
    await served.come_in()
    async with served.socket() as websocket:
        await drawn(websocket, b"ended with an error")
    assert "cannot be started" in served.troubles[0]


async def test_stopping_tells_every_window_and_ends_every_app(tmp_path):
    async with serving(tmp_path, "deaf") as served:
        await served.come_in()
        sockets = [await served.socket() for _ in range(3)]
        for websocket in sockets:
            await drawn(websocket, b"ready")
        assert len(served.alive()) == 3
        await served.stop()
        assert not served.alive()
        for websocket in sockets:
            assert "was ended in its terminal" in (await websocket.receive(1)).data
