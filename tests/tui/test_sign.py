"""A sign-off by the keyboard: what is not pass is read first, and nothing unseen is signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.files.load import load_plan
from agent.ledger.errors import LedgerError
from checks.words import Finding, Status
from tests.tui.conftest import SIZES
from tests.tui.filling import closed, fill, kept, opened, ready_to_save, stand_on, to, until
from tests.tui.office import NOW, passed, result, store_run, write_project
from tests.tui.screen import check_snapshot, text
from tui.app import Dashboard
from tui.dialogs.fields import Choice, Entry
from tui.dialogs.reading import Reading
from tui.dialogs.sign import SignDialog

NO_GO = [("decided", "NO-GO"), ("by", "Ann Rey"), ("confirmation", "hq-move")]
AGAINST = [
    ("decided", "GO"), ("by", "Ann Rey"), ("second", "Max Lind"),
    ("note", "The landlord turns the power off at midnight"), ("confirmation", "hq-move"),
]  # fmt: skip
BAD = ("\x1b", "\x07", "\x9b", "\u202e", "\x00")

SMALL = """\
gonogo: 1
project: {id: hq-move, name: Two milestones, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}
milestones:
  line-live: {title: The line is live, due: -1d, gate: {max_age: 48h}}
  ready: {title: Ready, due: -1h, after: [line-live], gate: {max_age: 12h}}
checks:
  line: {type: network.tcp, milestone: line-live, target: 192.0.2.1, port: 443}
  files: {type: network.tcp, milestone: ready, target: 192.0.2.40, port: 445}
"""


@pytest.fixture
def fixed_head(dashboard, monkeypatch):
    """The ledger's hashes differ from run to run; pictures of the dialog must not."""

    async def head():
        return f"29:{'9c1e' * 16}"

    monkeypatch.setattr(dashboard.store, "head", head)


def words(app):
    """Return what is on the screen as one line."""
    return " ".join(text(app).split())


async def read(pilot):
    """Open the list of what is not pass, go to its end and say that it was read."""
    await to(pilot, "read-all")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, Reading))
    await pilot.press("end")
    await until(pilot, lambda: "says that you have read it all" in text(pilot.app))
    await pilot.press("ctrl+s")
    await until(pilot, lambda: isinstance(pilot.app.screen, SignDialog))
    await until(pilot, lambda: "[x] I have read" in text(pilot.app))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("fixed_head")
async def test_nothing_is_filled_in_and_the_verdict_is_loud(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        dashboard.ask_decision("ready")
        await opened(pilot)
        await until(pilot, lambda: "ledger up to entry" in words(dashboard))
        assert dashboard.focused.id == "cancel"
        controls = [*dashboard.screen.query(Entry), *dashboard.screen.query(Choice)]
        assert [control.value for control in controls] == [""] * 5
        seen = " ".join(words(dashboard).replace("\u2502", " ").split())
        counted = "2 fail, 1 inconclusive, 1 stale, 1 not run, 1 blocked; advisory: 1 fail"
        assert f"Verdict by the rules NO-GO {counted}" in seen
        assert "[ ] I have read what is not pass" in seen
        assert "(x)" not in seen
        check_snapshot(dashboard, "sign-empty")


@pytest.mark.parametrize("size", SIZES)
async def test_a_no_go_is_signed_by_keyboard_alone(dashboard, project, size):
    async with dashboard.run_test(size=size) as pilot:
        await stand_on(pilot, "files")
        await pilot.press("s")
        await opened(pilot)
        await read(pilot)
        await fill(pilot, NO_GO)
        await until(pilot, lambda: "Complete: ctrl+s" in text(dashboard))
        await pilot.press("ctrl+s")
        await closed(pilot)
    [decision] = kept(project, "decisions")
    assert (decision.milestone, decision.decided, decision.verdict) == ("ready", "NO-GO", "NO-GO")
    assert (decision.by, decision.second, decision.at) == ("Ann Rey", "", NOW)
    assert decision.head.startswith("29:")
    assert len(decision.head) == len("29:") + 64


async def test_what_is_not_pass_must_be_read_first(dashboard, project):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_decision("ready")
        await opened(pilot)
        await ready_to_save(pilot, NO_GO)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Read what is not pass first" in text(dashboard))
        await until(pilot, lambda: not dashboard.screen._busy)
        await to(pilot, "read-all")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(dashboard.screen, Reading))
        check_snapshot(dashboard, "sign-reading")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(dashboard.screen, SignDialog))
        assert "[ ] I have read" in text(dashboard)
    assert kept(project, "decisions") == []


