"""How a whole chain fares: how long its signatures hold, what is outdated, what the resolvers say of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checks.contract import Finding, Measure
from checks.dns._dnssec_words import algorithms
from checks.judging import warned, within
from checks.safe import safe
from checks.wire.dnssec import Walker
from checks.wire.dnssec_fetch import Opinion

_DAY = 86400.0
_SHA1 = frozenset({5, 7})


def holding(walker: Walker, domain: str, min_days: float, now: int) -> Iterator[Finding]:
    """Return how long the signatures of the zone of `domain` still hold, and what is outdated in it."""
    above = [one.zone for one in walker.links if one.zone == "." or f".{domain}".endswith(f".{one.zone}")]
    own = max(above, key=len, default="")
    shown = safe(own, limit=260)
    signatures = [one for one in walker.signatures if one.zone == own]
    if signatures:
        first = min(signatures, key=lambda one: one.expiration)
        life = (first.expiration - first.inception) / _DAY
        yield within(
            shown,
            Measure(
                name=f"Time that the signature of {safe(first.owner, limit=260)} {first.covered} still holds",
                value=round((first.expiration - now) / _DAY, 3),
                unit="days",
                warn=round(min(min_days, life / 4), 3),
                fail=0.0,
                source=f"min_days, at most a quarter of the signature's life of {life:.3g} days",
            ),
            least=True,
            fix="Look at the zone's signer: it renews signatures well before they end; these are late.",
        )
    link = next((one for one in walker.links if one.zone == own), None)
    if link is not None and set(link.algorithms) <= _SHA1:
        yield warned(
            shown,
            "The zone is signed with SHA-1 only, which validators stop accepting.",
            expected="algorithm 13 or 8",
            observed=algorithms(link.algorithms),
            fix="Roll the zone's keys to algorithm 13 (RFC 6781 section 4.1.4).",
            reference="RFC 9905",
        )
    if link is not None and link.digests == (1,):
        yield warned(
            shown,
            "The parent's DS has a SHA-1 digest only.",
            expected="digest type 2 (SHA-256)",
            observed="digest type 1",
            fix="Have the registrar add a DS with digest type 2 and remove the old one.",
            reference="RFC 9905",
        )


def heard(opinions: Iterable[Opinion]) -> str:
    """Return what the resolvers say, in one remark."""
    told: dict[str, str] = {}
    for one in opinions:
        if one.refused:
            told[one.server] = "refuses it (SERVFAIL)"
        elif one.rcode in ("NOERROR", "NXDOMAIN"):
            told.setdefault(one.server, "vouches for it (AD)" if one.ad else "does not validate it")
    text = "; ".join(f"{server} {what}" for server, what in list(told.items())[:6])
    return f"; {text}" if text else ""
