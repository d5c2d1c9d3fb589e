"""m365.domain: the domain is verified in the tenant, and DNS has the records that its services need."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Len
from checks.clouds import CloudName
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.m365._graph import Certificate, access, everything, held_to_shape, no_such, require_access
from checks.m365._records import ServiceRecord, Unknown, compare, from_graph, is_spf, written
from checks.params import DomainName, Resolver, SecretRef, Url
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.dns_lookup import Lookup, lookup
from checks.wire.dns_vouch import vouched
from checks.wire.graph import NoSuch, get, pages
from checks.wire.graph_access import Access, Call
from checks.wire.graph_json import flag, text, texts

Service = Literal["mail", "teams", "intune", "sharepoint", "yammer"]
Part = Literal["MX", "SPF", "autodiscover", "TXT", "CNAME", "SRV"]
_NAMES: dict[str, tuple[str, ...]] = {
    "mail": ("email", "emailinternalrelayonly"),
    "teams": ("officecommunicationsonline",),
    "intune": ("intune",),
    "sharepoint": ("sharepoint", "sharepointdefaultdomain", "sharepointpublic"),
    "yammer": ("yammer",),
}
"""Words of this check to those of Graph's supportedServices, in lower case."""
_MOST = 200
_NOTHING = ("no data", "no such name")


