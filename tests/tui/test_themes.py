"""Every theme gives every look; contrast and what a colour-blind person can tell apart are computed."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest
from textual.style import Style

from agent.files.load import load_plan
from tests.tui.office import NOW
from tests.tui.screen import looks, text
from tui.app import Dashboard
from tui.text import LOOKS
from tui.themes import DEFAULT, THEMES
from tui.themes import LOOKS as NAMES

DRAWN = [theme for theme in THEMES if not theme.ansi]
BEHIND = ("background", "panel", "look-cursor", "look-cursor-away")
WORDS = ("look-pass", "look-warn", "look-fail", "look-unproven")
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip
"""Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB."""
CLEARLY_APART = 20.0
"""CIE76 difference; 2.3 is just noticeable side by side."""


def linear(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one, other):
    low, high = sorted(
        0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in map(linear, (one, other))
    )
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    red, green, blue = (min(1.0, max(0.0, part)) for part in rgb)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(colour, matrix):
    return lab([sum(a * b for a, b in zip(row, linear(colour), strict=True)) for row in matrix])


def behind(theme, name):
    return theme.variables.get(name) or getattr(theme, name)


def least(theme, names):
    return min(contrast(theme.variables[name], behind(theme, back)) for name in names for back in BEHIND)


def test_contrast_is_computed_as_the_web_guidelines_do():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_theme_gives_every_look(theme):
    used = set(re.findall(r"\$(look-[\w-]+)", " ".join(LOOKS.values())))
    for path in Path("tui").rglob("*"):
        if path.suffix in (".py", ".tcss"):
            used |= set(re.findall(r"\$(look-[a-z]+(?:-[a-z]+)*)", path.read_text("utf-8")))
    named = {f"look-{name}" for name in NAMES} | {"look-cursor", "look-cursor-away"}
    assert used <= named
    assert named <= set(theme.variables)


@pytest.mark.parametrize("theme", DRAWN, ids=lambda theme: theme.name)
def test_every_look_can_be_read_on_every_background(theme):
    wanted = 7.0 if theme.name == "high-contrast" else 4.5
    assert least(theme, [f"look-{name}" for name in NAMES]) >= wanted
    assert min(contrast(theme.foreground, behind(theme, back)) for back in BEHIND) >= 7.0


@pytest.mark.parametrize("kind", BLINDNESS)
def test_the_theme_for_the_colour_blind_keeps_the_statuses_apart(kind):
    (theme,) = (theme for theme in THEMES if theme.name == "colour-blind-safe")
    for one, other in itertools.combinations(WORDS, 2):
        far = math.dist(*(seen(theme.variables[name], BLINDNESS[kind]) for name in (one, other)))
        assert far >= CLEARLY_APART, (one, other, far)


def test_the_measure_would_notice_a_theme_that_is_not_for_the_colour_blind():
    (theme,) = (theme for theme in THEMES if theme.name == DEFAULT)
    pair = (theme.variables["look-pass"], theme.variables["look-fail"])
    assert math.dist(*(seen(colour, BLINDNESS["deuteranopia"]) for colour in pair)) < CLEARLY_APART


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
async def test_home_is_the_same_in_every_theme_but_for_its_colours(dashboard, theme):
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        before = text(dashboard)
        dashboard.theme = theme.name
        await pilot.pause()
        assert text(dashboard) == before
        for look in LOOKS.values():
            Style.parse(look, dashboard.theme_variables)


async def test_without_colour_a_failure_still_has_its_sign_word_and_reverse(project, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = Dashboard(project, load_plan(project), now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.no_color
        assert "!! FAIL" in text(app)
        assert "reverse" in looks(app)


async def test_none_of_textuals_own_themes_is_left(dashboard):
    async with dashboard.run_test(size=(80, 24)):
        assert set(dashboard.available_themes) == {theme.name for theme in THEMES}
