"""Home must not say more than the gates do; everything on it is reached by keys; and it is quick."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.files.load import load_plan
from agent.live import LiveRun
from agent.records import Decision, RunRecord, Waiver
from agent.report.picture import paint_picture
from agent.running import open_ledger
from agent.verdict import Verdict
from agent.watch import View
from checks.words import Status
from tests.agent.test_board import known, milestone, picture, plan_of, planned
from tests.checks.hostile import ESCAPES
from tests.tui.conftest import SIZES
from tests.tui.office import NOW, SLOW, passed, result, store_run, vantage, write_project
from tests.tui.screen import check_snapshot, looks, text
from tui.app import Dashboard
from tui.themes import DEFAULT, THEMES
from tui.widgets.checks import Checks, age
from tui.widgets.filter_bar import FilterInput
from tui.widgets.milestones import Timeline

GREEN = next(theme for theme in THEMES if theme.name == DEFAULT).variables["look-pass"]

SMALL = """\
gonogo: 1
project: {id: hq-move, name: Move, customer: Contoso, site: Zurich, timezone: Europe/Zurich,
          cutover: 2026-12-05 22:30}
contacts: {it: {name: Ann Rey, email: ann@contoso.example}}
milestones:
  line-live: {title: The line is live, due: -2h, owner: it, gate: {max_age: 48h}}
  ready: {title: Ready to move in, due: -1h, owner: it, after: [line-live], gate: {max_age: 12h}}
checks:
  line: {type: network.tcp, milestone: line-live, owner: it, target: 192.0.2.1, port: 443}
  loss: {type: network.ping, milestone: line-live, owner: it, target: 192.0.2.1}
  files: {type: network.tcp, milestone: ready, owner: it, target: 192.0.2.40, port: 445}
"""


def small(folder, *passing, at=NOW - timedelta(minutes=4)):
    """Return a project of two milestones where the checks named passed."""
    file = write_project(folder, SMALL)
    plan = load_plan(file, cached=False)
    if passing:
        store_run(file, plan, "r1", at, [
            result(plan, name, at, passed(name, "open after 3 ms"), run="r1") for name in passing
        ])  # fmt: skip
    return Dashboard(file, plan, now=lambda: NOW)


async def see(app, pilot, view=None, **changes):
    """Show a view; what is in the ledger says nothing from then on."""
    app.store.refresh = lambda tell: None
    app.store.view = replace(view or app.store.view, **changes)
    app.screen.hear(app.store.view)
    await pilot.pause()
    return text(app)


def below_the_title(app):
    """Return the styles of all lines but the first, which is not home's."""
    strips = app.screen._compositor.render_strips()[1:]
    return " ".join(str(segment.style) for strip in strips for segment in strip)


def rows_of(app):
    return [row.id for row in app.screen.query_one(Checks).items]


def line_with(seen, *words):
    return next(line for line in seen.splitlines() if all(word in line for word in words))


# What would make the screen lie


@pytest.mark.parametrize("size", SIZES)
async def test_no_go_is_shown_while_something_is_wrong_with_what_it_rests_on(tmp_path, size):
    app = small(tmp_path, "line", "loss", "files")
    async with app.run_test(size=size) as pilot:
        assert "OK GO" in text(app)
        assert GREEN in looks(app)
        for key in ("1", "a", "2"):
            await pilot.press(key)
            seen = await see(app, pilot, problems=("move.yaml: line 3 cannot be read.",))
            assert "move.yaml: line 3 cannot be read." in " ".join(seen.split())
            assert "OK GO" not in seen
            assert "othing blocks" not in seen
            assert "CANNOT TELL" in line_with(seen, "line-live", "CANNOT")
            assert GREEN not in below_the_title(app)


async def test_a_go_that_has_run_out_meanwhile_is_not_shown_as_one(tmp_path):
    app = small(tmp_path, "line", "loss", "files")
    async with app.run_test(size=(80, 24)) as pilot:
        await see(app, pilot)
        app.store.now = lambda: NOW + timedelta(hours=13)
        app.screen.tick()
        await pilot.pause()
        seen = text(app)
        assert "CANNOT TELL" in line_with(seen, "2 ready")
        assert "OK GO" in line_with(seen, "1 line-live")


