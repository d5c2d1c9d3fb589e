"""The published list of endpoints: its shape, the hosts that can be tried, rules against its networks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Any

from checks.dataclass import dataclass
from checks.params import parse_host
from checks.wire.graph_json import Drift, count, flag, record, text, text_or, texts

CATEGORIES = ("Optimize", "Allow", "Default")
MAX_SETS = 2000
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?\Z")
_URL = re.compile(r"[A-Za-z0-9*_-][A-Za-z0-9*._-]{0,252}\Z")
KNOWN: dict[str, tuple[str, ...]] = {
    "*.protection.outlook.com": ("ps.compliance.protection.outlook.com",),
    "*.outlook.com": ("autodiscover-s.outlook.com",),
    "*.lync.com": ("webdir.online.lync.com",),
    "*.office.com": ("www.office.com",),
    "*.office365.com": ("outlook.office365.com",),
}
"""Concrete hosts behind a wildcard, from Microsoft's documentation."""
_OF_TENANT = ("*.sharepoint.com", "*.sharepoint.cn", "*.sharepoint.us", "*.sharepoint-mil.us")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSet:
    """One set of the list: ports as written (`443`, `50000-50059`), one entry each."""

    id: int
    area: str
    category: str
    required: bool
    urls: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    tcp: tuple[str, ...] = ()
    udp: tuple[str, ...] = ()


def read_sets(value: Any) -> tuple[EndpointSet, ...]:
    """Return the sets of the web service's answer; raise Drift for anything but its documented shape."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_SETS:
        raise Drift("the list of endpoint sets is no list, or empty")
    return tuple(_read(record(item, "an endpoint set")) for item in value)


def _read(item: dict[str, Any]) -> EndpointSet:
    category = text(item, "category")
    if category not in CATEGORIES:
        raise Drift("'category' is none of Optimize, Allow and Default")
    found = EndpointSet(
        id=count(item, "id", most=10**6), area=text(item, "serviceArea"), category=category,
        required=flag(item, "required"), urls=tuple(url.lower() for url in texts(item, "urls")),
        ips=texts(item, "ips"), tcp=_ports(item, "tcpPorts"), udp=_ports(item, "udpPorts"),
    )  # fmt: skip
    for url in found.urls:
        if not _URL.match(url):
            raise Drift(f"set {found.id} holds a URL that is none")
    networks(found.ips)
    if not (found.tcp or found.udp) or not (found.urls or found.ips):
        raise Drift(f"set {found.id} has no port, or neither URL nor network")
    return found


def _ports(item: dict[str, Any], key: str) -> tuple[str, ...]:
    parts = [part.strip() for part in text_or(item, key).split(",")]
    ports = [part.replace(" ", "") for part in parts if part]
    for port in ports:
        span(port)
    return tuple(dict.fromkeys(ports))


def span(port: str) -> tuple[int, int]:
    """Return first and last port of an entry."""
    match = _PORT.match(port)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise Drift("a port is none")
    return first, last


def networks(texts_: Iterable[str]) -> list[Network]:
    """Return networks; raise Drift for a text that is none."""
    try:
        return [ipaddress.ip_network(text_) for text_ in texts_]
    except ValueError:
        raise Drift("an entry of 'ips' is no network") from None


def holds(known: Iterable[Network], address: str) -> bool:
    """Return whether an address lies in one of the networks."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return any(found in network for network in known if network.version == found.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What of a list can be tried: host and port with the sets that need it; and what cannot, with why."""

    targets: tuple[tuple[str, int, tuple[int, ...]], ...]
    untested: tuple[tuple[int, str, str], ...]


def plan(
    sets: Sequence[EndpointSet],
    tenant: str | None,
    wildcards: dict[str, tuple[str, ...]],
    exclude: Sequence[str],
) -> Plan:
    """Return what to try of `sets`; `exclude` holds hosts, wildcards and ids of sets."""
    left_out = {name.strip().lower() for name in exclude}
    targets: dict[tuple[str, int], list[int]] = {}
    untested: list[tuple[int, str, str]] = []
    for item in sets:
        if str(item.id) in left_out:
            continue
        if not item.tcp:
            untested.append((item.id, f"UDP {','.join(item.udp)}", "udp"))
            continue
        ports = [port for port in item.tcp if port != "25"]
        if not ports:
            untested.append((item.id, "TCP 25", "smtp"))
            continue
        if len(ports) < len(item.tcp):
            untested.append((item.id, "TCP 25", "smtp"))
        untested += [(item.id, f"TCP {port} beyond its first", "range") for port in ports if "-" in port]
        for url in item.urls:
            if url in left_out:
                continue
            hosts = [host for host in concrete(url, tenant, wildcards) if host not in left_out]
            if not hosts:
                untested.append((item.id, url, "wildcard"))
            for host in hosts:
                for port in ports:
                    targets.setdefault((host, span(port)[0]), []).append(item.id)
        if not item.urls:
            untested.append((item.id, "networks only", "networks"))
    return Plan(
        targets=tuple((host, port, tuple(ids)) for (host, port), ids in targets.items()),
        untested=tuple(untested),
    )


def concrete(url: str, tenant: str | None, wildcards: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the hosts to try for a URL of the list: itself, or what is known to be behind a wildcard."""
    if "*" not in url:
        try:
            return (parse_host(url),)
        except ValueError:
            return ()
    if url in wildcards:
        return wildcards[url]
    if url in _OF_TENANT and tenant is not None:
        base = url.removeprefix("*.")
        return f"{tenant}.{base}", f"{tenant}-my.{base}"
    return KNOWN.get(url, ())


def uncovered(published: Iterable[str], rules: Iterable[str]) -> tuple[str, ...]:
    """Return the published networks that the rules do not let through whole, of the families in the rules."""
    mine = networks(rules)
    covered: list[Network] = []
    for version in (4, 6):
        family: list[Any] = [rule for rule in mine if rule.version == version]
        covered += ipaddress.collapse_addresses(family)
    versions = {rule.version for rule in mine}
    missing = []
    for network in networks(dict.fromkeys(published)):
        same = [rule for rule in covered if rule.version == network.version]
        inside = any(network.subnet_of(rule) for rule in same)  # type: ignore[arg-type]
        if network.version in versions and not inside:
            missing.append(str(network))
    return tuple(missing)


def stale(published: Iterable[str], rules: Iterable[str]) -> tuple[str, ...]:
    """Return the rules that touch no published network any more."""
    known = networks(dict.fromkeys(published))
    return tuple(
        str(rule) for rule in networks(rules) if not any(rule.overlaps(network) for network in known)
    )