async def test_a_long_list_is_not_read_before_its_end_was_on_the_screen(tmp_path):
    lines = "".join(
        f"  c{n}: {{type: network.tcp, milestone: ready, target: 192.0.2.40, port: {1000 + n}}}\n"
        for n in range(60)
    )
    file = write_project(tmp_path, SMALL + lines)
    app = Dashboard(file, load_plan(file), now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_decision("ready")
        await opened(pilot)
        await to(pilot, "read-all")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Reading) and "c1 " in text(app))
        assert "Go on to the end of the list first" in text(app)
        await pilot.press("ctrl+s", "pagedown", "ctrl+s")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Reading)
        for _ in range(8):
            await pilot.press("pagedown")
        await until(pilot, lambda: "says that you have read it all" in text(app))
        await pilot.press("ctrl+s", "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SignDialog))
        assert "[x] I have read" in text(app)


@pytest.mark.usefixtures("fixed_head")
@pytest.mark.parametrize("size", SIZES)
async def test_a_go_against_the_rules_needs_a_reason_and_a_second_person(dashboard, project, size):
    async with dashboard.run_test(size=size) as pilot:
        dashboard.ask_decision("ready")
        await opened(pilot)
        await read(pilot)
        await ready_to_save(pilot, [("decided", "GO"), ("by", "Ann Rey"), ("confirmation", "hq-move")])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "against them a second person must sign" in words(dashboard))
        seen = words(dashboard)
        assert "GO AGAINST THE RULES" in seen
        assert "needs a reason" in seen
        check_snapshot(dashboard, "sign-against")
        assert kept(project, "decisions") == []
        await ready_to_save(pilot, [("second", "ann  REY"), AGAINST[3]])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "must be another person" in words(dashboard))
        await until(pilot, lambda: not dashboard.screen._busy)
        assert kept(project, "decisions") == []
        await ready_to_save(pilot, [("second", "Max Lind")])
        await until(pilot, lambda: "Complete: ctrl+s" in text(dashboard))
        check_snapshot(dashboard, "sign-full")
        await pilot.press("ctrl+s")
        await closed(pilot)
    [decision] = kept(project, "decisions")
    assert (decision.decided, decision.verdict, decision.second) == ("GO", "NO-GO", "Max Lind")


async def test_the_preview_says_what_the_signature_changes(tmp_path):
    file = write_project(tmp_path, SMALL)
    plan = load_plan(file)
    good = result(plan, "files", NOW, passed("192.0.2.40:445", "open"), run="r1")
    store_run(file, plan, "r1", NOW, [good])
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_decision("line-live")
        await opened(pilot)
        await read(pilot)
        await ready_to_save(pilot, AGAINST)
        await until(pilot, lambda: "ready is GO WITH WAIVERS with it (INCOMPLETE now)." in words(app))
        await ready_to_save(pilot, [("decided", "NO-GO")])
        await until(pilot, lambda: "ready is GO WITH" not in words(app))


async def test_a_gate_that_is_go_needs_no_reading(tmp_path):
    file = write_project(tmp_path, SMALL)
    plan = load_plan(file)
    good = result(plan, "line", NOW, passed("192.0.2.1:443", "open"), run="r1")
    store_run(file, plan, "r1", NOW, [good])
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_decision("line-live")
        await opened(pilot)
        assert "Verdict by the rules GO 1 pass" in words(app)
        assert "there is nothing else to read" in words(app)
        await ready_to_save(pilot, [("decided", "GO"), *NO_GO[1:]])
        await pilot.press("ctrl+s")
        await closed(pilot)
    assert [item.verdict for item in kept(file, "decisions")] == ["GO"]


async def test_a_verdict_that_changes_meanwhile_is_not_signed(tmp_path):
    """It was GO when the dialog opened; a run finds a fault while the person types."""
    file = write_project(tmp_path, SMALL)
    plan = load_plan(file)
    good = result(plan, "line", NOW, passed("192.0.2.1:443", "open"), run="r1")
    store_run(file, plan, "r1", NOW, [good])
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_decision("line-live")
        await opened(pilot)
        await ready_to_save(pilot, [("decided", "GO"), *NO_GO[1:]])
        bad = Finding(
            status=Status.FAIL, subject="192.0.2.1:443", message="It is refused.", expected="open",
            observed="refused", fix="Start it.",
        )  # fmt: skip
        store_run(file, plan, "r2", NOW, [result(plan, "line", NOW, bad, run="r2")])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "It changed while you were writing: GO → NO-GO." in words(app))
        assert app.screen.query_one("#confirmation").value == ""
        assert app.screen.query_one("#by").value == "Ann Rey"
        assert "[ ] I have read what is not pass: 1 fail" in words(app)
        assert "GO AGAINST THE RULES" in words(app)
        await ready_to_save(pilot, [("confirmation", "hq-move")])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.screen._busy)
        assert isinstance(app.screen, SignDialog)
    assert kept(file, "decisions") == []


