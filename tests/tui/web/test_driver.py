"""The driver ends its app with its stdin, even one that draws nothing, is stuck, or has no reader left."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from tui.web.messages import meta
from tui.web.session import environment

APP = Path(__file__).with_name("still_app.py")


async def started(*words):
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(APP), *words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
        env={**environment(80, 24), "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    await told(process, b"stuck" if words else b"drawn")
    return process


async def told(process, word):
    """Read what the app says until `word` is there."""
    seen = b""
    async with asyncio.timeout(30):
        while word not in seen:
            more = await process.stdout.read(65536)
            assert more, seen
            seen += more
    return seen


@pytest.mark.parametrize("words", [(), ("stuck",)])
@pytest.mark.parametrize("read", [True, False], ids=["read", "unread"])
async def test_it_ends_with_its_stdin(words, read):
    process = await started(*words)
    try:
        process.stdin.close()
        if not read:
            process.stdout._transport.close()
        async with asyncio.timeout(8):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_living_app_answers_and_a_stuck_one_does_not():
    living, stuck = await asyncio.gather(started(), started("stuck"))
    try:
        for process in (living, stuck):
            process.stdin.write(meta("pulse"))
        assert json.dumps({"type": "pulse"}).encode() in await told(living, b"pulse")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                while b"pulse" not in await stuck.stdout.read(65536):
                    pass
    finally:
        for process in (living, stuck):
            process.kill()
            await process.wait()
