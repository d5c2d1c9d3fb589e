"""A stand-in for a host that answers commands with what a test wrote down, and how a check climbs on it.

For systems that are not to be had here: the answers are documented or made by hand, and prove what becomes of
them, never that a real system gives them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from checks import jsonable
from checks.backup._check import BackupCheck
from checks.backup._ladder import BackupSeen
from checks.backup._walk import Walk
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult, Dialect, Ended, Facts

Answer = bytes | str | tuple[int, str] | CommandResult


class ScriptedRemote:
    """A host whose every answer is given by `answer`, which sees the command."""

    def __init__(self, answer: Callable[[Command], Answer], dialect: Dialect = "posix") -> None:
        self.name = "scripted-host"
        self.ran: list[Command] = []
        self._answer = answer
        self._dialect = dialect

    async def facts(self) -> Facts:
        return Facts(
            name=self.name, dialect=self._dialect,
            system="Windows_NT" if self._dialect == "powershell" else "Linux", hostname=self.name,
            user="tech", uid=None, version="stand-in", host_key="", clock_offset_s=0.0, clock_error_s=0.001,
            login_s=0.0, shell_s=0.001,
        )  # fmt: skip

    async def run(self, command: Command) -> CommandResult:
        self.ran.append(command)
        said = self._answer(command)
        if isinstance(said, CommandResult):
            return said
        if isinstance(said, tuple):
            return ended(command, b"", status=said[0], stderr=said[1].encode())
        return ended(command, said.encode() if isinstance(said, str) else said)

    async def read(self, path: str, *, offset: int = 0, size: int = 65536, as_user: str = "") -> bytes:
        raise CannotTell(f"{path} cannot be read.", "It is a stand-in.")


def ended(
    command: Command, stdout: bytes, *, status: int | None = 0, stderr: bytes = b"", how: Ended = "exit"
) -> CommandResult:
    """Return how a command ended."""
    return CommandResult(
        command=command, status=status, stdout=stdout, stderr=stderr, ended=how, duration_s=0.01
    )


def says(data: Any) -> ScriptedRemote:
    """Return a Windows host that answers every script with this JSON."""
    return ScriptedRemote(lambda _: json.dumps(data), "powershell")


async def climbed(check: BackupCheck, remote: Any) -> BackupSeen:
    """Return what `check` sees on `remote`; it must survive being kept as JSON."""
    walk = Walk(check.system, check.host, check.min_level, Vantage(Shared(), "test", 600.0))
    walk.begin(remote, await remote.facts())
    try:
        await check.climb(walk)
    except CannotTell as trouble:
        walk.stopped(trouble)
    seen = walk.seen(check._asked())
    assert jsonable.from_json(BackupSeen, json.loads(json.dumps(jsonable.to_json(seen)))) == seen
    return seen


def told(check: BackupCheck, seen: BackupSeen) -> str:
    """Return the findings as lines."""
    return "\n".join(
        f"{finding.status} {finding.subject}: {finding.message} [{finding.observed}] {finding.fix}"
        for finding in check.judge(seen)
    )


def outcomes(seen: BackupSeen) -> Mapping[int, set[str]]:
    """Return the outcomes by rung."""
    found: dict[int, set[str]] = {}
    for step in seen.steps:
        found.setdefault(step.level, set()).add(step.outcome)
    return found
