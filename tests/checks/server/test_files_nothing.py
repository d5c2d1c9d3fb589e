"""Trees that are alike and prove nothing, and a clone that is no old server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checks.remote.check import Login
from checks.server._tree_read import read_sums
from checks.server._tree_script import BUCKETS, TREE
from checks.server._tree_seen import FilesSeen, Sampled, Side
from checks.server.files import Files
from checks.words import Status, worst

CHECK = Files(host="192.0.2.2", user="tech", path="/srv", source=Login(host="192.0.2.1"))


def side(name: str, **more: object) -> Side:
    given = {
        "path": "/srv",
        "entries": 7,
        "files": 5,
        "folders": 2,
        "bytes": 10,
        "machine": "m 1",
        "root": name,
    }
    return Side(name=name, **{**given, **more})  # type: ignore[arg-type]


def told(old: Side, new: Side) -> tuple[Status, str]:
    same = Sampled(path="a", outcome="same")
    findings = list(CHECK.judge(FilesSeen(source=old, target=new, sample=(same,), population=old.files)))
    return worst(one.status for one in findings), "\n".join(one.message for one in findings)


def test_trees_with_content_pass() -> None:
    assert told(side("old"), side("new"))[0] is Status.PASS


@pytest.mark.parametrize(
    "hollow", [{"files": 0, "folders": 7, "bytes": 0}, {"bytes": 0}], ids=["folders alone", "empty files"]
)
def test_trees_that_hold_no_byte_are_alike_and_prove_nothing(hollow: dict[str, object]) -> None:
    status, text = told(side("old", **hollow), side("new", **hollow))
    assert status is Status.INCONCLUSIVE
    assert "holds a byte" in text


def test_a_clone_of_a_machine_that_was_started_by_itself_is_another_one() -> None:
    assert told(side("old", root="8:2"), side("new", root="8:2"))[0] is Status.INCONCLUSIVE
    assert told(side("old", root="8:2"), side("new", root="8:2", machine="m 2"))[0] is Status.PASS


@pytest.mark.lab
def test_a_machine_is_known_by_its_start(tmp_path: Path) -> None:
    argv = TREE(str(tmp_path), "sums", "0", "1", str(BUCKETS), "").argv
    sums = read_sums(subprocess.run(argv, capture_output=True, check=True).stdout)
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() in sums.machine
