"""A stock Debian (or Ubuntu) kernel for the guest: fetched by apt, unpacked, packed into a small initramfs.

Nothing is installed. What is made lies in the user's cache (XDG_CACHE_HOME), keyed by the package's version.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import lzma
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.needs import tool

FIRST = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
"""Modules without which the guest has no root."""
SECOND = (
    "af_packet", "ccm", "cmac", "gcm", "ctr", "ghash_generic", "michael_mic", "cfg80211", "mac80211",
    "mac80211_hwsim", "8021q", "bridge", "veth", "dummy", "tun", "sch_netem", "sch_tbf",
)  # fmt: skip
_INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t devtmpfs dev /dev
while read -r m; do $B insmod /mod/$m.ko; done < /mod/first
$B mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=524288 host /low || $B poweroff -f
$B mount -t tmpfs tmpfs /up; $B mkdir /up/upper /up/work
$B mount -t overlay -o lowerdir=/low,upperdir=/up/upper,workdir=/up/work overlay /new || $B poweroff -f
for d in proc sys dev; do $B mount --move /$d /new/$d; done
$B mount -t tmpfs tmpfs /new/run
$B mkdir -p /new/run/mod /new/run/jobs; $B cp /mod/* /new/run/mod/
$B mount -t 9p -o trans=virtio,version=9p2000.L,cache=none,msize=262144 jobs /new/run/jobs || $B poweroff -f
exec $B switch_root /new /bin/sh /run/jobs/agent.sh
"""


class NoKernelError(Exception):
    """Why the guest's kernel is not to be had; a full sentence."""


def cache() -> Path:
    """Return the folder for what is fetched and built."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "gonogo-lab"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kernel() -> tuple[Path, Path]:
    """Return kernel image and initramfs, fetched and built on first use; raise NoKernelError."""
    try:
        return _kernel()
    except NoKernelError:
        if os.geteuid() != 0:
            raise
    _run("apt-get", "-qq", "update")
    return _kernel()


def _kernel() -> tuple[Path, Path]:
    with _alone(cache()):
        image, packages = _packages()
        recipe = hashlib.sha256(f"{_INIT}{FIRST}{SECOND}".encode()).hexdigest()[:12]
        ready = cache() / f"{image}-{recipe}"
        if not (ready / "initrd.gz").exists():
            building = Path(tempfile.mkdtemp(prefix="building-", dir=cache()))
            try:
                _build(building, packages)
                shutil.rmtree(ready, ignore_errors=True)
                (building / "ready").rename(ready)
            finally:
                shutil.rmtree(building, ignore_errors=True)
        return ready / "vmlinuz", ready / "initrd.gz"


def _packages() -> tuple[str, list[str]]:
    """Return the newest stock kernel's name with version, and the packages that hold it and its modules."""
    for meta in ("linux-image-amd64", "linux-image-generic"):
        shown = _run("apt-cache", "depends", "--no-recommends", "--no-suggests", meta)
        names = re.findall(r"Depends: (linux-image-[0-9][\w.+-]*)", shown)
        if not names:
            continue
        name = names[0]
        version = re.search(
            r"^Version: (\S+)$", _run("apt-cache", "show", "--no-all-versions", name), re.MULTILINE
        )
        release = name.removeprefix("linux-image-")
        extra = (
            [f"linux-modules-{release}", f"linux-modules-extra-{release}"] if meta.endswith("generic") else []
        )
        return f"{name}_{version.group(1) if version else 'unknown'}", [name, *extra]
    raise NoKernelError("apt knows no stock kernel (linux-image-amd64): run apt-get update.")


def _run(*argv: str, cwd: Path | None = None) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise NoKernelError(f"{' '.join(argv[:3])} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _build(folder: Path, packages: list[str]) -> None:
    folder.chmod(0o755)
    _run("apt-get", "download", *packages, cwd=folder)
    root = folder / "root"
    for package in folder.glob("*.deb"):
        _run("dpkg", "-x", str(package), str(root))
    image = next((root / "boot").glob("vmlinuz-*"), None)
    busybox = tool("busybox")
    if image is None or busybox is None:
        raise NoKernelError("The kernel's package holds no kernel, or busybox-static is not installed.")
    modules = {path.name.split(".ko")[0].replace("-", "_"): path for path in root.rglob("*.ko*")}
    entries: list[tuple[str, int, bytes]] = [
        (name, stat.S_IFDIR | 0o755, b"") for name in ("bin", "dev", "proc", "sys", "mod", "low", "up", "new")
    ]
    entries.append(("bin/busybox", stat.S_IFREG | 0o755, Path(busybox).read_bytes()))
    entries.append(("init", stat.S_IFREG | 0o755, _INIT.encode()))
    done: dict[str, None] = {}
    for part, wanted in (("first", FIRST), ("second", SECOND)):
        before = len(done)
        for name in wanted:
            _with_needs(name, modules, done, entries)
        entries.append(
            (f"mod/{part}", stat.S_IFREG | 0o644, "".join(f"{m}\n" for m in list(done)[before:]).encode())
        )
    ready = folder / "ready"
    ready.mkdir()
    shutil.copy(image, ready / "vmlinuz")
    (ready / "initrd.gz").write_bytes(gzip.compress(_cpio(entries), 1))


def _with_needs(
    name: str, modules: dict[str, Path], done: dict[str, None], entries: list[tuple[str, int, bytes]]
) -> None:
    """Add a module after those it needs; one that the kernel has built in is in no file."""
    if name in done or name not in modules:
        return
    path = modules[name]
    raw = path.read_bytes()
    if path.suffix == ".xz":
        raw = lzma.decompress(raw)
    elif path.suffix == ".zst":
        raw = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True, timeout=60).stdout
    needs = re.search(rb"\0depends=([^\0]*)\0", raw)
    for other in needs.group(1).decode().split(",") if needs else []:
        if other:
            _with_needs(other.replace("-", "_"), modules, done, entries)
    done[name] = None
    entries.append((f"mod/{name}.ko", stat.S_IFREG | 0o644, raw))


def _cpio(entries: list[tuple[str, int, bytes]]) -> bytes:
    """Return an archive in the form that the kernel unpacks (newc)."""
    made = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        made += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        made += b"\0" * (-len(made) % 4) + data
        made += b"\0" * (-len(made) % 4)
    return bytes(made)
