"""gonogo baseline: a name for a run, and nothing that could be taken for something else."""

from __future__ import annotations

import json

import pytest

from checks.safe import safe
from checks.words import Status
from tests.agent.cli.past import HOSTILE, add_run, found, gonogo, project


@pytest.fixture
def past(tmp_path):
    file, plan = project(tmp_path)
    for number in (1, 2):
        add_run(file, plan, f"run{number}", ("line", found(Status.PASS, "open")), ago=60 / number)
    return file, plan


def listed(file):
    return json.loads(gonogo("baseline", file, "--json").stdout)["baselines"]


def test_the_last_run_is_named_and_compared_with(past):
    file, _ = past
    assert "There is no baseline yet" in gonogo("baseline", file).stdout
    told = gonogo("baseline", file, "handover", "--by", "Ann Rey")
    assert told.exit_code == 0
    assert "handover is the run run2" in told.stderr
    assert [(item["name"], item["run"], item["by"]) for item in listed(file)] == [
        ("handover", "run2", "Ann Rey")
    ]
    assert "baseline handover (run2)" in gonogo("diff", file, "handover").stdout
    assert "handover  run run2" in gonogo("baseline", file).stdout


def test_a_name_given_again_stands_for_the_new_run_and_says_so(past):
    file, _ = past
    gonogo("baseline", file, "handover", "--by", "Ann", "--run", "run1")
    told = gonogo("baseline", file, "handover", "--by", "Ann", "--run", "run2")
    assert "stood for the run run1 until now" in told.stderr
    assert [item["run"] for item in listed(file)] == ["run2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["handover"], "Say who names it"),
        (["", "--by", "Ann"], "Give it a name"),
        (["now", "--by", "Ann"], "stand for today's results"),
        (["LAST", "--by", "Ann"], "stand for today's results"),
        (["run1", "--by", "Ann"], "taken for a run"),
        (["ru", "--by", "Ann"], "taken for a run"),
        ([HOSTILE, "--by", "Ann"], "all of them visible"),
        (["x" * 81, "--by", "Ann"], "at most 80"),
        (["handover", "--by", HOSTILE], "visible characters"),
        (["handover", "--by", "Ann", "--run", "run"], "several runs"),
        (["handover", "--by", "Ann", "--run", "run9"], "names no run"),
        (["handover", "--by", "Ann", "--run", "now"], "names no run"),
        (["handover", "--by", "Ann", "--json"], "goes without a name"),
        (["--by", "Ann"], "which name"),
        (["--", "-x", "--by", "Ann"], "Got unexpected"),
    ],
)
def test_nonsense_is_refused_and_nothing_is_kept(past, words, said):
    file, _ = past
    told = gonogo("baseline", file, *words)
    assert told.exit_code == 2
    assert said in told.stderr
    assert safe(told.stderr, limit=10**6, lines=True) == told.stderr
    assert listed(file) == []


def test_a_run_without_results_or_that_goes_on_is_refused_and_a_partial_one_is_said(past):
    file, plan = past
    add_run(file, plan, "empty")
    assert "has no result" in gonogo("baseline", file, "handover", "--by", "Ann").stderr
    add_run(file, plan, "begun", ("line", found(Status.PASS, "open")), ago=0, ended=False)
    assert "goes on" in gonogo("baseline", file, "handover", "--by", "Ann").stderr
    assert listed(file) == []
    from dataclasses import replace

    from agent.running import open_ledger
    from tests.tui.office import result

    with open_ledger(file, plan) as ledger:
        one = ledger.run("run1")
        ledger.begin_run(replace(one, id="killed", finished=None, outcome=None, selected=("line", "loss")))
        writer = ledger.writer(lambda _: None, lambda _, why: pytest.fail(str(why)))
        writer.put(result(plan, "line", one.started, found(Status.PASS, "open"), run="killed"))
        writer.close()
    assert (
        "It tested 1 of its 2 checks"
        in gonogo("baseline", file, "handover", "--by", "Ann", "--run", "killed").stderr
    )
