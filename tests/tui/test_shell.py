"""The shell: what the title says and never says, freezing, going about, and ends of every kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from agent.board import current
from agent.verdict import Verdict
from tests.tui.conftest import SIZES
from tests.tui.office import NOW
from tests.tui.screen import text
from tui.app import Dashboard
from tui.screens.help import HelpPage
from tui.screens.home import Home
from tui.widgets.title import Title, countdown, fitted, parts_of

WORDS = ("NO-GO", "INCOMPLETE", "CANNOT TELL", "GO WITH WAIVERS", "GO")


def line(view, width, **changes):
    parts = parts_of(view, "milestones", **{"now": view.picture.now, **changes})
    return " ".join(text for text, _ in fitted(parts, width))


def verdict_of(said):
    return next((word for word in WORDS if word in said), "")


def having(view, verdict, **changes):
    """Return `view` with another verdict of the current milestone, and other changes to it."""
    item = current(view.picture.verdicts, view.decisions, view.picture.now)
    made = replace(item, verdict=verdict, **changes)
    verdicts = tuple(made if one is item else one for one in view.picture.verdicts)
    return replace(view, picture=replace(view.picture, verdicts=verdicts))


def renamed(view, name):
    """Return `view` with ids of project and milestones that are long, wide or hostile."""
    plan = view.picture.plan
    project = replace(plan.project, id=name)
    verdicts = tuple(replace(one, milestone=replace(one.milestone, id=name)) for one in view.picture.verdicts)
    return replace(
        view, picture=replace(view.picture, plan=replace(plan, project=project), verdicts=verdicts)
    )


@pytest.fixture
def view(dashboard):
    yield dashboard.store.view
    dashboard.store.close()


# What would make it lie


@pytest.mark.parametrize("name", ["hq", "x" * 60, "会議室" * 20])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_verdict_is_whole_or_not_there_at_every_width(view, verdict, name):
    having_it = renamed(having(view, verdict), name)
    for width in range(1, 201):
        shown = line(having_it, width, frozen=NOW, read_only=True)
        assert cell_len(shown) <= width
        if width >= 20:
            assert verdict_of(shown) == verdict.value
        else:
            assert verdict.value in shown or "GO" not in shown


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_while_there_is_a_problem_nobody_can_tell(view, width):
    going = replace(having(view, Verdict.GO, reasons=()), problems=("The project file cannot be read.",))
    assert verdict_of(line(going, width)) == "CANNOT TELL"
    styles = [look for _, look in fitted(parts_of(going, "", now=NOW), width)]
    assert "GO" not in styles


def test_a_go_is_over_when_its_time_is_even_if_no_new_view_came(view):
    going = having(view, Verdict.GO, until=NOW + timedelta(minutes=5))
    assert verdict_of(line(going, 80)) == "GO"
    assert verdict_of(line(going, 80, now=NOW + timedelta(minutes=6))) == "CANNOT TELL"


def test_a_clock_that_is_off_is_said_and_one_that_is_right_is_not(view):
    def off(seconds):
        run = view.picture.run
        run = replace(run, vantage=replace(run.vantage, clock_offset_s=seconds))
        return line(replace(view, picture=replace(view.picture, run=run)), 120)

    assert "clock +4.2 s" in off(4.2)
    assert "clock -61.0 s" in off(-61.0)
    assert "clock" not in off(0.9)
    assert "clock" not in off(None)


def test_at_80_columns_the_title_says_all_that_matters(view):
    shown = line(view, 80, frozen=NOW, read_only=True)
    for words in ("hq-move", "T-03:12:07 to 21:30 CET", "ready", "NO-GO", "FROZEN", "read only"):
        assert words in shown


def test_hostile_ids_are_harmless_in_the_title(view):
    shown = line(renamed(view, "\x1b]0;x\x07[/]\u202e"), 200)
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(hours=4, minutes=12, seconds=7), "T-04:12:07 to 22:30 CET"),
        (timedelta(0), "T-00:00:00 to 22:30 CET"),
        (-timedelta(minutes=10), "T+00:10:00 since 22:30 CET"),
        (timedelta(hours=47), "T-47:00:00 to Sat 22:30 CET"),
        (timedelta(days=14, hours=1), "T-14d 01:00 to Sat 5 Dec 22:30 CET"),
        (-timedelta(days=400), "T+400d 00:00 since Sat 5 Dec 22:30 CET"),
    ],
)
def test_the_countdown_is_in_the_projects_zone(ahead, said):
    due = datetime(2026, 12, 5, 21, 30, tzinfo=UTC)
    assert countdown(due, due - ahead, "Europe/Zurich") == said
    assert countdown(None, due, "Europe/Zurich") == "no date"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [(), ("l",), ("d",), ("v",), ("question_mark",), ("enter",)])
async def test_verdict_and_countdown_are_in_the_title_of_every_page(dashboard, size, keys):
    async with dashboard.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        first = text(dashboard).splitlines()[0]
        assert verdict_of(first) == "NO-GO"
        assert "T-03:12:07 to 21:30 CET" in first


async def test_read_only_is_said(project):
    from agent.files.load import load_plan

    app = Dashboard(project, load_plan(project), read_only=True, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "read only" in text(app).splitlines()[0]


# The time goes on


async def test_the_countdown_goes_on_although_nothing_new_is_known(project):
    from agent.files.load import load_plan

    times = [NOW]
    app = Dashboard(project, load_plan(project), now=lambda: times[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "T-03:12:07" in text(app)
        times[0] += timedelta(seconds=2)
        app._tick()
        await pilot.pause()
        assert "T-03:12:05" in text(app)


class Spy(Home):
    """Home that counts how often it is shown something."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def show(self, view):
        self.heard.append(view)
        super().show(view)


