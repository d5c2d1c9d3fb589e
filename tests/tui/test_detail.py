"""One check, beside the list and on its page: nothing looks like a pass but a pass that counts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.app import App

from agent.board import rows
from checks.safe import safe
from tui.themes import DEFAULT, THEMES
from tui.widgets.detail import DetailPane
from tui.widgets.paper import Paper, para, plain, wrapped

HOSTILE = "\x1b]52;c;eA==\x07[red]x[/] [/] \u202e\x9b31m\x00"


class Bare(App[None]):
    """A pane alone on the screen."""

    def __init__(self, pane: Paper) -> None:
        super().__init__()
        self.pane = pane
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DEFAULT

    def compose(self):
        yield self.pane


def row_of(view, check):
    for verdict in view.picture.verdicts:
        for row in rows(view.picture, verdict):
            if row.id == check:
                return row
    raise AssertionError(check)


def said(pane: Paper) -> str:
    return plain(pane.paras)


def looks_of(pane: Paper) -> set[str]:
    return {look for item in pane.paras for _, look in item.parts}


# The pane


@pytest.mark.parametrize("check", ["line", "loss", "mail", "files", "clock", "printer", "staff", "intranet"])
async def test_nothing_in_the_pane_looks_like_a_pass_but_a_pass_that_counts(dashboard, check):
    view = dashboard.store.view
    row = row_of(view, check)
    pane = DetailPane()
    async with Bare(pane).run_test(size=(60, 30)):
        pane.show_row(view, row)
        assert ("pass" in looks_of(pane)) == (row.standing.value == "pass"), said(pane)
        pane.show_row(replace(view, problems=("The ledger cannot be read.",)), row)
        assert "pass" not in looks_of(pane)
        assert "The ledger cannot be read." in said(pane)


async def test_the_pane_says_what_is_wrong_and_whom_to_call(dashboard):
    view = dashboard.store.view
    pane = DetailPane()
    async with Bare(pane).run_test(size=(60, 40)):
        pane.show_row(view, row_of(view, "mail"))
        text = said(pane)
        for word in ("!! FAIL", "mail", "192.0.2.25", "192.0.2.20", "Correct the records", "RFC 1035",
                     "Swisscom NOC", "+41 800 000 000", "4 min ago", "laptop-7", "enter"):  # fmt: skip
            assert word in text, word
        pane.show_row(view, row_of(view, "intranet"))
        assert "Waits for  files  !! FAIL" in said(pane)
        pane.show_row(view, row_of(view, "staff"))
        assert "never run" in said(pane)
        pane.show_row(view, row_of(view, "printer"))
        assert "Counts not" in said(pane)
        assert "said pass" in said(pane)
        pane.show_row(view, None)
        assert "No check" in said(pane)


async def test_the_same_row_again_paints_nothing(dashboard, monkeypatch):
    view = dashboard.store.view
    pane = DetailPane()
    async with Bare(pane).run_test(size=(60, 10)) as pilot:
        pane.show_row(view, row_of(view, "mail"))
        await pilot.pause()
        pane.scroll_to(y=3, animate=False, immediate=True)
        painted = []
        monkeypatch.setattr(pane, "refresh", lambda *_, **__: painted.append(1))
        for _ in range(5):
            pane.show_row(view, row_of(view, "mail"))
        assert not painted
        assert pane.scroll_offset.y == 3
        monkeypatch.undo()
        pane.show_row(view, row_of(view, "files"))
        await pilot.pause()
        assert pane.scroll_offset.y == 0


def test_wrapping_loses_no_character_and_keeps_the_width():
    texts = ["", "one two  three", "x" * 300, "日本" * 40, "e\u0301" * 50, "a\nb\n\nc", HOSTILE, "  led"]
    for text in texts:
        for width, indent in itertools.product((8, 13, 40), (0, 11)):
            lines = wrapped(para(text, label="Label", indent=indent), width)
            whole = "".join(piece for line in lines for piece, _ in line[1 if indent else 0 :])
            room = max(8, width - indent) + indent
            assert all(cell_len("".join(piece for piece, _ in line)) <= room for line in lines)
            assert "".join(whole.split()) == "".join(safe(text, lines=True).split())
            assert not {"\x1b", "\x9b", "\u202e", "\x00"} & set(whole)
