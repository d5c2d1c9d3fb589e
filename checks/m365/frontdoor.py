"""m365.frontdoor: Microsoft 365's front doors are near, reached directly, and not opened on the way."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import os
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from checks.bounds import Ge, Le, Len
from checks.clouds import CLOUDS, CloudName
from checks.contract import CannotTell, Check, Finding, Measure, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.local.facts import read_local
from checks.m365._front import Door, HostSeen, is_inside, measure, median, organisations, score
from checks.network._echo import first_of_each
from checks.network._peers import EXPLAINED, unresolved, untested
from checks.network._tls_findings import chain_findings, date_findings, name_findings
from checks.params import (
    DomainName,
    Duration,
    Endpoint,
    Host,
    Network,
    Resolver,
    join_endpoint,
    split_endpoint,
)
from checks.safe import safe
from checks.wire.dns_lookup import Lookup, lookup
from checks.wire.names import Family, Resolved, ip_version, resolve
from checks.wire.tcp import budget

PORT = 443
ISSUERS = ("Microsoft Corporation", "DigiCert Inc", "DigiCert, Inc.", "GlobalSign nv-sa")
_SCORE = "Microsoft 365 network assessment, Exchange TCP latency: 100 ms scores 60, 200 ms 40"
_TLS = (
    "gonogo's own choice: twice the limits of the connect time, as a handshake takes one or two round trips"
)
_DIRECT = (
    "Let Microsoft 365's Optimize traffic leave locally and directly: no proxy, no VPN detour, no inspection"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDoorSeen:
    """The front doors, this laptop's proxies (`bypass`: what NO_PROXY excepts), and its resolver."""

    hosts: tuple[HostSeen, ...]
    now: datetime
    proxies: tuple[str, ...] = ()
    bypass: tuple[str, ...] = ()
    tunnelled: bool = False
    whoami: Lookup | None = None


