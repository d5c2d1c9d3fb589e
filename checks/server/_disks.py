"""File systems, memory and processors of a host: df, /proc, du; CIM on Windows (never run on a real one)."""

from __future__ import annotations

from collections.abc import Sequence

from checks.dataclass import dataclass
from checks.remote.outcome import require, said_by
from checks.server._windows import number, rows, word
from checks.vantage import CannotTell
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote

PSEUDO = frozenset(
    {
        "tmpfs", "devtmpfs", "ramfs", "squashfs", "iso9660", "udf", "efivarfs", "proc", "sysfs", "cgroup",
        "cgroup2", "devpts", "mqueue", "hugetlbfs", "tracefs", "debugfs", "fuse.snapfuse", "nsfs", "autofs",
        "fuse.lxcfs", "erofs", "overlay", "fuse.gvfsd-fuse", "fuse.portal",
    }
)  # fmt: skip
"""Not places to keep data in, or always full by nature."""
NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "glusterfs", "ceph", "9p", "afs"})

SPACE = Script(
    "file systems",
    r"""
what=fstype,size,used,avail,itotal,iused,iavail,target
part() { printf '\0%s\0' "$1"; }
cat /proc/meminfo; part memory
getconf _NPROCESSORS_ONLN; part processors
cat /proc/self/mounts; part mounts
timeout -k 1 15 df -B1 --local --output=$what 2>/dev/null; part "$?"
for path do
  timeout -k 1 8 df -B1 --output=$what -- "$path" 2>&1; part "$?"
done
printf end
""",
)

USAGE = Script(
    "size of a tree",
    'du -sD -B1 -- "$1" && printf "\\0" && du -sD -B1 --apparent-size -- "$1"',
)

WINDOWS = PowerShell(
    "volumes",
    """
$os = Get-CimInstance Win32_OperatingSystem
$volumes = @(Get-CimInstance Win32_LogicalDisk -Filter 'DriveType=3' | ForEach-Object { @{
  path = $_.DeviceID; fstype = $_.FileSystem; size = [string]$_.Size; free = [string]$_.FreeSpace } })
ConvertTo-Json -Compress -Depth 3 -InputObject @{ volumes = $volumes
  available = [string]([int64]$os.FreePhysicalMemory * 1024)
  total = [string]([int64]$os.TotalVisibleMemorySize * 1024)
  processors = [string](Get-CimInstance Win32_ComputerSystem).NumberOfLogicalProcessors }
""",
)

