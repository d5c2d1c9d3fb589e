"""Attacks on what is watched, decided and compared: each is a way in which it said what was not so."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent import sources
from agent.board import Board
from agent.decide import as_of
from agent.diff import Kind
from agent.files.load import load_plan
from agent.ledger import ledger_path
from agent.ledger.follow import RETRY_S
from agent.running import open_ledger, stand
from agent.verdict import GOES, Standing, Verdict
from agent.watch import Watch
from checks.words import Status
from tests.agent.test_board import known, milestone, picture, plan_of, planned
from tests.agent.test_diff import both
from tests.agent.test_watch import (
    FILE,
    NOON,
    all_pass,
    assert_nothing_goes,
    look,
    standings,
    wait_for,
    words,
)
from tests.tui.office import FAILED, passed, result, store_run, write_project

P, W, F, INC, B = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE, Status.BLOCKED


@pytest.fixture(autouse=True)
def quick(monkeypatch: Any) -> None:
    monkeypatch.setattr(sources, "SURE_S", 0.0)
    monkeypatch.setattr(sources, "QUICK_S", 30.0)
    monkeypatch.setenv("GONOGO_NO_CACHE", "1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_project(tmp_path, FILE)


def keep(file: Path, name: str) -> Path:
    """Copy the ledger's folder as it is now, and return the copy."""
    copy = file.parent / name
    with open_ledger(file, load_plan(file)) as ledger:
        ledger.head()  # the last one to close it leaves everything in the one file
    shutil.copytree(file.parent / ".gonogo", copy)
    return copy


def bring_back(file: Path, copy: Path) -> None:
    """Put a copy of the ledger in the place of the one that is there."""
    here = ledger_path(file, load_plan(file).project.id)
    there = copy / here.name
    for rest in here.parent.glob(f"{here.name}-*"):
        rest.unlink()
    shutil.copy2(there, here.with_suffix(".new"))
    here.with_suffix(".new").replace(here)


# The ledger is rolled back, or exchanged for another


def fail(file: Path, run: str, minutes: int = 1) -> None:
    plan, at = load_plan(file), NOON + timedelta(minutes=minutes)
    store_run(file, plan, run, at, [result(plan, "line", at, FAILED, run=run)])


def test_a_ledger_that_is_rolled_back_makes_no_go_of_a_failure_that_was_seen(file: Path) -> None:
    plan = all_pass(file)
    yesterdays = keep(file, "yesterday")
    fail(file, "r2")
    watch, now = Watch(file, plan), NOON + timedelta(minutes=2)
    assert words(look(watch, now))[0] == "NO-GO"
    bring_back(file, yesterdays)
    assert_nothing_goes(wait_for(watch, lambda view: view.problems, now))
    later = now + timedelta(seconds=RETRY_S + 5)
    assert_nothing_goes(look(watch, later))
    assert "lacks entries that were in it" in look(watch, later + timedelta(seconds=5)).problems[0]


def test_a_ledger_that_comes_back_whole_is_believed_again(file: Path) -> None:
    plan = all_pass(file)
    older = keep(file, "older")
    fail(file, "r2")
    all_pass(file, "r3", NOON + timedelta(minutes=3))
    whole = keep(file, "whole")
    watch, now = Watch(file, plan), NOON + timedelta(minutes=4)
    assert words(look(watch, now)) == ["GO", "GO"]
    bring_back(file, older)
    assert_nothing_goes(wait_for(watch, lambda view: view.problems, now))
    bring_back(file, whole)
    assert words(wait_for(watch, lambda view: not view.problems, now)) == ["GO", "GO"]


def test_after_a_roll_back_what_is_run_anew_counts(file: Path) -> None:
    plan = all_pass(file)
    older = keep(file, "older")
    fail(file, "r2")
    watch, now = Watch(file, plan), NOON + timedelta(minutes=4)
    look(watch, now)
    bring_back(file, older)
    assert_nothing_goes(wait_for(watch, lambda view: view.problems, now))
    all_pass(file, "r3", NOON + timedelta(minutes=3), checks=("line",))
    assert_nothing_goes(look(watch, now + timedelta(seconds=1)))
    all_pass(file, "r4", NOON + timedelta(minutes=3), checks=("mail",))
    assert words(wait_for(watch, lambda view: not view.problems, now)) == ["GO", "GO"]


def test_a_ledger_that_was_away_and_comes_back_older_shows_no_go(file: Path) -> None:
    plan = all_pass(file)
    older = keep(file, "older")
    fail(file, "r2")
    watch, now = Watch(file, plan), NOON + timedelta(minutes=2)
    look(watch, now)
    shutil.rmtree(file.parent / ".gonogo")
    assert_nothing_goes(wait_for(watch, lambda view: view.problems, now))
    older.rename(file.parent / ".gonogo")
    wait_for(watch, lambda view: "lacks entries" in "".join(view.problems), now)
    assert_nothing_goes(look(watch, now + timedelta(seconds=9)))


def test_a_ledger_begun_anew_counts_by_itself(file: Path) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)
    look(watch, NOON)
    shutil.rmtree(file.parent / ".gonogo")
    assert_nothing_goes(wait_for(watch, lambda view: view.problems))
    all_pass(file, "r2", NOON)
    assert words(wait_for(watch, lambda view: not view.problems)) == ["GO", "GO"]


