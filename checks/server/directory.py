"""server.directory: a domain controller replicates from its partners, and its roles are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Gt, Le, Len
from checks.contract import Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, within
from checks.params import Duration
from checks.remote.check import RemoteCheck, remote, require_login
from checks.safe import in_line, safe
from checks.server._dc import ROLES, Controller, Partner, read_controller

Name = Annotated[str, Len(1, 63)]
REFERENCE = "MS-ADTS section 6.1.5 (FSMO roles); MS-DRSR (replication)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySeen:
    """What the domain controller said of itself."""

    controller: Controller


class Directory(RemoteCheck[DirectorySeen]):
    """A domain controller (Samba or Windows) replicates from its partners, and the FSMO roles are known.

    Proves: each inbound replication of each naming context succeeded lately and has not failed since; how
    many partners there are; who holds the five FSMO roles; on Windows, that SYSVOL and NETLOGON are shared
    and that DFSR replicates SYSVOL.
    Cannot prove: what the partners think of it (ask them, too); the contents of SYSVOL, which Samba does not
    replicate by itself; DNS records of the domain (see server.names). A replication that never succeeded
    fails here, although samba-tool's own summary calls it good. Written after Samba's source and Microsoft's
    documentation, and never run against a real domain. Never roll a domain controller back to a snapshot.
    If it fails: samba-tool drs replicate, or repadmin /syncall; look at DNS, time and the firewall between
    the controllers first.

    Source: samba-tool(8), drs showrepl and fsmo show; Microsoft Learn, Get-ADReplicationPartnerMetadata;
    MS-ADTS section 6.1.5.

    Example:
        type: server.directory
        host: dc-new.example.com
        user: root
        partners: [DC-OLD]
        roles: {pdc: DC-NEW, rid: DC-NEW}
    """

    partners: Annotated[tuple[Name, ...], Len(1, 100)] | None = None
    """Controllers that it must replicate from, by their short names."""
    min_partners: Annotated[int, Ge(1), Le(100)] = 1
    """From how many different controllers it must replicate."""
    max_age: Annotated[Duration, Gt(0)] = 10800.0
    """How long ago each replication may have succeeded last; by default three hours."""
    roles: dict[str, Name] | None = None
    """Which controller must hold which role: schema, naming, pdc, rid, infrastructure."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.roles is not None:
            unknown = [role for role in self.roles if role not in ROLES]
            if unknown or not self.roles:
                raise ValueError(f"'roles' names some of {', '.join(ROLES)}.")

    async def observe(self, vantage: Vantage) -> DirectorySeen:
        """Ask the controller."""
        return DirectorySeen(controller=await read_controller(await remote(self, vantage), self.root))

    def judge(self, seen: DirectorySeen) -> Iterable[Finding]:
        """Judge partners, each replication, roles, and SYSVOL where it was looked at."""
        found = seen.controller
        yield from self._partners(found)
        for partner in found.partners:
            yield self._replication(found, partner)
        yield from self._roles(found)
        if found.shares is not None:
            yield _shares(found)
        if found.sysvol is not None:
            yield _sysvol(found)

    def _partners(self, found: Controller) -> Iterable[Finding]:
        names = {_short(partner.name) for partner in found.partners}
        observed = in_line(sorted(names)) or "none"
        expected = f"at least {self.min_partners} partners"
        if len(names) >= self.min_partners:
            yield passed(
                found.name, "It replicates from other controllers.", expected=expected, observed=observed
            )
        else:
            yield failed(
                found.name, "It replicates from too few controllers.", expected=expected, observed=observed,
                fix="Join it as a controller, wait for the KCC, then look at DNS and the firewall.",
            )  # fmt: skip
        for wanted in self.partners or ():
            if wanted.lower() not in names:
                yield failed(
                    found.name, f"It does not replicate from {safe(wanted)}.", expected=wanted,
                    observed=observed,
                    fix="Look at sites and connections (samba-tool drs kcc, repadmin /kcc), DNS, firewall.",
                )  # fmt: skip

    def _replication(self, found: Controller, partner: Partner) -> Finding:
        subject = f"{found.name}: {safe(partner.context, limit=100)} from {safe(_short(partner.name))}"
        fix = "Look at DNS, time and firewall between the two, then start it by samba-tool drs or repadmin."
        if partner.failures is None:
            return cannot_tell(subject, "Its failures are not told.", fix="Ask the controller by hand.")
        if partner.success is None:
            return failed(
                subject, "It has never succeeded.", expected="a success", fix=fix, reference=REFERENCE,
                observed=safe(partner.message, limit=200) or "never",
            )  # fmt: skip
        if partner.failures:
            return failed(
                subject, f"It failed {partner.failures} times in a row.", expected="no failure", fix=fix,
                observed=safe(partner.message, limit=200) or f"{partner.failures}", reference=REFERENCE,
            )  # fmt: skip
        age = (found.now - partner.success).total_seconds()
        if age < -300:
            return failed(
                subject, "Its last success lies in the future: the clocks disagree.", expected="in the past",
                observed=f"{-age:.0f} s ahead", fix="Set the clocks by NTP: Kerberos takes five minutes.",
            )  # fmt: skip
        return within(
            subject,
            Measure(
                name="last success", value=round(max(age, 0) / 60, 1), unit="min ago", fail=self.max_age / 60,
                source="max_age",
            ),
            fix=fix,
        )  # fmt: skip

    def _roles(self, found: Controller) -> Iterable[Finding]:
        lacking = [role for role in ROLES if role not in found.roles]
        held = in_line(f"{role} {found.roles[role]}" for role in ROLES if role in found.roles)
        if lacking:
            yield cannot_tell(
                found.name, f"Who holds the role {lacking[0]} is not told.", expected="five roles",
                observed=held or "none", fix="Look at samba-tool fsmo show, or netdom query fsmo.",
            )  # fmt: skip
        else:
            yield passed(found.name, "The five FSMO roles are held.", observed=held)
        for role, wanted in sorted((self.roles or {}).items()):
            holder = found.roles.get(role)
            if holder is not None and holder != wanted.lower():
                yield failed(
                    found.name, f"The role {role} is held by another controller.", expected=wanted,
                    observed=safe(holder), reference=REFERENCE,
                    fix="Transfer it: samba-tool fsmo transfer (ntdsutil roles on Windows).",
                )  # fmt: skip


def _short(name: str) -> str:
    return name.rpartition("\\")[2].partition(".")[0].lower()


def _shares(found: Controller) -> Finding:
    missing = sorted({"SYSVOL", "NETLOGON"} - set(found.shares or ()))
    if missing:
        return failed(
            found.name, f"{' and '.join(missing)} not shared: it does not serve logons yet.",
            expected="SYSVOL and NETLOGON", observed=in_line(found.shares or ()) or "neither",
            fix="Wait for the initial sync of SYSVOL; look for the events 4602 to 4614 of DFS Replication.",
        )  # fmt: skip
    return passed(found.name, "SYSVOL and NETLOGON are shared.", expected="both", observed="both")


def _sysvol(found: Controller) -> Finding:
    if found.sysvol == "":
        return passed(found.name, "DFSR replicates SYSVOL.", expected="normal", observed="normal")
    make = failed if found.sysvol in ("in error", "uninitialised") else cannot_tell
    return make(
        found.name, f"SYSVOL: the state of DFSR is '{found.sysvol}'.", expected="normal",
        observed=f"{found.sysvol}", fix="Look into the log of DFS Replication; wait for an initial sync.",
    )  # fmt: skip
