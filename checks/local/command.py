"""Run one of the system's own tools and read what it says, bounded in time and size."""

from __future__ import annotations

import asyncio
import os
import shutil

from checks.wire.process import run

LIMIT = 262_144


async def output(*argv: str, timeout: float = 3.0, limit: int = LIMIT) -> str | None:
    """Return what the program wrote to stdout; None if it is missing, too slow, too long or failed.

    It speaks the language of no country (`LC_ALL=C`), and is killed when its `timeout` (seconds) is over.
    """
    program = shutil.which(argv[0]) or shutil.which(argv[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return None
    try:
        async with asyncio.timeout(timeout):
            ran = await run((program, *argv[1:]), env={**os.environ, "LC_ALL": "C", "LANG": "C"}, limit=limit)
    except (OSError, TimeoutError):
        return None
    return ran.stdout.decode("utf-8", "replace") if ran.code == 0 else None
