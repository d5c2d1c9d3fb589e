"""m365.export: what an administrator exported from Exchange Online is as planned."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from checks.bounds import Gt
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.m365._export import NUMBER, Item, load, read, tenants_of
from checks.params import DomainName, Duration
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.graph_json import Drift

_AHEAD = timedelta(minutes=10)
_KINDS = {
    "dkim": ("DKIM configuration", "Get-DkimSigningConfig"),
    "domain": ("accepted domain", "Get-AcceptedDomain"),
    "connector": ("connector", "Get-InboundConnector (or Get-OutboundConnector)"),
    "batch": ("migration batch", "Get-MigrationBatch"),
}
_MOST = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A connector that must be there: its name, and whether it must be enabled."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    name: str
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSeen:
    """The objects of the export, when the file was last changed, and when it was read."""

    items: tuple[Item, ...]
    changed: datetime
    now: datetime
    tenants: tuple[str, ...] = ()
    """Initial domains of tenants that the objects name."""


class Export(Check[ExportSeen]):
    """An administrator's export says that DKIM, accepted domains, connectors and batches are as planned.

    Graph does not tell these, so an administrator exports them in Exchange Online PowerShell, with all their
    properties, into one file or a file for each check:

    CMDLET | ConvertTo-Json -Depth 4 -EnumsAsStrings | Out-File export.json

    where CMDLET is Get-DkimSigningConfig, Get-AcceptedDomain, Get-InboundConnector, Get-OutboundConnector or
    Get-MigrationBatch. Windows PowerShell 5 knows no -EnumsAsStrings: leave it out there. One file takes
    several: `@{dkim = Get-DkimSigningConfig; domains = Get-AcceptedDomain} | ConvertTo-Json -Depth 5 ...`.

    Proves: what the file says, and that it was last written no longer ago than is allowed.
    Cannot prove: that nothing changed since it was exported, that the file was not edited, nor when it was
    exported if it was copied later; without `tenant`, that it is of the planned tenant, not the old one.
    If it fails: change the setting that is named (DKIM: Microsoft Defender portal; accepted domains,
    connectors and batches: Exchange admin centre), and export again.

    Source: learn.microsoft.com/powershell/module/exchange: Get-DkimSigningConfig, Get-AcceptedDomain,
    Get-InboundConnector, Get-MigrationBatch.

    Example:
        type: m365.export
        file: dkim.json
        max_age: 12h
        dkim: {example.com: enabled}
    """

    file: str
    """Path of the JSON file."""
    max_age: Annotated[Duration, Gt(0)] = 86400.0
    """How old the file may be."""
    dkim: dict[DomainName, Literal["enabled", "disabled"]] | None = None
    """Whether Exchange must sign for a domain, by domain; `enabled` asks for status Valid, too."""
    accepted_domains: dict[DomainName, Literal["Authoritative", "InternalRelay"]] | None = None
    """Type of each accepted domain: InternalRelay until all recipients exist, then Authoritative."""
    connectors: tuple[Connector, ...] = ()
    """Connectors that must be there: `name`, `enabled`."""
    batches: dict[str, str] | None = None
    """Status of each migration batch, by its name: `Synced`, `Completed`."""
    tenant: DomainName | None = None
    """Initial domain of the planned tenant, like `contoso.onmicrosoft.com`, which the export must name."""

    def __post_init__(self) -> None:
        if not self.file.strip():
            raise ValueError("'file' is the path of the export.")
        if not (self.dkim or self.accepted_domains or self.connectors or self.batches):
            raise ValueError(
                "Nothing is expected: give 'dkim', 'accepted_domains', 'connectors' or 'batches'."
            )
        if self.tenant is not None and ".onmicrosoft." not in self.tenant:
            raise ValueError("'tenant' is the tenant's initial domain, like contoso.onmicrosoft.com.")
        names = [one.name.strip().lower() for one in self.connectors]
        if not all(names) or len(set(names)) < len(names):
            raise ValueError("'connectors' names each connector once.")
        if any(not name.strip() or not status.strip() for name, status in (self.batches or {}).items()):
            raise ValueError("'batches' gives a status for each batch's name, like Synced.")

    def needs_link(self) -> bool:
        return False

    async def observe(self, vantage: Vantage) -> ExportSeen:
        found, changed = await asyncio.to_thread(load, self.file)
        if len(found) > _MOST:
            raise CannotTell(
                f"The export {self.file} has more than {_MOST} objects.",
                "Export only what the check needs.",
            )
        try:
            items = tuple(read(item) for item in found)
        except Drift as drift:
            raise CannotTell(
                f"The export {self.file} is not what the cmdlet writes: {safe(str(drift), limit=200)}.",
                "Export it anew with all properties, as gonogo explain m365.export shows.",
            ) from None
        return ExportSeen(items=items, changed=changed, now=vantage.now(), tenants=tenants_of(found))

    def judge(self, seen: ExportSeen) -> Iterable[Finding]:
        old = self._age(seen)
        if old is not None:
            yield old
            return
        if self.tenant is not None and self.tenant not in seen.tenants:
            yield cannot_tell(
                self.file,
                "The export does not name the planned tenant: it may be of another one, such as the old.",
                expected=self.tenant,
                observed=safe(", ".join(seen.tenants[:10]), limit=300) or "no tenant",
                fix="Sign in to the planned tenant and export there, with all properties; Get-AcceptedDomain "
                "and Get-DkimSigningConfig name the tenant.",
            )
            return
        for domain, wanted in (self.dkim or {}).items():
            yield from self._each("dkim", domain, wanted, seen)
        for domain, kind in (self.accepted_domains or {}).items():
            yield from self._each("domain", domain, kind, seen)
        for connector in self.connectors:
            yield from self._each(
                "connector", connector.name, "enabled" if connector.enabled else "disabled", seen
            )
        for batch, status in (self.batches or {}).items():
            yield from self._each("batch", batch, status, seen)

    def _age(self, seen: ExportSeen) -> Finding | None:
        """Return why the file is not to be believed for now: too old, or of the future."""
        latest = max((item.latest for item in seen.items if item.latest is not None), default=None)
        age = (seen.now - seen.changed).total_seconds()
        expected = f"not older than {self.max_age / 3600:.4g} h"
        observed = f"changed {seen.changed:%Y-%m-%d %H:%M} UTC, read {seen.now:%Y-%m-%d %H:%M} UTC"
        fix = f"Let an administrator export it anew: {', '.join(self._cmdlets())}."
        if age > self.max_age:
            return cannot_tell(
                self.file, "The export is too old to say how it is now.",
                expected=expected, observed=observed, fix=fix,
            )  # fmt: skip
        newer = latest is not None and latest > seen.changed + _AHEAD
        if newer or seen.changed > seen.now + _AHEAD:
            when = f"; newest time in it {latest:%Y-%m-%d %H:%M} UTC" if latest is not None else ""
            return cannot_tell(
                self.file, "The file's time does not fit what is in it, or this laptop's clock.",
                expected=expected, observed=observed + when, fix=fix,
            )  # fmt: skip
        return None

    def _cmdlets(self) -> list[str]:
        wanted = (
            ("dkim", self.dkim), ("domain", self.accepted_domains), ("connector", self.connectors),
            ("batch", self.batches),
        )  # fmt: skip
        return [_KINDS[kind][1] for kind, expected in wanted if expected]

    def _each(self, kind: str, name: str, wanted: str, seen: ExportSeen) -> Iterable[Finding]:
        what, cmdlet = _KINDS[kind]
        subject = f"{safe(name, limit=200)} ({what})"
        of_kind = [item for item in seen.items if item.kind == kind]
        mine = [item for item in of_kind if _same(item.name, name)]
        if not of_kind:
            yield cannot_tell(
                subject,
                f"The export holds no {what} at all.",
                expected=safe(wanted, limit=100),
                observed=f"{len(seen.items)} objects of other kinds",
                fix=f"Export it by {cmdlet}, and name that file.",
            )
        elif not mine:
            others = ", ".join(item.name for item in of_kind[:10])
            yield failed(
                subject,
                f"There is no {what} of this name.",
                expected=safe(wanted, limit=100),
                observed=safe(others, limit=400),
                fix=f"Make it in the Exchange admin centre, or correct the name; {cmdlet} shows them all.",
            )
        for item in mine:
            yield self._one(item, subject, wanted)

    def _one(self, item: Item, subject: str, wanted: str) -> Finding:
        state = safe(item.state, limit=80)
        if item.state.startswith(NUMBER) and item.kind != "connector":
            return cannot_tell(
                subject,
                "The export gives the state as a number, whose meaning is not published.",
                expected=safe(wanted, limit=100),
                observed=state,
                fix="Export it with ConvertTo-Json -EnumsAsStrings in PowerShell 7.",
            )
        if item.kind == "dkim":
            return _dkim(item, subject, wanted, state)
        if item.kind == "connector":
            is_right = item.enabled is (wanted == "enabled")
            observed = f"{'enabled' if item.enabled else 'disabled'}, {state}"
        else:
            is_right, observed = item.state.lower() == wanted.strip().lower(), state
        if is_right:
            return passed(subject, "It is as planned.", expected=safe(wanted, limit=100), observed=observed)
        fixes = {
            "domain": "Change it by Set-AcceptedDomain -DomainType: InternalRelay while recipients are "
            "missing, Authoritative when all exist.",
            "connector": "Enable or disable it under Mail flow, Connectors, as planned.",
            "batch": "Look at the batch under Migration: wait until it has that status, or mend its errors.",
        }
        return failed(
            subject,
            "It is not as planned.",
            expected=safe(wanted, limit=100),
            observed=observed,
            fix=fixes[item.kind],
        )


def _dkim(item: Item, subject: str, wanted: str, state: str) -> Finding:
    observed = f"{'enabled' if item.enabled else 'disabled'}, status {state}"
    if wanted == "disabled":
        if item.enabled:
            return failed(
                subject, "Exchange signs for the domain already.", expected="disabled", observed=observed,
                fix="Set-DkimSigningConfig -Enabled $false, or correct the plan.",
            )  # fmt: skip
        return passed(subject, "It is as planned.", expected="disabled", observed=observed)
    expected = "enabled, status Valid"
    if not item.enabled:
        return failed(
            subject,
            "Exchange does not sign for the domain.",
            expected=expected,
            observed=observed,
            fix="Publish the CNAME records that Selector1CNAME and Selector2CNAME name, then enable DKIM.",
        )
    if item.state.lower() == "valid":
        return passed(subject, "Exchange signs for the domain.", expected=expected, observed=observed)
    return failed(
        subject,
        "DKIM is switched on and its records are not right for Exchange.",
        expected=expected,
        observed=observed,
        fix="Compare both selectors' CNAME records with Selector1CNAME and Selector2CNAME (mail.dkim does).",
    )


def _same(one: str, other: str) -> bool:
    return one.strip().rstrip(".").lower() == other.strip().rstrip(".").lower()
