"""What the script `file-tree` of server.files would say of a disk that is in memory only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from agent.demo.ssh_disk import GID, UID, Disk, File
from agent.demo.ssh_line import Call, Said

_BLOCK = 4096
_ORDER = " !#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"
_FOLDER_MODE = "775"


def tell(disk: Disk, call: Call) -> Said:
    """Return digests of buckets (mode `sums`) or the entries of some of them (`list`)."""
    root, mode, acl, owner, buckets, want = call.words
    files = disk.below(root)
    if not files:
        return Said(err=f"stat: cannot statx '{root}': No such file or directory\n".encode(), status=3)
    records = sorted(_records(files, owner=owner == "1", buckets=int(buckets)))
    lines = [f"H\t{disk.machine}\t2049:{hash_of(root)}"]
    listed = _sums(records) if mode == "sums" else _listed(records, set(want.split()))
    lines += [*listed, *sorted(_totals(files, acl=acl == "1")), "E", ""]
    return Said(out="\n".join(lines).encode("utf-8", "surrogateescape"))


def hash_of(root: str) -> int:
    """Return a number in the place of a folder's inode."""
    return int.from_bytes(hashlib.sha256(root.encode(errors="replace")).digest()[:4], "big")


def _folders(files: dict[str, File]) -> set[str]:
    """Return all folders, the tree itself as an empty name."""
    found = {""}
    for path in files:
        parts = path.split("/")[:-1]
        found |= {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return found


def _records(files: dict[str, File], *, owner: bool, buckets: int) -> Iterator[tuple[str, str]]:
    """Return bucket and line of each entry; nothing has an access list beyond its mode."""
    who = f"{UID}\t{GID}" if owner else "\t"
    entries = [("d", "", "", _FOLDER_MODE, "", path) for path in _folders(files)]
    entries += [("f", str(len(one.data)), str(one.mtime), one.mode, "1", path) for path, one in files.items()]
    for kind, size, mtime, mode, links, path in entries:
        bucket = str(_bucket(path, buckets))
        yield bucket, f"{kind}\t{size}\t{mtime}\t{who}\t{mode if owner else ''}\t{links}\t{path}//"


def _bucket(path: str, buckets: int) -> int:
    value = len(path)
    for char in path[-32:]:
        value = (value * 31 + _ORDER.find(char) + 1) % 1000003
    return value % buckets


def _sums(records: list[tuple[str, str]]) -> Iterator[str]:
    for bucket, group in groupby(records, key=lambda record: record[0]):
        lines = [record for _, record in group]
        text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        regular = sum(line.startswith("f\t") for line in lines)
        yield f"{hashlib.sha256(text).hexdigest()}  -"
        yield f"D\t{bucket}\t{len(lines)}\t{regular}\t{len(text)}"


def _listed(records: list[tuple[str, str]], wanted: set[str]) -> Iterator[str]:
    regular: Counter[str] = Counter()
    for bucket, record in records:
        if bucket in wanted:
            yield f"L\t{bucket}\t{record}"
        if record.startswith("f\t"):
            regular[bucket] += 1
            if f"{bucket}.{regular[bucket]}" in wanted:
                yield f"P\t{bucket}.{regular[bucket]}\t{record}"


def _totals(files: dict[str, File], *, acl: bool) -> Iterator[str]:
    size = sum(len(one.data) for one in files.values())
    blocks = sum(-(-len(one.data) // _BLOCK) * _BLOCK for one in files.values())
    yield f"B\t{size}\t{blocks}\t0"
    yield f"K\td\t{len(_folders(files))}"
    yield f"K\tf\t{len(files)}"
    yield "S\tfind\t0"
    if acl:
        yield "S\tacl\t0"
    count: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for path, one in files.items():
        top = path.partition("/")[0] if "/" in path else "."
        count[top] += 1
        sizes[top] += len(one.data)
    for top in count:
        yield f"T\t{count[top]}\t{sizes[top]}\t{top}"
