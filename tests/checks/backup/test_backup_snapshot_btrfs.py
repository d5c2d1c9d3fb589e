"""backup.snapshot on real btrfs: no snapshot is better than what was looked at."""

from __future__ import annotations

import asyncio
import os
import subprocess

import pytest

from checks.backup._btrfs import parts, shown
from checks.backup.snapshot import Snapshot
from checks.contract import Status, worst
from checks.vantage import CannotTell
from tests.lab.btrfs import FILES, Btrfs, btrfs
from tests.lab.needs import need
from tests.local_remote import LocalRemote
from tests.scripted_remote import climbed, outcomes, told

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("btrfs")]


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    need("mkfs.btrfs", "btrfs", "findmnt", "lsattr")
    with btrfs(tmp_path_factory.mktemp("btrfs")) as made:
        yield made


def looked(path, *, offset_s=0.0, **params):
    check = Snapshot(host="files.example.net", user="tech", layout="btrfs", path=str(path), **params)
    seen = asyncio.run(climbed(check, LocalRemote(offset_s=offset_s)))
    return check, seen, worst(finding.status for finding in check.judge(seen))


def removed(path):
    subprocess.run(["btrfs", "subvolume", "delete", "-c", path], check=True, capture_output=True)


@pytest.fixture
def snap(disk):
    """A good snapshot of today, removed afterwards."""
    path = disk.snapshot("good")
    yield path
    removed(path)


def test_no_snapshot(disk):
    check, seen, status = looked(disk.live)
    assert (seen.proof_level, status, seen.newest) == (0, Status.FAIL, None), told(check, seen)


def test_a_good_one_is_a_rollback_point_and_no_backup(disk, snap):
    check, seen, status = looked(disk.live)
    assert (seen.proof_level, status) == (3, Status.PASS), told(check, seen)
    assert "not a backup" in told(check, seen)
    assert 0 <= seen.age_s < 60


def test_of_another_volume_is_none(disk, snap):
    other = disk.top / "other"
    subprocess.run(["btrfs", "subvolume", "create", other], check=True, capture_output=True)
    try:
        check, seen, status = looked(other)
        assert (seen.proof_level, status) == (0, Status.FAIL), told(check, seen)
    finally:
        removed(other)


def test_old(disk, snap):
    check, seen, status = looked(disk.live, offset_s=3 * 86400)
    assert (seen.proof_level, status) == (3, Status.FAIL), told(check, seen)
    assert seen.age_s > 2 * 86400


def test_older_than_the_freeze(disk, snap):
    check, seen, status = looked(disk.live, newer_than="2099-01-01T00:00:00Z")
    assert status is Status.FAIL
    assert "older than the freeze" in told(check, seen)


def test_read_and_sampled(disk, snap):
    check, seen, status = looked(disk.live, min_level=5, live=str(disk.live))
    assert (seen.proof_level, status) == (5, Status.PASS), told(check, seen)
    assert seen.files == FILES
    assert seen.sample is not None
    assert {row.outcome for row in seen.sample.files} == {"same"}


