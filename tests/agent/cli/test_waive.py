"""gonogo waive: an accepted risk in the ledger, what becomes of the gates, and every problem at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from agent.cli import main
from tests.agent.cli.undecided import UNTESTED, entries, run_again, undecided
from tests.tui.office import REFUSED

REASON = "The file server is moved on Monday, nobody needs it before."
ALL = ("--risk", "low", "--by", "Ann Rey", "--approver", "Urs Lind", "--ticket", "CHG-1", "--reason", REASON)


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("GONOGO_NO_CACHE", "1")


@pytest.fixture
def project(tmp_path):
    return undecided(tmp_path)


def run(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def in_days(days):
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d %H:%M}Z"


def waive(project, check="files", *args, days=3):
    return run("waive", project, check, *ALL, "--expires", in_days(days), *args)


def words(done):
    return " ".join(done.output.split())


def status(project):
    return json.loads(run("status", project, "--json").output)


def test_it_is_written_with_all_that_was_seen_and_the_gates_are_told_before_and_after(project):
    done = waive(project)
    assert done.exit_code == 0, done.output
    assert "files stands fail, and Ann Rey accepts it at low risk until" in done.output
    assert "CET, approved by Urs Lind. The result stays what it is." in words(done)
    assert "  ready: was NO-GO, is GO WITH WAIVERS\n" in done.output
    assert "  open: was INCOMPLETE, is GO WITH WAIVERS" in done.output
    with entries(project) as ledger:
        (made,) = ledger.waivers()
        digest = ledger.latest()["files"].digest
        assert ledger.verify() == []
    assert (made.check, made.reason, made.risk, made.ticket) == ("files", REASON, "low", "CHG-1")
    assert (made.author, made.approver, made.standing, made.digest) == ("Ann Rey", "Urs Lind", "fail", digest)
    told = run("status", project)
    assert told.exit_code == 0
    assert "!! FAIL  files" in told.output
    assert "W  WAIVED  files  until" in told.output
    for said in (
        "accepted fail, at low risk",
        "by Ann Rey, approved by Urs Lind",
        "ticket CHG-1",
        "reason The",
    ):
        assert said in words(told)
    (waiver,) = status(project)["waivers"]
    assert (waiver["check"], waiver["became"], waiver["ends_soon"]) == ("files", "covers", False)
    assert (waiver["author"], waiver["approver"], waiver["ticket"]) == ("Ann Rey", "Urs Lind", "CHG-1")


def test_what_is_left_is_counted(project):
    run_again(project, "r2", files=UNTESTED)
    more = "type: network.tcp, milestone: ready, target: 192.0.2.9"
    lines = (f"  more{port}: {{{more}, port: {port}}}\n" for port in (80, 81))
    project.write_text(project.read_text() + "".join(lines))
    done = waive(project)
    assert done.exit_code == 0, done.output
    assert "  ready: INCOMPLETE, as before (2 not run left)\n" in done.output
    done = waive(project, "more80")
    assert "  ready: INCOMPLETE, as before (1 not run left)\n" in done.output


def test_a_risk_accepted_for_what_was_not_tested_covers_no_failure_and_that_is_said(project):
    run_again(project, "r2", files=UNTESTED)
    assert waive(project).exit_code == 0
    assert run("status", project).exit_code == 0
    run_again(project, "r3", files=REFUSED)
    told = run("status", project)
    assert told.exit_code == 4
    assert "!! NOT WAIVED  files" in told.output
    assert "but Urs Lind accepted inconclusive, and fail is worse" in words(told)
    (waiver,) = status(project)["waivers"]
    assert (waiver["became"], waiver["why"]) == (
        "does not cover", "Urs Lind accepted inconclusive, and fail is worse",
    )  # fmt: skip


def test_one_that_ends_soon_is_said_and_so_is_one_that_is_no_longer_needed(project):
    assert waive(project, days=0.5).exit_code == 0
    assert "it ends soon, mend it or have it accepted anew" in words(run("status", project))
    run_again(project, "r2")
    told = run("status", project)
    assert told.exit_code == 0
    assert "WAIVED" not in told.output
    assert status(project)["waivers"][0]["became"] == "not needed"


def test_every_problem_is_said_beside_its_option_and_nothing_is_written(project):
    done = run("waive", project, "fiels", "--by", "Ann Rey", "--approver", "ann rey")
    assert done.exit_code == 2
    assert done.output.startswith("Nothing was written down.\n")
    for said in (
        "  The project has no check 'fiels': did you mean 'files'?\n", "  --reason: The reason must tell",
        "  --risk: Say how high the risk is: low, medium or high.\n", "  --approver: The approver must be",
        "  --expires: Say until when",
    ):  # fmt: skip
        assert said in done.output
    with entries(project) as ledger:
        assert ledger.waivers() == []


@pytest.mark.parametrize(
    ("check", "args", "said"),
    [
        ("line", (), "The check 'line' passes: there is nothing to waive."),
        ("paper", (), "No gate requires the check 'paper'"),
        ("files", ("--by", "Urs Lind."), "--approver: The approver must be another person than the author"),
        ("files", ("--expires", "2020-01-01 10:00"), "--expires: A waiver ends in the future"),
        ("files", ("--expires", "2199-01-01 10:00"), "at most 400 days"),
        ("files", ("--by", "Ann\x1b[2J Rey"), "--by: The name contains characters that cannot be seen"),
    ],
)
def test_what_is_no_waiver_is_refused(project, check, args, said):
    done = waive(project, check, *args)
    assert done.exit_code == 2
    assert said in done.output
    assert "\x1b" not in done.output
    with entries(project) as ledger:
        assert ledger.waivers() == []


def test_without_a_ledger_nothing_is_created_by_a_refusal(project, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    file = other / "move.yaml"
    file.write_text(project.read_text())
    assert run("waive", file, "files").exit_code == 2
    assert not (other / ".gonogo").exists()
    done = waive(file)
    assert done.exit_code == 0
    assert "files stands not run" in done.output
    assert "ready: INCOMPLETE, as before (1 not run left)" in done.output


def test_a_ledger_that_cannot_be_read_decides_nothing(project):
    (project.parent / ".gonogo" / "move.db").write_bytes(b"no database" * 1000)
    done = waive(project)
    assert done.exit_code == 2
    assert "Written down" not in done.output


def test_a_hostile_reason_is_kept_raw_and_shown_harmless(project):
    bad = f"{REASON}\x1b]52;c;eA==\x07 [/] \u202e"
    assert waive(project, "files", "--reason", bad).exit_code == 0
    told = run("status", project)
    assert not {"\x1b", "\x07", "\u202e"} & set(told.output)
    with entries(project) as ledger:
        assert ledger.waivers()[0].reason == bad
