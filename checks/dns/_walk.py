"""Asking the way to a zone: down from the roots, from the parent's servers, or by a resolver. Bounded I/O.

Every question goes to one certain server and asks for no recursion, except those to resolvers. A step asks
all servers of a zone at once, so that one silent server costs no more than its own time. The way down is
asked label by label: a server that has a zone and the one above it would else hide the cut between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Self

from checks.dns._names import MAX_SERVERS, MAX_STEPS, Names, Referral
from checks.dns._parents import MAX_NAMES, referral, view
from checks.dns._zone import (
    DEFINITE,
    Found,
    How,
    NsName,
    ParentView,
    Server,
    Zone,
    ancestors,
    endpoint,
    given,
    inside,
)  # fmt: skip
from checks.params import split_endpoint, split_name_server
from checks.vantage import Vantage
from checks.wire import names
from checks.wire.dns import Dns, Record
from checks.wire.dns_lookup import lookup
from checks.wire.names import Family


class Walk(Names):
    """One walk: its starting points, and what is left of its questions."""

    @classmethod
    async def begin(
        cls,
        vantage: Vantage,
        *,
        parents: Sequence[str] = (),
        roots: Sequence[str] = (),
        resolvers: Sequence[str] = (),
        port: int = 53,
        family: Family = "any",
    ) -> Self:
        """Return a walk that begins at `parents`, else at `roots`, else at resolvers.

        With both, names that the parent's servers know nothing of are looked for from the roots.
        """
        how: How = "parents" if parents else "roots" if roots else "resolvers"
        client = await vantage.client(Dns)
        return cls(vantage, client, how, parents or roots, roots, resolvers, port, family)

    async def zone(self, domain: str, servers: Sequence[str] = ()) -> Zone:
        """Return the zone as `find_zone` says."""
        named, lost = await self._given(servers)
        if servers and self.how == "resolvers":
            return Zone(
                domain=domain, how="servers", servers=self.of_family(named), names=lost,
                lost=tuple(one.name for one in lost) + tuple(servers[MAX_SERVERS:]),
            )  # fmt: skip
        found = await self._parent_side(domain)
        delegation = found.delegation()
        glue = [record for parent in found.parents for record in parent.glue]
        used = delegation[:MAX_NAMES]
        if len(delegation) > len(used):
            cut = f"the delegation has {len(delegation)} names, of which {len(used)} were looked at"
            found = replace(found, trouble=f"{found.trouble}; {cut}" if found.trouble else cut)
        wanted = [self._ns_name(name, domain, glue, named) for name in used]
        looked = tuple(await asyncio.gather(*wanted))
        return replace(
            found, names=looked, servers=self.of_family(named if servers else self.servers_of(looked)),
            lost=(*found.lost, *(one.name for one in lost), *servers[MAX_SERVERS:]),
        )  # fmt: skip

    def of_family(self, servers: Iterable[Server]) -> tuple[Server, ...]:
        return tuple(s for s in servers if self.family in ("any", f"ipv{s.version}"))

    async def _given(self, servers: Sequence[str]) -> tuple[tuple[Server, ...], tuple[NsName, ...]]:
        """Return the servers a person named, one for each address, and the names that have none."""
        found: list[Server] = []
        lost: list[NsName] = []
        for server in [given(server, self.port) for server in servers[:MAX_SERVERS]]:
            if server.version:
                found.append(server)
                continue
            host, port = split_endpoint(server.endpoint, self.port)
            looked = await self._by_name(host)
            name = server.name or host
            found += [
                Server(name=name, endpoint=endpoint(address, port), source="looked up")
                for address in looked.addresses
            ]
            if not looked.addresses:
                lost.append(replace(looked, name=name))
        return tuple(found), tuple(lost)

    async def _by_name(self, host: str) -> NsName:
        if self.resolvers:
            return await self._by_lookup(host)
        if host not in _hosts(self.start) and any(given(root, self.port).version for root in self.roots):
            return await self.name(host)
        found = await names.resolve(self.vantage, host)
        word: Found = "found" if found.addresses else "failed" if found.temporary else "no address"
        return NsName(name=host, addresses=found.addresses, found=word, detail=found.error or "")

    async def _parent_side(self, domain: str) -> Zone:
        base = Zone(domain=domain, how=self.how)
        if domain == ".":
            return replace(base, trouble="the root has no parent")
        if self.how == "parents":
            servers, lost = await self._given(self.start)
            if not servers:
                return replace(base, trouble=f"{', '.join(one.name for one in lost)} has no address here")
            found = replace(
                base, parents=await self._views(servers, domain), lost=tuple(one.name for one in lost)
            )
            return await self._further(found, domain)
        if self.how == "roots":
            return await self._descend(base, (await self._given(self.start))[0])
        return await self._by_resolver(base)

    async def _views(self, servers: Sequence[Server], domain: str, zone: str = ".") -> tuple[ParentView, ...]:
        """Ask the servers of `zone` for the delegation of `domain`."""
        servers = servers[:MAX_SERVERS]
        answers = await asyncio.gather(*(self.ask(server, domain, "NS") for server in servers))
        return tuple(view(s, answer, domain, zone) for s, answer in zip(servers, answers, strict=True))

    async def _further(self, found: Zone, domain: str) -> Zone:
        """Go on from servers that are above the parent: they refer to a zone between them and the domain."""
        zone = ""
        for _ in range(MAX_STEPS):
            if found.usable():
                break
            below = [
                led for parent in found.parents
                if (led := referral(parent.answer, domain, zone or ".")) and led[0] != domain
            ]  # fmt: skip
            if not below:
                break
            zone = max((led[0] for led in below), key=len)
            steps = (*found.steps, zone)
            servers = await self._led([led for led in below if led[0] == zone])
            if not servers:
                return replace(found, parent=zone, steps=steps, trouble=f"no server of {zone} has an address")
            found = replace(found, parent=zone, steps=steps, parents=await self._views(servers, domain, zone))
        return found

    async def _led(self, below: Iterable[Referral]) -> tuple[Server, ...]:
        """Return the servers that referrals lead to: by their glue, else by looking their names up."""
        glue: dict[str, list[str]] = {}
        for _, ns, records in below:
            for name in ns:
                glue.setdefault(name, [])
            for record in records:
                glue[record.name].append(record.text)
        bare = [name for name, addresses in glue.items() if not addresses][:MAX_NAMES]
        looked = await asyncio.gather(*(self.name(name) for name in bare))
        known = [NsName(name=name, glue=tuple(dict.fromkeys(texts))) for name, texts in glue.items() if texts]
        return self.servers_of([*known, *looked])

    async def _descend(self, base: Zone, servers: tuple[Server, ...]) -> Zone:
        """Walk down from the roots to the parent zone, one label at a time."""
        zone, steps, doubts = ".", ["."], []
        above = [name for name in reversed(ancestors(base.domain)) if name != "."]
        for name in above[:MAX_STEPS]:
            views = await self._views(servers, name, zone)
            cut = [one for one in views if one.says in ("delegates", "serves")]
            usable = [one for one in views if one.says in DEFINITE]
            if cut:
                if len(cut) < len(usable):
                    doubts.append(_doubt(name, usable))
                led = [(name, one.ns[:MAX_NAMES], one.glue) for one in cut]
                zone, servers = name, await self._led(led)
                steps.append(name)
            elif not usable:
                text = f"no server of {zone} says anything of {name}: {_why(views)}"
                return replace(base, parent=zone, steps=tuple(steps), doubts=tuple(doubts), trouble=text)
            if not servers:
                text = f"no server of {zone} has an address"
                return replace(base, parent=zone, steps=tuple(steps), doubts=tuple(doubts), trouble=text)
        return replace(
            base, parent=zone, steps=tuple(steps), doubts=tuple(doubts),
            parents=await self._views(servers, base.domain, zone),
        )  # fmt: skip

    async def _by_resolver(self, base: Zone) -> Zone:
        for name in ancestors(base.domain):
            found = await lookup(self.vantage, name, "NS", self.resolvers)
            if found.outcome == "failed":
                text = f"the resolver does not tell the servers of {name}: {found.detail}"
                return replace(base, parent=name, trouble=text)
            if found.outcome == "found" and not found.aliases:
                ns = tuple(sorted(set(found.texts)))[:MAX_NAMES]
                servers = await self._led([(name, ns, ())])
                base = replace(base, parent=name, steps=(name,))
                if not servers:
                    return replace(base, trouble=f"the resolver has no address for the servers of {name}")
                return replace(base, parents=await self._views(servers, base.domain, name))
        return replace(base, trouble="the resolver knows no zone above the domain")

    async def _ns_name(
        self,
        name: str,
        domain: str,
        glue: Sequence[Record],
        named: Sequence[Server],
    ) -> NsName:
        """Return what the parent's glue and those with authority say of a name server's name."""
        by_glue = tuple(dict.fromkeys(r.text for r in glue if r.name == name))
        known = tuple(dict.fromkeys(s.address for s in named if s.name == name))
        if inside(name, domain):
            own = named or self.servers_of([NsName(name=r.name, glue=(r.text,)) for r in glue])
            looked = await self.name_at(name, domain, own)
        else:
            looked = await self.name(name)
        if looked.found in ("failed", "not looked up") and known:
            looked = NsName(name=name, addresses=known, found="found", detail="as the check says")
        return replace(looked, glue=by_glue)


def _hosts(servers: Iterable[str]) -> frozenset[str]:
    return frozenset(split_endpoint(split_name_server(server)[1])[0] for server in servers)


def _why(views: Iterable[ParentView]) -> str:
    return "; ".join(f"{one.server.label}: {one.answer.error or one.says}" for one in views)


def _doubt(name: str, views: Iterable[ParentView]) -> str:
    said = ", ".join(f"{one.server.label}: {one.says}" for one in views)
    return f"the servers above disagree whether {name} is a zone of its own ({said})"
