"""What is watched never reads as GO for what is missing, too old, or cannot be read now."""

from __future__ import annotations

import gc
import itertools
import os
import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import sources
from agent.board import WORST_FIRST
from agent.doubt import doubted, untold
from agent.files.load import load_plan
from agent.ledger import Ledger, ledger_path
from agent.live import LiveFile
from agent.plan import Gate, GateNeed, Milestone, Plan
from agent.records import Waiver
from agent.report.picture import Picture
from agent.running import open_ledger, stand
from agent.verdict import GOES, CheckStanding, MilestoneVerdict, Standing, Verdict
from agent.watch import View, Watch
from checks.words import Status
from tests.tui.office import passed, result, store_run, write_project

NOON = datetime(2026, 12, 5, 12, 0, tzinfo=UTC)
FILE = """\
gonogo: 1
project: {id: move, name: Move, timezone: UTC, cutover: 2026-12-05 22:30}
milestones:
  first: {title: First, gate: {max_age: 10m}}
  ready: {title: Ready, after: [first], gate: {max_age: 1h}}
checks:
  line: {type: network.tcp, milestone: first, target: 192.0.2.1, port: 443}
  mail: {type: network.tcp, milestone: ready, target: 192.0.2.2, port: 25}
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(sources, "SURE_S", 0.0)
    monkeypatch.setattr(sources, "QUICK_S", 30.0)
    monkeypatch.setenv("GONOGO_NO_CACHE", "1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_project(tmp_path, FILE)


def all_pass(
    file: Path, run: str = "r1", at: datetime = NOON, checks: tuple[str, ...] = ("line", "mail")
) -> Plan:
    plan = load_plan(file)
    store_run(file, plan, run, at, [result(plan, name, at, passed(name, "open"), run=run) for name in checks])
    return plan


def look(watch: Watch, now: datetime) -> View:
    view = watch.look(now)
    assert view is not None
    return view


def words(view: View) -> list[str]:
    return [item.verdict.value for item in view.picture.verdicts]


def standings(view: View) -> set[Standing]:
    return {one.standing for item in view.picture.verdicts for one in item.standings}


def wait_for(watch: Watch, condition: Callable[[View], Any], now: datetime = NOON) -> View:
    until = time.monotonic() + 20
    for number in itertools.count(1):
        view = watch.look(now + timedelta(microseconds=number))
        if view is not None and condition(view):
            return view
        assert time.monotonic() < until, view
        time.sleep(0.02)
    raise AssertionError


def assert_nothing_goes(view: View) -> None:
    assert view.problems
    assert not GOES & {item.verdict for item in view.picture.verdicts}
    assert all(item.until is None for item in view.picture.verdicts)
    assert not {Standing.PASS, Standing.WARN} & standings(view)
    assert not {Standing.PASS, Standing.WARN} & set(view.picture.standings().values())
    for item in view.picture.verdicts:
        assert view.problems[0] in item.reasons


def test_it_says_what_a_status_says(file: Path) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)
    for second in (0, 599, 601, 3601):
        now = NOON + timedelta(seconds=second)
        with open_ledger(file, plan, read_only=True) as ledger:
            assert look(watch, now).picture == stand(plan, ledger, now=now)


def test_it_is_told_only_when_something_is_new(file: Path) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)
    view = look(watch, NOON)
    assert words(view) == ["GO", "GO"]
    for micro in range(0, 900_000, 100_000):
        assert watch.look(NOON + timedelta(microseconds=micro)) is None
    later = look(watch, NOON + timedelta(seconds=1))
    assert later.picture.now == NOON + timedelta(seconds=1)
    assert later.number == view.number + 1
    assert later.picture.verdicts[0].standings is view.picture.verdicts[0].standings
    all_pass(file, "r2", NOON + timedelta(seconds=1), ("mail",))
    assert look(watch, NOON + timedelta(seconds=1)).picture.results["mail"].run == "r2"  # type: ignore[attr-defined]
    assert view.picture.results["mail"].run == "r1", "a view that was given does not change"  # type: ignore[attr-defined]


def test_a_go_ends_when_its_time_is_over(file: Path) -> None:
    watch = Watch(file, all_pass(file))
    view = look(watch, NOON)
    until = view.picture.verdicts[0].until
    assert until == NOON + timedelta(minutes=10)
    last = NOON + timedelta(minutes=9, seconds=59, microseconds=900_000)
    assert words(look(watch, last)) == ["GO", "GO"]
    assert words(look(watch, until + timedelta(milliseconds=1))) == ["INCOMPLETE", "INCOMPLETE"]


def test_a_go_that_ends_within_a_second_ends_at_once(file: Path) -> None:
    plan = load_plan(file)
    at = NOON + timedelta(microseconds=300_000)
    store_run(
        file,
        plan,
        "r1",
        at,
        [result(plan, name, at, passed(name, "open"), run="r1") for name in ("line", "mail")],
    )
    watch = Watch(file, plan)
    look(watch, at + timedelta(minutes=10) - timedelta(milliseconds=100))
    assert words(look(watch, at + timedelta(minutes=10, milliseconds=50))) == ["INCOMPLETE", "INCOMPLETE"]


@pytest.mark.parametrize(
    "jump", [timedelta(days=-400), timedelta(hours=-1), timedelta(hours=2), timedelta(days=4000)]
)
def test_a_clock_that_is_set_neither_stops_nor_fools_it(file: Path, jump: timedelta) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)
    look(watch, NOON)
    assert words(look(watch, NOON + jump)) == ["INCOMPLETE", "INCOMPLETE"]
    assert words(look(watch, NOON + timedelta(seconds=3))) == ["GO", "GO"]


@pytest.mark.parametrize("now", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_time_are_a_problem_and_no_crash(file: Path, now: datetime) -> None:
    watch = Watch(file, all_pass(file))
    view = look(watch, now)
    assert not GOES & {item.verdict for item in view.picture.verdicts}
    assert words(look(watch, NOON)) == ["GO", "GO"]


def test_the_ledger_comes_after_the_dashboard(file: Path) -> None:
    plan = load_plan(file)
    watch = Watch(file, plan)
    view = look(watch, NOON)
    assert (words(view), view.problems) == (["INCOMPLETE", "INCOMPLETE"], ())
    assert not (file.parent / ".gonogo").exists(), "to look makes nothing"
    assert watch.ledger.runs() == []
    all_pass(file)
    assert words(look(watch, NOON)) == ["GO", "GO"]
    assert len(watch.ledger.runs()) == 1, "questions go to the same ledger"
    watch.close()


def test_two_dashboards_see_the_same(file: Path) -> None:
    plan = all_pass(file)
    one, two = Watch(file, plan), Watch(file, plan)
    assert look(one, NOON).picture == look(two, NOON).picture
    with open_ledger(file, plan) as ledger:
        ledger.add(
            Waiver(check="mail", reason="r" * 20, risk="low", author="A", approver="B", expires=NOON, at=NOON)
        )
    assert look(one, NOON).waivers == look(two, NOON).waivers != ()


# While something is wrong


def test_a_ledger_that_is_gone_shows_no_go(file: Path) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)
    assert words(look(watch, NOON)) == ["GO", "GO"]
    folder = file.parent / ".gonogo"
    folder.rename(file.parent / "away")
    assert_nothing_goes(look(watch, NOON))
    assert_nothing_goes(look(watch, NOON + timedelta(seconds=1)))
    (file.parent / "away").rename(folder)
    assert words(wait_for(watch, lambda view: not view.problems)) == ["GO", "GO"]


def test_a_damaged_ledger_shows_no_go(file: Path) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)
    look(watch, NOON)
    path = ledger_path(file, plan.project.id)
    new = path.with_name("new")
    new.write_bytes(path.read_bytes()[:4096] + b"\xff" * 60_000)
    new.replace(path)
    for rest in path.parent.glob("move.db-*"):
        rest.unlink()
    assert_nothing_goes(wait_for(watch, lambda view: view.problems))
    path.write_bytes(b"no database" * 1000)
    assert_nothing_goes(wait_for(watch, lambda view: view.problems))


def test_a_ledger_that_is_damaged_from_the_beginning_is_no_crash(file: Path) -> None:
    plan = load_plan(file)
    path = ledger_path(file, plan.project.id)
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    watch = Watch(file, plan)
    view = look(watch, NOON)
    assert_nothing_goes(view)
    assert "not a ledger of gonogo" in view.problems[0]
    path.unlink()
    assert words(wait_for(watch, lambda view: not view.problems)) == ["INCOMPLETE", "INCOMPLETE"]


def test_a_ledger_of_another_project_file_shows_no_go(file: Path) -> None:
    plan = all_pass(file)
    other = file.with_name("other.yaml")
    other.write_text(FILE)
    view = look(Watch(other, load_plan(other)), NOON)
    assert_nothing_goes(view)
    assert "give one of the two another id" in view.problems[0]
    assert words(look(Watch(file, plan), NOON)) == ["GO", "GO"]


def test_times_without_a_zone_in_a_tampered_ledger_are_a_problem(file: Path) -> None:
    import sqlite3

    plan = all_pass(file)
    path = ledger_path(file, plan.project.id)
    other = sqlite3.connect(path)
    other.execute("UPDATE latest SET brief = replace(brief, '00Z', '00')")
    other.commit()
    other.close()
    assert_nothing_goes(look(Watch(file, plan), NOON))


# The project file is edited


def test_a_changed_plan_is_taken_over(file: Path) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)
    look(watch, NOON)
    file.write_text(
        FILE.replace("port: 25", "port: 587") + "  more: {type: manual, milestone: first, statement: Done}\n"
    )
    view = look(watch, NOON)
    assert words(view) == ["INCOMPLETE", "INCOMPLETE"]
    assert (view.problems, set(view.picture.plan.by_id)) == ((), {"line", "mail", "more"})
    assert watch.plan is view.picture.plan
    assert view.picture.standings()["mail"] is Standing.STALE, "its definition has changed"
    file.write_text(FILE)
    assert words(look(watch, NOON)) == ["GO", "GO"]


def test_a_broken_plan_shows_no_go_and_the_first_problem(file: Path) -> None:
    watch = Watch(file, all_pass(file))
    look(watch, NOON)
    file.write_text(FILE.replace("port: 25", "prot: 25\n    bad"))
    view = look(watch, NOON)
    assert_nothing_goes(view)
    assert "move.yaml" in view.problems[0]
    assert "\n" not in view.problems[0]
    assert set(view.picture.plan.by_id) == {"line", "mail"}, "the old plan stays"
    assert watch.look(NOON) is None
    file.write_text(FILE)
    assert words(look(watch, NOON)) == ["GO", "GO"]


def test_a_plan_that_is_gone_shows_no_go(file: Path) -> None:
    watch = Watch(file, all_pass(file))
    look(watch, NOON)
    file.rename(file.with_name("away"))
    view = look(watch, NOON)
    assert_nothing_goes(view)
    assert "cannot be read" in view.problems[0]
    file.with_name("away").rename(file)
    assert words(look(watch, NOON)) == ["GO", "GO"]


def test_a_change_within_one_tick_of_the_clock_is_seen(file: Path) -> None:
    watch = Watch(file, all_pass(file))
    look(watch, NOON)
    seen = file.stat()
    file.write_text(FILE.replace("port: 25", "port: 26"))
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert file.stat().st_size == seen.st_size
    assert words(look(watch, NOON)) == ["GO", "INCOMPLETE"]


def test_a_file_that_was_changed_before_the_first_look_is_read(file: Path) -> None:
    plan = all_pass(file)
    file.write_text(FILE.replace("port: 25", "port: 26"))
    assert words(look(Watch(file, plan), NOON)) == ["GO", "INCOMPLETE"]


def test_a_touched_file_is_not_read_anew(file: Path, monkeypatch: Any) -> None:
    watch = Watch(file, all_pass(file))
    look(watch, NOON)
    monkeypatch.setattr(sources, "load_plan", lambda path: pytest.fail("it was read"))
    file.touch()
    assert watch.look(NOON) is None


def test_while_a_large_plan_is_being_read_nothing_goes(file: Path, monkeypatch: Any) -> None:
    watch = Watch(file, all_pass(file))
    look(watch, NOON)
    ready, load = threading.Event(), sources.load_plan
    monkeypatch.setattr(sources, "QUICK_S", 0.0)
    monkeypatch.setattr(sources, "load_plan", lambda path: ready.wait(30) and load(path))
    file.write_text(FILE.replace("First", "The first"))
    view = look(watch, NOON)
    assert_nothing_goes(view)
    assert "being read anew" in view.problems[0]
    assert watch.look(NOON) is None
    ready.set()
    assert words(wait_for(watch, lambda view: not view.problems)) == ["GO", "GO"]


def test_whatever_reading_raises_is_a_sentence(file: Path, monkeypatch: Any) -> None:
    def broken(path: Path) -> Plan:
        raise ZeroDivisionError("\x1b[31mno")

    watch = Watch(file, all_pass(file))
    look(watch, NOON)
    monkeypatch.setattr(sources, "load_plan", broken)
    file.write_text(FILE + "# more\n")
    view = look(watch, NOON)
    assert_nothing_goes(view)
    assert "ZeroDivisionError" in view.problems[0]
    assert "\x1b" not in view.problems[0]


def test_another_project_id_is_another_ledger(file: Path) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)
    look(watch, NOON)
    assert watch.ledger.path == ledger_path(file, "move")
    file.write_text(FILE.replace("id: move", "id: moved"))
    view = look(watch, NOON)
    assert (words(view), view.problems) == (["INCOMPLETE", "INCOMPLETE"], ())
    assert watch.ledger.path == ledger_path(file, "moved")
    all_pass(file)
    assert words(look(watch, NOON)) == ["GO", "GO"]
    live = LiveFile(ledger_path(file, "moved"))
    with Ledger.open(ledger_path(file, "moved"), read_only=True) as ledger:
        live.run_started(plan, ledger.runs()[0])
    assert len(look(watch, NOON).runs) == 1
    live.run_done(ledger_run(file, "moved"))


def ledger_run(file: Path, project: str) -> Any:
    with Ledger.open(ledger_path(file, project), read_only=True) as ledger:
        return ledger.runs()[0]


def test_a_changed_profile_is_a_changed_plan(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    text = """\
gonogo-profile: 1
name: mine
title: Mine
description: Of my own.
version: 1
milestones:
  first: {title: First}