async def test_a_frozen_screen_looks_so_and_tells_since_when(tmp_path):
    app = small(tmp_path, "line", "loss", "files")
    async with app.run_test(size=(80, 24)) as pilot:
        await see(app, pilot)
        await pilot.press("space")
        await pilot.pause()
        seen = text(app)
        assert "FROZEN since 18:17:53 CET, 0 s ago" in seen
        assert GREEN not in below_the_title(app)
        app.store.now = lambda: NOW + timedelta(minutes=3)
        app.store.view = replace(app.store.view, problems=("Gone.",))
        app.screen.tick()
        await pilot.pause()
        seen = text(app)
        assert "FROZEN since 18:17:53 CET, 3 min ago" in seen
        assert "in 2 h 12 min" in seen, "what is frozen stands still"
        await pilot.press("space")
        await pilot.pause()
        seen = text(app)
        assert "FROZEN" not in seen
        assert "CANNOT TELL" in seen


async def test_checks_that_never_ran_are_counted_and_listed(tmp_path):
    app = small(tmp_path, "line")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("1")
        seen = text(app)
        assert line_with(seen, "1 line-live").split()[-8:] == ["1", "0", "0", "0", "0", "0", "1", "0"]
        assert "WHAT BLOCKS line-live: 1 not run" in seen
        assert ".. NOT RUN" in seen
        assert rows_of(app) == ["loss"]


async def test_an_old_pass_is_told_as_stale_and_not_by_what_it_saw(tmp_path):
    app = small(tmp_path, "line", "loss", "files", at=NOW - timedelta(hours=40))
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("2")
        seen = line_with(text(app), "~  STALE", "files", "192.0.2.40:445")
        assert "open after" not in seen
        assert "old, the" in seen
        assert seen[:90].split()[-1] == "40h" or " 40h" in seen


async def test_an_advisory_failure_is_no_blocker(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "guest-wifi" not in rows_of(dashboard)
        assert "(1 advisory not passing, which blocks nothing)" in " ".join(text(dashboard).split())
        assert line_with(text(dashboard), "3 ready").split()[-6] == "2", "two failures are required ones"
        await pilot.press("a", "end")
        await pilot.pause()
        assert "advisory: want open" in line_with(text(dashboard), "guest-wifi")


@pytest.mark.parametrize("size", SIZES)
async def test_a_waived_failure_is_no_pass_and_says_who_and_until_when(tmp_path, size):
    file = write_project(tmp_path, SMALL)
    plan = load_plan(file, cached=False)
    at = NOW - timedelta(minutes=4)
    store_run(file, plan, "r1", at, [
        result(plan, "line", at, passed("x", "open"), run="r1"),
        result(plan, "loss", at, replace(SLOW, status=Status.FAIL), run="r1"),
    ])  # fmt: skip
    with open_ledger(file, plan) as ledger:
        ledger.add(Waiver(
            check="loss", reason="The carrier mends it on Monday.", risk="low", author="Ann Rey",
            approver="Bob Lind", at=at, expires=NOW + timedelta(hours=9), standing="fail",
        ))  # fmt: skip
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=size) as pilot:
        await pilot.press("1")
        await pilot.pause()
        seen = text(app)
        assert "WAIVERS" in line_with(seen, "1 line-live")
        assert "OK GO" not in seen
        assert "W  WAIVED" in line_with(seen, "loss", "fail until Sun 6 Dec 03:17 CET")
        assert "by Bob Lind: The carrier mends it on Monday." in " ".join(seen.split())
        check_snapshot(app, "home-waived")


async def test_where_only_a_predecessor_is_in_the_way_that_is_said_and_a_filter_hides_it_not(tmp_path):
    app = small(tmp_path, "files")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        seen = text(app)
        assert rows_of(app) == []
        assert "It comes after line-live, which is INCOMPLETE." in seen
        assert "WHAT BLOCKS ready: no check of its own" in seen
        assert "othing blocks" not in seen
        await pilot.press("slash", *"files", "enter")
        await pilot.pause()
        assert "It comes after line-live, which is INCOMPLETE." in text(app)


