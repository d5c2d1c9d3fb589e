"""A server with a pretended app, and the real `gonogo dashboard --web` as a process, for the tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import psutil
from aiohttp import WSMsgType, web

from agent.files.load import load_plan
from tests.tui.office import FAILED, PROJECT, passed, result, store_run, write_project
from tui.web.server import Server

APP = Path(__file__).with_name("pretended_app.py")


class Serving:
    """A running server, and a client that has come in."""

    def __init__(self, server: Server, port: int, client: aiohttp.ClientSession, starts: Path) -> None:
        self.server, self.port, self.client = server, port, client
        self.troubles: list[str] = []
        self.stop: Callable[[], Awaitable[None]]
        self._starts = starts

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def started(self) -> list[int]:
        """Return the ids of the app processes that were ever started."""
        return [int(line) for line in self._starts.read_text().split()] if self._starts.exists() else []

    def alive(self) -> list[int]:
        return [pid for pid in self.started() if psutil.pid_exists(pid)]

    async def come_in(self) -> None:
        async with self.client.get(f"{self.origin}/?token={self.server.doors.new_token()}") as answer:
            assert answer.status == 200

    def cookie(self) -> dict[str, str]:
        (cookie,) = self.client.cookie_jar
        return {"Cookie": f"{cookie.key}={cookie.value}"}

    def socket(self, query: str = "?width=80&height=24", **options):
        headers = {"Origin": self.origin, **options.pop("headers", {})}
        return self.client.ws_connect(f"{self.origin}/ws{query}", headers=headers, **options)


@contextlib.asynccontextmanager
async def serving(folder: Path, *words: str, **options) -> AsyncIterator[Serving]:
    """Serve the pretended app; `words` tell it how to behave."""
    starts = folder / "starts"
    troubles: list[str] = []
    server = Server(
        [sys.executable, str(APP), str(starts), *words],
        title="A <b>move</b>",
        trouble=troubles.append,
        **options,
    )
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=3.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            made = Serving(server, port, client, starts)
            made.troubles, made.stop = troubles, runner.cleanup
            yield made
    finally:
        await runner.cleanup()


async def until(true, what: str, within_s: float = 20.0) -> None:
    """Wait for a condition, which may be awaited."""
    end = asyncio.get_running_loop().time() + within_s
    while True:
        value = true()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return
        assert asyncio.get_running_loop().time() < end, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.05)


async def get(served, path, **options):
    async with served.client.get(f"{served.origin}{path}", allow_redirects=False, **options) as answer:
        return answer, await answer.text(errors="replace")


async def drawn(websocket, word, within_s=10.0):
    """Read what the app draws until `word` is there."""
    seen = b""
    async with asyncio.timeout(within_s):
        while word not in seen:
            message = await websocket.receive()
            assert message.type in (WSMsgType.BINARY, WSMsgType.TEXT), (message, seen)
            seen += message.data if message.type == WSMsgType.BINARY else message.data.encode()
    return seen


def project_of_now(folder: Path, name: str = "move.yaml") -> Path:
    """Return a project whose current milestone is NO-GO, by a result of a minute ago."""
    now = datetime.now(UTC)
    text = PROJECT.replace("2026-12-05 22:30", (now + timedelta(hours=5)).strftime("%Y-%m-%d %H:%M"))
    file = write_project(folder, text)
    if name != file.name:
        file = file.rename(folder / name)
    plan = load_plan(file, cached=False)
    at = now - timedelta(minutes=1)
    good = [
        result(plan, check, at, passed(check, "as planned"), run="r1")
        for check in ("plan-agreed", "cabling", "line", "loss", "files")
    ]
    store_run(file, plan, "r1", at, [*good, result(plan, "mail", at, FAILED, run="r1")])
    return file


class Program:
    """`gonogo dashboard FILE --web` as a process of its own."""

    def __init__(self, file: Path, *words: str) -> None:
        words = words or ("--port", "0")
        self.errors = file.absolute().parent / "stderr"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agent.cli", "dashboard", "--web", *words, "--", str(file)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                start_new_session=True,
                env={**os.environ, "GONOGO_NO_CACHE": "1"},
            )  # fmt: skip

    def address(self) -> str:
        """Return the next address that it prints."""
        line = self.process.stdout.readline().strip()
        assert line, self.errors.read_text()
        return line

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(15)


@contextlib.contextmanager
def program(file: Path, *words: str) -> Iterator[Program]:
    """Run it, and end it and all it started whatever becomes of the test."""
    made = Program(file, *words)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            left = made.children()
            made.process.kill()
            made.process.wait(10)
            _, left = psutil.wait_procs(left, timeout=10)
            for process in left:
                process.kill()
        made.process.stdin.close()
        made.process.stdout.close()


def token_of(address: str) -> str:
    (token,) = parse_qs(urlsplit(address).query)["token"]
    return token
