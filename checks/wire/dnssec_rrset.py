"""One record set and its signatures: is it what the zone's keys signed (RFC 4035 section 5.3)? Bounded.

dnspython does the arithmetic of one signature and one key; which of them may count, the times and the bounds
are decided here. A hostile zone can offer many keys with one tag (CVE-2023-50387), so tries are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from checks.dataclass import dataclass

if TYPE_CHECKING:
    import dns.name
    import dns.rrset

Why = Literal[
    "expired", "not yet valid", "no matching key", "signature does not verify", "unsupported algorithm",
    "missing RRSIG", "signed by another zone", "too many tries",
]  # fmt: skip
"""Why no signature holds; where several failed, the one that tells most."""
_TELLING: tuple[Why, ...] = (
    "too many tries", "expired", "not yet valid", "signature does not verify", "no matching key",
    "unsupported algorithm", "signed by another zone", "missing RRSIG",
)  # fmt: skip
ALGORITHMS = frozenset({5, 7, 8, 10, 13, 14, 15, 16})
"""Signature algorithms that are verified here: RSA with SHA-1, SHA-256 and SHA-512, ECDSA, EdDSA."""
MAX_SIGNATURES = 8
MAX_SAME_TAG = 4
MAX_TRIES = 12
"""Verifications for one record set, as resolvers bound them since CVE-2023-50387."""
MAX_RECORDS = 200
MAX_KEY_BYTES = 1100


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature that holds; times are seconds since 1970."""

    zone: str
    owner: str
    covered: str
    tag: int
    algorithm: int
    inception: int
    expiration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What checking gave: `signature` where one holds, else `why`; fewer `labels` than its name: wildcard."""

    signature: Signature | None = None
    why: Why = "missing RRSIG"
    detail: str = ""
    labels: int = 0
    at: int = 0
    """When the signature ended, or begins, where that is why."""


@dataclass(slots=True)
class Budget:
    """Verifications that are left for a whole walk."""

    left: int = 200


def check(
    rrset: dns.rrset.RRset,
    signatures: Sequence[Any],
    zone: dns.name.Name,
    keys: Sequence[tuple[int, Any]],
    now: int,
    budget: Budget,
) -> Checked:
    """Return whether one of `signatures` by one of the zone's keys holds for `rrset` at the time `now`.

    `keys` are with their tags, which cost more to make than to compare.
    """
    failures: dict[Why, str] = {}
    ends: dict[Why, int] = {}
    if len(rrset) > MAX_RECORDS:
        return Checked(why="too many tries", detail=f"{len(rrset)} records in one set")
    tries = MAX_TRIES
    for signature in list(signatures)[:MAX_SIGNATURES]:
        why, detail = _unfit(rrset, signature, zone, now)
        if why is not None:
            if why not in failures:
                failures[why] = detail
                ends[why] = signature.inception if why == "not yet valid" else signature.expiration
            continue
        same = [key for tag, key in keys if tag == signature.key_tag and _may_sign(key, signature)]
        if not same:
            failures.setdefault("no matching key", f"no key of {_text(zone)} has tag {signature.key_tag}")
            continue
        if len(same) > MAX_SAME_TAG:
            failures["too many tries"] = f"{len(same)} keys have tag {signature.key_tag}"
            continue
        for key in same:
            if tries <= 0 or budget.left <= 0:
                failures["too many tries"] = f"stopped after {MAX_TRIES} verifications"
                break
            tries -= 1
            budget.left -= 1
            if _holds(rrset, signature, zone, key, now):
                return Checked(signature=_kept(rrset, signature, zone), labels=signature.labels)
            failures.setdefault(
                "signature does not verify", f"by the key with tag {signature.key_tag} of {_text(zone)}"
            )
    for why in _TELLING:
        if why in failures:
            return Checked(why=why, detail=failures[why], at=ends.get(why, 0))
    return Checked()


def supported(algorithm: int) -> bool:
    """Return whether signatures of this algorithm can be verified here."""
    return algorithm in ALGORITHMS


def older(left: int, right: int) -> bool:
    """Return whether a time is before another in the arithmetic of RFC 4034 section 3.1.5 (32 bits)."""
    return 0 < (right - left) & 0xFFFFFFFF < 0x80000000


def _unfit(rrset: Any, signature: Any, zone: Any, now: int) -> tuple[Why | None, str]:
    """Return why a signature cannot count whatever its key, or None."""
    if signature.signer != zone:
        return "signed by another zone", f"the signer is {_text(signature.signer)}, not {_text(zone)}"
    owner_labels = len(rrset.name) - 1 - (1 if rrset.name.is_wild() else 0)
    if signature.labels > owner_labels or not rrset.name.is_subdomain(zone):
        return "signature does not verify", "its label count does not fit the name"
    if signature.labels < len(zone) - 1:
        return "signature does not verify", "its label count leaves the zone"
    if not supported(signature.algorithm):
        return "unsupported algorithm", f"algorithm {int(signature.algorithm)}"
    if older(signature.expiration, signature.inception):
        return "signature does not verify", "it expires before it begins"
    if older(signature.expiration, now):
        return "expired", f"on {moment(signature.expiration)}"
    if older(now, signature.inception):
        return "not yet valid", f"before {moment(signature.inception)}"
    return None, ""


def _may_sign(key: Any, signature: Any) -> bool:
    """Return whether a key is a zone key with the signature's algorithm, and not revoked."""
    fit = key.flags & 0x0180 == 0x0100 and key.protocol == 3 and len(key.key) <= MAX_KEY_BYTES
    return bool(fit and key.algorithm == signature.algorithm)


def _holds(rrset: Any, signature: Any, zone: Any, key: Any, now: int) -> bool:
    import dns.dnssec
    import dns.rdataset

    keys: Any = {zone: dns.rdataset.from_rdata(0, key)}
    try:
        dns.dnssec.validate_rrsig(rrset, signature, keys, None, now, dns.dnssec.allow_all_policy)
    except Exception:  # noqa: BLE001 - a hostile key may make the arithmetic raise anything
        return False
    return True


def _kept(rrset: Any, signature: Any, zone: Any) -> Signature:
    import dns.rdatatype

    return Signature(
        zone=_text(zone), owner=_text(rrset.name), covered=dns.rdatatype.to_text(rrset.rdtype),
        tag=signature.key_tag, algorithm=int(signature.algorithm), inception=signature.inception,
        expiration=signature.expiration,
    )  # fmt: skip


def moment(seconds: int) -> str:
    """Return a signature's time as a person reads it, in UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=len(name) > 1).lower()
