"""Reading a tar archive or a packed file on its host from end to end: what is in it, whether it is whole."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from checks.backup._archive_content import BASH, HALF, MAX_LIST, Content, program_missing, said
from checks.backup._sample import Candidate, Restored
from checks.backup._sums import is_sha256
from checks.remote.outcome import require
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import CommandResult, Remote

_UNPACK = r"""
case $2 in
  gz) unpack=gzip ;; xz) unpack=xz ;; bz2) unpack=bzip2 ;; zst) unpack=zstd ;; *) unpack=cat ;;
esac
command -v "$unpack" >/dev/null || { echo "missing $unpack"; exit 0; }
unpacked() { if [ "$unpack" = cat ]; then cat; else "$unpack" -dc; fi <"$file"; }
file=$1
"""
HEAD = Script(
    "head of an archive", _UNPACK + "unpacked 2>/dev/null | head -c 600 | od -An -v -tx1", shell=BASH
)
LIST_TAR = Script(
    "list of a tar archive",
    _UNPACK
    + r"""
unpacked | {
  tar --list -v -R --full-time --numeric-owner --quoting-style=escape -f -
  read=$?
  echo "rest $(tr -d '\0' | head -c 1 | wc -c)"
  cat >/dev/null
  exit "$read"
}
echo "ended ${PIPESTATUS[*]}"
""",
    shell=BASH,
)
"""Each member with its block, then what stands at the end, whether anything but zeros follows that tar did
not read, and how unpacking and reading ended."""
AFTER_TAR = Script(
    "rest of a tar archive", r"""tail -c "+$2" -- "$1" | tr -d '\0' | head -c 1 | wc -c""", shell=BASH
)
COUNT_WHOLE = Script(
    "size of an archive's content",
    _UNPACK + """unpacked | wc -c; echo "ended ${PIPESTATUS[*]}" """,
    shell=BASH,
)
HASH_WHOLE = Script(
    "hash of an archive's content",
    _UNPACK + """unpacked | sha256sum; echo "ended ${PIPESTATUS[*]}" """,
    shell=BASH,
)
HASH_MEMBERS = Script(
    "hash of an archive's members",
    _UNPACK
    + r"""
exec 4<&0
hash='sum=$(sha256sum); printf "%s %s\0" "${sum%% *}" "$TAR_REALNAME"'
if [ "$3" = all ]; then
  unpacked | tar --extract --absolute-names --to-command="$hash" -f -
else
  unpacked | tar --extract --absolute-names --to-command="$hash" --null -T <(cat <&4) -f -
