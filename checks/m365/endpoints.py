"""m365.endpoints: each published host that is required can be reached, and firewall rules are current."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Gt, Le, Len
from checks.clouds import CLOUDS, CloudName
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.judging import cannot_tell, failed, passed, warned
from checks.m365._endpoints import EndpointSet, holds, networks, plan, stale, uncovered
from checks.m365._endpoints_findings import (
    HERE,
    EndpointsSeen,
    Tried,
    Untested,
    entries,
    one_place,
    ruled,
    unreached,
    untested,
)  # fmt: skip
from checks.m365._endpoints_list import listed
from checks.params import Duration, Endpoint, Host, Network, Url, parse_host, split_endpoint
from checks.safe import safe
from checks.wire.names import resolve
from checks.wire.tcp import budget, probe

_AT_ONCE = 32
_DECOY = "192.0.2.1:443"
_ADDRESSES = 4
_PATIENCE = 6.0
_SHOWN = 40


class Endpoints(Check[EndpointsSeen]):
    """Every required host and TCP port of Microsoft's published list accepts connections from here.

    The list is fetched from Microsoft's web service and kept with its date; where it cannot be had, the kept
    one is used, or a shipped extract of the most important sets, and the result says so. A wildcard is tried
    by the hosts that are known behind it; what is left is listed as not tested, and a set of the categories
    Optimize or Allow of which nothing could be tried makes the result inconclusive. So does something that
    answers at an address where nothing can be (192.0.2.1): a proxy that takes every connection.

    Proves: a TCP handshake to each host and port tried; that the given firewall rules cover the networks.
    Cannot prove: UDP (m365.teams_media), port 25 (mail.smtp), what is behind wildcards, that nothing on the
    way opens TLS (m365.frontdoor) or breaks it off for certain names after the handshake of TCP.
    If it fails: allow the hosts, networks and ports that are named in the firewall or proxy, without
    inspection for Optimize and Allow; replace rules that are stale.

    Source: learn.microsoft.com/microsoft-365/enterprise/microsoft-365-ip-web-service and
    urls-and-ip-address-ranges; RFC 5737 (192.0.2.0/24 is nobody's).

    Example:
        type: m365.endpoints
        services: [Common, Exchange]
        tenant: contoso
        firewall: [52.96.0.0/14, 40.96.0.0/13]
    """

    deadline_s = 90.0

    services: Annotated[tuple[str, ...], Len(1)] = ("Common", "Exchange", "SharePoint", "Skype")
    """Service areas of the list: `Common`, `Exchange`, `SharePoint`, `Skype` (Teams), `MEM` (Intune)..."""
    tenant: str | None = None
    """Name in `<tenant>.sharepoint.com`, so that this host can be tried."""
    include_optional: bool = False
    """Whether hosts that are not required must be reachable, too."""
    exclude: tuple[str, ...] = ()
    """What is left out: hosts, wildcards as the list writes them, or IDs of whole sets."""
    wildcards: dict[str, tuple[Host, ...]] | None = None
    """Hosts to try for a wildcard of the list, by the wildcard."""
    firewall: tuple[Network, ...] = ()
    """Networks that the own firewall's rules let through for Microsoft 365."""
    max_age: Annotated[Duration, Gt(0)] = 30 * 86400.0
    """How old a kept list may be without a warning."""
    max_hosts: Annotated[int, Ge(1), Le(2000)] = 500
    """How many pairs of host and port are tried at most."""
    cloud: CloudName = "worldwide"
    """Microsoft's cloud that the tenant is in; GCC is in `worldwide`."""
    endpoints_url: Url | None = None
    """Base of the web service in place of Microsoft's."""
    hosts: dict[str, Endpoint] | None = None
    """Servers to connect to in place of a host's own address; without a port there, the host's port."""
    decoy: Endpoint | None = None
    """Address where nothing may answer; left out, 192.0.2.1:443, unless `hosts` replaces every host."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's, for the web service."""

    def __post_init__(self) -> None:
        if not all(area.strip() for area in self.services):
            raise ValueError("'services' names each service area, like Exchange.")
        if self.tenant is not None:
            try:
                parse_host(f"{self.tenant}.sharepoint.com")
            except ValueError:
                raise ValueError("'tenant' is one label, the one before .sharepoint.com.") from None
            if "." in self.tenant:
                raise ValueError("'tenant' is one label, the one before .sharepoint.com.")

    def subject(self) -> str:
        return f"Microsoft 365 {CLOUDS[self.cloud].instance}"

    def needs_link(self) -> bool:
        places = [self.endpoints_url or "", *(self.hosts or {"": ""}).values()]
        return not all(map(is_loopback, places))

    async def observe(self, vantage: Vantage) -> EndpointsSeen:
        cloud = CLOUDS[self.cloud]
        base = (self.endpoints_url or cloud.endpoints).rstrip("/")
        found = await listed(vantage, base, cloud.instance, self.ca_file)
        areas = {area.strip().lower() for area in self.services}
        sets = [
            item for item in found.sets
            if item.area.lower() in areas and (item.required or self.include_optional)
        ]  # fmt: skip
        wildcards = {name.strip().lower(): hosts for name, hosts in (self.wildcards or {}).items()}
        work = plan(sets, self.tenant, wildcards, self.exclude)
        gate, within = asyncio.Semaphore(_AT_ONCE), budget(vantage)
        targets = work.targets[: self.max_hosts]
        patience = max(0.2, min(_PATIENCE, within * 0.7 / (len(targets) // _AT_ONCE + 1)))
        tries = (self._try(vantage, gate, patience, *target) for target in targets)
        decoy, tried = await asyncio.gather(
            self._decoy(within, {one[0] for one in work.targets}), asyncio.gather(*tries)
        )
        known = networks(dict.fromkeys(ip for item in found.sets for ip in item.ips))
        mine = {address for address in {one.address for one in tried} if address and holds(known, address)}
        tried = [dataclasses.replace(one, published=one.address in mine) for one in tried]
        families = {":" in rule for rule in self.firewall}
        published = [ip for item in sets for ip in item.ips if (":" in ip) in families]
        missing = uncovered(published, self.firewall) if self.firewall else ()
        old = stale([ip for item in found.sets for ip in item.ips], self.firewall) if self.firewall else ()
        return EndpointsSeen(
            origin=found.origin, version=found.version, as_of=found.as_of, now=vantage.now(),
            trouble=found.trouble, sets=tuple(_without_ips(item) for item in sets), tried=tuple(tried),
            untested=tuple(Untested(set=one, entry=entry, why=why) for one, entry, why in work.untested),
            networks=len(published), decoy=decoy,
            too_many=max(0, len(work.targets) - self.max_hosts), missing_rules=missing, stale_rules=old,
        )  # fmt: skip

    async def _try(
        self,
        vantage: Vantage,
        gate: asyncio.Semaphore,
        patience: float,
        host: str,
        port: int,
        sets: tuple[int, ...],
    ) -> Tried:
        place, at = host, port
        mapped = (self.hosts or {}).get(host)
        if mapped is not None:
            place, at = split_endpoint(mapped, port)
        async with gate:
            names = await resolve(vantage, place)
            if not names.addresses:
                outcome = "resolver silent" if names.temporary else "no address"
                return Tried(host=host, port=port, sets=sets, outcome=outcome, detail=names.error or "")
            if mapped is None and not all(map(_public, names.addresses)):
                return Tried(
                    host=host, port=port, sets=sets, outcome="diverted", address=names.addresses[0],
                    detail="the name leads to an address inside",
                )  # fmt: skip
            addresses = names.addresses[:_ADDRESSES]
            each = patience / len(addresses)
            for address in addresses:
                attempt = await probe(address, at, each)
                if attempt.outcome == "open":
                    break
        return Tried(
            host=host,
            port=port,
            sets=sets,
            outcome=attempt.outcome,
            address=attempt.address,
            detail=attempt.detail,
        )

    async def _decoy(self, within: float, hosts: set[str]) -> str:
        """Return how an attempt ends where nothing can answer."""
        if self.decoy is None and not hosts - set(self.hosts or {}):
            return ""
        place, port = split_endpoint(self.decoy or _DECOY, 443)
        try:
            ipaddress.ip_address(place)
        except ValueError:
            return ""
        return (await probe(place, port, max(0.1, min(2.0, within / 4)))).outcome

    def judge(self, seen: EndpointsSeen) -> Iterable[Finding]:
        yield from self._judge_list(seen)
        yield from self._judge_areas(seen)
        open_ = [one for one in seen.tried if one.outcome == "open"]
        closed = [one for one in seen.tried if one.outcome != "open"]
        for one in closed[:_SHOWN]:
            yield unreached(one, seen)
        for name, group in (("here", True), ("there", False)):
            rest = [one for one in closed[_SHOWN:] if (one.outcome in HERE) is group]
            if rest:
                make = cannot_tell if name == "here" else failed
                yield make(
                    self.subject(),
                    f"{len(rest)} more hosts and ports could not be reached.",
                    expected="open",
                    observed=safe(", ".join(f"{one.host}:{one.port}" for one in rest), limit=600),
                    fix="Begin with the hosts above: one rule, proxy or filter is often the cause of all.",
                )
        if seen.too_many > 0:
            yield cannot_tell(
                self.subject(),
                f"{seen.too_many} pairs of host and port were not tried: there are more than max_hosts.",
                expected=f"at most {self.max_hosts}",
                observed=f"{seen.too_many + len(seen.tried)}",
                fix="Raise max_hosts and the check's timeout, or leave services out.",
            )
        yield from untested(self.subject(), seen)
        if seen.decoy == "open":
            yield cannot_tell(
                self.subject(),
                "Something takes connections in place of every host, so that an open port shows nothing.",
                expected="no connection to an address that is nobody's",
                observed=f"{self.decoy or _DECOY} accepts",
                fix="Run this past the transparent proxy or VPN, or prove the hosts by network.http.",
            )
        if not seen.tried:
            yield cannot_tell(
                self.subject(),
                "No host of the list could be tried.",
                expected="at least one host",
                observed=f"{len(seen.untested)} entries that cannot be tried",
                fix="Look at 'services' and 'exclude'; give 'tenant' and 'wildcards' to make hosts known.",
            )
        everywhere = one_place(open_, self.hosts or {})
        if everywhere:
            yield cannot_tell(
                self.subject(),
                "DNS leads every host to one address, so that an open port shows nothing: a filter, a "
                "captive portal or a proxy answers for all of them.",
                expected="addresses of Microsoft, not the same for all",
                observed=safe(f"all at {everywhere}", limit=100),
                fix="Log in to the network, or take this laptop out of the filter, and run again.",
            )
        if seen.tried and not closed and seen.decoy != "open" and not everywhere:
            yield self._all_open(seen, len(open_))
        if self.firewall:
            yield from ruled(self.firewall, seen)

    def _all_open(self, seen: EndpointsSeen, count: int) -> Finding:
        skipped = [item for item in seen.untested if item.why == "wildcard"]
        return passed(
            self.subject(),
            f"All {count} pairs of host and TCP port that can be tried accept connections; "
            f"{len(skipped)} wildcards cannot be tried.",
            expected="every required host and TCP port reachable",
            observed=f"{count} open, by the {seen.origin} list of {seen.as_of:%Y-%m-%d}; not tested: "
            f"{entries(skipped) or 'none'}; UDP is not tested here",
        )

    def _judge_list(self, seen: EndpointsSeen) -> Iterable[Finding]:
        age = (seen.now - seen.as_of).total_seconds()
        day = f"{seen.as_of:%Y-%m-%d}"
        observed = f"{seen.origin} list {safe(seen.version, limit=20)} of {day}".replace("  ", " ")
        if seen.origin == "shipped":
            yield warned(
                self.subject(),
                "Microsoft's list could not be had; a shipped extract with the most important sets is used.",
                expected="the published list",
                observed=f"{observed}; {safe(seen.trouble, limit=300)}",
                fix="Let this laptop reach endpoints.office.com once; the list is then kept.",
            )
        elif age > self.max_age:
            yield warned(
                self.subject(),
                "Microsoft's list could not be had, and the kept one is old.",
                expected=f"not older than {self.max_age / 86400:.3g} days",
                observed=f"{observed}; {safe(seen.trouble, limit=300)}",
                fix="Let this laptop reach endpoints.office.com, so that the list is renewed.",
            )

    def _judge_areas(self, seen: EndpointsSeen) -> Iterable[Finding]:
        have = {item.area.lower() for item in seen.sets}
        for area in dict.fromkeys(self.services):
            if area.strip().lower() not in have:
                yield cannot_tell(
                    safe(area, limit=60),
                    "The list has no required set for this service area.",
                    expected="at least one set",
                    observed=safe(", ".join(sorted({item.area for item in seen.sets})), limit=200) or "none",
                    fix="Correct the name; with a shipped list, let this laptop fetch the published one.",
                )


def _without_ips(item: EndpointSet) -> EndpointSet:
    return EndpointSet(
        id=item.id, area=item.area, category=item.category, required=item.required, urls=item.urls,
        tcp=item.tcp, udp=item.udp,
    )  # fmt: skip


def _public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    return found.is_global and not found.is_multicast
