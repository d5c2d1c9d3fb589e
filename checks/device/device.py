"""A device as one run sees it: each part of the model is read once and shared by all checks of the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Protocol, TypeVar

from checks.wire.snmp.agent import Agent

T = TypeVar("T")


class Once(Protocol):
    """What `Vantage.once` is."""

    def __call__(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        """See `Vantage.once`."""
        ...


class Device:
    """An agent and what was read of it in this run.

    A reader is an async function of a Device in one of the modules beside this one, such as
    `ports.read_ports`; readers read what they build on through the device as well.
    """

    def __init__(
        self, agent: Agent, key: Hashable, once: Once, note: Callable[[str], None] = lambda _: None
    ) -> None:
        self.agent = agent
        self._key = key
        self._once = once
        self._note = note
        """Told what is odd about the agent: a line of evidence."""
        self._told: set[str] = set()

    @property
    def name(self) -> str:
        """Host and port, as findings name it."""
        return self.agent.name

    async def read(self, reader: Callable[[Device], Awaitable[T]]) -> T:
        """Return what `reader` makes of this device; it runs once per run, and a CannotTell of it stays."""

        async def make() -> T:
            return await reader(self)

        part = f"{reader.__module__}.{reader.__qualname__}"
        try:
            return await self._once(("device", self._key, part), make)
        finally:
            for odd in self.agent.quirks:
                if odd not in self._told:
                    self._told.add(odd)
                    self._note(f"{self.name}: {odd}")
