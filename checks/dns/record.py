"""dns.record: every server asked answers with the planned records."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import Literal

from checks.contract import Check, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.dns._answers import no_answer, nobody_s, shown, way
from checks.judging import cannot_tell, failed, passed, within
from checks.params import DomainName, Duration, Resolver
from checks.safe import in_line
from checks.wire.dns import Answer, Chain, Dns
from checks.wire.dns_lookup import handed
from checks.wire.dns_text import canonical
from checks.wire.dns_vouch import unvouched

Type = Literal["A", "AAAA", "CAA", "CNAME", "DS", "MX", "NS", "PTR", "SOA", "SRV", "SSHFP", "TLSA", "TXT"]
_TRIES = 2
_ADDRESSES = ("A", "AAAA")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSeen:
    """One answer a server; `local` says that the servers are the ones this laptop was handed."""

    answers: tuple[Answer, ...]
    local: bool = False
    unvouched: tuple[str, ...] = ()
    """Servers whose nothing no zone stands behind; looked at where there must be no record."""


class Record(Check[RecordSeen]):
    """Every server asked gives exactly the planned records for a name, or none where none may be.

    Proves: what each server answers now, to this laptop; over TCP too where the answer is long.
    Cannot prove: what other resolvers have cached, nor that a server answers others alike (split DNS).
    If it fails: correct the record in the zone; where it is right there, wait for the TTL, or find the
    second copy of the zone that answers.

    Source: RFC 1034 sections 3.6.2 (aliases) and 4.3, RFC 2181 section 5 (record sets), RFC 2308 section 2
    (NXDOMAIN and no data), RFC 7208 section 3.3 (strings of a TXT record are joined).

    Example:
        type: dns.record
        name: mail.example.com
        rdtype: A
        servers: [192.0.2.53, "[2001:db8::53]"]
        expect: [192.0.2.25]
    """

    name: DomainName
    """The name that is looked up."""
    rdtype: Type = "A"
    """Type of the records."""
    servers: tuple[Resolver, ...] = ()
    """DNS servers to ask, port 53 unless given; `tls://dns.example.net` and `https://dns.example.net/dns-query`
    are asked over TLS and HTTPS; left out, the resolvers that this laptop was handed."""
    expect: tuple[str, ...] = ()
    """The data of each planned record as in a zone file, names in full: `192.0.2.25`, `10 mx.example.com`.
    A TXT record may be written as its bare value."""
    match: Literal["exact", "includes", "absent"] = "exact"
    """`exact`: these records and no other; `includes`: these and perhaps others; `absent`: no such record."""
    ca_file: str | None = None
    """PEM file of the authorities to trust for servers over TLS or HTTPS, in place of this laptop's."""
    max_ttl: Duration | None = None
    """Highest TTL of the records and of aliases on the way; only an authoritative server can prove
    it, as a resolver's cache shows what is left."""

    def __post_init__(self) -> None:
        if self.match == "absent" and (self.expect or self.max_ttl is not None):
            raise ValueError(
                "With 'match: absent' there is nothing to expect: leave out 'expect' and 'max_ttl'."
            )
        if self.match != "absent" and not self.expect:
            raise ValueError(
                "'expect' is empty, which would assert nothing: list the planned records, or write "
                "'match: absent' if there must be none."
            )
        for text in self.expect:
            try:
                canonical(self.rdtype, text)
            except ValueError as error:
                raise ValueError(
                    f"'expect' holds {text!r}, which is no data of a {self.rdtype} record: {error}"
                ) from None
        if len({canonical(self.rdtype, text) for text in self.expect}) < len(self.expect):
            raise ValueError("'expect' names the same record twice.")
        if len(set(self.servers)) < len(self.servers):
            raise ValueError("'servers' names the same server twice.")
        try:
            reverse = ipaddress.ip_address(self.name).reverse_pointer
        except ValueError:
            return
        hint = f" For its PTR record write {reverse}." if self.rdtype == "PTR" else ""
        raise ValueError(f"'name' is the address {self.name}, not a domain name.{hint}")

    def subject(self) -> str:
        return f"{self.name} {self.rdtype}"

    async def observe(self, vantage: Vantage) -> RecordSeen:
        servers = self.servers or await handed(vantage)
        client = await vantage.client(Dns)
        timeout = min(2.0, vantage.remaining() * 0.9 / (_TRIES + 1))
        asked = [
            client.ask(s, self.name, self.rdtype, timeout=timeout, tries=_TRIES, ca_file=self.ca_file)
            for s in servers
        ]
        answers = tuple(await asyncio.gather(*asked))
        absent = answers if self.match == "absent" else ()
        strange = await unvouched(vantage, absent, ca_file=self.ca_file)
        return RecordSeen(answers=answers, local=not self.servers, unvouched=strange)

    def judge(self, seen: RecordSeen) -> Iterable[Finding]:
        for answer in seen.answers:
            trouble = no_answer(answer, self._planned())
            if trouble is not None:
                yield trouble
            elif self.match == "absent":
                yield self._absent(answer, answer.server in seen.unvouched)
            else:
                finding = self._present(answer)
                yield finding
                if self.max_ttl is not None and answer.chain().records:
                    yield self._ttl(answer, self.max_ttl)

    def _planned(self) -> str:
        if self.match == "absent":
            return f"no {self.rdtype} record"
        more = " and perhaps others" if self.match == "includes" else ""
        return in_line(sorted(canonical(self.rdtype, text) for text in self.expect)) + more

    def _absent(self, answer: Answer, strange: bool) -> Finding:  # noqa: FBT001 - seen of this answer
        chain = answer.chain()
        planned = self._planned()
        if chain.records or chain.aliases or answer.records:
            return failed(
                answer.server,
                f"{self.name} has {self.rdtype} records or an alias, where none may be.",
                expected=planned,
                observed=shown(answer, chain),
                fix=f"Remove the record from the zone of {self.name}; if it is not there, a wildcard (*) "
                "of the zone or an answer made up by this server gives it.",
            )
        if answer.referral() or not (answer.aa or answer.ra):
            return _elsewhere(answer, chain, planned)
        if strange:
            return nobody_s(answer, planned)
        what = "does not exist" if answer.rcode == "NXDOMAIN" else f"has no {self.rdtype} record"
        return passed(
            answer.server, f"{self.name} {what}, as planned.", expected=planned, observed=shown(answer, chain)
        )

    def _present(self, answer: Answer) -> Finding:
        chain, planned = answer.chain(), self._planned()
        observed = shown(answer, chain)
        got = {canonical(self.rdtype, record.text) for record in chain.records}
        if not got or answer.rcode == "NXDOMAIN":
            return self._nothing(answer, chain, planned)
        wanted = {canonical(self.rdtype, text) for text in self.expect}
        missing, extra = sorted(wanted - got), sorted(got - wanted)
        wrong = [f"missing: {in_line(missing)}"] if missing else []
        if extra and self.match == "exact":
            wrong.append(f"not planned: {in_line(extra)}")
        if wrong:
            return failed(
                answer.server,
                f"The {self.rdtype} records of {self.name} are not the planned ones ({'; '.join(wrong)}).",
                expected=planned,
                observed=observed,
                fix=f"Correct the records in the zone of {chain.end}; if they are right there, wait until "
                "what this server has cached expires, or find out why it answers otherwise (split DNS, "
                "a second copy of the zone, a blocker).",
            )
        return passed(
            answer.server,
            f"The {self.rdtype} records of {self.name} are the planned ones{way(chain)}.",
            expected=planned,
            observed=observed,
        )

    def _nothing(self, answer: Answer, chain: Chain, planned: str) -> Finding:
        """Return the finding about an answer without records of the type asked: never a match."""
        whose = f"{self.name} is an alias of {chain.end}, which" if chain.aliases else chain.end
        if chain.loop:
            what = f"The aliases of {self.name} lead in a circle{way(chain)}."
            fix = "Correct the CNAME records: the last must name a host with an address."
        elif answer.rcode == "NXDOMAIN":
            what = f"{whose} does not exist."
            fix = f"Add the planned records to the zone of {chain.end}, and check the spelling of the name."
        elif answer.referral() or not (answer.aa or answer.ra) or (chain.aliases and not answer.ra):
            return _elsewhere(answer, chain, planned)
        else:
            what = f"{whose} exists and has no {self.rdtype} record."
            fix = f"Add the planned {self.rdtype} records to the zone of {chain.end}."
        return failed(answer.server, what, expected=planned, observed=shown(answer, chain), fix=fix)

    def _ttl(self, answer: Answer, limit: float) -> Finding:
        chain = answer.chain()
        passing = {self.name, *chain.aliases}
        longest = max(r.ttl for r in answer.records if r in chain.records or r.name in passing)
        if not answer.aa and longest <= limit:
            return cannot_tell(
                answer.server,
                "This server answers from its cache, which shows only what is left of the time to live.",
                expected=f"a time to live of at most {limit:g} s",
                observed=f"{longest} s left",
                fix="Name the zone's authoritative servers in 'servers' to judge the time to live.",
            )
        return within(
            answer.server,
            Measure(
                name="Time to live", value=longest, unit="s", fail=limit, source="limit set in the project"
            ),
            fix="Lower the time to live in the zone, and wait as long as the old one was before the change.",
        )


def _elsewhere(answer: Answer, chain: Chain, planned: str) -> Finding:
    if chain.aliases:
        what = f"This server does not resolve, and {chain.end}, where the alias leads, is not in its zones."
    else:
        what = f"This server has no authority for {answer.name} and does not resolve: it points elsewhere."
    return cannot_tell(
        answer.server,
        what,
        expected=planned,
        observed=shown(answer, chain),
        fix="Name a resolver, or an authoritative server of that zone, in 'servers'.",
    )
