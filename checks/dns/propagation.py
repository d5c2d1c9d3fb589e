"""dns.propagation: resolvers have the planned records; the last stale answer dies at a known time."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from checks.bounds import Ge, Le, Len
from checks.contract import CannotTell, Check, Finding, Status, Vantage
from checks.dataclass import dataclass
from checks.dns._data import PANEL, data_of, listed
from checks.dns._panel import Panel, Sample, Truth
from checks.dns._zone import NsName, find_zone
from checks.dns.record import Type
from checks.judging import cannot_tell
from checks.params import DomainName, NameServer, Port, Resolver
from checks.safe import safe
from checks.wire.dns import Dns
from checks.wire.dns_lookup import handed

_TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagationSeen:
    """Several answers of each resolver, and where they were asked, those of the zone's own servers.

    `trouble` says why the zone's servers could not be found though they were to be asked; raw.
    """

    samples: tuple[Sample, ...]
    truth: tuple[Truth, ...] = ()
    asked_truth: bool = False
    trouble: str = ""


class Propagation(Check[PropagationSeen]):
    """Resolvers everywhere have the planned records; else it says when the last stale answer dies.

    Proves: what each resolver of the panel answers this laptop now, each asked several times, and by the
    time to live when it must let go of what it has cached.
    Cannot prove: what resolvers outside the panel have cached, nor every cache behind a resolver's one
    address; nor that nothing on the way answers in a resolver's place (over TLS or HTTPS nothing can).
    If it fails: wait until the stated time and run it again; where the answer is neither the old nor the
    new one, correct the zone or find the copy of it that answers.

    Source: RFC 1034 section 5 and RFC 2181 section 8 (times to live), RFC 2308 section 5 (negative answers),
    RFC 8767 (stale data served longer while no authoritative server answers), RFC 4035 section 3.2.2 (CD).

    Example:
        type: dns.propagation
        name: example.com
        rdtype: MX
        expect: ["0 example-com.mail.protection.outlook.com"]
        old: ["10 mail.example.com"]
        resolvers: [192.0.2.53, 1.1.1.1, "tls://dns.google", "https://dns.quad9.net/dns-query"]
    """

    deadline_s = 20.0

    name: DomainName
    """The name that is looked up."""
    rdtype: Type
    """Type of the records."""
    expect: Annotated[tuple[str, ...], Len(1)]
    """The planned data of each record, as in a zone file, names in full: `10 mx.example.com`. A TXT record
    may be written as its bare value."""
    resolvers: tuple[Resolver, ...] = ()
    """The panel; left out, 1.1.1.1, 8.8.8.8, 9.9.9.9 and those that this laptop was handed."""
    old: tuple[str, ...] = ()
    """The data of before: a resolver that still has it is stale, not wrong."""
    servers: tuple[NameServer, ...] = ()
    """The zone's authoritative servers, asked beside the panel, as in `ns1.example.com=192.0.2.53`."""
    parents: tuple[NameServer, ...] = ()
    """Servers of a parent zone, by whose delegation the authoritative servers are found and asked, too."""
    roots: tuple[NameServer, ...] = ()
    """Root servers from which the authoritative servers are found and asked, too."""
    port: Port = 53
    """Port of the authoritative servers that are found by delegation."""
    samples: Annotated[int, Ge(1), Le(20)] = 3
    """Times each resolver is asked: behind one address there are often several caches."""
    ca_file: str | None = None
    """PEM file of the authorities to trust for resolvers over TLS or HTTPS, in place of this laptop's."""

    def __post_init__(self) -> None:
        plan = self._plan()
        if plan.planned == plan.old:
            raise ValueError("'expect' and 'old' are the same, so nothing could be told apart.")
        for key in ("resolvers", "servers", "parents", "roots"):
            named = getattr(self, key)
            if len(set(named)) < len(named):
                raise ValueError(f"'{key}' names the same server twice.")

    def subject(self) -> str:
        return f"{self.name} {self.rdtype}"

    def needs_link(self) -> bool:
        return not self.resolvers or super().needs_link()

    async def observe(self, vantage: Vantage) -> PropagationSeen:
        panel = self.resolvers or await _resolvers(vantage)
        client = await vantage.client(Dns)
        timeout = min(2.0, vantage.remaining() * 0.4 / (_TRIES + 1))

        async def sample(resolver: str) -> Sample:
            answer = await client.ask(
                resolver, self.name, self.rdtype, timeout=timeout, tries=_TRIES, ca_file=self.ca_file
            )
            at, unchecked = vantage.now(), None
            if answer.error is None and answer.rcode == "SERVFAIL":
                unchecked = await client.ask(
                    resolver, self.name, self.rdtype, timeout=timeout, tries=_TRIES, ca_file=self.ca_file,
                    checking_disabled=True,
                )  # fmt: skip
            return Sample(at=at, answer=answer, unchecked=unchecked)

        async def truth() -> tuple[tuple[Truth, ...], str]:
            if not (self.servers or self.parents or self.roots):
                return (), ""
            places, trouble = await self._authority(vantage)
            share = min(timeout, vantage.remaining() * 0.8 / (_TRIES + 1))
            asked = [
                client.ask(place, self.name, self.rdtype, timeout=share, tries=_TRIES, recursion=False)
                for _, place in places
            ]
            answers = await asyncio.gather(*asked)
            return tuple(
                Truth(server=label, answer=answer) for (label, _), answer in zip(places, answers, strict=True)
            ), trouble

        wanted = [sample(resolver) for resolver in panel for _ in range(self.samples)]
        (true, trouble), samples = await asyncio.gather(truth(), asyncio.gather(*wanted))
        return PropagationSeen(
            samples=tuple(samples), truth=true, trouble=trouble,
            asked_truth=bool(self.servers or self.parents or self.roots),
        )  # fmt: skip

    async def _authority(self, vantage: Vantage) -> tuple[list[tuple[str, str]], str]:
        """Return label and endpoint of each authoritative server for the name, and what stood in the way."""
        zone = await find_zone(
            vantage, self.name, servers=self.servers, parents=self.parents, roots=self.roots, port=self.port
        )
        servers = zone.servers
        if not servers and zone.absent():
            # The name is no zone: those that say so with authority are the servers of its zone.
            servers = tuple(view.server for view in zone.usable())
        lost = list(zone.lost)
        if not self.servers:
            lost += [f"{name.name}: {name.detail or name.found}" for name in zone.names if not _placed(name)]
        trouble = "; ".join(filter(None, ("" if self.servers else zone.trouble, *lost)))
        if not servers:
            trouble = trouble or zone.trouble or "no server of the zone was found"
        return [(server.label, server.endpoint) for server in servers], trouble

    def judge(self, seen: PropagationSeen) -> Iterable[Finding]:
        panel = self._plan()
        truths = [panel.authority(truth) for truth in seen.truth]
        yield from truths
        if seen.asked_truth and (seen.trouble or not truths):
            yield cannot_tell(
                self.subject(),
                "Not every authoritative server of the zone could be found, so that the truth is not known.",
                expected=listed(panel.planned),
                observed=safe(seen.trouble or "no server", limit=300),
                fix="Name them in 'servers', or correct 'parents' or 'roots'.",
            )
        changed = (
            bool(truths) and not seen.trouble and all(finding.status is Status.PASS for finding in truths)
        )
        panel = dataclasses.replace(panel, changed=changed)
        by_resolver: dict[str, list[Sample]] = {}
        for sample in seen.samples:
            by_resolver.setdefault(sample.answer.server, []).append(sample)
        ends: list[datetime] = []
        for samples in by_resolver.values():
            finding, dies = panel.resolver(samples)
            yield finding
            ends += [dies] if dies is not None else []
        if ends:
            now = max(sample.at for sample in seen.samples)
            yield panel.last(max(ends), now, len(by_resolver), asked=seen.asked_truth)

    def _plan(self) -> Panel:
        planned, old = data_of(self.rdtype, self.expect, "expect"), data_of(self.rdtype, self.old, "old")
        return Panel(name=self.name, rdtype=self.rdtype, planned=planned, old=old)


def _placed(name: NsName) -> bool:
    return bool(name.glue or name.addresses)


async def _resolvers(vantage: Vantage) -> tuple[str, ...]:
    try:
        own = await handed(vantage)
    except CannotTell as trouble:
        vantage.note(f"Asked public resolvers only: {trouble.reason}")
        own = ()
    return tuple(dict.fromkeys((*own, *PANEL)))
