"""How an ICMP series is ordered, and the pace that all series of a run keep together."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Protocol

from checks.dataclass import dataclass
from checks.wire.icmp_packet import Echo

RATE = 1000.0
BURST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """`count` echo requests to one address; times in seconds, `size` in bytes of data."""

    address: str
    """Numeric, in the form of `inet_ntop`, without zone."""
    scope: int = 0
    """Index of the interface that an IPv6 link-local address belongs to."""
    count: int
    interval: float
    timeout: float
    size: int
    ttl: int | None
    dont_fragment: bool

    @property
    def version(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.address else 4


class Transport(Protocol):
    """One way to send echo requests: a socket, a system call or a program."""

    async def series(self, series: Series) -> tuple[Echo, ...]:
        """Run one series: an echo for each request, in order."""
        ...

    async def close(self) -> None:
        """Release what it holds."""
        ...


class Pace:
    """A token bucket: on average at most `rate` packets a second, at most `burst` at once.

    A sweep without pacing trips the ICMP rate limits of routers and fills small ARP tables, which then looks
    like loss.
    """

    def __init__(self, rate: float = RATE, burst: int = BURST) -> None:
        self._gap = 1.0 / rate
        self._slack = (burst - 1) / rate
        # Waking half a burst at a time halves the CPU of a sweep.
        self._tick = max(1, burst // 2) / rate
        self._next = 0.0

    async def turn(self) -> None:
        """Return when the next packet may leave."""
        now = time.monotonic()
        slot = max(self._next, now - self._slack)
        self._next = slot + self._gap
        if slot > now:
            await asyncio.sleep(math.ceil(slot / self._tick) * self._tick - now)
