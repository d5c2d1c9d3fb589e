"""What is answered of a tree of copies (backup.tree), by comparing two folders of a disk in memory."""

from __future__ import annotations

from agent.demo.ssh_disk import Disk, File, asked, utc
from agent.demo.ssh_line import Answer, Call, Said, absent


class Copies:
    """A mirror as rsync leaves it, below some folder of a disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def answers(self) -> dict[str, Answer]:
        """Return what is answered of a mirror; of a lock, a log or what is left out, nothing."""
        return {
            "layout of a tree": self._layout,
            "marks of a tree": self._marks,
            "count of a tree": self._count,
            "list of a tree": self._list,
            "copies of a tree": self._copies,
            "rsync --dry-run": self._lacking,
            "live files in a tree": self._themselves,
        }

    def _layout(self, call: Call) -> Said:
        path, live = call.words
        if not self._disk.below(path):
            return Said(out=b"none\n")
        return Said(out=b"same\n" if path.rstrip("/") == live.rstrip("/") else b"")

    def _marks(self, call: Call) -> Said:
        root, stamp, log, lock = call.words
        if log or lock or not self._disk.below(root):
            return absent(call)
        out = b""
        if stamp:
            file = self._disk.file(stamp if stamp.startswith("/") else f"{root}/{stamp}")
            out = b"\x1estamp %s\n%s" % (
                str(file.mtime).encode() if file else b"",
                file.data if file else b"",
            )
        return Said(out=out + b"\x1eend\n")

    def _count(self, call: Call) -> Said:
        trees = [self._disk.below(root).values() for root in call.words]
        lines = [f"count {len(tree)} {sum(len(one.data) for one in tree)} 0\n" for tree in trees]
        return Said(out="".join(lines).encode())

    def _list(self, call: Call) -> Said:
        (root,) = call.words
        tree = self._disk.below(root)
        rows = [f"{len(one.data)} {one.mtime}.0000000000 {path}\0" for path, one in tree.items()]
        return Said(out="".join([*rows, "ended 0\0"]).encode("utf-8", "surrogateescape"))

    def _copies(self, call: Call) -> Said:
        root, _ = call.words
        found = [self._disk.file(f"{root}/{name}") for name in asked(call)]
        return Said(out="".join(f"{one.sha256 if one else 'gone'}\n" for one in found).encode())

    def _lacking(self, call: Call) -> Said:
        live, root = call.words
        mirror, originals = self._disk.below(root), self._disk.below(live)
        rows = [_row(path, one, mirror.get(path)) for path, one in originals.items()]
        mounts = "mount 8:1 ext4 /\nmount 8:2 ext4 /backup\n"
        head = f"live {live}\nown /backup\n{mounts}"
        total = f"\nNumber of files: {len(originals):,} (reg: {len(originals):,})\n" if originals else ""
        return Said(out="".join([head, *rows, total, "ended 0\n"]).encode("utf-8", "surrogateescape"))

    def _themselves(self, call: Call) -> Said:
        live, root = call.words
        looked = len(self._disk.below(root))
        own = looked if live.rstrip("/") == root.rstrip("/") else 0
        return Said(out=f"looked {looked} self {own} such ".encode())


def _row(path: str, live: File, copy: File | None) -> str:
    """Return what `rsync --itemize-changes` says of a file that it would copy; empty if it would not."""
    if copy is None:
        what = ">f+++++++++"
    elif len(copy.data) != len(live.data):
        what = ">f.st......"
    elif copy.mtime != live.mtime:
        what = ">f..t......"
    else:
        return ""
    return f"{what}|{len(live.data)}|{utc(live.mtime):%Y/%m/%d-%H:%M:%S}|{path}\n"
