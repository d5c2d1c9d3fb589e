"""One app process for one browser window, spoken to by the packets of Textual's web driver."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

_END_S = 2.5
"""How long an app process may take to end by itself; its driver gives up a little earlier."""
_KEPT_STDERR = 4000
_PRELUDE, _EXIT, _PULSE = b"__GANGLION__\n", b'{"type": "exit"}', b'{"type": "pulse"}'
"""What Textual's web driver says first and last, and ours when it is asked."""
_MOST_BEFORE_PRELUDE = 10
_LONGEST_PACKET = 16 * 1024 * 1024
_NEW_PROCESS_GROUP = 0x00000200


def app_command(project_file: Path) -> list[str]:
    """Return the words that start the dashboard read-only; no shell reads them.

    `-P` keeps a folder that happens to be named as one of ours out of the import path.
    """
    command = [sys.executable, "-P", "-m", "agent.cli", "dashboard", "--read-only"]
    return [*command, "--", str(project_file)]


def environment(columns: int, rows: int) -> dict[str, str]:
    """Return the environment of an app process: ours, and how it shall draw."""
    return {
        **{name: value for name, value in os.environ.items() if name not in ("TEXTUAL", "TEXTUAL_LOG")},
        "TEXTUAL_DRIVER": "tui.web.driver:WebDriver",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TERM_PROGRAM": "textual",
        "COLUMNS": str(columns),
        "ROWS": str(rows),
    }


class AppProcess:
    """Ends when its stdin is closed, and so when this process is killed (see `tui.web.driver`)."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._stderr = b""

    async def start(self, columns: int, rows: int) -> None:
        """Start it; raises OSError. In a session of its own: Ctrl-C in our terminal is for us."""
        windows = sys.platform == "win32"
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=environment(columns, rows),
            start_new_session=not windows,
            creationflags=_NEW_PROCESS_GROUP if windows else 0,
        )
        self._listening = asyncio.create_task(self._listen())

    async def show(
        self, draw: Callable[[bytes], Awaitable[None]], say: Callable[[str], Awaitable[None]]
    ) -> None:
        """Hand what it draws to the browser, and that it lives, until it ends."""
        assert self._process is not None
        assert self._process.stdout is not None
        out = self._process.stdout
        try:
            await _skip_prelude(out)
            while True:
                head = await out.readexactly(5)
                length = int.from_bytes(head[1:], "big")
                if length > _LONGEST_PACKET:
                    return
                payload = await out.readexactly(length)
                if head[:1] == b"D":
                    await draw(payload)
                elif payload == _EXIT:
                    return
                elif payload == _PULSE:
                    await say('["pulse"]')
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return

    async def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(4096):
            self._stderr = (self._stderr + data)[-_KEPT_STDERR:]

    async def hear(self, packet: bytes) -> None:
        """Hand it a packet; one that has ended hears nothing."""
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(packet)
            await self._process.stdin.drain()

    async def stop(self) -> None:
        """End it, by force if it must be."""
        process = self._process
        if process is None or self._listening is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        if not await _ended(process, _END_S):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await _ended(process, _END_S)
        self._listening.cancel()

    def trouble(self) -> str:
        """Return what it said on stderr when it ended by an error, else an empty text."""
        if self._process is None or self._process.returncode in (None, 0):
            return ""
        said = self._stderr.decode("utf-8", "replace").strip() or "It said nothing."
        return f"A window's dashboard ended with exit code {self._process.returncode}. {said}"


async def _skip_prelude(out: asyncio.StreamReader) -> None:
    for _ in range(_MOST_BEFORE_PRELUDE):
        line = await out.readline()
        if line == _PRELUDE:
            return
        if not line:
            break
    raise ConnectionError


async def _ended(process: Process, within_s: float) -> bool:
    """Return whether it ends within this time; what it still draws is read and dropped."""
    try:
        async with asyncio.timeout(within_s):
            if process.stdout is not None:
                while await process.stdout.read(65536):
                    pass
            await process.wait()
    except TimeoutError:
        return False
    return True
