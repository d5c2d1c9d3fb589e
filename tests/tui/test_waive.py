"""A waiver by the keyboard: nothing is filled in, nothing unseen is waived, nothing is written twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.events import Paste

from agent.files.load import load_plan
from agent.ledger.errors import LedgerError
from agent.verdict import Verdict
from checks.words import Finding, Status
from tests.tui.conftest import SIZES
from tests.tui.filling import REASON, WAIVER, closed, fill, kept, opened, ready_to_save, stand_on, to, until
from tests.tui.office import NOW, passed, result, store_run, write_project
from tests.tui.screen import check_snapshot, text
from tui.app import Dashboard
from tui.dialogs.fields import Choice, Entry
from tui.dialogs.waive import WaiveDialog

HOSTILE = "a\x1b]52;c;ZXZpbA==\x07b\x9b31mc\u202edef[/][red]\x00\u2066\ue000g"
BAD = ("\x1b", "\x07", "\x9b", "\u202e", "\x00", "\u2066", "\ue000")


def ready(app):
    """Return the verdict on the milestone `ready`."""
    verdicts = app.store.view.picture.verdicts
    return next(item for item in verdicts if item.milestone.id == "ready")


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_filled_in_and_the_focus_is_on_cancel(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        assert dashboard.focused.id == "cancel"
        controls = [*dashboard.screen.query(Entry), *dashboard.screen.query(Choice)]
        assert len(controls) == 7
        assert all(control.value == "" for control in controls)
        assert "(x)" not in text(dashboard)
        check_snapshot(dashboard, "waive-empty")
        await pilot.press("enter")
        await closed(pilot)
    assert kept(dashboard.store.project_file, "waivers") == []


@pytest.mark.parametrize("size", SIZES)
async def test_a_waiver_by_keyboard_alone(dashboard, project, size):
    async with dashboard.run_test(size=size) as pilot:
        await pilot.pause()
        assert "files: fail" in ready(dashboard).reasons
        await stand_on(pilot, "files")
        assert "refused after" in text(dashboard)
        await pilot.press("w")
        await opened(pilot)
        await fill(pilot, WAIVER[:-1])
        await until(pilot, lambda: "ready is  NO-GO  with it as without it" in text(dashboard))
        seen = text(dashboard)
        assert "Sun 6 Dec 2026 06:00 CET, in 11 h" in seen
        assert "1 fail, 1 inconclusive" in seen
        assert "A waiver does not change the result." in seen
        assert "type the project's id, hq-move, to confirm".casefold() in seen.casefold()
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert kept(project, "waivers") == []
        await fill(pilot, WAIVER[-1:])
        check_snapshot(dashboard, "waive-full")
        await pilot.press("ctrl+s")
        await closed(pilot)
        [said] = dashboard._notifications
        assert said.message == "The waiver of files is stored. It ends Sun 6 Dec 2026 06:00 CET."
        assert not said.markup
        [waiver] = kept(project, "waivers")
        assert (waiver.check, waiver.reason, waiver.risk) == ("files", REASON, "medium")
        assert (waiver.author, waiver.approver, waiver.ticket) == ("Ann Rey", "Max Lind", "CHG-20417")
        assert (waiver.at, waiver.standing) == (NOW, "fail")
        assert waiver.expires.isoformat() == "2026-12-06T05:00:00+00:00"
        assert "files: fail" not in ready(dashboard).reasons
        await until(pilot, lambda: "1 waived" in " ".join(text(dashboard).split()))
        assert "WHAT BLOCKS ready: 1 fail, 1 inconclusive" in " ".join(text(dashboard).split())


ONE = """\
gonogo: 1
project: {id: hq-move, name: One check, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}
milestones:
  ready: {title: Ready, due: -1h, gate: {max_age: 12h}}
checks:
  files: {type: network.tcp, milestone: ready, target: 192.0.2.40, port: 445}
