"""mail.mx: mail for the domain goes to the planned hosts, and they can be reached by name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from checks.bounds import Ge, Le, Len
from checks.clouds import MX_RETIRED, MX_SHAPE
from checks.contract import CannotTell, Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._mx_targets import Target, is_literal, is_token, judge_target, look_up
from checks.mail._names import called, place_of, shown
from checks.params import DomainName, NameServer, Resolver
from checks.safe import safe
from checks.wire.dns import Answer, Dns
from checks.wire.dns_lookup import handed, outcome_of

_TRIES = 2
_MAX_TARGETS = 20
_NULL = "."
_SOURCE = "RFC 5321 section 5.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class MxRecord:
    """One planned MX record."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    host: DomainName
    preference: Annotated[int, Ge(0), Le(65535)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MxAnswer:
    """What one server holds: the MX records as (preference, host), lower preference first."""

    server: str
    outcome: Literal["found", "no data", "no such name", "failed"]
    records: tuple[tuple[int, str], ...] = ()
    aliases: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MxSeen:
    """The answer of each server asked, the addresses of every host that one of them named, and whether the
    domain itself has an address (which would take mail where there is no MX record)."""

    answers: tuple[MxAnswer, ...]
    targets: tuple[Target, ...] = ()
    left_out: int = 0
    implicit: tuple[str, ...] = ()


class Mx(Check[MxSeen]):
    """The MX records are the planned ones, on every server asked, and their hosts have addresses.

    Microsoft's proof of ownership by MX (ms12345678.msv1.invalid) takes no mail and is ignored.

    Proves: which hosts take mail for the domain as each server tells it now, in which order, and that each
    host has an address of its own.
    Cannot prove: that the hosts accept mail for the domain, nor that a value of Microsoft's shape is the one
    assigned to this domain: take that from the Microsoft 365 admin centre or from Graph.
    If it fails: correct the MX records of the domain at the DNS host, or the address records of the host
    that is named.

    Source: RFC 5321 section 5.1, RFC 2181 section 10.3 (no alias as target), RFC 7505 (null MX); Microsoft:
    external-domain-name-system-records, message centre MC1048624.

    Example:
        type: mail.mx
        domain: contoso.example
        expect: [{host: contoso-example.mail.protection.outlook.com, preference: 0}]
        microsoft: true
        resolvers: [192.0.2.53]
        servers: [ns1.contoso.example=192.0.2.54]
    """

    deadline_s = 20.0

    domain: DomainName
    """The mail domain."""
    expect: Annotated[tuple[MxRecord, ...], Len(1, 20)]
    """The planned records, each with `host` and `preference` (the lower one is tried first)."""
    match: Literal["exact", "includes"] = "exact"
    """`exact`: these records and no other; `includes`: these and perhaps others (both sides take mail)."""
    microsoft: bool = False
    """Whether the planned hosts are Exchange Online's: then a value that has not the shape is pointed out."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask; left out, those that this laptop was handed."""
    servers: tuple[NameServer, ...] = ()
    """Authoritative servers of the zone to ask as well."""

    def __post_init__(self) -> None:
        hosts = [record.host for record in self.expect]
        if len(set(hosts)) < len(hosts):
            raise ValueError("'expect' names the same host twice.")
        for host in hosts:
            if host == _NULL:
                raise ValueError("'expect' plans a null MX ('.'), by which a domain refuses all mail.")
            if is_literal(host):
                raise ValueError(f"'expect' plans the address {host}: an MX record names a host.")
            if is_token(host):
                raise ValueError(f"'expect' plans {host}, which proves ownership and takes no mail.")

    def needs_link(self) -> bool:
        return not self.resolvers or super().needs_link()

    async def observe(self, vantage: Vantage) -> MxSeen:
        try:
            resolvers = self.resolvers or await handed(vantage)
        except CannotTell:
            if not self.servers:
                raise
            resolvers = ()
        client = await vantage.client(Dns)
        timeout = min(2.0, vantage.remaining() * 0.4 / (_TRIES + 1))
        asking = [(server, place_of(server), False) for server in self.servers]
        asking += [(server, server, True) for server in resolvers]
        answers = await asyncio.gather(
            *(
                client.ask(place, self.domain, "MX", timeout=timeout, tries=_TRIES, recursion=recursion)
                for _, place, recursion in asking
            )
        )
        read = tuple(
            _read(answer, server, authority=not recursion)
            for answer, (server, _, recursion) in zip(answers, asking, strict=True)
        )
        named = dict.fromkeys(record.host for record in self.expect)
        named |= dict.fromkeys(host for answer in read for _, host in answer.records)
        hosts = [host for host in named if host != _NULL and not is_token(host) and not is_literal(host)]
        found = await asyncio.gather(
            *(look_up(vantage, host, resolvers, self.servers) for host in hosts[:_MAX_TARGETS])
        )
        implicit: tuple[str, ...] = ()
        if any(answer.outcome == "no data" for answer in read):
            domain = await look_up(vantage, self.domain, resolvers, self.servers)
            implicit = domain.addresses
        return MxSeen(
            answers=read,
            targets=tuple(found),
            left_out=max(0, len(hosts) - _MAX_TARGETS),
            implicit=implicit,
        )

    def judge(self, seen: MxSeen) -> Iterable[Finding]:
        for answer in seen.answers:
            yield from self._answer(answer, seen.implicit)
        published = {host for answer in seen.answers for _, host in answer.records}
        planned = {record.host for record in self.expect}
        for target in seen.targets:
            yield judge_target(target, planned=target.host in planned, published=target.host in published)
        if seen.left_out:
            yield cannot_tell(
                self.domain,
                f"{seen.left_out} more hosts that MX records name were not looked up.",
                observed=f"{len(seen.targets)} hosts looked up",
                fix="Remove MX records that are not needed: a domain has few.",
            )

    def _planned(self) -> str:
        text = ", ".join(f"{record.preference} {record.host}" for record in self.expect)
        return f"{text} and perhaps others" if self.match == "includes" else text

    def _answer(self, answer: MxAnswer, implicit: tuple[str, ...]) -> Iterator[Finding]:
        subject, planned = called(answer.server), self._planned()
        records = [record for record in answer.records if not is_token(record[1])]
        observed = shown(f"{preference} {host}" for preference, host in answer.records)
        if answer.outcome == "failed":
            yield cannot_tell(
                subject,
                f"This server did not tell the MX records of {self.domain}.",
                expected=planned,
                observed=safe(answer.detail, limit=300),
                fix="Mend that server or the way to it (UDP and TCP port 53), or name one that serves "
                "the domain.",
            )
            return
        if not records:
            yield self._nothing(answer, implicit, observed)
            return
        hosts = [host for _, host in records]
        if _NULL in hosts:
            alone = "" if len(hosts) == 1 else ", beside other records, which may not be"
            yield failed(
                subject,
                f"{self.domain} refuses all mail by a null MX{alone}.",
                expected=planned,
                observed=observed,
                fix=f"Remove the MX record '0 .' of {self.domain} and publish the planned one.",
                reference="RFC 7505 section 3",
            )
            return
        literal = next((host for host in hosts if is_literal(host)), None)
        if literal is not None:
            yield failed(
                subject,
                f"An MX record names the address {safe(literal)} where a host must stand.",
                expected=planned,
                observed=observed,
                fix="Write the host's name into the MX record, and the address into an A or AAAA record.",
                reference=_SOURCE,
            )
            return
        retired = [host for host in hosts if MX_RETIRED.fullmatch(host)]
        if retired:
            yield failed(
                subject,
                f"An MX record names {shown(retired)}, a host of Microsoft's that is retired.",
                expected=planned,
                observed=observed,
                fix="At the DNS host, publish the MX record that the Microsoft 365 admin centre shows "
                "(Settings, Domains), and delete the old one.",
                reference="MC1048624",
            )
            return
        yield self._compare(subject, records, observed)
        if self.microsoft:
            yield from self._shape(subject, hosts)

    def _nothing(self, answer: MxAnswer, implicit: tuple[str, ...], observed: str) -> Finding:
        if answer.outcome == "no such name":
            what = f"{self.domain} does not exist on this server."
        elif answer.records:
            what = f"{self.domain} has no MX record but Microsoft's proof of ownership, which takes no mail."
        elif implicit:
            what = (
                f"{self.domain} has no MX record, so that mail goes to its own address {shown(implicit[:3])}."
            )
        else:
            what = f"{self.domain} has no MX record."
        zone = answer.aliases[-1] if answer.aliases else self.domain
        return failed(
            called(answer.server), what, expected=self._planned(), observed=observed,
            fix=f"Add the planned MX record to the zone of {safe(zone)}, and wait until this server has it.",
            reference=_SOURCE,
        )  # fmt: skip

    def _compare(self, subject: str, records: list[tuple[int, str]], observed: str) -> Finding:
        planned = self._planned()
        wanted = {record.host: record.preference for record in self.expect}
        got = {host for _, host in records}
        missing = sorted(set(wanted) - got)
        extra = sorted(got - set(wanted))
        doubled = sorted({host for host in got if [h for _, h in records].count(host) > 1})
        wrong = [f"missing: {shown(missing)}"] if missing else []
        if extra and self.match == "exact":
            wrong.append(f"not planned: {shown(extra)}")
        shape = ""
        if self.microsoft and missing and any(MX_SHAPE.fullmatch(host) for host in extra):
            shape = " A value there has Microsoft's shape, which does not say that it is this domain's."
        if wrong:
            return failed(
                subject,
                f"The MX records of {self.domain} are not the planned ones ({'; '.join(wrong)}).{shape}",
                expected=planned,
                observed=observed,
                fix=f"Correct the MX records in the zone of {self.domain}; if they are right there, wait "
                "until what this server holds expires.",
                reference=_SOURCE,
            )
        best = {host: preference for preference, host in sorted(records, reverse=True)}
        off = {host for host in wanted if best[host] != wanted[host]}
        if off:
            return self._order(subject, best, off, observed)
        if doubled:
            return warned(
                subject,
                f"{shown(doubled)} stands in more than one MX record.",
                expected=planned,
                observed=observed,
                fix="Leave one MX record for each host.",
                reference=_SOURCE,
            )
        return passed(
            subject,
            f"The MX records of {self.domain} are the planned ones.",
            expected=planned,
            observed=observed,
        )

    def _order(self, subject: str, best: dict[str, int], off: set[str], observed: str) -> Finding:
        """Judge other preferences than the planned ones: only their order decides where mail goes."""
        wanted = {record.host: record.preference for record in self.expect}
        same = len(best) == len(wanted) and all(
            _sign(wanted[a] - wanted[b]) == _sign(best[a] - best[b]) for a in wanted for b in wanted
        )
        names = shown(sorted(off))
        say: dict[str, str] = {
            "expected": self._planned(),
            "observed": observed,
            "fix": f"Set the planned preference for {names} in the zone of {self.domain}.",
            "reference": _SOURCE,
        }
        if same:
            return warned(
                subject, f"{names} has another preference than planned; the order is the same.", **say
            )
        return failed(
            subject, f"{names} has another preference than planned, so mail is tried in another order.", **say
        )

    def _shape(self, subject: str, hosts: list[str]) -> Iterator[Finding]:
        odd = [r.host for r in self.expect if r.host in hosts and not MX_SHAPE.fullmatch(r.host)]
        if odd:
            yield warned(
                subject,
                f"{shown(odd)} is planned and published, and looks like no host of Exchange Online.",
                expected="a name under mail.protection.outlook.com, mx.microsoft or the cloud's own",
                observed=shown(odd),
                fix="Compare the value with the one that the Microsoft 365 admin centre shows (Settings, "
                "Domains); behind another mail gateway leave out 'microsoft'.",
                reference="MC1048624",
            )


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _read(answer: Answer, server: str, *, authority: bool) -> MxAnswer:
    found = outcome_of(answer)
    if authority and found.outcome != "failed" and not answer.aa:
        detail = "it answers without authority: from a cache, or it does not have the zone"
        return MxAnswer(server=server, outcome="failed", detail=detail)
    records = []
    for text in found.texts:
        preference, _, host = text.partition(" ")
        records.append((int(preference), host))
    return MxAnswer(
        server=server, outcome=found.outcome, records=tuple(sorted(records)), aliases=found.aliases,
        detail=found.detail,
    )  # fmt: skip
