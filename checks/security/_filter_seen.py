"""What resolvers said of names that a filter must block, and of one that it must not."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Literal

from checks import jsonable
from checks.contract import Vantage
from checks.dataclass import dataclass
from checks.wire.dns import Answer, Dns
from checks.wire.tcp import budget

AT_ONCE = 64
PATIENCE_S = 2.0
LEAST_PATIENCE_S = 1.0
Verdict = Literal["real", "blocked", "negative", "refused", "odd", "silent", "closed", "unsent", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What one server said to one question: `rcode` or `error`, and the addresses behind its aliases."""

    server: str
    name: str
    rdtype: str
    transport: str
    rcode: str = ""
    error: str = ""
    detail: str = ""
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterSeen:
    """All lookups. `resolvers` are those that were asked as the filter's; `patience_s` is each one's time.

    `existed` are names that an earlier run saw with an address of their own, `answered` bypasses that
    answered one.
    """

    resolvers: tuple[str, ...]
    lookups: tuple[Lookup, ...]
    patience_s: float
    existed: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()


async def look(
    vantage: Vantage,
    resolvers: Sequence[str],
    bypass: Sequence[str],
    names: Sequence[str],
    ca_file: str | None,
) -> tuple[tuple[Lookup, ...], float]:
    """Return what each server says of each name, A and AAAA; a plain bypass over UDP and over TCP."""
    client = await vantage.client(Dns)
    patience = min(PATIENCE_S, budget(vantage) / 4)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(server: str, name: str, rdtype: str, *, tcp: bool) -> Lookup:
        async with gate:
            answer = await client.ask(
                server, name, rdtype, timeout=patience, tries=2, transport="tcp" if tcp else "auto",
                ca_file=ca_file,
            )  # fmt: skip
        return _lookup(answer)

    asked = [
        one(server, name, rdtype, tcp=tcp)
        for server in dict.fromkeys((*resolvers, *bypass))
        for tcp in ((False, True) if server in bypass and "://" not in server else (False,))
        for name in names
        for rdtype in ("A", "AAAA")
    ]
    return tuple(await asyncio.gather(*asked)), patience


def _lookup(answer: Answer) -> Lookup:
    chain = answer.chain()
    return Lookup(
        server=answer.server, name=answer.name, rdtype=answer.rdtype, transport=answer.transport,
        rcode=answer.rcode or "", error=answer.error or "", detail=answer.detail,
        addresses=tuple(record.text for record in chain.records), aliases=chain.aliases,
    )  # fmt: skip


def blocking(address: str, pages: Sequence[str]) -> bool:
    """Return whether an address is none of a site's own: unspecified, loopback, or a filter's page."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    zero = found.version == 4 and found in ipaddress.ip_network("0.0.0.0/8")
    return str(found) in pages or found.is_unspecified or found.is_loopback or zero


def verdict(found: Lookup, pages: Sequence[str]) -> Verdict:
    """Return what a lookup says about its name at that server."""
    if any(not blocking(address, pages) for address in found.addresses):
        return "real"
    if found.error:
        return {
            "timeout": "silent", "unreachable": "silent", "refused (port closed)": "closed",
            "not sent": "unsent", "unknown host": "unknown", "HTTP error": "closed",
        }.get(found.error, "odd")  # type: ignore[return-value]  # fmt: skip
    if found.addresses:
        return "blocked"
    if found.rcode == "REFUSED":
        return "refused"
    if found.rcode == "NXDOMAIN" or (found.rcode == "NOERROR" and not found.aliases):
        return "negative"
    return "odd"


def of_earlier(vantage: Vantage, pages: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names that earlier runs saw with an address of their own, and the servers that gave one."""
    names: dict[str, None] = {}
    servers: dict[str, None] = {}
    for result in vantage.earlier(50):
        try:
            seen = jsonable.from_json(FilterSeen, result.observation)
        except ValueError:
            continue
        for lookup in seen.lookups:
            if verdict(lookup, pages) == "real":
                names.setdefault(lookup.name)
                servers.setdefault(lookup.server)
    return tuple(names), tuple(servers)


def words(lookups: Sequence[Lookup]) -> str:
    """Return in one line what was answered (raw)."""
    return "; ".join(
        f"{one.rdtype} {one.transport}: "
        + (", ".join((*one.aliases, *one.addresses)) or one.rcode or "nothing")
        + (f" ({one.error} {one.detail})".replace(" )", ")") if one.error else "")
        for one in lookups
    )
