"""Fetching an MTA-STS policy as a sender does, and what it means if there is none (RFC 8461 section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

from checks.contract import Vantage
from checks.judging import cannot_tell, failed, warned
from checks.params import bracketed
from checks.safe import safe
from checks.wire.dns_follow import follow
from checks.wire.dns_lookup import Lookup
from checks.wire.http import Exchange, Request, Trouble, exchange
from checks.wire.mta_sts import MAX_POLICY
from checks.wire.tcp import budget
from checks.words import Finding

SENDERS = (
    "senders that know no earlier policy behave as if there were no MTA-STS, and those that have one keep "
    "to it until its max_age has passed."
)
_ADDRESSES = 2
_UNHEARD = ("timeout", "no_route", "barred", "local")
"""Ends of a connection that say nothing about the host: nobody answered, or this laptop has no way out."""


async def fetched(
    vantage: Vantage, domain: str, resolvers: Sequence[str], connect_to: str | None, ca_file: str | None
) -> tuple[Lookup | None, Exchange | None]:
    """Return how the policy host was looked up (where resolvers are named) and what fetching gave."""
    host = f"mta-sts.{domain}"
    places: list[str | None] = [connect_to]
    found: Lookup | None = None
    if connect_to is None and resolvers:
        found = await follow(vantage, host, "A", resolvers)
        if found.outcome != "found":
            six = await follow(vantage, host, "AAAA", resolvers)
            found = six if six.outcome == "found" or found.outcome != "failed" else found
        if found.outcome != "found":
            return found, None
        places = [bracketed(text) for text in found.texts[:_ADDRESSES]]
    seen: Exchange | None = None
    for number, place in enumerate(places):
        within = budget(vantage) / (len(places) - number)
        seen = await exchange(
            vantage,
            Request(
                url=f"https://{host}/.well-known/mta-sts.txt", connect_to=place, ca_file=ca_file,
                max_body=MAX_POLICY + 1,
            ),
            within,
        )  # fmt: skip
        if seen.status is not None:
            break
    return found, seen


def trouble(subject: str, host: Lookup | None, seen: Exchange | None, planned: str) -> Finding | None:
    """Return why a sender gets no policy, or a warning if only some do; None where all is well."""
    if seen is None:
        return _no_host(subject, host, planned)
    if seen.trouble is not None:
        return _not_fetched(subject, seen, seen.trouble, planned)
    kind = (seen.header("content-type") or "").partition(";")[0].strip().lower()
    observed = f"HTTP {seen.status}"
    if seen.status is not None and 300 <= seen.status < 400:
        return failed(
            subject,
            f"The policy is redirected, which senders do not follow, so {SENDERS}",
            expected="HTTP 200",
            observed=f"{observed} to {safe(seen.header('location') or 'nowhere', limit=200)}",
            fix=f"Serve the policy at https://{subject}/.well-known/mta-sts.txt itself.",
            reference="RFC 8461 section 3.3",
        )
    if seen.status != 200 or seen.cut or not seen.complete or seen.body_bytes > MAX_POLICY:
        size = f", more than {MAX_POLICY} bytes" if seen.cut or seen.body_bytes > MAX_POLICY else ""
        return failed(
            subject,
            f"There is no policy that can be used, so {SENDERS}",
            expected=f"HTTP 200 and at most {MAX_POLICY} bytes",
            observed=observed + size,
            fix="Serve the policy file at /.well-known/mta-sts.txt of that host, or remove the TXT record.",
            reference="RFC 8461 section 3.3",
        )
    if kind != "text/plain":
        return warned(
            subject,
            "The policy is not served as text/plain, so that careful senders do not take it.",
            expected="Content-Type: text/plain",
            observed=safe(kind or "no Content-Type", limit=100),
            fix="Set the web server's type for .well-known/mta-sts.txt to text/plain.",
            reference="RFC 8461 section 3.2",
        )
    return None


def _no_host(subject: str, host: Lookup | None, planned: str) -> Finding:
    if host is None or host.outcome == "failed":
        return cannot_tell(
            subject,
            "The policy host could not be looked up, so the policy is not known.",
            expected=planned,
            observed=safe(host.detail if host is not None else "not looked up", limit=300),
            fix="Mend the lookup first: the resolver, or the domain's name servers.",
        )
    return failed(
        subject,
        f"The policy host has no address, so {SENDERS}",
        expected=planned,
        observed=host.outcome,
        fix=f"Publish an address for {subject} and serve the policy there, or remove the TXT record.",
        reference="RFC 8461 section 3.3",
    )


def _way_out(seen: Exchange) -> str:
    return seen.attempts[-1].outcome if seen.attempts else ""


def _not_fetched(subject: str, seen: Exchange, why: Trouble, planned: str) -> Finding:
    say = {"expected": planned, "observed": f"{why.kind}: {safe(why.detail, limit=300)}"}
    if why.kind == "local" or (seen.names is not None and seen.names.temporary):
        return cannot_tell(
            subject,
            "This laptop could not fetch the policy.",
            fix="Mend this laptop's own network or name resolution, then run again.",
            **say,
        )
    if why.phase == "connect" and (why.kind == "timeout" or _way_out(seen) in _UNHEARD):
        return cannot_tell(
            subject,
            "No connection to the policy host could be made from here, so the policy is not known: the host "
            "may be down, or this network keeps its HTTPS back.",
            fix=f"Open https://{subject}/.well-known/mta-sts.txt from another network, and run it there; "
            "if it is silent there, too, mend the web server or remove the TXT record.",
            **say,
        )
    if why.kind == "untrusted":
        return failed(
            subject,
            f"The policy host's certificate is not valid for it, so {SENDERS}",
            fix=f"Install a certificate for {subject} with its whole chain; if the server has one, look for "
            "something that opens TLS on the way.",
            reference="RFC 8461 section 3.3",
            **say,
        )
    return failed(
        subject,
        f"The policy cannot be fetched, so {SENDERS}",
        fix=f"Serve the policy at https://{subject}/.well-known/mta-sts.txt, and open port 443 to everybody, "
        "or remove the TXT record.",
        reference="RFC 8461 section 3.3",
        **say,
    )
