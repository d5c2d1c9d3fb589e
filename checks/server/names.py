"""server.names: every name leads to the new server, and nothing still leads to the old one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.params import Address, DomainName, Duration, NameServer, Resolver
from checks.server._naming import Told, ask_all
from checks.server._naming_judge import judge_absent, judge_alias, judge_name, judge_old, judge_reverse


@dataclass(frozen=True, slots=True, kw_only=True)
class HostName:
    """A name and an address it must have; with `reverse` the address must have the name as well."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    name: DomainName
    address: Address
    reverse: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A name that must be a CNAME for another."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    alias: DomainName
    target: DomainName


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesSeen:
    """Every answer of every server."""

    told: tuple[Told, ...]


class Names(Check[NamesSeen]):
    """Each server answers with the planned addresses and no others, both ways, and the aliases are set.

    Every server is asked on its own. A and AAAA are both asked for: a name whose AAAA record still is the
    old server's leads there, whatever its A record says. A TTL is believed from servers with authority only:
    what a cache says is what is left of it.

    Proves: what these servers answer now.
    Cannot prove: what other resolvers have cached, hosts files, or addresses that are written into programs
    and shortcuts.
    If it fails: correct the record at the server that is named (or wait for its TTL), the PTR record at
    whoever holds the address.

    Source: RFC 1035 sections 3.3 and 3.5, RFC 3596, RFC 2308 (negative answers), RFC 6724 (which address a
    client takes).

    Example:
        type: server.names
        names:
          - {name: files.example.com, address: 192.0.2.20}
        aliases:
          - {alias: share.example.com, target: files.example.com}
        absent: [files-old.example.com]
        old_addresses: [192.0.2.10]
        servers: ["ns1.example.com=192.0.2.53"]
        resolvers: [192.0.2.54]
        max_ttl: 5m
    """

    deadline_s = 30.0

    names: Annotated[tuple[HostName, ...], Len(0, 100)] = ()
    """Names with the addresses they must have; one that is named twice must have both."""
    aliases: Annotated[tuple[Alias, ...], Len(0, 100)] = ()
    """Names that must be aliases (CNAME)."""
    absent: Annotated[tuple[DomainName, ...], Len(0, 100)] = ()
    """Names that must not be there any more."""
    old_addresses: Annotated[tuple[Address, ...], Len(0, 50)] = ()
    """Addresses of the old server: their PTR records must not name any of `names` and `aliases`."""
    servers: Annotated[tuple[NameServer, ...], Len(0, 20)] = ()
    """Servers with authority for the names, asked without recursion."""
    resolvers: Annotated[tuple[Resolver, ...], Len(0, 20)] = ()
    """Resolvers; without these and `servers` those that this laptop was handed."""
    max_ttl: Duration | None = None
    """Longest TTL of the records, so that a change reaches everybody soon."""
    ca_file: str | None = None
    """PEM file of the authorities to trust for resolvers over TLS or HTTPS."""

    def __post_init__(self) -> None:
        if not (self.names or self.aliases or self.absent):
            raise ValueError("Say which 'names', 'aliases' or 'absent' names are planned.")
        known = {one.name for one in self.names} | {one.alias for one in self.aliases}
        both = known & set(self.absent)
        if both:
            raise ValueError(f"{both.pop()} is planned and must be absent.")
        twice = {one.name for one in self.names} & {one.alias for one in self.aliases}
        if twice:
            raise ValueError(f"{twice.pop()} cannot be an alias and have addresses of its own.")
        for address in (*(one.address for one in self.names), *self.old_addresses):
            if "%" in address:
                raise ValueError(f"{address} has a zone, so it is no address that DNS knows.")
        wrong = {one.address for one in self.names} & set(self.old_addresses)
        if wrong:
            raise ValueError(f"{wrong.pop()} is planned, and an address of the old server.")
        if self.old_addresses and not known:
            raise ValueError("'old_addresses' are held against 'names' and 'aliases'; there are none.")

    def subject(self) -> str:
        known = [one.name for one in self.names] + [one.alias for one in self.aliases] + list(self.absent)
        return ", ".join(known[:3]) + (", ..." if len(known) > 3 else "")

    def needs_link(self) -> bool:
        return not (self.resolvers or self.servers) or super().needs_link()

    def _questions(self) -> list[tuple[str, str]]:
        asked = [(one.name, kind) for one in self.names for kind in ("A", "AAAA")]
        asked += [(_reverse(one.address), "PTR") for one in self.names if one.reverse]
        asked += [(one.alias, "CNAME") for one in self.aliases]
        asked += [(name, kind) for name in self.absent for kind in ("A", "AAAA")]
        asked += [(_reverse(address), "PTR") for address in self.old_addresses]
        return list(dict.fromkeys(asked))

    async def observe(self, vantage: Vantage) -> NamesSeen:
        told = await ask_all(vantage, self._questions(), self.resolvers, self.servers, self.ca_file)
        return NamesSeen(told=told)

    def judge(self, seen: NamesSeen) -> Iterable[Finding]:
        table = {(one.server, one.authority, one.found.name, one.found.rdtype): one for one in seen.told}
        for server, authority in dict.fromkeys((one.server, one.authority) for one in seen.told):

            def at(
                name: str, rdtype: str, server: str = server, *, authority: bool = authority
            ) -> Told | None:
                return table.get((server, authority, name, rdtype))

            for name in dict.fromkeys(one.name for one in self.names):
                planned = [one.address for one in self.names if one.name == name]
                yield from judge_name(server, name, planned, at, self.max_ttl)
            for one in self.names:
                if one.reverse:
                    owners = {other.name for other in self.names if other.address == one.address}
                    yield judge_reverse(
                        server, one.address, one.name, owners, at(_reverse(one.address), "PTR")
                    )
            for alias in self.aliases:
                yield from judge_alias(
                    server, alias.alias, alias.target, at(alias.alias, "CNAME"), self.max_ttl
                )
            for name in self.absent:
                yield judge_absent(server, name, at(name, "A"), at(name, "AAAA"))
            known = {one.name for one in self.names} | {one.alias for one in self.aliases}
            for address in self.old_addresses:
                yield judge_old(server, address, known, at(_reverse(address), "PTR"))


def _reverse(address: str) -> str:
    return ipaddress.ip_address(address).reverse_pointer
