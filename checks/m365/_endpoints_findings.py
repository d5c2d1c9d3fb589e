"""What m365.endpoints saw, and what it says of a host, of sets that cannot be tried, of firewall rules."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from typing import Any

from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.m365._endpoints import EndpointSet
from checks.m365._endpoints_list import Origin
from checks.safe import safe
from checks.words import Finding

_FEW = 4
HERE = frozenset({"barred", "local", "no_route", "resolver silent"})
"""Outcomes after which nothing is known about the host: this laptop itself could not try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One host and port: `open`, how the last address failed, or why there was none to try."""

    host: str
    port: int
    sets: tuple[int, ...]
    outcome: str
    address: str = ""
    detail: str = ""
    published: bool = False
    """Whether the address lies in a network of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untested:
    """An entry of the list that cannot be tried from here: `wildcard`, `udp`, `smtp` (TCP 25), `networks`."""

    set: int
    entry: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointsSeen:
    """The list (without its addresses), what was tried of it, and the rules held against its networks."""

    origin: Origin
    version: str
    as_of: datetime
    now: datetime
    trouble: str
    sets: tuple[EndpointSet, ...]
    tried: tuple[Tried, ...]
    untested: tuple[Untested, ...]
    too_many: int = 0
    decoy: str = ""
    """How the attempt at the address where nothing can answer ended; empty if there was none."""
    networks: int = 0
    """How many networks the sets have."""
    missing_rules: tuple[str, ...] = ()
    stale_rules: tuple[str, ...] = ()


def unreached(one: Tried, seen: EndpointsSeen) -> Finding:
    """Return the finding about a host and port that did not accept."""
    subject = f"{safe(one.host, limit=253)}:{one.port}"
    where = f" at {safe(one.address, limit=60)}" if one.address else ""
    say = {"expected": "open", "observed": f"{one.outcome}{where}: {safe(one.detail, limit=200)}"}
    if one.outcome in HERE:
        return cannot_tell(
            subject,
            "This laptop could not try the host.",
            fix="Mend this laptop's link, resolver or own firewall first, then run again.",
            **say,
        )
    if one.outcome == "no address":
        weighty = any(item.id in one.sets and item.category != "Default" for item in seen.sets)
        make = failed if weighty else warned
        return make(
            subject,
            "The name has no address here.",
            fix="A DNS filter blocks it, or Microsoft no longer uses it: ask another resolver, then "
            "unblock it or name it in 'exclude'.",
            **say,
        )
    if one.outcome == "diverted":
        return failed(
            subject,
            "The name leads to an address inside, not to Microsoft.",
            fix="Take it out of the DNS filter or the internal zone that answers for it.",
            **say,
        )
    return failed(
        subject,
        "The host cannot be reached.",
        fix="Allow it in the firewall (or let the proxy pass it by); users will meet the same.",
        **say,
    )


def one_place(open_: Sequence[Tried], replaced: Container[str]) -> str:
    """Return the address that all of at least four open hosts lead to by DNS; empty if they do not.

    One in a network that the list publishes is Microsoft's.
    """
    led = [one for one in open_ if one.host not in replaced]
    addresses = {one.address for one in led}
    few = len({one.host for one in led}) < _FEW or len(addresses) != 1 or any(one.published for one in led)
    return "" if few else addresses.pop()


def untested(subject: str, seen: EndpointsSeen) -> Iterable[Finding]:
    """Return the findings about sets of which nothing could be tried."""
    tried = {number for one in seen.tried for number in one.sets}
    bare = [item for item in seen.untested if item.set not in tried and item.why in ("wildcard", "networks")]
    categories = {item.id: item.category for item in seen.sets}
    for number in dict.fromkeys(item.set for item in bare):
        mine = [item for item in bare if item.set == number]
        if categories.get(number) == "Default":
            continue
        yield cannot_tell(
            f"endpoint set {number}",
            "Nothing of this set can be tried: it has wildcards only.",
            expected="at least one host to try",
            observed=entries(mine),
            fix="Give 'tenant' (for SharePoint) or 'wildcards', or leave the set out by 'exclude'.",
        )
    minor = [item for item in bare if categories.get(item.set) == "Default"]
    if minor:
        yield warned(
            subject,
            f"Of {len({item.set for item in minor})} sets of category Default nothing can be tried.",
            expected="at least one host of each set to try",
            observed=entries(minor),
            fix="Compare them with the rules of firewall and proxy by eye, or name them in 'exclude'.",
        )


def ruled(rules: Sequence[str], seen: EndpointsSeen) -> Iterable[Finding]:
    """Return the findings about the firewall's rules."""
    subject = "firewall rules"
    families = " and ".join(sorted({"IPv6" if ":" in rule else "IPv4" for rule in rules}))
    say: dict[str, Any] = {"expected": f"all {families} networks of the {seen.origin} list"}
    if seen.networks <= 0:
        yield cannot_tell(
            subject,
            "The sets of these services have no networks to hold the rules against.",
            observed="no network",
            fix="Name services with networks, such as Exchange, or leave 'firewall' out.",
            **say,
        )
        return
    if seen.missing_rules:
        make = warned if seen.origin == "shipped" else failed
        yield make(
            subject,
            f"{len(seen.missing_rules)} published networks are not in the rules and will be blocked.",
            observed=f"missing: {safe(', '.join(seen.missing_rules), limit=600)}",
            fix="Add these networks to the rules for Microsoft 365.",
            **say,
        )
    if seen.stale_rules and seen.origin != "shipped":
        yield warned(
            subject,
            f"{len(seen.stale_rules)} rules are for networks that Microsoft no longer publishes.",
            observed=f"stale: {safe(', '.join(seen.stale_rules), limit=600)}",
            fix="Remove these networks: they may belong to others now.",
            **say,
        )
    if not seen.missing_rules and not (seen.stale_rules and seen.origin != "shipped"):
        yield passed(
            subject,
            f"The rules cover the published {families} networks.",
            observed=f"none of {seen.networks} missing",
            **say,
        )


def entries(items: Sequence[Untested]) -> str:
    """Return entries of the list with their sets."""
    return safe(", ".join(dict.fromkeys(f"{item.entry} (set {item.set})" for item in items)), limit=800)
