"""What the jobs of a host mean for those that are expected, and for those of another host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed
from checks.safe import in_line, safe
from checks.server._cron import Job, Jobs
from checks.server._parity import Difference, differences, parity_findings, shown

_ROOT = "Give the check 'sudo: true' with an account that may: crontabs of other users are read by root only."


def expected(seen: Jobs, pattern: str, *, user: str | None, schedule: str | None) -> Finding:
    """Judge one job that must be there."""
    subject = f"{seen.name} {safe(pattern, limit=200)}"
    wanted = f"runs as {user or 'anybody'}, {schedule or 'at any time'}"
    found = [
        one for one in seen.jobs
        if (fnmatchcase(one.command, pattern) or one.command == pattern) and user in (None, one.user)
    ]  # fmt: skip
    if not found:
        if seen.unread:
            return cannot_tell(
                subject, "There is no such job in what may be read, and not everything may be.",
                expected=wanted, observed=f"not read: {in_line(seen.unread)}", fix=_ROOT,
            )  # fmt: skip
        return failed(
            subject, "There is no such job.", expected=wanted, observed=f"{len(seen.jobs)} other jobs",
            fix="Set it up (crontab -e as its user, a file in /etc/cron.d, a timer), or correct the pattern.",
        )  # fmt: skip
    observed = _observed(found)
    alive = [one for one in found if not one.dead]
    if not alive:
        return failed(
            subject, f"The job is written down and never runs: {safe(found[0].dead, limit=200)}.",
            expected=wanted, observed=observed,
            fix="Rename the file without a dot, make it executable (chmod +x), end its last line, or enable "
            "the timer: whichever it is.",
        )  # fmt: skip
    fitting = [one for one in alive if schedule is None or one.schedule.split() == schedule.split()]
    if not fitting:
        return failed(
            subject, "The job runs at another time than planned.", expected=wanted, observed=observed,
            fix="Correct its schedule, or the plan.",
        )  # fmt: skip
    if any(_by_cron(one) for one in fitting) and not any(not _by_cron(one) for one in fitting):
        if seen.daemon is False:
            return failed(
                subject, "The job is set up, and no cron daemon runs.", expected=wanted, observed=observed,
                fix="Install and start cron: systemctl enable --now cron (or crond).",
            )  # fmt: skip
        if seen.daemon is None:
            return cannot_tell(
                subject, "The job is set up; whether a cron daemon runs is not seen.", expected=wanted,
                observed=observed, fix=_ROOT,
            )  # fmt: skip
    return passed(subject, "The job is set up.", expected=wanted, observed=_observed(fitting))


def compared(source: Jobs, target: Jobs, allowed: Sequence[str]) -> Iterable[Finding]:
    """Judge whether the source's jobs are on the target."""
    if source.windows != target.windows:
        yield cannot_tell(
            target.name, "One side is a Windows host and the other is not: their jobs cannot be compared.",
            expected=f"the same kind of host as {source.name}", observed=target.name,
            fix="Name the jobs that must be there in 'jobs'.",
        )  # fmt: skip
        return
    old, new = _entries(source), _entries(target)

    def fix(one: Difference) -> str:
        todo = {
            "missing": "Set it up here, as the same user",
            "different": "Bring it into line with the old server",
            "extra": "Remove it if it runs twice or nobody needs it",
        }[one.kind]
        return f"{todo}, or allow the difference: allowed: ['{shown(one.key)}']."

    diff = differences(old, new, allowed)
    yield from parity_findings(diff, subject=target.name, things="jobs", fix=fix, source=source.name)
    if any(_by_cron(one) and not one.dead for one in target.jobs):
        if target.daemon is False:
            yield failed(
                target.name, "Jobs of cron are set up, and no cron daemon runs.", expected="a cron daemon",
                observed="none", fix="Install and start cron: systemctl enable --now cron (or crond).",
            )  # fmt: skip
        elif target.daemon is None:
            yield cannot_tell(
                target.name, "Whether a cron daemon runs is not seen.", expected="a cron daemon",
                observed="unknown", fix=_ROOT,
            )  # fmt: skip


def readable(seen: Jobs) -> Iterable[Finding]:
    """Judge whether all of a host's jobs could be read."""
    if seen.unread:
        yield cannot_tell(
            seen.name, "Not all of its jobs may be read by this account, so they were compared in part.",
            expected="all crontabs", observed=in_line(seen.unread), fix=_ROOT,
        )  # fmt: skip


def _entries(seen: Jobs) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for one in seen.jobs:
        what = (
            one.schedule if not one.key.startswith(("timer:", "task:")) else f"{one.command}, {one.schedule}"
        )
        dead = f" (never runs: {one.dead})" if one.dead else ""
        found.setdefault(one.key, []).append(f"{what}{dead}")
    return {key: "; ".join(sorted(values)) for key, values in found.items()} | dict(seen.variables)


def _by_cron(one: Job) -> bool:
    return one.key.startswith("job:")


def _observed(found: Sequence[Job]) -> str:
    return in_line(
        f"{one.place}: {one.schedule} {one.user} {one.command[:120]}{f' ({one.dead})' if one.dead else ''}"
        for one in found[:5]
    )
