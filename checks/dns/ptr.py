"""dns.ptr: an address names its host, and the host's name leads back to the address."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Address, DomainName, Resolver
from checks.safe import in_line, safe
from checks.wire.dns_lookup import Lookup, lookup
from checks.wire.dns_text import canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class PtrHost:
    """One address and the name it must have."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    address: Address
    name: DomainName


@dataclass(frozen=True, slots=True, kw_only=True)
class PtrPair:
    """The reverse lookup of an address and the forward lookup of its planned name."""

    address: str
    reverse: Lookup
    forward: Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class PtrSeen:
    """One pair of lookups for each host of the plan, in its order."""

    pairs: tuple[PtrPair, ...]


class Ptr(Check[PtrSeen]):
    """Each address has the planned name by its PTR record, and that name leads back to the address.

    Proves: what a resolver answers for both directions now; many mail servers refuse a client that fails
    either.
    Cannot prove: that every resolver has the same, nor that the host uses that name in its EHLO.
    If it fails: have whoever holds the address (Internet provider, hosting company) set its PTR record,
    and set the A or AAAA record of the name in its own zone.

    Source: RFC 1035 section 3.5, RFC 3596 section 2.5 (ip6.arpa), RFC 2317 (aliases in reverse zones),
    RFC 8601 section 2.7.3 (iprev: forward-confirmed reverse DNS).

    Example:
        type: dns.ptr
        hosts:
          - {address: 192.0.2.25, name: mail.example.com}
          - {address: "2001:db8::25", name: mail.example.com}
    """

    hosts: Annotated[tuple[PtrHost, ...], Len(1, 50)]
    """Addresses, each with the name it must have."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask, in turn; left out, those that this laptop was handed."""
    ca_file: str | None = None
    """PEM file of the authorities to trust for resolvers over TLS or HTTPS, in place of this laptop's."""

    def __post_init__(self) -> None:
        addresses = [host.address for host in self.hosts]
        if len(set(addresses)) < len(addresses):
            raise ValueError("'hosts' names the same address twice; an address has one name.")
        for address in addresses:
            if "%" in address:
                raise ValueError(f"{address} has a zone, so it is no address that DNS knows.")

    def subject(self) -> str:
        return ", ".join(host.address for host in self.hosts[:3]) + (", ..." if len(self.hosts) > 3 else "")

    def needs_link(self) -> bool:
        return not self.resolvers or super().needs_link()

    async def observe(self, vantage: Vantage) -> PtrSeen:
        async def find(name: str, rdtype: str) -> Lookup:
            return await lookup(vantage, name, rdtype, self.resolvers, ca_file=self.ca_file)

        reverse = [find(_reverse(host.address), "PTR") for host in self.hosts]
        forward = [find(host.name, "AAAA" if ":" in host.address else "A") for host in self.hosts]
        found = await asyncio.gather(*reverse, *forward)
        return PtrSeen(
            pairs=tuple(
                PtrPair(address=host.address, reverse=back, forward=there)
                for host, back, there in zip(
                    self.hosts, found[: len(self.hosts)], found[len(self.hosts) :], strict=True
                )
            )
        )

    def judge(self, seen: PtrSeen) -> Iterable[Finding]:
        names = {host.address: host.name for host in self.hosts}
        for pair in seen.pairs:
            if pair.address in names:
                yield _back(pair, names[pair.address])
                yield _there(pair, names[pair.address])
        for address in names.keys() - {pair.address for pair in seen.pairs}:
            yield cannot_tell(address, "The address was not looked up.", fix="Run the check again.")


def _back(pair: PtrPair, name: str) -> Finding:
    found, expected = pair.reverse, f"PTR {name}"
    owner = _reverse(pair.address)
    if found.outcome == "failed":
        return cannot_tell(
            pair.address,
            "No resolver said whether the address has a name.",
            expected=expected,
            observed=safe(found.detail, limit=300),
            fix=f"Ask another resolver; if none answers for {owner}, whoever runs the address's reverse zone "
            "must mend its delegation.",
        )
    got = {canonical("PTR", text) for text in found.texts}
    if not got:
        return failed(
            pair.address,
            "The address has no name (no PTR record).",
            expected=expected,
            observed="NXDOMAIN" if found.outcome == "no such name" else "no PTR record",
            fix=f"Have whoever gave out the address (the provider, or the hoster's panel) set its PTR record "
            f"to {name}.",
        )
    observed = f"PTR {in_line(sorted(got))}"
    if found.aliases:
        observed += f", by way of {in_line(found.aliases)}"
    if name not in got:
        return failed(
            pair.address,
            "The address has another name than the planned one.",
            expected=expected,
            observed=observed,
            fix=f"Have whoever gave out the address set its PTR record to {name}.",
        )
    if len(got) > 1:
        return warned(
            pair.address,
            "The address has several names, and who looks takes any of them.",
            expected=f"{expected} and no other",
            observed=observed,
            fix=f"Leave only the PTR record {name}.",
        )
    return passed(pair.address, "The address has the planned name.", expected=expected, observed=observed)


def _there(pair: PtrPair, name: str) -> Finding:
    kind = "AAAA" if ":" in pair.address else "A"
    found, expected = pair.forward, f"{name} {kind} {pair.address}"
    if found.outcome == "failed":
        return cannot_tell(
            pair.address,
            f"No resolver said what addresses {name} has.",
            expected=expected,
            observed=safe(found.detail, limit=300),
            fix="Ask another resolver, or look at the servers of that zone (check dns.authority).",
        )
    got = {canonical(kind, text) for text in found.texts}
    wanted = canonical(kind, pair.address)
    if wanted in got:
        return passed(
            pair.address,
            f"The name {name} leads back to the address.",
            expected=expected,
            observed=f"{kind} {in_line(sorted(got))}",
        )
    nothing = "NXDOMAIN" if found.outcome == "no such name" else f"no {kind} record"
    return failed(
        pair.address,
        f"The name {name} does not lead back to the address.",
        expected=expected,
        observed=f"{kind} {in_line(sorted(got))}" if got else nothing,
        fix=f"Add the {kind} record {pair.address} to {name}, or correct the planned name.",
    )


def _reverse(address: str) -> str:
    return ipaddress.ip_address(address).reverse_pointer
