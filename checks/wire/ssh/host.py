"""One host of a run: its connection, made once and again once it was lost, and what is run over it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from checks.vantage import CannotTell
from checks.wire.ssh import dialect, facts, failures, reading, sudoing
from checks.wire.ssh.access import Access, SshTrouble
from checks.wire.ssh.channel import LEFT, Bell, Errand, Outcome
from checks.wire.ssh.command import MAX_STDERR, Command
from checks.wire.ssh.connection import Connection, NoChannel
from checks.wire.ssh.facts import Answer
from checks.wire.ssh.remote import CommandResult, Ended, Facts

_PAUSE_S = 0.02
_FINAL = frozenset({"auth", "second-factor", "host-key"})


class Host:
    """What checks are given as a `Remote`."""

    def __init__(
        self,
        access: Access,
        jump: Host | None,
        connection: Callable[[Access], Connection],
        chore: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]],
    ) -> None:
        self.access = access
        self._jump, self._new_connection, self._chore = jump, connection, chore
        self._connection: Connection | None = None
        self._trying: Connection | None = None
        """The connection that was begun last."""
        self._opening: asyncio.Task[Connection] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._wanted = {"open": 0, "ask": 0}
        self._refused: SshTrouble | None = None
        self._answer: Answer | None = None
        self._facts: Facts | None = None
        self._bells: set[Bell] = set()
        self._stopped = False
        self._sudo = sudoing.Sudo(self)

    @property
    def name(self) -> str:
        """Host, with its port where that is not 22."""
        return self.access.name

    @property
    def known(self) -> bool:
        """Whether it was logged into and said what it is."""
        return self._answer is not None

    def late(self, seconds: float) -> SshTrouble:
        """Return how far a login came that is waited for no longer."""
        if self._trying is not None:
            return self._trying.late(seconds)
        return failures.silent(self.access, seconds) if self._jump is None else self._jump.late(seconds)

    async def facts(self) -> Facts:
        """Return what the host is."""
        await self._ready()
        assert self._facts is not None
        assert self._connection is not None
        return dataclasses.replace(self._facts, sessions=self._connection.slots.limit)

    async def run(self, command: Command) -> CommandResult:
        """Run a command to its end or to its bounds."""
        answer = await self._ready()
        if answer.dialect == "powershell":
            return await self._run_windows(command)
        if not command.argv:
            raise _other_system(self.access, "a POSIX host", "PowerShell")
        return await self._sudo.run(command, answer)

    async def read(self, path: str, *, offset: int = 0, size: int = 65536, as_user: str = "") -> bytes:
        """Return up to `size` bytes of a file from `offset`."""
        return await reading.read(self, path, offset=offset, size=size, as_user=as_user)

    def stop(self) -> None:
        """End what runs and what is being opened, and begin nothing more."""
        self._stopped = True
        for bell in list(self._bells):
            bell.stop()
        if self._opening is not None:
            self._opening.cancel()

    async def run_argv(
        self, command: Command, argv: tuple[str, ...], *, stdin: bytes, env: tuple[tuple[str, str], ...] = (),
        ender: str = "",
    ) -> CommandResult:  # fmt: skip
        """Run argv, which has the host's own limit in it, and return its end as that of `command`.

        `ender` is the user as whom sudo has to end it where it must be ended early.
        """
        marker = _marker()
        line = dialect.posix(argv, marker, env)
        errand = _errand(command, line, marker, stdin, host_ends=True)
        outcome = await self._carry(errand, ender=ender)
        return self._result(command, outcome, limited=True)

    async def _run_windows(self, command: Command) -> CommandResult:
        if not command.powershell:
            raise _other_system(self.access, "a Windows host", "a POSIX shell")
        marker = _marker()
        line, first = dialect.windows(command, marker)
        outcome = await self._carry(_errand(command, line, marker, first + command.stdin))
        result = self._result(command, outcome, limited=False)
        return dataclasses.replace(
            result,
            stdout=result.stdout.removeprefix(b"\xef\xbb\xbf"),
            stderr=dialect.errors_of_powershell(result.stderr),
        )

    def _result(self, command: Command, outcome: Outcome, *, limited: bool) -> CommandResult:
        if not outcome.started:
            raise failures.not_run(self.access, outcome)
        ended: Ended = outcome.ended  # type: ignore[assignment]
        due = dialect.whole(command.timeout_s)
        late = outcome.ran_s >= due - max(0.5, due * 0.1)
        if limited and late and (outcome.status in (124, 137, 143) or ended == "signal"):
            ended = "remote-timeout"
        return CommandResult(
            command=command,
            status=outcome.status,
            stdout=outcome.stdout,
            stderr=outcome.stderr,
            ended=ended,
            duration_s=outcome.duration_s,
        )

    async def _carry(self, errand: Errand, *, ender: str = "") -> Outcome:
        """Carry an errand over the connection; a connection that had died before is made anew, once."""
        fresh = self._connection is None or not self._connection.alive
        connection = await self._connected()
        try:
            return await self._over(connection, errand, ender=ender)
        except SshTrouble as trouble:
            if fresh or connection.alive or trouble.stage != "open-channel":
                raise
        return await self._over(await self._connected(), errand, ender=ender)

    async def _over(self, connection: Connection, errand: Errand, *, ender: str) -> Outcome:
        """Carry an errand in one of the connection's places; where the server refuses, in fewer places."""
        refusals, pause = 0, _PAUSE_S
        while True:
            await connection.slots.take()
            if self._stopped:
                connection.slots.give()
                raise failures.lost(self.access, "run")
            bell = Bell()
            done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            self._bells.add(bell)
            self._chore(self._attend(connection, errand, bell, done, ender))
            try:
                outcome = await done
            except asyncio.CancelledError:
                bell.stop()
                raise
            except NoChannel:
                refusals += 1
                if refusals > 2 and 0 < connection.most_open < connection.slots.limit:
                    connection.slots.shrink(connection.most_open)
                    refusals, pause = 0, _PAUSE_S
                pause *= 2
                if pause > connection.limits.channel / 2:
                    raise failures.crowded(self.access) from None
                await asyncio.sleep(pause)
                continue
            finally:
                self._bells.discard(bell)
            if outcome.ended == "stopped":
                raise failures.lost(self.access, "run")
            return outcome

    async def _attend(
        self, connection: Connection, errand: Errand, bell: Bell, done: asyncio.Future[Outcome], ender: str
    ) -> None:
        """Carry an errand and tell `done`; end what it left running on the host, then give its place back."""
        try:
            try:
                outcome = await connection.carry(errand, bell)
            except BaseException as error:
                if not done.done():
                    done.set_exception(error)
                if isinstance(error, CannotTell | NoChannel):
                    return
                raise
            if not done.done():
                done.set_result(outcome)
            if outcome.pid is not None and outcome.ended in LEFT and connection.alive:
                end = dialect.terminate(outcome.pid, ender)
                last = Errand(line=end, marker=b"", max_stdout=1024, max_stderr=1024, total_s=5.0)
                with contextlib.suppress(CannotTell, NoChannel):
                    await connection.carry(last, Bell())
        finally:
            connection.slots.give()

    async def _ready(self) -> Answer:
        """Return what the host said of itself, asked once."""
        if self._answer is None:
            if self._asking is None or self._asking.done():
                self._asking = self._chore(self._ask())
            await self._share(self._asking, "ask")
        assert self._answer is not None
        return self._answer

    async def _connected(self) -> Connection:
        """Return a connection that lives; whoever comes while one is being made waits for that one."""
        if self._connection is not None and self._connection.alive:
            return self._connection
        if self._refused is not None:
            raise self._refused
        if self._opening is None or self._opening.done():
            self._opening = self._chore(self._open())
        connection: Connection = await self._share(self._opening, "open")
        return connection

    async def _share(self, task: asyncio.Task[Any], what: str) -> Any:
        """Wait for a shared task; when nobody waits for it any longer it is given up."""
        self._wanted[what] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._wanted[what] -= 1
            if not self._wanted[what] and not task.done():
                task.cancel()

    async def _open(self) -> Connection:
        outer = await self._jump._connected() if self._jump is not None else None
        connection = self._trying = self._new_connection(self.access)
        try:
            await connection.open(outer)
        except SshTrouble as trouble:
            if trouble.stage in _FINAL:
                self._refused = trouble
            raise
        self._connection = connection
        return connection

    async def _ask(self) -> None:
        connection = await self._connected()
        windows = "windows" in connection.version.lower()
        answer, outcome = await self._ask_windows() if windows else await self._ask_posix()
        if answer is None and not outcome.started and outcome.ended in ("exit", "closed"):
            answer, other = await (self._ask_posix() if windows else self._ask_windows())
            outcome = other if other.started else outcome
        if answer is None:
            if outcome.started:
                raise SshTrouble(
                    "run",
                    f"{self.name} did not tell what system it is.",
                    "Log in by hand as the same account and see that uname -s, id -u and date +%s answer.",
                )
            raise failures.not_run(self.access, outcome)
        self._answer = answer
        self._facts = Facts(
            name=self.name, dialect=answer.dialect, system=answer.system, hostname=answer.hostname,
            user=answer.user, uid=answer.uid, version=connection.version, host_key=connection.host_key,
            clock_offset_s=answer.offset_s, clock_error_s=answer.error_s, login_s=connection.login_s,
            shell_s=outcome.shell_s,
        )  # fmt: skip

    async def _ask_posix(self) -> tuple[Answer | None, Outcome]:
        marker = _marker()
        line = dialect.posix(facts.POSIX().argv, marker)
        outcome = await self._carry(_question(line, marker, facts.GO))
        return facts.of_posix(outcome), outcome

    async def _ask_windows(self) -> tuple[Answer | None, Outcome]:
        marker = _marker()
        line, first = dialect.windows(facts.WINDOWS(), marker)
        outcome = await self._carry(_question(line, marker, first + facts.GO))
        return facts.of_windows(outcome), outcome


def _marker() -> str:
    return f"gonogo-{secrets.token_hex(8)}"


def _errand(command: Command, line: str, marker: str, stdin: bytes, *, host_ends: bool = False) -> Errand:
    return Errand(
        line=line,
        marker=marker.encode(),
        stdin=stdin,
        max_stdout=command.max_stdout,
        max_stderr=command.max_stderr,
        total_s=dialect.whole(command.timeout_s) if host_ends else command.timeout_s,
        idle_s=command.idle_s,
        host_ends=host_ends,
    )


def _question(line: str, marker: str, stdin: bytes) -> Errand:
    return Errand(
        line=line, marker=marker.encode(), stdin=stdin, max_stdout=65536, max_stderr=MAX_STDERR,
        total_s=30.0,
    )  # fmt: skip


def _other_system(access: Access, what: str, wanted: str) -> CannotTell:
    return CannotTell(
        f"{access.name} is {what}, and this is asked by {wanted} only.",
        "Use the check type for that system, or correct the host.",
    )
