"""Knocking at ports from this laptop: how a TCP handshake ended, over every address that a name has."""

from __future__ import annotations

from checks.contract import Vantage
from checks.dataclass import dataclass
from checks.params import split_endpoint
from checks.wire.names import resolve
from checks.wire.tcp import Attempt, probe

LEAST_SILENCE = 1.5
"""Seconds without an answer that mean something: a lost SYN is sent again after one (RFC 6298 section 2)."""
MAX_ADDRESSES = 4
OPEN = frozenset({"open", "reset"})
CLOSED = frozenset({"refused", "timeout", "unreachable"})
_ORDER = ("open", "reset", "timeout", "unreachable", "refused", "barred", "no_route", "local", "unresolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """One endpoint and how the attempt at it ended: an outcome of `checks.wire.tcp`, or `unresolved`.

    Of several addresses the one that was open is told, else one that was silent.
    """

    endpoint: str
    outcome: str
    address: str = ""
    detail: str = ""
    seconds: float = 0.0


async def knock(vantage: Vantage, endpoint: str, patience: float) -> Knock:
    """Return how the connection to an endpoint with its port ended; every address (at most four) is tried."""
    host, port = split_endpoint(endpoint)
    names = await resolve(vantage, host)
    if not names.addresses:
        return Knock(endpoint=endpoint, outcome="unresolved", detail=names.error or "no address")
    attempts: list[Attempt] = []
    for address in names.addresses[:MAX_ADDRESSES]:
        attempts.append(await probe(address, port, patience))
        if attempts[-1].outcome == "open":
            break
    told = min(attempts, key=lambda attempt: _ORDER.index(attempt.outcome))
    return Knock(
        endpoint=endpoint,
        outcome=told.outcome,
        address=told.address,
        detail=told.detail,
        seconds=told.seconds,
    )


def require_port(endpoint: str, name: str) -> None:
    """Raise ValueError for an endpoint without its port."""
    if not split_endpoint(endpoint)[1]:
        raise ValueError(f"'{name}' needs a port, as in {endpoint}:443.")
