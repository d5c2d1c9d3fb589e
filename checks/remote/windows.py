"""Asking a Windows host by PowerShell: one JSON object back, read without trust.

Written after the documentation, for Windows PowerShell 5.1 and PowerShell 7; never run on a real host.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Command, PowerShell
from checks.wire.ssh.remote import Remote

_BEGIN = """
function Iso($t) { if ($null -eq $t) { $null } else { ([datetime]$t).ToUniversalTime().ToString('o') } }
$answer = @{}
try {
"""
_END = """
} catch [System.Management.Automation.CommandNotFoundException] {
  $answer = @{ absent = "$($_.Exception.CommandName)" }
} catch {
  $answer = @{ error = "$($_.Exception.Message)"; kind = $_.Exception.GetType().FullName }
}
$me = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
$answer.elevated = $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
$answer.end = 'end'
ConvertTo-Json -InputObject $answer -Compress -Depth 6
"""
_DATE = re.compile(r"/Date\((-?\d{1,17})(?:[+-]\d{4})?\)/")
_DENIED = ("UnauthorizedAccess", "SecurityException", "AccessDenied", "PermissionDenied")


def script(name: str, body: str, *, writes: str = "") -> PowerShell:
    """Return a script whose body fills `$answer`; what it throws comes back as an answer, too."""
    return PowerShell(name, f"# {name}{_BEGIN}{body.strip()}{_END}", writes=writes)


async def ask(remote: Remote, command: Command, what: str) -> dict[str, Any]:
    """Return the object that a script of `script` answered; CannotTell where it could not do its work.

    `what` names what is asked, as the subject of a sentence: `Windows Server Backup`.
    """
    if (await remote.facts()).dialect != "powershell":
        raise CannotTell(
            f"{what} is asked by PowerShell, and {remote.name} is no Windows host.",
            "Correct 'host', or take the check that is made for this system.",
        )
    return answer(require(await remote.run(command), remote), what, remote.name)


def answer(output: bytes, what: str, name: str) -> dict[str, Any]:
    """Return the object in a script's output; CannotTell for an error that it tells, or half an object."""
    text = output.decode("utf-8-sig", errors="replace").strip().strip("\ufeff")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("end") != "end":
        raise CannotTell(
            f"{what} on {name} did not answer with a whole JSON object.",
            "Run the same as this account in a PowerShell there; a profile that prints text spoils it.",
        )
    elevated = flag(found.get("elevated"))
    rights = (
        ""
        if elevated
        else " Log in as a member of the Administrators group, whose session is elevated over SSH."
    )
    if "absent" in found:
        raise CannotTell(
            f"On {name} there is no {safe(word(found['absent']), limit=100)}: {what} is not installed there, "
            "or not visible to this account.",
            f"Install its PowerShell module, or correct 'host'.{rights}",
        )
    if "error" in found:
        kind = word(found.get("kind"))
        told = safe(word(found["error"]), limit=400)
        denied = any(mark in kind for mark in _DENIED) or not elevated
        raise CannotTell(
            f"{what} on {name} could not be asked: {told}",
            rights.strip()
            if denied and rights
            else "Run the same in a PowerShell there, and mend what it says.",
        )
    return found


def many(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; ConvertTo-Json may have unwrapped a single one or wrapped the list."""
    if isinstance(value, dict) and isinstance(value.get("value"), list) and "Count" in value:
        value = value["value"]
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def texts(value: Any) -> list[str]:
    """Return the texts of a list, or the single one."""
    if isinstance(value, dict) and isinstance(value.get("value"), list):
        value = value["value"]
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item]


def word(value: Any) -> str:
    """Return a text or number as text; empty for everything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(value)


def number(value: Any) -> int | None:
    """Return a whole number, also where it came as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**18 else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 10**18 else None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip(), re.ASCII):
        return int(value)
    return None


def flag(value: Any) -> bool | None:
    """Return a truth value, also where it came as text or number."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}.get(word(value).lower())


def moment(value: Any) -> datetime | None:
    """Return a time in UTC: ISO 8601 with its zone, or `/Date(ms)/`. One of before 1980 means "never"."""
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, str):
        return None
    found = None
    date = _DATE.fullmatch(value)
    try:
        if date:
            found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(date[1]))
        else:
            read = datetime.fromisoformat(value)
            found = read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and found.year >= 1980 else None
