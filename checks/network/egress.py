"""network.egress: this network reaches the Internet from the planned public address."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.network._web import no_answer
from checks.params import Network, Url
from checks.safe import safe
from checks.wire.http import Exchange, Request, exchange
from checks.wire.names import Family
from checks.wire.tcp import budget

_KEYS = ("ip", "query", "origin", "address", "ip_addr", "ipAddress")


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressSeen:
    """The answer of each service, in the order of the parameter."""

    answers: tuple[Exchange, ...]


class Egress(Check[EgressSeen]):
    """Services on the Internet see this laptop come from a planned public address.

    Each service of `via` is asked for the address that it sees: plain text, or JSON with `ip`, `query`,
    `origin` or `address`. Nothing is asked that the project does not name; known services are
    https://api.ipify.org, https://checkip.amazonaws.com and https://icanhazip.com, or a page of your own.
    Every service that answers must see a planned address (two lines show as two); one answer is enough.

    Proves: HTTP connections from here leave by that address now; with `nat`, whether it is this laptop's own.
    Cannot prove: that other traffic takes the same way (policy routing, VPN split tunnels, other families).
    If it fails: correct the NAT rule or the route by which this network leaves, or the address in the
    project.

    Source: RFC 3022 (NAT), RFC 4787 section 4; the services' own pages for what they answer.

    Example:
        type: network.egress
        via: [https://checkip.amazonaws.com, https://api.ipify.org]
        expect: [203.0.113.0/29]
    """

    deadline_s = 15.0

    via: Annotated[tuple[Url, ...], Len(1, 8)]
    """Services that answer with the address they see."""
    expect: tuple[Network, ...] = ()
    """Networks that the public address must lie in."""
    nat: Literal["present", "absent"] | None = None
    """Whether addresses must be translated on the way: `present` or `absent`."""
    family: Family = "any"
    """Ask over `ipv4` or `ipv6` only; `any` is the system's choice."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""

    def __post_init__(self) -> None:
        if not self.expect and self.nat is None:
            raise ValueError("Nothing is expected: give the networks of the public address (expect), or nat.")

    def subject(self) -> str:
        return ", ".join(self.via)

    def needs_link(self) -> bool:
        return not all(is_loopback(url) for url in self.via)

    async def observe(self, vantage: Vantage) -> EgressSeen:
        within = budget(vantage)
        requests = (
            Request(url=url, family=self.family, ca_file=self.ca_file, max_body=4096) for url in self.via
        )
        answers = await asyncio.gather(*(exchange(vantage, request, within) for request in requests))
        return EgressSeen(answers=tuple(answers))

    def judge(self, seen: EgressSeen) -> Iterable[Finding]:
        addresses = [(answer, address_in(answer)) for answer in seen.answers]
        for answer, address in addresses:
            where = safe(answer.url, limit=200)
            if address is not None:
                yield from self._judge_address(where, answer, address)
        if any(address is not None for _, address in addresses):
            return
        for answer, _ in addresses:
            yield _no_address(safe(answer.url, limit=200), answer)

    def _judge_address(self, where: str, answer: Exchange, address: str) -> Iterable[Finding]:
        if self.expect:
            expected = ", ".join(self.expect)
            inside = any(
                ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in self.expect
            )
            if inside:
                yield passed(
                    where, "The public address is a planned one.", expected=expected, observed=address
                )
            else:
                yield failed(
                    where,
                    "The public address is not a planned one.",
                    expected=expected,
                    observed=address,
                    fix="Find which line or tunnel is used (failover, VPN, proxy), or correct the plan.",
                )
        if self.nat is None:
            return
        if answer.local_address is None:
            yield cannot_tell(
                where,
                "This laptop's own address is not known, so NAT cannot be told.",
                fix="Run it again while the laptop has a link.",
            )
            return
        translated = ipaddress.ip_address(answer.local_address.partition("%")[0]) != ipaddress.ip_address(
            address
        )
        say = {"expected": f"NAT {self.nat}", "observed": f"{answer.local_address} is seen as {address}"}
        if translated == (self.nat == "present"):
            yield passed(
                where,
                "Address translation is as planned.",
                expected=say["expected"],
                observed=say["observed"],
            )
        else:
            yield failed(
                where,
                "Address translation is not as planned.",
                fix="Check the router's NAT rules and which network this laptop is in.",
                **say,
            )


def address_in(answer: Exchange) -> str | None:
    """Return the address that a service said it saw, None where its answer holds none."""
    if answer.status != 200 or answer.trouble is not None or answer.cut:
        return None
    text = answer.body.decode("latin-1").strip()
    found: Any = text
    if text.startswith("{"):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None
        found = next((data[key] for key in _KEYS if key in data), None)
    if not isinstance(found, str) or len(found) > 64:
        return None
    try:
        address = ipaddress.ip_address(found.strip())
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _no_address(where: str, answer: Exchange) -> Finding:
    if answer.status is None and answer.trouble is not None:
        said = no_answer(where, answer, answer.trouble)
        return cannot_tell(
            where,
            f"The service could not be asked. {said.message}",
            expected="an address",
            observed=said.observed,
            fix=said.fix,
        )
    body = answer.body.decode("utf-8", errors="replace").strip()
    return cannot_tell(
        where,
        "The service answered, but not with an address: a portal, a filter or another page.",
        expected="an address as text or JSON",
        observed=f"{answer.status} {safe(body, limit=120)}".strip(),
        fix="Open the page in a browser; test network.captive first, or ask another service.",
    )
