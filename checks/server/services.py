"""server.services: what must run runs, and comes up again by itself; nothing has failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.remote.check import Login, RemoteCheck, require_login
from checks.server._parity import Allowed, require_allowed
from checks.server._services_judge import compared, completed, judge_failed, running, stopped
from checks.server._sides import both, require_another
from checks.server._units import Services as Found
from checks.server._units import full, read_services
from checks.wire.ssh.remote import Remote

Names = tuple[Annotated[str, Len(1, 250)], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesSeen:
    """The services of both sides."""

    target: Found
    source: Found | None


class Services(RemoteCheck[ServicesSeen]):
    """The services that must run do and are started with the host; those that must not do not; none failed.

    `active (exited)` is not running: a unit that only starts others (postgresql.service of Debian) and the
    wrapper of an init script stay active when their daemon has died. A service that runs and is not enabled
    is gone after the next restart. Compared with a source are the services that run or are enabled there.

    Proves: what systemd (or the service manager of Windows) knows of its units now.
    Cannot prove: that a service that runs also works; units of users (systemctl --user); what a container
    runs.
    If it fails: look at the service's log (journalctl -u NAME), start it, and enable it.

    Source: systemctl(1) show, systemd.unit(5), service(8), Win32_Service.

    Example:
        type: server.services
        host: files-new.example.com
        user: tech
        running: [smbd, ssh]
        stopped: [cups]
        source: {host: files-old.example.com}
        allowed: ["service:cups.service"]
    """

    running: Names = ()
    """Services that must run with a process of their own, and be started with the host."""
    completed: Names = ()
    """Services that do their work and end: they must be active, or have no failure where they are done."""
    stopped: Names = ()
    """Services that must not run, nor be started with the host."""
    allow_failed: Names = ()
    """Units that may have failed, by fnmatch patterns; of any other a failure fails the check."""
    source: Login | None = None
    """The old server: what runs or is enabled there must be so here, too."""
    allowed: Allowed = ()
    """Expected differences to the source, by the key that a finding shows: `service:cups.service`."""

    def __post_init__(self) -> None:
        require_login(self)
        require_another(self, self.source)
        require_allowed(self.allowed, compared=self.source is not None)
        for pattern in self.allow_failed:
            if not pattern.strip("*?"):
                raise ValueError(f"{pattern!r} in 'allow_failed' would allow every failure: name the units.")
        twice = {full(name) for name in (*self.running, *self.completed)} & set(map(full, self.stopped))
        if twice:
            raise ValueError(f"{twice.pop()} must both run and be stopped.")

    async def observe(self, vantage: Vantage) -> ServicesSeen:
        names = tuple(dict.fromkeys((*self.running, *self.completed, *self.stopped)))

        async def read(host: Remote, _: str) -> Found:
            return await read_services(host, names)

        target, source = await both(self, vantage, self.source, read)
        return ServicesSeen(target=target, source=source)

    def judge(self, seen: ServicesSeen) -> Iterable[Finding]:
        for name in self.running:
            yield running(seen.target, name)
        for name in self.completed:
            yield completed(seen.target, name)
        for name in self.stopped:
            yield stopped(seen.target, name)
        yield from judge_failed(
            seen.target, self.allow_failed, named=(*self.running, *self.completed, *self.stopped)
        )
        if seen.source is not None:
            yield from compared(seen.source, seen.target, self.allowed)