def test_a_live_file_that_was_changed_without_its_time(disk, snap):
    """The file of today is another one, although its times and size are those of the backup."""
    victim = disk.live / "file 3.bin"
    before = victim.read_bytes()
    state = victim.stat()
    victim.write_bytes(bytes(reversed(before)))
    os.utime(victim, ns=(state.st_atime_ns, state.st_mtime_ns))
    try:
        _, seen, _ = looked(disk.live, min_level=5, live=str(disk.live), sample_files=FILES)
        assert seen.sample is not None
        rows = {row.path: row.outcome for row in seen.sample.files}
        assert rows["file 3.bin"] == "doubtful"
        assert seen.proof_level < 5
    finally:
        victim.write_bytes(before)
        os.utime(victim, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_one_that_can_be_written_to(disk):
    path = disk.snapshot("writable", readonly=False)
    try:
        check, seen, status = looked(disk.live, min_level=5, live=str(disk.live))
        assert (seen.proof_level, status) == (2, Status.FAIL), told(check, seen)
        assert "can be written to" in told(check, seen)
    finally:
        removed(path)


def test_the_newest_counts(disk, snap):
    path = disk.snapshot("a later one", readonly=False)
    try:
        _, seen, status = looked(disk.live)
        assert (seen.proof_level, status) == (2, Status.FAIL)
        assert len(seen.history) == 1
    finally:
        removed(path)


def test_what_is_a_subvolume_of_its_own_is_not_in_it(disk):
    for inner in (disk.live / "projects", disk.live / ".snapshots"):
        subprocess.run(["btrfs", "subvolume", "create", inner], check=True, capture_output=True)
    (disk.live / "projects" / "plan.txt").write_text("not in any snapshot of files")
    path = disk.snapshot("with a hole")
    try:
        assert not (path / "projects" / "plan.txt").exists()
        check, seen, status = looked(disk.live)
        assert (seen.proof_level, status) == (2, Status.FAIL), told(check, seen)
        assert "projects" in told(check, seen)
        assert ".snapshots" not in told(check, seen)
        assert looked(disk.live, without=("projects",))[2] is Status.PASS
    finally:
        removed(path)
        removed(disk.live / "projects")
        removed(disk.live / ".snapshots")


def test_data_without_checksums_is_not_proven_by_reading(disk):
    bare = disk.live / "database.bin"
    bare.touch()
    subprocess.run(["chattr", "+C", bare], check=True)
    bare.write_bytes(os.urandom(65536))
    path = disk.snapshot("bare")
    try:
        check, seen, status = looked(disk.live, min_level=4)
        assert (seen.proof_level, status) == (3, Status.INCONCLUSIVE), told(check, seen)
        assert "without checksums" in told(check, seen)
    finally:
        removed(path)
        bare.unlink()


def test_a_scrub_before_the_snapshot_proves_nothing_of_it(disk):
    first = disk.snapshot("first")
    disk.scrub(first)
    later = disk.snapshot("later")
    try:
        check, seen, status = looked(disk.live, min_level=4)
        assert (seen.proof_level, status) == (4, Status.PASS)
        assert "past the page cache" in told(check, seen)
        disk.scrub(later)
        check, seen, status = looked(disk.live, min_level=4)
        assert (seen.proof_level, status) == (4, Status.PASS)
        assert "A scrub that began after it" in told(check, seen)
    finally:
        removed(first)
        removed(later)


def test_received(disk, tmp_path):
    received = disk.top / "received"
    received.mkdir()
    sent = disk.snapshot("files.20261101T0300+0100")
    try:
        check, seen, status = looked(received, received=True)
        assert (seen.proof_level, status) == (0, Status.FAIL), told(check, seen)
        disk.receive(sent, received)
        check, seen, status = looked(received, received=True, min_level=4, rpo=10 * 365 * 86400)
        assert (seen.proof_level, status) == (4, Status.PASS), told(check, seen)
        assert seen.newest == "2026-11-01T02:00:00.000000Z"
        half = disk.snapshot("files.20261102T0300+0100")
        disk.receive(half, received, most=200_000)
        assert (received / half.name).is_dir()
        check, seen, status = looked(received, received=True, min_level=4, rpo=10 * 365 * 86400)
        removed(half)
        assert (seen.proof_level, status) == (2, Status.INCONCLUSIVE), told(check, seen)
        assert "not received to its end" in told(check, seen)
    finally:
        for path in received.iterdir():
            removed(path)
        removed(sent)
        received.rmdir()


def test_received_without_a_date_has_no_age(disk):
    received = disk.top / "nameless"
    received.mkdir()
    sent = disk.snapshot("nightly")
    disk.receive(sent, received)
    try:
        check, seen, status = looked(received, received=True)
        assert (seen.age_s, status) == (None, Status.INCONCLUSIVE), told(check, seen)
    finally:
        removed(received / "nightly")
        removed(sent)
        received.rmdir()


def test_no_btrfs(tmp_path):
    need("btrfs")
    check, seen, status = looked(tmp_path)
    assert (seen.proof_level, status) == (0, Status.INCONCLUSIVE), told(check, seen)


def test_flipped_on_the_disk(tmp_path):
    need("mkfs.btrfs", "btrfs", "findmnt", "lsattr")
    with btrfs(tmp_path / "own") as disk:
        snap = disk.snapshot("flipped")
        disk.flip(5)
        check, seen, status = looked(disk.live, min_level=4)
        assert (seen.proof_level, status) == (3, Status.FAIL), told(check, seen)
        assert "file 5.bin" in told(check, seen)
        check, seen, status = looked(disk.live, min_level=5, live=str(disk.live), sample_files=FILES)
        assert (seen.proof_level, status) == (3, Status.FAIL), told(check, seen)
        disk.scrub(snap)
        check, seen, status = looked(disk.live, min_level=4)
        assert (seen.proof_level, status) == (3, Status.FAIL), told(check, seen)
        assert "could not mend" in told(check, seen)
        assert outcomes(seen)[4] == {"failed"}


def test_a_cut_answer_is_none():
    with pytest.raises(CannotTell):
        parts(b"a\0b\0c", 5)
    with pytest.raises(CannotTell):
        shown("snap\n\tName: \t\tsnap\n\tUUID: \t\tx")


def test_a_name_cannot_make_it_read_only():
    when = "2026-11-23 08:43:23 +0000"
    honest = f"snaps/x\n\tName: \t\tx\n\tUUID: \t\t1\n\tCreation time: \t{when}\n\tFlags: \t\t-\n"
    assert shown(honest).readonly is False
    with pytest.raises(CannotTell):
        shown(honest.replace("Name: \t\tx", "Name: \t\tx\n\tFlags: \t\treadonly"))


def test_the_disk_is_taken_down(tmp_path):
    need("mkfs.btrfs", "btrfs")
    with pytest.raises(RuntimeError), btrfs(tmp_path / "gone") as disk:
        assert isinstance(disk, Btrfs)
        raise RuntimeError
    assert not os.path.ismount(tmp_path / "gone" / "top")
