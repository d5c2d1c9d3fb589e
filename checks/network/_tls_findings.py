"""Judging what a TLS server showed: dates, name, chain, issuer, each with its own cause and fix."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from checks.judging import cannot_tell, failed, passed, warned, within
from checks.network._certs import DATE_CODES, NAME_CODES, NO_FIRST, NO_ISSUER, SELF_SIGNED, untrusted
from checks.safe import safe
from checks.wire.tls_certs import Certificate, covers
from checks.wire.tls_chain import Handshake, Shown
from checks.words import Finding, Measure

_INTERCEPTORS = (
    "avast", "avg web", "barracuda", "bitdefender", "blue coat", "bluecoat", "check point", "cisco umbrella",
    "clavister", "eset ssl", "forcepoint", "fortinet", "fortigate", "kaspersky", "mcafee", "netskope",
    "palo alto", "smoothwall", "sonicwall", "sophos", "squid", "symantec web", "trend micro", "untangle",
    "watchguard", "websense", "zscaler",
)  # fmt: skip
"""Words in the issuers of products that open TLS; a hint for the finding's text, never its cause."""


def date_findings(
    where: str, chain: tuple[Certificate, ...], code: int | None, now: datetime, *, warn: int, fail: int
) -> Iterable[Finding]:
    """Judge the dates of every certificate sent against this laptop's clock.

    Days left are the leaf's; an authority that ends before it, within `warn` days, is a warning of its own.
    """
    clock = f"this laptop's clock says {now:%Y-%m-%d %H:%M} UTC"
    said = False
    for number, item in enumerate(chain):
        who = "The certificate" if number == 0 else f"The certificate of the authority {_short(item.subject)}"
        if item.not_before is not None and now < item.not_before:
            said = True
            yield failed(
                where,
                f"{who} is not valid yet: it was just issued, or this laptop's clock is wrong.",
                expected="valid now",
                observed=f"valid from {item.not_before:%Y-%m-%d %H:%M} UTC; {clock}",
                fix="Compare this laptop's clock first; if it is right, wait or issue the certificate again.",
            )
        elif item.not_after is not None and now > item.not_after:
            said = True
            yield failed(
                where,
                f"{who} has expired.",
                expected="valid now",
                observed=f"expired {item.not_after:%Y-%m-%d %H:%M} UTC; {clock}",
                fix="Renew it and reload the service; if this laptop's clock is wrong, set that first.",
            )
    if said:
        return
    if code in DATE_CODES:
        message, fix = untrusted(code)
        yield failed(
            where, f"{message} It is in the trusted set, not in what was sent.", observed=clock, fix=fix
        )
    leaf = chain[0]
    if leaf.not_after is None:
        return
    measure = Measure(
        name="Certificate validity left", value=(leaf.not_after - now) / timedelta(days=1), unit="days",
        warn=float(warn), fail=float(fail), source="min_days and fail_days of this check",
    )  # fmt: skip
    yield within(
        where, measure, least=True,
        fix=f"Renew the certificate before {leaf.not_after:%Y-%m-%d}, or mend its automatic renewal.",
    )  # fmt: skip
    soon = now + timedelta(days=warn)
    for item in chain[1:]:
        if item.not_after is not None and now <= item.not_after < min(soon, leaf.not_after):
            who = f"The certificate of the authority {_short(item.subject)}"
            yield warned(
                where, f"{who} ends before the server's own.",
                expected="valid as long as the server's certificate",
                observed=f"until {item.not_after:%Y-%m-%d %H:%M} UTC",
                fix="Install the chain that the authority gives out today.",
            )  # fmt: skip


def name_findings(where: str, leaf: Certificate, name: str, verified: Handshake | None) -> Iterable[Finding]:
    """Judge whether the certificate is for `name`: OpenSSL's word where it got that far, else our own."""
    same = verified is not None and verified.done
    wrong = verified is not None and verified.verify_code in NAME_CODES
    shown = ", ".join(leaf.names[:8]) + (f" and {len(leaf.names) - 8} more" if len(leaf.names) > 8 else "")
    observed = safe(shown or f"no names, only the subject {leaf.subject}", limit=300)
    if not wrong and (same or covers(leaf.names, name)):
        yield passed(where, "The certificate is for the name.", expected=name, observed=observed)
        return
    message, fix = untrusted(62)
    yield failed(where, message, expected=name, observed=observed, fix=fix, reference="RFC 9525 section 6")


