"""A terminal below 80x24 gets one calm notice; going there and back keeps every page as it was."""

from __future__ import annotations

import pytest

from tests.tui.filling import until
from tests.tui.screen import text
from tui.widgets.small import Small, too_small

WAYS = [
    (), ("enter",), ("l",), ("d",), ("v",), ("question_mark",), ("ctrl+p",), ("r",), ("w",),
    ("s",), ("t",), ("slash",), ("ctrl+p", "a", "b"), ("enter", "question_mark"), ("n", "enter"),
]  # fmt: skip


def test_both_sides_count():
    assert not too_small(80, 24)
    assert too_small(79, 200)
    assert too_small(300, 23)


async def resized(pilot, *size):
    await pilot.resize_terminal(*size)
    await pilot.pause(0.05)
    await pilot.pause()


@pytest.mark.parametrize("keys", WAYS, ids=" ".join)
async def test_there_and_back_again_on_every_page_and_dialog(dashboard, keys):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await pilot.pause(0.1)
        before, screen, focused = text(dashboard), dashboard.screen, dashboard.focused
        for size in ((40, 10), (1, 1), (300, 100), (79, 24), (2, 60), (80, 23), (80, 24)):
            await resized(pilot, *size)
            if too_small(*size):
                assert dashboard.screen.query_one(Small).has_class("-needed")
            if size == (40, 10):
                seen = text(dashboard)
                assert "NO-GO" in seen
                assert "T-03:12:07" in seen
                assert "needs 80x24; this terminal" in seen.replace("\n", " ")
                assert "40x10" in seen
        assert dashboard.screen is screen
        assert dashboard.focused is focused
        assert text(dashboard) == before


async def test_jump_letters_go_when_what_they_stand_on_has_moved(dashboard):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        before, home = text(dashboard), dashboard.screen
        await pilot.press("ctrl+o")
        await resized(pilot, 40, 10)
        assert dashboard.screen.query_one(Small).has_class("-needed")
        await resized(pilot, 80, 24)
        await until(pilot, lambda: dashboard.screen is home)
        await until(pilot, lambda: text(dashboard) == before)


async def test_nothing_is_pressed_unseen_but_q_still_quits(dashboard):
    async with dashboard.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        await resized(pilot, 40, 10)
        before = dashboard.screen
        await pilot.press("w", "r", "R", "s", "enter", "l", "d", "space", "ctrl+p", "ctrl+o", "question_mark")
        await pilot.pause()
        assert dashboard.screen is before
        assert not dashboard.frozen
        await pilot.press("q")
        await pilot.pause()
    assert dashboard.return_code == 0


async def test_a_start_in_a_small_terminal_and_growing(dashboard):
    async with dashboard.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        assert "needs 80x24" in text(dashboard)
        await resized(pilot, 80, 24)
        assert "!! FAIL" in text(dashboard)
        assert dashboard.focused is not None


async def test_a_page_opened_by_itself_while_small_is_covered_too(dashboard):
    async with dashboard.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        dashboard.action_open_vantage()
        await pilot.pause()
        await pilot.pause()
        assert "needs 80x24" in text(dashboard)
        await pilot.press("w")
        await resized(pilot, 80, 24)
        assert "needs" not in text(dashboard).splitlines()[1]
