"""Names of servers looked up by those with authority for them, or by resolvers. Bounded I/O.

The part of a walk that `checks.dns._walk` stands on: its questions, and addresses for names without glue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Literal

from checks.dns._parents import MAX_NAMES, referral
from checks.dns._zone import Found, How, NsName, Server, endpoint, given
from checks.vantage import CannotTell, Vantage
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


class Names:
    """Questions within bounds, and what they tell of names."""

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

    def servers_of(self, looked: Iterable[NsName]) -> tuple[Server, ...]:
        """Return one server for each address of each name."""
        found: dict[tuple[str, str], Server] = {}
        for one in looked:
            for address in dict.fromkeys((*one.glue, *one.addresses)):
                source: Literal["glue", "looked up"] = "glue" if address in one.glue else "looked up"
                server = Server(name=one.name, endpoint=endpoint(address, self.port), source=source)
                found.setdefault((server.name, server.endpoint), server)
        return tuple(found.values())[:MAX_SERVERS]

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
