"""Judging one SMTP dialogue step by step: greeting, EHLO, STARTTLS, certificate, recipients."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._smtp_meaning import about_client, of_recipient
from checks.network._tls_findings import chain_findings, date_findings, name_findings
from checks.safe import safe
from checks.wire.smtp import Phase, SmtpSeen, Step
from checks.wire.smtp_replies import Reply, masked
from checks.wire.tls_chain import VERSIONS, Shown
from checks.words import Finding, Status

MASKED = "A firewall's SMTP inspection writes over what the server says (as Cisco's 'inspect esmtp' does)"
UNMASK = "Switch off SMTP inspection (fixup smtp, inspect esmtp, 'SMTP ALG') on the firewall, then run again."
_PHASES: dict[Phase, str] = {
    "banner": "before it greeted",
    "ehlo": "at EHLO",
    "starttls": "at STARTTLS",
    "tls": "during the TLS handshake",
    "mail": "at MAIL FROM",
    "rcpt": "at RCPT TO",
    "rset": "at RSET",
    "quit": "at QUIT",
}
_BROKEN = (
    "Look at the server's log, then at a firewall, proxy or 'SMTP protection' on the way; large replies that "
    "vanish are an MTU problem."
)


def observed(step: Step) -> str:
    """Return what came at a step in one harmless line."""
    if step.reply is not None:
        return said(step.reply)
    return f"{step.trouble} {_PHASES[step.phase]}: {safe(step.detail, limit=200)}"


def said(reply: Reply) -> str:
    """Return a reply in one harmless line."""
    return safe(reply.shown, limit=300)


def ended(where: str, step: Step) -> Finding:
    """Return the finding that the dialogue broke off at a step."""
    if step.trouble == "out of turn" and step.phase == "tls":
        return failed(
            where,
            "Plain text comes after STARTTLS and before TLS: somebody on the way, or the server, puts "
            "replies into the dialogue. It was discarded.",
            expected="silence until the handshake",
            observed=safe(step.detail, limit=200),
            fix="Update the mail server (CVE-2011-0411); if it is current, find the device on the way that "
            "speaks in its place.",
            reference="RFC 3207 section 6",
        )
    if step.trouble == "out of turn":
        return failed(
            where,
            f"The server replies before it is asked ({_PHASES[step.phase]}), so its replies prove nothing.",
            expected="one reply to each command",
            observed=safe(step.detail, limit=200),
            fix="Find out what answers there: a broken proxy or a trap, not a mail server that works.",
        )
    if step.trouble == "malformed":
        return failed(
            where,
            f"What the server says is no SMTP reply ({_PHASES[step.phase]}).",
            expected="a reply of RFC 5321",
            observed=safe(step.detail, limit=200),
            fix="Find out what listens there, or which device on the way rewrites the dialogue.",
        )
    return failed(
        where, f"The dialogue broke off {_PHASES[step.phase]}.", expected="a reply", observed=observed(step),
        fix=_BROKEN,
    )  # fmt: skip


def refused_greeting(where: str, reply: Reply, phase: str) -> Finding:
    """Return the finding that the server does not want to talk: `phase` is `greeting` or `EHLO`."""
    say = {"expected": "220" if phase == "greeting" else "250", "observed": said(reply)}
    if reply.code < 400:
        return failed(
            where,
            f"The server's reply is none that belongs here ({phase}).",
            fix="Find out what answers there: it is no mail server that keeps to RFC 5321.",
            **say,
        )
    if reply.code < 500:
        return cannot_tell(
            where,
            f"The server takes no mail at the moment ({phase}), which decides nothing.",
            fix="Run it again; if it stays so, look at the server's load, limits and log.",
            **say,
        )
    if about_client(reply):
        return cannot_tell(
            where,
            f"The server refuses this laptop's address ({phase}), so it could not be tested from here.",
            fix="Run it from a line with a static address and reverse DNS, or have the address delisted.",
            **say,
        )
    return failed(
        where,
        f"The server refuses to take mail ({phase}).",
        fix="Check that this host is a mail server for others at all, and its list of allowed senders.",
        **say,
    )


def starttls_findings(where: str, talk: SmtpSeen, wanted: str) -> Iterable[Finding]:
    """Judge whether STARTTLS is offered and works, whatever certificate it shows."""
    greeting = talk.reply("ehlo", secure=False)
    hidden = greeting is not None and masked(greeting)
    offered = talk.offers("STARTTLS")
    expected = {"required": "STARTTLS", "optional": "STARTTLS, or not", "absent": "no STARTTLS"}[wanted]
    listed = safe(", ".join(talk.extensions) or "no extensions", limit=300)
    if hidden and not offered:
        finding = cannot_tell if wanted == "absent" else failed if wanted == "required" else warned
        yield finding(
            where, f"{MASKED}: STARTTLS is hidden.", expected=expected,
            observed=said(greeting) if greeting is not None else "", fix=UNMASK,
        )  # fmt: skip
        return
    if wanted == "absent":
        if offered:
            yield failed(
                where, "STARTTLS is offered, where none is planned.", expected=expected, observed=listed,
                fix="Switch it off there, or correct the expectation: offering it harms no sender.",
            )  # fmt: skip
        else:
            yield passed(where, "STARTTLS is not offered, as planned.", expected=expected, observed=listed)
        return
    if not offered:
        if wanted == "optional":
            yield passed(
                where, "STARTTLS is not offered; mail goes in clear text.", expected=expected, observed=listed
            )
            return
        yield failed(
            where, "The server does not offer STARTTLS.", expected=expected, observed=listed,
            fix="Give the server a certificate and switch TLS on for port 25; if it is on there, SMTP "
            "inspection in a firewall takes the offer out.",
        )  # fmt: skip
        return
    reply = talk.reply("starttls")
    if reply is not None and reply.code != 220:
        yield failed(
            where, "The server offers STARTTLS and then refuses it.", expected="220", observed=said(reply),
            fix="Look at the server's TLS settings and log: certificate or key missing, or TLS out of order.",
        )  # fmt: skip
        return
    shown = talk.shown
    if shown is not None and (shown.described.done or shown.described.verify_code is not None):
        version = shown.described.version
        yield passed(
            where, "STARTTLS is offered and TLS is agreed.", expected=expected,
            observed=safe(f"{version} {shown.described.cipher}".strip() or "TLS", limit=100),
        )  # fmt: skip
        if talk.secure_extensions is None and talk.trouble() is None:
            after = talk.reply("ehlo", secure=True)
            yield failed(
                where, "After TLS was agreed the server refuses EHLO.", expected="250",
                observed=said(after) if after is not None else "no reply",
                fix="Look at the server's log: a restriction that holds only for encrypted connections.",
            )  # fmt: skip
        return
    step = talk.trouble()
    if step is None or step.phase != "tls" or step.trouble == "out of turn":
        return  # `ended` says it
    words = shown.described.refused or shown.described.broken if shown is not None else None
    yield failed(
        where, "STARTTLS is offered and TLS cannot be agreed.", expected="a TLS handshake",
        observed=safe(words or observed(step), limit=200),
        fix="Check the server's certificate, key, protocols and ciphers (TLS 1.2 and 1.3), and its log.",
    )  # fmt: skip


def certificate_findings(
    where: str, shown: Shown, name: str, now: datetime, *, days: tuple[int, int], informational: bool
) -> Iterable[Finding]:
    """Judge version, dates, name and chain of what TLS showed; problems are warnings if `informational`."""
    described = shown.described
    if described.done:
        new = described.version in VERSIONS and VERSIONS.index(described.version) >= VERSIONS.index("TLSv1.2")
        say: dict[str, Any] = {"expected": "TLSv1.2 or newer", "observed": safe(described.version, limit=20)}
        if new:
            yield passed(where, "The TLS version is new enough.", **say)
        else:
            yield failed(
                where, "The TLS version agreed on is too old: Exchange Online and others refuse it.",
                fix="Switch TLS 1.2 and 1.3 on, or renew the server.", reference="RFC 8996", **say,
            )  # fmt: skip
    for finding in _certificate(where, shown, name, now, days):
        if informational and finding.status is not Status.PASS:
            yield dataclasses.replace(finding, status=Status.WARN)
        else:
            yield finding


def _certificate(
    where: str, shown: Shown, name: str, now: datetime, days: tuple[int, int]
) -> Iterable[Finding]:
    verified = shown.verified
    if not shown.chain:
        code = shown.described.verify_code
        yield failed(
            where, "The certificate is refused, and the server did not show it again on a second connection.",
            expected="a trusted certificate",
            observed=safe(shown.described.refused or f"verify code {code}", limit=200),
            fix="Install a certificate of a public authority for the MX's name, with its chain; run again to "
            "see more.",
        )  # fmt: skip
        return
    leaf = shown.chain[0]
    if leaf.trouble is not None:
        yield cannot_tell(
            where, "The server's certificate cannot be read.", observed=safe(leaf.trouble, limit=200),
            fix="Issue the certificate again; keep this one (it is in the observation) as evidence.",
        )  # fmt: skip
        return
    code = verified.verify_code if verified is not None else None
    yield from date_findings(where, shown.chain, code, now, warn=days[0], fail=days[1])
    yield from name_findings(where, leaf, name, None)
    yield from chain_findings(where, shown)


def recipient_findings(where: str, talk: SmtpSeen, wanted: Sequence[tuple[str, str]]) -> Iterable[Finding]:
    """Judge the reply to each recipient: address as it was sent, and `accepted` or `rejected`."""
    for address, expect in wanted:
        subject = f"{where} {address}"
        step = next((one for one in talk.steps if one.sent == f"RCPT TO:<{address}>"), None)
        if step is None or step.reply is None:
            yield _unasked(subject, talk, step)
            continue
        meaning = of_recipient(step.reply)
        say: dict[str, Any] = {"expected": expect, "observed": said(step.reply)}
        told = {"rejected": "rejected", "path": "rejected", "accepted": "accepted"}.get(meaning.about)
        if step.reply.enhanced == "5.7.68" and expect == "rejected":
            told = None
        if told == expect:
            word = "accepted" if expect == "accepted" else "rejected, as planned"
            yield passed(subject, f"The recipient is {word}.", **say)
        elif told is None and not (meaning.about == "place" and expect == "accepted"):
            yield cannot_tell(subject, meaning.message, fix=meaning.fix, **say)
        elif expect == "rejected":
            yield failed(
                subject, "The recipient is accepted, where it must be rejected.", fix=meaning.fix, **say
            )
        else:
            yield failed(subject, meaning.message, fix=meaning.fix, reference=meaning.reference, **say)


def _unasked(subject: str, talk: SmtpSeen, step: Step | None) -> Finding:
    sender, ended_at = talk.reply("mail"), talk.trouble()
    if step is None and sender is not None and sender.code != 250:
        return cannot_tell(
            subject,
            "The recipient was not asked: the server refuses the sender.",
            expected="250",
            observed=said(sender),
            fix="Set mail_from to a sender that may write from here (or leave it out), or run it from the "
            "office's own line.",
        )
    last = step or ended_at or (talk.steps[-1] if talk.steps else None)
    return cannot_tell(
        subject,
        "The recipient could not be asked: the dialogue ended before.",
        expected="a reply to RCPT TO",
        observed=observed(last) if last is not None else "no dialogue",
        fix="Mend what ended the dialogue first, then run again.",
    )
