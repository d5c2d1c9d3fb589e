"""One archive file, read and unpacked by what its first bytes say that it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from checks.backup._archive_content import Content
from checks.backup._archive_files import ArchiveFile, is_tar, sealed
from checks.backup._archive_tar import packed_head, read_single, read_tar, restore_single, restore_tar
from checks.backup._archive_zip import read_zip, restore_zip
from checks.backup._ladder import Restore
from checks.backup._sample import Restored
from checks.backup._walk import Walk

_CLOSED = ("7z", "rar", "")
"""Formats that are not read here."""
_TAR = re.compile(r"(?i)\.(tar\.[a-z0-9]+|t[gxb]z2?|tzst)\Z")


class Reader:
    """Reads one archive; `content` is None for a format that is not read here."""

    def __init__(self, walk: Walk, file: ArchiveFile, kind: str, head: bytes, as_user: str) -> None:
        self.file = file
        self.content: Content | None = None
        self._walk, self._kind, self._as_user = walk, kind, as_user
        self.packed = "" if kind == "tar" else kind
        self._sealed = sealed(kind, head)
        self._tar = kind == "tar" or _TAR.search(file.path) is not None

    async def read(self) -> None:
        """List it to its end and unpack all of it; raise CannotTell where that could not be tried."""
        remote, path, root = self._walk.remote, self.file.path, self._as_user
        if self._kind in _CLOSED:
            return
        if self._kind == "zip":
            self.content = await read_zip(remote, path, self.file.size, timeout_s=self._time(), as_user=root)
            return
        self._tar = self._tar or is_tar(await packed_head(remote, path, self.packed, root))
        if self._tar:
            content = await read_tar(remote, path, self.packed, timeout_s=self._time(), as_user=root)
        else:
            name = path.rpartition("/")[2]
            content = await read_single(
                remote, path, name.rpartition(".")[0] or name, self.packed, timeout_s=self._time(),
                as_user=root,
            )  # fmt: skip
        self.content = replace(content, checksums=self._sealed)

    @property
    def damage(self) -> str:
        """What is wrong with its structure or its checksums."""
        return (self.content.cut or self.content.broken) if self.content is not None else ""

    async def restore(self, names: Sequence[str]) -> Mapping[str, Restored]:
        """Unpack these members into a pipe and hash them there."""
        remote, path, root = self._walk.remote, self.file.path, self._as_user
        if self._kind == "zip":
            return await restore_zip(remote, path, names, timeout_s=self._time(), as_user=root)
        way = restore_tar if self._tar else restore_single
        return await way(remote, path, self.packed, names, timeout_s=self._time(), as_user=root)

    def restore_time(self) -> Restore | None:
        """Return what unpacking all of it took."""
        content = self.content
        if content is None or not content.seconds:
            return None
        return Restore(
            bytes=content.bytes, files=len(content.members), seconds=round(content.seconds, 3),
            startup_s=round(min(self._walk.facts.shell_s, content.seconds), 3), total_bytes=content.bytes,
            total_files=len(content.members),
        )  # fmt: skip

    def _time(self) -> float:
        return max(5.0, self._walk.vantage.remaining() - 15)
