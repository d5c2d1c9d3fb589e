"""Commands by template: what may be run on a host is written in the source, arguments arrive as they are.

A check never joins a command line. It holds a `Program` (with the subcommands it may use), a `Script` (a
fixed text for the host's shell, whose arguments are positional and never part of the text) or a `PowerShell`
(a fixed script that reads its parameters from `$p`). Calling one gives a `Command`; the dialect of the host
(`checks.wire.ssh.dialect`) makes the one line of it that SSH carries.

`ALL` lists every template of the loaded modules, so that a test can look at each one that writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from checks.dataclass import dataclass

MAX_STDOUT = 8 * 1024 * 1024
MAX_STDERR = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command as it is to arrive. Made by a template only."""

    argv: tuple[str, ...] = ()
    """Program and arguments for a POSIX host."""
    powershell: str = ""
    """The script for a Windows host."""
    parameters: str = "{}"
    """Its parameters as JSON."""
    env: tuple[tuple[str, str], ...] = ()
    """Variables beside LC_ALL=C and TZ=UTC. Never a secret: others of the host's users may read them."""
    stdin: bytes = field(default=b"", repr=False)
    """What it reads; the place for a secret."""
    timeout_s: float = 30.0
    """After so long the host itself ends it, and we no longer wait."""
    idle_s: float | None = None
    """Silence that is longer ends it, too; left out, `timeout_s`."""
    max_stdout: int = MAX_STDOUT
    max_stderr: int = MAX_STDERR
    heavy: bool = False
    """It reads much: run with low priority for processor and disks."""
    as_user: str = ""
    """Run by sudo as this user."""
    writes: str = ""
    """What it changes on the host; empty for a command that only reads."""

    @property
    def shown(self) -> str:
        """Return a short form for findings and notes; stdin is never part of it."""
        if self.powershell:
            return f"powershell: {self.powershell.strip().splitlines()[0][:120]} {self.parameters[:200]}"
        if len(self.argv) > 3 and self.argv[1] == "-c":
            return " ".join((self.argv[3], *self.argv[4:]))[:400]
        return " ".join(self.argv)[:400]


ALL: list[Program | Script | PowerShell | Own] = []


class Program:
    """A program of the host, and which of its subcommands may be called.

    `reads` are the subcommands that change nothing, `writes` maps those that do to a sentence on what they
    change. The subcommand is the first argument. A program without subcommands (`stat`) has neither: then
    `refuses` names arguments that would make it write (`find -delete`), which are never let through.
    """

    def __init__(
        self,
        name: str,
        *,
        reads: frozenset[str] | set[str] = frozenset(),
        writes: Mapping[str, str] | None = None,
        refuses: frozenset[str] | set[str] = frozenset(),
    ) -> None:
        self.name = name
        self.reads = frozenset(reads)
        self.writes = dict(writes or {})
        self.refuses = frozenset(refuses)
        ALL.append(self)

    def __call__(self, *words: str, **options: Any) -> Command:
        """Return the command with these arguments; ValueError for a subcommand or option not permitted."""
        writes = ""
        if self.reads or self.writes:
            first = words[0] if words else ""
            if first not in self.reads and first not in self.writes:
                raise ValueError(f"{self.name} {first} is not among the commands that gonogo runs.")
            writes = self.writes.get(first, "")
        bad = [word for word in words if word.partition("=")[0] in self.refuses]
        if bad:
            raise ValueError(f"{self.name} must not be called with {bad[0]}.")
        return Command(argv=(self.name, *_words(words)), writes=writes, **options)


class Script:
    """A fixed text for the host's `sh` (or `bash`): arguments are `$1`, `$2`, ..., never part of the text."""

    def __init__(self, name: str, text: str, *, shell: str = "sh", writes: str = "") -> None:
        self.name = name
        self.text = text.strip()
        self.shell = shell
        self.writes = writes
        ALL.append(self)

    def __call__(self, *words: str, **options: Any) -> Command:
        """Return the command with these arguments."""
        argv = (self.shell, "-c", self.text, self.name, *_words(words))
        return Command(argv=argv, writes=self.writes, **options)


class PowerShell:
    """A fixed script for a Windows host; its parameters arrive as the object `$p`, never inside the text."""

    def __init__(self, name: str, text: str, *, writes: str = "") -> None:
        self.name = name
        self.text = text.strip()
        self.writes = writes
        ALL.append(self)

    def __call__(self, parameters: Mapping[str, Any] | None = None, **options: Any) -> Command:
        """Return the command with these parameters, which must be JSON data."""
        return Command(
            powershell=self.text, parameters=json.dumps(dict(parameters or {})), writes=self.writes, **options
        )


class Own:
    """A command of the project file's own: the one that gonogo does not vouch for to be read-only."""

    name = "the project's own command"
    writes = "whatever the project's own command does"

    def __init__(self) -> None:
        ALL.append(self)

    def __call__(self, *words: str, **options: Any) -> Command:
        """Return the command of this program and its arguments."""
        if not words:
            raise ValueError("A command begins with its program.")
        return Command(argv=_words(words), writes=self.writes, **options)


OWN = Own()


def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if "\0" in word:
            raise ValueError(f"An argument of a command cannot hold a zero byte: {word!r:.80}.")
    return words
