"""backup.tree: stamps, logs and copies that would make it read better than it is.

The forms of a tree are run over a real SSH server in tests/test_backup_matrix.py.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.backup._tree_host import parse_stamp, temporary
from checks.backup._tree_live import parse_compared
from checks.backup._tree_log import runs
from checks.backup._tree_rdiff import parse_sessions
from checks.backup.tree import Tree
from checks.vantage import CannotTell
from tests.lab.backup_files import aged, settle, source
from tests.lab.backup_local import Ran, open_folder, run
from tests.lab.needs import need

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("tree")]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    need("rsync", "setpriv")
    with open_folder() as made:
        settle(source(made))
        yield made


def copied(folder: Path, name: str, *words: str) -> Path:
    subprocess.run(["rsync", *words, f"{folder}/src/", folder / name], check=True)
    (folder / f"{name}.stamp").touch()
    return folder / name


def look(folder: Path, at: Path, **more: Any) -> Ran:
    params = {
        "path": str(at), "live": str(folder / "src"), "stamp": f"{at}.stamp", "min_level": 5,
        "sample_files": 20, **more,
    }  # fmt: skip
    return run("backup.tree", params)


def test_it_changes_nothing(folder):
    at = copied(folder, "same", "-a")
    before = times(at)
    assert look(folder, at).seen.proof_level == 5
    assert times(at) == before


def times(at: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in (at, *at.rglob("*"))}


def test_a_job_that_keeps_no_times_is_compared_by_size(folder):
    ran = look(folder, copied(folder, "timeless", "-r"))
    assert "by size alone" in ran.told
    assert ran.seen.proof_level == 5


def test_a_file_with_another_time_than_the_others_may_be_of_before(folder):
    at = copied(folder, "stale", "-a")
    aged(at / "docs" / "file 1.bin", 86400 * 30)
    ran = look(folder, at)
    assert (ran.status, ran.seen.proof_level) == ("inconclusive", 2), ran.told
    assert "may be of before" in ran.told


def test_an_old_file_that_was_moved_in_since_is_neither_lost_nor_there(folder):
    at = copied(folder, "moved", "-a")
    settle(folder / "moved.stamp")
    new = folder / "src" / "moved in.bin"
    try:
        new.write_bytes(b"x" * 100)
        aged(new, 86400 * 20)
        ran = look(folder, at)
    finally:
        new.unlink()
    assert (ran.status, ran.seen.proof_level) == ("inconclusive", 2), ran.told
    assert "moved in.bin" in ran.told


def test_a_file_that_was_written_since_need_not_be_there(folder):
    at = copied(folder, "written", "-a")
    new = folder / "src" / "new.bin"
    try:
        new.write_bytes(b"x" * 100)
        os.utime(new, (time.time() + 60,) * 2)
        ran = look(folder, at)
    finally:
        new.unlink()
    assert (ran.status, ran.seen.proof_level) == ("pass", 5), ran.told
    assert "1 more have changed since" in ran.told


def test_what_is_left_out_on_purpose_is_not_missed(folder):
    at = copied(folder, "without", "-a", "--exclude=*.txt")
    assert look(folder, at).status == "fail"
    assert look(folder, at, exclude=["*.txt"]).status == "pass"


def test_a_lock_of_a_process_that_is_no_more_does_not_hold(folder):
    at = copied(folder, "stale-lock", "-a")
    done = subprocess.Popen(["true"])
    done.wait()
    (folder / "old.pid").write_text(f"{done.pid}\n")
    ran = look(folder, at, lock=str(folder / "old.pid"))
    assert ran.seen.proof_level == 5
    assert "is no more" in ran.told


@pytest.mark.parametrize(("mtime", "content", "at"), [
    ("1800000000", "", 1800000000),
    ("1800000000", "1799990000\n", 1799990000),
    ("1800000000", "2027-01-15T00:00:00+01:00", 1799967600),
    ("1800000000", "2027-01-15 00:00:00", 1800000000),
    ("1800000000", "99999999999999999999", 1800000000),
    ("", "", None),
])  # fmt: skip
def test_a_stamp_says_a_time_with_its_zone_or_its_own(mtime, content, at):
    assert parse_stamp(mtime, content) == (None if at is None else datetime.fromtimestamp(at, UTC))


@pytest.mark.parametrize(("path", "is_one"), [
    ("docs/.file.txt.Xa3bQ9", True), (".x.AAAAAA", True), ("docs/.~tmp~/file", True),
    (".rsync-partial/file", True), (".config.backup", False), ("docs/file.Xa3bQ9", False),
    (".bashrc", False), ("a/.b/c.A1b2C3", False), (".x.Xa3bQ99", False),
])  # fmt: skip
def test_names_of_rsync_that_are_not_finished(path, is_one):
    assert (temporary([path]) == [path]) is is_one


RSYNC = (
    "2026/11/22 01:00:00 [10] building file list",
    "2026/11/22 01:00:09 [10] sent 5,000 bytes  received 30 bytes  100 bytes/sec",
    "2026/11/23 01:00:00 [11] building file list",
)  # fmt: skip


@pytest.mark.parametrize(("lines", "outcomes"), [
    (RSYNC[:2], ["success"]),
    (RSYNC[:1], ["unfinished"]),
    (RSYNC, ["success", "unfinished"]),
    ((*RSYNC, "2026/11/23 01:00:02 [11] rsync error: some files (code 23)"), ["success", "failure"]),
    ((*RSYNC[:2], "2026/11/22 01:00:10 [10] rsync error: late (code 23)"), ["failure"]),
    (("[2026-11-22T01:00:00] /usr/bin/rsnapshot daily: started",
      "[2026-11-22T01:00:09] /usr/bin/rsnapshot daily: completed successfully"), ["success"]),
    (("[2026-11-22T01:00:00] /usr/bin/rsnapshot daily: started",
      "[2026-11-22T01:00:05] /usr/bin/rsnapshot daily: ERROR: rsync failed",
      "[2026-11-22T01:00:09] /usr/bin/rsnapshot daily: completed successfully"), ["failure"]),
    (("[2026-11-22T01:00:00] /usr/bin/rsnapshot daily: started",
      "[2026-11-22T01:00:09] /usr/bin/rsnapshot daily: completed, but with some warnings"), ["failure"]),
    (("[2026-11-22T01:00:09] /usr/bin/rsnapshot daily: completed successfully",), []),
    (("completed successfully", "sent 5 bytes  received 3 bytes"), []),
])  # fmt: skip
def test_a_run_succeeded_only_if_its_log_tells_of_begin_and_end_and_no_error(lines, outcomes):
    assert [run.outcome for run in runs(lines)] == outcomes


@pytest.mark.parametrize("text", [
    b"", b"Number of files: 5 (reg: 3, dir: 2)\n", b"Number of files: 5 (dir: 5)\nended 0\n", b"ended 0\n",
    b"Number of files: 5 (reg: 3, dir: 2)\nended 23\n", b"Number of files: 5 (reg: 3, dir: 2)\nended 127\n",
])  # fmt: skip
def test_a_comparison_that_did_not_see_all_is_none(text):
    with pytest.raises(CannotTell):
        parse_compared(text, "rsync: opendir failed: Permission denied (13)")


@pytest.mark.parametrize("params", [
    {"path": "/b", "subtree": "/srv"}, {"path": "/b", "subtree": "a/../../etc"},
    {"path": "/b", "subtree": "a", "layout": "rdiff-backup"},
])  # fmt: skip
def test_a_subtree_lies_below_the_path(params):
    with pytest.raises(ValueError, match="subtree"):
        Tree(host="192.0.2.7", user="tech", **params)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=200))
def test_no_answer_of_a_host_breaks_a_parser(output, text):
    runs(text.split("\n"))
    temporary([text])
    parse_stamp(text, text)
    for one in (text, f"{text}\nend", f"session session_statistics.2026-11-22T01:00:00Z.data\n{text}\nend"):
        with contextlib.suppress(CannotTell):
            parse_sessions(one)
    for data in (output, output + b"\nended 0\n", b"Number of files: 5 (reg: 3)\n" + output + b"\nended 0\n"):
        with contextlib.suppress(CannotTell):
            parse_compared(data, text)
