"""Asking the way to a zone: down from the roots, from the parent's servers, or by a resolver. Bounded I/O.

Every question goes to one certain server and asks for no recursion, except those to resolvers. A step asks
all servers of a zone at once, so that one silent server costs no more than its own time. The way down is
asked label by label: a server that has a zone and the one above it would else hide the cut between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, Self

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
from checks.params import split_endpoint
from checks.vantage import CannotTell, Vantage
from checks.wire import names
from checks.wire.dns import Answer, Dns, Record
from checks.wire.dns_lookup import handed, lookup
from checks.wire.names import Family

MAX_SERVERS = 40
MAX_STEPS = 16
MAX_DEPTH = 3
BUDGET = 1500
"""Questions of one walk, whatever the servers on the way say."""
TRIES = 2
PATIENCE_S = 1.5
Referral = tuple[str, tuple[str, ...], tuple[Record, ...]]
"""Zone, NS names and glue that a referral leads to."""
_ADDRESS: tuple[Literal["A", "AAAA"], ...] = ("A", "AAAA")


class Walk:
    """One walk: its starting points, and what is left of its questions."""

    def __init__(
        self, vantage: Vantage, client: Dns, how: How, start: Sequence[str], roots: Sequence[str],
        resolvers: Sequence[str], port: int, family: Family,
    ) -> None:  # fmt: skip
        self.vantage = vantage
        self.client = client
        self.how = how
        self.start = tuple(start)
        self.roots = tuple(roots)
        self.resolvers = tuple(resolvers)
        self.port = port
        self.family = family
        self.left = BUDGET
        self._names: dict[str, asyncio.Task[NsName]] = {}

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

    async def ask(
        self,
        server: Server | str,
        name: str,
        rdtype: str,
        *,
        transport: Literal["auto", "udp", "tcp"] = "auto",
        recursion: bool = False,
        edns: bool = True,
        tries: int = TRIES,
    ) -> Answer:
        """Ask one server one question within this walk's bounds of number and time."""
        place = server.endpoint if isinstance(server, Server) else server
        if self.left <= 0:
            detail = f"more than {BUDGET} questions were needed, so this one was not asked"
            return Answer(
                server=place, address="", name=name, rdtype=rdtype, error="not sent", detail=detail, tries=0
            )
        self.left -= 1
        timeout = max(0.05, min(PATIENCE_S, self.vantage.remaining() * 0.8 / (tries + 1)))
        return await self.client.ask(
            place, name, rdtype, timeout=timeout, tries=tries, transport=transport, recursion=recursion,
            edns=edns,
        )  # fmt: skip

    async def zone(self, domain: str, servers: Sequence[str] = ()) -> Zone:
        """Return the zone as `find_zone` says."""
        named, lost = await self._given(servers)
        if servers and self.how == "resolvers":
            return Zone(domain=domain, how="servers", servers=self.of_family(named), names=lost)
        found = await self._parent_side(domain)
        delegation = found.delegation()
        glue = [record for parent in found.parents for record in parent.glue]
        used = delegation[:MAX_NAMES]
        if len(delegation) > len(used):
            cut = f"the delegation has {len(delegation)} names, of which {len(used)} were looked at"
            found = replace(found, trouble=f"{found.trouble}; {cut}" if found.trouble else cut)
        wanted = [self._ns_name(name, domain, glue, found.parents, named) for name in used]
        looked = tuple(await asyncio.gather(*wanted))
        return replace(
            found, names=looked, servers=self.of_family(named or self.servers_of(looked)),
        )  # fmt: skip

    def servers_of(self, looked: Iterable[NsName]) -> tuple[Server, ...]:
        """Return one server for each address of each name."""
        found: dict[tuple[str, str], Server] = {}
        for one in looked:
            for address in dict.fromkeys((*one.glue, *one.addresses)):
                source: Literal["glue", "looked up"] = "glue" if address in one.glue else "looked up"
                server = Server(name=one.name, endpoint=endpoint(address, self.port), source=source)
                found.setdefault((server.name, server.endpoint), server)
        return tuple(found.values())[:MAX_SERVERS]

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
            found = replace(base, parents=await self._views(servers, domain))
            return await self._further(found, domain)
        if self.how == "roots":
            return await self._descend(base, (await self._given(self.start))[0])
        return await self._by_resolver(base)

    async def _views(self, servers: Sequence[Server], domain: str) -> tuple[ParentView, ...]:
        servers = servers[:MAX_SERVERS]
        answers = await asyncio.gather(*(self.ask(server, domain, "NS") for server in servers))
        return tuple(view(s, answer, domain) for s, answer in zip(servers, answers, strict=True))

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
            found = replace(found, parent=zone, steps=steps, parents=await self._views(servers, domain))
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
            views = await self._views(servers, name)
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
            parents=await self._views(servers, base.domain),
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
                return replace(base, parents=await self._views(servers, base.domain))
        return replace(base, trouble="the resolver knows no zone above the domain")

    async def _ns_name(
        self,
        name: str,
        domain: str,
        glue: Sequence[Record],
        parents: Sequence[ParentView],
        named: Sequence[Server],
    ) -> NsName:
        """Return what the parent's glue and those with authority say of a name server's name."""
        by_glue = tuple(dict.fromkeys(r.text for r in glue if r.name == name and r.rdtype in _ADDRESS))
        known = tuple(dict.fromkeys(s.address for s in named if s.name == name))
        if inside(name, domain):
            own = named or self.servers_of([NsName(name=r.name, glue=(r.text,)) for r in glue])
            looked = await self.name_at(name, domain, own)
        else:
            looked = await self.name(name)
        if looked.found in ("failed", "not looked up") and known:
            looked = NsName(name=name, addresses=known, found="found", detail="as the check says")
        return replace(looked, glue=by_glue)

    async def name(self, name: str, path: tuple[str, ...] = ()) -> NsName:
        """Return what is known of a host's addresses, asked once a walk; `path` is the names that need it."""
        if name in path or len(path) > MAX_DEPTH:
            return NsName(name=name, found="failed", detail="the way to it is too long or leads in a circle")
        task = self._names.get(name)
        if task is None:
            task = self._names[name] = asyncio.ensure_future(self._look_up(name, path))
        elif path and not task.done():  # waiting for it could be waiting for ourselves
            return await self._look_up(name, path)
        return await task

    async def _look_up(self, name: str, path: tuple[str, ...]) -> NsName:
        if self.how == "resolvers":
            return await self._by_lookup(name)
        found = NsName(name=name, found="failed", detail="no server to begin at has an address")
        for start in dict.fromkeys((self.start, self.roots)):
            servers = tuple(one for one in (given(server, self.port) for server in start) if one.version)
            if servers:
                found = await self._iterate(name, servers, path)
            if found.found != "failed":
                return found
        if self.resolvers or self.how == "parents":
            by_lookup = await self._by_lookup(name)
            return by_lookup if by_lookup.found != "failed" else found
        return found

    async def _by_lookup(self, name: str) -> NsName:
        try:
            resolvers = self.resolvers or await handed(self.vantage)
            both = await asyncio.gather(*(lookup(self.vantage, name, kind, resolvers) for kind in _ADDRESS))
        except CannotTell as error:
            return NsName(name=name, found="failed", detail=error.reason)
        addresses = tuple(text for one in both for text in one.texts)
        alias = next((one.aliases[0] for one in both if one.aliases), "")
        detail = "; ".join(dict.fromkeys(one.detail or f"asked {one.server}" for one in both))
        found: Found
        if alias:
            found = "alias"
        elif addresses:
            found = "found"
        elif any(one.outcome == "failed" for one in both):
            found = "failed"
        else:
            gone = any(one.outcome == "no such name" for one in both)
            found = "no such name" if gone else "no address"
        return NsName(name=name, addresses=addresses, found=found, alias=alias, detail=detail)

    async def _iterate(self, name: str, servers: tuple[Server, ...], path: tuple[str, ...]) -> NsName:
        """Follow referrals from `servers` to those with authority for `name`, and ask them."""
        zone, detail = ".", ""
        for _ in range(MAX_STEPS):
            answers = await asyncio.gather(*(self.ask(s, name, "A") for s in servers[:MAX_SERVERS]))
            if any(_settles(answer, name) for answer in answers):
                return await self.name_at(name, zone, servers)
            led = [found for answer in answers if (found := referral(answer, name, zone))]
            if not led:
                detail = f"below {zone}: {'; '.join(_said(answer) for answer in answers[:4])}"
                break
            zone = max((one[0] for one in led), key=len)
            servers = await self._led_deeper([one for one in led if one[0] == zone], (*path, name))
            if not servers:
                detail = f"no server of {zone} has an address"
                break
        return NsName(name=name, found="failed", detail=detail or "too many referrals")

    async def _led_deeper(self, led: list[Referral], path: tuple[str, ...]) -> tuple[Server, ...]:
        servers = self.servers_of(
            NsName(name=record.name, glue=(record.text,)) for _, _, glue in led for record in glue
        )
        if servers:
            return servers
        bare = list(dict.fromkeys(name for _, ns, _ in led for name in ns))[:4]
        return self.servers_of(await asyncio.gather(*(self.name(name, path) for name in bare)))

    async def name_at(self, name: str, zone: str, servers: Sequence[Server]) -> NsName:
        """Return what the servers of the zone that `name` is in say of it; authority alone counts."""
        asked = [(server, kind) for server in servers[:MAX_NAMES] for kind in _ADDRESS]
        answers = await asyncio.gather(*(self.ask(s, name, kind) for s, kind in asked))
        good = [answer for answer in answers if _settles(answer, name)]
        if not good:
            said = "; ".join(dict.fromkeys(_said(answer) for answer in answers[:4]))
            return NsName(name=name, found="failed", detail=said or f"no server of {zone} could be asked")
        alias = next((r.text for a in good for r in a.records if r.rdtype == "CNAME" and r.name == name), "")
        addresses = tuple(
            dict.fromkeys(r.text for a in good for r in a.records if r.rdtype == a.rdtype and r.name == name)
        )
        if alias:
            followed = tuple(r.text for a in good for r in a.chain().records)
            return NsName(name=name, addresses=tuple(dict.fromkeys(followed)), found="alias", alias=alias)
        if addresses:
            return NsName(name=name, addresses=addresses, found="found")
        if len({a.rdtype for a in good}) < 2:
            return NsName(name=name, found="failed", detail="only half of its addresses could be asked for")
        gone = any(a.rcode == "NXDOMAIN" for a in good)
        return NsName(name=name, found="no such name" if gone else "no address")


def _settles(answer: Answer, name: str) -> bool:
    """Return whether an answer says something of the name with authority: records, an alias, or none."""
    if answer.error is not None or not answer.aa or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        return False
    if answer.records:
        return any(r.name == name and r.rdtype in (answer.rdtype, "CNAME") for r in answer.records)
    return not any(r.rdtype == "NS" for r in answer.authority) or answer.rcode == "NXDOMAIN"


def _said(answer: Answer) -> str:
    if answer.error is not None:
        return f"{answer.server}: {answer.error}"
    return f"{answer.server}: {answer.rcode}{'' if answer.aa else ' without authority'}"


def _why(views: Iterable[ParentView]) -> str:
    return "; ".join(f"{one.server.label}: {one.answer.error or one.says}" for one in views)


def _doubt(name: str, views: Iterable[ParentView]) -> str:
    said = ", ".join(f"{one.server.label}: {one.says}" for one in views)
    return f"the servers above disagree whether {name} is a zone of its own ({said})"
