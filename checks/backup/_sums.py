"""Lines of `sha256sum`, as a manifest holds them: every one of them is read, or none is believed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from checks.vantage import CannotTell

NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The SHA-256 of no bytes at all: what a pipe without content hashes to."""

_GNU = re.compile(rb"(\\?)([0-9A-Fa-f]{64}) [ *](.+)\Z", re.DOTALL)
_BSD = re.compile(rb"SHA256 \((.+)\) = ([0-9A-Fa-f]{64})\Z", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.?)", re.DOTALL)
_MEANS = {b"n": b"\n", b"r": b"\r", b"\\": b"\\"}


def is_sha256(text: str) -> bool:
    """Return whether `text` is a SHA-256 in hexadecimal."""
    return re.fullmatch(r"[0-9a-fA-F]{64}", text) is not None


def parse_sums(data: bytes, what: str = "the manifest") -> dict[str, str]:
    """Return name to SHA-256 (lower case) of what `sha256sum` wrote, GNU's form or BSD's (`--tag`).

    A name that holds a line break is escaped there; the line begins with a backslash then. Names are text
    as `os.fsdecode` makes it. Empty lines and those that begin with `#` are left out. Raises CannotTell for
    any other line, for a last line without its end, for one name with two sums and where there is none.
    """
    sums: dict[str, str] = {}
    if data and not data.endswith(b"\n"):
        raise CannotTell(f"The last line of {what} has no end: it may be cut off.", _FIX)
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.removesuffix(b"\r")
        if not line or line.startswith(b"#"):
            continue
        name, digest = _line(line, f"Line {number} of {what}")
        if sums.setdefault(name, digest) != digest:
            raise CannotTell(f"Line {number} of {what} has another sum for a file that it names twice.", _FIX)
    if not sums:
        raise CannotTell(f"There is no sum in {what}.", _FIX)
    return sums


_FIX = "Write it anew by sha256sum where the files are, before they are backed up."


def _line(line: bytes, where: str) -> tuple[str, str]:
    if match := _GNU.match(line):
        escaped, digest, name = match.groups()
    elif match := _BSD.match(line.removeprefix(b"\\")):
        name, digest = match.groups()
        escaped = line[:1] if line.startswith(b"\\") else b""
    else:
        raise CannotTell(f"{where} is no line of sha256sum.", _FIX)
    if escaped:
        name = _ESCAPED.sub(lambda found: _MEANS.get(found[1], found[0]), name)
    return name.decode("utf-8", "surrogateescape"), digest.decode().lower()


def matched(sums: Iterable[str], files: Iterable[str], manifest: str) -> dict[str, str | None]:
    """Return which file of the backup each name of a manifest means; None where there is none.

    A relative name is looked for below the manifest's folder, and then as the end of exactly one path.
    """
    held = set(files)
    folder = manifest.rpartition("/")[0]
    ends: dict[str, str | None] | None = None
    found: dict[str, str | None] = {}
    for name in sums:
        bare = name
        while bare.startswith("./"):
            bare = bare[2:].lstrip("/")
        ways = (name, bare, f"{folder}/{bare}", name.lstrip("/"), f"/{bare}")
        found[name] = next((way for way in ways if way in held), None)
        if found[name] is None and not name.startswith("/"):
            ends = _ends(held) if ends is None else ends
            found[name] = ends.get(bare)
    return found


def _ends(paths: Iterable[str]) -> dict[str, str | None]:
    """Return every end of the paths, from a slash on, to the one path that has it; None where several do."""
    ends: dict[str, str | None] = {}
    for path in paths:
        parts = path.strip("/").split("/")
        for at in range(len(parts)):
            end = "/".join(parts[at:])
            ends[end] = path if end not in ends else None
    return ends
