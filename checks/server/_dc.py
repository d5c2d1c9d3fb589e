"""A domain controller: Samba by samba-tool (formats of 4.17's source), Windows by the module ActiveDirectory.

Neither was run against a real domain.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.remote.windows import ask, many, moment, number, script, texts, word
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

ROLES = ("schema", "naming", "pdc", "rid", "infrastructure")

SAMBA = Script(
    "samba-tool",
    """
command -v samba-tool >/dev/null || exit 127
samba-tool drs showrepl --json || exit 3
printf '\\0'
samba-tool fsmo show || exit 4
printf '\\0end'
""",
)

WINDOWS = script(
    "directory",
    """
Import-Module ActiveDirectory
$me = $env:COMPUTERNAME
$answer.partners = @(Get-ADReplicationPartnerMetadata -Target $me -Partition * -PartnerType Inbound |
  ForEach-Object { @{
    partner = "$($_.Partner)"; partition = "$($_.Partition)"; success = Iso $_.LastReplicationSuccess
    result = $_.LastReplicationResult; failures = $_.ConsecutiveReplicationFailures
  } })
$domain = Get-ADDomain; $forest = Get-ADForest
$answer.roles = @{
  schema = $forest.SchemaMaster; naming = $forest.DomainNamingMaster; pdc = $domain.PDCEmulator
  rid = $domain.RIDMaster; infrastructure = $domain.InfrastructureMaster
}
$answer.shares = @(Get-SmbShare | Where-Object { $_.Name -in 'SYSVOL', 'NETLOGON' } |
  ForEach-Object { $_.Name })
$answer.sysvol = @(Get-CimInstance -Namespace root/MicrosoftDFS -ClassName DfsrReplicatedFolderInfo |
  Where-Object { $_.ReplicatedFolderName -eq 'SYSVOL Share' } | ForEach-Object { @{ state = $_.State } })
""",
)
_SAMBA_ROLES = {
    "SchemaMasterRole": "schema", "DomainNamingMasterRole": "naming", "PdcEmulationMasterRole": "pdc",
    "RidAllocationMasterRole": "rid", "InfrastructureMasterRole": "infrastructure",
}  # fmt: skip
_SYSVOL = {0: "uninitialised", 1: "initialised", 2: "initial sync", 3: "auto recovery", 5: "in error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """What is replicated from one partner of one naming context."""

    name: str
    context: str
    success: datetime | None
    """None if it never succeeded, or that is not told."""
    failures: int | None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """One domain controller."""

    name: str
    system: str
    now: datetime
    """By its own clock."""
    partners: tuple[Partner, ...]
    roles: dict[str, str]
    """Role to the server that holds it, its short name in lower case."""
    shares: tuple[str, ...] | None = None
    """None where they were not looked at."""
    sysvol: str | None = None
    """Why SYSVOL is not replicated; empty if it is, None where that is not looked at."""


async def read_controller(host: Remote, as_user: str) -> Controller:
    """Return what a domain controller says of itself."""
    facts = await host.facts()
    if facts.dialect == "powershell":
        answer = await ask(host, WINDOWS(timeout_s=90.0), "Active Directory")
        return windows_controller(answer, host.name, facts.now())
    output = require(await host.run(SAMBA(timeout_s=90.0, as_user=as_user)), host)
    return samba_controller(output, host.name, facts.now())


def samba_controller(output: bytes, name: str, now: datetime) -> Controller:
    """Return what samba-tool says under TZ=UTC; what was deleted is left out."""
    parts = output.decode(errors="replace").split("\0")
    try:
        data = json.loads(parts[0])
        rows = data["repsFrom"]
        whole = len(parts) == 3 and parts[2] == "end" and isinstance(rows, list)
    except (ValueError, KeyError, TypeError, RecursionError):
        whole, rows = False, []
    if not whole:
        raise CannotTell(
            f"What samba-tool said on {name} is not whole.",
            "Run 'samba-tool drs showrepl --json' there as root.",
        )
    partners = [
        Partner(
            name=word(row.get("DSA")) or word(row.get("NTDS DN")), context=word(row.get("NC dn")),
            success=nt_time(word(row.get("last success"))), failures=number(row.get("consecutive failures")),
            message=word(row.get("last attempt message")),
        )
        for row in rows
        if isinstance(row, dict) and row.get("is deleted") is not True
    ]  # fmt: skip
    roles = {}
    for line in parts[1].splitlines():
        found = re.fullmatch(r"(\w+) owner: CN=NTDS Settings,CN=([^,]+),.*", line.strip())
        if found and found[1] in _SAMBA_ROLES:
            roles[_SAMBA_ROLES[found[1]]] = found[2].lower()
    return Controller(name=name, system="Samba", now=now, partners=tuple(partners), roles=roles)


def nt_time(text: str) -> datetime | None:
    """Return `Mon Nov 23 08:55:00 2026 UTC`; `NTTIME(0)` means never."""
    try:
        found = datetime.strptime(" ".join(text.split()), "%a %b %d %H:%M:%S %Y UTC").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if found.year >= 1980 else None


def windows_controller(answer: dict[str, Any], name: str, now: datetime) -> Controller:
    """Return what the answer of `WINDOWS` says."""
    partners = []
    for row in many(answer.get("partners")):
        found = re.match(r"CN=NTDS Settings,CN=([^,]+),", word(row.get("partner")))
        failures, result = number(row.get("failures")), number(row.get("result"))
        partners.append(
            Partner(
                name=found[1] if found else word(row.get("partner")), context=word(row.get("partition")),
                success=moment(row.get("success")),
                failures=None if failures is None or result is None else max(failures, int(result != 0)),
                message=f"error {result}" if result else "",
            )
        )  # fmt: skip
    given = answer.get("roles")
    given = given if isinstance(given, dict) else {}
    roles = {role: word(given.get(role)).partition(".")[0].lower() for role in ROLES if word(given.get(role))}
    states = [number(row.get("state")) for row in many(answer.get("sysvol"))]
    state = states[0] if len(states) == 1 else None
    sysvol = "" if state == 4 else "not told" if state is None else _SYSVOL.get(state, "unknown")
    return Controller(
        name=name, system="Windows", now=now, partners=tuple(partners), roles=roles,
        shares=tuple(sorted(share.upper() for share in texts(answer.get("shares")))), sysvol=sysvol,
    )  # fmt: skip
