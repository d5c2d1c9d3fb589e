"""Proofs that something is not there: NSEC (RFC 4035 section 5.4, RFC 6840 section 4) and NSEC3 (RFC 5155).

Pure: the records handed in were found to be signed by the zone. A proof is only what the records cover; the
absence of records proves nothing.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
from typing import TYPE_CHECKING, Any, Literal

from checks.dataclass import dataclass

if TYPE_CHECKING:
    import dns.name

Proof = Literal["no such name", "no data", "delegation", "opt-out", "iterations", "nothing"]
"""`delegation`: the name is delegated and has no DS. `opt-out`: an unsigned delegation may be there (RFC 5155
section 6). `iterations`: the records ask for more hashing than is done (RFC 9276). `nothing`: not proven."""
MAX_ITERATIONS = 100
MAX_PROOFS = 16
_NS, _CNAME, _SOA, _DNAME, _DS = 2, 5, 6, 39, 43
_TO_BASE32 = bytes.maketrans(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


@dataclass(frozen=True, slots=True)
class Denials:
    """The signed NSEC records (owner, data) and NSEC3 records (hashed owner, data) of one answer."""

    zone: dns.name.Name
    nsec: tuple[tuple[Any, Any], ...] = ()
    nsec3: tuple[tuple[bytes, Any], ...] = ()


def deny(name: dns.name.Name, rdtype: int, found: Denials) -> Proof:
    """Return what the records prove about `name` and `rdtype`."""
    if found.nsec3:
        return _deny_nsec3(name, rdtype, found)
    return _deny_nsec(name, rdtype, found)


def no_closer(name: dns.name.Name, labels: int, found: Denials) -> Proof:
    """Return `no such name` if no name closer than the wildcard with `labels` labels exists for `name`."""
    closer = _suffix(name, labels + 1)
    if found.nsec3:
        hashes = _usable(found)
        if hashes is None:
            return "iterations"
        cover = hashes.covering(closer)
        return "nothing" if cover is None else "opt-out" if cover.flags & 1 else "no such name"
    for owner, data in found.nsec:
        if _covers(owner, data.next, closer) and not data.next.is_subdomain(closer):
            return "no such name"
    return "nothing"


def types(data: Any) -> frozenset[int]:
    """Return the record types that an NSEC or NSEC3 record lists."""
    return frozenset(
        window * 256 + index * 8 + bit
        for window, bitmap in data.windows
        for index, byte in enumerate(bitmap)
        for bit in range(8)
        if byte & (0x80 >> bit)
    )


def hashed_owner(label: bytes) -> bytes | None:
    """Return the hash that an NSEC3 owner's first label is, or None if it is none."""
    try:
        return base64.b32decode(label.upper().translate(_TO_BASE32)) if len(label) == 32 else None
    except (binascii.Error, ValueError):
        return None


def _at_name(rdtype: int, listed: frozenset[int], *, root: bool) -> Proof:
    """Return what the types listed at the very name prove."""
    if rdtype == _DS:
        if _DS in listed or _CNAME in listed or (_SOA in listed and not root):
            return "nothing"
        return "delegation" if _NS in listed else "no data"
    if rdtype in listed or _CNAME in listed or (_NS in listed and _SOA not in listed):
        return "nothing"
    return "no data"


def _ends_here(listed: frozenset[int]) -> bool:
    """Return whether the zone ends at a name with these types, so that nothing below it is denied."""
    return _DNAME in listed or (_NS in listed and _SOA not in listed)


def _deny_nsec(name: Any, rdtype: int, found: Denials) -> Proof:
    for owner, data in found.nsec:
        if owner == name:
            return _at_name(rdtype, types(data), root=len(name) == 1)
    for owner, data in found.nsec:
        if not _covers(owner, data.next, name):
            continue
        if name.is_subdomain(owner) and _ends_here(types(data)):
            continue
        if data.next.is_subdomain(name):
            return "no data"
        encloser = max(_common(name, owner), _common(name, data.next))
        wildcard = _wildcard(_suffix(name, encloser))
        if wildcard is None:
            continue
        for other, listed in found.nsec:
            if other == wildcard:
                proof = _at_name(rdtype, types(listed), root=False)
                return "no data" if proof == "no data" else "nothing"
            if _covers(other, listed.next, wildcard):
                return "no data" if listed.next.is_subdomain(wildcard) else "no such name"
    return "nothing"


