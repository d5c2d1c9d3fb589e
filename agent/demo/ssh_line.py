"""The one line that SSH carries, read back into program and arguments; what is answered to it.

Only the form is understood in which gonogo itself writes it (`checks.wire.ssh.dialect.posix`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

from checks.dataclass import dataclass

MAX_LINE = 256 * 1024
_LINE = re.compile(rb"""exec sh -c 'eval "\$\(printf %b "\$0"\)"' '([^']*)'""")
_OCTAL = re.compile(rb"\\0([0-7]{3})")
_BEGIN = re.compile(r"printf '%s\\n' ([A-Za-z0-9-]{1,80}); printf '%s %s\\n' \1 \"\$\$\" >&2")
_SHELLS = ("sh", "bash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is to be run: a program, or a script by its own name, with its arguments."""

    name: str
    words: tuple[str, ...]
    marker: str = ""
    """What stdout and stderr are to begin with."""
    stdin: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What it says and how it ends."""

    out: bytes = b""
    err: bytes = b""
    status: int = 0


Answer = Callable[[Call], Said]
Answers = Mapping[str, Answer]
"""What a host can do, by the names of programs and scripts."""


def decoded(line: bytes) -> Call | None:
    """Return what a line asks for; None where it is not of gonogo's form."""
    found = _LINE.fullmatch(line) if len(line) <= MAX_LINE else None
    if found is None:
        return None
    raw = _OCTAL.sub(lambda octal: bytes([int(octal[1], 8) & 0xFF]), found[1])
    begin, _, rest = raw.decode("utf-8", "surrogateescape").partition("\n")
    marked = _BEGIN.fullmatch(begin)
    sets, _, command = rest.partition("\n")
    if marked is None or not sets.startswith("export ") or not command.startswith("exec "):
        return None
    try:
        argv = shlex.split(command.removeprefix("exec "))
    except ValueError:
        return None
    if argv[:2] == ["timeout", "-k"]:
        argv = argv[4:]
    if not argv:
        return None
    if argv[0] in _SHELLS and len(argv) > 3 and argv[1] == "-c":
        argv = argv[3:]
    return Call(name=argv[0], words=tuple(argv[1:]), marker=marked[1])


def answered(answers: Answers, call: Call) -> Said:
    """Return what a host with those answers says to a call; it can do nothing else."""
    answer = answers.get(call.name)
    if answer is None:
        return absent(call)
    try:
        return answer(call)
    except (ValueError, LookupError):
        return absent(call)


def absent(call: Call) -> Said:
    """Return what is said to a call that is not understood, as by a shell without that program."""
    return Said(err=f"{call.name[:100]}: not in the practice office\n".encode(errors="replace"), status=127)
