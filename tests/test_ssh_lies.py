"""Backups and servers over SSH that lie: what looks like a proof and is none never reads as one.

Each test makes, with the real tools, something that a check once took for good.
"""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from checks.backup._sums import NOTHING
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from tests.lab import backup_restic
from tests.lab.backup_files import aged, flip, manifest, settle, source
from tests.lab.backup_local import Ran, open_folder, run
from tests.lab.needs import need
from tests.local_remote import LocalRemote

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("ssh-lies")]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    need("restic", "rsync", "tar", "zstd", "xz", "mkfs.ext4", "mount")
    with open_folder() as made:
        settle(source(made))
        yield made


@pytest.fixture(scope="module")
def repo(folder: Path) -> Path:
    """Make a repository that another host has filled with sound data."""
    made = backup_restic.repository(folder / "repo")
    backup_restic.restic(made, "backup", "--host", "other.example.net", str(folder / "src"))
    return made


def looked(repo: Path, host: str, **more: Any) -> Ran:
    secret = f"env:{backup_restic.PASSWORD}"
    params = {"repo": str(repo), "repo_password": secret, "of_host": host, "min_level": 4}
    return run("backup.restic", params | more, LocalRemote())


def saved(repo: Path, host: str, path: Path) -> None:
    backup_restic.restic(repo, "backup", "--host", host, str(path))


def test_the_first_snapshot_of_a_symbolic_link_holds_no_data_however_whole_the_repository_is(folder, repo):
    (folder / "link").symlink_to(folder / "src")
    saved(repo, "linked", folder / "link")
    ran = looked(repo, "linked")
    assert (ran.status, ran.seen.proof_level) == ("fail", 2), ran.told
    assert "no file with content" in ran.told


def test_the_first_snapshot_of_a_folder_whose_disk_is_not_mounted_holds_nothing(folder, repo):
    (folder / "unmounted").mkdir()
    saved(repo, "unmounted", folder / "unmounted")
    ran = looked(repo, "unmounted")
    assert (ran.status, ran.seen.proof_level) == ("fail", 2), ran.told


def test_a_canary_of_no_bytes_sings_for_nobody(folder, repo):
    (folder / "src" / "canary").touch()
    saved(repo, "canary", folder / "src")
    canary = str(folder / "src" / "canary")
    with pytest.raises(ValidationError, match="proves nothing"):
        looked(repo, "canary", min_level=5, canary={"path": canary, "sha256": NOTHING})
    ran = looked(repo, "canary", min_level=5, live="/", canary={"path": canary})
    assert (ran.status, ran.seen.proof_level) == ("inconclusive", 4), ran.told
    assert "is empty" in ran.told


PACKS = {"zst": ("zstd", "-q", "--no-check"), "xz": ("xz", "-0", "--check=none")}


def packed(folder: Path, kind: str) -> Path:
    """Pack data that does not shrink without any checksum, and turn some of its bytes over."""
    inside = folder / f"in-{kind}"
    inside.mkdir()
    (inside / "data.bin").write_bytes(random.Random(kind).randbytes(200_000))
    manifest(inside, folder / f"{kind}.sums")
    at = folder / f"day.tar.{kind}"
    tar = subprocess.run(["tar", "-C", inside, "-cf", "-", "."], capture_output=True, check=True).stdout
    at.write_bytes(subprocess.run(PACKS[kind], input=tar, capture_output=True, check=True).stdout)
    flip(at)
    aged(at, 3600)
    return at


@pytest.mark.parametrize("kind", ["zst", "xz"])
def test_what_was_packed_without_checksums_is_not_proven_by_unpacking_it(folder, kind):
    at = packed(folder, kind)
    ran = run("backup.archive", {"path": str(at), "min_level": 4})
    assert (ran.status, ran.seen.proof_level) == ("inconclusive", 3), ran.told
    assert "checksums hold" not in ran.told
    ran = run("backup.archive", {"path": str(at), "min_level": 4, "manifest": str(folder / f"{kind}.sums")})
    assert (ran.status, ran.seen.proof_level) == ("fail", 3), ran.told


def mirrored(folder: Path, name: str, live: Path, **more: Any) -> Ran:
    remote = more.pop("remote", None)
    (folder / f"{name}.stamp").touch()
    params = {
        "path": str(folder / name), "live": str(live), "stamp": str(folder / f"{name}.stamp"), "min_level": 3,
        "layout": "rsync", **more,
    }  # fmt: skip
    return run("backup.tree", params, remote)


def test_hard_links_of_the_live_files_are_no_copies(folder):
    live = folder / "src"
    subprocess.run(["cp", "-al", live, folder / "linked"], check=True)
    ran = mirrored(folder, "linked", live)
    assert (ran.status, ran.seen.proof_level) == ("fail", 0), ran.told
    shutil.rmtree(folder / "linked" / "docs")
    shutil.copytree(live / "docs", folder / "linked" / "docs")
    ran = mirrored(folder, "linked", live)
    assert (ran.status, ran.seen.proof_level) == ("fail", 2), ran.told
    assert "readme.txt" in ran.told


def test_links_that_were_not_copied_are_missing(folder):
    live = folder / "linking"
    live.mkdir()
    (live / "file").write_text("content\n")
    (live / "link").symlink_to("file")
    aged(live, 86400)
    settle(live)
    subprocess.run(["rsync", "-a", "--no-links", f"{live}/", folder / "unlinked"], check=True)
    ran = mirrored(folder, "unlinked", live)
    assert (ran.status, ran.seen.proof_level) == ("fail", 2), ran.told
    assert "link" in ran.told


class Half(LocalRemote):
    """A host of which one answer comes in half."""

    async def run(self, command: Command) -> CommandResult:
        done = await super().run(command)
        if command.argv[3:4] != ("state of files",):
            return done
        return dataclasses.replace(done, stdout=done.stdout[: len(done.stdout) // 2])


def test_half_an_answer_on_a_file_that_is_missing_does_not_take_it_away(folder):
    live = folder / "halved"
    live.mkdir()
    for name in ("one", "two"):
        (live / name).write_text("content\n")
    aged(live, 86400)
    settle(live)
    subprocess.run(["rsync", "-a", "--exclude=two", f"{live}/", folder / "halved copy"], check=True)
    assert mirrored(folder, "halved copy", live).status == "fail"
    ran = mirrored(folder, "halved copy", live, remote=Half())
    assert (ran.status, ran.seen.proof_level) == ("inconclusive", 2), ran.told


@contextmanager
def disk(folder: Path, at: Path) -> Iterator[None]:
    """Mount a small disk."""
    image = folder / "disk.img"
    image.touch()
    os.truncate(image, 4 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, at], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", at], check=True)


def test_a_disk_below_the_live_files_that_is_not_backed_up_is_not_passed_over(folder):
    live = folder / "with disk"
    (live / "big disk").mkdir(parents=True)
    (live / "small").write_text("on the first disk\n")
    aged(live, 86400)
    settle(live)
    subprocess.run(["rsync", "-a", f"{live}/", folder / "mirror"], check=True)
    with disk(folder, live / "big disk"):
        (live / "big disk" / "everything").write_bytes(bytes(1000))
        aged(live / "big disk" / "everything", 86400)
        ran = mirrored(folder, "mirror", live)
        assert (ran.status, ran.seen.proof_level) == ("inconclusive", 2), ran.told
        assert "were not compared: big disk" in ran.told
        planned = mirrored(folder, "mirror", live, exclude=["/big disk"])
        assert (planned.status, planned.seen.proof_level) == ("pass", 3), planned.told
