"""What dns.dnssec says of each reason: the sentence and what to do, by the words of RFC 4033 and RFC 8914."""

from __future__ import annotations

from collections.abc import Iterable

from checks.safe import safe
from checks.wire.dnssec_verdict import Link, Reason, Verdict

ALGORITHMS = {
    5: "RSASHA1", 7: "RSASHA1-NSEC3-SHA1", 8: "RSASHA256", 10: "RSASHA512", 13: "ECDSAP256SHA256",
    14: "ECDSAP384SHA384", 15: "ED25519", 16: "ED448",
}  # fmt: skip
CLOCK = "Check the date and time of this laptop first (network.ntp)."
_RESIGN = (
    "Let the zone's signer run again and look at its log, and check that every name server got the new zone."
)
_BOGUS: dict[Reason, tuple[str, str]] = {
    "expired": ("The signatures have expired", _RESIGN),
    "not yet valid": (
        "The signatures are not valid yet",
        f"{CLOCK} Then check the clock of the machine that signs the zone.",
    ),
    "no matching key": (
        "The signatures are by a key that the zone does not show",
        "Publish the key that signs as DNSKEY again, or sign with a published one: it was rolled too early.",
    ),
    "signature does not verify": (
        "The signatures do not fit the records",
        "Sign the zone again; if it is right at the signer, find out what changes answers on the way.",
    ),
    "unsupported algorithm": (
        "There are only signatures that cannot be verified here",
        "Sign with algorithm 13 or 8 as the DS promises (RFC 8624).",
    ),
    "missing RRSIG": (
        "The records come without a signature, which the DS at the parent demands",
        "Serve the signed zone on all name servers, or have the registrar take the DS away.",
    ),
    "signed by another zone": (
        "The signatures are by another zone",
        "Sign the zone with its own keys, and see if a name server serves a zone that is not delegated.",
    ),
    "too many tries": (
        "There are more keys or signatures than any resolver tries",
        "Remove keys and signatures that are not in use: resolvers give up on such zones (CVE-2023-50387).",
    ),
    "DS without matching DNSKEY": (
        "The DS at the parent fits none of the zone's keys",
        "Have the registrar publish the DS of the zone's present key: DNS moved or a key rolled without it.",
    ),
    "no proof of absence": (
        "The answer denies something without a proof that holds",
        "Sign the zone again, so that its NSEC or NSEC3 records cover every gap, on every name server.",
    ),
}  # fmt: skip
_INSECURE: dict[Reason, tuple[str, str]] = {
    "no DS": (
        "The parent proves that there is no DS, so the zone is not secured",
        "Sign the zone, then have the registrar publish its DS record at the parent.",
    ),
    "opt-out": (
        "The parent does not vouch for the delegation (NSEC3 opt-out), so the zone is not secured",
        "Sign the zone, then have the registrar publish its DS record at the parent.",
    ),
    "unsupported algorithm": (
        "The DS names only algorithms that resolvers do not know, so the zone counts as not secured",
        "Sign with algorithm 13 or 8, and have the registrar publish that key's DS with digest type 2.",
    ),
    "iterations": (
        "The zone asks for more than 100 rounds of NSEC3 hashing, which resolvers treat as not secured",
        "Set the NSEC3 iterations to 0 (RFC 9276).",
    ),
}


def bogus(verdict: Verdict) -> tuple[str, str]:
    """Return what is wrong, in a sentence without its full stop, and what to do."""
    return _BOGUS.get(verdict.reason, ("The chain of trust is broken", _RESIGN))


def insecure(verdict: Verdict) -> tuple[str, str]:
    """Return why it is not secured, in a sentence without its full stop, and what to do."""
    return _INSECURE.get(verdict.reason, _INSECURE["no DS"])


def said(verdict: Verdict) -> str:
    """Return a verdict in a few words: `bogus at example.com: expired (on ...)`."""
    text = f"{verdict.word} at {verdict.zone}"
    if verdict.reason:
        text += f": {verdict.reason}"
    return safe(f"{text} ({verdict.detail})" if verdict.detail else text, limit=500)


def chain(links: Iterable[Link]) -> str:
    """Return the zones of a chain with the tags of their keys: `. (20326) > com (19718)`."""
    parts = [f"{one.zone} ({'+'.join(map(str, one.tags[:4]))})" for one in list(links)[:20]]
    return safe(" > ".join(parts), limit=500)


def algorithms(numbers: Iterable[int]) -> str:
    """Return the names of signature algorithms."""
    return ", ".join(ALGORITHMS.get(number, f"algorithm {number}") for number in sorted(numbers))


def missing(verdict: Verdict, *, listed: bool) -> str:
    """Return how a record set is absent where that matters: a name always, data only where it was listed."""
    absent = verdict.outcome in (("no such name", "no data") if listed else ("no such name",))
    return verdict.outcome if absent else ""
