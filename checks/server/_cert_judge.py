"""What a file of certificates means for the server that uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.server._pem import CertFile
from checks.wire.tls_certs import Certificate, covers
from checks.words import minute, span

_ROOT = "Give the check 'sudo: true' with an account that may read it."
_OTHERS = 0o007


def judge_file(
    subject: str, found: CertFile, *, now: datetime, names: Sequence[str], min_left: float, wants_key: bool,
    self_signed: bool,
) -> Iterable[Finding]:  # fmt: skip
    """Judge one file: dates, names, chain, key."""
    subject = safe(subject, limit=300)
    if found.trouble or not found.certificates:
        yield _unread(subject, found.trouble or "empty")
        return
    first = found.certificates[0]
    if first.trouble is not None or first.not_after is None or first.not_before is None:
        yield failed(
            subject, "The first certificate of the file cannot be read.", expected="a certificate",
            observed=safe(first.trouble or "without dates", limit=200), fix="Install it again.",
        )  # fmt: skip
        return
    for place, one in enumerate(found.certificates):
        what = f"No. {place + 1} of the chain" if place else "The certificate"
        yield from _dates(subject, one, what, now, min_left)
    uncovered = [name for name in names if not covers(first.names, name)]
    shown = in_line(first.names) or "no subjectAltName"
    if uncovered:
        yield failed(
            subject, f"The certificate is not for {in_line(uncovered)}.", expected=in_line(names),
            observed=shown, fix="Issue it again with all these names as subjectAltName.",
        )  # fmt: skip
    else:
        yield passed(
            subject, "The certificate is for all the names.", expected=in_line(names), observed=shown
        )
    yield _chain(subject, found, self_signed=self_signed)
    if wants_key:
        yield _key(subject, found)


def _unread(subject: str, trouble: str) -> Finding:
    expected = "a certificate in PEM form"
    if trouble == "missing":
        return failed(
            subject, "There is no such file.", expected=expected, observed="no such file",
            fix="Install the certificate, or correct the path.",
        )  # fmt: skip
    if trouble == "empty":
        return failed(
            subject, "The file holds no certificate in PEM form.", expected=expected,
            observed="none", fix="Install the certificate; one in DER or PKCS #12 form is converted by "
            "openssl x509 -inform DER, or openssl pkcs12.",
        )  # fmt: skip
    return cannot_tell(
        subject, "The file cannot be read by this account.", expected=expected,
        observed=safe(trouble, limit=200), fix=_ROOT,
    )  # fmt: skip


def _dates(subject: str, one: Certificate, what: str, now: datetime, min_left: float) -> Iterable[Finding]:
    expected = f"valid for at least {span(min_left)}"
    if one.not_after is None or one.not_before is None:
        yield failed(
            subject, f"{what} cannot be read.", expected=expected,
            observed=safe(one.trouble or "", limit=200), fix="Install the chain again.",
        )  # fmt: skip
        return
    observed = f"until {minute(one.not_after)}"
    left = (one.not_after - now).total_seconds()
    if one.not_before > now:
        yield failed(
            subject, f"{what} is not valid yet.", expected=expected,
            observed=f"from {minute(one.not_before)}",
            fix="Wait, or issue it again; look at the server's clock, too (server.time).",
        )  # fmt: skip
    elif left <= 0:
        yield failed(
            subject, f"{what} has expired.", expected=expected, observed=observed,
            fix="Renew it, install it and reload the service.",
        )  # fmt: skip
    elif left < min_left:
        yield failed(
            subject, f"{what} expires in {span(left)}.", expected=expected, observed=observed,
            fix="Renew it now, or see that its renewal (certbot, acme.sh) runs on this server.",
        )  # fmt: skip
    else:
        yield passed(subject, f"{what} is valid for {span(left)}.", expected=expected, observed=observed)


def _chain(subject: str, found: CertFile, *, self_signed: bool) -> Finding:
    first, *rest = found.certificates
    expected = "self-signed, as planned" if self_signed else "the server's certificate, then its issuers"
    observed = safe(" <- ".join(one.subject or "?" for one in found.certificates), limit=400)
    if found.chain_trouble:
        return cannot_tell(
            subject, "The file of the chain cannot be read.", expected=expected,
            observed=safe(found.chain_trouble, limit=200), fix=f"Correct its path. {_ROOT}",
        )  # fmt: skip
    if first.self_issued:
        if self_signed:
            return passed(subject, "It is self-signed, as planned.", expected=expected, observed=observed)
        return failed(
            subject, "The certificate is self-signed: clients will not trust it.", expected=expected,
            observed=observed, fix="Install the one of an authority; if it is meant so, write "
            "'self_signed: true'.",
        )  # fmt: skip
    if not rest:
        return warned(
            subject, "The file holds no intermediate certificate: many clients cannot find the issuer.",
            expected=expected, observed=observed, fix="Use the full chain (fullchain.pem), or name the file "
            "of the chain as 'chain'. On Windows the store holds it apart: look with network.tls.",
        )  # fmt: skip
    if not all(found.linked):
        place = found.linked.index(False) + 1
        return failed(
            subject, f"Certificate no. {place} is not issued by no. {place + 1} of the file.",
            expected=expected, observed=observed, fix="Put the chain in order: the server's certificate "
            "first, each followed by its issuer, and leave out what does not belong to it.",
        )  # fmt: skip
    return passed(subject, "The chain is whole and in order.", expected=expected, observed=observed)


def _key(subject: str, found: CertFile) -> Finding:
    expected = "the key of this certificate"
    if found.key_fits is None:
        if found.key_trouble == "missing":
            return failed(
                subject, "There is no such key file.", expected=expected, observed="no such file",
                fix="Install the key that the certificate was requested with, or correct its path.",
            )  # fmt: skip
        return cannot_tell(
            subject, "Whether the key fits could not be told.", expected=expected,
            observed=safe(found.key_trouble or "nothing", limit=200),
            fix=f"{_ROOT} An encrypted key is compared by hand: openssl pkey -pubout.",
        )  # fmt: skip
    if not found.key_fits:
        return failed(
            subject, "The private key is not that of the certificate: the service will not start with it.",
            expected=expected, observed=safe(found.key_trouble, limit=200) or "another key",
            fix="Install the key that the certificate was requested with, or request a new one with this "
            "key.",
        )  # fmt: skip
    if found.key_mode is not None and found.key_mode & _OTHERS:
        return warned(
            subject, "Every user of the server may read the private key.", expected="mode 600 or 640",
            observed=f"mode {found.key_mode:o}", fix="chmod 600 the key file (or 640, the service's group).",
        )  # fmt: skip
    return passed(subject, "The private key is that of the certificate.", expected=expected, observed="fits")
