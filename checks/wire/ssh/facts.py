"""What a host is, asked once: by one command that tells a POSIX host, by another that tells a Windows."""

from __future__ import annotations

import json
from typing import Any

from checks.dataclass import dataclass
from checks.wire.ssh.channel import Outcome
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.dialect import Timeouts, Tools
from checks.wire.ssh.remote import Dialect

GO = b"go\n"
"""Read before the host's clock is, so that the time a login shell takes does not blur it."""
POSIX = Script(
    "facts",
    """
read -r go
date +%s.%N
uname -s; uname -n; id -u; id -un
if timeout -k 1 5 true; then echo k; elif timeout 5 true; then echo plain
elif timeout -t 5 true; then echo t; else echo none; fi 2>/dev/null
for name in nice ionice runuser; do
  if command -v "$name" >/dev/null 2>&1; then echo 1; else echo 0; fi
done
if ionice -c3 true 2>/dev/null; then echo end; else echo end without; fi
""",
)
WINDOWS = PowerShell(
    "facts",
    """
$go=[Console]::In.ReadLine()
$now=[DateTimeOffset]::UtcNow.ToUnixTimeMilliseconds()
$who=[Security.Principal.WindowsIdentity]::GetCurrent()
$admin=([Security.Principal.WindowsPrincipal]$who).IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
ConvertTo-Json -Compress -InputObject @{now=$now;system=$env:OS;name=[Environment]::MachineName;user=$who.Name;admin=$admin}
""",  # noqa: E501
)
_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the host said of itself."""

    dialect: Dialect
    system: str
    hostname: str
    user: str
    uid: int | None
    offset_s: float
    error_s: float
    tools: Tools


def of_posix(outcome: Outcome) -> Answer | None:
    """Return what a POSIX host answered; None where it is not such an answer."""
    rows = outcome.stdout.decode(errors="replace").split("\n")
    if outcome.ended != "exit" or len(rows) < _ROWS + 1 or not rows[9].startswith("end"):
        return None
    now, error = _seconds(rows[0])
    if now is None or not rows[1] or not rows[3].isdecimal():
        return None
    offset, blur = _offset(now, outcome)
    kind: Timeouts = rows[5] if rows[5] in ("k", "plain", "t") else "none"  # type: ignore[assignment]
    tools = Tools(
        timeout=kind, nice=rows[6] == "1", ionice=rows[7] + rows[9] == "1end", runuser=rows[8] == "1"
    )
    return Answer(
        dialect="posix", system=rows[1][:64], hostname=rows[2][:255], user=rows[4][:104],
        uid=int(rows[3][:10]), offset_s=offset + error, error_s=blur + error, tools=tools,
    )  # fmt: skip


def of_windows(outcome: Outcome) -> Answer | None:
    """Return what PowerShell answered; None where it is not such an answer."""
    try:
        told: Any = json.loads(outcome.stdout.decode("utf-8-sig", "replace"))
        offset, blur = _offset(float(told["now"]) / 1000, outcome)
        return Answer(
            dialect="powershell", system=str(told["system"])[:64], hostname=str(told["name"])[:255],
            user=str(told["user"])[:104], uid=None, offset_s=offset, error_s=blur, tools=Tools(),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None


def _seconds(text: str) -> tuple[float | None, float]:
    """Return what `date +%s.%N` said, and by how much it may be late; not every `date` knows %N."""
    whole, _, part = text.strip().partition(".")
    if not whole.isascii() or not whole.isdigit() or len(whole) > 12:
        return None, 0.0
    if part.isascii() and part.isdigit() and len(part) == 9:
        return int(whole) + int(part) / 1e9, 0.0
    return float(whole), 0.5


def _offset(now: float, outcome: Outcome) -> tuple[float, float]:
    return (
        now - (outcome.asked_at + outcome.answered_at) / 2,
        max(0.0, outcome.answered_at - outcome.asked_at) / 2,
    )
