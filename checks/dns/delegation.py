"""dns.delegation: the parent delegates the zone to the planned servers, and they serve it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated

from checks.bounds import Ge, Le
from checks.contract import Check, Finding, Status, Vantage
from checks.dataclass import dataclass
from checks.dns._agree import same_ns
from checks.dns._delegation import is_delegated, name_findings, parent_findings, parent_of, said
from checks.dns._others import other_names
from checks.dns._servers import ServerSeen, healthy, intercepted, probe, reached, standing
from checks.dns._walk import Walk
from checks.dns._zone import NsName, Zone, leaves, start_once
from checks.judging import cannot_tell, failed, passed
from checks.params import DomainName, NameServer, Port, Resolver
from checks.safe import in_line
from checks.wire.names import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationSeen:
    """The way to the zone, what each server answers that it leads to, and NS names that only the zone has."""

    zone: Zone
    servers: tuple[ServerSeen, ...] = ()
    others: tuple[NsName, ...] = ()


class Delegation(Check[DelegationSeen]):
    """The parent delegates the domain to the planned name servers, and every one of them serves it.

    Where only `servers` is given, the parent is not asked: a test before the delegation, of the servers it
    is to name.

    Proves: what each server of the parent zone refers to now, that each name server has an address and glue
    where it needs it, is no alias, and serves the zone with authority.
    Cannot prove: that resolvers have forgotten the delegation of before, nor that all servers agree on the
    records (that is dns.authority).
    If it fails: change name servers and glue at the registrar, NS records at the DNS host, until both
    name the same servers; a server that does not serve the zone must load it or go.

    Source: RFC 1034 sections 4.2 and 4.3, RFC 2181 section 10.3, RFC 2182 section 5 (enough servers),
    RFC 9471 (glue); severity as in Zonemaster's tests BASIC01, BASIC02, DELEGATION01 to 07, CONSISTENCY05.

    Example:
        type: dns.delegation
        domain: example.com
        expect: [ns1.example.net, ns2.example.net]
    """

    domain: DomainName
    """The domain."""
    parents: tuple[NameServer, ...] = ()
    """Servers of the parent zone, asked for the delegation; left out, found from `roots` or by a resolver."""
    roots: tuple[NameServer, ...] = ()
    """Root servers from which the delegation is walked, instead of asking a resolver for the parent zone."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers that are asked for the parent zone and for addresses; left out, those that this
    laptop was handed."""
    port: Port = 53
    """Port of servers that are found by delegation, and of those given without one."""
    servers: tuple[NameServer, ...] = ()
    """The name servers to test instead of those that the delegation leads to; with neither `parents` nor
    `roots`, they stand for a delegation that is not there yet."""
    family: Family = "any"
    """Test the name servers' addresses of this family only."""
    expect: tuple[DomainName, ...] = ()
    """The planned names of the name servers: the delegation must have these and no others."""
    min_servers: Annotated[int, Ge(1), Le(16)] = 2
    """How many name servers there must be at least, each with an address of its own."""

    deadline_s = 60.0

    def __post_init__(self) -> None:
        start_once(self.servers, self.parents, self.roots)
        if len(set(self.expect)) < len(self.expect):
            raise ValueError("'expect' names the same name server twice.")

    def subject(self) -> str:
        return self.domain

    def needs_link(self) -> bool:
        return leaves(*self.servers, *self.parents, *self.roots, *self.resolvers)

    async def observe(self, vantage: Vantage) -> DelegationSeen:
        walk = await Walk.begin(
            vantage, parents=self.parents, roots=self.roots, resolvers=self.resolvers, port=self.port,
            family=self.family,
        )  # fmt: skip
        zone = await walk.zone(self.domain, self.servers)
        probes = (probe(walk, server, self.domain, recursion=False) for server in zone.servers)
        seen = tuple(await asyncio.gather(*probes))
        return DelegationSeen(zone=zone, servers=seen, others=await other_names(walk, zone, seen))

    def judge(self, seen: DelegationSeen) -> Iterable[Finding]:
        zone = seen.zone
        trouble = list(parent_findings(zone))
        yield from trouble
        if zone.how != "servers" and not is_delegated(zone):
            if not trouble:
                yield self._unknown(zone)
            return
        if not any(finding.status in (Status.FAIL, Status.INCONCLUSIVE) for finding in trouble):
            yield self._exists(zone)
        names = zone.delegation() or tuple(sorted({s.name for s in zone.servers} - {""}))
        if self.expect:
            yield self._planned(names, zone)
        yield from name_findings(zone)
        yield from name_findings(zone, seen.others)
        yield from self._enough(zone, names)
        yield from self._serving(seen)

    def _unknown(self, zone: Zone) -> Finding:
        return cannot_tell(
            self.domain,
            "Nothing is known of the delegation.",
            expected=f"a delegation of {self.domain}",
            observed=zone.trouble or "no server of the parent zone was asked",
            fix="Name the parent's servers in 'parents', or a resolver that works in 'resolvers'.",
        )

    def _exists(self, zone: Zone) -> Finding:
        if zone.how == "servers":
            return passed(
                self.domain,
                "This is a test before the delegation, of the servers named; the parent is not asked.",
                expected="the servers named in the check",
                observed=in_line(server.label for server in zone.servers) or "no server with an address",
            )
        hidden = all(view.says != "delegates" for view in zone.usable())
        return passed(
            parent_of(zone),
            f"{self.domain} is served by the parent's own servers, which hides the delegation." if hidden
            else f"{self.domain} is delegated, alike by every server of the parent that answered.",
            expected=f"a delegation of {self.domain}",
            observed=in_line(map(said, zone.usable())),
        )  # fmt: skip

    def _planned(self, names: Sequence[str], zone: Zone) -> Finding:
        missing, extra = sorted(set(self.expect) - set(names)), sorted(set(names) - set(self.expect))
        subject, expected = f"{self.domain} NS", in_line(sorted(self.expect))
        if not missing and not extra:
            return passed(
                subject,
                "The delegation names the planned name servers.",
                expected=expected,
                observed=in_line(names),
            )
        wrong = [f"missing: {in_line(missing)}"] if missing else []
        wrong += [f"not planned: {in_line(extra)}"] if extra else []
        return failed(
            subject,
            f"The delegation does not name the planned name servers ({'; '.join(wrong)}).",
            expected=expected,
            observed=in_line(names) or "no name",
            fix="Have the registrar enter the planned name servers; then the parent takes up to two days.",
        )

    def _enough(self, zone: Zone, names: Sequence[str]) -> Iterable[Finding]:
        places: dict[str, list[str]] = {}
        if zone.delegation():
            for one in zone.names:
                for address in dict.fromkeys((*one.glue, *one.addresses)):
                    places.setdefault(address, []).append(one.name)
        else:
            for server in zone.servers:
                places.setdefault(server.endpoint, []).append(server.name or server.endpoint)
        count = len(zone.delegation() or {server.name or server.endpoint for server in zone.servers})
        observed = f"{count}: {in_line(server.label for server in zone.servers) or in_line(names)}"
        expected = f"at least {self.min_servers}, each with an address of its own"
        if count < self.min_servers:
            yield failed(
                self.domain,
                f"The domain has {count} name server{'s' * (count != 1)}: too few.",
                expected=expected,
                observed=observed,
                fix="Add a name server, in another network than the first, to the zone and the delegation.",
                reference="RFC 2182 section 5, RFC 1034 section 4.1",
            )
        shared = {place: owners for place, owners in places.items() if len(set(owners)) > 1}
        for place, owners in shared.items():
            yield failed(
                in_line(f"{owner} ({place})" for owner in owners),
                "Several name servers have one and the same address: they fail together.",
                expected=expected,
                observed=f"{place}: {in_line(owners)}",
                fix="Give each name server an address of its own, or take the second name out.",
                reference="RFC 2182 section 3.1",
            )
        if count >= self.min_servers and len(places) < self.min_servers and not shared and places:
            yield failed(
                self.domain,
                f"The name servers have {len(places)} address(es) between them: too few.",
                expected=expected,
                observed=observed,
                fix="Mend the name servers that have no address, or give each one of its own.",
                reference="RFC 2182 section 5",
            )
        elif count >= self.min_servers and not shared and places:
            yield passed(
                self.domain, "There are enough name servers with addresses of their own.", expected=expected,
                observed=observed,
            )  # fmt: skip

    def _serving(self, seen: DelegationSeen) -> Iterable[Finding]:
        if not seen.servers:
            yield cannot_tell(
                self.domain,
                "None of the name servers has an address that could be asked.",
                expected=f"name servers that serve {self.domain}",
                observed=in_line(seen.zone.delegation()) or "no server",
                fix="Correct the addresses of the name servers named above.",
            )
            return
        proxy = intercepted(self.domain, seen.servers)
        if proxy is not None:
            yield proxy
            return
        ways, proven = reached(seen.servers, seen.zone.parents), True
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
        if good:
            yield from same_ns(self.domain, seen.zone, good)
