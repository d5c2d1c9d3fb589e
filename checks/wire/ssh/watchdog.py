"""A clock that nothing can hold up: what takes longer than its stage may is cut off from outside.

paramiko waits without a limit in several places (a greeting that never ends, a request that is never
answered), so limits are kept by a thread of their own: it calls what ends the wait.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator


class Guard:
    """Whether a limit was reached."""

    __slots__ = ("cut", "done", "fired")

    def __init__(self, cut: Callable[[], object]) -> None:
        self.cut = cut
        self.done = False
        self.fired = False


class Watchdog:
    """One thread for all limits of a client, started by the first and ended by `close`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Guard]] = []
        self._count = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextlib.contextmanager
    def limit(self, seconds: float, cut: Callable[[], object]) -> Iterator[Guard]:
        """Call `cut`, which must not wait, from another thread if the block takes longer than that."""
        guard = Guard(cut)
        self._add(time.monotonic() + seconds, guard)
        try:
            yield guard
        finally:
            with self._changed:
                guard.done = True

    def close(self) -> None:
        """End the thread; limits that were still kept are forgotten."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _add(self, due: float, guard: Guard) -> None:
        with self._changed:
            if self._closed:
                raise RuntimeError("The SSH client is closed.")
            if len(self._due) > 64:
                self._due = [entry for entry in self._due if not entry[2].done]
                heapq.heapify(self._due)
            heapq.heappush(self._due, (due, next(self._count), guard))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="ssh-watchdog", daemon=True)
                self._thread.start()
            elif self._due[0][2] is guard:
                self._changed.notify_all()

    def _watch(self) -> None:
        while True:
            late: list[Guard] = []
            with self._changed:
                if self._closed:
                    return
                now = time.monotonic()
                while self._due and (self._due[0][2].done or self._due[0][0] <= now):
                    guard = heapq.heappop(self._due)[2]
                    if not guard.done:
                        guard.fired = True
                        late.append(guard)
                if not late:
                    self._changed.wait(self._due[0][0] - now if self._due else None)
            for guard in late:
                with contextlib.suppress(Exception):
                    guard.cut()