def test_a_row_never_keeps_what_an_exchanged_ledger_saw() -> None:
    board, plan = Board(), plan_of([planned("mail")], [milestone("ready", "mail")])
    one = picture(plan, known("mail", F, seq=5))
    other = known("mail", F, seq=5, age=timedelta(hours=3), run="r9")
    first = board.rows(one, one.verdicts[0])[0]
    two = picture(plan, other)
    second = board.rows(two, two.verdicts[0])[0]
    assert second.told is not None
    assert (second.finished, second.told) == (other.finished, other)
    again = picture(plan, replace(other))
    assert board.rows(again, again.verdicts[0])[0] is second, "what says the same is the same row"
    assert first is not second


# What is judged anew for a dialog


def test_what_is_judged_anew_is_doubted_like_the_view_it_is_of(file: Path) -> None:
    watch = Watch(file, all_pass(file))
    assert words(look(watch, NOON)) == ["GO", "GO"]
    file.write_text("gonogo: [")
    view = wait_for(watch, lambda view: view.problems)
    anew = as_of(view, NOON + timedelta(seconds=3))
    assert not GOES & {item.verdict for item in anew.picture.verdicts}
    assert Standing.PASS not in standings(anew)


# A definition changes


def test_a_result_of_an_old_definition_that_arrives_late_is_stale(file: Path) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)
    assert words(look(watch, NOON)) == ["GO", "GO"]
    file.write_text(FILE.replace("port: 443", "port: 444"))
    seen = wait_for(watch, lambda view: view.picture.plan is not plan)
    assert words(seen)[0] == "INCOMPLETE"
    at = NOON + timedelta(seconds=1)
    store_run(file, plan, "r2", at, [result(plan, "line", at, passed("line", "open"), run="r2")])
    now = NOON + timedelta(seconds=2)
    seen = wait_for(watch, lambda view: view.picture.run is not None and view.picture.run.id == "r2", now)
    assert words(seen) == ["INCOMPLETE", "INCOMPLETE"]
    assert seen.picture.verdicts[0].standings[0].standing is Standing.STALE


def test_a_result_of_another_definition_is_no_pass_in_a_status_either() -> None:
    lone = planned("lone", digest="new")
    plan = plan_of([planned("mail"), lone], [milestone("ready", "mail")])
    made = picture(plan, known("mail", P), known("lone", P))
    assert Board().everything(made)[0].standing is Standing.STALE
    assert made.standings()["lone"] is Standing.STALE


# Times


def test_a_run_whose_clock_was_ahead_is_no_go(file: Path) -> None:
    plan = all_pass(file, at=NOON + timedelta(hours=1))
    seen = look(Watch(file, plan), NOON)
    assert words(seen) == ["INCOMPLETE", "INCOMPLETE"]
    assert standings(seen) == {Standing.STALE}


def test_of_overlapping_runs_the_worse_result_counts_until_one_begins_afterwards(file: Path) -> None:
    plan = load_plan(file)
    watch = Watch(file, plan)
    with open_ledger(file, plan) as one, open_ledger(file, plan) as other:
        from agent.records import RunRecord
        from tests.tui.office import vantage

        for ledger, name in ((one, "r1"), (other, "r2")):
            ledger.begin_run(
                RunRecord(id=name, started=NOON, vantage=vantage(), plan_digest="", selected=("line", "mail"))
            )
        for ledger, name, finding in (
            (one, "r1", FAILED),
            (other, "r2", passed("line", "open")),
        ):
            writer = ledger.writer(lambda _: None, lambda *_: None)
            writer.put(result(plan, "line", NOON, finding, run=name))
            writer.put(result(plan, "mail", NOON, passed("mail", "open"), run=name))
            writer.close()
            ledger.end_run(name, finished=NOON, outcome="finished")
    assert words(look(watch, NOON))[0] == "NO-GO"
    all_pass(file, "r3")
    assert words(look(watch, NOON + timedelta(seconds=1)))[0] == "GO"


# Comparing


@pytest.mark.parametrize("was", [INC, B, None])
def test_what_was_not_tested_was_not_fixed(was: Status | None) -> None:
    assert both(was, P) is Kind.PROVEN
    assert both(was, W) is not Kind.FIXED


def test_a_plan_of_no_results_is_no_go_in_any_form(file: Path) -> None:
    plan = load_plan(file)
    seen = look(Watch(file, plan), NOON)
    assert words(seen) == ["INCOMPLETE", "INCOMPLETE"]
    with open_ledger(file, plan, read_only=True) as ledger:
        assert stand(plan, ledger, now=NOON).verdict is Verdict.INCOMPLETE
    assert not list(file.parent.glob(".gonogo*"))


def test_a_status_of_one_milestone_counts_no_pass_that_its_own_gate_calls_stale(file: Path) -> None:
    plan = all_pass(file)
    now = NOON + timedelta(minutes=30)
    with open_ledger(file, plan, read_only=True) as ledger:
        assert stand(plan, ledger, now=now).standings()["line"] is Standing.STALE
        alone = stand(plan, ledger, now=now, milestones=["ready"]).standings()
    assert alone.get("line", Standing.STALE) is Standing.STALE
