"""server.printers: the queues are there, take jobs, print to the planned devices, and reach them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.remote.check import Login, RemoteCheck, require_login
from checks.safe import in_line, safe
from checks.server._parity import Allowed, differences, parity_findings, require_allowed
from checks.server._queues import Queue, Queues, read_queues
from checks.server._sides import both, require_another
from checks.wire.ssh.remote import Remote

Name = Annotated[str, Len(1, 220)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A queue that must be there. What is left out may be anything."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    name: Name
    device: Annotated[str, Len(1, 400)] | None = None
    """The device's URI as lpstat -v shows it, or the Windows port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintersSeen:
    """The queues of both sides."""

    target: Queues
    source: Queues | None


class Printers(RemoteCheck[PrintersSeen]):
    """The print server has the planned queues; they take jobs and reach their printers.

    Proves: the scheduler runs; each queue is enabled and takes jobs; the server connects to each network
    printer (nothing is sent); with a source, every queue of the old server is here and prints to the same
    device.
    Cannot prove: that paper comes out, in the right tray and language: print a test page and attest it. Of
    Windows, whether the printers can be reached, and whether clients get drivers. Windows' part was never
    run on a real system.
    If it fails: cupsenable and cupsaccept the queue, correct its device, look at the printer itself by
    `printer`.

    Source: lpstat(1), cupsaccept(8); Microsoft Learn, Get-Printer, Get-PrinterPort.

    Example:
        type: server.printers
        host: print-new.example.com
        user: tech
        queues: [{name: front, device: "socket://192.0.2.40:9100"}, {name: store}]
        source: {host: print-old.example.com}
        allowed: ["queue:fax"]
    """

    queues: Annotated[tuple[Wanted, ...], Len(1, 200)] | None = None
    """Queues that must be there."""
    reach: bool = True
    """Whether the server connects to each network printer (CUPS only). Nothing is sent to it."""
    source: Login | None = None
    """The old print server: its queues must be here, too."""
    allowed: Allowed = ()
    """Expected differences to the source, by the key that a finding shows: `queue:fax`."""

    def __post_init__(self) -> None:
        require_login(self)
        require_another(self, self.source)
        require_allowed(self.allowed, compared=self.source is not None)
        names = [queue.name for queue in self.queues or ()]
        if len(set(names)) != len(names):
            raise ValueError("A queue is named twice.")

    async def observe(self, vantage: Vantage) -> PrintersSeen:
        """Read the queues of both sides; only the host's own devices are connected to."""
        first = True

        async def read(host: Remote, as_user: str) -> Queues:
            nonlocal first
            reach, first = self.reach and first, False
            return await read_queues(host, as_user, reach=reach)

        target, source = await both(self, vantage, self.source, read)
        return PrintersSeen(target=target, source=source)

    def judge(self, seen: PrintersSeen) -> Iterable[Finding]:
        """Judge the planned queues, the state of all, then the differences."""
        by_name = {queue.name: queue for queue in seen.target.queues}
        for wanted in self.queues or ():
            yield self._planned(seen.target, wanted, by_name.get(wanted.name))
        if not seen.target.queues:
            yield failed(
                seen.target.name, "There is no queue.", expected="queues", observed="none",
                fix="Set the queues up (lpadmin), or correct 'host'.",
            )  # fmt: skip
        for queue in seen.target.queues:
            yield _state(seen.target, queue)
        if seen.source is not None:
            diff = differences(_values(seen.source), _values(seen.target), self.allowed)
            yield from parity_findings(
                diff, subject=seen.target.name, things="print queues", source=seen.source.name
            )

    def _planned(self, target: Queues, wanted: Wanted, found: Queue | None) -> Finding:
        expected = f"{wanted.name}{f' to {wanted.device}' if wanted.device else ''}"
        if found is None:
            return failed(
                target.name, f"There is no queue {safe(wanted.name)}.", expected=expected,
                observed=in_line(queue.name for queue in target.queues) or "none",
                fix="Set it up: lpadmin -p NAME -v DEVICE -E, or Add-Printer.",
            )  # fmt: skip
        observed = f"{safe(found.name)} to {safe(found.device, limit=300)}"
        if wanted.device is not None and wanted.device != found.device:
            return failed(
                target.name, f"The queue {safe(wanted.name)} prints to another device.", expected=expected,
                observed=observed, fix="Correct it: lpadmin -p NAME -v DEVICE, or Set-Printer -PortName.",
            )  # fmt: skip
        return passed(
            target.name, f"The queue {safe(wanted.name)} is there.", expected=expected, observed=observed
        )


def _state(target: Queues, queue: Queue) -> Finding:
    subject = f"{target.name}: {safe(queue.name)}"
    place = safe(queue.place or queue.device, limit=300)
    if queue.state:
        make = cannot_tell if queue.state == "its state is not told" else failed
        return make(
            subject, f"The queue does not print: {safe(queue.state, limit=100)}.", expected="takes jobs",
            observed=safe(queue.state, limit=100),
            fix="Find out why it was stopped, then cupsenable and cupsaccept it (Windows: resume it).",
        )  # fmt: skip
    if queue.reached is False:
        return failed(
            subject, "The server cannot connect to the printer.", expected=f"{place} takes a connection",
            observed="refused or silent",
            fix="Switch the printer on, correct the queue's address, or open the way to its port.",
        )  # fmt: skip
    said = "It takes jobs, and the printer can be reached." if queue.reached else "It takes jobs."
    return passed(subject, said, expected="takes jobs", observed=place)


def _values(side: Queues) -> dict[str, str]:
    found = {}
    for queue in side.queues:
        parts = (queue.device, queue.driver, f"shared as {queue.share}" if queue.share else "")
        found[f"queue:{queue.name}"] = ", ".join(filter(None, parts))
    return found
