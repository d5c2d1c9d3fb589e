"""The way to one agent with one set of credentials, and what is remembered of it in a run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from checks.vantage import CannotTell
from checks.wire.snmp import failures
from checks.wire.snmp.ber import Binding

LOST_S = 30.0
"""Seconds that unanswered questions to one agent may cost in a run."""
IN_ALL_S = 240.0
"""Seconds that all questions to one agent may take in a run, answered or not."""
LOST_IN_CONTEXTS_S = 12.0
"""The same for all contexts of an agent together."""
AT_ONCE = 2
"""Questions under way to one device: the processors of switches are small."""
WAIT_S = 1.0
PROBES = 4


class SilenceError(Exception):
    """No answer came to a question."""


class Outcome(NamedTuple):
    """A response: error status, the number of the binding that it is about, and all bindings in order."""

    error: int
    culprit: int
    bindings: list[Binding]
    size: int = 0
    """Octets that the answer had."""


class Budget:
    """Seconds that an agent may cost: lost in waiting for answers that never come, and in all."""

    def __init__(self, seconds: float, in_all: float = IN_ALL_S) -> None:
        self.seconds = seconds
        self.in_all = in_all
        self.lost = 0.0
        self.spent = 0.0

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return self.lost >= self.seconds or self.spent >= self.in_all


class Line:
    """One agent as one credential sees it; a subclass per protocol.

    `ready` asks a first question once; where that stays unanswered the line is dead for the rest of the run
    and every later question fails at once with the same words.
    """

    bulk = True
    """Whether the agent understands GETBULK at all."""
    fallback = False
    """Whether the agent can be asked as v1 where v2c fails."""

    def __init__(self, name: str, gate: asyncio.Semaphore, budget: Budget | None = None) -> None:
        self.name = name
        self.gate = gate
        self.budget = budget or Budget(LOST_S)
        self.contexts_budget = Budget(LOST_IN_CONTEXTS_S)
        self.rung = 0
        """How small the questions have become: an index into `walk.RUNGS`."""
        self.quirks: dict[str, None] = {}
        """What is odd about the agent, in sentences."""
        self._end: tuple[str, str] | None = None
        self._ready: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Return once the agent has answered a first question; raise CannotTell where it never does."""
        if self._ready is None:
            self._ready = asyncio.ensure_future(self._first())
            self._ready.add_done_callback(_retrieve)
        await asyncio.shield(self._ready)
        self.check()

    async def _first(self) -> None:
        try:
            if self.budget.empty:
                raise self.given_up()
            await self.probe()
        except CannotTell as told:
            self.end(told)

    async def probe(self) -> None:
        """Ask the first question; raise CannotTell with the reason where nothing answers."""
        raise NotImplementedError

    def end(self, told: CannotTell) -> None:
        """Remember that nothing more is to be had of this agent."""
        if self._end is None:
            self._end = (told.reason, told.fix)

    def check(self) -> None:
        """Raise CannotTell where the agent was given up before."""
        if self._end is not None:
            raise CannotTell(*self._end)

    def spend(self, seconds: float, *, lost: bool) -> None:
        """Note what a question cost, and give the agent up where it has cost too much."""
        self.budget.spent += seconds
        self.budget.lost += seconds if lost else 0.0
        if self.budget.empty:
            self.end(self.given_up())

    def given_up(self) -> CannotTell:
        """Return the words for an agent that used up the patience."""
        if self.budget.spent >= self.budget.in_all:
            return failures.too_slow(self.name, self.budget.in_all)
        return failures.no_patience(self.name, self.budget.seconds)

    async def ask(
        self, kind: int, oids: Sequence[bytes], repetitions: int = 0, *, tries: int = 3, v1: bool = False
    ) -> Outcome:
        """Return the answer to one question.

        Raises SilenceError where none came, MalformedError for one that cannot be read, and CannotTell where
        asking again is of no use.
        """
        self.check()
        loop = asyncio.get_running_loop()
        async with self.gate:
            self.check()
            begun = loop.time()
            lost = False
            try:
                return await self.exchange(kind, oids, repetitions, tries, v1=v1)
            except SilenceError:
                lost = True
                raise
            finally:
                self.spend(loop.time() - begun, lost=lost)

    async def exchange(
        self, kind: int, oids: Sequence[bytes], repetitions: int, tries: int, *, v1: bool
    ) -> Outcome:
        """See `ask`."""
        raise NotImplementedError

    def in_context(self, context: str) -> Line:
        """Return the line to the tables of one VLAN."""
        raise NotImplementedError

    async def close(self) -> None:
        """End what is under way."""
        if self._ready is not None and not self._ready.done():
            self._ready.cancel()
            await asyncio.gather(self._ready, return_exceptions=True)


def _retrieve(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()
