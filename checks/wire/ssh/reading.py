"""Reading a piece of a file on a host, exactly: how long it is is asked with it, so that a cut is noticed."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import CommandResult

if TYPE_CHECKING:
    from checks.wire.ssh.host import Host

MAX_SIZE = 64 * 1024 * 1024
_PIECE = Script(
    "read",
    """
case $1 in /*) f=$1 ;; *) f=./$1 ;; esac
[ -e "$f" ] || [ -L "$f" ] || { echo absent; exit 3; }
[ -f "$f" ] || { echo special; exit 3; }
[ -r "$f" ] || { echo denied; exit 3; }
n=$(stat -L -c %s "$f" 2>/dev/null || stat -L -f %z "$f" 2>/dev/null || wc -c <"$f") || exit 4
echo "size $n"
piece() { tail -c "+$1" "$f"; s=$?; case $s in 0|141) ;; *) echo "tail ended with status $s" >&2 ;; esac; }
piece "$2" | head -c "$3"
""",
)
_PIECE_WINDOWS = PowerShell(
    "read",
    """
if(-not(Test-Path -LiteralPath $p.path)){[Console]::Out.WriteLine('absent');exit 3}
if(-not(Test-Path -LiteralPath $p.path -PathType Leaf)){[Console]::Out.WriteLine('special');exit 3}
try{$f=[IO.File]::Open($p.path,'Open','Read','ReadWrite')}
catch [UnauthorizedAccessException]{[Console]::Out.WriteLine('denied');exit 3}
[void]$f.Seek($p.offset,'Begin');$b=[byte[]]::new($p.size);$n=0
while($n -lt $p.size){$r=$f.Read($b,$n,$p.size-$n);if($r -le 0){break};$n+=$r}
[Console]::Out.WriteLine("size $($f.Length)");$f.Close()
[Console]::Out.Write([Convert]::ToBase64String($b,0,$n))
""",
)
_WHY = {
    "absent": ("does not exist", "Correct the path."),
    "special": ("is not a regular file", "Name a regular file."),
    "denied": (
        "may not be read by this account",
        "Give the account the right to read it, or 'sudo: true' and a rule.",
    ),
}


async def read(host: Host, path: str, *, offset: int, size: int, as_user: str) -> bytes:
    """Return up to `size` bytes of a file from `offset`, fewer only at its end."""
    if offset < 0 or not 0 < size <= MAX_SIZE:
        raise ValueError(f"At most {MAX_SIZE} bytes are read at once, from an offset that is not negative.")
    windows = (await host.facts()).dialect == "powershell"
    options = {"max_stdout": size * 2 + 4096, "timeout_s": 60.0, "as_user": as_user}
    if windows:
        result = await host.run(_PIECE_WINDOWS({"path": path, "offset": offset, "size": size}, **options))
    else:
        result = await host.run(_PIECE(path, str(offset + 1), str(size), **options))
    head, _, data = result.stdout.partition(b"\n")
    word = head.decode(errors="replace").strip()
    if result.whole and result.status == 3 and word in _WHY:
        reason, fix = _WHY[word]
        raise CannotTell(f"{safe(path, limit=300)} on {host.name} {reason}.", fix)
    length = word.removeprefix("size ")
    if not result.ok or not word.startswith("size ") or not length.isdigit():
        raise _unread(host, path, result)
    if windows:
        try:
            data = base64.b64decode(data.strip(), validate=True)
        except binascii.Error:
            raise _unread(host, path, result) from None
    there = max(0, int(length) - offset)
    if result.stderr or len(data) > size or (int(length) and len(data) != min(size, there)):
        raise _unread(host, path, result)
    return data


def _unread(host: Host, path: str, result: CommandResult) -> CannotTell:
    said = safe(result.errors.strip()[-300:], limit=300) or f"{result.ended}, status {result.status}"
    return CannotTell(
        f"{safe(path, limit=300)} on {host.name} could not be read whole: {said}.",
        "Read it by hand as the same account; a file that is being written is to be read when it rests.",
    )
