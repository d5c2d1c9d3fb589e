"""Where a chain of trust begins: the root's keys as IANA publishes them, or anchors that a project names."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from checks.dataclass import dataclass

if TYPE_CHECKING:
    import dns.name

ROOT_ANCHORS = (
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
)
"""KSK-2017 and KSK-2024 (root-anchors.xml of IANA, RFC 9718); the second is to sign from late 2026 on."""
DIGESTS = {1: hashlib.sha1, 2: hashlib.sha256, 4: hashlib.sha384}
"""DS digest types that are understood here (RFC 8624 section 3.3)."""
MAX_ANCHORS = 20


@dataclass(frozen=True, slots=True)
class Anchors:
    """The zone that the anchors are for, and their DS and DNSKEY data."""

    zone: dns.name.Name
    records: tuple[Any, ...]


def read_anchors(texts: tuple[str, ...]) -> Anchors:
    """Read DS or DNSKEY records as in a zone file (`. DS 20326 8 2 E06D...`); none: the root's own.

    The owner may be left out for the root. Raises ValueError with a sentence.
    """
    import dns.exception
    import dns.name
    import dns.rdata

    zone: dns.name.Name | None = None
    records: list[Any] = []
    if len(texts) > MAX_ANCHORS:
        raise ValueError(f"A trust anchor has at most {MAX_ANCHORS} records, not {len(texts)}.")
    for text in texts or ROOT_ANCHORS:
        words = text.split()
        kinds = [number for number, word in enumerate(words[:4]) if word.upper() in ("DS", "DNSKEY")]
        if not kinds:
            raise ValueError(
                "A trust anchor is a DS or DNSKEY record, written like '. DS 20326 8 2 E06D44...', "
                f"not {text[:80]!r}."
            )
        at = kinds[-1]
        owner = words[0] if at and not words[0].isdigit() and words[0].upper() != "IN" else "."
        try:
            name = dns.name.from_text(owner).canonicalize()
            record = dns.rdata.from_text("IN", words[at].upper(), " ".join(words[at + 1 :]))
        except (dns.exception.DNSException, ValueError) as error:
            raise ValueError(f"The trust anchor {text[:80]!r} cannot be read: {error}") from None
        if zone is not None and name != zone:
            raise ValueError("The trust anchors are for different zones; give those of one zone.")
        zone = name
        records.append(record)
    assert zone is not None
    return Anchors(zone, tuple(records))


def digest_of(zone: dns.name.Name, key: Any, kind: int) -> bytes | None:
    """Return the DS digest of a DNSKEY (RFC 4034 section 5.1.4), None for a kind that is not understood."""
    make = DIGESTS.get(kind)
    return make(zone.to_digestable() + key.to_wire()).digest() if make is not None else None


def vouches(zone: dns.name.Name, record: Any, key: Any, tag: int) -> bool:
    """Return whether a DS record, or a DNSKEY anchor, stands for `key`, whose tag is `tag`."""
    import dns.rdatatype

    if record.rdtype == dns.rdatatype.DNSKEY:
        return bool(record == key)
    if record.algorithm != key.algorithm or record.key_tag != tag:
        return False
    return bool(digest_of(zone, key, record.digest_type) == record.digest)
