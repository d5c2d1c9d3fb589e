"""The keys: every binding says what it does, the help is made from them, and those of the sketches work."""

from __future__ import annotations

import re

import pytest

from tests.tui.screen import text
from tui.keymap import classes, own_bindings
from tui.screens.help import HelpPage
from tui.widgets.keys import MOST, KeyBar, key_name, shown

PAGES = [(), ("enter",), ("l",), ("d",), ("v",), ("question_mark",)]
DIALOGS = [("r",), ("w",), ("s",), ("ctrl+p",), ("ctrl+o",)]
DECLARED = [(owner, item) for owner in classes() for item in own_bindings(owner)]
SKETCHED = "r / enter R w d s space n N 1 2 left right a t l v y f ctrl+o ctrl+p ? q".split()  # noqa: SIM905


def names(bindings):
    return [f"{owner.__name__}.{item.action}" for owner, item in bindings]


def test_there_are_bindings_to_look_at():
    assert len(DECLARED) > 30


@pytest.mark.parametrize(("owner", "item"), DECLARED, ids=names(DECLARED))
def test_every_binding_says_what_it_does(owner, item):
    assert item.id
    assert item.description
    assert item.tooltip
    assert len(item.description) <= 20
    for text_ in (item.description, item.tooltip):
        assert text_.isprintable()
        assert text_[0].isupper() or not text_[0].isalpha()


def test_every_class_declares_its_bindings_with_names():
    for owner in classes():
        assert len(own_bindings(owner)) == len(vars(owner).get("BINDINGS", ())), owner


def test_a_name_stands_for_one_action_and_one_key():
    """A page may show a binding of the app in its own line of keys; that is the same one then."""
    seen: dict[str, tuple[str, str]] = {}
    for _, item in DECLARED:
        what = (item.action.removeprefix("app."), item.key)
        assert seen.setdefault(item.id, what) == what, item.id


@pytest.mark.parametrize(("owner", "item"), DECLARED, ids=names(DECLARED))
def test_every_key_reaches_every_terminal(owner, item):
    for key in item.key.split(","):
        *modifiers, last = key.strip().split("+")
        assert modifiers in ([], ["ctrl"], ["shift"] if last == "tab" else [])
        assert key_name(key.strip()).isascii()


def test_keys_are_named_in_letters():
    keys = ("enter", "escape", "question_mark", "ctrl+p", "left_square_bracket")
    assert [key_name(key) for key in keys] == ["enter", "esc", "?", "ctrl+p", "["]


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
@pytest.mark.parametrize("keys", PAGES, ids=" ".join)
async def test_at_most_eight_keys_are_shown_and_all_that_should_be_are(dashboard, keys, size):
    async with dashboard.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        active = list(dashboard.screen.active_bindings.values())
        wanted = {item.binding.id for item in active if item.binding.show}
        told = shown(active, size[0])
        last = text(dashboard).rstrip("\n").splitlines()[-1]
        assert len(told) == min(len(wanted), MOST)
        for item in told:
            assert f" {key_name(item.binding.key)} {item.binding.description}" in last
        assert last.endswith(" ? Keys  q Quit")
        assert dashboard.screen.query_one(KeyBar).size.height == 1


@pytest.mark.parametrize("keys", PAGES, ids=" ".join)
async def test_the_help_lists_every_binding_of_the_page_underneath(dashboard, keys):
    async with dashboard.run_test(size=(140, 100)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        if isinstance(dashboard.screen, HelpPage):
            return
        page = dashboard.screen
        wanted = [item.binding for item in page.active_bindings.values() if item.binding.id]
        await pilot.press("question_mark")
        await pilot.pause()
        seen = text(dashboard)
        assert page.name_of_page in seen
        assert page.help_text
        assert re.sub(r"\W+", "", page.help_text) in re.sub(r"\W+", "", seen)
        for binding in wanted:
            if re.search(r"_\d+$", binding.id):
                continue
            assert key_name(binding.key) in seen
            assert binding.description in seen
            assert binding.tooltip in re.sub(r"\s+", " ", seen)
        assert "This page" in seen
        if page.query("#checks"):
            assert re.search(r"^ +1-9 +Milestone +Select milestone$", seen, re.MULTILINE)
        assert "Everywhere" in seen


async def test_the_help_can_be_read_to_its_end_at_80_by_24(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        assert "Close the dashboard" not in text(dashboard)
        await pilot.press("end")
        await pilot.pause()
        assert "Close the dashboard" in text(dashboard)


@pytest.mark.parametrize("key", SKETCHED)
async def test_every_key_of_the_sketches_does_something_somewhere(key):
    from textual.keys import _character_to_key

    wanted = _character_to_key(key) if len(key) == 1 else key
    keys = {one.strip() for _, item in DECLARED for one in item.key.split(",")}
    assert wanted in {_character_to_key(one) if len(one) == 1 else one for one in keys}
