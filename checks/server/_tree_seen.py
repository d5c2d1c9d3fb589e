"""What was seen of a file tree on two servers, and how their entries differ. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Literal

from checks.dataclass import dataclass
from checks.server._tree_read import Bucket, Content, Entry, Listed, Sums

Group = Literal["missing", "extra", "type", "content", "owner", "mode", "acl", "links"]
"""What is wrong with an entry first of all; `content` is another size, time of change or target of a link."""
KEPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The tree on one server."""

    name: str
    path: str
    there: bool = True
    machine: str = ""
    root: str = ""
    entries: int = 0
    files: int = 0
    folders: int = 0
    links: int = 0
    bytes: int = 0
    """Of regular files; one with several names counts once."""
    allocated: int = 0
    unreadable: int = 0
    """Regular files that the account may not read."""
    troubles: tuple[str, ...] = ()
    """The first of find's complaints."""
    complaints: int = 0
    crossings: tuple[str, ...] = ()
    """Other file systems below, which were not looked into."""
    no_acl: str = ""
    """Why the access lists could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """One entry that is not the same on both."""

    path: str
    group: Group
    what: str
    """In which of its properties: `size 3, there 4`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """One file whose content was hashed on both sides."""

    path: str
    outcome: Literal["same", "differs", "unreadable", "changing"]
    source: str = ""
    target: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSeen:
    """Both trees, what differs, and the files whose contents were compared."""

    source: Side
    target: Side
    differing: tuple[Differing, ...] = ()
    """The first of each group."""
    counts: tuple[tuple[Group, int], ...] = ()
    """How many there are of each group, those that are allowed left out."""
    allowed: int = 0
    unused: tuple[str, ...] = ()
    """Patterns that allow nothing there is."""
    unlisted: int = 0
    """Buckets that differ and were not looked into, because they are too many."""
    restless: bool = False
    """Digests differed, and a moment later the entries did not."""
    sample: tuple[Sampled, ...] = ()
    seed: str = ""
    population: int = 0


def name_of(path: bytes) -> str:
    """Return a path as evidence keeps it; bytes that are no UTF-8 show as such."""
    return path.decode("utf-8", "backslashreplace") or "."


def unlike(source: Mapping[int, Bucket], target: Mapping[int, Bucket]) -> list[int]:
    """Return the buckets that are not the same."""
    return [
        number
        for number in sorted(source.keys() | target.keys())
        if (source[number].digest if number in source else "")
        != (target[number].digest if number in target else "")
    ]


def affordable(numbers: Sequence[int], source: Sums, target: Sums, budget: int) -> list[int]:
    """Return as many of the buckets as `budget` bytes of listing hold on either side, at least one."""
    chosen: list[int] = []
    for side in (source.buckets, target.buckets):
        room = budget
        kept: list[int] = []
        for number in chosen or numbers:
            room -= side[number].octets + 16 * side[number].entries if number in side else 0
            if room < 0 and kept:
                break
            kept.append(number)
        chosen = kept
    return chosen


def draw(buckets: Mapping[int, Bucket], seed: str, count: int) -> list[str]:
    """Return places of random regular files, as the script takes them: the third of bucket 17 is `17.3`."""
    order = sorted(buckets)
    population = sum(buckets[number].files for number in order)
    places = []
    for rank in random.Random(seed).sample(range(population), min(count, population)):
        rest = rank
        for number in order:
            if rest < buckets[number].files:
                places.append(f"{number}.{rest + 1}")
                break
            rest -= buckets[number].files
    return places


def compare(source: Listed, target: Listed) -> list[tuple[bytes, Group, str]]:
    """Return how the entries of the same buckets differ, in the order of their paths."""
    found: list[tuple[bytes, Group, str]] = []
    known = source.entries.keys() | target.entries.keys()
    for path in sorted(known | source.acls.keys() | target.acls.keys()):
        here, there = source.entries.get(path), target.entries.get(path)
        one = here or there
        if one is not None and (here is None or there is None):
            found.append((path, "extra" if here is None else "missing", _short(one)))
            continue
        group, what = _unlike(here, there) if here and there else (None, [])
        mine, other = source.acls.get(path, ""), target.acls.get(path, "")
        if mine != other:
            what = [*what, f"access list {mine or 'none'}, there {other or 'none'}"]
            group = group if group not in (None, "links") else "acl"
        if group is not None:
            found.append((path, group, "; ".join(what)))
    return found


def _unlike(here: Entry, there: Entry) -> tuple[Group | None, list[str]]:
    pairs: tuple[tuple[Group, str, object, object], ...] = (
        ("type", "type", _KINDS.get(here.kind, here.kind), _KINDS.get(there.kind, there.kind)),
        ("content", "size", here.size, there.size),
        ("content", "modified", _when(here.mtime), _when(there.mtime)),
        ("content", "target", name_of(here.target), name_of(there.target)),
        ("owner", "user id", here.uid, there.uid),
        ("owner", "group id", here.gid, there.gid),
        ("mode", "mode", here.mode, there.mode),
        ("links", "hard links", here.links, there.links),
    )
    wrong = [pair for pair in pairs if pair[2] != pair[3]]
    return (wrong[0][0] if wrong else None), [f"{word} {a}, there {b}" for _, word, a, b in wrong]


def _when(mtime: str) -> str:
    """Return a time of change as a person reads it, or as it came where it is none."""
    try:
        return f"{datetime.fromtimestamp(int(mtime), UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return mtime


_KINDS = {"f": "file", "d": "folder", "l": "link", "p": "pipe", "s": "socket", "b": "device", "c": "device"}


def _short(entry: Entry) -> str:
    size = f" of {entry.size} bytes" if entry.kind == "f" else ""
    return f"{_KINDS.get(entry.kind, entry.kind)}{size}"


def permitted(path: str, patterns: Sequence[str]) -> list[str]:
    """Return the patterns that allow a difference at `path`: its own name, or by `*`, `?` and `[...]`."""
    return [pattern for pattern in patterns if pattern == path or fnmatchcase(path, pattern)]


def sampled(path: bytes, here: Content, there: Content) -> Sampled:
    """Return what comparing the contents of one file came to."""
    name = name_of(path)
    if here.before != here.after or there.before != there.after:
        return Sampled(path=name, outcome="changing", why="it changed while it was read")
    for side, content in (("source", here), ("target", there)):
        empty = content.sha256.startswith("e3b0c44298fc1c14") and " 0 " not in content.before
        if not content.sha256 or empty:
            why = f"it cannot be read on the {side}" if content.before else f"it is gone from the {side}"
            return Sampled(path=name, outcome="unreadable", why=why)
    same = here.sha256 == there.sha256
    return Sampled(
        path=name, outcome="same" if same else "differs", source=here.sha256, target=there.sha256,
        why="" if same else f"{here.before}, there {there.before}",
    )  # fmt: skip
