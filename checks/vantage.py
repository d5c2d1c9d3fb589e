"""The check's only way out: shared clients, this machine, the clock, secrets by reference, and notes.

`Shared` lives as long as a run and is the same for every check of it; `Vantage` is the view that one attempt
of one check is handed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Any, Protocol, Self, TypeVar

from checks.dataclass import dataclass
from checks.survey import SurveyPoint
from checks.words import Note, Status

T = TypeVar("T")
C = TypeVar("C", bound="Client")

MAX_NOTES = 200
MAX_NOTE_CHARS = 2000


class CannotTell(Exception):  # noqa: N818 - it is an outcome, not an error
    """The claim could not be tested; becomes an inconclusive result.

    `reason` and `fix` are full sentences; `fix` says what to do so that it can be tested.
    """

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


class Client(Protocol):
    """A protocol client that all checks of a run share, made on first use and closed with the run."""

    @classmethod
    async def open(cls, shared: Shared) -> Self:
        """Make the client; raise CannotTell where this machine or account cannot have it."""
        ...

    async def close(self) -> None:
        """Release sockets and processes; must not raise for a peer that has gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """A person's statement for what cannot be measured (proof level 0)."""

    check: str
    holds: bool
    by: str
    at: datetime
    note: str = ""
    attachments: tuple[tuple[str, str], ...] = ()
    """File names with their SHA-256 in hex."""
    statement: str = ""
    """What was stated, as the project had it then: it does not carry over to another statement."""
    fresh_s: float | None = None
    """How old it may be for the strictest gate that looks at it; said by a run, not by the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What this check saw in an earlier run: time of the result (UTC), its status, its observation as JSON.

    `observation` is None where nothing was seen. Read it by `checks.jsonable.from_json` and expect
    ValueError: it may come from an older version, or from another definition under the same id.
    """

    at: datetime
    status: Status
    observation: Any


@dataclass
class Shared:
    """What all checks of one run have in common."""

    resolve_secret: Callable[[str], str] | None = None
    attestations: Mapping[str, Attestation] = field(default_factory=dict)
    history: Callable[[str, int], tuple[Earlier, ...]] | None = None
    """Returns what earlier runs hold of a check, the newest first, at most so many."""
    survey: Callable[[str], tuple[SurveyPoint, ...]] | None = None
    """Returns the points that were measured for a check, the oldest first."""
    secrets_seen: dict[str, str] = field(default_factory=dict)
    """Resolved secrets to their references: whatever is stored or shown has them replaced."""
    _flights: dict[Hashable, asyncio.Future[Any]] = field(default_factory=dict)
    _clients: list[Client] = field(default_factory=list)

    async def once(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return what `make` gives, made once per run and key; later callers get the same value or exception.

        The work is a task of its own: a caller that is cancelled leaves it running for the others.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(make())
            flight.add_done_callback(_retrieve)
            self._flights[key] = flight
        value: T = await asyncio.shield(flight)
        return value

    async def client(self, kind: type[C]) -> C:
        """Return this run's one client of class `kind`, opened on first use."""

        async def open_it() -> C:
            client = await kind.open(self)
            self._clients.append(client)
            return client

        return await self.once(("client", kind), open_it)

    def secret(self, reference: str) -> str:
        """Return the secret that `reference` names; raise CannotTell where it is not to be had."""
        if self.resolve_secret is None:
            raise CannotTell(
                f"The secret {reference} cannot be read here.", "Run it by gonogo run, which reads secrets."
            )
        value = self.resolve_secret(reference)
        self.secrets_seen[value] = reference
        return value

    async def close(self) -> None:
        """Stop unfinished shared work and close every client, the last opened first."""
        pending = [flight for flight in self._flights.values() if not flight.done()]
        for flight in pending:
            flight.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for client in reversed(self._clients):
            await client.close()
        self._clients.clear()
        self._flights.clear()


def _retrieve(flight: asyncio.Future[Any]) -> None:
    if not flight.cancelled():
        flight.exception()


class Vantage:
    """One attempt's view of the run: see the module's docstring."""

    __slots__ = ("_deadline", "_dropped", "_notes", "check", "shared")

    def __init__(self, shared: Shared, check: str = "", allowance: float = 10.0) -> None:
        self.shared = shared
        self.check = check
        self._deadline = time.monotonic() + allowance
        self._notes: list[Note] = []
        self._dropped = 0

    async def once(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """See `Shared.once`; begin the key with the check's family so that families do not meet."""
        return await self.shared.once(key, make)

    async def client(self, kind: type[C]) -> C:
        """See `Shared.client`."""
        return await self.shared.client(kind)

    def remaining(self) -> float:
        """Return the seconds left of this attempt, never below zero: give wire clients a little less."""
        return max(0.0, self._deadline - time.monotonic())

    def now(self) -> datetime:
        """Return the wall clock in UTC; put it into what was seen where judging needs a time."""
        return datetime.now(UTC)

    def secret(self, reference: str) -> str:
        """See `Shared.secret`."""
        return self.shared.secret(reference)

    def attestation(self) -> Attestation | None:
        """Return the newest statement a person made for this check, if any."""
        return self.shared.attestations.get(self.check)

    def earlier(self, limit: int = 100) -> tuple[Earlier, ...]:
        """Return what this check saw in earlier runs of the project, the newest first; none without a ledger.

        What the judge needs of it goes into what was seen: stored evidence must be enough to judge again.
        """
        return self.shared.history(self.check, limit) if self.shared.history is not None else ()

    def survey(self) -> tuple[SurveyPoint, ...]:
        """Return the points of a Wi-Fi survey that were measured for this check, the oldest first."""
        return self.shared.survey(self.check) if self.shared.survey is not None else ()

    def note(self, text: str) -> None:
        """Keep a line of evidence with the time; length and number are capped and the cut is said."""
        if len(self._notes) >= MAX_NOTES:
            self._dropped += 1
            return
        if len(text) > MAX_NOTE_CHARS:
            text = f"{text[:MAX_NOTE_CHARS]} [{len(text) - MAX_NOTE_CHARS} more characters]"
        self._notes.append(Note(at=self.now(), text=text))

    def notes(self) -> tuple[Note, ...]:
        """Return the notes so far (for the engine)."""
        if self._dropped:
            return (*self._notes, Note(at=self.now(), text=f"[{self._dropped} more notes were left out]"))
        return tuple(self._notes)