fi
printf 'ended %s\0' "${PIPESTATUS[*]}"
""",
    shell=BASH,
)
"""SHA-256 and name of the members whose names come by stdin (or of all); nothing is written to a disk."""
_BEHIND = "Behind its end stands something that is no part of it, such as another archive."
_PIPE = 141
"""What unpacking ends with where tar reads no further."""
_MEMBER = re.compile(
    r"block \d+: ([-C])[rwxsStTlL-]{9}[.+@]? \S+ +(\d+) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (.+)"
)
_OTHER = re.compile(r"block \d+: [hldbcpDMNVS][rwxsStTlL-]{9}")
_END = re.compile(r"block (\d+): \*\* (Block of NULs|End of File) \*\*")
_REST = re.compile(r"rest (\d+)")
_ESCAPED = re.compile(r"\\([0-7]{3}|.)")
_MEANS = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, " ": 32}


async def packed_head(remote: Remote, path: str, packed: str, as_user: str) -> bytes:
    """Return the first bytes of what a packed file holds; fewer where it cannot be unpacked."""
    output = require(await remote.run(HEAD(path, packed, timeout_s=60.0, as_user=as_user)), remote)
    try:
        return bytes.fromhex("".join(output.decode("ascii", "replace").split()))
    except ValueError:
        return b""


async def read_tar(remote: Remote, path: str, packed: str, *, timeout_s: float, as_user: str) -> Content:
    """Read a tar archive, packed as gz, xz, bz2, zst or (empty) not at all."""
    command = LIST_TAR(path, packed, timeout_s=timeout_s, heavy=True, max_stdout=MAX_LIST, as_user=as_user)
    result = await remote.run(command)
    output = require(result, remote)
    program_missing(output, remote)
    content = dataclasses.replace(parse_tar(output, result.errors, packed), seconds=result.duration_s)
    if packed or content.end is None or content.cut:
        return content
    rest = AFTER_TAR(path, str(content.end + 1), timeout_s=60.0, as_user=as_user)
    if require(await remote.run(rest), remote).strip() != b"0":
        return dataclasses.replace(content, cut=_BEHIND)
    return content


def parse_tar(output: bytes, errors: str, packed: str) -> Content:
    """Return what a listing says; raise CannotTell for one that is cut or that tar of GNU did not write."""
    text = output.decode("ascii", "surrogateescape")
    lines = text.split("\n")
    ended = _ended(lines[-2] if len(lines) > 1 else "", lines[-1])
    members: dict[str, Candidate] = {}
    end, nulls, strange, rest = None, False, 0, False
    for line in lines[:-2]:
        if member := _MEMBER.fullmatch(line):
            name = _unescaped(member[3])
            members[name] = Candidate(path=name, size=int(member[2]))
        elif found := _END.fullmatch(line):
            nulls, end = found[2] == "Block of NULs", int(found[1]) * 512
        elif more := _REST.fullmatch(line):
            rest = more[1] != "0"
        elif not _OTHER.match(line):
            strange += 1
    unpacking, reading = ended
    if reading not in (0, 2):
        raise CannotTell(f"tar ended with status {reading}{said(errors)}.", HALF)
    cut = ""
    broken = "" if unpacking == _PIPE and reading == 2 else _broken(unpacking, errors)
    if reading != 0:
        cut = f"Reading it ended with status {reading}{said(errors)}."
    elif not nulls or "lone zero block" in errors:
        why = f". {broken}" if broken else ": its writer did not get to the end."
        cut = f"The two empty blocks that end a tar archive are not there{why}"
    elif rest:
        cut = _BEHIND
    elif strange:
        raise CannotTell(
            f"{strange} lines of the list of the archive are not understood.",
            "See whether 'tar' on the host is GNU tar, and look at the archive by hand.",
        )
    return Content(
        members=tuple(members.values()), bytes=sum(member.size or 0 for member in members.values()), cut=cut,
        broken=broken, checksums=bool(packed), end=end,
    )  # fmt: skip


async def read_single(
    remote: Remote, path: str, name: str, packed: str, *, timeout_s: float, as_user: str
) -> Content:  # fmt: skip
    """Read a packed file that is no tar archive, such as a dump: its only member is `name`."""
    result = await remote.run(COUNT_WHOLE(path, packed, timeout_s=timeout_s, heavy=True, as_user=as_user))
    word, broken = _whole(require(result, remote), result.errors, remote)
    if not re.fullmatch(r"\d{1,18}", word):
        raise CannotTell("Reading the archive gave half an answer.", HALF)
    size = int(word)
    return Content(members=(Candidate(path=name, size=size),) if size else (), bytes=size, cut=broken)


def _whole(output: bytes, errors: str, remote: Remote) -> tuple[str, str]:
    """Return the word that `COUNT_WHOLE` or `HASH_WHOLE` says of the content, and what is wrong with it."""
    program_missing(output, remote)
    lines = output.decode("ascii", "replace").split("\n")
    unpacking, _ = _ended(lines[-2] if len(lines) > 2 else "", lines[-1])
    return lines[0].removesuffix("  -").strip(), _broken(unpacking, errors)


def _broken(unpacking: int, errors: str) -> str:
    """Return what is wrong by how unpacking ended; raise CannotTell where it could not be tried."""
    if unpacking > 3 or "annot allocate" in errors or "emory" in errors:
        raise CannotTell(f"Unpacking the archive ended with status {unpacking}{said(errors)}.", HALF)
    if "trailing garbage" in errors:
        return f"Behind its end stands something that is no part of it{said(errors)}."
    return f"Unpacking it ended with status {unpacking}{said(errors)}." if unpacking else ""


async def restore_tar(
    remote: Remote, path: str, packed: str, names: Sequence[str], *, timeout_s: float, as_user: str
) -> Mapping[str, Restored]:  # fmt: skip
    """Unpack members into a pipe and hash them there."""
    stdin = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in names)
    command = HASH_MEMBERS(
        path, packed, "some", stdin=stdin, timeout_s=timeout_s, heavy=True, max_stdout=MAX_LIST,
        as_user=as_user,
    )  # fmt: skip
    result = await remote.run(command)
    return {name: Restored(sha256=digest) for name, digest in hashed(result, remote).items()}


async def restore_single(
    remote: Remote, path: str, packed: str, names: Sequence[str], *, timeout_s: float, as_user: str
) -> Mapping[str, Restored]:  # fmt: skip
    """Unpack a file that is no tar archive into a pipe and hash it there."""
    result = await remote.run(HASH_WHOLE(path, packed, timeout_s=timeout_s, heavy=True, as_user=as_user))
    digest, broken = _whole(require(result, remote), result.errors, remote)
    return {name: Restored(sha256=digest, why=broken) for name in names[:1]}


async def hash_all(remote: Remote, path: str, kind: str, *, timeout_s: float, as_user: str) -> dict[str, str]:
    """Return the SHA-256 of every ordinary member of a tar archive."""
    command = HASH_MEMBERS(
        path, kind, "all", timeout_s=timeout_s, heavy=True, max_stdout=MAX_LIST, as_user=as_user
    )  # fmt: skip
    return hashed(await remote.run(command), remote)


def hashed(result: CommandResult, remote: Remote) -> dict[str, str]:
    """Return names and hashes as `HASH_MEMBERS` prints them; raise CannotTell for half an answer."""
    output = require(result, remote)
    program_missing(output, remote)
    *rows, last = output.decode("utf-8", "surrogateescape").split("\0")
    ended = re.fullmatch(r"ended (\d{1,3}) (\d{1,3})", rows[-1]) if rows and not last else None
    if ended is None:
        raise CannotTell("Unpacking the archive gave half an answer.", HALF)
    if int(ended[2]) not in (0, 2) or len(rows) == 1:
        raise CannotTell(f"tar ended with status {ended[2]} and unpacked nothing{said(result.errors)}.", HALF)
    pairs = [row.partition(" ") for row in rows[:-1]]
    return {name: digest for digest, _, name in pairs if is_sha256(digest)}


def _ended(line: str, last: str) -> tuple[int, int]:
    found = re.fullmatch(r"ended (\d{1,3}) (\d{1,3})", line)
    if found is None or last:
        raise CannotTell("Reading the archive gave half an answer.", HALF)
    return int(found[1]), int(found[2])


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        word = match[1]
        code = int(word, 8) if len(word) == 3 else _MEANS.get(word)
        return match[0] if code is None or code > 255 else chr(code)

    return _ESCAPED.sub(one, text).encode("latin-1", "replace").decode("utf-8", "surrogateescape")