"""


async def test_a_waiver_of_the_last_one_makes_it_go_with_waivers_and_never_go(tmp_path):
    """The preview says the very verdict that the gate then has, and the title behind it says so, too."""
    file = write_project(tmp_path, ONE)
    plan = load_plan(file)
    bad = result(plan, "files", NOW, plan_failed("192.0.2.40:445", "refused"), run="r1")
    store_run(file, plan, "r1", NOW, [bad])
    app = Dashboard(file, plan, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_waiver("files")
        await opened(pilot)
        assert "ready is  NO-GO  now: 1 fail." in text(app)
        await ready_to_save(pilot)
        await until(pilot, lambda: "ready is  GO WITH WAIVERS  with it (NO-GO now)." in text(app))
        assert "NO-GO" in text(app).splitlines()[0]
        await pilot.press("ctrl+s")
        await closed(pilot)
        assert ready(app).verdict is Verdict.GO_WITH_WAIVERS
        await until(pilot, lambda: "GO WITH WAIVERS" in text(app).splitlines()[0])


async def test_what_is_in_nobodys_way_cannot_be_waived(dashboard, project):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        for check in ("loss", "guest-wifi", "plan-agreed"):
            dashboard.ask_waiver(check)
            await opened(pilot)
            assert "there is nothing to waive" in " ".join(text(dashboard).split())
            await ready_to_save(pilot)
            await pilot.press("ctrl+s")
            await until(pilot, lambda: not dashboard.screen._busy)
            assert dashboard.screen.is_modal
            await pilot.press("escape")
            await closed(pilot)
    assert kept(project, "waivers") == []


async def test_what_is_missing_is_said_live_only_where_it_was_touched_and_all_at_ctrl_s(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await fill(pilot, [("author", "Ann Rey"), ("approver", "A. Rey")])
        seen = text(dashboard)
        assert "must be another person" in seen
        assert "Say how high the risk is" not in seen
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Say how high the risk is" in text(dashboard))
        seen = text(dashboard)
        for part in ("must tell whoever reads it", "Say until when", "must be another person", "to confirm"):
            assert part in seen
        assert dashboard.focused.id == "reason"
        check_snapshot(dashboard, "waive-problems")
    assert kept(dashboard.store.project_file, "waivers") == []


@pytest.mark.parametrize(
    ("field", "said", "why"),
    [
        ("reason", "ok", "at least 20"),
        ("reason", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "at least 20"),
        ("approver", "ann rey", "must be another person"),
        ("expires", "2026-12-05 06:00", "is over"),
        ("expires", "tomorrow", "A time is written like"),
        ("confirmation", "HQ-move", "to confirm"),
        ("confirmation", "hq", "to confirm"),
    ],
)
async def test_what_is_wrong_is_not_stored(dashboard, project, field, said, why):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await ready_to_save(pilot, {**dict(WAIVER), field: said}.items())
        await pilot.press("ctrl+s")
        await until(pilot, lambda: why in text(dashboard))
        await until(pilot, lambda: not dashboard.screen._busy)
        assert dashboard.screen.is_modal
        assert dashboard.focused.id == field
    assert kept(project, "waivers") == []


async def test_ctrl_s_twice_writes_once(dashboard, project, monkeypatch):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await ready_to_save(pilot)
        go, begun, write = asyncio.Event(), [], dashboard.store.write

        async def slow(record):
            begun.append(record)
            await go.wait()
            await write(record)

        monkeypatch.setattr(dashboard.store, "write", slow)
        await pilot.press("ctrl+s", "ctrl+s")
        await until(pilot, lambda: begun)
        await pilot.press("escape", "ctrl+s", "escape")
        assert "It is being stored" in text(dashboard)
        assert len(begun) == 1
        go.set()
        await closed(pilot)
        assert len(dashboard.screen_stack) == 1
    assert len(kept(project, "waivers")) == 1


async def test_a_check_that_passes_meanwhile_is_not_waived(dashboard, project):
    plan = load_plan(project)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await ready_to_save(pilot)
        good = result(plan, "files", NOW, passed("192.0.2.40:445", "open after 2 ms"), run="r4")
        store_run(project, plan, "r4", NOW, [good])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "It changed while you were writing: fail" in text(dashboard))
        assert dashboard.screen.query_one("#confirmation").value == ""
        assert dashboard.screen.query_one("#reason").value == REASON
        assert "there is nothing to waive" in " ".join(text(dashboard).split())
        check_snapshot(dashboard, "waive-changed")
        dashboard.screen.query_one("#confirmation").value = "hq-move"
        await pilot.press("ctrl+s")
        await pilot.pause(0.3)
        assert dashboard.screen.is_modal
    assert kept(project, "waivers") == []


async def test_a_new_result_must_be_seen_before_it_is_waived(dashboard, project):
    plan = load_plan(project)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await ready_to_save(pilot)
        other = result(plan, "files", NOW, plan_failed("192.0.2.40:445", "another host answers"), run="r4")
        store_run(project, plan, "r4", NOW, [other])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Something new was seen while you were writing" in text(dashboard))
        assert kept(project, "waivers") == []
        assert "another host answers" in text(dashboard)
        dashboard.screen.query_one("#confirmation").value = "hq-move"
        await pilot.press("ctrl+s")
        await closed(pilot)
    assert len(kept(project, "waivers")) == 1


def plan_failed(subject, observed):
    return Finding(
        status=Status.FAIL, subject=subject, message="It is refused.", expected="open", observed=observed,
        fix="Look there.",
    )  # fmt: skip


@pytest.mark.parametrize("looks", [True, False])
async def test_time_that_passes_in_an_open_dialog_is_noticed(project, looks, monkeypatch):
    """Nobody stores anything meanwhile: the result alone grows too old, whether the store notices or not."""
    clock = [NOW]
    app = Dashboard(project, load_plan(project), now=lambda: clock[0])
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_waiver("files")
        await opened(pilot)
        await ready_to_save(pilot)
        if not looks:
            monkeypatch.setattr(app.store._watch, "look", lambda now: None)
        clock[0] = NOW + timedelta(hours=12)
        await until(pilot, lambda: "It changed while you were writing: fail" in text(app))
        assert "stale" in text(app)
        assert app.screen.query_one("#confirmation").value == ""


async def test_a_ledger_that_refuses_is_said_and_nothing_typed_is_lost(dashboard, project, monkeypatch):
    said = "The disk that holds the ledger is full: free some space and try again."

    async def full(record):
        raise LedgerError(said)

    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await ready_to_save(pilot)
        with monkeypatch.context() as patch:
            patch.setattr(dashboard.store, "write", full)
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "disk that holds" in " ".join(text(dashboard).split()))
        for name, value in WAIVER:
            assert dashboard.screen.query_one(f"#{name}").value == value
        await until(pilot, lambda: not dashboard.screen._busy)
        await pilot.press("ctrl+s")
        await closed(pilot)
    assert len(kept(project, "waivers")) == 1


async def test_a_dashboard_that_only_shows_opens_none_and_saves_none(project):
    app = Dashboard(project, load_plan(project), read_only=True, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.push_screen(WaiveDialog("files"))
        await pilot.pause(0.2)
        assert not app.screen.is_modal
        app.store.read_only = False
        app.push_screen(WaiveDialog("files"))
        await opened(pilot)
        await ready_to_save(pilot)
        app.store.read_only = True
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "This dashboard only shows" in text(app))
        assert app.screen.is_modal
    assert kept(project, "waivers") == []


async def test_while_the_project_cannot_be_read_nothing_is_waived(dashboard, project, monkeypatch):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await ready_to_save(pilot)
        look = dashboard.store._watch.look
        sentence = "The project file has changed and cannot be read."

        def trouble(now):
            view = look(now) or dashboard.store.view
            return replace(view, problems=(sentence,))

        monkeypatch.setattr(dashboard.store._watch, "look", trouble)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: sentence in " ".join(text(dashboard).split()))
        assert "CANNOT TELL" in text(dashboard).splitlines()[0]
        assert dashboard.screen.is_modal
    assert kept(project, "waivers") == []


async def test_pasted_control_characters_reach_neither_the_screen_nor_the_ledger(dashboard, project):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await to(pilot, "reason")
        dashboard.post_message(Paste(f"{REASON}\n{HOSTILE}"))
        await until(pilot, lambda: dashboard.focused.value != "")
        value = dashboard.focused.value
        assert not [char for char in BAD if char in value]
        assert value.startswith(f"{REASON} a\\x1b]52;c;")
        dashboard.screen.query_one("#ticket").value = HOSTILE
        await pilot.pause()
        for strip in dashboard.screen._compositor.render_strips():
            assert not [char for char in BAD if char in strip.text]
        assert "\\x1b]52" in text(dashboard)


async def test_what_is_pasted_and_does_not_fit_is_cut_aloud(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await to(pilot, "author")
        dashboard.post_message(Paste("Ann Rey " + "x" * 1_000_000))
        await until(pilot, lambda: "too long for this field" in text(dashboard))
        assert len(dashboard.screen.query_one("#author").value) == 80


async def test_hostile_words_of_the_project_crash_no_dialog(tmp_path):
    file = write_project(tmp_path)
    plan = load_plan(file)
    bad = plan_failed(HOSTILE, HOSTILE + "x" * 100_000)
    store_run(file, plan, "r1", NOW, [result(plan, "files", NOW, bad, run="r1")])
    app = Dashboard(file, load_plan(file), now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        for check in ("files", HOSTILE, "[/]", ""):
            app.ask_waiver(check)
            await opened(pilot)
            for strip in app.screen._compositor.render_strips():
                assert not [char for char in BAD if char in strip.text]
            await pilot.press("escape")
            await closed(pilot)


async def test_resizing_to_almost_nothing_keeps_what_was_typed(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_waiver("files")
        await opened(pilot)
        await ready_to_save(pilot)
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        await pilot.resize_terminal(140, 40)
        await pilot.pause()
        assert dashboard.screen.query_one("#reason").value == REASON
        assert "Save waiver" in text(dashboard)
