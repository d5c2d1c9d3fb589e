"""Headless Chromium, driven by its DevTools protocol; it can reach loopback and nothing else."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.tui.web.serving import until

FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
COUNT = """(async () => {
  const picture = new Image();
  picture.src = "data:image/png;base64," + %s;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const counted = {};
  for (let i = 0; i < data.length; i += 4) {
    const name = `${data[i]},${data[i + 1]},${data[i + 2]}`;
    counted[name] = (counted[name] || 0) + 1;
  }
  return counted;
})()"""
KEYS = {"Enter": ("\r", 13), "Escape": ("", 27), "ArrowDown": ("", 40)}


class Tab:
    """One page, with what it asked for, what came over its websocket and what its console said."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.painter: Tab = self
        """A blank tab that looks at pictures: the policy of the page itself lets no script do that."""
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.said: list[str] = []
        self.drawn = b""

    async def listen(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
                continue
            self._note(told["method"], told["params"])

    def _note(self, method: str, told: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.asked.append(told["url"])
        elif method == "Network.webSocketFrameReceived":
            if told["response"]["opcode"] == 2:
                self.drawn += base64.b64decode(told["response"]["payloadData"])
        elif method == "Log.entryAdded":
            self.said.append(f"{told['entry']['level']}: {told['entry']['text']}")
        elif method == "Runtime.exceptionThrown":
            self.said.append(f"exception: {json.dumps(told['exceptionDetails'])[:500]}")
        elif method == "Runtime.consoleAPICalled":
            self.said.append(f"{told['type']}: {told['args'][:1]}")

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = answer
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        told = await asyncio.wait_for(answer, 15)
        assert "error" not in told, told
        return told["result"]

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def js(self, code: str) -> Any:
        told = await self.call(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def press(self, key: str) -> None:
        text, code = KEYS.get(key, (key, ord(key.upper()[0])))
        stroke = {"key": key, "text": text, "windowsVirtualKeyCode": code}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **stroke)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **stroke)

    async def resize(self, width: int, height: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def screenshot(self) -> bytes:
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])

    async def colours(self) -> dict[str, int]:
        """Return the colours of what is painted, and how many of the pixels have each."""
        picture = base64.b64encode(await self.screenshot()).decode()
        counted: dict[str, int] = await self.painter.js(COUNT % json.dumps(picture))
        return counted

    @property
    def words(self) -> str:
        """All that was drawn since `drawn` was last emptied, without how it was drawn."""
        plain = re.sub(rb"\x1b\[[0-9;?<>=$]*[a-zA-Z@`]", b"", self.drawn)
        return plain.decode("utf-8", "replace")

    def foreign(self) -> set[str]:
        """Return the hosts asked for that are not this machine."""
        hosts = {urlsplit(url).hostname for url in self.asked if not url.startswith(("data:", "about:"))}
        return {str(host) for host in hosts if host not in ("127.0.0.1", "localhost")}


@contextlib.asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Callable[[], Any]]:
    """Run Chromium; gives a function that opens a tab."""
    profile = folder / "chromium"
    flags = [*FLAGS, f"--user-data-dir={profile}"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    program = shutil.which("chromium") or "chromium"
    process = subprocess.Popen(
        [program, *flags, "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "HOME": str(folder)},
    )
    tasks = []
    try:
        port_file = profile / "DevToolsActivePort"
        await until(lambda: port_file.exists() and port_file.read_text().count("\n"), "Chromium starts")
        port = port_file.read_text().split("\n")[0]
        async with aiohttp.ClientSession() as client:

            async def tab() -> Tab:
                async with client.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
                    target = await answer.json()
                socket = await client.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
                made = Tab(socket)
                tasks.append(asyncio.create_task(made.listen()))
                for domain in ("Page", "Network", "Runtime", "Log"):
                    await made.call(f"{domain}.enable")
                return made

            yield tab
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait(10)
