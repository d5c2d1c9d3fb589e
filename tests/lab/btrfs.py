"""A real btrfs file system in a file, with a live subvolume, its snapshots and received ones."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILES = 12


def _run(*words: str | os.PathLike[str], **options: object) -> str:
    env = {**os.environ, "LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, env=env, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise OSError(f"{words[0]} ended with {done.returncode}: {done.stderr}")
    return str(done.stdout)


class Btrfs:
    """The file system is mounted at `top`, the live subvolume is `top/files`."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "disk.img"
        self.top = folder / "top"
        self.live = self.top / "files"

    def make(self) -> None:
        """Make it, with files that were changed an hour ago."""
        with self.image.open("wb") as file:
            file.truncate(256 << 20)
        self.top.mkdir()
        _run("mkfs.btrfs", "-q", "-m", "single", self.image)
        self.mount()
        _run("btrfs", "subvolume", "create", self.live)
        (self.top / "snaps").mkdir()
        hour_ago = time.time() - 3600
        for number in range(FILES):
            path = self.live / f"file {number}.bin"
            path.write_bytes(self.content(number))
            os.utime(path, (hour_ago, hour_ago))
        _run("sync", "-f", self.top)

    @staticmethod
    def content(number: int) -> bytes:
        """Return what file `number` holds."""
        return random.Random(number).randbytes(64 * 1024)

    def mount(self, options: str = "") -> None:
        """Mount it by a loop device of its own, which goes with the mount."""
        _run("mount", "-o", f"loop{options}", self.image, self.top)

    def unmount(self) -> None:
        """Unmount it."""
        _run("umount", self.top)

    def snapshot(self, name: str, *, readonly: bool = True) -> Path:
        """Take a snapshot of the live subvolume."""
        path = self.top / "snaps" / name
        _run("btrfs", "subvolume", "snapshot", *(["-r"] if readonly else []), self.live, path)
        _run("sync", "-f", self.top)
        return path

    def receive(self, snapshot: Path, into: Path, *, most: int | None = None) -> None:
        """Send a snapshot and receive it; at most so many bytes of the stream, as if it was cut off."""
        stream = subprocess.run(["btrfs", "send", "-q", snapshot], capture_output=True, check=True).stdout
        done = subprocess.run(
            ["btrfs", "receive", into], input=stream[:most], capture_output=True, check=False
        )
        if most is None and done.returncode:
            raise OSError(done.stderr.decode())

    def scrub(self, after: Path) -> None:
        """Let a scrub run that begins in a later second than the snapshot was taken in."""
        taken = (
            _run("btrfs", "subvolume", "show", after).partition("Creation time:")[2].split("\n")[0].strip()
        )
        while time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime()) <= taken:
            time.sleep(0.02)
        subprocess.run(["btrfs", "scrub", "start", "-B", "-q", self.top], capture_output=True, check=False)

    def flip(self, number: int) -> None:
        """Flip bytes of file `number` on the disk, behind the file system's back."""
        self.unmount()
        needle = self.content(number)[8192:8256]
        data = self.image.read_bytes()
        at = data.index(needle)
        with self.image.open("r+b") as file:
            while at >= 0:
                file.seek(at)
                file.write(bytes(byte ^ 255 for byte in needle))
                at = data.find(needle, at + 1)
        self.mount()

    def close(self) -> None:
        """Unmount it and forget its scrubs."""
        try:
            uuid = _run("btrfs", "filesystem", "show", self.top).partition("uuid: ")[2].split()[0]
            for left in Path("/var/lib/btrfs").glob(f"scrub.*{uuid}*"):
                left.unlink()
        finally:
            self.unmount()


@contextmanager
def btrfs(folder: Path) -> Iterator[Btrfs]:
    """Make a btrfs file system below `folder` and take it down afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Btrfs(folder)
    made.make()
    try:
        yield made
    finally:
        made.close()
