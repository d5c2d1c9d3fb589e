"""Autodiscover over HTTP: who answers at the bare domain, where plain HTTP leads, who claims a mailbox."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin, urlsplit

from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import parse_url
from checks.safe import safe
from checks.vantage import Vantage
from checks.wire.http import Exchange, Request, exchange
from checks.words import Finding

_BODY = 65536
_EXCERPT = 2000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HERE = frozenset({"no_route", "barred", "local"})
"""How a connection fails that this laptop itself does not let out."""
CLOUD_HOSTS = (
    "outlook.com", "office365.com", "office.com", "cloud.microsoft", "office365.us", "outlook.cn",
)  # fmt: skip
"""Domains of Exchange Online's hosts, in all clouds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request's end; texts are raw. `kind` and `outcome` say how it failed (see `checks.wire.http`)."""

    url: str
    status: int | None = None
    location: str | None = None
    body: str = ""
    kind: str | None = None
    outcome: str | None = None
    detail: str = ""

    @property
    def local(self) -> bool:
        """Return whether this laptop could not ask, so that nothing is known."""
        return self.kind == "local" or self.outcome in _HERE


async def probe(vantage: Vantage, request: Request, within: float) -> Probe:
    """Send one request and keep what is judged of the answer."""
    seen: Exchange = await exchange(vantage, request, within)
    trouble = seen.trouble if seen.status is None else None
    location = seen.header("location") if seen.status in _REDIRECTS else None
    if location is not None:
        location = _absolute(request.url, location)
    return Probe(
        url=request.url, status=seen.status, location=location,
        body=seen.body[:_EXCERPT].decode("utf-8", "replace"),
        kind=trouble.kind if trouble else None,
        outcome=seen.attempts[-1].outcome if trouble and seen.attempts else None,
        detail=trouble.detail[:_EXCERPT] if trouble else "",
    )  # fmt: skip


def _absolute(url: str, location: str) -> str | None:
    """Return where a redirect leads, or None where that is no http URL."""
    if len(location) > _EXCERPT:
        return None
    try:
        target: str = parse_url(urljoin(url, location.strip()))
    except ValueError:
        return None
    return target


def host_of(url: str | None) -> str:
    """Return the host of a URL in lower case, or nothing."""
    try:
        return (urlsplit(url or "").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def is_cloud(host: str, also: str = "") -> bool:
    """Return whether a host is one of Exchange Online, or the one that stands in for it (`also`)."""
    return host == also or any(host == name or host.endswith(f".{name}") for name in CLOUD_HOSTS)


def judge_root(hops: tuple[Probe, ...], right: Iterable[str], *, microsoft: bool) -> Iterable[Finding]:
    """Say whether something answers for autodiscover at the bare domain, beside the hosts in `right`."""
    first, last = hops[0], hops[-1]
    subject = safe(first.url, limit=300)
    fix = (
        "Have the web host of the bare domain switch off autodiscover (cPanel and Plesk answer for it), or "
        "answer 404 to /autodiscover/."
    )
    expected = "no answer, or 404"
    observed = f"{last.status} from {safe(last.url, limit=300)}" if last.status else _failure(last)
    host = host_of(last.location)
    if last.local:
        yield cannot_tell(
            subject, "This laptop could not ask the web server of the bare domain.", expected=expected,
            observed=observed, fix="Mend this laptop's network or name resolution, then run again.",
        )  # fmt: skip
    elif last.location is not None and (host in right or (microsoft and is_cloud(host))):
        yield passed(
            subject, "The web server of the bare domain leads clients on to the right place.",
            expected=expected, observed=f"{last.status} to {safe(last.location, limit=300)}",
        )  # fmt: skip
    elif last.location is not None and host == host_of(last.url):
        yield warned(
            subject, "The web server of the bare domain redirects Outlook in a circle, or to plain HTTP.",
            expected=expected, observed=f"{last.status} to {safe(last.location, limit=300)}", fix=fix,
        )  # fmt: skip
    elif last.location is not None:
        yield warned(
            subject, "The web server of the bare domain leads Outlook to another host.", expected=expected,
            observed=f"{last.status} to {safe(last.location, limit=300)}", fix=fix,
        )  # fmt: skip
    elif last.status in (200, 401):
        yield warned(
            subject,
            "The web server of the bare domain answers for autodiscover: Outlook asks it first, and users "
            "are asked for a password that it does not know.",
            expected=expected, observed=observed, fix=fix,
        )  # fmt: skip
    elif last.status is not None:
        yield passed(
            subject, "The web server of the bare domain has nothing for Outlook.", expected=expected,
            observed=observed,
        )  # fmt: skip
    elif last.kind == "untrusted":
        yield warned(
            subject, "The certificate of the bare domain's web server is not valid for it: Outlook may warn.",
            expected=expected, observed=observed,
            fix="Give the web server a certificate for the bare domain, or close its port 443.",
        )  # fmt: skip
    elif last.kind == "timeout" or last.outcome in ("timeout", "unreachable"):
        yield warned(
            subject,
            "Nothing answers at the bare domain: Outlook waits for it in vain, or this network hides it.",
            expected=expected, observed=observed,
            fix="Ask from another network too; have the port refused instead of dropped.",
        )  # fmt: skip
    else:
        yield passed(
            subject, "No web server answers for autodiscover at the bare domain.", expected=expected,
            observed=observed,
        )  # fmt: skip


def judge_redirect(seen: Probe, planned: str, *, microsoft: bool) -> Iterable[Finding]:
    """Say where plain HTTP sends a client on to."""
    subject = safe(seen.url, limit=300)
    expected = f"a redirect to https://{planned}" + (" or another host of Microsoft" if microsoft else "")
    observed = (
        f"{seen.status}, {safe(seen.location or 'no redirect', limit=300)}" if seen.status else _failure(seen)
    )
    host = host_of(seen.location)
    right = host == planned or (microsoft and is_cloud(host))
    if seen.status is None:
        tell = cannot_tell if seen.local else warned
        yield tell(
            subject, "The redirect over plain HTTP could not be tried.", expected=expected, observed=observed,
            fix="Open TCP port 80 from here, or leave it out (redirect: false).",
        )  # fmt: skip
    elif right and (seen.location or "").startswith("https:"):
        yield passed(subject, "Plain HTTP leads on to the right place.", expected=expected, observed=observed)
    else:
        yield failed(
            subject, "Plain HTTP does not lead to the planned place over https.", expected=expected,
            observed=observed, fix=f"Find out which server answers there, and lead the name to {planned}.",
        )  # fmt: skip


def judge_mailbox(mailbox: str, seen: Probe, base: str, planned: str, *, hybrid: bool) -> Finding:
    """Say who claims a mailbox, by the answer of the version 2 service."""
    subject = safe(mailbox, limit=300)
    expected = "a place of the mailbox" if hybrid else "Exchange Online as the place of the mailbox"
    raw = f"{seen.status} {safe(seen.body, limit=200)}".strip() if seen.status else _failure(seen)
    retry = "Ask again later; if it stays so, look at the mailbox in the Microsoft 365 admin centre."
    data = _object(seen.body)
    code = str(data.get("ErrorCode", ""))[:100]
    place = seen.location if seen.status in _REDIRECTS else data.get("Url") if seen.status == 200 else None
    if seen.status == 404 or "notfound" in code.lower():
        return failed(
            subject, "Autodiscover does not know the mailbox.", expected=expected, observed=raw,
            fix="Check the address, the user's licence and that the mailbox is made; a new one takes time.",
        )  # fmt: skip
    if not isinstance(place, str) or not host_of(place):
        why = f"It says {safe(code, limit=100)}." if code else "Its answer has another form than is known."
        if seen.status is None:
            why = "It could not be asked."
        return cannot_tell(
            subject, f"Where the mailbox is cannot be told from the service. {why}", expected=expected,
            observed=raw, fix=retry,
        )  # fmt: skip
    observed = f"{seen.status} {safe(place, limit=300)}"
    if is_cloud(host_of(place), host_of(base)):
        return passed(subject, "Exchange Online claims the mailbox.", expected=expected, observed=observed)
    domain = mailbox.rpartition("@")[2].lower()
    if hybrid and (host_of(place) in (planned, domain) or host_of(place).endswith(f".{domain}")):
        return passed(subject, "The mailbox is still on site.", expected=expected, observed=observed)
    if hybrid:
        return warned(
            subject, "Autodiscover leads neither to Exchange Online nor to the planned server on site.",
            expected=f"Exchange Online or {planned}", observed=observed,
            fix="Correct 'expect' if that server is yours; if not, find out who set this address.",
        )  # fmt: skip
    return failed(
        subject, "The mailbox is not in Exchange Online yet: autodiscover leads to another place.",
        expected=expected, observed=observed,
        fix="Finish the migration of this mailbox; if it is done, correct the user's mail attributes.",
    )  # fmt: skip


def _object(body: str) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _failure(seen: Probe) -> str:
    return f"{seen.outcome or ''} {seen.kind or 'no answer'}: {safe(seen.detail, limit=200)}".strip()
