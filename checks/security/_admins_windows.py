"""The members of the local group Administrators of a Windows host, groups in it followed.

Written after the documentation of ADSI's WinNT provider; never run on a real host.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks.remote.windows import ask, flag, many, script, word
from checks.safe import safe
from checks.security._admins import Admin, AdminsOf
from checks.wire.ssh.remote import Remote

MAX_DEPTH = 8
READ = script(
    "administrators",
    """
$sid = New-Object Security.Principal.SecurityIdentifier 'S-1-5-32-544'
$top = ($sid.Translate([Security.Principal.NTAccount]).Value -split '\\\\')[-1]
$answer.computer = $env:COMPUTERNAME; $answer.top = $top; $answer.groups = @()
$left = New-Object Collections.Queue; $left.Enqueue("WinNT://$env:COMPUTERNAME/$top"); $done = @{}
while ($left.Count -gt 0 -and $done.Count -lt 200) {
  $path = $left.Dequeue()
  if ($done.ContainsKey($path)) { continue }
  $done[$path] = $true; $group = @{ path = $path; members = @() }
  try {
    $entry = [ADSI]"$path,group"
    $group.members = @($entry.psbase.Invoke('Members') | ForEach-Object {
      $kind = $_.GetType()
      $place = $kind.InvokeMember('ADsPath', 'GetProperty', $null, $_, $null)
      $class = $kind.InvokeMember('Class', 'GetProperty', $null, $_, $null)
      if ($class -eq 'Group') { $left.Enqueue("$place") }
      @{ path = "$place"; class = "$class" } })
  } catch { $group.error = "$($_.Exception.GetBaseException().Message)" }
  $answer.groups += $group
}
$answer.unfinished = ($left.Count -gt 0)
try { $answer.locals = @(Get-LocalUser -ErrorAction Stop |
  ForEach-Object { @{ name = $_.Name; enabled = $_.Enabled } }) } catch { $answer.locals = @() }
""",
)


async def read_windows(host: Remote) -> AdminsOf:
    """Return the administrators of a Windows host."""
    return of_windows(await ask(host, READ(timeout_s=60.0), "The group Administrators"), host.name)


def of_windows(told: dict[str, Any], name: str) -> AdminsOf:
    """Return the administrators that the script told of."""
    computer, top = word(told.get("computer")), word(told.get("top"))
    groups = {word(one.get("path")).lower(): one for one in many(told.get("groups"))}
    start = f"WinNT://{computer}/{top}".lower()
    states = {word(one.get("name")).lower(): flag(one.get("enabled")) for one in many(told.get("locals"))}
    unread = []
    first = groups.get(start)
    if first is None or word(first.get("error")):
        why = safe(word(first.get("error")), limit=200) if first else "it was not told"
        unread.append(f"The group {safe(top, limit=80) or 'Administrators'} could not be read: {why}")
    if told.get("unfinished") is not False:
        unread.append("There are more groups in groups than are followed.")
    found: dict[str, Admin] = {}
    for admin in _members(groups, start, top, (), frozenset(), computer):
        before = found.get(admin.name.lower())
        via = tuple(dict.fromkeys((*(before.via if before else ()), *admin.via)))
        own = admin.name.lower().removeprefix(f"{computer.lower()}\\")
        found[admin.name.lower()] = Admin(
            name=admin.name, why=before.why if before else admin.why, via=via, group=admin.group,
            enabled=states.get(own),
        )  # fmt: skip
    return AdminsOf(
        name=name, computer=computer, windows=True, admins=tuple(found.values()), unread=tuple(unread)
    )


def _members(
    groups: dict[str, dict[str, Any]], path: str, shown: str, via: tuple[str, ...], above: frozenset[str],
    computer: str,
) -> Iterator[Admin]:  # fmt: skip
    group = groups.get(path)
    for member in many(group.get("members")) if group else []:
        place, kind = word(member.get("path")), word(member.get("class")).lower()
        name = account(place)
        if not name:
            continue
        why = f"member of {shown}"
        if kind != "group":
            yield Admin(name=name, why=why, via=via)
            continue
        inner = groups.get(place.lower())
        if inner is None or word(inner.get("error")) or len(via) >= MAX_DEPTH:
            yield Admin(name=name, why=why, via=via, group=True)
        elif place.lower() not in above:
            yield from _members(groups, place.lower(), name, (*via, name), above | {path}, computer)


def account(path: str) -> str:
    r"""Return `DOMAIN\name` of a path like WinNT://DOMAIN/MACHINE/name; a SID that means nobody stays one."""
    scheme, _, rest = path.partition("://")
    parts = [part for part in rest.split("/") if part]
    return "\\".join(parts[-2:]) if scheme.lower() == "winnt" else ""
