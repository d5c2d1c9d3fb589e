"""What system a server runs and since when, by its own files: os-release, the kernel, the time of its start.

The Windows form follows the documentation of Win32_OperatingSystem and was never run on a real Windows.
"""

from __future__ import annotations

import json
import math

from checks.dataclass import dataclass
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import CommandResult, Remote

_POSIX = Script(
    "system",
    r"""
printf 'kernel '; uname -sr
for file in /etc/os-release /usr/lib/os-release; do
  if [ -r "$file" ]; then printf 'name '; sed -n 's/^PRETTY_NAME=//p' "$file" | head -n 1; break; fi
done
if [ -r /proc/uptime ]; then printf 'uptime '; cat /proc/uptime
else printf 'boottime '; sysctl -n kern.boottime 2>/dev/null || echo; fi
printf 'now '; date +%s
echo end
""",
)
_WINDOWS = PowerShell(
    "system",
    """
$o=Get-CimInstance Win32_OperatingSystem
ConvertTo-Json -Compress -InputObject @{name=$o.Caption;kernel=$o.Version;up=((Get-Date)-$o.LastBootUpTime).TotalSeconds}
""",  # noqa: E501
)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Name and kernel as the server writes them; empty or None where it does not tell."""

    name: str = ""
    kernel: str = ""
    uptime_s: float | None = None


async def read_system(host: Remote) -> System:
    """Ask the server what it runs; what it does not tell is left empty."""
    facts = await host.facts()
    if facts.dialect == "powershell":
        return of_windows(await host.run(_WINDOWS(max_stdout=65536)))
    return of_posix(await host.run(_POSIX(max_stdout=65536)))


def of_posix(result: CommandResult) -> System:
    """Read what the script printed; nothing of an answer that was cut."""
    rows: dict[str, str] = {}
    lines = result.text.splitlines()
    if not result.whole or not lines or lines[-1] != "end":
        return System()
    for line in lines[:10]:
        key, _, value = line.partition(" ")
        rows.setdefault(key, value.strip())
    name = rows.get("name", "").strip("\"'")[:200]
    uptime = _number(rows.get("uptime", "").partition(" ")[0])
    if uptime is None and "boottime" in rows:
        uptime = _since(rows["boottime"], rows.get("now", ""))
    kernel = rows.get("kernel", "")[:200]
    return System(name=name or kernel, kernel=kernel, uptime_s=uptime)


def of_windows(result: CommandResult) -> System:
    """Read what PowerShell printed."""
    try:
        told = json.loads(result.text) if result.ok else {}
        return System(
            name=str(told["name"]).strip()[:200],
            kernel=str(told["kernel"])[:200],
            uptime_s=_number(str(told["up"])),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return System()


def _since(boottime: str, now: str) -> float | None:
    """Return the age of `{ sec = 1764000000, usec = 0 } ...`, as sysctl of the BSDs writes it."""
    sec = boottime.partition("sec = ")[2].partition(",")[0].strip() or boottime
    began, today = _number(sec), _number(now)
    return today - began if began is not None and today is not None and today >= began else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