checks:
  line: {type: network.tcp, milestone: first, target: 192.0.2.1, port: 443}
"""
    profile.write_text(text)
    file = write_project(
        tmp_path, "gonogo: 1\nproject: {id: move, name: Move, timezone: UTC}\nprofile: ./mine.yaml\n"
    )
    watch = Watch(file, all_pass(file, checks=("line",)))
    assert words(look(watch, NOON)) == ["GO"]
    profile.write_text(text.replace("port: 443", "port: 444"))
    assert words(look(watch, NOON)) == ["INCOMPLETE"]
    profile.write_text("gonogo-profile: 1\n")
    assert_nothing_goes(look(watch, NOON))
    profile.write_text(text)
    assert words(look(watch, NOON)) == ["GO"]


# Live runs


def test_runs_that_go_on_and_runs_that_were_killed(file: Path) -> None:
    plan = all_pass(file)
    store_run(file, plan, "r2", NOON, [], ended=False)
    watch = Watch(file, plan)
    later = NOON + timedelta(minutes=1)
    view = look(watch, later)
    run = view.picture.run
    assert run is not None
    assert (run.id, view.runs, view.became(run)) == ("r2", (), "killed")
    live = LiveFile(ledger_path(file, "move"))
    live.run_started(plan, replace(run, selected=("line", "mail")))
    view = look(watch, later)
    assert [item.id for item in view.runs] == ["r2"]
    assert view.became(run) == "goes on"
    assert watch.look(later) is None
    live.check_started("line", later)
    live.flush()
    assert look(watch, later).number == view.number + 1
    watch.ask_to_stop("r2")
    assert live.stop_asked()
    assert look(watch, later).runs[0].stopping
    live.run_done(run)
    view = look(watch, later)
    assert view.runs == ()
    assert view.picture.running == ()


# Doubt


GATE = Gate(needs=tuple(GateNeed(check=str(number), required=True) for number in range(len(Standing))))


@given(
    st.sampled_from(Verdict),
    st.permutations(list(Standing)),
    st.lists(st.text(min_size=1), min_size=1, max_size=3),
)
def test_doubt_leaves_nothing_good_and_nothing_better(
    verdict: Verdict, how: list[Standing], problems: list[str]
) -> None:
    item = MilestoneVerdict(
        milestone=Milestone(id="m", title="M", gate=GATE), verdict=verdict, reasons=("because",), until=NOON,
        standings=tuple(
            CheckStanding(check=str(place), required=True, standing=one) for place, one in enumerate(how)
        ),
    )  # fmt: skip
    (told,) = doubted([item], problems)
    assert told.verdict not in GOES
    assert told.verdict is (Verdict.INCOMPLETE if verdict in GOES else verdict)
    assert told.reasons == (*problems, "because")
    assert told.until is None
    for before, after in zip(item.standings, told.standings, strict=True):
        assert after.standing not in (Standing.PASS, Standing.WARN)
        assert WORST_FIRST.index(after.standing) <= WORST_FIRST.index(before.standing)
    assert doubted([item], []) == (item,)
    assert doubted([untold(item.milestone, ())], problems)[0].verdict is Verdict.INCOMPLETE


# Cost


def test_looking_again_and_again_keeps_nothing(file: Path) -> None:
    plan = all_pass(file)
    watch = Watch(file, plan)

    def look_on(start: int, count: int) -> None:
        for number in range(start, start + count):
            watch.look(NOON + timedelta(milliseconds=200 * number))

    def kept() -> int:
        gc.collect()
        ours = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/agent/*")])
        return sum(trace.size for trace in ours.traces)

    tracemalloc.start()
    try:
        look_on(0, 500)
        before = kept()
        look_on(500, 5000)
        assert kept() - before < 50_000
    finally:
        tracemalloc.stop()


def test_an_idle_look_asks_little_of_the_system(file: Path, monkeypatch: Any) -> None:
    watch = Watch(file, all_pass(file))
    monkeypatch.setattr(sources, "SURE_S", 60.0)
    look(watch, NOON)
    look(watch, NOON + timedelta(seconds=1))
    opened: list[Any] = []
    monkeypatch.setattr(Path, "open", lambda *how, **more: opened.append(how))
    monkeypatch.setattr(Ledger, "latest", lambda *how: opened.append(how))
    monkeypatch.setattr(Ledger, "open", lambda *how, **more: opened.append(how))
    for number in range(50):
        watch.look(NOON + timedelta(seconds=1 + number / 5))
    assert opened == []


def test_a_picture_has_everything_that_a_status_has() -> None:
    assert set(Picture.__dataclass_fields__) == {
        "plan", "now", "run", "verdicts", "results", "shown", "lost", "waivers", "decisions", "running",
        "stale",
    }, "tell Watch of the new one"  # fmt: skip
    assert Status.PASS.value == Standing.PASS.value
