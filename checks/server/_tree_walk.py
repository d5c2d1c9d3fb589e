"""Reading a file tree on two servers: digests, then what differs, then the contents of a sample."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from checks.dataclass import dataclass
from checks.remote.outcome import require, said_by
from checks.safe import safe
from checks.server._tree_read import Listed, Sums, Unclear, read_contents, read_listed, read_sums
from checks.server._tree_script import BUCKETS, CONTENTS, MISSING, NO_ENTRY, NO_FOLDER, NOT_GNU, TREE
from checks.server._tree_seen import (
    KEPT,
    Differing,
    FilesSeen,
    Group,
    Sampled,
    Side,
    affordable,
    compare,
    draw,
    name_of,
    permitted,
    sampled,
    unlike,
)  # fmt: skip
from checks.vantage import CannotTell
from checks.wire.ssh.remote import CommandResult, Remote

LISTING = 24 * 1024 * 1024
"""Bytes of entries that are fetched from each side, so far as buckets can be left out."""
MOST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree on a server, and how it is looked at."""

    remote: Remote
    path: str
    as_user: str
    ownership: bool
    acl: bool
    timeout_s: float

    async def ask(self, mode: str, want: str = "") -> CommandResult:
        """Run the script; raise CannotTell on a host that is no POSIX one."""
        facts = await self.remote.facts()
        if facts.dialect != "posix":
            raise CannotTell(
                f"{self.remote.name} is a Windows host, whose files server.files cannot read.",
                "Compare with robocopy SOURCE TARGET /L /E /NJH /NFL /NDL /BYTES, and attest what it says.",
            )
        return await self.remote.run(
            TREE(
                self.path, mode, str(int(self.acl)), str(int(self.ownership)), str(BUCKETS), want,
                as_user=self.as_user, heavy=True, timeout_s=self.timeout_s, max_stdout=MOST,
            )
        )  # fmt: skip

    async def listed(self, want: Sequence[str]) -> Listed:
        """Return the entries of buckets, and files by their place."""
        if not want:
            return Listed(entries={}, acls={}, drawn={})
        return read_listed(self.out(await self.ask("list", " ".join(want))))

    def out(self, result: CommandResult) -> bytes:
        """Return what the script said; raise CannotTell where it could not do its work."""
        where = f"{safe(self.path, limit=300)} on {self.remote.name}"
        if result.whole and result.status in (MISSING, NO_ENTRY):
            raise CannotTell(f"{where} cannot be read by this account: {said_by(result)}.", _SUDO)
        if result.whole and result.status == NOT_GNU:
            raise CannotTell(
                f"{self.remote.name} has no GNU find, by which the tree is read.",
                "Install findutils there (with sed, sort and awk), or compare by hand and attest it.",
            )
        return require(result, self.remote)

    def side(self, sums: Sums, errors: str) -> Side:
        """Return what evidence keeps of the tree."""
        lines = [line for line in errors.splitlines() if line.strip()]
        lists = [line for line in lines if line.startswith(("getfacl:", "xargs:"))]
        others = [line for line in lines if line not in lists]
        if sums.find_status and not others:
            others = [f"find ended with status {sums.find_status}"]
        no_acl = ""
        if self.acl and sums.acl_status != 0:
            no_acl = safe(" / ".join(lists[:2]), limit=300) or f"getfacl ended with status {sums.acl_status}"
        kinds = sums.kinds
        return Side(
            name=self.remote.name, path=self.path, machine=sums.machine, root=sums.root,
            entries=sums.entries, files=kinds.get("f", 0), folders=max(0, kinds.get("d", 0) - 1),
            links=kinds.get("l", 0), bytes=sums.size, allocated=sums.allocated, unreadable=sums.unreadable,
            troubles=tuple(safe(line, limit=200) for line in others[:5]), complaints=len(others),
            crossings=tuple(name_of(path) for path in sums.crossings[:50]), no_acl=no_acl,
        )  # fmt: skip