async def test_a_frozen_page_stands_still_while_the_title_tells_the_truth(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        spy = Spy()
        dashboard.push_screen(spy)
        await pilot.pause()
        await pilot.press("space")
        await pilot.pause()
        assert dashboard.frozen
        then = dashboard.store.view
        spy.heard.clear()
        newer = replace(having(then, Verdict.INCOMPLETE), number=then.number + 1)
        dashboard.store.view = newer
        dashboard._tell(newer)
        await pilot.pause()
        first = text(dashboard).splitlines()[0]
        assert spy.heard == []
        assert "FROZEN 18:17:53" in first
        assert verdict_of(first) == "INCOMPLETE"
        await pilot.press("space")
        assert spy.heard[0] is dashboard.store.view
        assert not dashboard.frozen
        await pilot.pause()
        assert "FROZEN" not in text(dashboard)


async def test_a_page_opened_while_frozen_shows_the_frozen_moment(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("space")
        then = dashboard.store.view
        dashboard.store.view = replace(then, number=then.number + 1)
        spy = Spy()
        dashboard.push_screen(spy)
        await pilot.pause()
        assert spy.heard
        assert all(view is then for view in spy.heard)


# Going about


async def test_escape_leads_back_and_never_out(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for keys in (("l",), ("v", "question_mark"), ("question_mark",)):
            await pilot.press(*keys, *["escape"] * 5)
            await pilot.pause()
            assert len(dashboard.screen_stack) == 1
            assert isinstance(dashboard.screen, Home)
        assert dashboard.is_running


async def test_pages_of_which_one_is_enough_do_not_pile_up(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for _ in range(5):
            await pilot.press("l", "v", "question_mark", "question_mark")
            await pilot.pause()
        kinds = [type(screen) for screen in dashboard.screen_stack]
        assert len(kinds) == len(set(kinds)) <= 4
        assert HelpPage in kinds
        dashboard.go_home("moved")
        await pilot.pause()
        assert len(dashboard.screen_stack) == 1
        assert dashboard.selected == "moved"


async def test_what_is_copied_is_harmless(dashboard):
    async with dashboard.run_test(size=(80, 24)):
        dashboard.copy_to_clipboard("a\x1b[31m\x07\u202e\r\nb")
        assert dashboard.clipboard == "a\\x1b[31m\\x07\\u202e\\x0d\nb"


# Ends


class Broken(Home):
    def show(self, view):
        secret = "hunter2"  # noqa: F841
        raise ValueError("boom \x1b[31m")


async def test_an_error_in_a_page_ends_the_dashboard_with_the_error(dashboard):
    with pytest.raises(ValueError, match="boom"):
        async with dashboard.run_test(size=(80, 24)) as pilot:
            dashboard.push_screen(Broken())
            await pilot.pause()
    assert dashboard.return_code == 1
    assert isinstance(dashboard.failure, ValueError)
    assert not dashboard._exit_renderables


async def test_an_error_while_looking_at_the_ledger_ends_it_too(dashboard, monkeypatch):
    def broken(_tell):
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="disk"):
        async with dashboard.run_test(size=(80, 24)) as pilot:
            monkeypatch.setattr(dashboard.store, "refresh", broken)
            for _ in range(100):
                await pilot.pause(0.05)
    assert dashboard.return_code == 1
    assert "disk" in str(dashboard.failure)


async def test_q_ends_it_with_0(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert dashboard.return_code == 0
    assert dashboard.failure is None


async def test_the_title_is_repainted_only_when_it_changes(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        title = dashboard.screen.query_one(Title)
        written = []
        title.update = written.append
        for _ in range(5):
            dashboard._tick()
        await pilot.pause()
        assert written == []
