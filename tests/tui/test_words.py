"""Lines around a list: a text that has too little room says so."""

from __future__ import annotations

import pytest
from textual.app import App

from tests.tui.screen import text
from tui.themes import DEFAULT, THEMES
from tui.widgets.words import Words

LONG = " ".join(f"word{n}" for n in range(40))


class Shows(App):
    CSS = "#two { height: 2; } #most { max-height: 3; } #one { height: 1; text-wrap: nowrap; }"

    def on_mount(self):
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DEFAULT

    def compose(self):
        for name in ("two", "most", "one", "free"):
            yield Words(id=name)


@pytest.mark.parametrize("width", [40, 80])
async def test_what_does_not_fit_ends_in_a_sign_at_every_width(width):
    app = Shows()
    async with app.run_test(size=(width, 30)) as pilot:
        for name in ("two", "most", "free"):
            app.query_one(f"#{name}", Words).tell([(LONG, "bold")])
        await pilot.pause()
        for columns in (width, 60):
            await pilot.resize_terminal(columns, 30)
            await pilot.pause()
            lines = text(app).splitlines()
            assert lines[1].endswith("~")
            assert lines[4].endswith("~")
            assert " ".join(lines).count("~") == 2
            assert "word39" in text(app), "where there is room there is all of it"


async def test_what_fits_is_whole():
    width, app = 80, Shows()
    async with app.run_test(size=(width, 30)) as pilot:
        app.query_one("#two", Words).tell([("a" * width, ""), ("b" * width, "bold")])
        await pilot.pause()
        assert "~" not in text(app)
        app.query_one("#two", Words).tell([("a" * width, ""), ("b" * width, ""), ("c", "")])
        await pilot.pause()
        assert text(app).splitlines()[1] == "b" * (width - 1) + "~"
