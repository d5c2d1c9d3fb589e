"""m365.tenant: the domain belongs to the planned Microsoft 365 tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from checks.clouds import CLOUDS, CloudName
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.m365._identity import GUID, MAX_BODY, Drift, UserRealm, realm_of, tenant_of
from checks.network._peers import EXPLAINED
from checks.network._tls_findings import chain_findings, date_findings, name_findings
from checks.params import DomainName, Url, join_endpoint
from checks.safe import safe
from checks.wire.http import Exchange, Request, exchange
from checks.wire.names import Resolved, resolve
from checks.wire.tcp import budget
from checks.wire.tls_chain import Shown, show


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The server where a federated domain signs in, and what its first address showed by TLS."""

    host: str
    port: int
    names: Resolved
    shown: Shown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSeen:
    """Entra ID's two answers about the domain; `now` is this laptop's clock, for certificates."""

    openid: Exchange
    realm: Exchange
    now: datetime
    sign_in: SignIn | None = None


class Tenant(Check[TenantSeen]):
    """The domain belongs to the planned tenant, with the planned kind of sign-in.

    Entra ID is asked without signing in: its openid-configuration names the tenant that holds the domain as
    verified, getuserrealm whether its users sign in there (managed) or elsewhere (federated). For a federated
    domain the sign-in server's TLS is tested.

    Proves: Entra ID answers now, over a connection whose certificate is trusted here, that this tenant holds
    the domain.
    Cannot prove: that licences, mailboxes or DNS records are in place; that every service of Microsoft has
    heard of a move yet. getuserrealm is not documented: an answer of another shape is inconclusive.
    If it fails: add and verify the domain (Microsoft 365 admin centre, Settings, Domains); where another
    tenant holds it, it must be removed there first.

    Source: OpenID Connect Discovery 1.0 section 4, learn.microsoft.com/entra (AADSTS90002: no such tenant),
    getuserrealm.srf as in use by Microsoft's own clients.

    Example:
        type: m365.tenant
        domain: example.com
        tenant_id: 2a6c0dd8-4f3e-4b1c-9d52-0c1c5f1b7e0a
        realm: managed
    """

    deadline_s = 20.0

    domain: DomainName
    """The mail domain."""
    tenant_id: str
    """GUID of the tenant that must hold it (Entra admin centre, Overview)."""
    realm: Literal["managed", "federated"] | None = None
    """Where its users must sign in: at Microsoft (`managed`) or at a server of their own (`federated`)."""
    cloud: CloudName = "worldwide"
    """Microsoft's cloud that the tenant is in; GCC is in `worldwide`."""
    login_url: Url | None = None
    """Base of the login in place of the cloud's."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""

    def __post_init__(self) -> None:
        if not GUID.fullmatch(self.tenant_id.lower()):
            raise ValueError(
                "'tenant_id' is a GUID like 2a6c0dd8-4f3e-4b1c-9d52-0c1c5f1b7e0a, "
                f"not {self.tenant_id!r:.80}."
            )
        if self.domain == "." or "*" in self.domain:
            raise ValueError(f"'domain' is a mail domain like example.com, not {self.domain!r}.")

    def needs_link(self) -> bool:
        return not is_loopback(self._base())

    async def observe(self, vantage: Vantage) -> TenantSeen:
        within = budget(vantage) * 0.7
        base = self._base()
        who = quote(f"user@{self.domain}")
        openid, realm = await asyncio.gather(
            *(
                exchange(vantage, Request(url=url, ca_file=self.ca_file, max_body=MAX_BODY), within)
                for url in (
                    f"{base}/{self.domain}/.well-known/openid-configuration",
                    f"{base}/getuserrealm.srf?login={who}&json=1",
                )
            )
        )
        return TenantSeen(
            openid=openid, realm=realm, now=vantage.now(), sign_in=await self._sign_in(vantage, realm)
        )

    async def _sign_in(self, vantage: Vantage, answer: Exchange) -> SignIn | None:
        try:
            told = realm_of(answer, self.domain)
        except Drift:
            return None
        if told.realm != "federated" or not told.auth_url:
            return None
        parts = urlsplit(told.auth_url)
        host, port = parts.hostname or "", parts.port or 443
        names = await resolve(vantage, host)
        if not names.addresses:
            return SignIn(host=host, port=port, names=names)
        shown = await show(
            vantage, names.addresses[0], port, host, ca_file=self.ca_file, within=budget(vantage)
        )
        return SignIn(host=host, port=port, names=names, shown=shown)

    def judge(self, seen: TenantSeen) -> Iterable[Finding]:
        yield self._tenant(seen.openid)
        told: UserRealm | None = None
        try:
            told = realm_of(_whole(seen.realm), self.domain)
        except Drift as error:
            if self.realm is not None:
                yield self._unknown(
                    seen.realm, "What kind of sign-in the domain has", str(error), f"a {self.realm} domain"
                )
        if told is not None:
            yield from self._realm(told)
            if told.realm == "federated":
                yield from _signs_in(seen.sign_in, seen.now)
        base = self._base()
        if base.startswith("http://") and not is_loopback(base):
            yield warned(
                base, "Entra ID was asked over plain http: anybody on the way can answer so.",
                expected="https", observed=safe(base, limit=200),
                fix="Write login_url with https, and the authority in ca_file.",
            )  # fmt: skip

    def _tenant(self, answer: Exchange) -> Finding:
        expected = f"tenant {self.tenant_id.lower()}"
        try:
            tenant = tenant_of(_whole(answer))
        except Drift as error:
            return self._unknown(answer, "Which tenant holds the domain", str(error), expected)
        if tenant is None:
            return failed(
                self.domain, "No tenant of this cloud holds the domain: it is not verified anywhere.",
                expected=expected, observed="AADSTS90002: no such tenant",
                fix="Add the domain in the tenant (Microsoft 365 admin centre, Settings, Domains) and "
                "publish the TXT record that it shows; if it lives in another cloud, correct 'cloud'.",
                reference="AADSTS90002",
            )  # fmt: skip
        if tenant != self.tenant_id.lower():
            return failed(
                self.domain, "Another tenant holds the domain.", expected=expected,
                observed=f"tenant {tenant}",
                fix=f"Remove the domain from tenant {tenant} (users, groups, aliases and applications that "
                f"use it first) and verify it in {self.tenant_id.lower()}; do not move the MX before.",
            )  # fmt: skip
        return passed(
            self.domain,
            "The planned tenant holds the domain.",
            expected=expected,
            observed=f"tenant {tenant}",
        )

    def _realm(self, told: UserRealm) -> Iterable[Finding]:
        say: dict[str, Any] = {"expected": self.realm or "managed or federated", "observed": told.realm}
        if told.realm == "unknown":
            yield failed(
                self.domain, "Entra ID does not know the domain for sign-in.",
                fix="Verify the domain (Microsoft 365 admin centre, Settings, Domains); if that was done "
                "just now, wait some minutes.",
                **say,
            )  # fmt: skip
        elif self.realm is not None and told.realm != self.realm:
            yield failed(
                self.domain,
                f"The domain's users sign in otherwise than planned: it is {told.realm}.",
                fix="Convert the domain in Entra ID (Update-MgDomain, authenticationType), or mend the plan.",
                **say,
            )
        else:
            planned = "planned kind" if self.realm is not None else "kind"
            yield passed(self.domain, f"The domain's {planned} of sign-in is {told.realm}.", **say)
        wanted = CLOUDS[self.cloud].realm
        if told.cloud and told.cloud.lower() != wanted:
            yield warned(
                self.domain, "Entra ID says that the domain is in another of Microsoft's clouds.",
                expected=wanted, observed=safe(told.cloud, limit=100),
                fix="Correct 'cloud', or find out in which cloud the tenant is.",
            )  # fmt: skip

    def _unknown(self, answer: Exchange, what: str, why: str, expected: str) -> Finding:
        trouble = answer.trouble
        if answer.status is None or trouble is not None:
            words = (
                f"{trouble.kind} ({trouble.phase}): {trouble.detail}" if trouble is not None else "no answer"
            )
            fix = (
                "Something opens TLS to Microsoft's sign-in: exempt it from inspection."
                if trouble is not None and trouble.kind == "untrusted"
                else "Check this laptop's way to the Internet (DNS, proxy, firewall), then run again."
            )
        else:
            words = f"status {answer.status}; {why}"
            fix = (
                "Open the URL of the observation in a browser on this laptop: a portal or proxy may answer; "
                "after a status 429 or 5xx wait some minutes."
            )
        return cannot_tell(
            self.domain, f"{what} could not be learned from Entra ID.", expected=expected,
            observed=safe(words, limit=300), fix=fix,
        )  # fmt: skip

    def _base(self) -> str:
        return (self.login_url or CLOUDS[self.cloud].login).rstrip("/")


def _whole(answer: Exchange) -> Exchange:
    if answer.status is None or answer.trouble is not None:
        raise Drift("there is no whole answer")
    return answer


def _signs_in(found: SignIn | None, now: datetime) -> Iterable[Finding]:
    """Judge the TLS of a federated domain's sign-in server."""
    if found is None:
        yield cannot_tell(
            "sign-in server", "The domain is federated, and the answer names no sign-in server to test.",
            expected="an AuthURL with https", observed="none",
            fix="Test the federation server by network.tls, or convert the domain to managed.",
        )  # fmt: skip
        return
    where = safe(join_endpoint(found.host, found.port), limit=260)
    if found.shown is None:
        make = cannot_tell if found.names.temporary else failed
        yield make(
            where, "The sign-in server's name has no address here.", expected="an address",
            observed=safe(found.names.error or "no address", limit=200),
            fix="Publish the federation server's name in DNS, inside and outside.",
        )  # fmt: skip
        return
    described = found.shown.described
    if described.attempt.outcome != "open":
        message, fix = EXPLAINED[described.attempt.outcome]
        make = cannot_tell if described.attempt.outcome in ("barred", "local", "no_route") else failed
        observed = f"{described.attempt.outcome}: {safe(described.attempt.detail, limit=200)}"
        yield make(where, message, expected="a TLS handshake", observed=observed, fix=fix)
        return
    if not described.done or not found.shown.chain or found.shown.chain[0].trouble is not None:
        yield failed(
            where, "TLS could not be agreed with the sign-in server.", expected="a TLS handshake",
            observed=safe(described.refused or described.broken or "no readable certificate", limit=200),
            fix="Check the federation server (and its proxy): certificate, key and TLS settings.",
        )  # fmt: skip
        return
    code = found.shown.verified.verify_code if found.shown.verified is not None else None
    yield from date_findings(where, found.shown.chain, code, now, warn=14, fail=2)
    yield from name_findings(where, found.shown.chain[0], found.host, found.shown.verified)
    yield from chain_findings(where, found.shown)
