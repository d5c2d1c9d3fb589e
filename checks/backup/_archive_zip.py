"""Reading a zip archive: its directory here, its members' checksums and contents on the host."""

from __future__ import annotations

import dataclasses
import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO

from checks.backup._archive_content import BASH, HALF, MAX_LIST, Content, program_missing, said
from checks.backup._sample import Candidate, Restored
from checks.backup._sums import is_sha256
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

TEST_ZIP = Script(
    "test of a zip archive",
    r"""
command -v unzip >/dev/null || { echo "missing unzip"; exit 0; }
unzip -tqq /dev/fd/3 3<"$1" </dev/null
echo "ended $?"
""",
)
HASH_ZIP = Script(
    "hash of members of a zip archive",
    r"""
command -v unzip >/dev/null || { printf 'missing unzip\0'; exit 0; }
set -o pipefail
while IFS= read -r -d '' name; do
  sum=$(unzip -p /dev/fd/3 "$name" 3<"$1" </dev/null | sha256sum) || sum=failed
  printf '%s\0' "${sum%% *}"
done
printf 'ended 0\0'
""",
    shell=BASH,
)


async def read_zip(remote: Remote, path: str, size: int, *, timeout_s: float, as_user: str) -> Content:
    """Read a zip archive: its directory here, its members' checksums on the host."""
    tail = await remote.read(path, offset=max(0, size - 70_000), size=70_000, as_user=as_user)
    content = await _directory(remote, path, size, tail, as_user)
    if content.cut or content.encrypted:
        return content
    result = await remote.run(TEST_ZIP(path, timeout_s=timeout_s, heavy=True, as_user=as_user))
    output = require(result, remote)
    program_missing(output, remote)
    ended = re.search(rb"(?:\A|\n)ended (\d+)\n\Z", output)
    if ended is None:
        raise CannotTell("Testing the archive gave half an answer.", HALF)
    status = int(ended[1])
    words = said(f"{output[: ended.start()].decode(errors='replace')}\n{result.errors}")
    if status in (80, 81, 82):
        raise CannotTell(
            f"The archive could not be tested by unzip: status {status}{words}.", "Test it by hand."
        )
    if status != 0:
        return dataclasses.replace(content, broken=f"unzip ended with status {status}{words}.")
    return content


async def _directory(remote: Remote, path: str, size: int, tail: bytes, as_user: str) -> Content:
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return Content(members=(), bytes=0, cut="The directory at the end of the zip archive is not there.")
    start = size - len(tail) + at
    length, offset = struct.unpack("<LL", tail[at + 12 : at + 20])
    comment = struct.unpack("<H", tail[at + 20 : at + 22])[0]
    if at + 22 + comment != len(tail):
        return Content(
            members=(),
            bytes=0,
            cut="Behind the end of the zip archive stands something that is no part of it.",
        )
    far = 0xFFFFFFFF in (length, offset)
    begin = max(0, start - (MAX_LIST if far else length + 4096))
    if not far and length > MAX_LIST:
        raise CannotTell("The directory of the zip archive is over 64 MiB.", "Test it by hand with unzip -t.")
    wanted = min(size, start + 22 + comment) - begin
    data = await remote.read(path, offset=begin, size=wanted, as_user=as_user)
    if len(data) != wanted:
        raise CannotTell("The directory of the zip archive could not be read whole.", HALF)
    return parse_zip(data, begin)


def parse_zip(data: bytes, begin: int) -> Content:
    """Return what the directory says that ends `data`, which is read from offset `begin` of the archive."""
    try:
        with zipfile.ZipFile(_Window(data, begin)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError, EOFError,
            IndexError, OSError) as error:  # fmt: skip
        told = safe(str(error), limit=200)
        return Content(members=(), bytes=0, cut=f"The directory of the zip archive cannot be read: {told}.")
    files = [info for info in infos if not info.filename.endswith("/")]
    members = {
        info.filename: Candidate(path=info.filename, size=info.file_size)
        for info in files
        if _asked_for(info)
    }
    return Content(
        members=tuple(members.values()), bytes=sum(info.file_size for info in files),
        unaddressable=len(files) - len(members), encrypted=sum(info.flag_bits & 1 for info in files),
    )  # fmt: skip


def _asked_for(info: zipfile.ZipInfo) -> bool:
    """Whether unzip can be asked for a member by name: not where it would read the name as an option."""
    name = info.filename
    return bool(name) and name.isascii() and name.isprintable() and not name.startswith("-")


class _Window(BytesIO):
    """The end of a file as if all of it were there; what lies before reads as nothing."""

    def __init__(self, data: bytes, begin: int) -> None:
        super().__init__(data)
        self._begin = begin

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 0:
            return super().seek(max(0, offset - self._begin)) + self._begin
        return super().seek(offset, whence) + self._begin

    def tell(self) -> int:
        return super().tell() + self._begin


async def restore_zip(
    remote: Remote, path: str, names: Sequence[str], *, timeout_s: float, as_user: str
) -> Mapping[str, Restored]:  # fmt: skip
    """Unpack members into a pipe and hash them there."""
    stdin = b"".join(re.sub(r"([\\*?[\]])", r"\\\1", name).encode() + b"\0" for name in names)
    result = await remote.run(HASH_ZIP(path, stdin=stdin, timeout_s=timeout_s, heavy=True, as_user=as_user))
    output = require(result, remote)
    program_missing(output, remote)
    rows = output.decode("ascii", "replace").split("\0")
    if rows[-2:] != ["ended 0", ""] or len(rows) != len(names) + 2:
        raise CannotTell("Unpacking the archive gave half an answer.", HALF)
    return {
        name: Restored(sha256=row) if is_sha256(row) else Restored(why="unzip could not unpack it.")
        for name, row in zip(names, rows, strict=False)
    }
