"""Certificates in files of a host, and whether a key there belongs to one; private keys never leave it.

The script hands out the blocks of certificates only, and of a key its public half, as openssl derives it on
the host. The Windows script was never run on a real system.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from typing import TYPE_CHECKING

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.server._windows import rows, word
from checks.vantage import CannotTell
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote
from checks.wire.tls_certs import Certificate, read

if TYPE_CHECKING:
    from cryptography import x509

MAX_CERTIFICATES = 20

FILES = Script(
    "certificates",
    r"""
part() { printf '\0%s\0' "$1"; }
blocks='/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p'
sed -n "$blocks" -- "$1" 2>&1; part "$?"
if [ -n "$2" ]; then
  openssl pkey -in "$2" -passin pass: -pubout </dev/null 2>&1; part "$?"
  stat -L -c %a -- "$2" 2>/dev/null; part "$?"
else
  part 0; part 0
fi
if [ -n "$3" ]; then sed -n "$blocks" -- "$3" 2>&1; part "$?"; else part 0; fi
printf end
""",
)

WINDOWS = PowerShell(
    "certificates",
    """
$found = @(Get-ChildItem -LiteralPath $p.path -ErrorAction Stop | Where-Object { $_.RawData }
  | ForEach-Object { @{ data = [Convert]::ToBase64String($_.RawData); key = [string]$_.HasPrivateKey } })
ConvertTo-Json -Compress -InputObject $found
""".replace("\n  |", " |"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertFile:
    """What a file holds: its first certificate is the server's, those behind it are to be its chain.

    `linked[i]`: certificate i is issued by the one behind it. `key_fits` is None where no key was asked for
    or it could not be read (`key_trouble`); `key_mode` are its permissions.
    """

    path: str
    certificates: tuple[Certificate, ...] = ()
    linked: tuple[bool, ...] = ()
    trouble: str = ""
    """Why there is none: `missing`, `denied`, `empty`, or the host's words."""
    key_fits: bool | None = None
    key_trouble: str = ""
    key_mode: int | None = None
    chain_trouble: str = ""


async def read_file(remote: Remote, root: str, path: str, key: str, chain: str) -> CertFile:
    """Return the certificates of a file (or of a place in the Windows store) and whether the key fits."""
    if (await remote.facts()).dialect == "powershell":
        result = await remote.run(WINDOWS({"path": path}))
        return of_store(require(result, remote), remote.name, path, wants_key=bool(key))
    result = await remote.run(FILES(path, key, chain, as_user=root))
    return parse_file(require(result, remote), remote.name, path, wants_key=bool(key))


def parse_file(stdout: bytes, name: str, path: str, *, wants_key: bool) -> CertFile:
    """Return what the script told of one file; raise CannotTell where a part is missing."""
    parts = stdout.decode(errors="replace").split("\0")
    if len(parts) != 9 or parts[-1] != "end":
        raise CannotTell(f"{name} told only a part of {path}.", "Run the check again.")
    text, status, public, public_status, mode, mode_status, behind, behind_status = parts[:8]
    if status != "0":
        return CertFile(path=path, trouble=_why(text))
    ders = _ders(text)
    if not ders:
        return CertFile(path=path, trouble="empty")
    more = _ders(behind) if behind_status == "0" else []
    fits, trouble = None, ""
    if wants_key:
        fits, trouble = _fits(ders[0], public) if public_status == "0" else (None, _why(public))
    octal = mode.strip()
    return CertFile(
        path=path,
        certificates=tuple(read(der) for der in (ders + more)[:MAX_CERTIFICATES]),
        linked=_linked((ders + more)[:MAX_CERTIFICATES]),
        key_fits=fits,
        key_trouble=trouble,
        key_mode=int(octal, 8)
        if wants_key and mode_status == "0" and re.fullmatch("[0-7]{1,4}", octal)
        else None,
        chain_trouble="" if behind_status == "0" else _why(behind),
    )


def of_store(stdout: bytes, name: str, path: str, *, wants_key: bool) -> CertFile:
    """Return the certificate of the Windows store that lasts longest of those at a place."""
    found = []
    for row in rows(stdout, name):
        try:
            der = base64.b64decode(word(row, "data"), validate=True)
        except ValueError:
            continue
        found.append((read(der), word(row, "key") == "True"))
    good = [one for one in found if one[0].not_after is not None]
    if not good:
        return CertFile(path=path, trouble="empty")
    best, key = max(good, key=lambda one: (one[1] or not wants_key, one[0].not_after or 0))
    return CertFile(
        path=path, certificates=(best,), key_fits=key if wants_key else None,
        key_trouble="" if key or not wants_key else "the store holds no private key for it",
    )  # fmt: skip


_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,60000})-----END CERTIFICATE-----")


def _ders(text: str) -> list[bytes]:
    found = []
    for block in _BLOCK.findall(text):
        try:
            found.append(base64.b64decode("".join(block.split()), validate=True))
        except ValueError:
            found.append(b"")
    return found


def _fits(der: bytes, public: str) -> tuple[bool | None, str]:
    """Return whether the public half of a key is the one in a certificate."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public.encode())
        certificate = _load(der)
        return _digest(key) == _digest(certificate.public_key()), ""
    except Exception as error:  # noqa: BLE001 - whatever a hostile key raises, it did not show that it fits
        return None, f"it cannot be read: {type(error).__name__}"


def _digest(key: object) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return hashlib.sha256(der).hexdigest()


def _load(der: bytes) -> x509.Certificate:
    from cryptography import x509

    return x509.load_der_x509_certificate(der)


def _linked(ders: list[bytes]) -> tuple[bool, ...]:
    links = []
    for one, behind in itertools.pairwise(ders):
        try:
            _load(one).verify_directly_issued_by(_load(behind))
            links.append(True)
        except Exception:  # noqa: BLE001 - not issued by it, in whatever way
            links.append(False)
    return tuple(links)


def _why(text: str) -> str:
    if "No such file" in text or "can't open" in text.lower():
        return "denied" if "Permission denied" in text else "missing"
    if "Permission denied" in text:
        return "denied"
    if "not found" in text:
        return "openssl is not installed there"
    if "decrypt" in text or "password" in text or "pass phrase" in text:
        return "it is encrypted"
    return text.strip()[-300:] or "it cannot be read"
