"""What keeps an answer of Microsoft's services from being one: said as what could not be tested."""

from __future__ import annotations

import math
import re
from datetime import datetime
from email.utils import parsedate_to_datetime

from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.graph_access import Access, Call, without
from checks.wire.http import Exchange, place

RETRIED = frozenset({429, 500, 502, 503, 504})
_NUMBER = re.compile(r"AADSTS(\d{4,8})")
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?\Z")
_LOGIN: dict[int, tuple[str, str]] = {
    90002: (
        "there is no tenant {tenant}",
        "Correct tenant_id: it is the directory (tenant) ID of the overview page in Entra.",
    ),
    700016: (
        "the application {client} is not registered in the tenant {tenant}",
        "Correct client_id or tenant_id, or let an administrator consent to the application in this tenant.",
    ),
    7000112: (
        "the application {client} is disabled",
        "Enable the application under Enterprise applications in Entra.",
    ),
    7000215: (
        "the client secret is wrong",
        "Give the secret's value, not its ID, for this application; make a new one if it is lost.",
    ),
    7000222: (
        "the client secret has expired",
        "Make a new client secret for the application and put its value where the reference points.",
    ),
    700027: (
        "the certificate is not registered for the application, or its key does not sign for it",
        "Upload the certificate to the application's registration, or give the key that belongs to it.",
    ),
    53003: (
        "a conditional access policy blocks this application",
        "Exclude this application, or this place, from the policy for workload identities.",
    ),
}


def unanswered(seen: Exchange, what: str, *secrets: str) -> CannotTell | None:
    """Return why there is no whole HTTP answer of a Microsoft service, None if there is one."""
    host = safe(place(seen.url).host, limit=100)
    trouble = seen.trouble
    if trouble is not None and trouble.kind == "untrusted":
        return CannotTell(
            f"The certificate that {host} shows is not trusted here ({safe(trouble.detail, limit=200)}), so "
            f"{what} was not asked for.",
            "Take this host out of TLS inspection (see m365.frontdoor), or name its authority in ca_file.",
        )
    if trouble is not None:
        return CannotTell(
            f"{host} gave no whole answer about {what}: {trouble.kind} in phase {trouble.phase} "
            f"({safe(trouble.detail, limit=200)}).",
            f"Mend the way from this laptop to {host} (DNS, firewall, proxy), then run again.",
        )
    if seen.cut:
        return CannotTell(
            f"The answer of {host} about {what} is larger than is read ({seen.body_bytes} bytes).",
            "See what answers there: the real service cuts its answers into pages.",
        )
    coding = (seen.header("content-encoding") or "").strip().lower()
    if coding not in ("", "identity"):
        return CannotTell(
            f"The answer of {host} about {what} is compressed although that was not asked for.",
            "Find the proxy on the way that does so, and let it pass this host unchanged.",
        )
    if seen.status is not None and 300 <= seen.status < 400:
        to = safe(without(seen.header("location") or "nowhere", *secrets), limit=200)
        return CannotTell(
            f"{host} redirects to {to} instead of answering about {what}; that was not followed.",
            "Find what answers in Microsoft's place: a proxy, a captive portal, a wrong base URL.",
        )
    return None


def web_page(seen: Exchange) -> bool:
    """Return whether HTML came where JSON was asked for."""
    kind = (seen.header("content-type") or "").lower()
    return "html" in kind or seen.body.lstrip()[:1] == b"<"


def not_json(seen: Exchange, what: str, why: str) -> CannotTell:
    """Return what to say of an answer that is no JSON of the documented shape."""
    host = safe(place(seen.url).host, limit=100)
    if web_page(seen):
        return CannotTell(
            f"A web page (status {seen.status}) came where {host} should have answered about {what}.",
            "A proxy or a captive portal answers in its place: log in to it, or take this host out of it.",
        )
    return drifted(what, f"{why}, status {seen.status}")


def drifted(what: str, why: str) -> CannotTell:
    """Return what to say of an answer whose shape is not the documented one."""
    return CannotTell(
        f"The answer about {what} does not have its documented shape: {safe(why, limit=300)}.",
        "Look at it in the Microsoft 365 admin centre for now, and see whether a newer version of this tool "
        "reads it.",
    )


def throttled(what: str, status: int, asked: float | None, left: float) -> CannotTell:
    """Return what to say when throttling, or an outage, outlasts the check."""
    word = "throttles this application" if status == 429 else "is not available"
    wants = f"asks to wait {asked:.3g} s" if asked is not None else "does not say how long to wait"
    return CannotTell(
        f"Microsoft {word} (status {status}) for {what}: it {wants}, and {max(0.0, left):.3g} s are left.",
        "Run again later, give the check a longer timeout, and see what else asks as the same application.",
    )


def refused_login(access: Access, name: str, words: str) -> CannotTell:
    """Return what to say when the login gives no token; `words` are the service's own, without secrets."""
    found = _NUMBER.search(words[:2000])
    known = _LOGIN.get(int(found[1])) if found else None
    said = safe(words or name, limit=300)
    if known is None:
        return CannotTell(
            f"Microsoft's login gives no token to application {access.client}: {said}.",
            "Look the AADSTS number up in Microsoft's list of error codes, and mend the registration.",
        )
    why, fix = known
    why = why.format(tenant=safe(access.tenant, limit=80), client=safe(access.client, limit=80))
    return CannotTell(f"Microsoft's login gives no token: {why} ({said}).", fix)


def forbidden(call: Call, access: Access, code: str, words: str) -> CannotTell:
    """Return what to say when Graph refuses a call: it was not tested, and which permission is missing."""
    said = safe(f"{code}: {words}", limit=300)
    return CannotTell(
        f"Not tested: the application {access.client} may not read {call.what} ({said}).",
        f"Grant the application permission {call.permission} to it in Entra, with admin consent."
        + (f" {call.refused}" if call.refused else ""),
    )


def wait_s(header: str | None, now: datetime) -> float | None:
    """Return the seconds that Retry-After asks for: a number or a date (RFC 9110 section 10.2.3), or None."""
    text = (header or "").strip()[:100]
    if _SECONDS.match(text):
        return float(text)
    try:
        seconds = (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
