"""The print queues of a host: CUPS by lpstat; Windows by Get-Printer, never run on a real one."""

from __future__ import annotations

import re
from typing import Any

from checks.dataclass import dataclass
from checks.params import join_endpoint
from checks.remote.outcome import require
from checks.remote.windows import ask, flag, many, number, script, word
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

LPSTAT = Script(
    "lpstat",
    """
command -v lpstat >/dev/null || exit 127
lpstat -r || exit 3
printf '\\0'
lpstat -v 2>/dev/null
printf '\\0'
lpstat -p 2>/dev/null
printf '\\0'
lpstat -a 2>/dev/null
printf '\\0end'
""",
)
"""Whether the scheduler runs, the devices, the printers' states, and who accepts jobs."""

REACH = Script(
    "connect",
    """
for place do
  host=${place%|*}; port=${place##*|}
  if timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' connect "$host" "$port" 2>/dev/null; then echo open
  else echo closed; fi
done
""",
)
"""For each `host|port` whether a connection is taken; nothing is sent."""

GET_PRINTER = script(
    "printers",
    """
$ports = @{}
Get-PrinterPort | ForEach-Object { $ports[$_.Name] = $_ }
$answer.queues = @(Get-Printer | ForEach-Object {
  $port = $ports[$_.PortName]
  @{
    name = $_.Name; driver = $_.DriverName; port = $_.PortName; shared = [bool]$_.Shared
    share = $_.ShareName; status = "$($_.PrinterStatus)"; host = $port.PrinterHostAddress
    number = $port.PortNumber
  }
})
""",
)

_DEVICE = re.compile(r"device for ([^:\s]+): (\S+)")
_URI = re.compile(r"(socket|ipps?|lpd|https?)://(?:[^@/\s]*@)?(\[[0-9A-Fa-f:.%]+\]|[^/:?\s]+)(?::(\d{1,5}))?")
_FINE = ("Normal", "0", "Printing", "Idle")
_PORTS = {"socket": 9100, "ipp": 631, "ipps": 631, "lpd": 515, "http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One queue. `state` is why it does not print; empty where nothing keeps it from it."""

    name: str
    device: str
    """The device's URI, or the Windows port."""
    state: str
    driver: str = ""
    share: str = ""
    """The name it is shared by (Windows)."""
    place: str = ""
    """`host:port` of the device; empty where that is not known."""
    reached: bool | None = None
    """Whether the server could connect to the device; None where that was not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """The queues of one server."""

    name: str
    queues: tuple[Queue, ...]


async def read_queues(host: Remote, as_user: str, *, reach: bool) -> Queues:
    """Return the queues of a host; with `reach` the server connects to their devices."""
    if (await host.facts()).dialect == "powershell":
        found = windows_queues(await ask(host, GET_PRINTER(timeout_s=60.0), "Get-Printer"))
        return Queues(name=host.name, queues=tuple(found))
    found = cups_queues(require(await host.run(LPSTAT(timeout_s=30.0, as_user=as_user)), host))
    if reach:
        found = await _reached(host, found)
    return Queues(name=host.name, queues=tuple(found))


def cups_queues(output: bytes) -> list[Queue]:
    """Return what lpstat says under LC_ALL=C."""
    parts = output.decode(errors="replace").split("\0")
    if len(parts) != 5 or parts[4] != "end":
        raise CannotTell("What lpstat said is not whole.", "Run 'lpstat -t' there by hand.")
    if "scheduler is running" not in parts[0]:
        raise CannotTell("The scheduler of CUPS does not run there.", "Start it: systemctl start cups.")
    devices = {
        match[1]: match[2] for line in parts[1].splitlines() if (match := _DEVICE.fullmatch(line.strip()))
    }
    found = []
    for name, device in devices.items():
        states = [
            why
            for text, lead, good, why in (
                (parts[2], f"printer {name} ", " enabled since ", "stopped"),
                (parts[3], f"{name} ", "accepting requests since ", "takes no jobs"),
            )
            if not _says(text, lead, good)
        ]
        found.append(Queue(name=name, device=device, state=" and ".join(states), place=_place(device)))
    return found


def _says(text: str, lead: str, good: str) -> bool:
    lines = [line for line in text.splitlines() if line.startswith(lead)]
    if len(lines) != 1:
        return False
    rest = lines[0][len(lead) :]
    return rest.startswith(good) if good.startswith("accepting") else good in rest and "disabled" not in rest


def _place(uri: str) -> str:
    match = _URI.match(uri)
    if not match:
        return ""
    port = int(match[3]) if match[3] else _PORTS[match[1]]
    return join_endpoint(match[2].strip("[]"), port) if 0 < port < 65536 else ""


def windows_queues(answer: dict[str, Any]) -> list[Queue]:
    """Return what Get-Printer and Get-PrinterPort say; Normal (0) means that nothing is wrong."""
    found = []
    for row in many(answer.get("queues")):
        status = word(row.get("status"))
        address, port = word(row.get("host")), number(row.get("number"))
        found.append(
            Queue(
                name=word(row.get("name")), device=word(row.get("port")),
                state="" if status in _FINE else status or "its state is not told",
                driver=word(row.get("driver")),
                share=word(row.get("share")) if flag(row.get("shared")) else "",
                place=join_endpoint(address, port) if address and port else "",
            )
        )  # fmt: skip
    return [queue for queue in found if queue.name]


async def _reached(host: Remote, queues: list[Queue]) -> list[Queue]:
    from dataclasses import replace

    places = [queue.place for queue in queues if queue.place][:100]
    if not places:
        return queues
    split = [place.rpartition(":") for place in places]
    words = [f"{name.strip('[]')}|{port}" for name, _, port in split]
    result = await host.run(REACH(*words, timeout_s=6.0 * len(words) + 5))
    lines = require(result, host).decode(errors="replace").split()
    if len(lines) != len(places) or not set(lines) <= {"open", "closed"}:
        raise CannotTell(
            f"{host.name} did not say of every printer whether it can be reached.",
            "Install bash and coreutils there, or write 'reach: false'.",
        )
    open_ = dict(zip(places, (line == "open" for line in lines), strict=True))
    return [replace(queue, reached=open_.get(queue.place)) for queue in queues]
