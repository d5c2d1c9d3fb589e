"""server.capacity: the server has room for what it will hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.bounds import Ge, Le, Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.params import Percent
from checks.remote.check import Login, RemoteCheck, remote, require_login
from checks.server._capacity_judge import judge_asked, judge_data, judge_local, judge_machine
from checks.server._disks import NETWORK, Space, Usage, read_space, read_usage
from checks.server._sides import both, require_another, root_of
from checks.server._sizes import Size
from checks.wire.ssh.remote import Remote

Path = Annotated[str, Len(1, 4096)]
_COMPRESSING = frozenset({"btrfs", "zfs", "bcachefs", "ReFS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MountNeed:
    """One mount point and what must be free on it; `mounted` false: a folder on whatever holds it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    path: Path
    min_free: Percent | None = None
    needs: Size | None = None
    mounted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPair:
    """Data of the source, and where on this host it will lie."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    source_path: Path
    target_path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacitySeen:
    """What both hosts have; `usage` has one entry for each pair of data, in the plan's order."""

    target: Space
    source: Space | None
    usage: tuple[Usage, ...] = ()


class Capacity(RemoteCheck[CapacitySeen]):
    """The file systems have enough bytes and inodes free, the right ones are mounted, and the data fits.

    Every local file system is looked at. A path of `mounts` must be a mount point of its own: where it is
    not, the copy would fill the file system below. With `source` and `data` the free space of the target
    must hold what the source uses now, times `headroom`; data that goes to one file system is added up.

    Proves: free bytes and inodes now, by the host's own count, and that what the old server holds now fits.
    Cannot prove: how fast it grows, quotas of users, space that a thin volume only promises, or that the
    copy takes no more than the original: compressed and sparse files may.
    If it fails: mount what is missing, give the file system more room, or clear it up.

    Source: df(1), du(1), proc(5) (meminfo, mounts), Win32_LogicalDisk and Win32_OperatingSystem.

    Example:
        type: server.capacity
        host: files-new.example.com
        user: tech
        mounts:
          - {path: /srv/files, min_free: 20%}
          - {path: /var, mounted: false, needs: 5 GiB}
        min_memory: 2 GiB
        min_cpus: 4
        source: {host: files-old.example.com}
        data:
          - {source_path: /srv/files, target_path: /srv/files}
    """

    deadline_s = 600.0

    mounts: tuple[MountNeed, ...] = ()
    """Mount points that must be there, each with what must be free: a share (`min_free`), a size
    (`needs: 200 GiB`)."""
    min_free: Percent = 10.0
    """Share of bytes that must be free on every local file system."""
    min_inodes: Percent = 5.0
    """Share of inodes that must be free on it."""
    min_memory: Size | None = None
    """Memory that must be available now (MemAvailable)."""
    min_memory_total: Size | None = None
    """Memory that the host must have in all."""
    min_cpus: Annotated[int, Ge(1)] | None = None
    """Processors that it must have."""
    data: tuple[DataPair, ...] = ()
    """Which data of the source will lie where."""
    headroom: Annotated[float, Ge(1), Le(100)] = 1.2
    """How many times the size of the data must be free."""
    source: Login | None = None
    """The old server, which holds the data."""

    def __post_init__(self) -> None:
        require_login(self)
        require_another(self, self.source)
        if bool(self.data) != (self.source is not None):
            raise ValueError("'data' and 'source' belong together: which data of which server must fit?")
        paths = [need.path.rstrip("/") for need in self.mounts]
        if len(set(paths)) < len(paths):
            raise ValueError("'mounts' names the same path twice.")

    async def observe(self, vantage: Vantage) -> CapacitySeen:
        targets = [need.path for need in self.mounts] + [pair.target_path for pair in self.data]
        sources = [pair.source_path for pair in self.data]

        async def read(host: Remote, root: str) -> Space:
            return await read_space(host, root, targets if host.name == here.name else sources)

        here = await remote(self, vantage)
        target, source = await both(self, vantage, self.source, read)
        if source is None:
            return CapacitySeen(target=target, source=None)
        other, root = await remote(self, vantage, self.source), root_of(self, self.source)
        patience = max(10.0, vantage.remaining() * 0.9)
        usage = await asyncio.gather(
            *(self._usage(other, root, source, index, patience) for index in range(len(self.data)))
        )
        return CapacitySeen(target=target, source=source, usage=tuple(usage))

    async def _usage(self, host: Remote, root: str, space: Space, index: int, patience: float) -> Usage:
        path, disk = self.data[index].source_path, space.asked[index]
        below = path.rstrip("/") + "/"
        whole = disk.mount == path.rstrip("/") and disk.fstype not in _COMPRESSING | NETWORK
        parted = disk.mount in space.shared or any(mount.startswith(below) for mount in space.mounts)
        if whole and not parted:
            return Usage(path=path, used=disk.used, apparent=disk.used)
        return await read_usage(host, root, path, patience)

    def judge(self, seen: CapacitySeen) -> Iterable[Finding]:
        target, named = seen.target, len(self.mounts)
        own = {need.path: need.min_free for need in self.mounts if need.min_free is not None}
        yield from judge_local(target, self.min_free, self.min_inodes, own)
        for need, disk in zip(self.mounts, target.asked[:named], strict=False):
            yield from judge_asked(
                target.name, disk, need.path, mounted=need.mounted, needs=need.needs,
                min_free=self.min_free if need.min_free is None else need.min_free,
                min_inodes=self.min_inodes,
            )  # fmt: skip
        yield from judge_machine(
            target, memory=self.min_memory, total=self.min_memory_total, processors=self.min_cpus
        )
        if seen.source is not None:
            places = [(pair.source_path, pair.target_path) for pair in self.data]
            yield from judge_data(
                target.name, seen.source.name, places, seen.usage, target.asked[named:], self.headroom
            )
