"""server.command: a command of the project's own says on a server what it must say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Le, Len
from checks.contract import CannotTell, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.params import Duration, Regex
from checks.remote.check import RemoteCheck, remote, require_login
from checks.remote.outcome import fix, reason, require
from checks.safe import safe
from checks.wire.ssh.command import OWN
from checks.wire.ssh.remote import CommandResult

MAX_OUTPUT = 64 * 1024
_MAX_LINE = 2000
_NOT_RUN = (126, 127)

Word = Annotated[str, Len(0, 4096)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSeen:
    """How the command ended and what it said, whole."""

    status: int
    stdout: str
    stderr: str


class OwnCommand(RemoteCheck[CommandSeen]):
    """The command ends as expected on the server and says what it must.

    The one check whose command is not gonogo's: that it only reads is the word of whoever wrote the project
    file, and gonogo does not vouch for it. It runs once per attempt, without a shell in between: `argv` is
    the program and its arguments, and `|`, `*` or `$HOME` mean nothing in them.

    Proves: the program ended with that status and printed (or did not print) that, now, as that account.
    Cannot prove: that the program tells the truth, or that it changes nothing.
    If it fails: run the same command by hand as the same account, and read what it says.

    Source: POSIX.1-2024 XCU section 2.8.2 (exit status), RFC 4254 section 6.10.

    Example:
        type: server.command
        host: app.example.com
        user: tech
        argv: [lmstat, -a, -c, "27000@localhost"]
        match: "license server UP"
        absent: "(?i)expired|error"
    """

    argv: Annotated[tuple[Word, ...], Len(1, 64)]
    """Program and arguments, each as it is to arrive: `[systemctl, is-enabled, "app.service"]`."""
    status: Annotated[int, Ge(0), Le(125)] | None = None
    """Status that it must end with; left out, 0. Written out, it may be all that is asked for."""
    match: Regex | None = None
    """Regular expression that a line of its output must match."""
    absent: Regex | None = None
    """Regular expression that no line of its output or errors may match; it must have said something."""
    max_duration: Annotated[Duration, Ge(1), Le(3600)] = 30.0
    """How long it may take before it is ended."""

    def __post_init__(self) -> None:
        require_login(self)
        if not self.argv[0].strip():
            raise ValueError("'argv' begins with the program.")
        if any("\0" in word for word in self.argv):
            raise ValueError("An argument cannot hold a zero byte.")
        if self.status is None and self.match is None and self.absent is None:
            raise ValueError(
                "Say what the command must print ('match', 'absent') or write the 'status' that it must end "
                "with: a command that merely ran proves nothing."
            )

    def subject(self) -> str:
        """Return the host and the program."""
        return f"{self.host} {self.argv[0]}"

    def allowance(self) -> float:
        """Return the seconds for the login and the command."""
        return self.deadline_s + self.max_duration

    async def observe(self, vantage: Vantage) -> CommandSeen:
        host = await remote(self, vantage)
        command = OWN(
            *self.argv,
            timeout_s=self.max_duration,
            as_user=self.root,
            max_stdout=MAX_OUTPUT,
            max_stderr=MAX_OUTPUT,
        )
        result = await host.run(command)
        if not result.whole or (result.status in _NOT_RUN and result.status != self.status):
            raise CannotTell(reason(result, host), fix(result, host))
        require(result, host, statuses=range(256))
        return _seen(result)

    def judge(self, seen: CommandSeen) -> Iterable[Finding]:
        wanted = self.status or 0
        observed = f"status {seen.status}: {_excerpt(seen)}"
        if seen.status != wanted:
            yield failed(
                self.subject(), f"The command ended with status {seen.status}, not {wanted}.",
                expected=f"status {wanted}", observed=observed, fix=self._fix(),
            )  # fmt: skip
            return
        yield from self._judge_text(seen, observed)

    def _judge_text(self, seen: CommandSeen, observed: str) -> Iterable[Finding]:
        lines = seen.stdout.splitlines()
        if self.match is not None:
            expected = f"a line that matches {safe(self.match, limit=200)}"
            found = _first(self.match, lines)
            if found is None:
                yield failed(
                    self.subject(), "No line of the output matches.", expected=expected, observed=observed,
                    fix=self._fix(),
                )  # fmt: skip
            else:
                yield passed(self.subject(), "The command says what it must.", expected=expected,
                             observed=safe(found, limit=300))  # fmt: skip
        if self.absent is not None:
            yield self._judge_absent(self.absent, seen, observed)
        if self.match is None and self.absent is None:
            yield passed(self.subject(), "The command ended as expected.",
                         expected=f"status {self.status}", observed=observed)  # fmt: skip

    def _judge_absent(self, absent: str, seen: CommandSeen, observed: str) -> Finding:
        expected = f"no line that matches {safe(absent, limit=200)}"
        found = _first(absent, [*seen.stdout.splitlines(), *seen.stderr.splitlines()])
        if found is not None:
            return failed(
                self.subject(), f"The command says: {safe(found, limit=300)}", expected=expected,
                observed=safe(found, limit=300), fix=self._fix(),
            )  # fmt: skip
        if not seen.stdout.strip():
            return cannot_tell(
                self.subject(), "The command said nothing at all, so that nothing can be absent from it.",
                expected=expected, observed="no output",
                fix="Add a 'match' on what it always prints, or let it print something.",
            )  # fmt: skip
        return passed(self.subject(), "The command does not say what it must not.", expected=expected,
                      observed=observed)  # fmt: skip

    def _fix(self) -> str:
        return f"Run it by hand as {self.root or self.user}: {safe(' '.join(self.argv), limit=300)}"


def _seen(result: CommandResult) -> CommandSeen:
    assert result.status is not None
    return CommandSeen(status=result.status, stdout=result.text, stderr=result.errors)


def _first(pattern: str, lines: Iterable[str]) -> str | None:
    """Return the first line that matches; of a long one only its beginning is looked at."""
    return next((line for line in lines if re.search(pattern, line[:_MAX_LINE])), None)


def _excerpt(seen: CommandSeen) -> str:
    text = seen.stdout.strip() or seen.stderr.strip()
    return safe(text, limit=200) or "no output"
