"""TLSA records against the certificates that a mail server shows (RFC 6698, RFC 7671, RFC 7672). Pure.

For SMTP only the usages DANE-TA(2) and DANE-EE(3) count. DANE-EE looks at the key or certificate alone: no
name, no date. DANE-TA asks for a chain below the anchor, in date, for one of the names expected.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from checks.dataclass import dataclass
from checks.wire.tls_certs import covers, read

if TYPE_CHECKING:
    from cryptography import x509

MAX_RECORDS = 50
MAX_CHAIN = 10
_TEXT = re.compile(r"(\d{1,3}) (\d{1,3}) (\d{1,3}) ([0-9A-Fa-f ]{1,40000})\Z")
_SIZES = {1: 32, 2: 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tlsa:
    """One TLSA record; `unusable` says why senders of mail pass over it."""

    usage: int
    selector: int
    matching: int
    data: bytes
    unusable: str = ""

    @property
    def text(self) -> str:
        """The record in short: `3 1 1 0c72ac70...`."""
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()[:16]}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Whether a chain satisfies one of the records: `by` is the record, else `why` none did. Raw."""

    by: Tlsa | None = None
    why: str = ""


def read_tlsa(texts: Sequence[str]) -> tuple[Tlsa, ...]:
    """Return TLSA records from their presentation form; what is none is unusable."""
    return tuple(_one(text) for text in texts[:MAX_RECORDS])


def match(records: Sequence[Tlsa], chain: Sequence[bytes], names: Sequence[str], now: datetime) -> Match:
    """Return whether the DER `chain` (leaf first) satisfies a usable record, for one of `names` at `now`."""
    if not chain:
        return Match(why="no certificate was shown")
    whys: list[str] = []
    for record in records:
        if record.unusable:
            continue
        if record.usage == 3:
            if _fits(record, chain[0]):
                return Match(by=record)
            whys.append(f"{record.text} is not the server's {_part(record)}")
        else:
            why = _below_anchor(record, list(chain[:MAX_CHAIN]), names, now)
            if not why:
                return Match(by=record)
            whys.append(f"{record.text}: {why}")
    return Match(why="; ".join(whys[:6]) or "no usable record")


def digest_of(record: Tlsa, der: bytes) -> bytes | None:
    """Return what `record` would have to hold for the certificate `der`; None if that cannot be told."""
    subject = der if record.selector == 0 else _key_of(der)
    if subject is None or record.matching == 0:
        return subject
    return (hashlib.sha256 if record.matching == 1 else hashlib.sha512)(subject).digest()


def _one(text: str) -> Tlsa:
    found = _TEXT.match(text.strip())
    if found is None:
        return Tlsa(usage=0, selector=0, matching=0, data=b"", unusable="it is not a TLSA record")
    usage, selector, matching = (int(part) for part in found.groups()[:3])
    try:
        data = bytes.fromhex(found.group(4))
    except ValueError:
        data = b""
    return Tlsa(
        usage=usage, selector=selector, matching=matching, data=data,
        unusable=_unusable(usage, selector, matching, data),
    )  # fmt: skip


def _unusable(usage: int, selector: int, matching: int, data: bytes) -> str:
    if usage in (0, 1):
        return f"usage {usage} (PKIX) is not used for mail (RFC 7672 section 3.1.3)"
    if usage not in (2, 3):
        return f"usage {usage} is not known"
    if selector not in (0, 1):
        return f"selector {selector} is not known"
    if matching not in (0, 1, 2):
        return f"matching type {matching} is not known"
    if matching and len(data) != _SIZES[matching]:
        return f"its digest has {len(data)} bytes, not {_SIZES[matching]}"
    return "" if data else "it has no data"


def _part(record: Tlsa) -> str:
    return "key" if record.selector == 1 else "certificate"


def _fits(record: Tlsa, der: bytes) -> bool:
    held = digest_of(record, der)
    return held is not None and hmac.compare_digest(held, record.data)


def _below_anchor(record: Tlsa, chain: list[bytes], names: Sequence[str], now: datetime) -> str:
    """Return why the chain is not one below the anchor that `record` names, or an empty text."""
    if record.matching == 0 and record.selector == 0 and record.data not in chain:
        chain = [*chain, record.data]
    place = next((number for number, der in enumerate(chain) if _fits(record, der)), None)
    loaded = [_load(der) for der in chain]
    leaf = loaded[0]
    if leaf is None:
        return "the server's certificate cannot be read"
    if place is None:
        return f"no certificate shown has that {_part(record)}; the server must send its anchor"
    why = _unissued(loaded, place, now)
    if why:
        return why
    shown = read(chain[0]).names
    if not any(covers(shown, name) for name in names):
        return f"the certificate is for {', '.join(shown[:5]) or 'no name'}, not for {' or '.join(names)}"
    return ""


def _unissued(loaded: list[Any], place: int, now: datetime) -> str:
    """Return why the first certificate is not issued by the one at `place`, step by step."""
    at, used = loaded[0], {0}
    if _out_of_date(at, now):
        return "the server's certificate is out of date"
    while loaded[place] is not at:
        above = next(
            (
                number
                for number, other in enumerate(loaded)
                if number not in used and other is not None and _issued(at, other)
            ),
            None,
        )
        if above is None:
            return "the chain does not lead from the server's certificate to the anchor"
        used.add(above)
        at = loaded[above]
        if not _authority(at):
            return "a certificate of the chain is no authority"
        if _out_of_date(at, now):
            return "a certificate of the chain is out of date"
    return ""


def _load(der: bytes) -> x509.Certificate | None:
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(der)
    except Exception:  # noqa: BLE001 - a hostile certificate may raise anything
        return None


def _key_of(der: bytes) -> bytes | None:
    """Return a certificate's SubjectPublicKeyInfo byte for byte (RFC 5280 section 4.1)."""
    outer = _element(der, 0)
    inner = _element(der, outer[0]) if outer else None
    if outer is None or inner is None:
        return None
    at = inner[0]
    fields: list[tuple[int, int]] = []
    while at < inner[1] and len(fields) < 8:
        found = _element(der, at)
        if found is None:
            return None
        fields.append((at, found[1]))
        at = found[1]
    first = 1 if fields and der[fields[0][0]] == 0xA0 else 0
    if len(fields) < first + 6:
        return None
    start, end = fields[first + 5]
    return der[start:end]


def _element(der: bytes, at: int) -> tuple[int, int] | None:
    """Return where the content of the DER element at `at` begins and ends."""
    if at + 2 > len(der):
        return None
    size, start = der[at + 1], at + 2
    if size & 0x80:
        width = size & 0x7F
        if not 1 <= width <= 4 or start + width > len(der):
            return None
        size, start = int.from_bytes(der[start : start + width], "big"), start + width
    return (start, start + size) if start + size <= len(der) else None


def _issued(certificate: Any, other: Any) -> bool:
    try:
        certificate.verify_directly_issued_by(other)
    except Exception:  # noqa: BLE001 - whatever is wrong, it is not proven
        return False
    return True


def _authority(certificate: Any) -> bool:
    from cryptography import x509

    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except Exception:  # noqa: BLE001 - without the extension, or unreadable, it is none
        return False


def _out_of_date(certificate: Any, now: datetime) -> bool:
    return not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
