"""network.tls: a TLS server shows a certificate that clients will trust, for long enough."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from checks.bounds import Ge
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.network._peers import EXPLAINED, unresolved, untested
from checks.network._tls_findings import chain_findings, date_findings, issuer_findings, name_findings
from checks.params import Endpoint, Host, Regex, join_endpoint, split_endpoint
from checks.safe import safe
from checks.wire.names import Family, Resolved, resolve
from checks.wire.tcp import budget
from checks.wire.tls_chain import VERSIONS, Shown, Version, show

MAX_ADDRESSES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSeen:
    """What each of the first addresses showed; `now` is this laptop's clock, which dates are held against."""

    names: Resolved
    shown: tuple[Shown, ...]
    now: datetime


class Tls(Check[TlsSeen]):
    """The server's certificate is trusted here, for the name, lasts long enough and has the planned issuer.

    Each address gets two handshakes: one that trusts anything, to describe what is sent, and one that
    verifies. Expired, not yet valid (perhaps this laptop's clock), wrong name, self-signed, unknown
    authority and incomplete chain are told apart. OpenSSL's SSL_CERT_FILE and SSL_CERT_DIR apply.

    Proves: OpenSSL on this laptop, with the trust given, accepts the chain for the name now; no version older
    than min_version is what the two agree on.
    Cannot prove: that every client trusts the same authorities; revocation (neither CRL nor OCSP is asked);
    without `issuer`, that nobody on the way opens TLS with an authority that this laptop trusts.
    If it fails: renew or replace the certificate, send the whole chain, and reload the service; an
    unknown issuer may be inspection on the way.

    Source: RFC 5280 section 6 (path), RFC 9525 section 6 (names), RFC 8996 (TLS 1.0 and 1.1 are dead).

    Example:
        type: network.tls
        target: mail.example.com:443
        issuer: "Let's Encrypt|DigiCert"
        min_days: 30
    """

    deadline_s = 15.0

    target: Endpoint
    """Server to connect to; port 443 unless given."""
    server_name: Host | None = None
    """Name to ask for and to find in the certificate, in place of the target's."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""
    min_days: Annotated[int, Ge(0)] = 30
    """Days of validity left from which on it is good; fewer is a warning."""
    fail_days: Annotated[int, Ge(0)] = 7
    """Days of validity left below which it fails."""
    min_version: Version = "TLSv1.2"
    """Oldest version that may be agreed on."""
    refuse_older: bool = False
    """Also ask for each version older than min_version; the server must refuse it."""
    issuer: Regex | None = None
    """Regular expression that the issuer of the server's certificate must match; finds interception."""
    family: Family = "any"
    """Which addresses of the name to test: `any` (all of them), `ipv4` or `ipv6`."""

    def __post_init__(self) -> None:
        if self.fail_days > self.min_days:
            raise ValueError("fail_days must not be more than min_days.")
        if self.refuse_older and self.min_version == "TLSv1":
            raise ValueError("No version older than TLSv1 can be asked for: raise min_version.")

    async def observe(self, vantage: Vantage) -> TlsSeen:
        host, port = split_endpoint(self.target, 443)
        names = await resolve(vantage, host, self.family)
        refuse = VERSIONS[: VERSIONS.index(self.min_version)] if self.refuse_older else ()
        within = budget(vantage)
        shows = (
            show(vantage, address, port, self._name(), ca_file=self.ca_file, within=within, refuse=refuse)
            for address in names.addresses[:MAX_ADDRESSES]
        )
        return TlsSeen(names=names, shown=tuple(await asyncio.gather(*shows)), now=vantage.now())

    def judge(self, seen: TlsSeen) -> Iterable[Finding]:
        if not seen.names.addresses:
            yield unresolved(self.target, seen.names)
        works = any(shown.described.done for shown in seen.shown)
        for shown in seen.shown:
            attempt = shown.described.attempt
            if attempt.outcome == "no_route" and works and self.family == "any":
                yield untested(attempt)
                continue
            yield from self._judge_one(join_endpoint(attempt.address, attempt.port), shown, seen.now)

        untried = len(seen.names.addresses) - len(seen.shown)
        if untried > 0:
            yield warned(
                self.target,
                f"The name has more addresses than are tested at once: {untried} were left out.",
                fix="Test the addresses that matter by a check of their own, with server_name.",
            )

    def _judge_one(self, where: str, shown: Shown, now: datetime) -> Iterable[Finding]:
        described = shown.described
        if described.attempt.outcome != "open":
            message, fix = EXPLAINED[described.attempt.outcome]
            make = cannot_tell if described.attempt.outcome in ("barred", "local") else failed
            observed = f"{described.attempt.outcome}: {safe(described.attempt.detail, limit=200)}"
            yield make(where, message, expected="a TLS handshake", observed=observed, fix=fix)
            return
        if not described.done or not shown.chain:
            words = described.refused or described.broken or "no certificate was sent"
            yield failed(
                where,
                "TLS could not be agreed.",
                expected="a TLS handshake",
                observed=safe(words, limit=200),
                fix="Check that this port speaks TLS from the start, and the service's TLS settings and log.",
            )
            return
        yield self._judge_version(where, described.version)
        for version, taken in shown.older:
            yield _judge_older(where, version, taken=taken)
        leaf = shown.chain[0]
        if leaf.trouble is not None:
            yield cannot_tell(
                where,
                "The server's certificate cannot be read.",
                observed=safe(leaf.trouble, limit=200),
                fix="Issue the certificate again; keep this one (it is in the observation) as evidence.",
            )
            return
        verified = shown.verified
        code = verified.verify_code if verified is not None else None
        yield from date_findings(where, shown.chain, code, now, warn=self.min_days, fail=self.fail_days)
        yield from name_findings(where, leaf, self._name(), verified)
        yield from chain_findings(where, shown)
        yield from issuer_findings(where, leaf, self.issuer)

    def _judge_version(self, where: str, version: str) -> Finding:
        say = {"expected": f"{self.min_version} or newer", "observed": safe(version, limit=20)}
        if version in VERSIONS and VERSIONS.index(version) >= VERSIONS.index(self.min_version):
            return passed(where, "The TLS version is new enough.", expected=say["expected"], observed=version)
        return failed(
            where,
            "The best TLS version that the server speaks is too old: clients of today refuse it.",
            fix="Switch TLS 1.2 and 1.3 on, or renew the device.",
            reference="RFC 8996",
            **say,
        )

    def _name(self) -> str:
        return self.server_name or split_endpoint(self.target)[0]


def _judge_older(where: str, version: str, *, taken: bool | None) -> Finding:
    if taken is None:
        return cannot_tell(
            where,
            f"Whether the server still takes {version} could not be tested.",
            expected="refused",
            fix="Test it from a machine whose OpenSSL still offers that version.",
        )
    if taken:
        return failed(
            where,
            f"The server still takes {version}.",
            expected="refused",
            observed="taken",
            fix=f"Switch {version} off in the service's TLS settings.",
            reference="RFC 8996",
        )
    return passed(where, f"The server refuses {version}.", expected="refused", observed="refused")
