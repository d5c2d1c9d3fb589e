"""Questions to every given name server on its own, and what each answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from checks.dataclass import dataclass
from checks.params import split_name_server
from checks.vantage import Vantage
from checks.wire.dns import Dns
from checks.wire.dns_lookup import Lookup, handed, outcome_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one server answered to one question. `authority`: it was asked as one that has it."""

    server: str
    authority: bool
    aa: bool
    found: Lookup
    ttl: int | None = None
    """The longest of the records found, CNAMEs on the way among them."""


async def ask_all(
    vantage: Vantage, questions: Sequence[tuple[str, str]], resolvers: Sequence[str],
    servers: Sequence[str], ca_file: str | None,
) -> tuple[Told, ...]:  # fmt: skip
    """Ask every server every question, without taking one's answer for another's."""
    client = await vantage.client(Dns)
    asked = [(server, False) for server in resolvers] + [(server, True) for server in servers]
    if not asked:
        asked = [(server, False) for server in await handed(vantage)]
    timeout = min(3.0, vantage.remaining() * 0.25)
    gate = asyncio.Semaphore(20)

    async def one(server: str, authority: bool, name: str, rdtype: str) -> Told:  # noqa: FBT001
        async with gate:
            place = split_name_server(server)[1] if authority else server
            answer = await client.ask(
                place, name, rdtype, timeout=timeout, recursion=not authority, ca_file=ca_file
            )
        ttls = [record.ttl for record in answer.records if record.rdtype in (rdtype, "CNAME")]
        return Told(
            server=server, authority=authority, aa=answer.aa, found=outcome_of(answer),
            ttl=max(ttls, default=None),
        )  # fmt: skip

    return tuple(
        await asyncio.gather(
            *(
                one(server, authority, name, rdtype)
                for server, authority in asked
                for name, rdtype in questions
            )
        )
    )
