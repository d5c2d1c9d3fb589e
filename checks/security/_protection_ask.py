"""Asking a machine what protects it: Defender, ClamAV and running agents on Linux; PowerShell on Windows.

Written after the products' documentation; none of them ever ran here, nor a Windows host.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.remote.outcome import require
from checks.remote.windows import ask, flag, many, moment, number, script, texts, word
from checks.safe import safe
from checks.security._protection import KNOWN, Product
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

LINUX = Script(
    "endpoint protection",
    r"""
part() { printf '\0%s\0' "$1"; }
ps -e -o comm= 2>/dev/null || {
  for file in /proc/[0-9]*/comm; do cat "$file" 2>/dev/null; done
  true
}
part "$?"
if command -v mdatp >/dev/null 2>&1; then timeout -k 1 20 mdatp health --output json 2>/dev/null; part "$?"
else part absent; fi
found=absent
for folder in /var/lib/clamav /usr/local/share/clamav /var/db/clamav; do
  for file in "$folder"/daily.cld "$folder"/daily.cvd; do
    [ -e "$file" ] && { found=0; head -c 512 "$file" 2>/dev/null | tr -d '\0' || found=1; echo; }
  done
done
command -v clamd >/dev/null 2>&1 && [ "$found" = absent ] && found=empty
part "$found"
printf 'end'
""",
)

WINDOWS = script(
    "endpoint protection",
    """
$answer.services = @(Get-Service -ErrorAction SilentlyContinue |
  Where-Object { $p.services -contains $_.Name } |
  ForEach-Object { @{ name = $_.Name; running = ($_.Status -eq 'Running') } })
try {
  $s = Get-MpComputerStatus -ErrorAction Stop
  $answer.defender = @{ mode = "$($s.AMRunningMode)"
    enabled = $s.AntivirusEnabled; service = $s.AMServiceEnabled
    real_time = $s.RealTimeProtectionEnabled; tamper = $s.IsTamperProtected
    at = (Iso $s.AntivirusSignatureLastUpdated); age = $s.AntivirusSignatureAge }
} catch { $answer.defender_error = "$($_.Exception.Message)" }
try {
  $answer.center = @(
    Get-CimInstance -Namespace root/SecurityCenter2 -ClassName AntiVirusProduct -ErrorAction Stop |
    ForEach-Object { @{ name = $_.displayName; state = [int]$_.productState } })
} catch { $answer.center_error = "$($_.Exception.Message)" }
""",
)

_NEVER = 65535


async def products_of(host: Remote) -> tuple[Product, ...]:
    """Return what protects a machine; raise CannotTell where it does not say it whole."""
    if (await host.facts()).dialect == "powershell":
        given = {"services": [name for name in KNOWN if name[0].isupper() or name == "ekrn"]}
        return of_windows(await ask(host, WINDOWS(given, timeout_s=60.0), "Endpoint protection"))
    result = await host.run(LINUX(timeout_s=35.0))
    facts = await host.facts()
    return of_linux(require(result, host), host.name, facts.now())


def of_linux(output: bytes, name: str, now: datetime) -> tuple[Product, ...]:
    """Return the products that the script's output tells of."""
    parts = output.decode(errors="replace").split("\0")
    if len(parts) != 7 or parts[6] != "end":
        raise CannotTell(f"{name} told only a part of what protects it.", "Run the check again.")
    processes = {line.strip() for line in parts[0].splitlines() if line.strip()}
    if parts[1] != "0" or len(processes) < 2:
        raise CannotTell(
            f"The processes of {name} cannot be listed.", "Install ps there (package procps), or mount /proc."
        )
    found = []
    if parts[3] != "absent":
        found.append(_mdatp(parts[2], parts[3], now))
    if parts[5] != "absent":
        found.append(_clamav(parts[4], processes))
    seen = dict.fromkeys(KNOWN[one] for one in sorted(processes & KNOWN.keys()))
    return (*found, *(Product(name=agent, deep=False, running=True) for agent in seen))


