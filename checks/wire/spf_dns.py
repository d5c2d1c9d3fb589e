"""The DNS that an SPF evaluation sees: names from macros, lookups kept for the check, aliases followed.

RFC 7208 tells three things apart: records, none (a void lookup), and an error that makes the result
`temperror`. Here a server without the RA flag is believed where it has authority (AA).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from checks.dataclass import dataclass
from checks.vantage import Vantage
from checks.wire.dns import Answer, Dns
from checks.wire.dns_lookup import Outcome
from checks.wire.dns_names import name_text, name_wire, tidy_name
from checks.wire.dns_text import quoted

MAX_ALIASES = 8
MAX_LOOKUPS = 20_000
"""Of one check; an evaluation does about a hundred at most."""
_TRIES = 2
_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a lookup gave: the data of the records as text; `detail` says why it failed (raw).

    `sure` is false where a server that neither resolves nor has authority says that there is nothing.
    """

    outcome: Outcome
    data: tuple[str, ...] = ()
    detail: str = ""
    sure: bool = True
    silent: bool = False
    """Whether it failed because the server gave no answer at all."""


Ask = Callable[[str, str], Awaitable[Reply]]
"""Looks up a name (as `query_name` gives it) and a type; never raises for what a server does."""


def query_name(domain: str) -> str | None:
    """Return `domain` as it is asked for, every odd byte escaped, or None if no question can be made of it.

    The domain may come from a macro and so hold anything.
    """
    labels = domain.removesuffix(".").encode("utf-8", "surrogatepass").split(b".")
    if not all(0 < len(label) < 64 for label in labels) or sum(map(len, labels)) + len(labels) > 254:
        return None
    return name_text(labels)


def within(name: str, parent: str) -> bool:
    """Return whether `name` is `parent` or lies below it, label by label."""
    try:
        wire, above = name_wire(tidy_name(name)), name_wire(tidy_name(parent))
    except ValueError:
        return False
    at = 0
    while wire[at:] != above:
        if not wire[at]:
            return False
        at += wire[at] + 1
    return True


class Lookups:
    """Looks up each name and type once for all evaluations of a check; `close` stops what is under way."""

    def __init__(
        self, client: Dns, servers: Sequence[str], planned: Mapping[str, tuple[bytes, ...]] | None = None
    ) -> None:
        self._client = client
        self._servers = list(servers)
        self._planned = {
            (name, "TXT"): Reply(outcome="found", data=tuple(map(quoted, texts)))
            for name, texts in (planned or {}).items()
        }
        self._tasks: dict[tuple[str, str], asyncio.Task[Reply]] = {}
        self._timeout = min(_TIMEOUT_S, 12.0 / (len(servers) * (_TRIES + 1)))

    @classmethod
    async def open(
        cls, vantage: Vantage, servers: Sequence[str], planned: Mapping[str, tuple[bytes, ...]] | None = None
    ) -> Lookups:
        """Make it with the run's DNS client; `planned` are TXT records in place of a name's own."""
        return cls(await vantage.client(Dns), servers, planned)

    async def __call__(self, name: str, rdtype: str) -> Reply:
        """Return what the first server that answers says; see `Ask`."""
        key = name, rdtype
        if key in self._planned:
            return self._planned[key]
        task = self._tasks.get(key)
        if task is None:
            if len(self._tasks) >= MAX_LOOKUPS:
                return Reply(outcome="failed", detail=f"more than {MAX_LOOKUPS} lookups in one check")
            task = asyncio.create_task(self._look_up(name, rdtype))
            self._tasks[key] = task
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop lookups that nobody waits for any more."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _look_up(self, name: str, rdtype: str) -> Reply:
        failures: list[str] = []
        silent: list[str] = []
        for server in tuple(self._servers):
            reply = await self._ask(server, name, rdtype)
            if reply.outcome != "failed":
                self._servers.sort(key=silent.__contains__)  # the silent ones are asked last from now on
                return reply
            if reply.silent:
                silent.append(server)
            failures.append(f"{server}: {reply.detail}")
        return Reply(outcome="failed", detail=f"{name} {rdtype}: {'; '.join(failures)}")

    async def _ask(self, server: str, name: str, rdtype: str) -> Reply:
        passed = {name}
        sure = True
        for _ in range(MAX_ALIASES):
            try:
                answer = await self._client.ask(server, name, rdtype, timeout=self._timeout, tries=_TRIES)
            except ValueError as error:
                return Reply(outcome="no such name", detail=str(error))
            reply, onward = _read(answer)
            sure = sure and reply.sure
            if onward is None or reply.outcome != "no data":
                return reply if sure else Reply(outcome=reply.outcome, data=reply.data, sure=False)
            if onward in passed:
                return Reply(outcome="failed", detail="the aliases lead in a circle")
            passed.add(onward)
            name = onward
        return Reply(outcome="failed", detail=f"more than {MAX_ALIASES} aliases one after another")


def _read(answer: Answer) -> tuple[Reply, str | None]:
    """Return what an answer says, and the name where an alias leads that the server did not follow."""
    if answer.error is not None or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        said = f"{answer.error or answer.rcode} {answer.detail}".strip()
        return Reply(outcome="failed", detail=said, silent=answer.rcode is None), None
    chain = answer.chain()
    if chain.loop:
        return Reply(outcome="failed", detail="the aliases lead in a circle"), None
    if answer.rcode == "NXDOMAIN":
        return Reply(outcome="no such name", sure=answer.aa or answer.ra), None
    if chain.records:
        return Reply(outcome="found", data=tuple(record.text for record in chain.records)), None
    if answer.referral():
        return Reply(outcome="failed", detail="the server does not resolve (no recursion)"), None
    onward = chain.end if chain.aliases else None
    return Reply(outcome="no data", sure=answer.aa or answer.ra or onward is not None), onward