async def test_a_milestone_after_many_others_says_how_many_reasons_there_are(tmp_path):
    app = small(tmp_path)
    names = [f"before-{n}" for n in range(40)]
    plan = plan_of(
        [planned("a")],
        [*(milestone(name, "a") for name in names), milestone("last", "a", after=tuple(names))],
    )
    async with app.run_test(size=(80, 24)) as pilot:
        app.selected, app.screen._chose = "last", True
        seen = await see(app, pilot, picture=picture(plan))
        assert "It comes after before-0, which is INCOMPLETE." in seen
        assert "reasons more" in " ".join(seen.split())


async def test_a_run_that_broke_off_and_a_clock_that_is_wrong_are_said(tmp_path):
    app = small(tmp_path, "line")
    begun = NOW - timedelta(minutes=9)
    run = RunRecord(
        id="20261205T170853-ab12cd", started=begun, vantage=vantage(clock_offset_s=-4.25), plan_digest="",
        selected=("line",),
    )  # fmt: skip
    async with app.run_test(size=(140, 40)) as pilot:
        seen = await see(app, pilot, picture=replace(app.store.view.picture, run=run))
        last = seen.splitlines()[-2]
        assert "run ab12cd was killed, 18:08, 9 min ago" in last
        assert "clock -4.2 s" in last
        assert "from laptop-7" in last


async def test_a_run_that_could_not_start_is_said_loudly(tmp_path):
    app = small(tmp_path, "line")
    async with app.run_test(size=(80, 24)) as pilot:
        app.store.failed_start = f"The ledger\nis locked {ESCAPES}" + "x" * 5000
        seen = await see(app, pilot)
        assert "THE RUN COULD NOT START  The ledger is locked \\x1b[31m" in " ".join(seen.split("\n"))
        assert seen.splitlines()[-2].startswith(" run r1"), "the rest is still there"


# What it shows


@pytest.mark.parametrize("size", SIZES)
async def test_snapshots(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        await see(dashboard, pilot)
        check_snapshot(dashboard, "home")
        await pilot.press("a", "down", "down")
        await pilot.pause()
        check_snapshot(dashboard, "home-all")
        await pilot.press("a", "slash", *"status:fail,stale -id:fi")
        await pilot.pause()
        check_snapshot(dashboard, "home-filter")
        await pilot.press(*" statsu:x")
        await pilot.pause()
        check_snapshot(dashboard, "home-filter-wrong")
        await pilot.press("escape", "2", "space")
        await pilot.pause()
        check_snapshot(dashboard, "home-frozen")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "passing"), [("home-empty", ()), ("home-go", ("line", "loss", "files"))])
async def test_snapshots_of_a_small_project(tmp_path, size, name, passing):
    app = small(tmp_path, *passing)
    async with app.run_test(size=size) as pilot:
        await see(app, pilot)
        check_snapshot(app, name)
        assert ("Nothing was run yet: press r." in text(app)) is not bool(passing)


