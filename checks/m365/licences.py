"""m365.licences: the tenant has enough free licences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.m365._graph import GraphCheck, access, everything, no_such
from checks.safe import safe
from checks.wire.graph import NoSuch, pages
from checks.wire.graph_access import Call
from checks.wire.graph_json import Drift, child, count, text

_CALL = Call(
    path="/v1.0/subscribedSkus",
    what="the tenant's subscriptions",
    permission="LicenseAssignment.Read.All",
)
_MOST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """A subscription: licences that can be used (`warning`: until a grace period ends), and those used."""

    part: str
    status: str
    enabled: int
    warning: int
    suspended: int
    consumed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LicencesSeen:
    """All subscriptions of the tenant."""

    skus: tuple[Sku, ...]


class Licences(GraphCheck[LicencesSeen]):
    """The tenant has so many free licences of each kind as are still to be assigned.

    Free is enabled plus warning less consumed. Licences in the state `warning` work only until their grace
    period ends: where they are needed to reach the number, that is a warning.

    Proves: what the tenant has bought and assigned now.
    Cannot prove: that each mailbox to be moved has a licence, nor that the service behind it is provisioned.
    If it fails: buy licences or take them from accounts that are gone (Microsoft 365 admin centre,
    Billing, Licences).

    Source: learn.microsoft.com/graph/api/subscribedsku-list, resource types subscribedSku and
    licenseUnitsDetail.

    Example:
        type: m365.licences
        tenant_id: 5a1f0c6e-7a0e-4a53-9a2c-1f2b3c4d5e6f
        client_id: 0b7c2d1e-1111-4222-8333-444455556666
        secret: env:GRAPH_SECRET
        need: {SPE_E3: 25}
    """

    need: Annotated[dict[str, Annotated[int, Ge(0)]], Len(1)]
    """Licences that must still be free, by skuPartNumber; 0 asks only that the subscription is there and
    that not more is assigned than was bought."""

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [name.strip().upper() for name in self.need]
        if not all(names):
            raise ValueError("'need' names each licence by its skuPartNumber, like SPE_E3.")
        if len(set(names)) < len(names):
            raise ValueError("'need' names the same licence twice.")

    async def observe(self, vantage: Vantage) -> LicencesSeen:
        found = pages(vantage, access(self, vantage), _CALL)
        try:
            return LicencesSeen(skus=tuple(await everything(found, _CALL, _sku, _MOST)))
        except NoSuch as error:
            raise no_such(_CALL, error) from None

    def judge(self, seen: LicencesSeen) -> Iterable[Finding]:
        if not seen.skus:
            yield cannot_tell(
                self.tenant_id,
                "Graph lists no subscription at all, which a tenant with mailboxes cannot have.",
                expected=", ".join(f"{count} x {safe(name, limit=60)}" for name, count in self.need.items()),
                observed="an empty list",
                fix="Check that tenant_id is the tenant of the cutover, and look under Billing, Licences.",
            )
            return
        for name, wanted in self.need.items():
            yield self._judge_one(name.strip(), wanted, seen)

    def _judge_one(self, name: str, wanted: int, seen: LicencesSeen) -> Finding:
        subject = safe(name, limit=80)
        expected = f"at least {wanted} free"
        mine = [sku for sku in seen.skus if sku.part.upper() == name.upper()]
        if not mine:
            others = ", ".join(sorted({sku.part for sku in seen.skus})[:20])
            return failed(
                subject,
                "The tenant has no subscription of this name.",
                expected=expected,
                observed=f"subscriptions: {safe(others, limit=400)}",
                fix="Buy it, or correct the name: it is the skuPartNumber, not the name that shops use.",
            )
        usable = [sku for sku in mine if sku.status.lower() in ("enabled", "warning")]
        observed = "; ".join(_shown(sku) for sku in mine[:5])
        if not usable:
            return failed(
                subject,
                "The subscription is there and cannot be used.",
                expected=expected,
                observed=observed,
                fix="Renew or reactivate it under Billing, Your products.",
            )
        firm = sum(sku.enabled - sku.consumed for sku in usable if sku.status.lower() == "enabled")
        free = sum(sku.enabled + sku.warning - sku.consumed for sku in usable)
        if free < wanted or free < 0:
            return failed(
                subject,
                f"{max(0, wanted - free)} licences are missing.",
                expected=expected,
                observed=f"{free} free; {observed}",
                fix="Buy the missing licences, or take them from accounts that no longer need one.",
            )
        if firm < wanted:
            return warned(
                subject,
                "There are enough licences only until the grace period of an expired subscription ends.",
                expected=expected,
                observed=f"{free} free, {firm} of them without grace period; {observed}",
                fix="Renew the subscription under Billing, Your products, before the cutover.",
            )
        return passed(
            subject, "There are enough free licences.", expected=expected, observed=f"{free} free; {observed}"
        )


def _sku(item: dict[str, object]) -> Sku:
    units = child(item, "prepaidUnits")
    part = text(item, "skuPartNumber")
    if not part:
        raise Drift("'skuPartNumber' is empty")
    return Sku(
        part=part, status=text(item, "capabilityStatus"), consumed=count(item, "consumedUnits"),
        enabled=count(units, "enabled"), warning=count(units, "warning"), suspended=count(units, "suspended"),
    )  # fmt: skip


def _shown(sku: Sku) -> str:
    return (
        f"{safe(sku.status, limit=30)}: {sku.enabled} enabled, {sku.warning} in grace, "
        f"{sku.suspended} suspended, {sku.consumed} assigned"
    )
