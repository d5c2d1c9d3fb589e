"""The palette and the jump letters: what is offered is what can be done, and hostile names stay names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.files.load import load_plan
from tests.tui.office import NOW
from tests.tui.screen import text
from tui.app import Dashboard
from tui.jump import Jump
from tui.palette import Command, Palette, commands, found
from tui.screens.home import Home
from tui.widgets.listing import Listing

EVIL = "[/] [red]x[/red] \x1b]52;c;aGk=\x07\u202e"


def offered(dashboard):
    return {command.name: command for command in commands(dashboard, dashboard.screen)}


async def test_what_is_offered_is_what_can_be_done_here(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        names = offered(dashboard)
        assert {"Run", "Why", "History", "Vantage", "Quit", "Home", "Milestone ready", "Run ready"} <= set(
            names
        )
        assert {"Theme high-contrast", "Why mail", "Waive mail", "Sign off moved"} <= set(names)
        assert "Back" not in names
        assert not {"Screenshot", "Maximize", "Theme"} & set(names)


async def test_a_dashboard_that_only_shows_offers_nothing_that_writes(project):
    app = Dashboard(project, load_plan(project), read_only=True, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for name in offered(app):
            assert name.split()[0] not in ("Run", "Re-run", "Waive", "Attest", "Sign"), name


async def test_a_few_letters_and_enter_do_it(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+p", *"high", "enter")
        await pilot.pause()
        assert dashboard.theme == "high-contrast"
        assert isinstance(dashboard.screen, Home)
        await pilot.press("ctrl+p", *"milestone", "space", *"moved", "enter")
        await pilot.pause()
        assert dashboard.selected == "moved"
        await pilot.press("ctrl+p", *"vantage", "enter")
        await pilot.pause()
        assert dashboard.screen.name_of_page == "vantage"
        await pilot.press("ctrl+p", *"why", "space", *"mail", "enter")
        await pilot.pause()
        assert dashboard.screen.check == "mail"


async def test_escape_does_nothing_and_enter_on_nothing_neither(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+p", "escape")
        await pilot.pause()
        assert isinstance(dashboard.screen, Home)
        await pilot.press("ctrl+p", *"zzzz")
        await pilot.pause()
        assert "Nothing here is called that." in text(dashboard)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(dashboard.screen, Home)


async def test_q_is_a_letter_in_the_palette(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+p", "q")
        await pilot.pause()
        assert isinstance(dashboard.screen, Palette)
        assert dashboard.is_running


async def test_names_of_the_project_are_shown_as_they_are_and_act_on_nothing(dashboard, monkeypatch):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        view = dashboard.store.view
        plan = view.picture.plan
        evil = replace(plan, milestones=tuple(replace(item, title=EVIL) for item in plan.milestones))
        dashboard.store.view = replace(view, picture=replace(view.picture, plan=evil))
        await pilot.press("ctrl+p", *"milestone")
        await pilot.pause()
        seen = text(dashboard)
        assert "[/] [red]x[/red] \\x1b]52" in seen
        assert "\x1b" not in seen


def test_names_are_found_before_descriptions_and_all_words_count():
    def command(name, tells, *, hidden=False):
        return Command(name, tells, "", lambda: None, hidden)

    everything = [command("a", "history"), command("History", "x"), command("Why x", "", hidden=True)]
    assert [item.name for item in found(everything, "hist")] == ["History", "a"]
    assert [item.name for item in found(everything, "WHY X")] == ["Why x"]
    assert [item.name for item in found(everything, " ")] == ["a", "History"]
    assert not found(everything, "hist why")


# Jump


async def test_a_letter_leads_to_its_line(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        listing = dashboard.screen.query_one(Listing)
        third = listing.items[2].id
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert isinstance(dashboard.screen, Jump)
        lines = text(dashboard).splitlines()
        row = listing.content_region.y + next(line for line, name in listing.in_view() if name == third)
        letter = lines[row][listing.content_region.x :].split()[0]
        await pilot.press(letter)
        await pilot.pause()
        assert isinstance(dashboard.screen, Home)
        assert listing.chosen.id == third


@pytest.mark.parametrize("key", ["escape", "f5", "~", "ctrl+o"])
async def test_any_other_key_leaves_all_as_it_was(dashboard, key):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        before, focused = text(dashboard), dashboard.focused
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert text(dashboard) != before
        await pilot.press(key)
        await pilot.pause()
        assert text(dashboard) == before
        assert dashboard.focused is focused


@pytest.mark.parametrize("keys", [("l",), ("d",), ("v",), ("question_mark",), ("enter",)], ids=" ".join)
async def test_jump_and_palette_work_on_every_page(dashboard, keys):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        page = dashboard.screen
        for key in ("ctrl+o", "ctrl+p"):
            await pilot.press(key)
            await pilot.pause()
            assert dashboard.screen is not page
            await pilot.press("escape")
            await pilot.pause()
            assert dashboard.screen is page
