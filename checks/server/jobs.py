"""server.jobs: what the old server does by itself at set times, the new one does, too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.remote.check import Login, RemoteCheck, require_login
from checks.server._cron import Jobs as Found
from checks.server._cron import read_jobs
from checks.server._jobs_judge import compared, expected, readable
from checks.server._parity import Allowed, require_allowed
from checks.server._sides import both, require_another


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNeed:
    """A job that must be there: an fnmatch pattern of its command, its user, when it runs."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    command: Annotated[str, Len(1, 500)]
    user: Annotated[str, Len(1, 104)] | None = None
    schedule: Annotated[str, Len(1, 200)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsSeen:
    """The jobs of both sides."""

    target: Found
    source: Found | None


class Jobs(RemoteCheck[JobsSeen]):
    """The planned jobs are set up so that they will run, and all that the old server has are there.

    Read are /etc/crontab, /etc/cron.d, /etc/cron.{hourly,daily,weekly,monthly}, anacron, the crontabs of all
    users (root only), systemd timers and at. Compared are user, command and schedule, not comments and
    blanks; scripts by their digest. A job that is written down and never runs (not executable, a name with
    a dot on Debian, a file without its last line break, a timer that is off, no cron daemon) is none.

    Proves: that the job is set up where its daemon reads it, and that the daemon runs.
    Cannot prove: that the job does its work: look at what it leaves behind (a backup's age, server.command);
    timers of users (systemctl --user).
    If it fails: copy the job over, correct the name or rights of its file, or enable the timer.

    Source: crontab(5), cron(8) and run-parts(8) of Debian, anacrontab(5), systemd.timer(5), atq(1),
    Get-ScheduledTask.

    Example:
        type: server.jobs
        host: files-new.example.com
        user: tech
        sudo: true
        jobs:
          - {command: "*/nightly-export.sh*", user: root, schedule: "30 2 * * *"}
        source: {host: files-old.example.com}
        allowed: ["job:cron.daily/apt-compat", "timer:e2scrub_all.timer"]
    """

    jobs: tuple[JobNeed, ...] = ()
    """Jobs that must be there. `command` is a pattern (`*/backup.sh*`) of the command line, of the script's
    path in /etc/cron.daily, or of the unit that a timer starts."""
    source: Login | None = None
    """The old server: whatever jobs it has must be here."""
    allowed: Allowed = ()
    """Expected differences to the source, by the key that a finding shows: `timer:fstrim.timer`."""

    def __post_init__(self) -> None:
        require_login(self)
        require_another(self, self.source)
        require_allowed(self.allowed, compared=self.source is not None)
        if not (self.jobs or self.source):
            raise ValueError("Say which 'jobs' must be there, or a 'source' to compare with.")
        for need in self.jobs:
            if not need.command.strip("*? "):
                raise ValueError(f"The pattern {need.command!r} means every command: say which one.")

    async def observe(self, vantage: Vantage) -> JobsSeen:
        target, source = await both(self, vantage, self.source, read_jobs)
        return JobsSeen(target=target, source=source)

    def judge(self, seen: JobsSeen) -> Iterable[Finding]:
        for need in self.jobs:
            yield expected(seen.target, need.command, user=need.user, schedule=need.schedule)
        if seen.source is not None:
            yield from compared(seen.source, seen.target, self.allowed)
            yield from readable(seen.source)
            yield from readable(seen.target)
