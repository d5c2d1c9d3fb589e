"""A statement by the keyboard; it counts from the next run on, which the dialog offers."""

from __future__ import annotations

import pytest

from agent.files.load import load_plan
from agent.ledger.errors import LedgerError
from tests.tui.conftest import SIZES
from tests.tui.filling import closed, fill, kept, opened, ready_to_save, stand_on, until
from tests.tui.office import NOW, PROJECT, write_project
from tests.tui.screen import check_snapshot, text
from tui.app import Dashboard
from tui.dialogs.attest import AttestDialog
from tui.dialogs.fields import Choice, Entry

HOLDS = [("holds", "yes"), ("by", "Ann Rey"), ("note", "Seen in the minutes"), ("confirmation", "hq-move")]


def words(app):
    """Return what is on the screen as one line."""
    return " ".join(text(app).split())


@pytest.mark.parametrize("size", SIZES)
async def test_a_statement_by_keyboard_alone_and_the_run_that_counts_it(
    dashboard, project, size, monkeypatch
):
    started = []
    monkeypatch.setattr(dashboard.store, "start_run", lambda **which: started.append(which))
    async with dashboard.run_test(size=size) as pilot:
        await stand_on(pilot, "way-back")
        await pilot.press("t")
        await opened(pilot)
        assert dashboard.focused.id == "cancel"
        controls = [*dashboard.screen.query(Entry), *dashboard.screen.query(Choice)]
        assert [control.value for control in controls] == [""] * 4
        seen = words(dashboard)
        assert "Statement The way back is agreed" in seen
        assert "( ) holds ( ) does not hold" in seen
        assert "it counts from the next run" in seen
        check_snapshot(dashboard, "attest-empty")
        await pilot.press("R")
        assert started == []
        await fill(pilot, HOLDS)
        await pilot.press("ctrl+s", "ctrl+s")
        await until(pilot, lambda: "R runs this check now" in words(dashboard))
        check_snapshot(dashboard, "attest-stored")
        await pilot.press("ctrl+s", "R")
        await closed(pilot)
        assert started == [{"only": ("way-back",)}]
    said = kept(project, "attestations")["way-back"]
    assert (said.holds, said.by, said.note, said.at) == (True, "Ann Rey", "Seen in the minutes", NOW)
    assert said.statement == "The way back is agreed"
    with_it = dashboard.store.view.picture
    [verdict] = [item for item in with_it.verdicts if item.milestone.id == "ready"]
    assert "way-back: not run" in verdict.reasons


async def test_what_does_not_hold_is_kept_as_such(dashboard, project):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_attestation("cabling")
        await opened(pilot)
        await ready_to_save(pilot, [("holds", "no"), *HOLDS[1:]])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "says that it does not hold" in words(dashboard))
        await pilot.press("escape")
        await closed(pilot)
    assert kept(project, "attestations")["cabling"].holds is False


async def test_nothing_is_stated_by_default_or_for_what_is_measured(dashboard, project):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_attestation("way-back")
        await opened(pilot)
        await ready_to_save(pilot, HOLDS[1:])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Say which it is" in text(dashboard))
        await pilot.press("escape")
        await closed(pilot)
        dashboard.ask_attestation("files")
        await opened(pilot)
        await ready_to_save(pilot, HOLDS)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "it is measured, and no statement replaces that" in words(dashboard))
        await until(pilot, lambda: not dashboard.screen._busy)
    assert kept(project, "attestations") == {}


async def test_another_wording_meanwhile_is_not_stated(dashboard, project):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_attestation("way-back")
        await opened(pilot)
        await ready_to_save(pilot, HOLDS)
        write_project(project.parent, PROJECT.replace("The way back is agreed", "The way back was tried"))
        other = load_plan(project)
        store = dashboard.store
        store._watch.plan = other
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "while you were writing" in words(dashboard))
        assert "Statement The way back was tried" in words(dashboard)
        assert dashboard.screen.query_one("#confirmation").value == ""
    assert kept(project, "attestations") == {}


async def test_errors_are_said_and_lose_nothing(dashboard, project, monkeypatch):
    async def full(record):
        raise LedgerError("The disk is full: free some space.")

    def cannot(**which):
        raise OSError("No more processes.")

    monkeypatch.setattr(dashboard.store, "start_run", cannot)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.ask_attestation("way-back")
        await opened(pilot)
        await ready_to_save(pilot, HOLDS)
        with monkeypatch.context() as patch:
            patch.setattr(dashboard.store, "write", full)
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "Not stored. The disk is full" in words(dashboard))
            await until(pilot, lambda: not dashboard.screen._busy)
        assert [dashboard.screen.query_one(f"#{name}").value for name, _ in HOLDS] == [v for _, v in HOLDS]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "R runs this check now" in words(dashboard))
        await pilot.press("R")
        await until(pilot, lambda: "The run did not start. No more processes." in words(dashboard))
    assert list(kept(project, "attestations")) == ["way-back"]


async def test_a_dashboard_that_only_shows_keeps_no_statement(project):
    app = Dashboard(project, load_plan(project), now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask_attestation("way-back")
        await opened(pilot)
        await ready_to_save(pilot, HOLDS)
        app.store.read_only = True
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "This dashboard only shows" in words(app))
        await pilot.press("escape")
        await closed(pilot)
        app.push_screen(AttestDialog("way-back"))
        await pilot.pause(0.2)
        assert not app.screen.is_modal
    assert kept(project, "attestations") == {}


async def test_hostile_words_are_harmless(tmp_path):
    evil = "b\\x1b]52;c;eA==\\ac\\u202ed[/][red]"
    text_ = PROJECT.replace("statement: The way back is agreed", f'statement: "{evil}"')
    file = write_project(tmp_path, text_)
    app = Dashboard(file, load_plan(file), now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        for check in ("way-back", "\x1b[31m", "[/]"):
            app.ask_attestation(check)
            await opened(pilot)
            for strip in app.screen._compositor.render_strips():
                assert not [char for char in ("\x1b", "\x07", "\u202e") if char in strip.text]
            await pilot.press("escape")
            await closed(pilot)
