"""dns.authority: every authoritative server of a zone serves it, and all say the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from checks.contract import Check, Finding, Status, Vantage
from checks.dataclass import dataclass
from checks.dns._agree import same_ns, same_soa, told
from checks.dns._delegation import is_delegated, name_findings, parent_findings
from checks.dns._others import other_names
from checks.dns._serial import newest, serial_of, soas
from checks.dns._servers import ServerSeen, healthy, intercepted, probe, reached, standing
from checks.dns._sets import SetPlan, alike, as_planned, content, outside, refuse_slips
from checks.dns._walk import Walk
from checks.dns._zone import NsName, Server, Zone, leaves, start_once
from checks.judging import cannot_tell, failed, warned
from checks.params import DomainName, NameServer, Port, Resolver
from checks.safe import in_line
from checks.wire.dns import Answer
from checks.wire.names import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoritySeen:
    """The way to the zone, what each server answers, and NS names that only the zone itself has."""

    zone: Zone
    servers: tuple[ServerSeen, ...] = ()
    others: tuple[NsName, ...] = ()


class Authority(Check[AuthoritySeen]):
    """Every authoritative server serves the zone over UDP and TCP, and all agree, with the parent too.

    Proves: what each server named by the parent, by the zone or in the check answers now: authority, serial,
    NS records, and each record set in_line, held against each other, the glue and the plan.
    Cannot prove: that servers behind an anycast address agree elsewhere, nor what resolvers have cached.
    If it fails: have the zone's operator (the DNS host) load the same zone on the server that is named,
    or take that server out of the NS records; NS and glue of the parent are changed at the registrar.

    Source: RFC 1034 sections 4.2 and 4.3, RFC 1982 (serials), RFC 2181 sections 5 and 10.3, RFC 7766 (TCP),
    RFC 6891 (EDNS); severity as in Zonemaster's tests CONSISTENCY01 to 06, CONNECTIVITY01 and 02, BASIC02.

    Example:
        type: dns.authority
        domain: example.com
        records:
          - {name: example.com, rdtype: MX, expect: ["0 example-com.mail.protection.outlook.com"]}
          - {name: autodiscover.example.com, rdtype: CNAME}
    """

    domain: DomainName
    """The zone."""
    servers: tuple[NameServer, ...] = ()
    """Its authoritative servers, as in `ns1.example.com=192.0.2.53`; left out, found from the delegation."""
    parents: tuple[NameServer, ...] = ()
    """Servers of the parent zone, asked for the delegation; left out, found from `roots` or by a resolver."""
    roots: tuple[NameServer, ...] = ()
    """Root servers from which the delegation is walked, instead of asking a resolver for the parent zone."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers that are asked for the parent zone and for addresses; left out, those that this
    laptop was handed."""
    port: Port = 53
    """Port of servers that are found by delegation, and of those given without one."""
    family: Family = "any"
    """Test the addresses of this family only."""
    records: tuple[SetPlan, ...] = ()
    """Record sets that every server must have alike, and as in `expect` where that is given."""
    same_serial: bool = True
    """Whether all must have one serial; false where each server numbers for itself (Active Directory)."""

    deadline_s = 60.0

    def __post_init__(self) -> None:
        refuse_slips(self.records, "records")
        outside(self.records, self.domain, "records")
        start_once(self.servers, self.parents, self.roots)

    def subject(self) -> str:
        return self.domain

    def needs_link(self) -> bool:
        return leaves(*self.servers, *self.parents, *self.roots, *self.resolvers)

    async def observe(self, vantage: Vantage) -> AuthoritySeen:
        walk = await Walk.begin(
            vantage, parents=self.parents, roots=self.roots, resolvers=self.resolvers, port=self.port,
            family=self.family,
        )  # fmt: skip
        zone = await walk.zone(self.domain, self.servers)
        records = [(one.name, one.rdtype) for one in self.records]
        seen = await self._probe(walk, zone.servers, records)
        others = await other_names(walk, zone, seen)
        if not self.servers:
            known = {server.endpoint for server in zone.servers}
            more = [s for s in walk.of_family(walk.servers_of(others)) if s.endpoint not in known]
            seen += await self._probe(walk, more, records)
        return AuthoritySeen(zone=zone, servers=seen, others=others)

    async def _probe(
        self, walk: Walk, servers: Sequence[Server], records: Sequence[tuple[str, str]]
    ) -> tuple[ServerSeen, ...]:
        probes = (probe(walk, server, self.domain, records) for server in servers)
        return tuple(await asyncio.gather(*probes))

    def judge(self, seen: AuthoritySeen) -> Iterable[Finding]:
        zone = seen.zone
        yield from parent_findings(zone)
        yield from name_findings(zone)
        yield from name_findings(zone, seen.others)
        yield from self._left_out(zone)
        if not seen.servers:
            yield from self._nobody(zone)
            return
        proxy = intercepted(self.domain, seen.servers)
        if proxy is not None:
            yield proxy
            return
        ways = reached(seen.servers, zone.parents)
        proven = True
        for one in seen.servers:
            findings = list(standing(one, self.domain, ways))
            proven = proven and any(finding.status is Status.FAIL for finding in findings)
            yield from findings
        good = [one for one in seen.servers if healthy(one, self.domain)]
        if not good and proven:
            yield failed(
                self.domain,
                "No name server serves the zone.",
                expected="at least one that does",
                observed=in_line(one.server.label for one in seen.servers),
                fix="Mend the servers named above: until then nobody finds the domain.",
            )
        if not good:
            return
        if zone.how != "servers" and len({one.server.endpoint for one in seen.servers}) == 1:
            yield warned(
                self.domain,
                "The zone has one name server: there is no other to agree with, and none when it fails.",
                expected="at least two name servers",
                observed=in_line(one.server.label for one in seen.servers),
                fix="Add a name server with an address of its own to the zone and the delegation.",
                reference="RFC 2182 section 5",
            )
        yield from same_ns(self.domain, zone, good)
        yield from same_soa(self.domain, good, same_serial=self.same_serial)
        yield from self._sets(good)

    def _left_out(self, zone: Zone) -> Iterable[Finding]:
        """Name what the delegation leads to and 'servers' leaves out: it was not tested."""
        named = {server.name for server in zone.servers}
        if not self.servers or zone.how == "servers" or "" in named:
            return
        for name in zone.delegation():
            if name not in named:
                yield cannot_tell(
                    name,
                    f"The delegation names {name}, which 'servers' leaves out: it was not tested.",
                    expected="every name server of the delegation in 'servers', or none",
                    observed=in_line(sorted(named)),
                    fix="Add it to 'servers', or leave 'servers' out, so that all are found.",
                )

    def _nobody(self, zone: Zone) -> Iterable[Finding]:
        if is_delegated(zone) or zone.how == "servers":
            named = in_line(zone.delegation()) or in_line(one.name for one in zone.names)
            yield cannot_tell(
                self.domain,
                "None of the zone's name servers has an address that could be asked.",
                expected="at least one server that serves the zone",
                observed=named or "no server",
                fix="Correct the addresses of the name servers named above, or the parameter 'family'.",
            )

    def _sets(self, good: Sequence[ServerSeen]) -> Iterable[Finding]:
        serials = {one.server.label: serial_of(soas(one.best(), self.domain)[0]) for one in good}
        top = newest(set(serials.values()))
        for plan in self.records:
            answers: dict[str, Answer] = {}
            for one in good:
                answer = _find(one.sets, plan)
                if answer is not None and content(answer) is not None:
                    answers[one.server.label] = answer
                else:
                    yield _no_set(one.server.label, plan, answer)
            if not plan.expect:
                yield from alike(plan.name, plan.rdtype, answers, serials, top)
                continue
            for label, answer in answers.items():
                yield _about(plan, as_planned(label, answer, plan.expect))
            several = alike(plan.name, plan.rdtype, answers, serials, top)
            yield from (finding for finding in several if finding.status == "warn")


def _find(answers: Sequence[Answer], plan: SetPlan) -> Answer | None:
    return next((a for a in answers if (a.name, a.rdtype) == (plan.name, plan.rdtype)), None)


def _about(plan: SetPlan, finding: Finding) -> Finding:
    return replace(finding, message=f"{plan.name} {plan.rdtype}: {finding.message}")


def _no_set(label: str, plan: SetPlan, answer: Answer | None) -> Finding:
    what = f"{plan.name} {plan.rdtype}"
    expected = in_line(plan.expect) or "an answer with authority"
    if answer is None or answer.error in ("timeout", "not sent", "unreachable", "unknown host"):
        return cannot_tell(
            label,
            f"It gave no answer for {what}, so this set could not be compared.",
            expected=expected,
            observed=told(answer),
            fix="Run again; if it stays so, look at the server's log and its limits of answers.",
        )
    return failed(
        label,
        f"It serves the zone and gives no answer with authority for {what}.",
        expected=expected,
        observed=told(answer),
        fix="Check that it serves the whole zone, that the name is not delegated away on it, and that DNS "
        "over TCP passes where the answer is long.",
    )
