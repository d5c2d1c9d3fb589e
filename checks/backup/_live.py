"""Files of a host as they are today: size and times of many, and the hash of those that hold still."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.backup._sums import is_sha256
from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

STATE = Script(
    "state of files",
    r"""
xargs -0 -n 1 sh -c '
stat -c "%s %Y %Z %F" -- "$1" 2>/dev/null || stat -f "%z %m %c %HT" -- "$1" 2>/dev/null ||
if [ -e "$1" ] || [ -L "$1" ]; then echo unknown; else echo none; fi' state
""",
)
"""One line a file whose name comes by stdin, ended by a zero byte: size, mtime, ctime and kind, `none`
where there is nothing, or `unknown`."""

HASH = Script(
    "hash of files",
    r"""
xargs -0 -n 1 sh -c '
state() { stat -c "%s %Y %Z" -- "$1" 2>/dev/null || stat -f "%z %m %c" -- "$1" 2>/dev/null || echo none; }
hash() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256 || sha256 -q; fi <"$1" 2>/dev/null
}
before=$(state "$1"); sum=$(hash "$1") || sum=none; after=$(state "$1")
echo "$before|${sum%% *}|$after"' hash
""",
)
"""One line a file: its state, its SHA-256 and its state again."""

_OTHER = re.compile(r"-?\d+ -?\d+ -?\d+ [A-Za-z][A-Za-z -]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """Size and times of a file in whole seconds since 1970, as the host's kernel tells them."""

    size: int
    mtime: int
    ctime: int
    """When content, name or rights were changed last; nobody can set it back."""


async def states(
    remote: Remote, paths: Sequence[str], *, as_user: str = "", links: bool = False
) -> list[LiveFile | None]:  # fmt: skip
    """Return what each of `paths` is; None where there is no ordinary file, or it cannot be looked at.

    With `links` a symbolic link counts as one, and what cannot be looked at raises CannotTell.
    """
    command = STATE(stdin=_names(paths), timeout_s=60.0, as_user=as_user)
    lines = _lines(require(await remote.run(command), remote), len(paths))
    found = [_state(line, links=links) for line in lines]
    for path, line, state in zip(paths, lines, found, strict=True):
        if links and state is None and line != "none" and not _OTHER.fullmatch(line):
            raise CannotTell(
                f"What {safe(path, limit=300)} is could not be told.", "Look at it by hand with stat."
            )
    return found


async def hashes(
    remote: Remote, paths: Sequence[str], *, timeout_s: float, as_user: str = ""
) -> list[tuple[LiveFile, str] | None]:  # fmt: skip
    """Return state and SHA-256 of each file; None where it could not be read or changed meanwhile."""
    command = HASH(stdin=_names(paths), timeout_s=timeout_s, heavy=True, as_user=as_user)
    found: list[tuple[LiveFile, str] | None] = []
    for line in _lines(require(await remote.run(command), remote), len(paths)):
        before, _, rest = line.partition("|")
        digest, _, after = rest.partition("|")
        state = _state(f"{before} regular file")
        found.append((state, digest.lower()) if state and before == after and is_sha256(digest) else None)
    return found


def _names(paths: Sequence[str]) -> bytes:
    return b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)


def _lines(output: bytes, count: int) -> list[str]:
    lines = output.decode("utf-8", "replace").splitlines()
    if len(lines) != count:
        raise CannotTell(
            f"The host was asked for {count} files and told of {len(lines)}.",
            "Run the check again; if it stays so, look whether the account's shell prints by itself.",
        )
    return lines


def _state(line: str, *, links: bool = False) -> LiveFile | None:
    words = line.split(maxsplit=3)
    kinds = ("regular", "symbolic link") if links else ("regular",)
    if len(words) != 4 or not words[3].lower().startswith(kinds):
        return None
    try:
        size, mtime, ctime = (int(word) for word in words[:3])
    except ValueError:
        return None
    return LiveFile(size=size, mtime=mtime, ctime=ctime)
