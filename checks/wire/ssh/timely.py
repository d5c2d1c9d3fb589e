"""A host for one check: a login or command for which the check's time is too short is told by its stage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from checks.wire.ssh import failures
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult, Facts

if TYPE_CHECKING:
    from checks.wire.ssh.host import Host

LOGIN_S = 1.5
"""How long before the end of the check's time a login is given up, a quarter of that time at most."""
COMMAND_S = 0.3
"""The same for a command, a tenth of that time at most: whoever has something to keep ends it earlier."""


class Timely:
    """A `Remote`; `remaining` tells how many seconds the check that was given it still has.

    The stages of a login have limits of their own, and the login is shared by all checks of a run. A check
    with less time than those limits would end with no word of how far the login came.
    """

    def __init__(self, host: Host, remaining: Callable[[], float]) -> None:
        self._host, self._remaining = host, remaining

    @property
    def name(self) -> str:
        """Host, with its port where that is not 22."""
        return self._host.name

    async def facts(self) -> Facts:
        """Return what the host is."""
        await self._ready()
        return await self._host.facts()

    async def run(self, command: Command) -> CommandResult:
        """Run a command to its end or to its bounds."""
        await self._ready()
        left = self._remaining()
        limit = asyncio.timeout(left - min(COMMAND_S, left / 10))
        try:
            async with limit:
                return await self._host.run(command)
        except TimeoutError:
            if not limit.expired():
                raise
            raise failures.overdue(self._host.access, command) from None

    async def read(self, path: str, *, offset: int = 0, size: int = 65536, as_user: str = "") -> bytes:
        """Return up to `size` bytes of a file from `offset`."""
        await self._ready()
        return await self._host.read(path, offset=offset, size=size, as_user=as_user)

    async def _ready(self) -> None:
        if self._host.known:
            return
        left = self._remaining()
        seconds = left - min(LOGIN_S, left / 4)
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                await self._host.facts()
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._host.late(round(seconds, 1)) from None
