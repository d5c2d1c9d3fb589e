"""sudo: the words before a command, and what its refusals mean, with the very line to add to sudoers.

sudo ends with status 1 when it refuses, and with 1, too, when the program is not there: as the program itself
would say "no". Whatever ran by sudo is therefore read here before its status is believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.safe import safe
from checks.wire.ssh.access import SshTrouble
from checks.wire.ssh.remote import CommandResult

_SHELLS = frozenset({"sh", "bash", "env", "timeout", "nice", "ionice"})
_HARMLESS = ("sudo: unable to resolve host", "sudo: unable to send audit message", "sudo: setrlimit")
_WANTS_PASSWORD = ("a password is required", "a terminal is required", "authentication is required")
_WRONG_PASSWORD = ("incorrect password attempt", "Sorry, try again", "no password was provided")
_NOT_ALLOWED = ("is not allowed to", "may not run sudo", "I'm afraid I can't do that")
_BROKEN = (
    "no valid sudoers",
    "must be owned by uid",
    "effective uid is not",
    "no new privileges",
    "syntax error",
)


def wrap(argv: Sequence[str], as_user: str) -> tuple[str, ...]:
    """Return the words that run a program as that user, and fail where a password would be asked for."""
    return ("sudo", "-n", "-u", as_user, "--", *argv)


def wrap_with_password(argv: Sequence[str], as_user: str) -> tuple[str, ...]:
    """Return the words that read the password as the first line of stdin, and always ask for it.

    Only for a command that `wrap` was refused for want of a password (`wants_password`), and after the
    password was tried alone (`trial`): where it is wrong, sudo takes the next lines for further attempts.
    """
    return ("sudo", "-S", "-p", "", "-k", "-u", as_user, "--", *argv)


def trial(as_user: str) -> tuple[str, ...]:
    """Return the command that tries the password, which is all of its stdin: one attempt, never more."""
    return wrap_with_password(("true",), as_user)


def wants_password(result: CommandResult) -> bool:
    """Return whether sudo refused because nobody can type a password here."""
    return result.status == 1 and any(phrase in line for line in _lines(result) for phrase in _WANTS_PASSWORD)


def wrong_password(result: CommandResult) -> bool:
    """Return whether a trial says that the password is wrong. A refusal of `true` says that it is right."""
    return not result.ok and any(phrase in line for line in _lines(result) for phrase in _WRONG_PASSWORD)


def denied(
    result: CommandResult,
    *,
    user: str = "",
    name: str = "the host",
    path: str = "",
    inner: Sequence[str] = (),
) -> SshTrouble | None:
    """Return why sudo did not run the command, None where it did or never had to.

    `user` is the account that logged in, `path` the full path of the program on the host, where known;
    `inner` the words that sudo was given, where they are not the command's own.
    """
    command = result.command
    if not command.as_user or result.ok or not result.whole:
        return None
    lines = _lines(result)
    text = "\n".join(lines)
    whom, who = command.as_user, user or "this account"
    if result.status in (126, 127) and (missing := _absent(text)):
        return SshTrouble(
            "sudo",
            f"On {name} there is no sudo that this account could run ({safe(missing, limit=200)}).",
            f"Install sudo on {name}, or log in as {whom}, or take 'sudo: true' out.",
        )
    if result.status != 1 or not lines:
        return None
    words = tuple(inner) or command.argv
    rule = _rule(user, whom, words, path)
    if gone := re.search(r"^sudo: (.{1,300}): command not found$", text, re.MULTILINE):
        program = safe(gone[1], limit=200)
        return SshTrouble(
            "run",
            f"On {name} there is no program {program} for {whom}.",
            f"Install {program} on {name}, or put it into sudo's 'secure_path'.",
        )
    if "must have a tty" in text:
        return SshTrouble(
            "sudo",
            f"sudo on {name} refuses to run without a terminal ('requiretty').",
            f"Take it off for this account, by visudo: Defaults:{user or 'ACCOUNT'} !requiretty",
        )
    if _has(text, _WRONG_PASSWORD):
        return SshTrouble(
            "sudo",
            f"sudo on {name} does not accept the password of {who}.",
            "Correct what 'sudo_password' refers to; it is tried once, so that the account is not locked.",
        )
    if _has(text, _NOT_ALLOWED) or "is not in the sudoers file" in text:
        return SshTrouble(
            "sudo", f"sudo on {name} does not permit {who} to run {_program(words)} as {whom}.", rule
        )
    if _has(text, _WANTS_PASSWORD):
        return SshTrouble(
            "sudo",
            f"sudo on {name} asks for a password before {who} may run {_program(words)} as {whom}, or has no "
            "rule for this account at all.",
            f"{rule} Or give 'sudo_password'.",
        )
    if re.search(r"^sudo: unknown user:? ", text, re.MULTILINE):
        return SshTrouble("sudo", f"On {name} there is no account {safe(whom)}.", "Correct the account.")
    if _has(text, _BROKEN):
        return SshTrouble(
            "sudo",
            f"sudo on {name} does not work: {safe(lines[-1], limit=300)}",
            "Repair it on the host (visudo -c shows what is wrong with its rules), then run the check again.",
        )
    return SshTrouble(
        "sudo",
        f"sudo on {name} did not run {_program(words)} as {whom}: {safe(' / '.join(lines[-3:]), limit=300)}",
        f"Run it by hand as the same account: sudo -n -u {safe(whom)} true",
    )


def _lines(result: CommandResult) -> list[str]:
    """Return what sudo itself said: its lines begin with its name or with its apology."""
    found = []
    for line in result.errors.splitlines()[:200]:
        if line.startswith(_HARMLESS):
            continue
        own = line.startswith(("sudo: ", "sudo-rs: ", "Sorry, ")) or "is not in the sudoers file" in line
        if own or _absent(line):
            found.append(line)
    return found


def _absent(text: str) -> str:
    """Return the shell's line on a sudo that cannot be run."""
    for line in text.splitlines():
        if re.search(r"\bsudo['\u2019\"]?: .{0,60}(not found|denied|No such file)", line) or re.search(
            r"(Unknown command|failed to run command).{0,20}sudo", line
        ):
            return line
    return ""


def _has(text: str, phrases: Sequence[str]) -> bool:
    return any(phrase in text for phrase in phrases)


def _program(words: Sequence[str]) -> str:
    """Return the program as a person names it: a script by its own name."""
    if len(words) > 3 and words[1] == "-c":
        return safe(words[3], limit=100)
    return safe(words[0], limit=100) if words else "it"


def _rule(user: str, whom: str, words: Sequence[str], path: str) -> str:
    program = words[0] if words else ""
    full = path or (program if program.startswith("/") else f"/usr/bin/{program}")
    wide = (
        f" (a rule for {full} permits everything that {whom} may do)"
        if program.rpartition("/")[2] in _SHELLS
        else ""
    )
    line = f"{user or 'ACCOUNT'} ALL=({whom}) NOPASSWD: {full}"
    return f"Add this line by visudo{wide}: {safe(line, limit=300)}"