_SUDO = "Let it run as root ('sudo: true' with a rule for it), or correct the path."


async def look(
    source: Tree, target: Tree, *, allowed: Sequence[str], seed: str, sample_files: int
) -> FilesSeen:
    """Return what the two trees are like; raise CannotTell where one cannot be read."""
    try:
        return await _look(source, target, allowed=allowed, seed=seed, sample_files=sample_files)
    except Unclear as odd:
        raise CannotTell(
            f"What a server said of its files cannot be used: {odd}",
            "Run it again; if it stays so, look whether awk, sed, sort and sha256sum work there.",
        ) from odd


async def _look(
    source: Tree, target: Tree, *, allowed: Sequence[str], seed: str, sample_files: int
) -> FilesSeen:
    here, there = await asyncio.gather(_begin(source), _begin(target))
    if not isinstance(here, tuple) or not isinstance(there, tuple):
        return FilesSeen(source=_only(here), target=_only(there), seed=seed)
    (mine, own), (other, its) = here, there
    unequal = unlike(mine.buckets, other.buckets)
    chosen = affordable(unequal, mine, other, LISTING)
    places = draw(mine.buckets, seed, 3 * sample_files + 10) if sample_files else []
    wanted = [str(number) for number in chosen]
    listed, told = await asyncio.gather(source.listed([*wanted, *places]), target.listed(wanted))
    found = compare(listed, told)
    used: set[str] = set()
    counts: dict[Group, int] = {}
    kept: list[Differing] = []
    permits = 0
    for path, group, what in found:
        name = name_of(path)
        hits = permitted(name, allowed)
        used.update(hits)
        if hits:
            permits += 1
            continue
        counts[group] = counts.get(group, 0) + 1
        if counts[group] <= KEPT // 8:
            kept.append(Differing(path=safe(name, limit=500), group=group, what=safe(what, limit=300)))
    for name in (*own.crossings, *its.crossings):
        used.update(permitted(name, allowed))
    known = {path for path, _, _ in found}
    drawn = [listed.drawn[place] for place in places if place in listed.drawn]
    fit = [path for path in drawn if path not in known and not permitted(name_of(path), allowed)]
    return FilesSeen(
        source=own, target=its, differing=tuple(kept), counts=tuple(sorted(counts.items())), allowed=permits,
        unused=tuple(pattern for pattern in allowed if pattern not in used),
        unlisted=len(unequal) - len(chosen), restless=bool(chosen) and not found,
        sample=await _contents(source, target, fit[:sample_files]), seed=seed,
        population=mine.kinds.get("f", 0),
    )  # fmt: skip


async def _begin(tree: Tree) -> tuple[Sums, Side] | Side:
    result = await tree.ask("sums")
    if result.whole and result.status == MISSING and "No such file" in result.errors:
        return Side(name=tree.remote.name, path=tree.path, there=False)
    if result.whole and result.status == NO_FOLDER:
        return Side(name=tree.remote.name, path=tree.path, there=False, troubles=(said_by(result),))
    sums = read_sums(tree.out(result))
    return sums, tree.side(sums, result.errors)


def _only(begun: tuple[Sums, Side] | Side) -> Side:
    return begun[1] if isinstance(begun, tuple) else begun


async def _contents(source: Tree, target: Tree, paths: Sequence[bytes]) -> tuple[Sampled, ...]:
    if not paths:
        return ()
    names = b"".join(b"./" + path + b"\0" for path in paths)

    async def hashed(tree: Tree) -> bytes:
        return require(
            await tree.remote.run(
                CONTENTS(tree.path, stdin=names, as_user=tree.as_user, heavy=True, timeout_s=tree.timeout_s)
            ),
            tree.remote,
        )

    here, there = await asyncio.gather(hashed(source), hashed(target))
    pairs = zip(paths, read_contents(here, len(paths)), read_contents(there, len(paths)), strict=True)
    return tuple(sampled(path, mine, other) for path, mine, other in pairs)
