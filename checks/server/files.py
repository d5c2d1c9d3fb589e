"""server.files: a copied tree is the same on the new server, entry by entry and by content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Le, Len
from checks.contract import Finding, Vantage
from checks.judging import cannot_tell
from checks.params import Percent, split_endpoint
from checks.remote.check import Login, RemoteCheck, remote, require_login
from checks.safe import safe
from checks.server import _tree_judge
from checks.server._parity import Allowed, require_allowed
from checks.server._sides import root_of
from checks.server._tree_seen import FilesSeen
from checks.server._tree_walk import Tree, look

Path = Annotated[str, Len(1, 4096)]


class Files(RemoteCheck[FilesSeen]):
    """The files of the old server are on the new one: all of them, with owners, rights and content.

    Proves: every entry of the tree is there with the same type, size, time of change (to the second), owner
    and group numbers, mode, POSIX access list, link target and number of hard links; and the content of
    random files is the same by SHA-256.
    Cannot prove: the content of files that were not drawn, where size and time of change are the same;
    extended attributes besides access lists; that nothing is written on the old server after this.
    If it fails: copy again what is named (rsync -aHAX --numeric-ids, as root), with nobody writing on the
    old server.

    Source: GNU find (-printf), acl (getfacl), rsync(1).

    Example:
        type: server.files
        host: files-new.example.net
        user: tech
        sudo: true
        path: /srv/files
        source: {host: files-old.example.net}
        allowed: ["*/Thumbs.db"]
    """

    deadline_s = 600.0

    path: Path
    """The tree on the new server (`host`)."""
    source: Login
    """The old server."""
    source_path: Path | None = None
    """The tree on the old server, where it is not at `path` there, too."""
    allowed: Allowed = ()
    """Entries that may differ, by their paths below the tree: `*/Thumbs.db`, `homes/old*` (`*` includes `/`);
    also file systems that are mounted below and are compared by another check."""
    max_delta: Percent = 0.01
    """Share of the entries that may differ before it fails; up to it they are a warning."""
    sample_files: Annotated[int, Ge(0), Le(1000)] = 20
    """How many random files of the old server are compared by content."""
    seed: Annotated[str, Len(1, 100)] | None = None
    """Makes the random choice repeatable; left out, each run draws others and tells its seed."""
    ownership: bool = True
    """Whether owner and group numbers and modes must be the same."""
    acl: bool = True
    """Whether POSIX access lists must be the same."""

    def __post_init__(self) -> None:
        require_login(self)
        require_allowed(self.allowed)
        for path in (self.path, self.source_path or "/"):
            if not path.startswith("/") or "\0" in path:
                raise ValueError(f"A tree is named by its whole path, like /srv/files, unlike {path!r:.200}.")
        old, new = split_endpoint(self.source.host, 22), split_endpoint(self.host, self.port or 22)
        if old == new and (self.source_path or self.path) == self.path:
            raise ValueError("Source and target are the same folder of the same server.")

    def subject(self) -> str:
        return f"{self.host} {self.path}"

    async def observe(self, vantage: Vantage) -> FilesSeen:
        limit = max(1.0, vantage.remaining() - 2.0)
        old = Tree(
            remote=await remote(self, vantage, self.source), path=self.source_path or self.path,
            as_user=root_of(self, self.source), ownership=self.ownership, acl=self.acl, timeout_s=limit,
        )  # fmt: skip
        new = Tree(
            remote=await remote(self, vantage), path=self.path, as_user=self.root, ownership=self.ownership,
            acl=self.acl, timeout_s=limit,
        )  # fmt: skip
        return await look(
            old, new, allowed=self.allowed, seed=self.seed or vantage.now().isoformat(),
            sample_files=self.sample_files,
        )  # fmt: skip

    def judge(self, seen: FilesSeen) -> Iterable[Finding]:
        yield from _tree_judge.judge(
            seen, max_delta=self.max_delta, sample_files=self.sample_files, allowed=self.allowed
        )
        here = seen.source
        if here.there and here.entries and not here.bytes:
            yield cannot_tell(
                here.name,
                f"No file below {safe(here.path, limit=300)} holds a byte: equal trees prove nothing.",
                expected="files with content on the source",
                observed=f"{here.files} empty files, {here.folders} folders",
                fix="See whether its disk is mounted there, and whether 'source_path' is right.",
            )  # fmt: skip
