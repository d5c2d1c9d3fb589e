"""The disk of a practice server: files that are nowhere but in memory, and what is asked of single ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from posixpath import normpath

from agent.demo.ssh_line import Answer, Call, Said
from checks.dataclass import dataclass

UID, GID = 2001, 2001


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An ordinary file; times in whole seconds since 1970."""

    data: bytes
    mtime: int
    ctime: int
    mode: str = "664"

    @property
    def sha256(self) -> str:
        """Of its content, in hex digits."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def state(self) -> str:
        """Size, time of change and time of the last touch, as `stat -c '%s %Y %Z'` says them."""
        return f"{len(self.data)} {self.mtime} {self.ctime}"


class Disk:
    """Files by their whole paths; folders are those that the files lie in."""

    def __init__(self, machine: str, files: Mapping[str, File]) -> None:
        self.machine = machine
        """What /etc/machine-id would hold."""
        self.files = dict(files)

    def file(self, path: str) -> File | None:
        """Return the file at a path."""
        return self.files.get(normpath(path))

    def below(self, root: str) -> dict[str, File]:
        """Return the files below a folder by their paths from there; none where there is no such folder."""
        begin = f"{normpath(root).rstrip('/')}/"
        return {
            path.removeprefix(begin): file
            for path, file in sorted(self.files.items())
            if path.startswith(begin)
        }

    def answers(self) -> dict[str, Answer]:
        """Return what is answered of single files."""
        return {
            "cat": self._cat,
            "file-contents": self._contents,
            "state of files": self._states,
            "hash of files": self._hashes,
        }

    def _cat(self, call: Call) -> Said:
        _, path = call.words
        file = self.file(path)
        if file is None:
            return Said(err=f"cat: {path}: No such file or directory\n".encode(errors="replace"), status=1)
        return Said(out=file.data)

    def _contents(self, call: Call) -> Said:
        (root,) = call.words
        lines = []
        for name in asked(call):
            file = self.file(f"{root}/{name}")
            state = f"regular file {len(file.data)} {file.mtime}" if file else ""
            lines.append(f"{state}\t{file.sha256 if file else ''}\t{state}\n")
        return Said(out="".join([*lines, "E\n"]).encode())

    def _states(self, call: Call) -> Said:
        found = map(self.file, asked(call))
        lines = [f"{file.state} regular file\n" if file else "none\n" for file in found]
        return Said(out="".join(lines).encode())

    def _hashes(self, call: Call) -> Said:
        found = map(self.file, asked(call))
        lines = [f"{one.state}|{one.sha256}|{one.state}\n" if one else "none|none|none\n" for one in found]
        return Said(out="".join(lines).encode())


def asked(call: Call) -> list[str]:
    """Return the names that came by stdin, each ended by a zero byte."""
    return call.stdin.decode("utf-8", "surrogateescape").split("\0")[:-1]


def utc(seconds: int) -> datetime:
    """Return a time of a file as a date."""
    return datetime.fromtimestamp(seconds, UTC)