WINDOWS_USAGE = PowerShell(
    "size of a tree",
    """
$trouble = @()
$sum = Get-ChildItem -LiteralPath $p.path -Recurse -Force -File -ErrorAction SilentlyContinue `
  -ErrorVariable +trouble | Measure-Object -Property Length -Sum
ConvertTo-Json -Compress -InputObject @{ bytes = [string][int64]$sum.Sum; files = [string]$sum.Count
  errors = [string]$trouble.Count; there = [string](Test-Path -LiteralPath $p.path) }
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A file system. `asked` is the path that it was asked for by; inodes are 0 where they are no limit."""

    mount: str
    fstype: str
    size: int
    used: int
    free: int
    inodes: int = 0
    inodes_free: int = 0
    read_only: bool = False
    asked: str = ""
    trouble: str = ""
    """Why nothing is known about the path asked for: `missing`, `silent`, or df's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What a host has to give."""

    name: str
    disks: tuple[Disk, ...]
    """All local file systems that data can be kept on."""
    asked: tuple[Disk, ...]
    """One for each path that was asked for, in that order."""
    memory: int | None
    memory_total: int | None
    processors: int | None
    mounts: tuple[str, ...] = ()
    """Every place where something is mounted."""
    shared: tuple[str, ...] = ()
    """Those of a device that is mounted elsewhere, too: a bind mount shows a part of its file system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much a tree holds: on disk (`used`), and as its files say (more for sparse or compressed ones)."""

    path: str
    used: int
    apparent: int


async def read_space(remote: Remote, root: str, paths: Sequence[str]) -> Space:
    """Return the host's file systems, and that of each path."""
    if (await remote.facts()).dialect == "powershell":
        result = await remote.run(WINDOWS())
        return windows_space(require(result, remote), remote.name, paths)
    command = SPACE(*paths, as_user=root, timeout_s=30.0 + 10 * len(paths))
    return parse_space(require(await remote.run(command), remote), remote.name, paths)


def parse_space(stdout: bytes, name: str, paths: Sequence[str]) -> Space:
    """Return what the script told; raise CannotTell for a part that is missing."""
    parts = stdout.decode(errors="replace").split("\0")
    if len(parts) != 2 * (4 + len(paths)) + 1 or parts[-1] != "end":
        raise CannotTell(f"{name} told only a part of its file systems.", "Run the check again.")
    memory, processors, mounts, local = parts[0], parts[2], parts[4], parts[6]
    options = _mounts(mounts)
    disks = [disk for line in local.splitlines()[1:] if (disk := _disk(line, options))]
    if parts[7] not in ("0", "1", "124"):
        raise CannotTell(
            f"On {name} df and timeout of GNU coreutils are not to be had (status {parts[7]!r:.20}).",
            "Look at its file systems by hand.",
        )
    if parts[7] == "124":
        raise CannotTell(
            f"On {name} df did not come to an end within 15 s.",
            "A mount there does not answer: look at its network file systems.",
        )
    asked = [
        _asked(path, text, status, options)
        for path, text, status in zip(paths, parts[8:-1:2], parts[9:-1:2], strict=True)
    ]
    online = processors.strip()
    return Space(
        name=name,
        disks=tuple(one for one in disks if one.fstype not in PSEUDO or one.mount == "/"),
        asked=tuple(asked),
        memory=_memory(memory, "MemAvailable"),
        memory_total=_memory(memory, "MemTotal"),
        processors=int(online) if online.isdecimal() and len(online) < 7 else None,
        mounts=tuple(options), shared=_shared(mounts),
    )  # fmt: skip


def _shared(text: str) -> tuple[str, ...]:
    """Return the mount points of devices that are mounted more than once."""
    pairs = {(words[0], words[1]) for line in text.splitlines() if len(words := line.split(" ")) >= 4}
    devices = [device for device, _ in pairs if device.startswith("/dev/")]
    return tuple(sorted(_unescaped(place) for device, place in pairs if devices.count(device) > 1))


def _unescaped(place: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        place = place.replace(code, char)
    return place


def _mounts(text: str) -> dict[str, str]:
    """Return the options by mount point; what is mounted last on a place hides what was there before."""
    found = {}
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) >= 4:
            found[_unescaped(words[1])] = words[3]
    return found


def _disk(line: str, options: dict[str, str], asked: str = "") -> Disk | None:
    words = line.split(None, 7)
    if len(words) < 8:
        return None
    numbers = [int(word) if word.isdecimal() and len(word) < 20 else -1 for word in words[1:7]]
    size, used, free, inodes, _, inodes_free = numbers
    if size <= 0 or used < 0:
        return None
    mount = words[7]
    return Disk(
        mount=mount, fstype=words[0], size=size, used=used, free=max(0, free), inodes=max(0, inodes),
        inodes_free=max(0, inodes_free), asked=asked, read_only="ro" in options.get(mount, "").split(","),
    )  # fmt: skip


def _asked(path: str, text: str, status: str, options: dict[str, str]) -> Disk:
    lines = text.splitlines()
    disk = _disk(lines[-1], options, path) if status == "0" and len(lines) == 2 else None
    if disk is not None:
        return disk
    trouble = "silent" if status in ("124", "137") else text.strip()[-300:] or f"df ended with {status}"
    if "No such file or directory" in text:
        trouble = "missing"
    return Disk(mount="", fstype="", size=0, used=0, free=0, asked=path, trouble=trouble)


def _memory(text: str, key: str) -> int | None:
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == f"{key}:" and words[1].isdecimal() and len(words[1]) < 16:
            return int(words[1]) * 1024
    return None


def windows_space(stdout: bytes, name: str, paths: Sequence[str]) -> Space:
    """Return what the PowerShell script told; a path belongs to the volume of its drive letter."""
    (row,) = rows(stdout, name)[:1] or ({},)
    volumes = row.get("volumes")
    disks = []
    for one in volumes if isinstance(volumes, list) else []:
        if isinstance(one, dict):
            size, free = number(one, "size"), number(one, "free")
            if size and free is not None:
                disks.append(
                    Disk(
                        mount=word(one, "path").upper(), fstype=word(one, "fstype"), size=size,
                        used=size - free, free=free,
                    )
                )  # fmt: skip
    by_letter = {disk.mount: disk for disk in disks}
    asked = []
    for path in paths:
        disk = by_letter.get(path[:2].upper())
        if disk is None:
            asked.append(Disk(mount="", fstype="", size=0, used=0, free=0, asked=path, trouble="missing"))
        else:
            asked.append(
                Disk(
                    mount=disk.mount, fstype=disk.fstype, size=disk.size, used=disk.used, free=disk.free,
                    asked=path,
                )
            )  # fmt: skip
    return Space(
        name=name, disks=tuple(disks), asked=tuple(asked), memory=number(row, "available"),
        memory_total=number(row, "total"), processors=number(row, "processors"), mounts=tuple(by_letter),
    )  # fmt: skip


async def read_usage(remote: Remote, root: str, path: str, timeout_s: float) -> Usage:
    """Return how much a tree holds; raise CannotTell where a part of it could not be read."""
    if (await remote.facts()).dialect == "powershell":
        result = await remote.run(WINDOWS_USAGE({"path": path}, timeout_s=timeout_s, heavy=True))
        (row,) = rows(require(result, remote), remote.name)[:1] or ({},)
        size, errors = number(row, "bytes"), number(row, "errors")
        if size is None or errors != 0 or word(row, "there") != "True":
            raise _unread(path, remote.name, f"{errors} errors")
        return Usage(path=path, used=size, apparent=size)
    result = await remote.run(USAGE(path, as_user=root, timeout_s=timeout_s, heavy=True))
    if result.whole and result.status == 1:
        raise _unread(path, remote.name, said_by(result))
    return parse_usage(require(result, remote), remote.name, path)


def parse_usage(stdout: bytes, name: str, path: str) -> Usage:
    """Return the two sums of du."""
    sizes = [text.partition(b"\t")[0].strip() for text in stdout.split(b"\0")]
    if len(sizes) != 2 or not all(size.isdigit() and len(size) < 20 for size in sizes):
        raise _unread(path, name, "du told no size")
    return Usage(path=path, used=int(sizes[0]), apparent=int(sizes[1]))


def _unread(path: str, name: str, why: str) -> CannotTell:
    return CannotTell(
        f"On {name} not all of {path} could be read, so its size is not known: {why}.",
        "Give the check 'sudo: true' with an account that may: a tree that is read in part seems small.",
    )
