"""Loading a line for a while: over HTTP on several connections, or by iperf3; and round trips meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import time
from typing import Any, Literal

from checks.dataclass import dataclass
from checks.vantage import CannotTell, Vantage
from checks.wire.http import Exchange, Request, exchange
from checks.wire.process import run
from checks.wire.tcp import connect

Direction = Literal["down", "up"]
_PATIENCE = 2.0
_SPACING = 0.1
_FIRST_UPLOAD = 128 << 10
_LARGEST_UPLOAD = 16 << 20
_GROW_BELOW = 0.5
_END = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one direction carried: payload bytes in so many seconds; `largest` of them in one request.

    `problem` (raw) says why it is not a measurement; `bounded` that the limit of bytes ended it.
    """

    direction: Direction
    payload: int = 0
    seconds: float = 0.0
    largest: int = 0
    requests: int = 0
    bounded: bool = False
    problem: str | None = None

    @property
    def mbits(self) -> float:
        """Megabits (10^6 bit) of payload a second."""
        return self.payload * 8 / self.seconds / 1e6 if self.seconds > 0 else 0.0


@dataclass(slots=True)
class _Meter:
    """Counts what one direction carries; `quota` is each connection's, `until` the window's end."""

    until: float
    quota: int
    payload: int = 0
    largest: int = 0
    requests: int = 0
    last: float = 0.0
    bounded: bool = False
    problem: str | None = None

    def left(self) -> float:
        return self.until - time.monotonic()

    def open(self) -> bool:
        return self.problem is None and self.left() > _END

    def count(self, size: int) -> None:
        self.payload += size
        self.last = time.monotonic()

    def blame(self, seen: Exchange) -> None:
        """Keep why an exchange is no measurement; the end of the window is no reason once something came."""
        trouble = seen.trouble
        if trouble is not None and not (self.left() <= _END and self.payload):
            self.problem = f"{trouble.kind} in phase {trouble.phase}: {trouble.detail}"


async def over_http(
    vantage: Vantage, direction: Direction, request: Request, *, streams: int, window: float, max_bytes: int
) -> Flow:
    """Download or upload again and again on `streams` connections until window or bytes are used up."""
    began = time.monotonic()
    meter = _Meter(until=began + window, quota=max(1, max_bytes // streams))
    work = _download if direction == "down" else _upload
    await asyncio.gather(*(work(vantage, request, meter) for _ in range(streams)))
    return Flow(
        direction=direction,
        payload=meter.payload,
        seconds=max(0.0, meter.last - began),
        largest=meter.largest,
        requests=meter.requests,
        bounded=meter.bounded,
        problem=meter.problem,
    )


async def _download(vantage: Vantage, request: Request, meter: _Meter) -> None:
    left = meter.quota
    while meter.open() and left > 0:
        asked = dataclasses.replace(request, max_body=left)
        seen = await exchange(vantage, asked, meter.left(), lambda data: meter.count(len(data)))
        meter.requests += 1
        meter.largest = max(meter.largest, seen.body_bytes)
        left -= seen.body_bytes
        if seen.status not in (None, 200):
            meter.problem = f"status {seen.status}"
        elif seen.trouble is not None:
            meter.blame(seen)
        elif seen.body_bytes == 0:
            meter.problem = "the answer has no body"
    meter.bounded = meter.bounded or left <= 0


async def _upload(vantage: Vantage, request: Request, meter: _Meter) -> None:
    left, size = meter.quota, _FIRST_UPLOAD
    while meter.open() and left > 0:
        began = time.monotonic()
        size = min(size, left)
        asked = dataclasses.replace(request, method="POST", upload=size)
        seen = await exchange(vantage, asked, meter.left())
        meter.requests += 1
        if seen.status is None:
            meter.blame(seen)
        elif not 200 <= seen.status < 300:
            meter.problem = f"status {seen.status} to a POST"
        else:
            left -= size
            meter.count(size - seen.unsent)
            meter.largest = max(meter.largest, size - seen.unsent)
        if time.monotonic() - began < _GROW_BELOW:
            size = min(size * 2, _LARGEST_UPLOAD)
    meter.bounded = meter.bounded or left <= 0


async def by_iperf3(direction: Direction, host: str, port: int, *, streams: int, window: float) -> Flow:
    """Let iperf3 load the line; raise CannotTell where it is not installed."""
    program = shutil.which("iperf3")
    if program is None:
        raise CannotTell(
            "iperf3 is not installed on this laptop.",
            "Install it (Debian: apt install iperf3; macOS: brew install iperf3), or measure by url.",
        )
    argv = [program, "-J", "-i", "0", "-c", host, "-p", str(port), "-t", str(max(1, round(window)))]
    argv += ["-P", str(streams), "--connect-timeout", "5000"]
    if direction == "down":
        argv.append("-R")
    try:
        async with asyncio.timeout(window + 15):
            ran = await run(argv, limit=1 << 20)
    except TimeoutError:
        return Flow(direction=direction, problem="iperf3 did not end in time")
    except OSError as error:
        return Flow(direction=direction, problem=f"iperf3 could not be started: {error.strerror or error}")
    return read_iperf3(direction, ran.stdout)


def read_iperf3(direction: Direction, output: bytes) -> Flow:
    """Return the flow that the JSON of `iperf3 -J` tells: what the receiver counted."""
    try:
        said: Any = json.loads(output)
        if said.get("error"):
            return Flow(direction=direction, problem=f"iperf3: {said['error']}"[:500])
        total = said["end"]["sum_received"]
        payload, seconds = int(total["bytes"]), float(total["seconds"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        words = output[:200].decode("utf-8", errors="replace")
        return Flow(direction=direction, problem=f"iperf3 gave no result: {words}")
    return Flow(direction=direction, payload=payload, seconds=seconds, largest=payload, requests=1)


async def round_trips(address: str, port: int, *, count: int) -> list[float]:
    """Return connect times in seconds, one each 100 ms, `count` of them."""
    found: list[float] = []
    await _sample(address, port, found, count)
    return found


class Sampling:
    """Round trips while the body of an `async with` runs; `seconds` holds them."""

    def __init__(self, address: str, port: int) -> None:
        self.seconds: list[float] = []
        self._address, self._port = address, port
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Sampling:
        self._task = asyncio.create_task(_sample(self._address, self._port, self.seconds, None))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def _sample(address: str, port: int, found: list[float], count: int | None) -> None:
    """One that gets no answer counts with the patience it was given."""
    while count is None or len(found) < count:
        attempt, sock = await connect(address, port, _PATIENCE)
        if sock is not None:
            sock.close()
        if attempt.outcome in ("open", "timeout"):
            found.append(attempt.seconds)
        elif count is not None:
            return
        await asyncio.sleep(max(0.0, _SPACING - attempt.seconds))