def _mdatp(text: str, status: str, now: datetime) -> Product:
    name = "Microsoft Defender for Endpoint"
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return Product(
            name=name, deep=True, running=False,
            trouble=f"mdatp health does not answer (status {safe(status, limit=10)})",
        )  # fmt: skip
    minutes = number(_value(told, "definitionsUpdatedMinutesAgo"))
    healthy, licensed = flag(_value(told, "healthy")), flag(_value(told, "licensed"))
    issues = "; ".join(texts(_value(told, "healthIssues")))
    passive = flag(_value(told, "passiveModeEnabled"))
    tamper = word(_value(told, "tamperProtection")).lower()
    trouble = ""
    if healthy is not True:
        trouble = f"it says that it is not healthy ({issues or 'no reason given'})"
    elif licensed is False:
        trouble = "it has no licence"
    elif passive:
        trouble = "it is in passive mode and protects nothing"
    fits = minutes is not None and 0 <= minutes < 10**7
    return Product(
        name=name, deep=True, running=True, real_time=flag(_value(told, "realTimeProtectionEnabled")),
        tamper=None if not tamper else tamper == "block", mode="passive" if passive else "",
        signatures_at=now - timedelta(minutes=minutes) if fits and minutes is not None else None,
        trouble=trouble,
    )  # fmt: skip


def _value(told: dict[str, Any], key: str) -> Any:
    """Return a value of mdatp's, which may stand in an object that says who manages it."""
    value = told.get(key)
    return value.get("value") if isinstance(value, dict) else value


def _clamav(text: str, processes: set[str]) -> Product:
    times = [at for line in text.splitlines() if (at := database_time(line)) is not None]
    return Product(
        name="ClamAV", deep=True, running="clamd" in processes, real_time="clamonacc" in processes,
        signatures_at=max(times) if times else None,
    )  # fmt: skip


def database_time(header: str) -> datetime | None:
    """Return when a ClamAV database was built: the ninth field of its header, else the second."""
    fields = header.split(":")
    if fields[0] != "ClamAV-VDB" or len(fields) < 3:
        return None
    last = fields[8].strip() if len(fields) > 8 else ""
    if re.fullmatch(r"[0-9]{9,11}", last):
        return datetime.fromtimestamp(int(last), UTC)
    try:
        return datetime.strptime(fields[1].strip(), "%d %b %Y %H-%M %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def of_windows(told: dict[str, Any]) -> tuple[Product, ...]:
    """Return the products that the PowerShell script tells of."""
    found: list[Product] = []
    defender = told.get("defender")
    mode = word(defender.get("mode")) if isinstance(defender, dict) else ""
    if isinstance(defender, dict):
        found.append(_defender(defender, mode))
    running = {word(one.get("name")) for one in many(told.get("services")) if flag(one.get("running"))}
    agents = dict.fromkeys(KNOWN[name] for name in sorted(running) if name in KNOWN)
    for one in many(told.get("center")):
        name, state = word(one.get("name")), number(one.get("state"))
        if name and state is not None and "Defender" not in name:
            on = (state >> 12) & 0xF == 1
            fresh = (state >> 4) & 0xF == 0
            trouble = "" if fresh else "Windows says that it is out of date"
            found.append(Product(name=name, deep=False, running=on, trouble=trouble))
    listed = {product.name for product in found}
    found += [Product(name=name, deep=False, running=True) for name in agents if name not in listed]
    if not found:
        reasons = [word(told.get(key)) for key in ("defender_error", "center_error")]
        raise CannotTell(
            f"What protects it could not be asked: {safe('; '.join(filter(None, reasons)), limit=300)}",
            "Log in as a member of the Administrators group, and look whether Get-MpComputerStatus works.",
        )
    return tuple(found)


def _defender(told: dict[str, Any], mode: str) -> Product:
    normal = mode.lower() == "normal"
    enabled, service = flag(told.get("enabled")), flag(told.get("service"))
    never = (number(told.get("age")) or 0) >= _NEVER
    runs = (normal or not mode) and enabled is True and service is not False
    return Product(
        name="Microsoft Defender Antivirus", deep=True, running=runs,
        real_time=flag(told.get("real_time")), tamper=flag(told.get("tamper")), mode=mode,
        signatures_at=None if never else moment(told.get("at")),
        trouble="" if normal or not mode else f"its mode is {safe(mode, limit=60)}",
    )  # fmt: skip
