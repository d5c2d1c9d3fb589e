"""How the shell looks: help, palette, jump letters and the notice of a small terminal, text and colours."""

from __future__ import annotations

import pytest

from tests.tui.conftest import SIZES
from tests.tui.screen import check_snapshot


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "keys"),
    [("help", "question_mark"), ("palette", "ctrl+p"), ("jump", "ctrl+o")],
)
async def test_it_looks_as_it_did(dashboard, name, keys, size):
    async with dashboard.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press(keys)
        await pilot.pause()
        await pilot.pause()
        check_snapshot(dashboard, name)


async def test_the_notice_of_a_small_terminal_looks_as_it_did(dashboard):
    async with dashboard.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        await pilot.pause()
        check_snapshot(dashboard, "small")
