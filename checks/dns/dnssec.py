"""dns.dnssec: the domain's answers are signed and the chain to them holds, or it is provably not signed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from checks.bounds import Ge, Le, Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.dns import _dnssec_words as words
from checks.dns._dnssec_health import heard, holding
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import DomainName, NameServer, Port, Resolver
from checks.safe import safe
from checks.wire.dns import Dns
from checks.wire.dns_lookup import handed
from checks.wire.dnssec import Walker
from checks.wire.dnssec_anchors import read_anchors
from checks.wire.dnssec_fetch import Authority, Opinion, Path, Question, Walk, opinion, through
from checks.wire.dnssec_verdict import Verdict, Word

Type = Literal["A", "AAAA", "CAA", "CNAME", "DS", "MX", "NS", "PTR", "SOA", "SRV", "TLSA", "TXT"]
_SKEW_S = 90000
"""A resolver may bear with a signature for a day after its end (unbound's val-sig-skew-max), and an hour."""


_WORTH: dict[Word, int] = {"secure": 0, "insecure": 1, "bogus": 2, "indeterminate": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRecord:
    """One record set whose answer must be secured."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    name: DomainName
    rdtype: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class DnssecSeen:
    """The replies that make up the chain, by way, as they came, and what each resolver thinks itself."""

    at: datetime
    paths: tuple[Path, ...]
    opinions: tuple[Opinion, ...] = ()


@dataclass(frozen=True, slots=True)
class _Way:
    """One way's replies, walked."""

    server: str
    walker: Walker
    verdicts: dict[Question, Verdict]


class Dnssec(Check[DnssecSeen]):
    """The chain of trust from the root to the domain's records is whole, or the domain is provably unsigned.

    The chain is walked here, with the resolver's own checking switched off, and held against what validating
    resolvers say. The words are those of RFC 4033: secure, insecure (proven to be unsigned), bogus (broken:
    validating resolvers refuse the domain), indeterminate (it could not be fetched: inconclusive).

    Proves: whoever validates gets these records now, or (bogus) who does not, where the chain breaks and why;
    how long the zone's signatures still hold.
    Cannot prove: that every name server of the zone gives the same signatures (dns.authority compares them),
    nor anything if this laptop's clock is wrong, which is said where the signatures suggest it.
    If it fails: have the DNS host sign the zone anew, or correct the DS record at the registrar; to go
    without DNSSEC, remove the DS record first and wait for its TTL.

    Source: RFC 4033 to 4035, RFC 5155 and 9276 (NSEC3), RFC 6840, RFC 8624 (algorithms), RFC 6781 section 4
    (rollover); IANA's root anchors 20326 and 38696 (RFC 9718).

    Example:
        type: dns.dnssec
        domain: example.com
        resolvers: [192.0.2.53]
        records: [{name: example.com, rdtype: MX}, {name: mail.example.com, rdtype: A}]
    """

    deadline_s = 30.0

    domain: DomainName
    """The domain, a zone of its own."""
    expect: Literal["secure", "insecure"] = "secure"
    """`secure`: signed, with a whole chain; `insecure`: proven to be unsigned, as before a move of DNS."""
    records: Annotated[tuple[AskedRecord, ...], Len(0, 20)] = ()
    """Record sets to walk to; left out, SOA, NS and MX of the domain."""
    min_days: Annotated[float, Ge(0), Le(365)] = 3.0
    """Days that the zone's signatures must still hold, else a warning. Signers renew by themselves, so for
    signatures that were made for a short life it is a quarter of that life."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask; left out (and `roots` too), those that this laptop was handed."""
    roots: tuple[NameServer, ...] = ()
    """Servers of the anchor's zone: the chain is then fetched from authoritative servers, from there on."""
    port: Port = 53
    """Port of name servers that are found by delegation."""
    trust_anchor: tuple[str, ...] = ()
    """DS or DNSKEY records to start from, as `. DS 20326 8 2 E06D...`; left out, IANA's for the root."""

    def __post_init__(self) -> None:
        if self.trust_anchor:
            zone = read_anchors(self.trust_anchor).zone.to_text(omit_final_dot=True).lower()
            if zone not in ("@", ".", "", self.domain) and not self.domain.endswith(f".{zone}"):
                raise ValueError(f"The trust anchor is for {zone}, and {self.domain} is not below it.")

    async def observe(self, vantage: Vantage) -> DnssecSeen:
        client = await vantage.client(Dns)
        resolvers = self.resolvers or (() if self.roots else await handed(vantage))
        now = vantage.now()
        opinions = asyncio.gather(
            *(opinion(vantage, client, one, *question) for one in resolvers for question in self._questions())
        )
        try:
            paths = await self._paths(vantage, client, resolvers, now)
            return DnssecSeen(at=now, paths=tuple(paths), opinions=tuple(await opinions))
        finally:
            opinions.cancel()

    async def _paths(
        self, vantage: Vantage, client: Dns, resolvers: Sequence[str], now: datetime
    ) -> list[Path]:
        """Fetch the chain one way after the other until one gives a proof."""
        anchors = read_anchors(self.trust_anchor)
        ways = [(one, through(vantage, client, one)) for one in resolvers]
        if self.roots:
            top = anchors.zone.to_text(omit_final_dot=len(anchors.zone) > 1)
            ways = [("", Authority(vantage, client, self.roots, self.port, top).ask)]
        paths: list[Path] = []
        for server, ask in ways:
            walk = Walk(server, ask, anchors, int(now.timestamp()))
            await walk.ahead(self.domain, self._questions())
            verdicts = [await walk.verdict(*question) for question in self._questions()]
            paths.append(walk.path())
            if all(one.word in ("secure", "insecure") for one in verdicts):
                break
        return paths

    def _questions(self) -> tuple[Question, ...]:
        if self.records:
            return tuple((one.name, one.rdtype) for one in self.records)
        return tuple((self.domain, rdtype) for rdtype in ("SOA", "NS", "MX"))

    def judge(self, seen: DnssecSeen) -> Iterable[Finding]:
        anchors, now = read_anchors(self.trust_anchor), int(seen.at.timestamp())
        ways = [_Way(one.server, *one.verdicts(anchors, now, self._questions())) for one in seen.paths]
        if not ways:
            return
        chosen: dict[Question, _Way] = {}
        for question in self._questions():
            order = sorted(ways, key=lambda way: _WORTH[way.verdicts[question].word])
            chosen[question] = order[0]
        groups: dict[tuple[str, ...], list[Question]] = {}
        for question, way in chosen.items():
            verdict = way.verdicts[question]
            alike = (
                verdict.word,
                verdict.zone,
                verdict.reason,
                words.missing(verdict, listed=bool(self.records)),
            )
            groups.setdefault(alike, []).append(question)
        for questions in groups.values():
            yield self._finding(questions, chosen[questions[0]], seen, now)
        yield from self._other_ways(ways, chosen)
        yield from self._disagreeing(chosen, seen.opinions)
        way = chosen[self._questions()[0]]
        if self.expect == "secure" and all(way.verdicts[one].word == "secure" for one in way.verdicts):
            yield from holding(way.walker, self.domain, self.min_days, now)

    def _finding(self, questions: list[Question], way: _Way, seen: DnssecSeen, now: int) -> Finding:
        verdict = way.verdicts[questions[0]]
        whole = len(questions) == len(self._questions())
        subject = self.domain if whole else ", ".join(f"{name} {rdtype}" for name, rdtype in questions)
        opinions = [one for one in seen.opinions if (one.name, one.rdtype) in questions]
        if verdict.word in ("secure", "insecure") and verdict.outcome == "no such name":
            return failed(
                subject,
                "The name does not exist, so there is nothing to be secured.",
                expected=self.expect,
                observed=f"NXDOMAIN, {words.said(verdict)}",
                fix="Correct the name, or have the domain registered and delegated.",
            )
        told = verdict.reason != "iterations" and verdict.word == self.expect
        if told and self.records and verdict.outcome == "no data":
            return warned(
                subject,
                "There is no such record: what is shown is that it is absent.",
                expected=f"{self.expect} records",
                observed=words.said(verdict),
                fix="Correct 'records', or publish the planned records.",
            )
        say = {"expected": self.expect, "observed": words.said(verdict) + heard(opinions)}
        if verdict.word == "secure":
            say["observed"] = f"secure: {words.chain(way.walker.links)}{heard(opinions)}"
            if self.expect == "secure":
                return passed(
                    subject, "The chain of trust is whole.", expected=self.expect, observed=say["observed"]
                )
            return failed(
                subject,
                "It is signed and the parent vouches for it, where it is planned to be unsigned.",
                fix="Have the registrar remove the DS, wait until its time to live has passed, and only then "
                "stop signing: the other way round the domain is gone for everyone who validates.",
                **say,
            )
        if verdict.word == "insecure":
            return self._insecure(subject, verdict, say)
        if verdict.word == "bogus":
            return self._bogus(subject, verdict, opinions, say, now)
        return cannot_tell(
            subject,
            "The chain of trust could not be fetched, so nothing is known about it.",
            fix="Name a resolver that passes DNSSEC on (signatures are asked for and checking is switched "
            "off), or ask from a network that lets DNS through unchanged.",
            **say,
        )

    def _insecure(self, subject: str, verdict: Verdict, say: dict[str, str]) -> Finding:
        what, fix = words.insecure(verdict)
        if verdict.zone != self.domain:
            what += f" (at {safe(verdict.zone, limit=260)})"
        if self.expect == "secure":
            return failed(subject, f"{what}.", fix=fix, **say)
        if verdict.reason == "iterations":
            return cannot_tell(subject, f"{what}, and nothing is proven.", fix=fix, **say)
        return passed(subject, f"{what}, as planned.", expected=self.expect, observed=say["observed"])

    def _bogus(
        self, subject: str, verdict: Verdict, opinions: list[Opinion], say: dict[str, str], now: int
    ) -> Finding:
        what, fix = words.bogus(verdict)
        where = "" if verdict.zone == self.domain else f" (at {safe(verdict.zone, limit=260)})"
        if verdict.reason in ("expired", "not yet valid") and not any(one.refused for one in opinions):
            above = verdict.zone == "." or self.domain.endswith(f".{verdict.zone}")
            vouched = any(one.ad and one.rcode == "NOERROR" for one in opinions)
            if above or verdict.reason == "not yet valid" or (vouched and now - verdict.at > _SKEW_S):
                return cannot_tell(
                    subject,
                    f"{what}{where} by this laptop's clock, which may be off: no resolver confirms it.",
                    fix=f"{words.CLOCK} Run again, with a validating resolver in 'resolvers'.",
                    **say,
                )
        if verdict.reason == "expired":
            fix += f" {words.CLOCK}"
        top = read_anchors(self.trust_anchor).zone.to_text(omit_final_dot=True).lower()
        if (
            verdict.zone in (top, "." if top == "@" else top)
            and verdict.reason == "DS without matching DNSKEY"
        ):
            fix = "Correct 'trust_anchor', or find out who answers in place of that zone's servers."
        return failed(
            subject,
            f"{what}{where}: whoever validates gets no answer.",
            fix=fix,
            reference="RFC 4035 section 5",
            **say,
        )

    def _other_ways(self, ways: list[_Way], chosen: dict[Question, _Way]) -> Iterator[Finding]:
        for way in ways:
            for question, best in chosen.items():
                here, there = way.verdicts[question], best.verdicts[question]
                if way is best or here.word != "bogus" or there.word == "bogus":
                    continue
                yield failed(
                    way.server,
                    f"Through this resolver the answer for {question[0]} {question[1]} is bogus, elsewhere "
                    f"it is {there.word}.",
                    expected=there.word,
                    observed=words.said(here),
                    fix="Flush that resolver's cache, and find out what changes its answers.",
                )
                break

    def _disagreeing(self, chosen: dict[Question, _Way], opinions: Iterable[Opinion]) -> Iterator[Finding]:
        told: set[str] = set()
        for one in opinions:
            way = chosen.get((one.name, one.rdtype))
            if way is None or one.server in told:
                continue
            verdict = way.verdicts[one.name, one.rdtype]
            if one.refused and verdict.word != "bogus":
                told.add(one.server)
                yield failed(
                    one.server,
                    f"This resolver finds {one.name} {one.rdtype} bogus and refuses it to its clients.",
                    expected=verdict.word,
                    observed="SERVFAIL, and an answer with checking disabled (CD)",
                    fix="Look at that resolver's log: its trust anchor, its clock, old answers in its cache.",
                )
            elif one.ad and one.rcode == "NOERROR" and verdict.word == "insecure":
                told.add(one.server)
                yield warned(
                    one.server,
                    f"This resolver vouches for {one.name} {one.rdtype}, for which there is no chain.",
                    expected=words.said(verdict),
                    observed="the AD flag is set",
                    fix="Wait until a DS record in its cache has died, or look at its trust anchors.",
                )
