"""The real program: its address, its end by any means, and file names that no shell may read."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest
from aiohttp import WSMsgType

from tests.tui.web.serving import program, project_of_now, token_of, until


class Window:
    """A browser window as far as the server can tell."""

    def __init__(self, client, base, websocket):
        self.client, self.base, self.websocket = client, base, websocket
        self.drawn = b""

    async def see(self, word, within_s=30.0):
        async with asyncio.timeout(within_s):
            while word not in self.drawn:
                message = await self.websocket.receive()
                assert message.type in (WSMsgType.BINARY, WSMsgType.TEXT), (message, self.drawn)
                self.drawn += message.data if isinstance(message.data, bytes) else message.data.encode()

    async def press(self, keys):
        self.drawn = b""
        await self.websocket.send_json(["stdin", keys])


async def window(client, address):
    base = address.partition("/?")[0]
    async with client.get(address) as answer:
        assert answer.status == 200
    websocket = await client.ws_connect(f"{base}/ws?width=80&height=24", headers={"Origin": base})
    return Window(client, base, websocket)


@pytest.fixture
async def client():
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as made:
        yield made


@pytest.fixture
def file(tmp_path):
    return project_of_now(tmp_path)


def dead(processes):
    return all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in processes)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
async def test_it_shows_the_verdict_and_no_end_leaves_an_app_process(file, client, how):
    with program(file) as run:
        address = run.address()
        assert urlsplit(address).hostname == "127.0.0.1"
        assert len(token_of(address)) >= 43
        seen = await window(client, address)
        await seen.see(b"NO-GO")
        (app,) = run.children()
        assert "--read-only" in app.cmdline()
        assert token_of(address) not in " ".join(app.cmdline()) + repr(app.environ())
        begun = asyncio.get_running_loop().time()
        code = await asyncio.to_thread(run.stop, how)
        assert asyncio.get_running_loop().time() - begun < 4
        assert code == (0 if how != signal.SIGKILL else -9)
        await until(lambda: dead([app]), "the app process ends, too", 5)
        assert "Traceback" not in run.errors.read_text()


async def test_nothing_is_started_or_written_from_a_window(file, client):
    before = {path: path.read_bytes() for path in file.parent.rglob("*") if path.suffix in (".yaml", ".db")}
    with program(file) as run:
        seen = await window(client, run.address())
        await seen.see(b"NO-GO")
        for keys in ("r", "\r", "R", "\r", "w", "\x13", "\x1b", "t", "\x1b", "s", "\r", "\x1b", "c", "y"):
            await seen.press(keys)
        await seen.press("\x1b[48;999999999;999999999;9;9t\x1b[48;0;0;0;0t")
        await seen.websocket.send_json(["resize", {"width": 80, "height": 33}])
        await seen.see(b"\x1b[33;")
        await seen.websocket.send_json(["pulse"])
        await seen.see(b'["pulse"]')
        (app,) = run.children()
        assert app.children() == []
        assert psutil.Process(app.pid).memory_info().rss < 400e6
    for path, content in before.items():
        assert path.read_bytes() == content


async def test_a_closed_window_ends_its_app(file, client):
    with program(file) as run:
        seen = await window(client, run.address())
        await seen.see(b"NO-GO")
        assert len(run.children()) == 1
        await seen.websocket.close()
        await until(lambda: not run.children(), "the app process ends")
        again = await client.ws_connect(f"{seen.base}/ws", headers={"Origin": seen.base})
        await Window(client, seen.base, again).see(b"NO-GO")
        await again.close()


async def test_an_app_that_stands_still_is_ended_by_force(file, client):
    with program(file) as run:
        seen = await window(client, run.address())
        await seen.see(b"NO-GO")
        (app,) = run.children()
        app.suspend()
        assert await asyncio.to_thread(run.stop) == 0
        await until(lambda: dead([app]), "it ends, too")


async def test_quitting_in_a_window_ends_that_window_only(file, client):
    with program(file) as run:
        seen = await window(client, run.address())
        await seen.see(b"NO-GO")
        await seen.press("q")
        await seen.see(b"The dashboard was closed")
        await until(lambda: not run.children(), "the app process ends")
        assert run.process.poll() is None


async def test_enter_prints_one_more_address(file, client):
    with program(file) as run:
        first = run.address()
        run.process.stdin.write("\n")
        run.process.stdin.flush()
        second = run.address()
        assert token_of(first) != token_of(second)
        for address in (second, first):
            client.cookie_jar.clear()
            async with client.get(address) as answer:
                assert "Set-Cookie" in answer.headers


@pytest.mark.parametrize(
    "name", ["a b.yaml", "a'; touch owned; '.yaml", 'a"$(touch owned)`touch owned`.yaml', "-x.yaml"]
)
async def test_a_file_name_is_no_command(tmp_path, client, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = project_of_now(tmp_path, name)
    with program(file.relative_to(tmp_path)) as run:
        seen = await window(client, run.address())
        await seen.see(b"NO-GO")
    assert not list(tmp_path.rglob("owned"))


async def test_a_hostile_name_of_a_project_reaches_no_terminal_and_no_tag(tmp_path, client):
    file = project_of_now(tmp_path)
    text = file.read_text().replace(
        "name: Contoso head office move", r'name: "</title><script>x</script>\e]0;x\a[/]"'
    )
    file.write_text(text)
    with program(file) as run:
        seen = await window(client, run.address())
        await seen.see(b"\x1b[?1049h")
        async with client.get(seen.base) as answer:
            page = await answer.text()
        assert "<script>x" not in page
        assert "&lt;script&gt;x" in page
        await seen.see(b"hq-move")
        assert b"\x1b]0;x" not in seen.drawn
        run.stop()
        assert "\x1b" not in run.errors.read_text()


async def test_a_project_file_that_breaks_later_is_told_in_words(file, client):
    with program(file) as run:
        address = run.address()
        file.write_text('gonogo: 1\nproject: "\\e]0;x\\a[/]"\n')
        seen = await window(client, address)
        await seen.see(b"The terminal where gonogo dashboard --web runs says more")
        run.stop()
        told = run.errors.read_text()
        assert "ended with exit code 2" in told
        assert "\x1b" not in told


def test_a_port_that_is_taken(file):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "agent.cli", "dashboard", str(file), "--web", "--port", port],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"Port {port} on 127.0.0.1 cannot be had" in done.stderr
    assert not done.stdout


def test_a_port_without_web_is_a_slip(file):
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", "dashboard", str(file), "--port", "8765"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "needs --web" in done.stderr


def test_it_listens_on_loopback_only(file):
    with program(file) as run:
        run.address()
        listening = [
            one.laddr.ip
            for one in psutil.Process(run.process.pid).net_connections()
            if one.status == psutil.CONN_LISTEN
        ]
    assert listening == ["127.0.0.1"]
