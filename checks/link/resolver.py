"""link.resolver: the DNS servers this laptop was handed are the planned ones, answer, and do not lie."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import statistics
from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Len
from checks.contract import Check, Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.params import Address, DomainName, Duration, bracketed
from checks.safe import safe
from checks.wire.dns import Answer, Dns

TIMES = 3
_OWN = "gonogo's own choice"
_STUBS = ("127.0.0.53", "127.0.0.54")
_LAPTOP = "this laptop"
_IMPLAUSIBLE = "an address that no service on a network can have"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSeen:
    """One resolver: `probes` are the answers for the names that exist, `made_up` for names that do not."""

    address: str
    source: str
    interface: str | None = None
    probes: tuple[Answer, ...] = ()
    made_up: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolversSeen:
    """The resolvers in the system's order; `unread` says what could not be read of this machine."""

    servers: tuple[ServerSeen, ...]
    unread: tuple[str, ...] = ()


class Resolver(Check[ResolversSeen]):
    """The DNS servers that this laptop was handed are the planned ones, answer, and invent nothing.

    Proves: each of them resolves the probe names for this laptop, how fast, and what it says of names that
    cannot exist: a server that gives them an address (captive portal, ISP, malware) lies about others too.
    Cannot prove: that every other name is answered truly, nor what other machines were handed.
    If it fails: correct the DNS servers that DHCP hands out; where they are the planned ones, mend the
    server that is named.

    Source: RFC 2132 section 3.8 and RFC 8106 (where resolvers come from), RFC 6761 section 6.4 (`.invalid`
    never exists), RFC 8020 (NXDOMAIN); `dns.msftncsi.com` is the name that Windows probes itself.

    Example:
        type: link.resolver
        expect: [192.0.2.53, 2001:db8::53]
        probe: [intranet.example.com]
    """

    expect: tuple[Address, ...] = ()
    """The planned resolvers, in any order; left out, whichever were handed out are tested."""
    probe: Annotated[tuple[DomainName, ...], Len(1)] = ("dns.msftncsi.com",)
    """Names that must resolve to an address at every resolver."""
    slow: Duration = 0.2
    """The median answer to a probe beyond this is a warning."""

    def __post_init__(self) -> None:
        if not self.probe:
            raise ValueError(
                "'probe' is empty, which would test nothing: name at least one host that exists."
            )
        if len(set(self.expect)) < len(self.expect):
            raise ValueError("'expect' names the same resolver twice.")

    def subject(self) -> str:
        return "this laptop's resolvers"

    async def observe(self, vantage: Vantage) -> ResolversSeen:
        from checks.local.facts import ResolverFact, read_local

        host = await read_local(vantage.shared)
        client = await vantage.client(Dns)
        timeout = min(2.0, vantage.remaining() * 0.9 / 5)
        label = secrets.token_hex(8)
        made_up = (f"gonogo-{label}.invalid", f"gonogo-{label}.{self.probe[0]}")

        async def probe(server: str, name: str) -> tuple[Answer, ...]:
            answers = [await client.ask(server, name, "A", timeout=timeout, tries=2)]
            if answers[0].rcode == "NOERROR" and not answers[0].chain().records:
                answers = [await client.ask(server, name, "AAAA", timeout=timeout, tries=1)]
            while len(answers) < TIMES and answers[0].error is None:
                answers.append(await client.ask(server, name, answers[0].rdtype, timeout=timeout, tries=1))
            return tuple(answers)

        async def look(address: str, source: str, interface: str | None) -> ServerSeen:
            server = bracketed(address)
            probing = asyncio.gather(*(probe(server, name) for name in self.probe))
            lying = asyncio.gather(*(client.ask(server, name, "A", timeout=timeout) for name in made_up))
            probes, lies = await asyncio.gather(probing, lying)
            return ServerSeen(
                address=address,
                source=source,
                interface=interface,
                probes=tuple(answer for answers in probes for answer in answers),
                made_up=tuple(lies),
            )

        facts: dict[str, ResolverFact] = {}
        for fact in host.resolvers:
            facts.setdefault(fact.address, fact)
        looks = [look(fact.address, fact.source, fact.interface) for fact in facts.values()]
        return ResolversSeen(servers=tuple(await asyncio.gather(*looks)), unread=host.unread)

    def judge(self, seen: ResolversSeen) -> Iterable[Finding]:
        if not seen.servers:
            yield self._none(seen)
            return
        yield from self._planned(seen)
        for server in seen.servers:
            yield from self._answers(server)
            if any(answer.rcode is not None for answer in (*server.probes, *server.made_up)):
                yield self._honest(server)

    def _none(self, seen: ResolversSeen) -> Finding:
        planned = ", ".join(self.expect) or "at least one DNS server"
        fix = "Check that DHCP or router advertisements hand out DNS servers on this network, or set them."
        if seen.unread:
            return cannot_tell(
                _LAPTOP,
                "This laptop's DNS servers could not be read.",
                expected=planned,
                observed=safe(" ".join(seen.unread), limit=400),
                fix=fix,
            )
        return failed(
            _LAPTOP, "This laptop was handed no DNS server.", expected=planned, observed="none", fix=fix
        )

    def _planned(self, seen: ResolversSeen) -> Iterable[Finding]:
        """Compare what was handed out with the plan; a stub hides what it asks."""
        if not self.expect:
            return
        expected = ", ".join(self.expect)
        handed = [server.address for server in seen.servers]
        hidden = [address for address in handed if address in _STUBS and address not in self.expect]
        for server in seen.servers:
            if server.address not in self.expect and server.address not in hidden:
                yield failed(
                    server.address,
                    "This laptop asks a DNS server that is not planned.",
                    expected=expected,
                    observed=f"{server.address} (from {_source(server)})",
                    fix="Correct the DHCP scope or router advertisement; look for a VPN, a fixed "
                    "setting on this laptop, or a second DHCP server.",
                )
        for address in self.expect:
            if address in handed:
                continue
            if hidden:
                yield cannot_tell(
                    address,
                    "Which DNS servers this laptop's local stub asks could not be seen.",
                    expected=expected,
                    observed=f"{', '.join(hidden)} (stub of systemd-resolved)",
                    fix="Compare 'resolvectl status' with the plan, or run where resolvectl is installed.",
                )
            else:
                yield failed(
                    address,
                    "A planned DNS server was not handed to this laptop.",
                    expected=expected,
                    observed=", ".join(handed),
                    fix="Add it to the DHCP scope or router advertisement and renew this laptop's lease.",
                )

    def _answers(self, server: ServerSeen) -> Iterable[Finding]:
        """Judge whether the probe names resolve to something plausible, and how fast."""
        times = []
        for name in self.probe:
            answers = [answer for answer in server.probes if answer.name == name]
            if not answers:
                continue
            times += [answer.rtt_ms for answer in answers if answer.rtt_ms is not None]
            yield self._probe(server.address, name, answers)
        if times:
            yield within(
                server.address,
                Measure(
                    name="Median time of an answer", value=statistics.median(times), unit="ms",
                    warn=self.slow * 1000,
                    source=_OWN if self.slow == type(self).slow else "limit set in the project",
                ),
                fix="Look at the resolver's load and at the way to it and to its forwarders.",
            )  # fmt: skip

    def _probe(self, subject: str, name: str, answers: list[Answer]) -> Finding:
        expected = f"{name} resolves to an address"
        bad = next((answer for answer in answers if answer.error or answer.rcode != "NOERROR"), None)
        if bad is not None and bad.error in ("not sent", "truncated", "unknown host"):
            return cannot_tell(
                subject,
                "The DNS server could not be asked from here.",
                expected=expected,
                observed=f"{bad.error}: {safe(bad.detail, limit=200)}",
                fix="Check this laptop's own address and route for that address family, then run again.",
            )
        if bad is not None:
            lost = sum(answer.error == "timeout" for answer in answers)
            observed = (
                f"{bad.error}: {safe(bad.detail, limit=200)}" if bad.error else f"{bad.rcode} for {name}"
            )
            if bad.error == "timeout" and lost < len(answers):
                return warned(
                    subject,
                    f"The DNS server left {lost} of {len(answers)} questions unanswered.",
                    expected=expected,
                    observed=observed,
                    fix="Look for loss on the way to it (network.ping) and at its load.",
                )
            return failed(
                subject,
                "The DNS server gives no answer."
                if bad.error
                else f"The DNS server does not resolve {name}.",
                expected=expected,
                observed=observed,
                fix="Check that it is up, serves this network, and reaches its forwarders or the roots.",
            )
        addresses = sorted({r.text for answer in answers for r in answer.chain().records})
        shown = safe(", ".join(addresses), limit=300) or "no address"
        wrong = [address for address in addresses if not plausible(address)]
        if not addresses or wrong:
            what = f"answers {name} with {_IMPLAUSIBLE}" if wrong else f"has no address for {name}"
            return failed(
                subject,
                f"The DNS server {what}.",
                expected=expected,
                observed=shown,
                fix="Look for a blocker or portal in the server; correct 'probe' if the name has no address.",
            )
        return passed(subject, f"The DNS server resolves {name}.", expected=expected, observed=shown)

    def _honest(self, server: ServerSeen) -> Finding:
        """Judge what the server said of names that do not exist."""
        expected = "NXDOMAIN for names that do not exist"
        invented = [answer for answer in server.made_up if answer.records]
        observed = "; ".join(f"{answer.name}: {_said(answer)}" for answer in invented or server.made_up)
        if any(answer.name.endswith(".invalid") for answer in invented):
            return failed(
                server.address,
                "The DNS server invents addresses for names that cannot exist.",
                expected=expected,
                observed=safe(observed, limit=400),
                fix="Sign in to the captive portal, or switch off NXDOMAIN rewriting at the provider or in "
                "the security product; a rogue DHCP server hands out such resolvers as well.",
                reference="RFC 6761 section 6.4",
            )
        if invented:
            return warned(
                server.address,
                "The DNS server answers for a random name below the probe's: a wildcard there, or invented.",
                expected=expected,
                observed=safe(observed, limit=400),
                fix="Use a probe name without a wildcard, to tell the two apart.",
            )
        if all(answer.rcode is None for answer in server.made_up):
            return cannot_tell(
                server.address,
                "Whether the DNS server invents names could not be seen: it said nothing of them.",
                expected=expected,
                observed=safe(observed, limit=400) or "not asked",
                fix="Mend what keeps the server from answering first, then run again.",
            )
        if any(answer.rcode is None for answer in server.made_up):
            return warned(
                server.address,
                "The DNS server invents no names of its own; of others it gave no answer.",
                expected=expected,
                observed=safe(observed, limit=400),
                fix="Mend its way to its forwarders or the roots, then run again.",
            )
        return passed(
            server.address,
            "The DNS server invents no names.",
            expected=expected,
            observed=safe(observed, limit=400),
        )


def plausible(address: str) -> bool:
    """Return whether a host on a network can have `address`: not 0.0.0.0, loopback, multicast, link-local."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    in_zero = ip.version == 4 and ip in ipaddress.ip_network("0.0.0.0/8")
    return not (ip.is_unspecified or ip.is_loopback or ip.is_multicast or ip.is_link_local or in_zero)


def _said(answer: Answer) -> str:
    return ", ".join(record.text for record in answer.records) or answer.rcode or answer.error or "nothing"


def _source(server: ServerSeen) -> str:
    return server.source + (f", {server.interface}" if server.interface else "") or "the system"
