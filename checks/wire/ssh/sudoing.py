"""Running as another user: as whom we already are, by runuser, by sudo, and by sudo with its password.

sudo refuses before it starts anything, so a refused command may be tried the next way. Where the rule permits
`timeout` the limit runs inside sudo, where it can end what belongs to root; where only the program itself is
permitted it stays outside, and a program of root's that outlives its limit is beyond our reach.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from checks.wire.ssh import dialect, sudo
from checks.wire.ssh.access import SshTrouble
from checks.wire.ssh.command import Command, Script
from checks.wire.ssh.facts import Answer
from checks.wire.ssh.remote import CommandResult

if TYPE_CHECKING:
    from checks.wire.ssh.host import Host

Way = Literal["inside", "outside", "password-inside", "password-outside"]
_WHERE = Script("where", 'command -v -- "$1"')


class Sudo:
    """How commands are run as others on one host; what was learned is kept."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ways: dict[str, Way] = {}
        self._lock = asyncio.Lock()
        self._wrong: SshTrouble | None = None

    async def run(self, command: Command, answer: Answer) -> CommandResult:
        """Run a command as whom it asks for; raises SshTrouble where sudo refuses."""
        tools, whom = answer.tools, command.as_user
        if whom in ("", answer.user) or (whom == "root" and answer.uid == 0):
            return await self._plain(command, command.argv, answer, command.env)
        argv = dialect.inner(command)
        if answer.uid == 0 and tools.runuser:
            return await self._plain(command, ("runuser", "-u", whom, "--", *argv), answer)
        if self._wrong is not None:
            raise self._wrong
        way = self._ways.get(whom) or await self._learn(command, whom, answer)
        result = await self._by(way, command, argv, answer)
        if sudo.wants_password(result):
            result = await self._again(way, command, argv, answer, result)
        if result.ok:
            return result
        inner = argv if not way.endswith("inside") else dialect.limited(argv, command.timeout_s, tools)
        if sudo.denied(result, inner=inner) is None:
            return result
        trouble = sudo.denied(
            result, user=answer.user, name=self._host.name, path=await self._path(argv[0], answer), inner=argv
        )
        if trouble is not None:
            raise trouble
        return result

    async def _plain(
        self, command: Command, argv: tuple[str, ...], answer: Answer, env: tuple[tuple[str, str], ...] = ()
    ) -> CommandResult:
        low = dialect.low(command, answer.tools)
        limited = dialect.limited((*low, *argv), command.timeout_s, answer.tools)
        return await self._host.run_argv(command, limited, stdin=command.stdin, env=env)

    async def _by(self, way: Way, command: Command, argv: tuple[str, ...], answer: Answer) -> CommandResult:
        low = dialect.low(command, answer.tools)
        secret = way.startswith("password")
        wrap = sudo.wrap_with_password if secret else sudo.wrap
        if way.endswith("inside"):
            whole = low + wrap(dialect.limited(argv, command.timeout_s, answer.tools), command.as_user)
        else:
            whole = dialect.limited(low + wrap(argv, command.as_user), command.timeout_s, answer.tools)
        stdin = self._secret() + command.stdin if secret else command.stdin
        return await self._host.run_argv(
            command, whole, stdin=stdin, ender=command.as_user if way == "inside" else ""
        )

    async def _again(
        self, way: Way, command: Command, argv: tuple[str, ...], answer: Answer, result: CommandResult
    ) -> CommandResult:
        """Try the ways that are left after sudo asked for a password."""
        whom = command.as_user
        if way == "inside":
            self._ways[whom] = "outside"
            result = await self._by("outside", command, argv, answer)
            if not sudo.wants_password(result):
                return result
        if not self._host.access.sudo_password:
            return result
        self._ways[whom] = await self._with_password(whom, answer)
        return await self._by(self._ways[whom], command, argv, answer)

    async def _learn(self, command: Command, whom: str, answer: Answer) -> Way:
        """Return whether sudo permits `timeout` without a password."""
        async with self._lock:
            if whom not in self._ways:
                way: Way = "outside"
                if answer.tools.timeout != "none":
                    asked = (
                        "sudo",
                        "-n",
                        "-l",
                        "-u",
                        whom,
                        "--",
                        *dialect.limited(("true",), 1, answer.tools),
                    )
                    said = await self._host.run_argv(Command(argv=asked, timeout_s=15), asked, stdin=b"")
                    way = "inside" if said.ok and said.stdout.strip() else "outside"
                self._ways[whom] = way
            return self._ways[whom]

    async def _with_password(self, whom: str, answer: Answer) -> Way:
        """Try the password alone, once in a run; return the way that it opens."""
        async with self._lock:
            known = self._ways.get(whom, "")
            if known.startswith("password"):
                return self._ways[whom]
            if self._wrong is not None:
                raise self._wrong
            argv = sudo.trial(whom)
            command = Command(argv=("true",), as_user=whom, timeout_s=20)
            limited = dialect.limited(argv, 20, answer.tools)
            said = await self._host.run_argv(command, limited, stdin=self._secret())
            if sudo.wrong_password(said):
                self._wrong = sudo.denied(said, user=answer.user, name=self._host.name)
                if self._wrong is not None:
                    raise self._wrong
            inside = said.ok and answer.tools.timeout != "none"
            return "password-inside" if inside else "password-outside"

    async def _path(self, program: str, answer: Answer) -> str:
        """Return the full path of a program on the host, empty where it is not found."""
        if program.startswith("/"):
            return program
        command = _WHERE(program, timeout_s=10, max_stdout=4096)
        said = await self._plain(command, command.argv, answer)
        path = said.text.strip()
        return path if said.ok and path.startswith("/") and "\n" not in path else ""

    def _secret(self) -> bytes:
        return self._host.access.sudo_password.encode() + b"\n"
