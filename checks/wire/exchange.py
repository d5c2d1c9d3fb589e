"""One question over TCP and the first bytes of its answer, with what became of the connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from checks.dataclass import dataclass
from checks.wire.tcp import Attempt, connect, outcome_of

MAX_ANSWER = 65_536
Ending = Literal["answered", "closed", "reset", "silent", "not connected", "too much"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """`answered` only where `whole` said so; `data` is whatever came until the end."""

    attempt: Attempt
    ending: Ending
    data: bytes = b""
    detail: str = ""


async def exchange(
    address: str, port: int, question: bytes, whole: Callable[[bytes], bool], within: float
) -> Exchange:
    """Connect, send `question`, and read until `whole` finds the answer complete; at most 64 KB.

    No error of the network raises; `within` bounds all of it, in seconds.
    """
    began = time.monotonic()
    attempt, sock = await connect(address, port, max(0.01, within))
    if sock is None:
        return Exchange(attempt=attempt, ending="not connected", detail=attempt.detail)
    loop = asyncio.get_running_loop()
    data = b""
    try:
        async with asyncio.timeout(max(0.01, within - (time.monotonic() - began))):
            await loop.sock_sendall(sock, question)
            while not whole(data):
                if len(data) >= MAX_ANSWER:
                    return Exchange(attempt=attempt, ending="too much", data=data)
                more = await loop.sock_recv(sock, MAX_ANSWER - len(data))
                if not more:
                    return Exchange(attempt=attempt, ending="closed", data=data)
                data += more
    except TimeoutError:
        return Exchange(attempt=attempt, ending="silent", data=data, detail=f"no answer in {within:.3g} s")
    except OSError as error:
        words = f"{outcome_of(error)}: {error.strerror or error}"
        return Exchange(attempt=attempt, ending="reset", data=data, detail=words)
    finally:
        sock.close()
    return Exchange(attempt=attempt, ending="answered", data=data)
