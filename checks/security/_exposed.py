"""What was seen of address ranges: the ports that are open, and counts of all others."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from checks import jsonable
from checks.contract import Vantage
from checks.dataclass import dataclass
from checks.security._knocks import LEAST_SILENCE, OPEN, Knock
from checks.wire.tcp import Attempt, probe

AT_ONCE = 128
A_SECOND = 500
PATIENCE_S = 2.0
MAX_OPEN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An address and a port."""

    address: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many addresses of one family answered a port in each way.

    `hurried` were silent for too short a time to mean anything, `unsent` never left this laptop.
    """

    port: int
    v6: bool
    open: int = 0
    refused: int = 0
    silent: int = 0
    unreachable: int = 0
    hurried: int = 0
    unsent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureSeen:
    """The open pairs (a thousand at most, `more_open` beyond), the rest as counts, the controls twice.

    `earlier` are the pairs that the newest earlier look saw open, at `earlier_at`; `unsent` says in the
    system's words why something did not leave this laptop.
    """

    addresses: int
    open: tuple[Pair, ...]
    more_open: int
    tallies: tuple[Tally, ...]
    controls: tuple[tuple[Knock, Knock], ...]
    own: tuple[str, ...] = ()
    unsent: str = ""
    earlier: tuple[Pair, ...] = ()
    earlier_at: datetime | None = None


def pairs(ranges: Sequence[str], ports: Sequence[int], more: Sequence[Pair]) -> list[Pair]:
    """Return what is to be tried, each once, neighbours far apart so that no host gets all at once."""
    networks = [ipaddress.ip_network(text) for text in ranges]
    addresses = list(dict.fromkeys(str(address) for network in networks for address in network))
    found = [Pair(address=address, port=port) for port in dict.fromkeys(ports) for address in addresses]
    return list(dict.fromkeys((*found, *more)))


async def tried(wanted: Sequence[Pair], patience: float) -> list[Attempt]:
    """Try each pair: 128 at once and 500 a second at most."""
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(AT_ONCE)
    began = loop.time()

    async def one(number: int, pair: Pair) -> Attempt:
        async with gate:
            await asyncio.sleep(max(0.0, began + number / A_SECOND - loop.time()))
            return await probe(pair.address, pair.port, patience)

    return list(await asyncio.gather(*(one(number, pair) for number, pair in enumerate(wanted))))


def tallied(attempts: Sequence[Attempt], edges: frozenset[str]) -> tuple[Tally, ...]:
    """Return the counts by port and family; the `edges` of a network may be no address of a host."""
    counts: dict[tuple[int, bool], Counter[str]] = {}
    for attempt in attempts:
        counts.setdefault((attempt.port, ":" in attempt.address), Counter())[_kind(attempt, edges)] += 1
    return tuple(
        Tally(port=port, v6=v6, **{kind: number for kind, number in count.items() if kind})
        for (port, v6), count in sorted(counts.items())
    )


def _kind(attempt: Attempt, edges: frozenset[str]) -> str:
    if attempt.outcome in OPEN:
        return "open"
    if attempt.outcome == "timeout":
        return "silent" if attempt.seconds >= LEAST_SILENCE else "hurried"
    if attempt.outcome in ("refused", "unreachable"):
        return attempt.outcome
    return "unreachable" if attempt.address in edges else "unsent"


def edges_of(ranges: Sequence[str]) -> frozenset[str]:
    """Return the first and last address of each IPv4 network, which a system may refuse to connect to."""
    networks = [ipaddress.ip_network(text) for text in ranges]
    wide = [network for network in networks if network.version == 4 and network.prefixlen < 31]
    return frozenset(str(edge) for network in wide for edge in (network[0], network[-1]))


def earlier(vantage: Vantage) -> tuple[tuple[Pair, ...], datetime | None]:
    """Return what the newest earlier look saw open, and when."""
    for result in vantage.earlier(20):
        try:
            seen = jsonable.from_json(ExposureSeen, result.observation)
        except ValueError:
            continue
        return seen.open, result.at
    return (), None
