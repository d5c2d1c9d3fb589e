"""gonogo attest: a statement in the ledger, for a manual check and for nothing else."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.attest import command
from agent.ledger.store import Ledger

ROOT = Path(__file__).parents[3]
PROJECT = """\
gonogo: 1
project: {name: Move, timezone: Europe/Zurich}
milestones:
  go: {title: Go}
checks:
  lines-labelled:
    type: manual
    milestone: go
    statement: The old lines are labelled.
  port: {type: network.tcp, milestone: go, target: 127.0.0.1, port: 9}
"""


@pytest.fixture
def project(tmp_path):
    path = tmp_path / "move.yaml"
    path.write_text(PROJECT)
    return path


def attest(*args):
    return CliRunner().invoke(command, [str(arg) for arg in args])


def status_after_run(project):
    done = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", "run", str(project), "--json",
         "--only", "lines-labelled"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    (result,) = [item for item in json.loads(done.stdout)["results"] if item["check"] == "lines-labelled"]
    return result["status"]


def test_it_counts_from_the_next_run_on_and_for_its_wording_only(project):
    assert status_after_run(project) == "inconclusive"
    assert attest(project, "lines-labelled", "--holds", "--by", "Ann").exit_code == 0
    assert status_after_run(project) == "pass"
    project.write_text(PROJECT.replace("are labelled", "are cut"))
    assert status_after_run(project) == "inconclusive"
    assert attest(project, "lines-labelled", "--fails", "--by", "Ann").exit_code == 0
    assert status_after_run(project) == "fail"


def statements(project):
    with Ledger.open(project.parent / ".gonogo" / "move.db", read_only=True) as ledger:
        return ledger.attestations()


@pytest.mark.parametrize(("flag", "holds"), [("--holds", True), ("--fails", False)])
def test_it_is_written_with_name_time_wording_and_hashes(project, tmp_path, flag, holds):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8 photo")
    done = attest(
        project, "lines-labelled", flag, "--by", " Ann Example ", "--note", "all 12", "--attach", photo
    )
    assert done.exit_code == 0, done.output
    assert "Ann Example" in done.output
    (made,) = statements(project).values()
    assert (made.holds, made.by, made.note) == (holds, "Ann Example", "all 12")
    assert made.statement == "The old lines are labelled."
    assert made.at.tzinfo is not None
    assert made.attachments == (("photo.jpg", hashlib.sha256(b"\xff\xd8 photo").hexdigest()),)


def test_the_newest_counts(project):
    for flag in ("--holds", "--fails"):
        assert attest(project, "lines-labelled", flag, "--by", "Ann").exit_code == 0
    assert statements(project)["lines-labelled"].holds is False


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["lines-labeled", "--holds", "--by", "Ann"], "did you mean 'lines-labelled'"),
        (["whatever", "--holds", "--by", "Ann"], "its manual checks are: lines-labelled"),
        (["port", "--holds", "--by", "Ann"], "no statement replaces that"),
        (["lines-labelled", "--by", "Ann"], "--holds or --fails"),
        (["lines-labelled", "--holds"], "Say who states it"),
        (["lines-labelled", "--holds", "--by", "  "], "Say who states it"),
        (["lines-labelled", "--holds", "--by", "Ann", "--attach", "/nowhere/photo"], "cannot be read"),
        (["lines-labelled", "--holds", "--by", "A" * 5000], "at most"),
    ],
)
def test_what_cannot_be_written_down_is_said_and_leaves_no_trace(project, args, said):
    done = attest(project, *args)
    assert done.exit_code == 2
    assert said in done.output
    assert not (project.parent / ".gonogo").exists()


def test_a_name_that_a_terminal_would_obey_is_refused_and_shown_harmless(project):
    done = attest(project, "lines-labelled", "--holds", "--by", "Ann\x1b[2J")
    assert done.exit_code == 2
    assert "cannot be seen: Ann\\x1b[2J" in done.output
    assert "\x1b" not in done.output
    assert not (project.parent / ".gonogo").exists()


def test_a_hostile_note_is_kept_raw_and_shown_harmless(project):
    done = attest(project, "lines-labelled", "--holds", "--by", "Ann", "--note", "seen\x1b]52;c;eA==\x07")
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert statements(project)["lines-labelled"].note == "seen\x1b]52;c;eA==\x07"


def test_every_problem_is_said_at_once(project):
    done = attest(project, "lines-labelled", "--attach", "/nowhere/photo", "--note", "n" * 5000)
    assert done.exit_code == 2
    for said in ("--holds or --fails: Say", "--by: Say who", "--note: The note has", "--attach: The attach"):
        assert said in done.output


def test_it_says_which_gate_waits_for_the_next_run(project):
    done = attest(project, "lines-labelled", "--holds", "--by", "Ann")
    assert "go: INCOMPLETE, as before (2 not run left)" in done.output
