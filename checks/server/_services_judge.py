"""What the state of services means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.server._parity import Difference, differences, parity_findings, shown
from checks.server._units import Service, Services
from checks.words import span

MANY_RESTARTS = 3
BRIEF_S = 120.0
"""A service that has run for so long since its last start is not counted as crashing all the time."""
_NOISE = ("user@*.service", "user-runtime-dir@*.service", "systemd-*.service", "modprobe@*.service",
          "getty@*.service", "serial-getty@*.service")  # fmt: skip
"""Units that come and go with logins and devices, or belong to systemd itself."""
_ENABLE = "Enable it (systemctl enable NAME; on Windows: set its start type to Automatic)."


def running(seen: Services, name: str) -> Finding:
    """Judge one service that must run and be started with the host."""
    subject = f"{seen.name} {safe(name, limit=120)}"
    expected = "runs, and is started with the host"
    one = seen.find(name)
    if one is None or one.state == "absent":
        return failed(
            subject, "There is no such service.", expected=expected, observed="not found",
            fix="Install it, or correct its name: systemctl list-units --type=service shows the names.",
        )  # fmt: skip
    observed = _observed(one)
    if _looping(one):
        return failed(
            subject, f"It has ended and been started again {one.restarts} times, and runs for a moment only: "
            "between two crashes.", expected=expected, observed=observed, fix=_crashes(one),
        )  # fmt: skip
    if one.state == "running" and one.at_start is False:
        return failed(
            subject, "It runs now and is not started with the host: it is gone after the next restart.",
            expected=expected, observed=observed, fix=_ENABLE,
        )  # fmt: skip
    if one.state == "running" and one.restarts >= MANY_RESTARTS:
        return warned(
            subject, f"It runs, and has crashed {one.restarts} times since the count began.",
            expected=expected, observed=observed, fix=_crashes(one),
        )  # fmt: skip
    if one.state == "running":
        return passed(subject, "It runs.", expected=expected, observed=observed)
    if one.state == "exited":
        why = (
            "it is the wrapper of an init script, which says nothing of its daemon"
            if one.generated else "it may have done its work, or only start others"
        )  # fmt: skip
        return cannot_tell(
            subject, f"It is active, but no process of it is left: {why}.", expected=expected,
            observed=observed, fix="Name the unit that holds the daemon (like postgresql@15-main), check its "
            "port by server.ports, or put it under 'completed' if it is meant to end.",
        )  # fmt: skip
    if one.state in ("starting", "unknown"):
        return cannot_tell(
            subject, "Whether it runs is not settled.", expected=expected, observed=observed,
            fix="Wait until it has started, or look at it by hand (service NAME status).",
        )  # fmt: skip
    return failed(
        subject, "It does not run.", expected=expected, observed=observed,
        fix=f"Start it and look at its log: journalctl -u {subject_of(one)}.",
    )  # fmt: skip


def completed(seen: Services, name: str) -> Finding:
    """Judge one service that does its work and ends."""
    subject = f"{seen.name} {safe(name, limit=120)}"
    expected = "done, or active"
    one = seen.find(name)
    if one is None or one.state == "absent":
        return failed(
            subject, "There is no such service.", expected=expected, observed="not found",
            fix="Install it, or correct its name.",
        )  # fmt: skip
    if one.state in ("running", "exited"):
        return passed(subject, "It is active.", expected=expected, observed=_observed(one))
    if one.state == "failed":
        return failed(
            subject, "It failed.", expected=expected, observed=_observed(one),
            fix=f"Look at its log: journalctl -u {subject_of(one)}.",
        )  # fmt: skip
    return cannot_tell(
        subject, "It is not active: it may have ended well, or never have run.", expected=expected,
        observed=_observed(one), fix="Start it once, or check what it leaves behind by server.command.",
    )  # fmt: skip


def stopped(seen: Services, name: str) -> Finding:
    """Judge one service that must neither run nor be started with the host."""
    subject = f"{seen.name} {safe(name, limit=120)}"
    expected = "does not run, and is not started with the host"
    one = seen.find(name)
    if one is None or one.state == "absent":
        return passed(subject, "There is no such service.", expected=expected, observed="not found")
    observed = _observed(one)
    if one.state in ("running", "exited", "starting") or (one.state == "failed" and one.restarts):
        return failed(
            subject, "It still runs, or tries to.", expected=expected, observed=observed,
            fix="Stop it and keep it from starting: systemctl disable --now NAME.",
        )  # fmt: skip
    if one.state == "unknown":
        return cannot_tell(
            subject, "Whether it runs is not known.", expected=expected, observed=observed,
            fix="Look at it by hand: service NAME status.",
        )  # fmt: skip
    if one.at_start:
        return failed(
            subject, "It does not run now, but is started with the host.", expected=expected,
            observed=observed, fix="Disable it (systemctl disable NAME), or mask it if others start it.",
        )  # fmt: skip
    if one.at_start is None and seen.manager == "sysv":
        return warned(
            subject, "It does not run; whether it is started with the host is not known.", expected=expected,
            observed=observed, fix="Look into /etc/rc?.d for a link that starts with S.",
        )  # fmt: skip
    return passed(subject, "It does not run.", expected=expected, observed=observed)


def judge_failed(seen: Services, allow: Sequence[str], *, named: Sequence[str]) -> Iterable[Finding]:
    """Judge the units that failed, and the manager's own state."""
    if seen.manager == "sysv":
        if not named:
            yield cannot_tell(
                seen.name, "The host was not started with systemd, which alone knows what failed.",
                expected="no failed unit", observed="service --status-all",
                fix="Name the services that must be 'running'.",
            )  # fmt: skip
        return
    bad = [one.name for one in seen.services if one.state == "failed"] + list(seen.failed)
    fine = {one for one in bad if any(_means(pattern, one) for pattern in allow)}
    told = {found.name for name in named if (found := seen.find(name))}
    for name in [one for one in bad if one not in fine and one not in told][:20]:
        yield failed(
            seen.name, f"{safe(name, limit=200)} has failed.", expected="no failed unit",
            observed=safe(name, limit=200), fix=f"Look at its log (journalctl -u {safe(name, limit=200)}), "
            "mend it and start it; what nobody needs is disabled, then systemctl reset-failed.",
        )  # fmt: skip
    for one in seen.services:
        may = any(_means(pattern, one.name) for pattern in allow)
        if _looping(one) and one.name not in told and not may:
            yield failed(
                seen.name, f"{subject_of(one)} ends again and again.", expected="no failed unit",
                observed=_observed(one), fix=_crashes(one),
            )  # fmt: skip
    if len(bad) > 20:
        yield failed(
            seen.name, f"{len(bad)} units have failed in all.", expected="no failed unit",
            observed=in_line(bad[20:60]), fix="Mend those that are named above first.",
        )  # fmt: skip
    if seen.system in ("starting", "initializing", "maintenance", "stopping"):
        yield cannot_tell(
            seen.name, f"The host is not up: systemd says {seen.system}.", expected="running",
            observed=seen.system, fix="Wait until it has started, then run the check again.",
        )  # fmt: skip
    if not set(bad) - fine:
        yield passed(
            seen.name, "No unit has failed." if not fine else "Only units that may have failed have.",
            expected="no failed unit", observed=in_line(sorted(fine)) or f"{len(seen.services)} services",
        )  # fmt: skip


