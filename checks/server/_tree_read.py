"""What the scripts of a file tree said, read with every doubt: what is cut or odd raises `Unclear`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field

from checks.dataclass import dataclass

_ESCAPED = re.compile(rb"\\(\\|[0-7]{3})")
_HASH = re.compile(rb"[0-9a-f]{64}")


class Unclear(Exception):  # noqa: N818 - it is an outcome, not an error
    """The output is not whole, or not what the script says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The entries whose names fall into one bucket."""

    digest: str
    entries: int
    files: int
    octets: int
    """How long its entries are when they are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """A whole tree in digests."""

    machine: str
    """Its id and that of its start: a clone of a machine has the same id, and started at another time."""
    root: str
    """Device and inode of the folder itself."""
    buckets: dict[int, Bucket]
    kinds: dict[str, int]
    size: int
    """Of regular files; one with several names counts once."""
    allocated: int
    unreadable: int
    """Regular files that this account may not read."""
    find_status: int
    acl_status: int | None
    crossings: tuple[bytes, ...] = ()
    """Folders that are other file systems: what is in them was not looked at."""
    tops: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Files and bytes below each first folder; `.` are those in the folder itself."""

    @property
    def entries(self) -> int:
        """Everything but the folder itself."""
        return max(0, sum(self.kinds.values()) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file, folder, link or other as it was listed; what does not count for its kind is empty."""

    kind: str
    size: str
    mtime: str
    uid: str
    gid: str
    mode: str
    links: str
    target: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The entries of some buckets, and single files that were drawn."""

    entries: dict[bytes, Entry]
    acls: dict[bytes, str]
    drawn: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What reading one file gave; `sha256` is empty where it could not be read."""

    before: str
    sha256: str
    after: str


def read_sums(out: bytes) -> Sums:
    """Return what the script says in its mode `sums`."""
    lines = _whole(out)
    buckets: dict[int, Bucket] = {}
    kinds: dict[str, int] = {}
    tops: dict[bytes, tuple[int, int]] = {}
    statuses: dict[bytes, int] = {}
    crossings: list[bytes] = []
    head: list[bytes] = []
    totals: tuple[int, int, int] | None = None
    digest = b""
    for line in lines:
        word, _, rest = line.partition(b"\t")
        if _HASH.match(word) and len(line) < 80:
            digest = word[:64]
        elif word == b"D":
            number, count, files, octets = _numbers(rest, 4)
            if not digest or number in buckets:
                raise Unclear("A bucket came without a digest of its own.")
            buckets[number] = Bucket(digest=digest.decode(), entries=count, files=files, octets=octets)
            digest = b""
        elif word == b"H":
            head = rest.split(b"\t")
        elif word == b"K":
            kind, _, number_text = rest.partition(b"\t")
            kinds[kind.decode(errors="replace")] = _number(number_text)
        elif word == b"T":
            files_text, size_text, top = _parts(rest, 3)
            tops[unescape(top)] = (_number(files_text), _number(size_text))
        elif word == b"B":
            size, blocks, unreadable = _numbers(rest, 3)
            totals = (size, blocks, unreadable)
        elif word == b"S":
            name, _, status = rest.partition(b"\t")
            statuses[name] = _number(status)
        elif word == b"X":
            crossings.append(unescape(rest))
        else:
            raise Unclear(f"A line begins with {word[:20]!r}.")
    if totals is None or b"find" not in statuses or len(head) != 2:
        raise Unclear("The end of the listing is missing.")
    found = sum(kinds.values())
    own = sum(bucket.files for bucket in buckets.values())
    if own != kinds.get("f", 0) or sum(bucket.entries for bucket in buckets.values()) < found:
        raise Unclear("The buckets do not hold as many entries as were found.")
    return Sums(
        machine=head[0].decode(errors="replace"), root=head[1].decode(errors="replace"), buckets=buckets,
        kinds=kinds, size=totals[0], allocated=totals[1], unreadable=totals[2],
        find_status=statuses[b"find"], acl_status=statuses.get(b"acl"), crossings=tuple(crossings), tops=tops,
    )  # fmt: skip


def read_listed(out: bytes) -> Listed:
    """Return what the script says in its mode `list`."""
    entries: dict[bytes, Entry] = {}
    acls: dict[bytes, str] = {}
    drawn: dict[str, bytes] = {}
    for line in _whole(out):
        word, _, rest = line.partition(b"\t")
        if word not in (b"L", b"P"):
            continue
        place, _, record = rest.partition(b"\t")
        if record.startswith(b"A\t"):
            _, acl, path = _parts(record, 3)
            acls[unescape(path)] = acl.decode(errors="backslashreplace")
            continue
        *fields, names = _parts(record, 8)
        path, mark, target = names.partition(b"//")
        if not mark:
            raise Unclear("An entry has no name.")
        kind, size, mtime, uid, gid, mode, links = (one.decode(errors="replace") for one in fields)
        entry = Entry(
            kind=kind,
            size=size,
            mtime=mtime,
            uid=uid,
            gid=gid,
            mode=mode,
            links=links,
            target=unescape(target),
        )
        if word == b"P":
            drawn[place.decode(errors="replace")] = unescape(path)
        else:
            entries[unescape(path)] = entry
    return Listed(entries=entries, acls=acls, drawn=drawn)


def read_contents(out: bytes, count: int) -> tuple[Content, ...]:
    """Return what the script of contents says of `count` files, in their order."""
    found = []
    for line in _whole(out):
        before, sha256, after = (part.decode(errors="replace") for part in _parts(line, 3))
        if sha256 and not _HASH.fullmatch(sha256.encode()):
            raise Unclear("A digest is none.")
        found.append(Content(before=before, sha256=sha256, after=after))
    if len(found) != count:
        raise Unclear(f"{count} files were asked for and {len(found)} told.")
    return tuple(found)


def unescape(name: bytes) -> bytes:
    """Return a name as it is on disk."""
    return _ESCAPED.sub(_character, name)


def _character(match: re.Match[bytes]) -> bytes:
    return b"\\" if match[1] == b"\\" else bytes([int(match[1], 8) & 0xFF])


def _whole(out: bytes) -> Iterator[bytes]:
    lines = out.split(b"\n")
    if len(lines) < 2 or lines[-1] != b"" or lines[-2] != b"E":
        raise Unclear("The end of the output is missing.")
    return iter(lines[:-2])


def _parts(line: bytes, count: int) -> list[bytes]:
    parts = line.split(b"\t", count - 1)
    if len(parts) != count:
        raise Unclear(f"A line has {len(parts)} parts and not {count}.")
    return parts


def _numbers(line: bytes, count: int) -> list[int]:
    return [_number(part) for part in _parts(line, count)]


def _number(text: bytes) -> int:
    if not re.fullmatch(rb"[0-9]{1,20}", text):
        raise Unclear(f"{text[:20]!r} is no number.")
    return int(text)
