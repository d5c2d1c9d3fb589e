"""Signing a zone for tests, right or wrong on purpose: NSEC or NSEC3, any times, any keys."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.util
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec, rsa

T = dns.rdatatype
DAY = 86400
ECDSA, RSA = 13, 8


@dataclass(frozen=True)
class Key:
    """A zone's key: private half and DNSKEY."""

    private: Any
    record: Any

    @property
    def tag(self) -> int:
        """Its key tag."""
        return dns.dnssec.key_id(self.record)

    def ds(self, zone: str, digest: str = "SHA256") -> Any:
        """Return its DS record."""
        return dns.dnssec.make_ds(zone_name(zone), self.record, digest, policy=dns.dnssec.allow_all_policy)


def make_key(algorithm: int = ECDSA, flags: int = 257) -> Key:
    """Make a key pair."""
    private: Any = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == ECDSA
        else rsa.generate_private_key(65537, 2048)
    )
    return Key(private, dns.dnssec.make_dnskey(private.public_key(), algorithm, flags))


def zone_name(text: str) -> dns.name.Name:
    """Return a zone's name, absolute."""
    return dns.name.from_text(text)


@dataclass
class Signing:
    """How a zone is signed; the times are seconds from now."""

    keys: list[Key] = field(default_factory=lambda: [make_key()])
    begins: float = -3600
    ends: float = 14 * DAY
    nsec3: bool = False
    opt_out: bool = False
    iterations: int = 0
    salt: bytes = b""
    spoil: Callable[[dns.zone.Zone], None] | None = None
    """Applied to the signed zone."""
    at: float = field(default_factory=time.time)

    def signature(self, name: Any, rdataset: Any, zone: Any, key: Key) -> Any:
        """Return one signature."""
        return dns.dnssec.sign(
            (name, rdataset), key.private, zone, key.record, inception=int(self.at + self.begins),
            expiration=int(self.at + self.ends), policy=dns.dnssec.allow_all_policy,
        )  # fmt: skip


def signed(name: str, text: str, signing: Signing) -> dns.zone.Zone:
    """Return the zone `name` of `text`, signed."""
    origin = zone_name(name)
    zone = dns.zone.from_text(text, origin, relativize=False, check_origin=True)
    add(zone, origin, [key.record for key in signing.keys])
    cuts = [at for at, node in zone.nodes.items() if at != origin and node.get_rdataset(1, T.NS)]
    inside = [at for at in zone.nodes if not any(at != cut and at.is_subdomain(cut) for cut in cuts)]
    (_nsec3 if signing.nsec3 else _nsec)(zone, origin, sorted(inside), cuts, signing)
    for at in [*inside, *[one for one in zone.nodes if zone.nodes[one].get_rdataset(1, T.NSEC3)]]:
        for rdataset in list(zone.nodes[at].rdatasets):
            if rdataset.rdtype == T.RRSIG or (at in cuts and rdataset.rdtype in (T.NS, T.A, T.AAAA)):
                continue
            add(zone, at, [signing.signature(at, rdataset, origin, key) for key in signing.keys])
    if signing.spoil is not None:
        signing.spoil(zone)
    return zone


def add(zone: dns.zone.Zone, at: Any, records: Iterable[Any], ttl: int = 60) -> None:
    """Add records of one type to a node."""
    for record in records:
        covers = record.covers() if record.rdtype == T.RRSIG else T.NONE
        zone.find_rdataset(at, record.rdtype, covers, create=True).add(record, ttl)


def unsign(zone: dns.zone.Zone, at: str, rdtype: int) -> None:
    """Take the signatures of one set away."""
    zone.delete_rdataset(zone_name(at), T.RRSIG, rdtype)


def text_of(zone: dns.zone.Zone) -> str:
    """Return the zone as a zone file."""
    return zone.to_text(relativize=False)


def _types(node: Any, *more: int) -> list[int]:
    found = {rdataset.rdtype for rdataset in node.rdatasets if rdataset.rdtype != T.RRSIG}
    return sorted({*found, *more})


def _nsec(zone: Any, origin: Any, names: list[Any], cuts: list[Any], signing: Signing) -> None:
    for at, following in zip(names, [*names[1:], origin], strict=True):
        kinds = _types(zone.nodes[at], T.NSEC, T.RRSIG)
        if at in cuts:
            kinds = [kind for kind in kinds if kind not in (T.A, T.AAAA)]
        listed = " ".join(map(T.to_text, kinds))
        add(zone, at, [dns.rdata.from_text("IN", "NSEC", f"{following} {listed}")])


def _nsec3(zone: Any, origin: Any, names: list[Any], cuts: list[Any], signing: Signing) -> None:
    salt = signing.salt.hex() or "-"
    add(zone, origin, [dns.rdata.from_text("IN", "NSEC3PARAM", f"1 0 {signing.iterations} {salt}")])
    listed: dict[Any, list[int]] = {}
    for at in names:
        kinds = _types(zone.nodes[at])
        if at in cuts:
            kinds = [kind for kind in kinds if kind not in (T.A, T.AAAA)]
        if signing.opt_out and at in cuts and T.DS not in kinds:
            continue
        listed[at] = [*kinds, *([] if kinds == [T.NS] else [T.RRSIG])]
        above = at
        while above != origin:
            above = above.parent()
            listed.setdefault(above, [])
    hashes = sorted(
        (dns.dnssec.nsec3_hash(at, signing.salt or None, signing.iterations, 1), at) for at in listed
    )
    for (own, at), (following, _) in zip(hashes, [*hashes[1:], hashes[0]], strict=True):
        kinds = " ".join(map(T.to_text, sorted(listed[at])))
        flags = 1 if signing.opt_out else 0
        text = f"1 {flags} {signing.iterations} {salt} {following} {kinds}"
        add(
            zone,
            dns.name.Name((own.lower().encode(), *origin.labels)),
            [dns.rdata.from_text("IN", "NSEC3", text)],
        )


def colliding(wanted: int) -> bytes:
    """Return ECDSA key bytes whose DNSKEY (flags 256, protocol 3, algorithm 13) has the tag `wanted`."""
    for number in range(1 << 20):
        body = hashlib.sha512(number.to_bytes(4, "big")).digest()
        if dns.dnssec.key_id(dns.rdata.from_wire(1, T.DNSKEY, b"\1\0\3\x0d" + body, 0, 68)) == wanted:
            return body
    raise AssertionError(f"No key with tag {wanted} was found.")
