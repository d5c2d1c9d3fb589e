"""One task that ends every attempt whose time is up.

A deadline is a `Lease` in a dict, looked at every `TICK_S` seconds; an `asyncio.timeout` per check would cost
several times as much as the rest of the scheduling. Three grades of stubbornness are met:

1. an attempt that waits is cancelled (`Lease.expired` tells this from a run that is being stopped);
2. one that swallows its cancellation is given up after `GRACE_S`: its worker is replaced and whatever it
   says later is not heard (`on_stuck`);
3. one that blocks the event loop itself is interrupted by an alarm signal, where the platform has one and
   the loop runs in the main thread (not on Windows).
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

TICK_S = 0.05
GRACE_S = 2.0
STALL_S = 2.0


class LoopBlocked(Exception):  # noqa: N818 - raised into a check, never out of the engine
    """The attempt kept the event loop from running until long after its deadline."""


class Lease:
    """The time one attempt may take; made by `Reaper.lease`, ended by `end`."""

    __slots__ = ("_leases", "deadline", "expired", "given_up", "task")

    def __init__(
        self, task: asyncio.Task[Any], seconds: float, leases: dict[asyncio.Task[Any], Lease]
    ) -> None:
        self.task = task
        self.deadline = time.monotonic() + seconds
        self.expired = False
        self.given_up = False
        self._leases = leases
        leases[task] = self

    def end(self) -> None:
        """Give the rest of the time back; an expired lease takes its cancellation with it."""
        self._leases.pop(self.task, None)
        if self.expired:
            self.task.uncancel()


class Reaper:
    """Watches every lease of a run; `on_stuck(task)` is told of an attempt that will not end."""

    def __init__(self, on_stuck: Callable[[asyncio.Task[Any]], None]) -> None:
        self._leases: dict[asyncio.Task[Any], Lease] = {}
        self._on_stuck = on_stuck
        self._alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

    def lease(self, seconds: float) -> Lease:
        """Start the clock for the current task."""
        task = asyncio.current_task()
        assert task is not None
        return Lease(task, seconds, self._leases)

    async def watch(self) -> None:
        """Run until cancelled."""
        if self._alarm:
            handler, timer = (
                signal.signal(signal.SIGALRM, self._stalled),
                signal.getitimer(signal.ITIMER_REAL),
            )
        try:
            while True:
                if self._alarm:
                    signal.setitimer(signal.ITIMER_REAL, STALL_S)
                await asyncio.sleep(TICK_S)
                self._look(time.monotonic())
        finally:
            if self._alarm:
                signal.setitimer(signal.ITIMER_REAL, *timer)
                signal.signal(signal.SIGALRM, handler if handler is not None else signal.SIG_DFL)

    def _look(self, now: float) -> None:
        for lease in [item for item in self._leases.values() if item.deadline <= now]:
            if not lease.expired:
                lease.expired = True
                lease.deadline = now + GRACE_S
                lease.task.cancel()
            elif not lease.given_up:
                lease.given_up = True
                del self._leases[lease.task]
                self._on_stuck(lease.task)

    def _stalled(self, signum: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, STALL_S)
        try:
            task = asyncio.current_task()
        except RuntimeError:
            return
        lease = self._leases.get(task) if task is not None else None
        if lease is not None and lease.deadline <= time.monotonic():
            raise LoopBlocked
