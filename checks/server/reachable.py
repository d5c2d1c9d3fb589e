"""server.reachable: a server is logged into as planned, and is the system that it should be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Duration
from checks.remote.check import RemoteCheck, access, remote, require_login
from checks.safe import safe
from checks.server._system import System, read_system
from checks.wire.ssh.access import Access, SshTrouble
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Facts, Remote

SLOW_SHELL_S = 2.0
_WHO = Script("who-am-i", "id -u")
_OURS = frozenset({"connect", "host-key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """How far the login came, where it did not come to its end."""

    stage: str
    reason: str
    fix: str
    refused: bool
    """The server itself said no, or showed a key that is not its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachableSeen:
    """What the server said of itself, or where the login ended."""

    stopped: Stopped | None
    facts: Facts | None = None
    system: System | None = None
    sudo: Stopped | None = None
    """Why sudo did not make us root; None where it did or was not asked for."""


class Reachable(RemoteCheck[ReachableSeen]):
    """The server can be logged into over SSH, shows the host key that is known, and runs commands.

    Proves: the key exchange with a host that holds the expected key, a login, a shell that runs a command and
    gives back its output, and, with 'sudo: true', a command that ran as root.
    Cannot prove: that any service of the server works, or that sudo permits other commands than `id`.
    If it fails: the finding names the stage (connect, host-key, auth, sudo, ...) and the one thing to do. A
    key that changed is never to be accepted before it was compared with the server's console.

    Source: RFC 4252, RFC 4253 section 8, RFC 4254, sshd(8) (known_hosts), os-release(5), proc(5).

    Example:
        type: server.reachable
        host: files-new.example.com
        user: tech
        key: file:~/.ssh/id_ed25519
        system: Debian GNU/Linux 12
        sudo: true
        need_sudo: true
    """

    system: Annotated[str, Len(1, 200)] | None = None
    """What its system's name must contain, such as `Debian GNU/Linux 12` or `Windows Server 2022`."""
    min_uptime: Annotated[Duration, Ge(0)] | None = None
    """How long it must be up at least: `1h` finds a server that restarted just now."""
    need_sudo: bool = False
    """With 'sudo: true': a command must run as root; without, a refusal is a warning."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.need_sudo and not self.sudo:
            raise ValueError("'need_sudo' is asked for with 'sudo: true' only: sudo is never used without.")

    async def observe(self, vantage: Vantage) -> ReachableSeen:
        way = access(self, vantage)
        try:
            host = await remote(self, vantage)
            facts = await host.facts()
        except SshTrouble as trouble:
            return ReachableSeen(stopped=_stopped(trouble, way))
        return ReachableSeen(
            stopped=None,
            facts=facts,
            system=await read_system(host),
            sudo=await _sudo(host) if self.sudo and facts.dialect == "posix" else None,
        )

    def judge(self, seen: ReachableSeen) -> Iterable[Finding]:
        if seen.stopped is not None or seen.facts is None or seen.system is None:
            yield self._not_in(seen.stopped)
            return
        facts, system = seen.facts, seen.system
        yield passed(
            self.host, f"{facts.user} is logged in; the host key is the one that is known.",
            expected="a login and a command", observed=_told(facts, system),
        )  # fmt: skip
        yield from self._judge_system(system)
        if self.min_uptime is not None:
            yield self._judge_uptime(system, self.min_uptime)
        if facts.shell_s > SLOW_SHELL_S:
            yield warned(
                f"{self.host} shell", f"The login shell of {safe(facts.user, limit=100)} takes "
                f"{facts.shell_s:.1f} s before it does anything, for each command.",
                expected=f"at most {SLOW_SHELL_S:g} s", observed=f"{facts.shell_s:.1f} s",
                fix="Look into the profile files of the account for what waits (network homes, quota).",
            )  # fmt: skip
        if self.sudo:
            yield self._judge_sudo(seen)

    def _not_in(self, stopped: Stopped | None) -> Finding:
        if stopped is None:
            return cannot_tell(
                self.host, "What the server said of itself is missing.", fix="Run the check again.",
                expected="a login and a command", observed="nothing",
            )  # fmt: skip
        tell = failed if stopped.refused else cannot_tell
        return tell(
            self.host, stopped.reason, expected="a login and a command",
            observed=f"stopped at the stage {stopped.stage}", fix=stopped.fix,
        )  # fmt: skip

    def _judge_system(self, system: System) -> Iterable[Finding]:
        if self.system is None:
            return
        subject, name = f"{self.host} system", safe(system.name, limit=200)
        if not system.name:
            yield cannot_tell(
                subject, "The server does not tell what system it is.", expected=self.system,
                observed="nothing",
                fix="Look on the server (cat /etc/os-release), or leave 'system' out.",
            )  # fmt: skip
        elif self.system.casefold() in system.name.casefold():
            yield passed(subject, "The server runs the system that was planned.",
                         expected=self.system, observed=name)  # fmt: skip
        else:
            yield failed(
                subject, f"The server runs {name}, not {self.system}.", expected=self.system, observed=name,
                fix="Look whether this is the right server; then correct 'system', or install it anew.",
            )  # fmt: skip

    def _judge_uptime(self, system: System, least: float) -> Finding:
        subject = f"{self.host} uptime"
        expected = f"at least {_span(least)}"
        if system.uptime_s is None:
            return cannot_tell(
                subject, "The server does not tell how long it is up.", expected=expected, observed="nothing",
                fix="Look by hand (uptime), or leave 'min_uptime' out.",
            )  # fmt: skip
        up = _span(system.uptime_s)
        if system.uptime_s >= least:
            return passed(subject, f"The server is up for {up}.", expected=expected, observed=up)
        return failed(
            subject, f"The server restarted {up} ago.", expected=expected, observed=up,
            fix="Find out why it restarted (last -x, journalctl -b -1) before anything is built on it.",
        )  # fmt: skip

    def _judge_sudo(self, seen: ReachableSeen) -> Finding:
        subject = f"{self.host} sudo"
        if seen.facts is not None and seen.facts.dialect != "posix":
            return cannot_tell(
                subject, "sudo is asked for on POSIX hosts only.", expected="a command that ran as root",
                observed=seen.facts.dialect, fix="Take 'sudo: true' out, and log in with the rights needed.",
            )  # fmt: skip
        if seen.sudo is None:
            return passed(subject, "A command ran as root.", expected="uid 0", observed="uid 0")
        stopped = seen.sudo
        tell = cannot_tell if not stopped.refused else failed if self.need_sudo else warned
        return tell(subject, stopped.reason, expected="a command that ran as root",
                    observed=f"stopped at the stage {stopped.stage}", fix=stopped.fix)  # fmt: skip


async def _sudo(host: Remote) -> Stopped | None:
    """Return None if a command ran as root."""
    try:
        done = await host.run(_WHO(as_user="root"))
    except SshTrouble as trouble:
        return Stopped(
            stage=trouble.stage, reason=trouble.reason, fix=trouble.fix, refused=trouble.stage == "sudo"
        )
    if done.ok and done.text.strip() == "0":
        return None
    said = safe((done.text + done.errors).strip(), limit=200) or f"nothing, and ended by {done.ended}"
    return Stopped(
        stage="sudo",
        reason=f"sudo on {host.name} did not make us root: 'id -u' said {said}.",
        fix="Run it by hand as the same account: sudo -n id -u",
        refused=False,
    )


def _stopped(trouble: SshTrouble, way: Access) -> Stopped:
    """Return where a login ended; behind a jump host only a wrong key is surely the server's own word."""
    own = trouble.refused and trouble.stage in _OURS
    if way.jump is not None:
        named = way.name in trouble.reason and way.jump.name not in trouble.reason
        own = own and trouble.stage == "host-key" and named
    return Stopped(stage=trouble.stage, reason=trouble.reason, fix=trouble.fix, refused=own)


def _told(facts: Facts, system: System) -> str:
    name = safe(system.name or facts.system, limit=120)
    parts = [name]
    if system.kernel and system.kernel not in system.name:
        parts.append(safe(system.kernel, limit=80))
    if system.uptime_s is not None:
        parts.append(f"up {_span(system.uptime_s)}")
    parts.append(f"{safe(facts.version, limit=80)}, {facts.host_key}")
    return ", ".join(parts)


def _span(seconds: float) -> str:
    if seconds >= 2 * 86400:
        return f"{seconds / 86400:.0f} days"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