def compared(source: Services, target: Services, allowed: Sequence[str]) -> Iterable[Finding]:
    """Judge whether what runs or is enabled on the source is so on the target."""
    if source.manager != target.manager:
        yield cannot_tell(
            target.name, f"{source.name} is managed by {source.manager} and {target.name} by "
            f"{target.manager}: their services cannot be compared.", expected=source.manager,
            observed=target.manager, fix="Name the services that must run in 'running'.",
        )  # fmt: skip
        return
    old, new = _entries(source), _entries(target)
    off = {f"service:{one.name}": _observed(one) for one in target.services if one.state != "absent"}
    new |= {key: off[key] for key in old.keys() - new.keys() if key in off}

    def fix(one: Difference) -> str:
        todo = {
            "missing": "Install and start it here", "extra": "Stop it if nobody needs it",
            "different": "Bring it into the same state (systemctl enable --now, or disable --now)",
        }[one.kind]  # fmt: skip
        return f"{todo}, or allow the difference: allowed: ['{shown(one.key)}']."

    diff = differences(old, new, allowed)
    yield from parity_findings(diff, subject=target.name, things="services", fix=fix, source=source.name)


def _entries(seen: Services) -> dict[str, str]:
    return {
        f"service:{one.name}": _value(one)
        for one in seen.services
        if (one.state in ("running", "exited", "starting", "failed") or _meant(one))
        and not any(fnmatchcase(one.name, noise) for noise in _NOISE)
    }


def _meant(one: Service) -> bool:
    """Return whether a service that does not run was set up to be started."""
    return bool(one.at_start) and one.state == "stopped" and bool(one.account)


def _value(one: Service) -> str:
    words: list[str] = ["active, no process" if one.state == "exited" else one.state]
    if one.at_start is not None:
        words.append("started with the host" if one.at_start else "not started with the host")
    if one.account:
        words.append(f"as {one.account}")
    return ", ".join(words)


def _observed(one: Service) -> str:
    said = safe(one.detail, limit=120)
    restarts = f", restarted {one.restarts} times" if one.restarts else ""
    start = {True: ", started with the host", False: ", not started with the host", None: ""}[one.at_start]
    since = f", active for {span(one.since_s)}" if one.restarts and one.since_s is not None else ""
    return f"{said}{start}{restarts}{since}"


def _looping(one: Service) -> bool:
    """Return whether a service that runs was started only now, and not for the first time."""
    brief = one.since_s is None or one.since_s < BRIEF_S
    return one.state == "running" and one.restarts >= MANY_RESTARTS and brief


def _crashes(one: Service) -> str:
    return (
        f"Look why it ends: journalctl -u {subject_of(one)}; then systemctl reset-failed starts the count "
        "again."
    )


def subject_of(one: Service) -> str:
    """Return a unit's name for a command that a person types."""
    return safe(one.name, limit=200)


def _means(pattern: str, name: str) -> bool:
    return pattern in (name, name.removesuffix(".service")) or fnmatchcase(name, pattern)
