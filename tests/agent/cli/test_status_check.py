"""gonogo status --check and --runs: all that the dashboard shows of a check and of the past."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agent.running import open_ledger
from checks.safe import safe
from checks.words import Status
from tests.agent.cli.past import HOSTILE, add_run, found, gonogo, project

P, W, F = Status.PASS, Status.WARN, Status.FAIL


@pytest.fixture
def past(tmp_path):
    file, plan = project(tmp_path)
    add_run(file, plan, "r1", ("loss", found(P, "0 lost", 24.0)), ("line", found(P, "open")), ago=300)
    add_run(file, plan, "r2", ("loss", found(F, "3 lost", 340.0)), ("line", found(P, "open")), ago=5)
    return file, plan


def words(text):
    return " ".join(text.split())


def test_a_check_is_told_whole(past):
    file, _ = past
    told = gonogo("status", file, "--check", "loss", "--plain")
    assert told.exit_code == 4
    said = words(told.stdout)
    for piece in (
        "!! FAIL loss", "gate line-live, required: !! FAIL", "call Swisscom NOC", "expected open",
        "observed 3 lost", "measured round trip 340 ms; limits warn 100 ms, fail 300 ms (teams)",
        "fix Mend it.", "asked about loss", "run r2, entry", "PF last 2, oldest left", "last pass",
        "first trouble", "24 to 340 ms, last 340 ms", "Changed since it passed", "then 0 lost", "now 3 lost",
        "Cannot prove:", "Source:",
    ):  # fmt: skip
        assert piece in said, piece


def test_json_has_the_same(past):
    file, plan = past
    told = json.loads(gonogo("status", file, "--check", "loss", "--json").stdout)
    assert told["check"]["owner"]["name"] == "Swisscom NOC"
    assert told["gates"][0]["standing"] == "fail"
    assert told["result"]["observation"] == {"seen": "loss"}
    assert told["result"]["notes"]
    assert [item["status"] for item in told["history"]["executions"]] == ["pass", "fail"]
    assert told["history"]["series"][0]["values"] == [24.0, 340.0]
    assert told["history"]["changed"][0]["after"] == "3 lost"
    assert told["explanation"]["type"] == plan.by_id["loss"].type


def test_exit_codes_follow_the_worst_gate(past):
    file, _ = past
    assert gonogo("status", file, "--check", "line").exit_code == 0
    never = gonogo("status", file, "--check", "printer")
    assert never.exit_code == 3
    assert "It was never run: nothing is known about it." in never.stdout
    assert "OK PASS" not in never.stdout


def test_an_old_pass_is_not_shown_as_one(tmp_path):
    file, plan = project(tmp_path)
    add_run(file, plan, "r1", ("line", found(P, "open")), ago=60 * 24 * 9)
    told = gonogo("status", file, "--check", "line")
    assert told.exit_code == 3
    assert told.stdout.startswith("~  STALE  line")
    assert "does not count now" in told.stdout


def test_what_is_no_check_is_said(past):
    file, _ = past
    assert "Did you mean 'loss'?" in gonogo("status", file, "--check", "los").stderr
    for more in (["--runs"], ["--nagios"], ["--all"], ["-m", "ready"]):
        assert gonogo("status", file, "--check", "loss", *more).exit_code == 2


def test_runs_are_listed_with_what_became_of_them(past):
    file, plan = past
    add_run(file, plan, "killed", ("line", found(P, "open")), ago=90, ended=False)
    with open_ledger(file, plan) as ledger:
        one = ledger.run("r1")
        ledger.begin_run(replace(one, id="stopped", finished=None, outcome=None))
        ledger.end_run("stopped", finished=one.started, outcome="cancelled")
    add_run(file, plan, "begun", ("line", found(P, "open")), ago=0, ended=False)
    gonogo("baseline", file, "handover", "--by", "Ann", "--run", "r1")
    told = gonogo("status", file, "--runs", "--plain")
    assert told.exit_code == 0
    heads = [line for line in told.stdout.splitlines() if not line.startswith((" ", "baseline"))]
    assert [(head.split()[0], head.rsplit("  ", 1)[1]) for head in heads] == [
        ("begun", "goes on"), ("stopped", "cancelled"), ("killed", "killed"), ("r2", "finished"),
        ("r1", "finished"),
    ]  # fmt: skip
    assert "0 of 2 checks tested" in told.stdout
    assert "2 not run" in told.stdout
    assert "1 fail, 1 pass" in told.stdout
    assert "baseline handover: run r1" in told.stdout
    data = json.loads(gonogo("status", file, "--runs", "--json").stdout)
    assert data["total"] == 5
    assert data["runs"][3]["counts"]["fail"] == 1
    assert data["runs"][4]["baselines"] == ["handover"]


def test_a_long_past_is_cut_and_says_so(tmp_path):
    file, plan = project(tmp_path)
    add_run(file, plan, "r", ("line", found(P, "open")))
    with open_ledger(file, plan) as ledger:
        one = ledger.run("r")
        for number in range(120):
            ledger.begin_run(replace(one, id=f"n{number}"))
    told = gonogo("status", file, "--runs").stdout
    assert "These are the newest 100 of 121 runs." in told


def test_hostile_text_reaches_no_terminal(tmp_path):
    file, plan = project(tmp_path)
    add_run(
        file, plan, HOSTILE, ("line", found(F, HOSTILE * 50, 3.0, subject=HOSTILE)), seen={"name": HOSTILE}
    )
    for args in (["--check", "line"], ["--runs"]):
        told = gonogo("status", file, *args).stdout
        assert "\\x1b]52" in told
        assert safe(told, limit=10**6, lines=True) == told