async def test_what_changes_under_the_list_is_not_taken_as_read(dashboard, project):
    plan = load_plan(project)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_decision("ready")
        await opened(pilot)
        await to(pilot, "read-all")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(dashboard.screen, Reading))
        before = dashboard.screen_stack[-2]._seen
        bad = Finding(status=Status.FAIL, subject="printer", message="It is off.", observed="off", fix="x")
        store_run(project, plan, "r4", NOW, [result(plan, "printer", NOW, bad, run="r4")])
        await until(pilot, lambda: dashboard.screen_stack[-2]._seen != before)
        await pilot.press("end", "ctrl+s")
        await until(pilot, lambda: isinstance(dashboard.screen, SignDialog))
        await pilot.pause()
        assert "[ ] I have read" in text(dashboard)
        assert "Something new was seen while you were writing" in words(dashboard)


async def test_a_ledger_that_never_stands_still_is_not_signed(dashboard, project, monkeypatch):
    count = iter(range(100))

    async def moving():
        return f"{next(count)}:{'0' * 64}"

    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_decision("ready")
        await opened(pilot)
        await read(pilot)
        await ready_to_save(pilot, NO_GO)
        monkeypatch.setattr(dashboard.store, "head", moving)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "wait until the run has ended" in words(dashboard))
        assert isinstance(dashboard.screen, SignDialog)
    assert kept(project, "decisions") == []


async def test_two_presses_sign_once_and_a_refusing_ledger_loses_nothing(dashboard, project, monkeypatch):
    async def locked(record):
        raise LedgerError("Another program keeps the ledger locked: wait until it is done.")

    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_decision("ready")
        await opened(pilot)
        await read(pilot)
        await ready_to_save(pilot, NO_GO)
        with monkeypatch.context() as patch:
            patch.setattr(dashboard.store, "write", locked)
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "Not stored. Another program" in words(dashboard))
            await until(pilot, lambda: not dashboard.screen._busy)
        assert [dashboard.screen.query_one(f"#{name}").value for name, _ in NO_GO] == [v for _, v in NO_GO]
        await pilot.press("ctrl+s", "ctrl+s", "ctrl+s")
        await closed(pilot)
    assert len(kept(project, "decisions")) == 1


async def test_a_dashboard_that_only_shows_signs_nothing(project):
    app = Dashboard(project, load_plan(project), now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_decision("ready")
        await opened(pilot)
        await read(pilot)
        await ready_to_save(pilot, NO_GO)
        app.store.read_only = True
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "This dashboard only shows" in words(app))
        await pilot.press("escape")
        await closed(pilot)
        app.push_screen(SignDialog("ready"))
        await pilot.pause(0.2)
        assert not app.screen.is_modal
    assert kept(project, "decisions") == []


async def test_while_the_project_cannot_be_read_no_go_is_said(tmp_path, monkeypatch):
    file = write_project(tmp_path, SMALL)
    plan = load_plan(file)
    good = result(plan, "line", NOW, passed("192.0.2.1:443", "open"), run="r1")
    store_run(file, plan, "r1", NOW, [good])
    app = Dashboard(file, plan, now=lambda: NOW)
    look = app.store._watch.look
    app.store.view = replace(app.store.view, problems=("The project file cannot be read.",))
    monkeypatch.setattr(
        app.store._watch,
        "look",
        lambda now: replace(look(now) or app.store.view, problems=("It is broken.",)),
    )
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_decision("line-live")
        await opened(pilot)
        seen = words(app)
        assert "Verdict by the rules CANNOT TELL" in seen
        assert not [line for line in text(app).splitlines()[:5] if " GO " in line]
        await ready_to_save(pilot, [("decided", "GO"), *NO_GO[1:]])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.screen._busy)
        assert isinstance(app.screen, SignDialog)
    assert kept(file, "decisions") == []


async def test_hostile_words_are_harmless_in_dialog_and_list(tmp_path):
    evil = "a\x1b]52;c;eA==\x07b\x9bc\u202ed[/][red]\x00"
    file = write_project(tmp_path, SMALL)
    plan = load_plan(file)
    bad = Finding(status=Status.FAIL, subject=evil, message=evil, expected=evil, observed=evil * 50, fix=evil)
    store_run(file, plan, evil, NOW, [result(plan, "files", NOW, bad, run=evil)])
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        for milestone in ("ready", evil, "[/]", ""):
            app.ask_decision(milestone)
            await opened(pilot)
            lines = [strip.text for strip in app.screen._compositor.render_strips()]
            assert not [char for char in BAD if char in "".join(lines)]
            if milestone == "ready":
                await to(pilot, "read-all")
                await pilot.press("enter")
                await until(pilot, lambda: isinstance(app.screen, Reading) and "files" in text(app))
                lines = [strip.text for strip in app.screen._compositor.render_strips()]
                assert not [char for char in BAD if char in "".join(lines)]
                await pilot.press("escape")
                await until(pilot, lambda: isinstance(app.screen, SignDialog))
            await pilot.press("escape")
            await closed(pilot)
