"""What a command's end means before its output is believed: sentences for what could not be run."""

from __future__ import annotations

import re
from collections.abc import Collection

from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.remote import CommandResult, Remote

_NOT_FOUND = re.compile(r"failed to run command '([^']{1,60})'|: ([\w.+-]{1,60}): (?:command )?not found")
_CUT = {
    "output-cap": "said more than {stdout} bytes and was stopped",
    "error-cap": "wrote more than {stderr} bytes of errors and was stopped",
    "total-timeout": "did not end within {timeout:g} s",
    "remote-timeout": "did not end within {timeout:g} s and was ended by the host",
    "idle-timeout": "said nothing for so long that it was given up",
    "eof-without-exit-status": "closed its output and never told how it ended",
    "exited-but-stream-open": "ended and left something running that holds its output open",
    "connection-lost": "was cut off: the connection was lost",
    "signal": "was ended by a signal",
    "closed": "was closed by the host without an exit status",
}


def require(result: CommandResult, remote: Remote, *, statuses: Collection[int] = (0,)) -> bytes:
    """Return stdout of a command that came to its end with one of `statuses`.

    Raises `CannotTell` for everything else: not installed, not permitted, cut off, another status. A status
    that proves the claim wrong belongs into `statuses`, and is then judged by who asked.
    """
    if result.whole and result.status in statuses:
        return result.stdout
    raise CannotTell(reason(result, remote), fix(result, remote))


def reason(result: CommandResult, remote: Remote) -> str:
    """Return the sentence on why a command's output cannot be used."""
    program = _program(result)
    if not result.whole:
        how = _CUT.get(result.ended, "ended without an exit status").format(
            stdout=result.command.max_stdout,
            stderr=result.command.max_stderr,
            timeout=result.command.timeout_s,
        )
        return f"On {remote.name} the command {program} {how}."
    if result.status == 127:
        return f"On {remote.name} there is no program {_missing(result)}."
    if result.status == 126:
        return f"On {remote.name} the program {program} may not be run by this account."
    said = said_by(result)
    told = f": {said}" if said else ""
    return f"On {remote.name} the command {program} ended with status {result.status}{told}."


def fix(result: CommandResult, remote: Remote) -> str:
    """Return what to do about it."""
    if result.status == 127:
        return f"Install {_missing(result)} on {remote.name}, or put it into the PATH of this account."
    if result.ended in ("total-timeout", "remote-timeout", "idle-timeout"):
        return "Give the check a longer 'timeout', or look why the host is so slow, then run it again."
    if result.ended in ("output-cap", "error-cap"):
        return "Ask for less: narrow the check down, since output that was cut proves nothing."
    return f"Run it by hand as the same account: {safe(result.command.shown, limit=300)}"


def said_by(result: CommandResult) -> str:
    """Return the last words of a command's errors (or of its output), safe and short."""
    text = result.errors.strip() or result.text.strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return safe(" / ".join(lines[-3:]), limit=300)


def _missing(result: CommandResult) -> str:
    """Return the program that is not there: a script names the one that its shell did not find."""
    program = _program(result)
    if program in ("powershell", *result.command.argv[:1]):
        return program
    found = _NOT_FOUND.search(result.errors)
    return safe(found[1] or found[2], limit=60) if found else result.command.argv[0]


def _program(result: CommandResult) -> str:
    command = result.command
    if command.powershell:
        return "powershell"
    return command.argv[3] if len(command.argv) > 3 and command.argv[1] == "-c" else command.argv[0]
