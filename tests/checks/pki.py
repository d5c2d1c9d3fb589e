"""Certificates of every healthy and sick kind, made for a test."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HEALTHY = ("srv.example.com", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Pair:
    """A certificate with its key and, in `chain`, the PEM that a server sends."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: bytes

    def write(self, folder: Path, stem: str) -> tuple[Path, Path]:
        """Write chain and key as PEM files."""
        chain, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        chain.write_bytes(self.chain)
        key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return chain, key

    def server(self, folder: Path, stem: str = "server") -> ssl.SSLContext:
        """Return a server context that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.write(folder, stem))
        return context


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def make(
    name: str,
    *,
    by: Pair | None = None,
    names: tuple[str, ...] = (),
    start: float = -400,
    end: float = 90,
    authority: bool = False,
    organisation: str | None = None,
) -> Pair:
    """Make a certificate from `start` to `end` (days from now), signed by `by` or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    subject = x509.Name(parts)
    signer = by.key if by else key
    now = datetime.now(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=start))
        .not_valid_after(now + timedelta(days=end))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(item) for item in names]), critical=False
        )
    certificate = builder.sign(signer, hashes.SHA256())
    above = by.chain if by is not None and by.certificate.issuer != by.certificate.subject else b""
    return Pair(certificate, key, pem(certificate) + above)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
