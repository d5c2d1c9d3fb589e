"""A host that was logged into, as checks use it, and what became of a command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from checks.dataclass import dataclass
from checks.wire.ssh.command import Command

Dialect = Literal["posix", "powershell"]
Ended = Literal[
    "exit", "output-cap", "error-cap", "total-timeout", "idle-timeout", "remote-timeout",
    "eof-without-exit-status", "exited-but-stream-open", "connection-lost", "signal", "closed",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended. Only `ended == "exit"` with `status == 0` is success, and it alone proves nothing.

    `status` is None where no exit status came: a signal, a lost connection, a stream that was cut. What was
    received until then is kept.
    """

    command: Command
    status: int | None
    stdout: bytes
    stderr: bytes
    ended: Ended
    duration_s: float

    @property
    def whole(self) -> bool:
        """Whether the command came to an end of its own and everything that it said was received."""
        return self.ended == "exit" and self.status is not None

    @property
    def ok(self) -> bool:
        """Whether it came to its end with status 0."""
        return self.whole and self.status == 0

    @property
    def text(self) -> str:
        """Return stdout for reading; undecodable bytes become U+FFFD. Hash and compare `stdout` instead."""
        return self.stdout.decode(errors="replace")

    @property
    def errors(self) -> str:
        """Return stderr for reading."""
        return self.stderr.decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a host is, read once per connection."""

    name: str
    dialect: Dialect
    system: str
    """`Linux`, `FreeBSD`, `Windows_NT`, ...: what `uname -s` or %OS% say."""
    hostname: str
    user: str
    uid: int | None
    version: str
    """The SSH server's software as it names itself; a text from outside."""
    host_key: str
    """Type and fingerprint: `ssh-ed25519 SHA256:...`."""
    clock_offset_s: float
    """The host's clock minus ours; positive where the host is ahead."""
    clock_error_s: float
    """Half the time that reading it took: the offset is not known better."""
    login_s: float
    """Seconds from the first packet to the end of the authentication."""
    shell_s: float
    """Seconds that a command took which does nothing: above a second or two the login shell is slow."""
    sessions: int = 10
    """Commands that run at once over its connection: ten, fewer where it refused more (MaxSessions)."""

    def now(self) -> datetime:
        """Return the time by the host's own clock, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_offset_s)


class Remote(Protocol):
    """One host, one connection. Methods raise `SshTrouble` with the stage that failed."""

    @property
    def name(self) -> str:
        """Host, with its port where that is not 22."""
        ...

    async def facts(self) -> Facts:
        """Return what the host is."""
        ...

    async def run(self, command: Command) -> CommandResult:
        """Run a command to its end or to its bounds; what is over a bound is told by `ended`, not raised.

        Raises `SshTrouble` of stage `sudo` where the command must run as another user and may not, with
        the exact rule to add.
        """
        ...

    async def read(self, path: str, *, offset: int = 0, size: int = 65536, as_user: str = "") -> bytes:
        """Return up to `size` bytes of a file from `offset`; raise `CannotTell` where it cannot be read."""
        ...
