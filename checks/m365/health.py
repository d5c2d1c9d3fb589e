"""m365.health: Microsoft reports the services that the cutover needs as working."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.m365._graph import GraphCheck, access, everything, no_such
from checks.safe import safe
from checks.wire.graph import NoSuch, pages
from checks.wire.graph_access import Call
from checks.wire.graph_json import text

_CALL = Call(
    path="/v1.0/admin/serviceAnnouncement/healthOverviews",
    what="the health of the services",
    permission="ServiceHealth.Read.All",
)
_MOST = 2000
_WELL = frozenset({
    "serviceoperational", "servicerestored", "postincidentreviewpublished", "falsepositive", "resolved",
    "resolvedexternal",
})  # fmt: skip
_MENDING = frozenset({
    "verifyingservice", "restoringservice", "extendedrecovery", "mitigated", "mitigatedexternal", "reported",
    "investigating", "investigationsuspended",
})  # fmt: skip
_ILL = frozenset({"servicedegradation", "serviceinterruption", "confirmed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: its id (`Exchange`), its name (`Exchange Online`) and its status, as Graph writes them."""

    id: str
    name: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSeen:
    """The services that the tenant subscribes to."""

    services: tuple[Service, ...]


class Health(GraphCheck[HealthSeen]):
    """Microsoft reports each service that the cutover needs as operational.

    Restored and reviewed count as operational; degraded and interrupted as failed; what is being looked into
    or mended is a warning: wait for its end before the switch.

    Proves: what Microsoft's own service health says of these services for this tenant now.
    Cannot prove: that they work: a report lags behind an outage by minutes to hours.
    If it fails: read the incident (Microsoft 365 admin centre, Health, Service health), and put the
    switch off until it is over.

    Source: learn.microsoft.com/graph/api/serviceannouncement-list-healthoverviews, resource type
    serviceHealth.

    Example:
        type: m365.health
        tenant_id: 5a1f0c6e-7a0e-4a53-9a2c-1f2b3c4d5e6f
        client_id: 0b7c2d1e-1111-4222-8333-444455556666
        secret: env:GRAPH_SECRET
        services: [Exchange, OrgLiveID]
    """

    services: Annotated[tuple[str, ...], Len(1)] = ("Exchange",)
    """Services by id or by name, as Graph writes them: `Exchange` or `Exchange Online`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(name.strip() for name in self.services):
            raise ValueError("'services' names each service by its id, like Exchange.")

    async def observe(self, vantage: Vantage) -> HealthSeen:
        found = pages(vantage, access(self, vantage), _CALL)
        try:
            return HealthSeen(services=tuple(await everything(found, _CALL, _service, _MOST)))
        except NoSuch as error:
            raise no_such(_CALL, error) from None

    def judge(self, seen: HealthSeen) -> Iterable[Finding]:
        for name in dict.fromkeys(self.services):
            wanted = name.strip().lower()
            mine = [item for item in seen.services if wanted in (item.id.lower(), item.name.lower())]
            if not mine:
                known = ", ".join(sorted({item.id for item in seen.services})[:40]) or "none"
                yield cannot_tell(
                    safe(name, limit=80),
                    "The tenant's service health does not know this service.",
                    expected="a service of this name",
                    observed=f"known: {safe(known, limit=600)}",
                    fix="Correct the name; if it is right, the tenant does not subscribe to the service.",
                )
            for item in mine:
                yield _judged(item)


def _judged(item: Service) -> Finding:
    subject = safe(item.name or item.id, limit=80)
    status = item.status.strip().lower()
    expected, observed = "serviceOperational", safe(item.status, limit=80)
    if status in _WELL:
        return passed(subject, "The service is reported as working.", expected=expected, observed=observed)
    if status in _ILL:
        return failed(
            subject,
            "Microsoft reports an incident of this service.",
            expected=expected,
            observed=observed,
            fix="Read the incident (Microsoft 365 admin centre, Health, Service health), and put the switch "
            "off until it is over.",
        )
    if status in _MENDING:
        return warned(
            subject,
            "Microsoft is looking into this service or mending it.",
            expected=expected,
            observed=observed,
            fix="Read the incident (Microsoft 365 admin centre, Health, Service health): does it touch mail "
            "flow or sign-in?",
        )
    return cannot_tell(
        subject,
        "The service's status is none that is documented.",
        expected=expected,
        observed=observed,
        fix="Look at it under Health, Service health.",
    )


def _service(item: dict[str, object]) -> Service:
    return Service(id=text(item, "id"), name=text(item, "service"), status=text(item, "status"))
