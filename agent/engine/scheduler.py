"""A graph of jobs through a pool of workers.

In-degree counters say what is ready, the longest path goes first, and limits by kind and by target hold. The
workers run jobs in their own tasks: a task a job would cost a third more memory and time at 10,000 jobs.
A job whose dependency did not pass is never run: it is reported blocked, with the one cause at the root.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from agent.engine.reaper import Reaper
from checks.dataclass import dataclass

EXCLUSIVE = "exclusive"


@dataclass(slots=True, eq=False)
class Job:
    """One node of the graph. `length` is its own expected time in seconds, used to order what is ready."""

    key: str
    needs: tuple[str, ...] = ()
    kind: str = "light"
    target: str = ""
    length: float = 1.0
    load: Any = None
    waiting: int = 0
    done: bool = False
    path: float = 0.0
    dependents: list[Job] = field(default_factory=list)


class Limits:
    """How many jobs of a kind, and how many against one target, may run at once."""

    def __init__(self, *, total: int, kinds: Mapping[str, int], per_target: int) -> None:
        self.total = total
        self._kinds = dict(kinds)
        self._per_target = per_target
        self._used: dict[tuple[str, str], int] = {}
        self._parked: dict[tuple[str, str], deque[Job]] = {}

    def take(self, job: Job) -> bool:
        """Count `job` in, or park it until a place is free."""
        gates = self._gates(job)
        used = self._used
        for gate, cap in gates:
            if used.get(gate, 0) >= cap:
                self._parked.setdefault(gate, deque()).append(job)
                return False
        for gate, _ in gates:
            used[gate] = used.get(gate, 0) + 1
        return True

    def free(self, job: Job) -> list[Job]:
        """Count `job` out and return the parked jobs that may try again."""
        freed = []
        for gate, _ in self._gates(job):
            left = self._used.pop(gate) - 1
            if left:
                self._used[gate] = left
            parked = self._parked.get(gate)
            if parked:
                freed.append(parked.popleft())
                if not parked:
                    del self._parked[gate]
        return freed

    def _gates(self, job: Job) -> list[tuple[tuple[str, str], int]]:
        gates = [(("target", job.target), self._per_target)] if job.target else []
        cap = self._kinds.get(job.kind)
        if cap is not None:
            gates.append((("kind", job.kind), cap))
        return gates


class Scheduler:
    """Runs each job once by `execute(job)`, which returns whether its dependents may run.

    `blocked(job, cause)` is called for a job that is never run, with the key of the one job at the root;
    `stuck(job)` for one that could not be ended. `reaper` is for `execute` to take its leases from.
    """

    def __init__(
        self,
        execute: Callable[[Job], Awaitable[bool]],
        *,
        blocked: Callable[[Job, str], None],
        stuck: Callable[[Job], None],
        limits: Limits,
    ) -> None:
        self._execute = execute
        self._blocked = blocked
        self._stuck = stuck
        self._limits = limits
        self._ready: list[tuple[float, int, Job]] = []
        self._alone: deque[Job] = deque()
        self._order = 0
        self._left = 0
        self._running = 0
        self._exclusive = False
        self._idle: deque[asyncio.Future[None]] = deque()
        self._workers: dict[asyncio.Task[None], Job | None] = {}
        self._failure: BaseException | None = None
        self.reaper = Reaper(self._replace)

    async def run(self, jobs: Sequence[Job]) -> None:
        """Run the graph; needs that name no job of it count as met. Cancelling stops every job in flight."""
        link(jobs)
        self._left = len(jobs)
        for job in jobs:
            if job.waiting == 0:
                self._push(job)
        watch = asyncio.create_task(self.reaper.watch(), name="reaper")
        for _ in range(min(self._limits.total, len(jobs))):
            self._hire()
        try:
            while self._left and self._failure is None:
                await self._sleep()
        finally:
            watch.cancel()
            for task in self._workers:
                task.cancel()
            if self._workers:
                await asyncio.wait(self._workers, timeout=1.0)
            await asyncio.gather(watch, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    def _hire(self) -> None:
        task = asyncio.create_task(self._work())
        self._workers[task] = None
        task.add_done_callback(self._left_work)

    def _left_work(self, task: asyncio.Task[None]) -> None:
        self._workers.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
            self._wake_all()

    async def _work(self) -> None:
        me = asyncio.current_task()
        assert me is not None
        while self._left:
            job = self._next()
            if job is None:
                await self._sleep()
                continue
            self._workers[me] = job
            self._running += 1
            passed = await self._execute(job)
            if job.done:
                return
            self._workers[me] = None
            self._conclude(job, passed=passed)

    def _next(self) -> Job | None:
        while self._ready and not self._exclusive:
            job = heapq.heappop(self._ready)[2]
            if self._limits.take(job):
                return job
        if self._alone and not self._running:
            self._exclusive = True
            job = self._alone.popleft()
            self._limits.take(job)
            return job
        return None

    def _conclude(self, job: Job, *, passed: bool) -> None:
        job.done = True
        self._left -= 1
        self._running -= 1
        if job.kind == EXCLUSIVE:
            self._exclusive = False
        for freed in self._limits.free(job):
            self._push(freed)
        if passed:
            for dependent in job.dependents:
                dependent.waiting -= 1
                if dependent.waiting == 0 and not dependent.done:
                    self._push(dependent)
        else:
            self._block(job)
        if not self._left:
            self._wake_all()
        elif self._alone and not self._running and not self._ready:
            self._wake()

    def _block(self, cause: Job) -> None:
        pending = deque(cause.dependents)
        while pending:
            job = pending.popleft()
            if not job.done:
                job.done = True
                self._left -= 1
                self._blocked(job, cause.key)
                pending.extend(job.dependents)

    def _push(self, job: Job) -> None:
        if job.kind == EXCLUSIVE:
            self._alone.append(job)
        else:
            self._order += 1
            heapq.heappush(self._ready, (-job.path, self._order, job))
        self._wake()

    def _replace(self, task: asyncio.Task[Any]) -> None:
        job = self._workers.pop(task, None)
        if job is None or job.done:
            return
        self._stuck(job)
        self._conclude(job, passed=False)
        if self._left:
            self._hire()

    async def _sleep(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._idle.append(future)
        await future

    def _wake(self) -> None:
        while self._idle:
            future = self._idle.popleft()
            if not future.done():
                future.set_result(None)
                return

    def _wake_all(self) -> None:
        while self._idle:
            self._wake()


def link(jobs: Iterable[Job]) -> None:
    """Fill in dependents, in-degrees and longest paths; a cycle raises ValueError naming its members."""
    by_key = {job.key: job for job in jobs}
    for job in by_key.values():
        for need in job.needs:
            if need in by_key:
                by_key[need].dependents.append(job)
                job.waiting += 1
    degree = {key: job.waiting for key, job in by_key.items() if job.waiting}
    order = [job for job in by_key.values() if not job.waiting]
    for job in order:
        for dependent in job.dependents:
            degree[dependent.key] -= 1
            if not degree[dependent.key]:
                order.append(dependent)
    if len(order) != len(by_key):
        members = sorted(key for key, count in degree.items() if count > 0)
        raise ValueError(f"These checks wait for each other: {', '.join(members)}.")
    for job in reversed(order):
        job.path = job.length
        if job.dependents:
            job.path += max(dependent.path for dependent in job.dependents)
