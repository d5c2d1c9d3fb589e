"""Colour only where a terminal wants it; a width that is never nothing."""

from __future__ import annotations

import io

import pytest

from agent.report.style import Style, style_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_terminal_gets_colour_and_a_pipe_does_not() -> None:
    assert style_for(Terminal()).colour
    assert not style_for(io.StringIO()).colour


def test_colour_can_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not style_for(Terminal(), plain=True).colour
    monkeypatch.setenv("TERM", "dumb")
    assert not style_for(Terminal()).colour
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "")
    assert style_for(Terminal()).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not style_for(Terminal()).colour


@pytest.mark.parametrize(("columns", "width"), [("1", 40), ("40", 40), ("80", 80), ("500", 100)])
def test_the_width_is_that_of_the_terminal_within_bounds(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert style_for(Terminal()).width == width


def test_paint() -> None:
    assert Style(colour=True).paint("x", "fail") == "\x1b[1;31mx\x1b[0m"
    assert Style(colour=True).paint("x", "no such name") == "x"
    assert Style().paint("x", "fail") == "x"
