"""gonogo diff: what is compared, what it says, and what its exit code may not hide."""

from __future__ import annotations

import json

import pytest

from checks.safe import safe
from checks.words import Status
from tests.agent.cli.past import HOSTILE, add_run, found, gonogo, project

P, W, F, INC = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE


@pytest.fixture
def past(tmp_path):
    file, plan = project(tmp_path)
    add_run(file, plan, "r1", ("line", found(P, "open")), ("loss", found(P, "0 lost", 24.0)), ago=300)
    add_run(file, plan, "r2", ("printer", found(P, "open")), ago=200)
    add_run(file, plan, "r3", ("line", found(F, "refused")), ("loss", found(P, "0 lost", 140.0)), ago=5)
    return file, plan


def test_without_words_the_run_before_is_compared_with_now_regressions_first(past):
    file, _ = past
    told = gonogo("diff", file, "--plain")
    assert told.exit_code == 4
    lines = told.stdout.splitlines()
    assert lines[0].startswith("Before  run r1, ")
    assert lines[1].startswith("After   now, ")
    assert "tested 2 of 2" in told.stdout
    order = [line.split()[1] for line in lines if line[:2] in ("!!", "  ", "++") and "  line" in line]
    assert order == ["regression"]
    assert told.stdout.index("regression  line") < told.stdout.index("value only  loss")
    assert "before  OK PASS  open" in told.stdout
    assert "after   !! FAIL  refused" in told.stdout
    assert "140 ms (x5.833)" in told.stdout


def test_exit_codes_hide_nothing(past, tmp_path):
    file, plan = past
    assert gonogo("diff", file, "r1", "r3").exit_code == 4
    assert gonogo("diff", file, "r3", "r1").exit_code == 0
    assert gonogo("diff", file, "r1", "r2").exit_code == 3, "nothing was tested on both sides"
    assert "No check was tested on both sides" in gonogo("diff", file, "r1", "r2").stdout
    add_run(file, plan, "r4", ("line", found(INC, "silence")), ("loss", found(P, "0 lost", 24.0)), ago=1)
    assert gonogo("diff", file, "r1", "r4").exit_code == 3
    assert gonogo("diff", file, "r1", "r1").exit_code == 0


def test_stale_results_of_today_are_no_longer_proven(tmp_path):
    file, plan = project(tmp_path)
    add_run(file, plan, "r1", ("line", found(P, "open")), ago=60 * 24 * 9)
    add_run(file, plan, "r2", ("line", found(P, "open")), ago=60 * 24 * 8)
    told = gonogo("diff", file)
    assert told.exit_code == 3
    assert "no longer proven  line" in told.stdout
    assert "~  STALE" in told.stdout


def test_json_tells_every_check_and_all_lists_what_is_the_same(past):
    file, _ = past
    told = json.loads(gonogo("diff", file, "r1", "now", "--json").stdout)
    assert {item["check"]: item["kind"] for item in told["changes"]} == {
        "line": "regression", "loss": "value only", "printer": "not compared",
    }  # fmt: skip
    assert told["compared"] == 2
    assert told["changes"][0]["after"]["findings"][0]["observed"] == "refused"
    assert told["before"]["name"] == "r1"
    assert "printer" not in gonogo("diff", file, "r1", "now").stdout
    assert "1 not compared" in gonogo("diff", file, "r1", "now").stdout
    assert "printer" in gonogo("diff", file, "r1", "now", "--all").stdout


@pytest.mark.parametrize("word", ["r", "nothing", HOSTILE, ""])
def test_what_names_no_run_ends_in_a_sentence(past, word):
    file, _ = past
    told = gonogo("diff", file, word)
    assert told.exit_code == 2
    assert "r3" in told.stderr
    assert safe(told.stderr.rstrip("\n"), limit=10**6, lines=True) == told.stderr.rstrip("\n")


def test_with_one_run_there_is_nothing_to_compare(tmp_path):
    file, plan = project(tmp_path)
    assert gonogo("diff", file).exit_code == 2
    add_run(file, plan, "r1", ("line", found(P, "open")))
    assert gonogo("diff", file).exit_code == 2


def test_a_killed_run_is_said_to_have_no_end(past):
    file, plan = past
    add_run(file, plan, "r4", ("line", found(P, "open")), ended=False)
    assert "did not end yet: it goes on, or was killed" in " ".join(
        gonogo("diff", file, "r1", "r4").stdout.split()
    )


def test_hostile_text_reaches_no_terminal(tmp_path):
    file, plan = project(tmp_path)
    bad = found(P, HOSTILE, subject=HOSTILE)
    add_run(file, plan, "r1", ("line", bad), seen={"name": HOSTILE})
    add_run(file, plan, "r2", ("line", found(F, HOSTILE + "2", subject=HOSTILE)), ago=1)
    told = gonogo("diff", file, "r1", "r2", "--all").stdout
    assert "\\x1b]52" in told
    assert safe(told, limit=10**6, lines=True) == told
