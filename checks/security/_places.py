"""The addresses behind the servers that a check names, each asked by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from checks.contract import Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell
from checks.params import join_endpoint, split_endpoint
from checks.safe import safe
from checks.wire.names import resolve
from checks.wire.tcp import budget
from checks.words import Finding

T = TypeVar("T")
MAX_ADDRESSES = 4
AT_ONCE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One address of a server; without one, `trouble` says why."""

    server: str
    host: str
    address: str
    port: int
    trouble: str = ""

    @property
    def name(self) -> str:
        """The server, with the address where it was given as a name."""
        where = join_endpoint(self.address, self.port)
        return where if self.host == self.address else f"{self.server} ({where})"


async def places(vantage: Vantage, servers: Sequence[str], port: int) -> list[Place]:
    """Return every address (at most four of each) of the servers; one that has none comes with the reason."""
    found: list[Place] = []
    for server in servers:
        host, given = split_endpoint(server, port)
        names = await resolve(vantage, host)
        found += [
            Place(server=server, host=host, address=address, port=given)
            for address in names.addresses[:MAX_ADDRESSES]
        ]
        if not names.addresses:
            found.append(
                Place(server=server, host=host, address="", port=given, trouble=names.error or "no addresses")
            )
    return found


async def ask_each(
    vantage: Vantage, asked: Sequence[Place], ask: Callable[[Place, float], Awaitable[T]]
) -> list[T]:
    """Return what `ask` gives for each place that has an address: 32 at once, within the time left."""
    gate = asyncio.Semaphore(AT_ONCE)
    rounds = -(-len(asked) // AT_ONCE) or 1
    patience = budget(vantage) / rounds

    async def one(place: Place) -> T:
        async with gate:
            return await ask(place, patience)

    return list(await asyncio.gather(*(one(place) for place in asked if place.address)))


def listed(servers: Sequence[str]) -> str:
    """Return the servers as a subject: the first three by name."""
    more = f" and {len(servers) - 3} more" if len(servers) > 3 else ""
    return ", ".join(servers[:3]) + more


def how_it_ended(ending: str, detail: str) -> str:
    """Return how an exchange without an answer ended: `not connected (Connection refused)`."""
    return safe(f"{ending} ({detail})" if detail else ending, limit=200)


def nobody(subject: str) -> Finding:
    """Return that there was nobody to ask."""
    return cannot_tell(
        subject, "No server was asked.", expected="at least one server", observed="none",
        fix="Name servers that resolve here.",
    )  # fmt: skip


def unresolved(place: Place) -> Finding:
    """Return that a server's name leads nowhere."""
    return cannot_tell(
        place.server, f"The name has no address here: {safe(place.trouble, limit=200)}.",
        expected="an address to ask", observed="none",
        fix="Correct the name, or stand where it resolves, and run it again.",
    )  # fmt: skip
