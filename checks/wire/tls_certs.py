"""Certificates as a server sent them, read by cryptography; whatever cannot be read is said, never raised."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from checks.dataclass import dataclass

if TYPE_CHECKING:
    from cryptography import x509

MAX_NAMES = 1000
MAX_DER = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate; texts are raw. `trouble` says why it could not be read; then only the digest holds.

    `der` is the evidence itself, left out beyond 16 KB; `names` are the DNS names and addresses of its
    subjectAltName, at most 1000.
    """

    sha256: str
    subject: str = ""
    issuer: str = ""
    serial: str = ""
    names: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None
    key: str = ""
    signature_hash: str = ""
    is_authority: bool = False
    der: bytes = b""
    trouble: str | None = None

    @property
    def self_issued(self) -> bool:
        """Whether it names itself as its issuer."""
        return self.subject == self.issuer


def read(der: bytes) -> Certificate:
    """Return what a DER certificate says."""
    from cryptography import x509

    digest = hashlib.sha256(der).hexdigest()
    kept = der if len(der) <= MAX_DER else b""
    try:
        found = x509.load_der_x509_certificate(der)
        return Certificate(
            sha256=digest,
            subject=found.subject.rfc4514_string(),
            issuer=found.issuer.rfc4514_string(),
            serial=f"{found.serial_number:x}"[:80],
            names=_names(found),
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
            key=_key(found),
            signature_hash=_hash(found),
            is_authority=_is_authority(found),
            der=kept,
        )
    except Exception as error:  # noqa: BLE001 - a hostile certificate may raise anything, and is evidence
        return Certificate(sha256=digest, der=kept, trouble=f"{type(error).__name__}: {error}"[:500])


def covers(names: tuple[str, ...], host: str) -> bool:
    """Return whether a certificate with `names` is for `host`: RFC 9525 section 6.3, no common name.

    A wildcard stands for the whole left-most label only; an address must be there as an address.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(_covers(name.lower().removesuffix("."), host.lower()) for name in names)
    return any(name == str(address) for name in names)


def _covers(name: str, host: str) -> bool:
    if not name.startswith("*."):
        return name == host
    first, _, rest = host.partition(".")
    return bool(first) and "." in rest and rest == name[2:]


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = [name.value for name in found if isinstance(name, x509.DNSName)]
    names += [str(name.value) for name in found if isinstance(name, x509.IPAddress)]
    return tuple(names[:MAX_NAMES])


def _key(certificate: x509.Certificate) -> str:
    try:
        key: Any = certificate.public_key()
    except Exception:  # noqa: BLE001 - an unknown algorithm is no reason to forget the rest
        return ""
    curve = getattr(getattr(key, "curve", None), "name", "")
    kind = type(key).__name__.strip("_").removesuffix("PublicKey")
    return f"{kind} {curve or getattr(key, 'key_size', '')}".strip()


def _hash(certificate: x509.Certificate) -> str:
    try:
        algorithm = certificate.signature_hash_algorithm
    except Exception:  # noqa: BLE001 - see above
        return ""
    return algorithm.name if algorithm is not None else ""


def _is_authority(certificate: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False
