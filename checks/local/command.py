"""Run one of the system's own tools and read its output: no shell, no terminal, bounded in time and size."""

from __future__ import annotations

import asyncio
import os
import shutil

LIMIT = 262_144


async def output(*argv: str, timeout: float = 3.0, limit: int = LIMIT) -> str | None:
    """Return at most `limit` bytes that the program wrote to stdout; None if it is missing, slow or failed.

    It speaks the language of no country (`LC_ALL=C`), and is killed when the time is over.
    """
    program = shutil.which(argv[0]) or shutil.which(argv[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return None
    try:
        process = await asyncio.create_subprocess_exec(
            program, *argv[1:],
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C", "LANG": "C"},
        )  # fmt: skip
    except OSError:
        return None
    assert process.stdout is not None
    kept, code = bytearray(), None
    try:
        async with asyncio.timeout(timeout):
            while chunk := await process.stdout.read(65_536):
                kept += chunk[: max(0, limit - len(kept))]
            code = await process.wait()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return kept.decode("utf-8", "replace") if code == 0 else None