async def test_a_project_that_was_never_run_says_what_to_press_but_not_where_that_is_refused(tmp_path):
    file = write_project(tmp_path, SMALL)
    app = Dashboard(file, load_plan(file), read_only=True, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Nothing was run yet." in text(app)
        assert "press r" not in text(app)


@pytest.mark.parametrize("size", SIZES)
async def test_each_failure_reads_expected_against_observed_age_and_whom_to_call(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        await pilot.pause()
        seen = text(dashboard)
        line = line_with(seen, "!! FAIL", "mail", "192.0.2.25")
        assert "192.0.2.20" in line
        assert " 4m" in line
        assert "Swisscom NOC" in seen
        assert "+41 800 000 000" in seen
        assert "Correct the records" in seen


@pytest.mark.parametrize("size", SIZES)
async def test_twenty_milestones_with_long_and_wide_titles(tmp_path, size):
    app = small(tmp_path)
    stones = [
        milestone(f"stone-{n:02}", "a", due=NOW + timedelta(hours=n - 9)) for n in range(20)
    ]  # fmt: skip
    stones = [
        replace(item, title="日本語" * 20 if n % 2 else "A long title " * 5) for n, item in enumerate(stones)
    ]
    async with app.run_test(size=size) as pilot:
        view = replace(app.store.view, picture=picture(plan_of([planned("a")], stones)))
        await see(app, pilot, view)
        for _ in range(19):
            await pilot.press("right")
        await pilot.pause()
        seen = text(app).splitlines()
        assert seen[1].split()[0] == "MILESTONE"
        assert seen[7].startswith("> 20 stone-19")
        assert "STATUS" in seen[9] or "STATUS" in seen[10]
        await pilot.press("3")
        await pilot.pause()
        assert any(line.startswith(">  3 stone-02") for line in text(app).splitlines())


# Milestones


async def test_the_milestone_is_the_current_one_until_a_person_chose(tmp_path):
    app = small(tmp_path, "line", "loss", "files")
    async with app.run_test(size=(80, 24)) as pilot:
        await see(app, pilot)
        assert app.selected == "line-live"
        signed = Decision(milestone="line-live", verdict="GO", by="Ann Rey", at=NOW - timedelta(hours=1))
        seen = await see(app, pilot, decisions=(signed,))
        assert app.selected == "ready"
        assert "signed" in line_with(seen, "1 line-live")
        await pilot.press("left")
        assert app.selected == "line-live"
        assert "signed GO Ann Rey" in text(app)
        await see(app, pilot)
        assert app.selected == "line-live", "news take nobody's choice away"
        await pilot.press("2", "right", "right", "9")
        assert app.selected == "ready"


async def test_a_chosen_milestone_that_is_gone_from_the_plan_gives_way_to_the_current_one(tmp_path):
    app = small(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        assert app.selected == "ready"
        await see(app, pilot, picture=picture(plan_of([planned("a")], [milestone("other", "a")])))
        assert app.selected == "other"
        assert rows_of(app) == ["a"]


async def test_a_click_selects_a_milestone(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.click(Timeline, offset=(8, 1))
        await pilot.pause()
        assert dashboard.selected == "prepared"


async def test_next_problem_walks_through_all_milestones_and_back(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        checks = dashboard.screen.query_one(Checks)
        seen = [(dashboard.selected, checks.chosen.id)]
        for _ in range(7):
            await pilot.press("n")
            seen.append((dashboard.selected, checks.chosen.id))
        ready = ["mail", "files", "clock", "printer", "way-back", "intranet"]
        assert seen == [*(("ready", name) for name in ready), ("moved", "staff"), ("ready", "mail")]
        for _ in range(2):
            await pilot.press("N")
        assert (dashboard.selected, checks.chosen.id) == ("ready", "intranet")


# The list and its filter


async def test_a_filter_searches_all_checks_and_goes_by_escape(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        blocking = rows_of(dashboard)
        await pilot.press("slash", *"id:l -status:fail")
        await pilot.pause()
        assert rows_of(dashboard) == ["clock", "loss", "plan-agreed", "cabling", "line"]
        assert "5 of 12 checks" in text(dashboard)
        await pilot.press("enter", "down", "n")
        await pilot.press("escape")
        await pilot.pause()
        assert rows_of(dashboard) == blocking
        assert dashboard.screen.focused is dashboard.screen.query_one(Checks)


async def test_what_is_no_filter_leaves_the_list_as_it_was_and_says_so(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"status:fail")
        await pilot.pause()
        before = rows_of(dashboard)
        await pilot.press(*",q")
        await pilot.pause()
        assert rows_of(dashboard) == before
        assert "There is no status 'q': there are pass, warn" in text(dashboard)
        await pilot.press("backspace", *"wran")
        await pilot.pause()
        assert rows_of(dashboard) == before
        assert "There is no status 'wran' - did you mean 'warn'?" in text(dashboard)
        for _ in range(4):
            await pilot.press("backspace")
        await pilot.press(*"stale")
        await pilot.pause()
        assert sorted(rows_of(dashboard)) == sorted([*before, "printer"])


async def test_what_is_pasted_into_the_filter_is_harmless(dashboard):
    from textual import events

    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash")
        found = dashboard.screen.query_one(FilterInput)
        found.post_message(events.Paste(ESCAPES + "[/][red]" + "y" * 5000))
        await pilot.pause()
        assert "\\x1b[31m" in found.value
        assert len(found.value) <= 200
        assert "\x1b" not in text(dashboard)
        await pilot.press("a", "backspace")
        await pilot.pause()
        await pilot.press("escape")


async def test_a_filter_that_finds_nothing_says_so_and_runs_nothing(dashboard, monkeypatch):
    asked = []
    monkeypatch.setattr(dashboard, "ask_run", lambda **what: asked.append(what))
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"zzzz", "enter")
        await pilot.pause()
        assert "No check matches the filter" in text(dashboard)
        await pilot.press("r")
        assert asked == []


async def test_a_small_terminal_in_between_changes_nothing(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await see(dashboard, pilot)
        await pilot.press("down", "down")
        await pilot.pause()
        before = text(dashboard)
        for size in ((40, 10), (140, 40), (20, 3), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await pilot.pause()
        assert text(dashboard) == before
        assert dashboard.screen.query_one(Checks).chosen.id == "clock"


async def test_a_wide_terminal_has_the_check_beside_the_list(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await see(dashboard, pilot)
        await pilot.resize_terminal(100, 30)
        await pilot.press("down")
        await pilot.pause()
        assert "Fix        Start the file service" in text(dashboard)


# What a person does


async def test_keys_ask_for_what_they_name(dashboard, monkeypatch):
    asked = []
    for name in ("ask_run", "ask_waiver", "ask_attestation", "ask_decision", "open_detail"):
        monkeypatch.setattr(
            dashboard, name, lambda *given, name=name, **named: asked.append((name, *given, named))
        )
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("r", "w", "t", "s", "enter")
        for _ in range(4):
            await pilot.press("down")
        await pilot.pause()
        await pilot.press("t")
        await pilot.press("slash", *"type:network.tcp status:fail", "enter", "r")
    ready = ["mail", "files", "clock", "printer", "way-back", "intranet"]
    assert asked == [
        ("ask_run", {"checks": (), "milestone": "ready"}),
        ("ask_waiver", "mail", {}),
        ("ask_decision", "ready", {}),
        ("open_detail", "mail", ready, {}),
        ("ask_attestation", "way-back", {}),
        ("ask_run", {"checks": ("files", "guest-wifi"), "milestone": "ready"}),
    ]


async def test_run_again_starts_one_run_of_one_check_and_says_so(dashboard, monkeypatch):
    started = []
    monkeypatch.setattr(dashboard.store, "start_run", lambda **what: started.append(what))
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await see(dashboard, pilot)
        await pilot.press("R", "R", "R")
        await pilot.pause()
        assert started == [{"only": ["mail"]}]
        assert "mail .. A run of this check was asked for" in text(dashboard).splitlines()[-2]
        run = LiveRun(id="r9", pid=1, started=NOW, selected=("files",), running={"files": NOW})
        await see(dashboard, pilot, runs=(run,))
        await pilot.press("down", "R")
        await pilot.pause()
        assert started == [{"only": ["mail"]}]
        assert "files is being run already" in text(dashboard)


async def test_a_run_that_cannot_be_started_is_a_sentence(dashboard, monkeypatch):
    def refuse(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dashboard.store, "start_run", refuse)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("R")
        await pilot.pause()
        assert "mail cannot be run: [Errno 28] No space left on device" in text(dashboard)


async def test_what_only_shows_greys_what_would_write(project, monkeypatch):
    app = Dashboard(project, load_plan(project), read_only=True, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for action in ("run", "rerun", "waive", "attest", "sign"):
            assert app.screen.check_action(action, ()) is None
        assert app.screen.check_action("why", ()) is True
        monkeypatch.setattr(app, "push_screen", lambda *_: pytest.fail("it must not open"))
        await pilot.press("r", "R", "w", "t", "s")


async def test_a_run_that_goes_on_is_told_in_the_last_line_and_in_its_rows(dashboard):
    run = LiveRun(
        id="20261205T171753-ab12cd", pid=1, started=NOW - timedelta(seconds=10), running={"files": NOW},
        selected=("mail", "files", "clock", "loss"), done={"mail": Status.FAIL, "loss": Status.PASS},
    )  # fmt: skip
    async with dashboard.run_test(size=(140, 40)) as pilot:
        seen = await see(dashboard, pilot, runs=(run,))
        assert "run ab12cd goes on 2/4, 1 fail, ETA " in seen.splitlines()[-2]
        assert "runs" in line_with(seen, "files", "192.0.2.40")


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_in_every_field_is_harmless(tmp_path, size):
    app = small(tmp_path)
    nasty = f"[/][red]{ESCAPES}" + "x" * 1_000_000
    at = NOW - timedelta(minutes=1)
    finding = replace(SLOW, status=Status.FAIL, expected=nasty, observed=nasty, fix=nasty, message=nasty)
    told = known("a", Status.FAIL, findings=(finding,), vantage=nasty, started=at)
    plan = plan_of([planned("a", title=nasty, target=nasty)], [milestone("ready", "a", after=(nasty,))])
    plan = replace(plan, parties=(replace(plan.parties[0], name=nasty, phone=nasty),))
    plan = replace(plan, milestones=(replace(plan.milestones[0], title=nasty, owner="isp"),))
    found = {"a": told}
    signed = Decision(milestone="ready", verdict=Verdict.NO_GO, by=nasty, at=at, decided="NO-GO")
    run = RunRecord(
        id=nasty, started=at, vantage=vantage(name=nasty), plan_digest="", selected=(), finished=at,
        outcome="finished",
    )  # fmt: skip
    shown = paint_picture(
        plan, found, found, now=NOW, run=run, milestones=plan.milestones, decisions=[signed]
    )
    async with app.run_test(size=size) as pilot:
        seen = await see(app, pilot, picture=shown, decisions=(signed,), problems=(nasty,))
        assert not any(ord(char) < 32 and char != "\n" for char in seen)
        assert "\u202e" not in seen
        assert "[red]" in seen
        assert "CHECK" in seen
        await pilot.press("a", "slash", *"x", "enter", "escape", "space")
        await pilot.pause()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0s"), (99, "99s"), (100, "1m"), (5999, "99m"), (6000, "1h"), (26 * 3600, "26h"), (72 * 3600, "3d"),
     (-3, "0s"), (-120, "+2m"), (9e9, "999d")],
)  # fmt: skip
def test_ages(seconds, expected):
    assert age(NOW - timedelta(seconds=min(seconds, 6e9)), NOW) == expected
    assert age(None, NOW) == "-"


async def test_five_thousand_checks_are_shown_quickly(tmp_path):
    app = small(tmp_path)
    names = [f"check-{n:04}" for n in range(5000)]
    kinds = [Status.FAIL, Status.INCONCLUSIVE, *[Status.PASS] * 8]
    stones = [milestone(f"m{n}", *names[n * 1000 : n * 1000 + 1000]) for n in range(4)]
    stones.append(milestone("m4", *names))
    plan = plan_of([planned(name, milestone="m4") for name in names], stones)
    found = {
        name: known(name, kinds[n % 10], seq=n, started=NOW - timedelta(minutes=n % 60))
        for n, name in enumerate(names)
    }

    def view(number):
        found["check-0000"] = known("check-0000", kinds[number % 3], seq=9000 + number, started=NOW)
        shown = paint_picture(plan, found, found, now=NOW, run=None, milestones=plan.milestones)
        return View(picture=shown, runs=(), waivers=(), decisions=(), number=number)

    async with app.run_test(size=(140, 40)) as pilot:
        await see(app, pilot)
        await see(app, pilot, view(0))
        await pilot.press("5")
        for keys in ((), ("a",), ("slash", *"seen -pass", "enter")):
            await pilot.press(*keys)
            await pilot.pause()
            views = [view(number) for number in range(5)]
            begun = time.perf_counter()
            for item in views:
                app.screen.show(item)
            took = (time.perf_counter() - begun) / len(views)
            begun = time.perf_counter()
            await pilot.pause()
            painted = time.perf_counter() - begun
            print(
                f"{keys}: show {took * 1e3:.1f} ms, repaint {painted * 1e3:.1f} ms, {len(rows_of(app))} rows"
            )
        begun = time.perf_counter()
        app.screen.tick()
        print(f"tick {(time.perf_counter() - begun) * 1e3:.1f} ms")
        await pilot.press("escape", "a")
        assert len(rows_of(app)) == 1000
