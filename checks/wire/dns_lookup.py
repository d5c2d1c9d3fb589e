"""One name looked up as a mail server or a browser would: resolvers asked in turn, aliases followed.

For questions to one certain server, or where every server's answer counts, use `checks.wire.dns.Dns.ask`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from checks.dataclass import dataclass
from checks.params import bracketed
from checks.vantage import CannotTell, Vantage
from checks.wire.dns import Answer, Dns, Record

Outcome = Literal["found", "no data", "no such name", "failed"]
"""`failed`: no resolver gave an answer (silence, SERVFAIL, REFUSED, a circle of aliases), so that nothing is
known about the name; never read it as absence."""
NO_RECURSION = "the server does not resolve (no recursion)"
_TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What was found: `records` are those of the type asked at `end`, where the aliases lead.

    `ad` says that the resolver vouches for DNSSEC (to be believed only over a path that is trusted). `detail`
    says why it failed, raw.
    """

    name: str
    rdtype: str
    server: str
    outcome: Outcome
    records: tuple[Record, ...] = ()
    aliases: tuple[str, ...] = ()
    end: str = ""
    ad: bool = False
    detail: str = ""
    soa: bool = False
    """The answer names the SOA record of a zone around the name, as a real negative answer does."""
    unsure: Literal["no data", "no such name"] | None = None
    """It failed because the only answers were that there is nothing, this one, from servers that neither
    resolve nor have authority."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The data of the records in presentation form."""
        return tuple(record.text for record in self.records)


async def lookup(
    vantage: Vantage,
    name: str,
    rdtype: str,
    resolvers: Sequence[str] = (),
    *,
    dnssec: bool = False,
    ca_file: str | None = None,
) -> Lookup:
    """Ask `resolvers` (`checks.params.Resolver`; by default those this laptop was handed) one after another.

    The first that answers NOERROR or NXDOMAIN ends it. Raises CannotTell where there is no resolver to ask
    and ValueError for a name that cannot be asked.
    """
    servers = tuple(resolvers) or await handed(vantage)
    client = await vantage.client(Dns)
    timeout = min(2.0, vantage.remaining() * 0.9 / (len(servers) * (_TRIES + 1)))
    failures: list[str] = []
    claims: list[Literal["no data", "no such name"] | None] = []
    for server in servers:
        answer = await client.ask(
            server, name, rdtype, timeout=timeout, tries=_TRIES, dnssec=dnssec, ca_file=ca_file
        )
        found = outcome_of(answer)
        if found.outcome != "failed":
            return found
        failures.append(f"{server}: {found.detail}")
        claims.append(found.unsure)
    return Lookup(
        name=name, rdtype=rdtype, server=servers[-1], outcome="failed", end=name, detail="; ".join(failures),
        unsure=None if None in claims else max(claims, key=claims.count),
    )  # fmt: skip


def outcome_of(answer: Answer) -> Lookup:
    """Return what one resolver's answer says of the name."""
    chain = answer.chain()
    outcome: Outcome = "found" if chain.records else "no data"
    detail = ""
    unsure: Literal["no data", "no such name"] | None = None
    if answer.error is not None or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        outcome, detail = "failed", f"{answer.error or answer.rcode} {answer.detail}".strip()
    elif chain.loop:
        outcome, detail = "failed", "the aliases lead in a circle"
    elif not chain.records and (answer.referral() or not (answer.ra or _final(answer, chain.end))):
        outcome, detail = "failed", NO_RECURSION
        if not (answer.referral() or chain.aliases):
            unsure = "no such name" if answer.rcode == "NXDOMAIN" else "no data"
    elif not chain.records and any(_strange(record, chain.end) for record in answer.records):
        outcome, detail = "failed", f"it answers a question for {answer.rdtype} with records of other types"
    elif answer.rcode == "NXDOMAIN":
        outcome = "no such name"
    return Lookup(
        name=answer.name, rdtype=answer.rdtype, server=answer.server, outcome=outcome,
        records=chain.records if outcome == "found" else (), aliases=chain.aliases, end=chain.end,
        ad=answer.ad, detail=detail, unsure=unsure,
        soa=any(r.rdtype == "SOA" and _around(r.name, chain.end) for r in answer.authority),
    )  # fmt: skip


def _strange(record: Record, end: str) -> bool:
    """Return whether a record at the end of the way has no place in an answer without the type asked."""
    return record.name == end and record.rdtype not in ("CNAME", "DNAME", "RRSIG", "NSEC", "NSEC3")


def _around(zone: str, name: str) -> bool:
    return f".{name}".endswith(f".{zone}".rstrip("."))


def _final(answer: Answer, end: str) -> bool:
    """Return whether a server that does not resolve says with authority that there is nothing at `end`."""
    zones = [record.name for record in answer.authority if record.rdtype == "SOA"]
    return answer.aa and (end == answer.name or any(_around(zone, end) for zone in zones))


async def handed(vantage: Vantage) -> tuple[str, ...]:
    """Return the DNS servers that this laptop was handed; raise CannotTell if there are none."""
    from checks.local.facts import read_local

    host = await read_local(vantage.shared)
    found = dict.fromkeys(bracketed(fact.address) for fact in host.resolvers)
    if not found:
        raise CannotTell(
            "This laptop has no DNS server, so there is none to ask.",
            "Connect to the network that hands one out, or name the servers in the check.",
        )
    return tuple(found)
