"""backup.archive: the newest archive file is recent, whole, and unpacks to what was packed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from checks.backup._archive_content import Content
from checks.backup._archive_files import PARTIAL, ArchiveFile, Looked, kind_of, listed, look, settled
from checks.backup._archive_proof import by_checksum, by_manifest
from checks.backup._archive_reader import Reader
from checks.backup._check import RemotePath, SampledBackup
from checks.backup._ladder import COMPLETE, EXISTS, INTEGRITY, SAMPLE, Past
from checks.backup._sample import compare
from checks.backup._walk import Walk
from checks.remote.check import require_login
from checks.safe import safe
from checks.vantage import CannotTell
from checks.words import rfc3339

_NAMES = {
    "tar": "a tar archive", "gz": "packed by gzip", "xz": "packed by xz", "zst": "packed by zstd",
    "bz2": "packed by bzip2", "zip": "a zip archive", "7z": "a 7z archive", "rar": "a rar archive",
}  # fmt: skip
_JUST_NOW = timedelta(minutes=2)
"""What was written into so lately and is cut may be a backup that is not through yet."""


class Archive(SampledBackup):
    """The newest archive is recent and whole, and what it holds comes back as it was.

    Looks at the newest file of a path or glob: tar, tar packed by gzip, xz, zstd or bzip2, one packed file
    (the dump of a database), zip. One glob is one series: what it matches is compared with each other.

    Proves: (3) the archive can be listed to its very end: the two empty blocks of a tar archive, the
    directory of a zip archive; no process of this account (of any, with sudo) is writing into it. (4) all of
    it was unpacked on the host and the format's checksums hold; a plain tar archive, and what zstd or xz
    packed without them, stays at 3 unless `checksum` or `manifest` say what it must be. (5) random members
    were unpacked into a pipe and are what the live files, the manifest or the canary say.
    Cannot prove: that the right folders were packed; the contents of members that are encrypted. The time is
    that of the last write, or of the file's birth where it is less than half a day before; where the name
    says an earlier day, the end of that day. A copy that was made without its times looks young unless its
    name holds the date.
    If it fails: make a new archive with enough space, read the log of the job, and unpack the one before by
    hand.

    Source: POSIX.1-2017 pax (ustar), RFC 1952 section 2.3.1 (CRC32), APPNOTE.TXT 6.3.10 (zip).

    Example:
        type: backup.archive
        host: files.example.net
        user: tech
        path: /backup/files-*.tar.zst
        live: /
        min_level: 5
    """

    system: ClassVar[str] = "archive"

    path: RemotePath
    """The file, or a glob of one series of files: `/backup/files-*.tar.gz`."""
    checksum: RemotePath | None = None
    """A file on the host with the `sha256sum` line that was made of the archive; a `*` in it stands for the
    archive's path: `*.sha256`."""

    def __post_init__(self) -> None:
        require_login(self)

    async def climb(self, walk: Walk) -> None:
        """List, look, read to the end, look again, and only then say what was seen."""
        found = await listed(walk.remote, self.path, self.root)
        whole = [file for file in found if not PARTIAL.search(file.path)]
        if not whole:
            walk.failed(
                EXISTS, "list of the files", f"No archive lies at {safe(self.path, limit=300)}"
                f"{', only unfinished ones' if found else ''}.",
                "Make a backup, or correct 'path'.",
            )  # fmt: skip
            return
        newest, *earlier = whole
        self._times(walk, newest, earlier)
        seen = await look(walk.remote, newest.path, self.root)
        kind, shown = kind_of(seen.head), safe(newest.path, limit=300)
        if newest.size == 0 and not seen.writers:
            walk.failed(
                EXISTS, "size of the newest file", f"{shown} is empty.",
                "Make a new backup; look whether the disk was full and what the job's log says.",
            )  # fmt: skip
            return
        told = _NAMES.get(kind, "of no format that is known here") if seen.readable else "not readable"
        walk.proven(
            EXISTS,
            "list of the files",
            f"{len(whole)} files, the newest {shown}: {newest.size:,} bytes, {told}.",
        )
        if walk.wants(COMPLETE):
            await self._read(walk, newest, seen, kind)

    def _times(self, walk: Walk, newest: ArchiveFile, earlier: Sequence[ArchiveFile]) -> None:
        walk.newest = newest.begun
        walk.history = [
            Past(id=safe(file.path, limit=300), at=rfc3339(file.begun), bytes=file.size)
            for file in earlier[:100]
        ]
        walk.bytes = newest.size
        if not newest.known:
            walk.notes.append(
                "When the archive was begun is not known: its age is counted from its last write, which is "
                "the end of the backup."
            )

    async def _read(self, walk: Walk, newest: ArchiveFile, seen: Looked, kind: str) -> None:
        if not seen.readable:
            raise CannotTell(
                f"The archive {safe(newest.path, limit=300)} may not be read by this account.",
                "Log in as an account that may read the backups, or set 'sudo: true'.",
            )
        if seen.writers:
            self._written(walk, f"Process {seen.writers[0]} is writing into it.")
            return
        reader = Reader(walk, newest, kind, seen.head, self.root)
        trouble = None
        try:
            await reader.read()
        except CannotTell as raised:
            trouble = raised
        if await settled(walk.remote, newest.path, self.root) != seen.state:
            self._written(walk, "It changed while it was read.")
        elif reader.damage and walk.now is not None and walk.now - newest.written < _JUST_NOW:
            self._written(walk, f"It was written into moments ago. {reader.damage}")
        elif trouble is not None:
            raise trouble
        else:
            await self._judge_content(walk, reader)

    @staticmethod
    def _written(walk: Walk, detail: str) -> None:
        walk.unknown(
            COMPLETE, "second look at the archive", f"{detail} It may not be finished.",
            "Run the check again when the backup has ended.",
        )  # fmt: skip

    async def _judge_content(self, walk: Walk, reader: Reader) -> None:
        path, content = reader.file.path, reader.content
        checked = None
        if self.checksum:
            checked = await by_checksum(self, walk, path, self.checksum.replace("*", path))
        if checked == "":
            return
        if content is None or content.encrypted:
            if checked:
                walk.absent(COMPLETE, "list of the archive", "It cannot be looked into here.")
                walk.proven(INTEGRITY, "checksum of the file", checked)
                return
            raise CannotTell(*_closed(content))
        if not self._whole(walk, content):
            return
        walk.restore = reader.restore_time()
        if walk.wants(INTEGRITY):
            await self._integrity(walk, reader, content, checked)
        if walk.wants(SAMPLE):
            await compare(
                walk, self, content.members, reader.restore, seed=path.rpartition("/")[2],
                unaddressable=content.unaddressable,
            )  # fmt: skip

    def _whole(self, walk: Walk, content: Content) -> bool:
        """Say whether the archive can be listed and unpacked to its end."""
        how = "list of the archive to its end"
        fix = "Make a new archive; look whether the disk was full and what the job's log says."
        if content.cut:
            walk.failed(COMPLETE, how, content.cut, fix)
            return False
        files = len(content.members) + content.unaddressable
        if not content.bytes:
            empty = f"All of its {files:,} files are empty." if files else "There is no file in it."
            walk.failed(COMPLETE, how, empty, "Look what the job packs: an unmounted folder is empty, too.")
            return False
        walk.proven(COMPLETE, how, f"{files:,} files of {content.bytes:,} bytes, and the end is there.")
        if content.broken:
            walk.failed(INTEGRITY, "unpacking all of it", content.broken, fix)
        return not content.broken

    async def _integrity(self, walk: Walk, reader: Reader, content: Content, checked: str | None) -> None:
        if content.checksums:
            told = f"{content.bytes:,} bytes came out, and the format's checksums hold."
            walk.proven(INTEGRITY, "unpacking all of it", told)
        if checked:
            walk.proven(INTEGRITY, "checksum of the file", checked)
        elif not content.checksums and self.manifest:
            await by_manifest(self, walk, reader.file.path, reader.packed, content)
        elif not content.checksums:
            walk.absent(
                INTEGRITY, "checksums of the format",
                "It has none of its data, as a plain tar archive or one that was packed without (zstd "
                "--no-check, xz --check=none): pack it with them, or have the job write a 'checksum' or "
                "'manifest'.",
            )  # fmt: skip


def _closed(content: Content | None) -> tuple[str, str]:
    """Return why an archive cannot be looked into, and what to do."""
    fix = "Test it by hand with the program that wrote it, or have the job write a 'checksum' beside it."
    if content is None:
        return "The newest file is of a format that is not read here, by its first bytes.", fix
    return f"{content.encrypted:,} members of the archive are encrypted.", fix
