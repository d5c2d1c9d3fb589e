"""What a mail host showed on STARTTLS, held against its TLSA records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from checks.judging import cannot_tell, failed, passed, warned
from checks.params import join_endpoint
from checks.safe import safe
from checks.wire.dane import Tlsa, digest_of, match
from checks.wire.smtp import SmtpSeen
from checks.words import Finding

_EXPECTED = "STARTTLS, and a certificate that the TLSA records name"


def unusable_remark(host: str, records: Sequence[Tlsa], *, present: bool) -> Finding | None:
    """Return the remark about records that senders pass over, if there are any."""
    bad = [one for one in records if one.unusable]
    if not bad:
        return None
    subject = f"_25._tcp.{safe(host, limit=240)}"
    observed = safe("; ".join(f"{one.text} ({one.unusable})" for one in bad[:5]), limit=500)
    fix = "Publish records with usage 3 (3 1 1) or 2 (2 1 1) and remove those."
    if len(bad) < len(records):
        return warned(
            subject, "Some TLSA records cannot be used for mail.", expected="usage 3 or 2", observed=observed,
            fix=fix, reference="RFC 7672 section 3.1",
        )  # fmt: skip
    make = failed if present else warned
    return make(
        subject,
        "No TLSA record can be used for mail: senders demand TLS and authenticate nobody.",
        expected="usage 3 or 2",
        observed=observed,
        fix=fix,
        reference="RFC 7672 section 2.2",
    )


def judge_probe(
    seen: SmtpSeen, host: str, records: Sequence[Tlsa], names: Sequence[str], now: datetime
) -> Finding:
    """Return whether a sender that follows DANE would deliver to one address of the host."""
    place = join_endpoint(seen.attempt.address, seen.attempt.port)
    subject = safe(f"{host} ({place})", limit=300)
    if seen.attempt.outcome != "open":
        return cannot_tell(
            subject,
            "No connection could be made from here (many networks close port 25), so nothing is tested.",
            expected=_EXPECTED,
            observed=f"{seen.attempt.outcome}: {safe(seen.attempt.detail, limit=200)}",
            fix="Run the check from a network where port 25 is open to the outside.",
        )
    stopped = seen.trouble()
    if seen.shown is None and stopped is not None:
        return cannot_tell(
            subject,
            "The dialogue ended before TLS, so the certificate is not tested.",
            expected=_EXPECTED,
            observed=f"{stopped.phase}: {stopped.trouble} {safe(stopped.detail, limit=200)}",
            fix="Look at the mail server's log; mail.smtp tells more.",
        )
    if seen.shown is None:
        return _no_tls(seen, subject)
    done = seen.shown.described
    if not done.done:
        return failed(
            subject,
            "TLS could not be agreed: senders that follow DANE do not deliver to this host.",
            expected=_EXPECTED,
            observed=safe(done.refused or done.broken or "no handshake", limit=300),
            fix="Mend TLS on the mail server; mail.smtp tells more.",
            reference="RFC 7672 section 2.2",
        )
    chain = [one.der for one in seen.shown.chain]
    if not chain or not all(chain):
        return cannot_tell(
            subject, "The certificates shown were not kept, so they are not compared.", expected=_EXPECTED,
            observed=f"{len(chain)} certificates", fix="Run the check again.",
        )  # fmt: skip
    found = match(records, chain, names, now)
    if found.by is not None:
        return passed(
            subject, f"The certificate is the one that TLSA {found.by.text} names.", expected=_EXPECTED,
            observed=f"{done.version}, certificate {seen.shown.chain[0].sha256[:16]}...",
        )  # fmt: skip
    if not seen.shown.whole_chain and any(one.usage == 2 and not one.unusable for one in records):
        return cannot_tell(
            subject, "Only the server's own certificate can be read here; the records name its authority.",
            expected=_EXPECTED, observed=safe(found.why, limit=500), fix="Run the check with a newer Python.",
        )  # fmt: skip
    right = digest_of(Tlsa(usage=3, selector=1, matching=1, data=b""), chain[0])
    return failed(
        subject,
        "The certificate is not one that the TLSA records name: senders that follow DANE do not deliver.",
        expected=_EXPECTED,
        observed=safe(found.why, limit=500),
        fix=f"Publish at _25._tcp.{safe(host, limit=240)} '3 1 1 {right.hex() if right else '...'}', "
        "if that key is the planned one; next time publish the new key's record two times its TTL before.",
        reference="RFC 7671 section 8",
    )


def _no_tls(seen: SmtpSeen, subject: str) -> Finding:
    banner = seen.reply("banner")
    if banner is not None and banner.code != 220:
        return cannot_tell(
            subject,
            "The server does not talk to this laptop, so the certificate is not tested.",
            expected=_EXPECTED,
            observed=safe(f"{banner.code} {' '.join(banner.lines)}", limit=300),
            fix="Run the check from a network whose address the server accepts.",
        )
    answer = seen.reply("starttls")
    return failed(
        subject,
        "The server does not offer TLS: senders that follow DANE do not deliver to this host.",
        expected=_EXPECTED,
        observed=safe(f"{answer.code} {' '.join(answer.lines)}", limit=300)
        if answer
        else "no STARTTLS in EHLO",
        fix="Switch STARTTLS on, or find out what takes it away on the way (SMTP inspection).",
        reference="RFC 7672 section 2.2",
    )
