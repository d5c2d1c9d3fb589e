"""The dashboard starts, shows the verdict in its title, and what blocks the current milestone."""

from __future__ import annotations

import pytest

from tests.tui.conftest import SIZES
from tests.tui.screen import text


@pytest.mark.parametrize("size", SIZES)
async def test_home_shows_verdict_countdown_and_what_blocks(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        await pilot.pause()
        seen = text(dashboard)
        print(seen)
        assert "NO-GO" in seen.splitlines()[0]
        assert "!! FAIL" in seen
