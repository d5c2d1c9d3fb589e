"""What runs on a host: systemctl show, service(8) where there is no systemd, CIM on Windows.

`systemctl show` says the same in every release since 2013 and cuts nothing off, unlike list-units. The
Windows script was never run on a real system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.server._windows import number, rows, word
from checks.vantage import CannotTell
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote

Manager = Literal["systemd", "sysv", "windows"]
State = Literal["running", "exited", "starting", "stopped", "failed", "absent", "unknown"]
"""`exited`: systemd calls it active, and no process of it is left."""

UNITS = Script(
    "services",
    r"""
part() { printf '\0%s\0' "$1"; }
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
  cat /proc/uptime; part uptime
  systemctl is-system-running; part state
  ls /run/systemd/generator*/*.wants 2>/dev/null; part generated
  systemctl show --no-pager --property=Id,Names,LoadState,ActiveState,SubState,UnitFileState \
    --property=NRestarts,TriggeredBy,ActiveEnterTimestampMonotonic -- '*.service' "$@" || exit 3
  part services
  systemctl show --no-pager --property=Id,LoadState,ActiveState,SubState -- \
    '*.mount' '*.automount' '*.socket' '*.timer' '*.path' '*.swap' || exit 3
  part others
elif command -v service >/dev/null 2>&1 && [ -d /etc/init.d ]; then
  service --status-all 2>&1; part sysv
else
  exit 4
fi
printf end
""",
)

WINDOWS = PowerShell(
    "services",
    """
$found = @(Get-CimInstance Win32_Service | ForEach-Object { @{ name = $_.Name; state = $_.State
  mode = $_.StartMode; account = $_.StartName; code = [string]$_.ExitCode
  delayed = [string]$_.DelayedAutoStart } })
ConvertTo-Json -Compress -Depth 3 -InputObject $found
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. `at_start`: it comes up with the host (or what starts it does); None if not known."""

    name: str
    state: State
    detail: str = ""
    """As the host words it: `active (running)`."""
    at_start: bool | None = None
    aliases: tuple[str, ...] = ()
    restarts: int = 0
    since_s: float | None = None
    """Seconds since it became active."""
    generated: bool = False
    """A wrapper around an init script: systemd knows that the script ended, not that its daemon lives."""
    account: str = ""
    """Whom it runs as, where the host says (Windows)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services of a host; `failed` are units of other kinds that failed (mounts, sockets, timers)."""

    name: str
    manager: Manager
    system: str
    """What the manager says of itself: `running`, `degraded`, `starting`."""
    services: tuple[Service, ...]
    failed: tuple[str, ...] = ()

    def find(self, name: str) -> Service | None:
        """Return a service by its name or an alias, with or without `.service`."""
        wanted = full(name) if self.manager == "systemd" else name
        for one in self.services:
            if wanted in (one.name, *one.aliases) or (
                self.manager == "windows" and one.name.lower() == wanted.lower()
            ):
                return one
        return None


def full(name: str) -> str:
    """Return a unit's name with its kind."""
    kinds = (".service", ".socket", ".mount", ".timer", ".path", ".swap", ".target", ".automount")
    return name if name.endswith(kinds) else f"{name}.service"


async def read_services(remote: Remote, names: Sequence[str]) -> Services:
    """Return the host's services; `names` are asked for also where they are not loaded."""
    if (await remote.facts()).dialect == "powershell":
        result = await remote.run(WINDOWS())
        return windows_services(require(result, remote), remote.name)
    result = await remote.run(UNITS(*map(full, names)))
    if result.whole and result.status == 4:
        raise CannotTell(
            f"{remote.name} was not started with systemd and has no service(8), so its services cannot be "
            "listed.",
            "Inside a container ask the host that runs it; else check what must run by server.ports.",
        )
    return parse_services(require(result, remote), remote.name)


def parse_services(stdout: bytes, name: str) -> Services:
    """Return what the script told; raise CannotTell where a part of it is missing."""
    first, *rest = stdout.decode(errors="replace").split("\0")
    texts = dict(zip(rest[::2], [first, *rest[1::2]], strict=False))
    if rest[-1:] != ["end"]:
        raise CannotTell(f"{name} told only a part of its services.", "Run the check again.")
    if "sysv" in texts:
        return _checked(Services(name=name, manager="sysv", system="", services=tuple(_sysv(texts["sysv"]))))
    uptime = _seconds(texts.get("uptime", "").partition(" ")[0])
    generated = frozenset(texts.get("generated", "").split())
    found: dict[str, Service] = {}
    for block in _blocks(texts.get("services", "")):
        if block.get("Id"):
            found.setdefault(block["Id"], _service(block, uptime, generated))
    failed = [
        block["Id"] for block in _blocks(texts.get("others", ""))
        if block.get("ActiveState") == "failed" and block.get("Id")
    ]  # fmt: skip
    system = texts.get("state", "").strip().splitlines()
    return _checked(
        Services(
            name=name, manager="systemd", system=system[-1][:40] if system else "",
            services=tuple(found.values()), failed=tuple(failed),
        )
    )  # fmt: skip


def _blocks(text: str) -> Iterator[dict[str, str]]:
    for block in text.split("\n\n"):
        yield dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,6})?", text) else None


def _service(block: dict[str, str], uptime: float | None, generated: frozenset[str]) -> Service:
    active, sub, load = (block.get(key, "") for key in ("ActiveState", "SubState", "LoadState"))
    state: State = "unknown"
    if load == "not-found":
        state = "absent"
    elif active == "active":
        state = "running" if sub == "running" else "exited" if sub == "exited" else "unknown"
    elif active in ("activating", "reloading", "refreshing"):
        state = "failed" if sub == "auto-restart" else "starting"
    elif active == "failed":
        state = "failed"
    elif active in ("inactive", "deactivating"):
        state = "stopped"
    enabled = block.get("UnitFileState", "")
    at_start = None
    if load == "loaded" and enabled:
        at_start = enabled not in ("disabled", "masked", "masked-runtime", "enabled-runtime", "linked",
                                   "linked-runtime", "bad", "transient")  # fmt: skip
        at_start = at_start or bool(block.get("TriggeredBy")) or block.get("Id") in generated
    restarts = block.get("NRestarts", "")
    since = _seconds(block.get("ActiveEnterTimestampMonotonic", ""))
    own = block.get("Id", "")
    return Service(
        name=own, state=state, detail=f"{active} ({sub})" if load != "not-found" else "not found",
        at_start=at_start, generated=enabled == "generated",
        aliases=tuple(alias for alias in block.get("Names", "").split() if alias != own),
        since_s=max(0.0, uptime - since / 1e6) if uptime is not None and since else None,
        restarts=int(restarts) if restarts.isdecimal() and len(restarts) < 10 else 0,
    )  # fmt: skip


_SYSV = re.compile(r" ?\[ ([+?-]) \]  ?(\S{1,200})\s*\Z")
_SIGNS: dict[str, State] = {"+": "running", "-": "stopped", "?": "unknown"}


def _sysv(text: str) -> Iterator[Service]:
    for line in text.splitlines():
        found = _SYSV.match(line[:400])
        if found:
            detail = f"service --status-all: [ {found[1]} ]"
            yield Service(name=found[2], state=_SIGNS[found[1]], detail=detail)


def windows_services(stdout: bytes, name: str) -> Services:
    """Return what the PowerShell script listed."""
    found = []
    for row in rows(stdout, name):
        state, mode, code = word(row, "state"), word(row, "mode"), number(row, "code")
        how: State = "starting" if state.endswith("Pending") else "unknown"
        if state == "Running":
            how = "running"
        elif state == "Stopped":
            how = "failed" if mode == "Auto" and code not in (0, 1077, None) else "stopped"
        if word(row, "name"):
            found.append(
                Service(
                    name=word(row, "name"), state=how, at_start=mode == "Auto" if mode else None,
                    detail=f"{state}, {mode}, exit code {code}", account=word(row, "account"),
                )
            )  # fmt: skip
    return _checked(Services(name=name, manager="windows", system="", services=tuple(found)))


def _checked(found: Services) -> Services:
    if not found.services:
        raise CannotTell(
            f"{found.name} lists no service at all.", "List its services by hand as the same account."
        )
    return found