@dataclass(frozen=True, slots=True, kw_only=True)
class InTenant:
    """What the tenant says of the domain; None in its place: the tenant does not hold it."""

    verified: bool
    authentication: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A record and what DNS answered for it."""

    record: ServiceRecord
    found: Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSeen:
    """The domain in the tenant (if that was asked), each record with its answer, the answer for msoid."""

    asked_tenant: bool
    tenant: InTenant | None = None
    records: tuple[Asked, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    left_out: tuple[str, ...] = ()
    msoid: Lookup | None = None


class Domain(Check[DomainSeen]):
    """The tenant holds the domain, verified, and DNS has each record that Microsoft lists for its services.

    With credentials the records come from Graph, else from the project file: Microsoft assigns their values,
    so none is ever made up from the domain's name. The old record msoid must be gone (except in China): while
    it is there, Microsoft 365 Apps say that the account is not in their system.

    Proves: with credentials, that this tenant has verified the domain; what the resolvers asked answer for
    each record now.
    Cannot prove: without credentials, that the tenant holds the domain (m365.tenant asks the login); that all
    name servers agree (dns.authority), that DKIM is on (Graph does not tell: mail.dkim, m365.export).
    If it fails: compare with the Microsoft 365 admin centre (Settings, Domains, DNS records), and correct
    the record that is named at the DNS host; delete msoid.

    Source: learn.microsoft.com/graph/api/domain-list-serviceconfigurationrecords, resource type domain;
    learn.microsoft.com/microsoft-365/enterprise/external-domain-name-system-records.

    Example:
        type: m365.domain
        domain: example.com
        services: [mail, teams]
        records:
          - {type: MX, name: example.com, value: 0 example-com.mail.protection.outlook.com}
          - {type: TXT, name: example.com, value: "v=spf1 include:spf.protection.outlook.com -all"}
          - {type: CNAME, name: autodiscover.example.com, value: autodiscover.outlook.com}
    """

    deadline_s = 60.0

    domain: DomainName
    """The domain."""
    services: Annotated[tuple[Service, ...], Len(1)] = ("mail",)
    """Services that the domain is for: `mail`, `teams`, `intune`, `sharepoint`, `yammer`. The tenant must
    offer them; records that Graph lists for others are not compared."""
    records: tuple[ServiceRecord, ...] = ()
    """Records that DNS must have, as the Microsoft 365 admin centre lists them; needed without
    credentials."""
    authentication: Literal["Managed", "Federated"] | None = None
    """How the tenant authenticates the domain's users, if that matters."""
    skip: tuple[Part, ...] = ()
    """Records that are not compared because they change only at the switch: `MX`, `SPF`, `autodiscover`..."""
    hybrid: bool = False
    """Whether autodiscover must still lead to an Exchange server of one's own: it is not compared then."""
    tenant_id: str | None = None
    """Directory (tenant) ID; with `client_id` and `secret` or `certificate` the records come from Graph."""
    client_id: str | None = None
    """Application (client) ID of the registered application that may read the tenant."""
    secret: SecretRef | None = None
    """Reference to the application's client secret (its value, not its ID)."""
    certificate: Certificate | None = None
    """Certificate in place of a secret: `key` (reference or path, PEM or PFX), `file`, `passphrase`."""
    cloud: CloudName = "worldwide"
    """Microsoft's cloud that the tenant is in; GCC is in `worldwide`."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers to ask, in turn; left out, those that this laptop was handed."""
    graph_url: Url | None = None
    """Base of Graph in place of the cloud's."""
    login_url: Url | None = None
    """Base of the login in place of the cloud's."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""

    def __post_init__(self) -> None:
        if self._credentials():
            require_access(self)
        elif self.authentication is not None:
            raise ValueError(
                "'authentication' is read from the tenant: give 'tenant_id' and credentials, too."
            )
        elif not self.records:
            raise ValueError(
                "Give the tenant's credentials, or list the planned 'records': without both there is nothing "
                "to hold DNS against."
            )
        for record in self.records:
            written(record)
        if not self._credentials() and all(map(self._left_out, self.records)):
            raise ValueError("All planned records are left out by 'skip' or 'hybrid': that asserts nothing.")

    def needs_link(self) -> bool:
        places = [*self.resolvers] or [""]
        if self._credentials():
            places += [self.graph_url or "", self.login_url or ""]
        return not all(map(is_loopback, places))

    async def observe(self, vantage: Vantage) -> DomainSeen:
        tenant, listed = None, list[ServiceRecord | Unknown]()
        if self._credentials():
            way = access(self, vantage)
            tenant = await self._tenant(vantage, way)
            listed = await self._listed(vantage, way) if tenant is not None else []
        records = dict.fromkeys(i for i in (*listed, *self.records) if isinstance(i, ServiceRecord))
        compared = [record for record in records if not self._left_out(record)]
        left_out = [f"{record.name} {record.type}" for record in records if self._left_out(record)]
        if left_out:
            vantage.note(f"Not compared, as the project says: {safe(', '.join(left_out), limit=1000)}.")
        asked = [self._look_up(vantage, record.name, record.type) for record in compared]
        if self.cloud != "china":
            asked.append(self._look_up(vantage, f"msoid.{self.domain}", "CNAME"))
        found = await asyncio.gather(*asked)
        pairs = zip(compared, found, strict=False)
        return DomainSeen(
            asked_tenant=self._credentials(),
            tenant=tenant,
            records=tuple(Asked(record=record, found=one) for record, one in pairs),
            unknown=tuple(item for item in listed if isinstance(item, Unknown)),
            left_out=tuple(left_out),
            msoid=None if self.cloud == "china" else found[-1],
        )

    async def _look_up(self, vantage: Vantage, name: str, rdtype: str) -> Lookup:
        found = await lookup(vantage, name, rdtype, self.resolvers)
        return await vouched(vantage, found, self.domain)

    def judge(self, seen: DomainSeen) -> Iterable[Finding]:
        if seen.asked_tenant:
            if seen.tenant is None:
                yield self._not_there()
            else:
                yield from self._judge_tenant(seen.tenant)
                yield from self._judge_listed(seen)
        for one in seen.records:
            yield from compare(one.record, one.found, self.domain)
        for item in seen.unknown:
            yield cannot_tell(
                f"{safe(item.label, limit=253)} {safe(item.kind, limit=40)}",
                "Microsoft lists a record that cannot be made or is of a kind that is not known here.",
                expected="an MX, TXT, CNAME or SRV record",
                observed=safe(item.detail, limit=300) or "no description",
                fix="Look at the domain's DNS records in the Microsoft 365 admin centre (Settings, Domains).",
            )
        yield from self._judge_vacant(seen)
        if seen.msoid is not None:
            yield self._judge_msoid(seen.msoid)

    async def _tenant(self, vantage: Vantage, way: Access) -> InTenant | None:
        call = Call(path=f"/v1.0/domains/{self.domain}", what="the domain", permission="Domain.Read.All")
        try:
            body = await get(vantage, way, call)
        except NoSuch:
            return None
        if held_to_shape(call, lambda: text(body, "id")).lower().rstrip(".") != self.domain:
            raise CannotTell(
                "Graph answers about another domain than was asked for.", "See what answers in Graph's place."
            )
        return held_to_shape(
            call,
            lambda: InTenant(
                verified=flag(body, "isVerified"), authentication=text(body, "authenticationType"),
                services=texts(body, "supportedServices")[:50],
            ),
        )  # fmt: skip

    async def _listed(self, vantage: Vantage, way: Access) -> list[ServiceRecord | Unknown]:
        call = Call(
            path=f"/v1.0/domains/{self.domain}/serviceConfigurationRecords",
            what="the domain's service records",
            permission="Domain.Read.All",
        )
        try:
            found = await everything(pages(vantage, way, call), call, from_graph, _MOST)
        except NoSuch as error:
            raise no_such(call, error) from None
        others = {name for key, names in _NAMES.items() if key not in self.services for name in names}
        return [item for service, item in found if service.lower() not in others]

    def _credentials(self) -> bool:
        return any((self.client_id, self.secret, self.certificate))

    def _left_out(self, record: ServiceRecord) -> bool:
        autodiscover = record.name == f"autodiscover.{self.domain}"
        if autodiscover and (self.hybrid or "autodiscover" in self.skip):
            return True
        return record.type in self.skip or (is_spf(record) and "SPF" in self.skip)

    def _not_there(self) -> Finding:
        return failed(
            self.domain,
            "The tenant does not hold this domain.",
            expected=f"a verified domain of tenant {self.tenant_id}",
            observed="no such domain",
            fix="Add it under Settings, Domains; if that is refused, another tenant still holds it: "
            "m365.tenant says which, and it must be removed there first.",
        )

    def _judge_tenant(self, tenant: InTenant) -> Iterable[Finding]:
        services = safe(", ".join(tenant.services), limit=300) or "none"
        way = safe(tenant.authentication, limit=40)
        if not tenant.verified:
            yield failed(
                self.domain,
                "The domain is in the tenant and not verified.",
                expected="verified",
                observed="not verified",
                fix="Publish the TXT record MS=ms... that the domain wizard shows, then verify it there.",
            )
        else:
            yield passed(
                self.domain, "The tenant holds the domain, verified.",
                expected="verified", observed=f"verified, {way}, services: {services}",
            )  # fmt: skip
        if self.authentication is not None and tenant.authentication.lower() != self.authentication.lower():
            yield failed(
                self.domain,
                "The domain's users are authenticated in another way than planned.",
                expected=self.authentication,
                observed=way,
                fix="Convert the domain before the cutover, or correct 'authentication' in the project.",
            )
        have = {name.lower() for name in tenant.services}
        for service in dict.fromkeys(self.services):
            if not have & set(_NAMES[service]):
                yield failed(
                    self.domain,
                    f"The tenant does not offer {service} for this domain.",
                    expected=f"{service} among the domain's services",
                    observed=services,
                    fix="Choose the service for the domain under Settings, Domains, Manage DNS.",
                )

    def _judge_listed(self, seen: DomainSeen) -> Iterable[Finding]:
        records = [one.record for one in seen.records]
        mail = any(record.type == "MX" for record in records) or any(
            name.endswith(" MX") for name in seen.left_out
        )
        if "mail" in self.services and not mail:
            yield cannot_tell(
                self.domain,
                "Microsoft lists no MX record for the domain, so the host that mail must go to is not known.",
                expected="an MX record among the domain's service records",
                observed=f"{len(records)} records",
                fix="Finish the domain's set-up for mail (Microsoft 365 admin centre, Settings, Domains).",
            )

    def _judge_vacant(self, seen: DomainSeen) -> Iterable[Finding]:
        """Say that no record was proven to be there, where none was required and none was found."""
        gone = seen.asked_tenant and seen.tenant is None
        vacant = all(one.record.optional and one.found.outcome in _NOTHING for one in seen.records)
        if not gone and vacant and not seen.left_out and not seen.unknown:
            yield cannot_tell(
                self.domain,
                "No record of the domain was proven: those listed are optional and not there, or none is "
                "listed for these services.",
                expected="at least one record that the services need",
                observed=f"{len(seen.records)} records listed",
                fix="Finish the domain's set-up under Settings, Domains in the admin centre, or correct "
                "'services' or 'records'.",
            )

    def _judge_msoid(self, found: Lookup) -> Finding:
        name = f"msoid.{self.domain}"
        if found.outcome == "failed":
            return cannot_tell(
                name,
                "Whether the old record is gone could not be looked up.",
                expected="no such record",
                observed=safe(found.detail, limit=300),
                fix="Mend the resolver or the zone's servers (dns.authority tells more), then run again.",
            )
        if found.outcome == "found":
            return failed(
                name,
                "The old record is still there: Microsoft 365 Apps will not activate for the domain's users.",
                expected="no such record",
                observed=safe(" | ".join(found.texts[:5]), limit=300),
                fix=f"Delete the record {name} CNAME; if it is not in the zone, a wildcard (*) gives it.",
            )
        return passed(name, "The old record is gone.", expected="no such record", observed=found.outcome)
