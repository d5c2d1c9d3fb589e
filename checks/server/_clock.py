"""A host's clock, how far it is off, and whether anything keeps it right.

What w32tm prints is read by its numbers, as its words are translated; it was never run on a real Windows.
"""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime
from typing import Literal

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.vantage import CannotTell
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote

READINGS = 5
NOW = Script("clock", "date +%s.%N")

KEEPERS = Script(
    "time synchronisation",
    r"""
part() { printf '\0%s\0' "$1"; }
if command -v chronyc >/dev/null 2>&1; then
  timeout 10 chronyc -n tracking 2>&1; part "chrony $?"
fi
if command -v ntpq >/dev/null 2>&1; then
  timeout 10 ntpq -pn 2>&1; part "ntpq $?"
fi
if [ -d /run/systemd/system ] && command -v timedatectl >/dev/null 2>&1; then
  timeout 10 timedatectl show -p NTP -p NTPSynchronized 2>&1; part "timedatectl $?"
fi
printf end
""",
)

WINDOWS = PowerShell("time synchronisation", "w32tm /query /status; exit $LASTEXITCODE")

Keeper = Literal["chrony", "ntpd", "timedatectl", "w32tm", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What keeps the clock: `synchronised` is None where it could not be told; `detail` is raw."""

    by: Keeper
    synchronised: bool | None
    detail: str = ""
    stratum: int | None = None
    source: str = ""
    heard: datetime | None = None
    """When the source was last heard, by the host's own clock."""


async def read_offset(remote: Remote) -> tuple[float, float]:
    """Return how far the host's clock is ahead of ours, and half the time that the tightest reading took."""
    facts = await remote.facts()
    if facts.dialect == "powershell":
        return facts.clock_offset_s, facts.clock_error_s
    best = math.inf, math.inf
    for _ in range(READINGS):
        wall, started = time.time(), time.perf_counter()
        result = await remote.run(NOW())
        half = (time.perf_counter() - started) / 2
        said = require(result, remote).decode(errors="replace").strip()
        if re.fullmatch(r"[0-9]{1,12}\.[0-9]{1,9}", said) and half < best[1]:
            best = float(said) - (wall + half), half
    if not math.isfinite(best[0]):
        raise CannotTell(
            f"{remote.name} did not tell its time in seconds.", "Run date +%s.%N by hand as the same account."
        )
    return best


async def read_kept(remote: Remote, root: str) -> Kept:
    """Return what keeps the host's clock."""
    if (await remote.facts()).dialect == "powershell":
        result = await remote.run(WINDOWS())
        return of_w32tm(result.text, result.status if result.whole else None)
    return parse_kept(require(await remote.run(KEEPERS(as_user=root)), remote))


def parse_kept(stdout: bytes) -> Kept:
    """Return what the first keeper that answers says; nothing known is not a no."""
    parts = stdout.decode(errors="replace").split("\0")
    told = dict(zip(parts[1::2], parts[::2], strict=False))
    refused = ""
    for how, text in told.items():
        keeper, _, status = how.partition(" ")
        if status != "0":
            refused = refused or text.strip()[:300]
            continue
        found = {"chrony": of_chrony, "ntpq": of_ntpq, "timedatectl": of_timedatectl}.get(keeper)
        kept = found(text) if found else None
        if kept is not None:
            return kept
    whole = parts[-1] == "end"
    detail = refused or ("neither chrony nor ntpd nor systemd answers" if whole else "cut off")
    return Kept(by="none", synchronised=None, detail=detail)


def of_chrony(text: str) -> Kept | None:
    """Return what `chronyc -n tracking` says."""
    rows = {key.strip(): value.strip() for key, mark, value in _pairs(text) if mark}
    if "Leap status" not in rows:
        return None
    reference = rows.get("Reference ID", "")
    code = reference.partition(" ")[0]
    local = code == "7F7F0101"
    good = rows["Leap status"] in ("Normal", "Insert second", "Delete second") and code not in (
        "",
        "00000000",
    )
    return Kept(
        by="chrony", synchronised=good and not local, stratum=_number(rows.get("Stratum", "")),
        source="its own clock" if local else reference.partition(" ")[2].strip("()"),
        heard=_moment(rows.get("Ref time (UTC)", "")) if good else None,
        detail=f"leap status {rows['Leap status']}, reference {reference}"[:300],
    )  # fmt: skip


def _pairs(text: str) -> list[tuple[str, str, str]]:
    return [line.partition(" : ") for line in text.splitlines()]


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.strptime(text, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if found.year > 1970 else None


def of_ntpq(text: str) -> Kept | None:
    """Return what `ntpq -pn` says: the peer with a star is followed, if it was reached lately."""
    if "remote" not in text:
        return None
    for line in text.splitlines():
        words = line[1:].split()
        if line.startswith(("*", "o")) and len(words) >= 10:
            reach = words[6]
            local = words[0].startswith("127.127.1.")
            return Kept(
                by="ntpd", synchronised=reach.strip("0") != "" and not local, stratum=_number(words[2]),
                source="its own clock" if local else words[0], detail=f"reach {reach}, offset {words[8]} ms",
            )  # fmt: skip
    return Kept(by="ntpd", synchronised=False, detail="no peer is followed")


def of_timedatectl(text: str) -> Kept | None:
    """Return what `timedatectl show` says: the kernel's flag, and whether a service that it knows is on."""
    rows = {key: value for key, _, value in (line.partition("=") for line in text.splitlines())}
    flag, service = rows.get("NTPSynchronized"), rows.get("NTP")
    if flag not in ("yes", "no"):
        return None
    detail = f"NTPSynchronized={flag}, NTP={service}"
    if flag == "yes" and service != "yes":
        return Kept(by="timedatectl", synchronised=None, detail=f"{detail}: set once, kept by nothing known")
    return Kept(by="timedatectl", synchronised=flag == "yes", detail=detail)


def of_w32tm(text: str, status: int | None) -> Kept:
    """Return what `w32tm /query /status` says: leap indicator, stratum and reference by their numbers."""
    values = [value.strip() for _, mark, value in (line.partition(":") for line in text.splitlines()) if mark]
    leap = _number(values[0]) if values else None
    stratum = _number(values[1]) if len(values) > 1 else None
    if status != 0 or leap is None or stratum is None:
        return Kept(by="w32tm", synchronised=None, detail=text.strip()[:300])
    local = "0x4C4F434C" in text or "LOCL" in text
    return Kept(
        by="w32tm", synchronised=leap != 3 and stratum not in (0, 16) and not local, stratum=stratum,
        source="its own clock" if local else "", detail=f"leap indicator {leap}, stratum {stratum}",
    )  # fmt: skip


def _number(text: str) -> int | None:
    found = re.match(r"[0-9]{1,3}", text)
    return int(found[0]) if found else None
