"""The one line of text that SSH carries: a command's arguments arrive exactly, whatever shell reads it.

A POSIX host's login shell may be bash, dash, csh, tcsh, fish or BusyBox; they agree on words of plain letters
in single quotes, so the command goes as such a word, every other byte of it as an octal escape, and a plain
`sh` reads it. Windows gets PowerShell's own base64 form (never run on a real Windows).
"""

from __future__ import annotations

import base64
import re
import shlex
from typing import Literal

from checks.dataclass import dataclass
from checks.wire.ssh.access import SshTrouble
from checks.wire.ssh.command import Command

Timeouts = Literal["k", "plain", "t", "none"]
"""How the host's `timeout` is called: with `-k`, without, BusyBox's old `-t`, or not at all."""
MAX_LINE = 120_000
"""Linux takes an argument of 128 KiB, and the whole line is one."""
MAX_WINDOWS_LINE = 8_000
KILL_AFTER_S = 5
_PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin:/opt/bin"
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=:,@+ -")
_SET = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_WATCHED = """
if command -v setsid >/dev/null 2>&1; then set -- setsid "$@"; else { set -m; } 2>/dev/null; fi
p=
tell() { kill "-$1" "-$p" 2>/dev/null || kill "-$1" "$p" 2>/dev/null; }
outlives() {
  i=0
  while [ "$i" -lt "$1" ] && kill -0 "$p"; do sleep 1; i=$((i + 1)); done
  kill -0 "$p"
}
end() {
  p=${p:-$!}
  [ -n "$p" ] || exit 143
  tell TERM
  { outlives 5 && tell KILL; } >/dev/null 2>&1 &
}
trap end TERM HUP INT
exec 3<&0
"$@" <&3 3<&- &
p=$!
exec 3<&- </dev/null >/dev/null 2>&1
{ outlives "$0" && tell TERM && outlives 5 && tell KILL; } &
wait "$p"; r=$?
while kill -0 "$p"; do wait "$p"; r=$?; done
exit "$r"
""".strip()
_PREFIX = (
    "$ProgressPreference='SilentlyContinue';"
    "[Console]::OutputEncoding=[Text.UTF8Encoding]::new($false);"
    "$ErrorActionPreference='Stop';"
)
_CLIXML = re.compile(r'<S S="Error">([^<]{0,4000})</S>')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Which programs around a command a POSIX host has."""

    timeout: Timeouts = "none"
    nice: bool = False
    ionice: bool = False
    runuser: bool = False


def low(command: Command, tools: Tools) -> tuple[str, ...]:
    """Return the words that lower the priority of a command that reads much; they stand outside of sudo."""
    if not command.heavy:
        return ()
    return (*(("nice", "-n", "19") if tools.nice else ()), *(("ionice", "-c3") if tools.ionice else ()))


def inner(command: Command) -> tuple[str, ...]:
    """Return a command's own words for another user, whose environment is not ours to set from outside."""
    env = tuple(f"{name}={value}" for name, value in command.env)
    return ("env", *env, *command.argv) if env else command.argv


def limited(argv: tuple[str, ...], timeout_s: float, tools: Tools) -> tuple[str, ...]:
    """Return argv under the host's own time limit: with it nothing is left running when we are gone."""
    seconds = whole(timeout_s)
    kill = str(KILL_AFTER_S)
    match tools.timeout:
        case "k":
            return ("timeout", "-k", kill, str(seconds), *argv)
        case "plain":
            return ("timeout", str(seconds), *argv)
        case "t":
            return ("timeout", "-t", str(seconds), *argv)
        case _:
            return ("sh", "-c", _WATCHED, str(seconds), *argv)


def whole(timeout_s: float) -> int:
    """Return the limit as every `timeout` reads it: whole seconds, at least one."""
    return max(1, -int(-timeout_s // 1))


def posix(argv: tuple[str, ...], marker: str, env: tuple[tuple[str, str], ...] = ()) -> str:
    """Return the line that runs argv in place of the login shell, and says `marker` when it begins.

    stderr gets the process's number behind the marker, so that it can be ended. SHLVL makes a bash that is
    called take itself for an inner one: as the first one of a session it would run the user's .bashrc.
    """
    sets = ["LC_ALL=C", "TZ=UTC", "SHLVL=1", f'PATH="${{PATH:+$PATH:}}{_PATHS}"']
    for name, value in env:
        if not name or name[0].isdigit() or not set(name) <= _SET:
            raise ValueError(f"{name!r} is no name of a variable.")
        sets.append(f"{name}={shlex.quote(value)}")
    text = (
        f"printf '%s\\n' {marker}; printf '%s %s\\n' {marker} \"$$\" >&2\n"
        f"export {' '.join(sets)}\nexec {shlex.join(argv)}"
    )
    line = f"""exec sh -c 'eval "$(printf %b "$0")"' '{_encoded(text)}'"""
    if len(line) > MAX_LINE:
        raise SshTrouble(
            "exec-request",
            f"The command {argv[0]} has arguments of {len(line)} bytes, more than a host takes.",
            "Give the check fewer or shorter names, or split it into several checks.",
        )
    return line


def terminate(pid: int, as_user: str = "") -> str:
    """Return the line that ends a process of ours, or one that `as_user`'s own `timeout` runs for us."""
    if as_user and set(as_user) <= _SET | {"-", "."}:
        return f"exec sh -c 'exec sudo -n -u {as_user} -- timeout 5 kill -TERM {pid}'"
    return f"exec sh -c 'kill -TERM {pid}'"


def windows(command: Command, marker: str) -> tuple[str, bytes]:
    """Return the line that runs a PowerShell script, and what its input has to begin with."""
    given = base64.b64encode(command.parameters.encode()).decode()
    sets = "".join(f"$env:{name}='{value.replace(chr(39), chr(39) * 2)}';" for name, value in command.env)
    text = (
        f"{_PREFIX}{sets}[Console]::Out.WriteLine('{marker}');"
        f"$p=ConvertFrom-Json ([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{given}')))\n"
        f"{command.powershell}"
    )
    line = _powershell(text)
    if len(line) <= MAX_WINDOWS_LINE:
        return line, b""
    start = (
        f"{_PREFIX}[Console]::Out.WriteLine('{marker}');Invoke-Expression ([Text.Encoding]::UTF8.GetString("
        "[Convert]::FromBase64String([Console]::In.ReadLine())))"
    )
    told = text.replace(f"[Console]::Out.WriteLine('{marker}');", "", 1)
    return _powershell(start), base64.b64encode(told.encode()) + b"\r\n"


def errors_of_powershell(stderr: bytes) -> bytes:
    """Return the error text in what PowerShell writes to stderr as CLIXML; other text as it is."""
    text = stderr.decode("utf-8", "replace").lstrip("\ufeff")
    if not text.startswith("#< CLIXML"):
        return stderr
    lines = "".join(_CLIXML.findall(text))
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), lines)
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        plain = plain.replace(entity, char)
    return plain.encode("utf-8", "replace")


def _powershell(text: str) -> str:
    encoded = base64.b64encode(text.encode("utf-16-le")).decode()
    return f"powershell -NoProfile -NonInteractive -EncodedCommand {encoded}"


def _encoded(text: str) -> str:
    """Return `text` for printf's %b in letters that mean the same between single quotes in every shell."""
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in raw)