def _covers(owner: Any, following: Any, name: Any) -> bool:
    """Return whether `name` lies between an NSEC record's owner and its next name."""
    if owner < following:
        return bool(owner < name < following)
    return bool(name > owner or name < following)


@dataclass(slots=True)
class _Hashes:
    """NSEC3 records that share salt and iterations, and the hashes of names already made."""

    records: tuple[tuple[bytes, Any], ...]
    salt: bytes
    iterations: int

    def hash(self, name: Any) -> bytes:
        return _hash(name.canonicalize().to_wire(), self.salt, self.iterations)

    def matching(self, name: Any) -> Any | None:
        wanted = self.hash(name)
        return next((data for owner, data in self.records if owner == wanted), None)

    def covering(self, name: Any) -> Any | None:
        wanted = self.hash(name)
        for owner, data in self.records:
            last = owner >= data.next
            if (wanted > owner or wanted < data.next) if last else owner < wanted < data.next:
                return data
        return None


@functools.lru_cache(4096)
def _hash(wire: bytes, salt: bytes, iterations: int) -> bytes:
    digest = hashlib.sha1(wire + salt, usedforsecurity=False).digest()
    for _ in range(iterations):
        digest = hashlib.sha1(digest + salt, usedforsecurity=False).digest()
    return digest


def _usable(found: Denials) -> _Hashes | None:
    """Return the records that can be used together; None if they ask for too much hashing."""
    known = [(owner, data) for owner, data in found.nsec3 if data.algorithm == 1 and not data.flags & ~1]
    if not known:
        return _Hashes((), b"", 0)
    first = known[0][1]
    if any(data.iterations > MAX_ITERATIONS for _, data in known):
        return None
    alike = tuple(
        (owner, data)
        for owner, data in known
        if (data.salt, data.iterations) == (first.salt, first.iterations)
    )
    return _Hashes(alike, first.salt, first.iterations)


def _deny_nsec3(name: Any, rdtype: int, found: Denials) -> Proof:
    hashes = _usable(found)
    if hashes is None:
        return "iterations"
    here = hashes.matching(name)
    if here is not None:
        return _at_name(rdtype, types(here), root=len(name) == 1)
    for labels in range(len(name) - 2, len(found.zone) - 2, -1):
        encloser = _suffix(name, labels)
        data = hashes.matching(encloser)
        if data is None:
            continue
        if _ends_here(types(data)):
            return "nothing"
        cover = hashes.covering(_suffix(name, labels + 1))
        if cover is None:
            return "nothing"
        opt_out = bool(cover.flags & 1)
        if rdtype == _DS and opt_out:
            return "opt-out"
        wildcard = _wildcard(encloser)
        if wildcard is None:
            return "nothing"
        listed = hashes.matching(wildcard)
        if listed is not None:
            proof = _at_name(rdtype, types(listed), root=False)
            return (
                "opt-out"
                if opt_out and proof == "no data"
                else "no data"
                if proof == "no data"
                else "nothing"
            )
        if hashes.covering(wildcard) is None:
            return "nothing"
        return "opt-out" if opt_out else "no such name"
    return "nothing"


def _suffix(name: Any, labels: int) -> Any:
    """Return the last `labels` labels of an absolute name; 0 is the root."""
    return name.split(labels + 1)[1]


def _common(left: Any, right: Any) -> int:
    """Return how many labels two absolute names have in common at the end, the root not counted."""
    return int(left.fullcompare(right)[2]) - 1


def _wildcard(encloser: Any) -> Any | None:
    import dns.exception
    import dns.name

    try:
        return dns.name.Name((b"*", *encloser.labels))
    except dns.exception.DNSException:
        return None