class FrontDoor(Check[FrontDoorSeen]):
    """Microsoft 365's front doors answer quickly and directly, with certificates that Microsoft had issued.

    Each host is looked up, and the first address of each family is connected to several times; the medians of
    connect and TLS time are judged. Proxy settings are told, not used: Optimize traffic is meant to go
    directly. A chain that is trusted here and whose issuer is not one of `issuers` is inspection by a
    product whose authority was installed on this laptop.

    Proves: the front doors that DNS names here are reached directly from this laptop, now, as quickly as
    stated, with a trusted certificate of one of the named issuers.
    Cannot prove: that nearer front doors do not exist; that inspection does not forge the issuer's name
    (its authority would have to be trusted here); that applications use the same way as this laptop.
    If it fails: let this traffic leave here directly, without proxy, VPN or inspection, and ask a
    resolver near this site.

    Source: learn.microsoft.com office-365-network-mac-perf-score (TCP latency), -perf-onboarding-tool (DNS,
    proxy, SSL interception), microsoft-365-network-connectivity-principles (local egress, no inspection).

    Example:
        type: m365.frontdoor
        hosts: [outlook.office365.com, login.microsoftonline.com]
        max_connect: 100ms
    """

    deadline_s = 25.0

    hosts: Annotated[tuple[Host, ...], Len(0, 16)] = ()
    """Front doors to test; left out, the cloud's."""
    cloud: CloudName = "worldwide"
    """Microsoft's cloud that the tenant is in; GCC is in `worldwide`."""
    max_connect: Duration | None = None
    """Longest median connect time that is tolerable, with a warning from two thirds of it on; left out, a
    warning above 100 ms and a failure above 200 ms."""
    max_tls: Duration | None = None
    """Longest median TLS handshake that is tolerable; left out, warning above 200, failure above 400 ms."""
    samples: Annotated[int, Ge(1), Le(20)] = 5
    """Connections to each address whose median is judged."""
    issuers: Annotated[tuple[str, ...], Len(1)] = ISSUERS
    """Organisations (O) that may have issued the certificates, each in full."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""
    connect_to: dict[str, Endpoint] | None = None
    """Servers to connect to in place of a host's own address, by host."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask for the hosts; left out, what the system's own gives."""
    family: Family = "any"
    """Which addresses to test: `any` (the first of each family), `ipv4` or `ipv6`."""
    whoami: DomainName | None = None
    """Name whose TXT or A record tells which resolver asks for it, such as `whoami.akamai.net`."""
    resolver_networks: tuple[Network, ...] = ()
    """Networks in which that resolver must be: one that is far away names front doors near it."""

    def __post_init__(self) -> None:
        if (self.whoami is None) != (not self.resolver_networks):
            raise ValueError("'whoami' and 'resolver_networks' belong together: give both or neither.")
        if any(limit is not None and limit <= 0 for limit in (self.max_connect, self.max_tls)):
            raise ValueError("max_connect and max_tls must be longer than zero.")
        if not all(issuer.strip() for issuer in self.issuers):
            raise ValueError("'issuers' holds an empty name, which would assert nothing.")
        if len(set(self.hosts)) < len(self.hosts):
            raise ValueError("'hosts' names the same host twice.")
        stray = sorted(set(self.connect_to or {}) - set(self._hosts()))
        if stray:
            raise ValueError(f"'connect_to' names {', '.join(stray)}, which is not among the hosts.")

    def subject(self) -> str:
        return self._hosts()[0]

    def needs_link(self) -> bool:
        mapped = self.connect_to or {}
        return not all(is_loopback(mapped.get(host, host)) for host in self._hosts())

    def _hosts(self) -> tuple[str, ...]:
        return self.hosts or CLOUDS[self.cloud].front_doors

    async def observe(self, vantage: Vantage) -> FrontDoorSeen:
        local = await read_local(vantage.shared)
        hosts = await asyncio.gather(*(self._look(vantage, host) for host in self._hosts()))
        bypass = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        return FrontDoorSeen(
            hosts=tuple(hosts), now=vantage.now(), proxies=local.proxy[:16],
            bypass=tuple(part.strip() for part in bypass[:4000].split(",") if part.strip()),
            tunnelled=local.tunnelled, whoami=await self._whoami(vantage),
        )  # fmt: skip

    async def _look(self, vantage: Vantage, host: str) -> HostSeen:
        mapped = (self.connect_to or {}).get(host)
        aliases: tuple[str, ...] = ()
        port = PORT
        if mapped is not None:
            other, port = split_endpoint(mapped, PORT)
            names = await resolve(vantage, other, self.family)
        elif self.resolvers and ip_version(host) is None:
            names, aliases = await self._ask(vantage, host)
        else:
            names = await resolve(vantage, host, self.family)
        left = budget(vantage)
        doors = await asyncio.gather(
            *(
                measure(
                    vantage,
                    address,
                    port,
                    host,
                    ca_file=self.ca_file,
                    samples=self.samples,
                    within=left * 0.9,
                )
                for address in first_of_each(names.addresses)
            )
        )
        return HostSeen(
            host=host, names=names, aliases=aliases, mapped=mapped is not None, doors=tuple(doors)
        )

    async def _ask(self, vantage: Vantage, host: str) -> tuple[Resolved, tuple[str, ...]]:
        kinds = {"any": ("A", "AAAA"), "ipv4": ("A",), "ipv6": ("AAAA",)}[self.family]
        found = await asyncio.gather(*(lookup(vantage, host, kind, self.resolvers) for kind in kinds))
        addresses = tuple(dict.fromkeys(text for answer in found for text in answer.texts))
        aliases = next((answer.aliases for answer in found if answer.aliases), ())
        end = next((answer.end for answer in found if answer.aliases), "")
        silent = next((answer.detail for answer in found if answer.outcome == "failed"), None)
        error = silent or (None if addresses else "the name has no address")
        names = Resolved(host=host, addresses=addresses, error=error, temporary=silent is not None)
        return names, (*aliases, end) if aliases else ()

    async def _whoami(self, vantage: Vantage) -> Lookup | None:
        if self.whoami is None:
            return None
        try:
            text = await lookup(vantage, self.whoami, "TXT", self.resolvers)
            return (
                text if text.outcome == "found" else await lookup(vantage, self.whoami, "A", self.resolvers)
            )
        except CannotTell as error:
            return Lookup(
                name=self.whoami,
                rdtype="TXT",
                server="",
                outcome="failed",
                end=self.whoami,
                detail=error.reason,
            )

    def judge(self, seen: FrontDoorSeen) -> Iterable[Finding]:
        for host in seen.hosts:
            yield from self._host(host, seen.now)
        yield from self._proxy(seen)
        if seen.tunnelled:
            yield warned(
                "this laptop", "All traffic goes through a VPN, so what was measured is the way through it.",
                expected="Microsoft 365 outside the tunnel", observed="a VPN holds the default route",
                fix=f"{_DIRECT}; or run it again without the VPN.",
            )  # fmt: skip
        yield from self._locality(seen.whoami)

    def _host(self, seen: HostSeen, now: datetime) -> Iterable[Finding]:
        if not seen.names.addresses:
            yield unresolved(seen.host, seen.names)
            return
        if seen.names.temporary:
            yield cannot_tell(
                seen.host, "Not every address of the name could be looked up, so not all were tested.",
                expected="an answer for A and for AAAA",
                observed=safe(seen.names.error or "no answer", limit=200),
                fix="Mend the resolver that does not answer for one type, then run again.",
            )  # fmt: skip
        way = f", by way of {' and '.join(seen.aliases)}" if seen.aliases else ""
        inside = [address for address in seen.names.addresses if is_inside(address)]
        if not seen.mapped and inside:
            yield failed(
                seen.host, "DNS leads to an address inside and not to Microsoft: a proxy, filter or internal "
                "zone stands in for the front door, and what was measured is the way to that.",
                expected="addresses of Microsoft", observed=safe(", ".join(inside[:8]) + way, limit=400),
                fix=f"Take the name out of the DNS filter or the internal zone. {_DIRECT}.",
            )  # fmt: skip
        elif not seen.mapped:
            shown = safe(", ".join(seen.names.addresses[:8]) + way, limit=400)
            yield passed(seen.host, "DNS names a front door.", expected="an address", observed=shown)
        works = any(door.connect_ms for door in seen.doors)
        for door in seen.doors:
            where = f"{seen.host} {join_endpoint(door.address, door.port)}"
            if not door.connect_ms:
                yield _unreached(where, door, works=works and self.family == "any")
                continue
            yield from self._times(where, door)
            yield from self._certificate(where, seen.host, door, now)

    def _times(self, where: str, door: Door) -> Iterable[Finding]:
        value = median(door.connect_ms)
        warn, fail, source = _limits(self.max_connect, (100.0, 200.0, _SCORE), "max_connect")
        finding = within(
            where,
            Measure(
                name="Connect time (median)", value=value, unit="ms", warn=warn, fail=fail, source=source
            ),
            fix=f"Find the detour: {_DIRECT[0].lower()}{_DIRECT[1:]}, and a resolver near the office.",
        )
        told = f"of {len(door.connect_ms)} connections, score {score(value):.0f}"
        yield dataclasses.replace(finding, message=f"{finding.message[:-1]}: {told}.")
        if not door.tls_ms:
            return
        warn, fail, source = _limits(self.max_tls, (200.0, 400.0, _TLS), "max_tls")
        yield within(
            where,
            Measure(
                name="TLS handshake (median)", value=median(door.tls_ms), unit="ms", warn=warn, fail=fail,
                source=source,
            ),
            fix=f"If connecting is quick and TLS slow, something on the way opens it. {_DIRECT}.",
        )  # fmt: skip

    def _certificate(self, where: str, host: str, door: Door, now: datetime) -> Iterable[Finding]:
        shown = door.shown
        described = shown.described if shown is not None else None
        if shown is None or described is None or not described.done or not shown.chain:
            words = (described.refused or described.broken) if described is not None else None
            yield failed(
                where, "TCP connects and TLS does not: a proxy, portal or filter stands in between.",
                expected="a TLS handshake", observed=safe(words or "no certificate was sent", limit=200),
                fix=f"Find what breaks it off. {_DIRECT}.",
            )  # fmt: skip
            return
        leaf = shown.chain[0]
        if leaf.trouble is not None:
            yield cannot_tell(
                where, "The certificate cannot be read.", observed=safe(leaf.trouble, limit=200),
                fix="Keep the observation as evidence, and look for a device that opens TLS.",
            )  # fmt: skip
            return
        code = shown.verified.verify_code if shown.verified is not None else None
        yield from date_findings(where, shown.chain, code, now, warn=7, fail=1)
        yield from name_findings(where, leaf, host, shown.verified)
        yield from chain_findings(where, shown)
        told = organisations(leaf.issuer)
        allowed = {issuer.strip().casefold() for issuer in self.issuers}
        say: dict[str, Any] = {
            "expected": safe(" or ".join(self.issuers), limit=300),
            "observed": safe(leaf.issuer, limit=300),
        }
        if len(told) == 1 and told[0].strip().casefold() in allowed:
            yield passed(where, "The certificate's issuer is one that Microsoft uses.", **say)
        else:
            yield failed(
                where, "TLS is opened on the way: the certificate's issuer is none that Microsoft uses.",
                fix="Exempt Microsoft 365's Optimize and Allow endpoints from TLS inspection on the proxy, "
                "firewall or virus scanner that is named there; if Microsoft changed authorities, add it to "
                "'issuers'.", **say,
            )  # fmt: skip

    def _proxy(self, seen: FrontDoorSeen) -> Iterable[Finding]:
        used = [one for one in seen.proxies if not one.startswith("http ")]
        caught = [host.host for host in seen.hosts if not _excepted(host.host, seen.bypass)]
        shown = safe("; ".join(seen.proxies), limit=300)
        if not seen.proxies:
            yield passed(
                "proxy", "This laptop has no proxy set.", expected="direct connections", observed="none"
            )
        elif used and caught:
            yield warned(
                "proxy",
                f"A proxy is set here, and programs use it for {safe(', '.join(caught[:4]), limit=200)}.",
                expected="direct connections for Microsoft 365", observed=shown,
                fix=f"{_DIRECT}: except its Optimize endpoints in the PAC file or in NO_PROXY.",
            )  # fmt: skip
        else:
            yield passed(
                "proxy", "A proxy is set here, and not for these hosts.",
                expected="direct connections for Microsoft 365", observed=shown,
            )  # fmt: skip

    def _locality(self, told: Lookup | None) -> Iterable[Finding]:
        if self.whoami is None or told is None:
            return
        networks = [ipaddress.ip_network(text) for text in self.resolver_networks]
        expected = ", ".join(self.resolver_networks)
        addresses = _addresses(told)
        if not addresses:
            yield cannot_tell(
                self.whoami, "Which resolver asks for this laptop could not be learned.", expected=expected,
                observed=safe(told.detail or ", ".join(told.texts) or told.outcome, limit=200),
                fix="Use another name that tells it, or run it again when DNS works.",
            )  # fmt: skip
            return
        shown = ", ".join(map(str, addresses))
        strange = [one for one in addresses if not any(one in network for network in networks)]
        if strange:
            yield warned(
                self.whoami, "A resolver elsewhere asks for this laptop: DNS may name distant front doors.",
                expected=expected, observed=shown,
                fix="Have names of Microsoft 365 resolved by a resolver near the office's own way out.",
            )  # fmt: skip
        else:
            yield passed(
                self.whoami,
                "The resolver that asks is where it is planned.",
                expected=expected,
                observed=shown,
            )


def _limits(own: float | None, known: tuple[float, float, str], key: str) -> tuple[float, float, str]:
    if own is None:
        return known
    return own * 1000 * 2 / 3, own * 1000, f"{key} of this check"


def _unreached(where: str, door: Door, *, works: bool) -> Finding:
    outcome = door.attempt.outcome
    if outcome == "no_route" and works:
        return untested(door.attempt)
    message, fix = EXPLAINED.get(outcome, ("It was not reached.", _DIRECT))
    make = cannot_tell if outcome in ("barred", "local") else failed
    observed = f"{outcome}: {safe(door.attempt.detail, limit=200)}"
    return make(
        where, f"{message} Microsoft 365 is not reached directly.", expected="open", observed=observed,
        fix=f"{fix} If a proxy is meant to be the only way: {_DIRECT[0].lower()}{_DIRECT[1:]}.",
    )  # fmt: skip


def _excepted(host: str, bypass: tuple[str, ...]) -> bool:
    for part in bypass:
        bare = part.lower().removeprefix("*").removeprefix(".")
        if part == "*" or (bare and (host == bare or host.endswith(f".{bare}"))):
            return True
    return False


def _addresses(told: Lookup) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the addresses in the answer: an A record, or the words of a TXT record."""
    found = []
    for text in told.texts[:16]:
        for word in text[:500].replace('"', " ").split():
            try:
                found.append(ipaddress.ip_address(word))
            except ValueError:
                continue
    return found
