"""A repository in memory that answers as restic does: packs named by their SHA-256, snapshots that need them.

What it says of itself is looked at when it is asked, not written down beforehand: a pack that is damaged or
gone is told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from agent.demo.ssh_disk import Disk, File, utc
from agent.demo.ssh_line import Answer, Call, Said
from checks.dataclass import dataclass

_BROKEN = "Fatal: repository contains errors\n"
_PLAIN = ("--no-lock", "--no-cache")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One backup: its files, each with the pack that holds its content."""

    id: str
    at: int
    host: str
    path: str
    files: Mapping[str, tuple[File, str]]


class Repository:
    """A repository at a path of a host's disk, opened by the password that a file there holds."""

    def __init__(self, disk: Disk, path: str, password: str) -> None:
        self._disk, self._path, self._password = disk, path, password
        self.packs: dict[str, bytes] = {}
        self.snapshots: list[Snapshot] = []

    def back_up(self, host: str, path: str, files: Mapping[str, File], at: int) -> None:
        """Take a snapshot of files, given by their whole paths."""
        for file in files.values():
            self.packs[file.sha256] = file.data
        kept = {name: (file, file.sha256) for name, file in files.items()}
        told = json.dumps([host, path, at, [[name, pack] for name, (_, pack) in kept.items()]])
        self.snapshots.append(
            Snapshot(id=hashlib.sha256(told.encode()).hexdigest(), at=at, host=host, path=path, files=kept)
        )

    def answers(self) -> dict[str, Answer]:
        """Return what restic's subcommands answer."""
        return {"restic": self._restic, "restic dump": self._dump}

    def _restic(self, call: Call) -> Said:
        first, *words = call.words
        rest = [word for word in words if word not in _PLAIN]
        closed = self._closed(rest[0], rest[1])
        if closed is not None:
            return closed
        match (first, *rest[2:]):
            case ("snapshots", "--json"):
                return Said(out=json.dumps([*map(_listed, self.snapshots)]).encode())
            case ("list", "--", "locks"):
                return Said()
            case ("ls", "--json", "--", name):
                return Said(out="".join(_nodes(self._snapshot(name))).encode())
            case ("check",):
                return self._check(read=False)
            case ("check", "--read-data"):
                return self._check(read=True)
        raise LookupError(first)

    def _closed(self, repo: str, password_file: str) -> Said | None:
        """Return why the repository does not open; None if it does."""
        place = repo.removeprefix("--repo=")
        if place != self._path:
            told = f"Fatal: unable to open config file: stat {place}/config: no such file or directory\n"
            told += f"Is there a repository at the following location?\n{place}\n"
            return Said(err=told.encode(errors="replace"), status=1)
        file = self._disk.file(password_file.removeprefix("--password-file="))
        if file is None or file.data.decode().strip() != self._password:
            return Said(err=b"Fatal: wrong password or no key found\n", status=1)
        return None

    def _snapshot(self, name: str) -> Snapshot:
        return {one.id: one for one in self.snapshots}[name]

    def _check(self, *, read: bool) -> Said:
        needed = {pack for one in self.snapshots for _, pack in one.files.values()}
        wrong = [f"error: pack {pack} does not exist\n" for pack in sorted(needed - self.packs.keys())]
        out = "load indexes\ncheck all packs\ncheck snapshots, trees and blobs\n"
        if read:
            actual = {pack: hashlib.sha256(data).hexdigest() for pack, data in self.packs.items()}
            wrong += [
                f"Pack ID does not match, want {pack[:8]}, got {got[:8]}\n"
                for pack, got in actual.items()
                if pack != got
            ]
            total = len(self.packs)
            out += f"\nread all data\n[0:00] 100.00%  {total} / {total} packs\n\n"
        if wrong:
            return Said(out=out.encode(), err="".join([*wrong, _BROKEN]).encode(), status=1)
        return Said(out=f"{out}no errors were found\n".encode())

    def _dump(self, call: Call) -> Said:
        _, repo, file, name, *paths = call.words
        closed = self._closed(repo, file)
        if closed is not None:
            return Said(out=b"".join(_record(closed.err, b"", 1) for _ in paths))
        files = self._snapshot(name).files
        return Said(out=b"".join(self._restored(files.get(path)) for path in paths))

    def _restored(self, found: tuple[File, str] | None) -> bytes:
        if found is None:
            return _record(b"Fatal: cannot dump file: path not found in snapshot\n", b"", 1)
        data = self.packs.get(found[1])
        if data is None or hashlib.sha256(data).hexdigest() != found[1]:
            return _record(b"Fatal: ciphertext verification failed\n", data or b"", 1)
        return _record(b"", data, 0)


def _record(err: bytes, data: bytes, status: int) -> bytes:
    return err + f"status {status}\n{hashlib.sha256(data).hexdigest()}  -\0".encode()


def _listed(one: Snapshot) -> dict[str, object]:
    size = sum(len(file.data) for file, _ in one.files.values())
    return {
        "time": _rfc3339(one.at), "hostname": one.host, "paths": [one.path], "id": one.id,
        "short_id": one.id[:8],
        "summary": {"total_files_processed": len(one.files), "total_bytes_processed": size},
    }  # fmt: skip


def _nodes(one: Snapshot) -> Iterator[str]:
    yield json.dumps(_listed(one) | {"struct_type": "snapshot"}) + "\n"
    for path, (file, _) in one.files.items():
        row = {
            "name": path.rpartition("/")[2], "type": "file", "path": path, "size": len(file.data),
            "mtime": _rfc3339(file.mtime), "struct_type": "node",
        }  # fmt: skip
        yield json.dumps(row) + "\n"


def _rfc3339(seconds: int) -> str:
    return utc(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")