def chain_findings(where: str, shown: Shown) -> Iterable[Finding]:
    """Judge whether the chain leads to an authority that is trusted here."""
    verified, leaf, top = shown.verified, shown.chain[0], shown.chain[-1]
    expected = "a chain to a trusted authority"
    if verified is not None and verified.refused is not None and verified.verify_code is None:
        yield failed(
            where,
            "The server's TLS is too weak for the settings that clients of today come with.",
            expected="a handshake with this laptop's own settings",
            observed=safe(verified.refused, limit=200),
            fix="Switch on TLS 1.2 or 1.3 with current ciphers and keys on the server.",
        )
        return
    if verified is None or not (verified.done or verified.verify_code):
        words = (verified.broken or verified.attempt.detail) if verified is not None else "not verified"
        yield cannot_tell(
            where,
            "The chain could not be verified: the second handshake did not get that far.",
            expected=expected,
            observed=safe(words, limit=200),
            fix="Run it again; if it stays so, the server or something on the way limits connections.",
        )
        return
    if verified.done:
        if verified.leaf != shown.described.leaf:
            yield cannot_tell(
                where,
                "Two connections got two different certificates; one of them was not verified.",
                expected="one certificate",
                observed=f"{shown.described.leaf[:16]} and {verified.leaf[:16]} (SHA-256)",
                fix="Several servers stand behind this address: give them one certificate, or test each.",
            )
            return
        yield passed(where, "The chain is trusted here.", expected=expected, observed=_issued(leaf))
        return
    code = verified.verify_code or 0
    if code in NAME_CODES:
        yield passed(where, "The chain is trusted here.", expected=expected, observed=_issued(leaf))
    elif code in DATE_CODES:
        yield cannot_tell(
            where,
            "Because of the dates the chain was not verified any further.",
            expected=expected,
            observed=_issued(leaf),
            fix="Mend the dates first, then run again.",
        )
    elif code == SELF_SIGNED or (code in (NO_ISSUER, NO_FIRST) and leaf.self_issued):
        message, fix = untrusted(SELF_SIGNED)
        yield failed(where, message, expected=expected, observed=_issued(leaf), fix=fix)
    elif code in (NO_ISSUER, NO_FIRST) and shown.whole_chain and len(shown.chain) == 1 and not _opens(leaf):
        yield failed(
            where,
            f"The chain is incomplete: one certificate is sent, and its issuer {_who(leaf)} is unknown here.",
            expected=expected,
            observed=_issued(leaf),
            fix=untrusted(NO_FIRST)[1],
        )
    else:
        message, fix = untrusted(code)
        hint = " That is a product which opens TLS." if _opens(leaf) or _opens(top) else ""
        yield failed(
            where,
            f"{message} The certificate was issued by {_who(leaf)}.{hint}",
            expected=expected,
            observed=f"{_issued(leaf)}; {safe(verified.refused or '', limit=120)}",
            fix=fix,
        )


def issuer_findings(where: str, leaf: Certificate, pattern: str | None) -> Iterable[Finding]:
    """Judge the issuer of the server's certificate against the one planned."""
    if pattern is None:
        return
    if re.search(pattern, leaf.issuer[:4096]):
        yield passed(
            where, "The issuer is the planned one.", expected=pattern, observed=safe(leaf.issuer, limit=200)
        )
        return
    hint = " That is a product which opens TLS." if _opens(leaf) else ""
    yield failed(
        where,
        f"Another issuer signed the certificate: {_who(leaf)}.{hint}",
        expected=pattern,
        observed=safe(leaf.issuer, limit=200),
        fix="If that is a firewall, proxy or virus scanner, exempt this server from TLS inspection; if the "
        "server's owner changed authorities, correct the expectation.",
    )


def _opens(certificate: Certificate) -> bool:
    issuer = certificate.issuer.lower()
    return any(word in issuer for word in _INTERCEPTORS)


def _issued(certificate: Certificate) -> str:
    return f"{safe(certificate.subject, limit=150)}, issued by {safe(certificate.issuer, limit=150)}"


def _who(certificate: Certificate) -> str:
    return f"'{_short(certificate.issuer)}'"


def _short(name: str) -> str:
    """Return the organisation or common name of a distinguished name, harmless."""
    parts = dict(part.split("=", 1) for part in reversed(re.split(r"(?<!\\),", name[:4096])) if "=" in part)
    return safe(parts.get("CN") or parts.get("O") or name, limit=120)
