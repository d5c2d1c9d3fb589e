"""security.dns_filter: the DNS filter blocks what it must, and cannot be gone round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.params import Address, DomainName, Resolver
from checks.security._filter_judge import Filtering, judge
from checks.security._filter_seen import FilterSeen, look, of_earlier
from checks.security._places import listed
from checks.wire.dns_lookup import handed


class DnsFilter(Check[FilterSeen]):
    """The resolvers block these names, resolve the control, and no other resolver answers for the names.

    Blocked is a name whose A and AAAA lookups give 0.0.0.0, `::`, loopback, an address of `block_pages`,
    NXDOMAIN, no data or REFUSED, while the control resolves at the same resolver. A name that does not exist
    gives NXDOMAIN, too: where no block page was seen and no earlier run saw the name resolve, a pass comes
    with a warning. The same holds of a bypass that is silent. A plain bypass is tried over UDP and over TCP.

    Proves: what these resolvers answer to this laptop now, in this network.
    Cannot prove: that other names of the category are blocked, nor that no other resolver, VPN or proxy can
    be reached; name in `bypass` those that browsers and phones use.
    If it fails: switch the category on, hand out the filter's resolvers, forbid others in the firewall.

    Source: RFC 1035, RFC 7858 (DNS over TLS), RFC 8484 (over HTTPS); the filter's maker for its test names.

    Example:
        type: security.dns_filter
        blocked: [malware.example.net]
        control: www.example.com
        resolvers: [192.0.2.53]
        bypass: [198.51.100.53, "tls://198.51.100.53#dns.example.org"]
        block_pages: [192.0.2.80]
    """

    deadline_s = 30.0

    blocked: Annotated[tuple[DomainName, ...], Len(1, 32)]
    """Names that the filter must block, such as the test names of its maker."""
    control: DomainName
    """A name that must resolve."""
    resolvers: Annotated[tuple[Resolver, ...], Len(0, 16)] = ()
    """The filter's resolvers; left out, those that this laptop was handed."""
    bypass: Annotated[tuple[Resolver, ...], Len(0, 16)] = ()
    """Resolvers elsewhere that must not answer for the names: plain, `tls://`, `https://`."""
    block_pages: Annotated[tuple[Address, ...], Len(0, 64)] = ()
    """Addresses of the filter's own page."""
    ca_file: Annotated[str, Len(1, 4096)] | None = None
    """PEM file of the authorities to trust in place of this laptop's, for `tls://` and `https://`."""

    def __post_init__(self) -> None:
        if any(self.control == name or self.control.endswith(f".{name}") for name in self.blocked):
            raise ValueError("The control must resolve: it cannot be, or lie below, a blocked name.")
        both = set(self.resolvers) & set(self.bypass)
        if both:
            raise ValueError(f"{both.pop()} cannot be the filter's resolver and a bypass at once.")
        for names in (self.blocked, self.resolvers, self.bypass):
            if len(set(names)) < len(names):
                raise ValueError("One entry is named twice.")

    def subject(self) -> str:
        return listed(self.blocked)

    def needs_link(self) -> bool:
        servers = (*self.resolvers, *self.bypass)
        return not self.resolvers or not all(is_loopback(server) for server in servers)

    async def observe(self, vantage: Vantage) -> FilterSeen:
        resolvers = tuple(self.resolvers) or await handed(vantage)
        names = (self.control, *self.blocked)
        lookups, patience = await look(vantage, resolvers, self.bypass, names, self.ca_file)
        existed, answered = of_earlier(vantage, self.block_pages)
        return FilterSeen(
            resolvers=resolvers, lookups=lookups, patience_s=patience, existed=existed, answered=answered
        )

    def judge(self, seen: FilterSeen) -> Iterable[Finding]:
        asked = Filtering(
            blocked=self.blocked, control=self.control, bypass=self.bypass, pages=self.block_pages
        )
        return judge(asked, seen)
