"""The hosts that MX records name: their addresses, and what is wrong with them as a target."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._names import place_of, shown
from checks.safe import safe
from checks.wire.dns import Dns
from checks.wire.dns_lookup import Lookup, lookup, outcome_of

_TOKEN = re.compile(r"ms[0-9]{1,20}\.msv1\.invalid")
_LITERAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}|\[.*\]|.*:.*", re.DOTALL)
_SOURCE = "RFC 5321 section 5.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One host: its addresses by family, the aliases passed; `failed` says which family gave no answer."""

    host: str
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Both families."""
        return self.ipv4 + self.ipv6


def is_token(host: str) -> bool:
    """Return whether `host` is Microsoft's proof of ownership, which takes no mail."""
    return _TOKEN.fullmatch(host) is not None


def is_literal(host: str) -> bool:
    """Return whether an address stands where a host's name must be."""
    return _LITERAL.fullmatch(host) is not None


async def look_up(vantage: Vantage, host: str, resolvers: Sequence[str], servers: Sequence[str]) -> Target:
    """Return the addresses of `host` from the resolvers; without them, from the authoritative servers."""
    v4, v6 = await asyncio.gather(
        _addresses(vantage, host, "A", resolvers, servers),
        _addresses(vantage, host, "AAAA", resolvers, servers),
    )
    return Target(
        host=host,
        ipv4=v4.texts[:20],
        ipv6=v6.texts[:20],
        aliases=v4.aliases or v6.aliases,
        failed=tuple(f"{found.rdtype}: {found.detail}" for found in (v4, v6) if found.outcome == "failed"),
    )


async def _addresses(
    vantage: Vantage, host: str, rdtype: str, resolvers: Sequence[str], servers: Sequence[str]
) -> Lookup:
    if resolvers:
        return await lookup(vantage, host, rdtype, resolvers)
    client = await vantage.client(Dns)
    found = None
    for server in servers:
        found = outcome_of(await client.ask(place_of(server), host, rdtype, recursion=False))
        if found.outcome != "failed":
            break
    assert found is not None, "there is neither a resolver nor a server"
    return found


def judge_target(target: Target, *, planned: bool, published: bool) -> Finding:
    """Return the finding about one host that is planned, or that some server names in an MX record.

    What is wrong with a host that is not planned is a warning: that it is there at all is judged elsewhere.
    """
    host = safe(target.host)
    expected = "a host with an address of its own"
    observed = shown(target.addresses, none="no address")
    role = "is named in an MX record" if published else "is planned as mail exchanger"
    wrong = failed if planned else warned
    if target.aliases:
        return wrong(
            host,
            f"{host} {role} and is an alias (CNAME) of {shown(target.aliases[-1:])}, which it may not be.",
            expected=expected,
            observed=f"CNAME {shown(target.aliases)}; {observed}",
            fix="Name the host at the end of the alias in the MX record, or give this host addresses.",
            reference="RFC 2181 section 10.3, RFC 5321 section 5.1",
        )
    if not target.addresses and target.failed:
        return cannot_tell(
            host,
            f"The addresses of {host} could not be looked up.",
            expected=expected,
            observed=safe("; ".join(target.failed), limit=300),
            fix="Name a resolver that answers for that host in 'resolvers', and run again.",
        )
    if not target.addresses:
        return wrong(
            host,
            f"{host} {role} and has no address.",
            expected=expected,
            observed=observed,
            fix="Correct the host's name in the MX record, or add its address (A, AAAA) to its zone.",
            reference=_SOURCE,
        )
    if not target.ipv4:
        unknown = any(text.startswith("A:") for text in target.failed)
        return warned(
            host,
            f"{host} {role} and "
            + ("its IPv4 address could not be looked up." if unknown else "has only IPv6 addresses."),
            expected=expected,
            observed=observed,
            fix="Add an IPv4 address (A record): senders without IPv6 cannot deliver."
            if not unknown
            else "Run again, or name another resolver in 'resolvers'.",
            reference=_SOURCE,
        )
    if not target.ipv6 and any(text.startswith("AAAA:") for text in target.failed):
        return warned(
            host,
            f"{host} {role} and has addresses, and whether it has IPv6 ones could not be looked up.",
            expected=expected,
            observed=f"{observed}; {safe('; '.join(target.failed), limit=300)}",
            fix="Run again, or name another resolver in 'resolvers'; if it stays so, have the host's name "
            "servers mended: senders that ask for AAAA first put the mail off.",
            reference=_SOURCE,
        )
    note = "" if target.ipv6 else "; it has no IPv6 address (AAAA), which is no fault"
    other = "" if planned else ", though it is not planned"
    return passed(
        host, f"{host} {role} and has addresses{note}{other}.", expected=expected, observed=observed
    )
