"""Nothing hostile reaches a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.safe import safe

HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=200), st.booleans())
def test_no_harmful_character_comes_through(text, lines):
    shown = safe(text, lines=lines)
    left = {char for char in shown if unicodedata.category(char) in HARMFUL}
    assert left <= ({"\n"} if lines else set())
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]52;c;QUFB\x07", "\\x1b]52;c;QUFB\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\tb", "a    b"),
        ("a\r\nb", "a\\x0d\\nb"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x", "\\u2066x"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\ufeff", "\\ufeff"),
        ("Zürich 東京 👍", "Zürich 東京 👍"),
        ("", ""),
    ],
)
def test_what_it_looks_like(text, shown):
    assert safe(text) == shown


@given(st.text(max_size=100), st.integers(0, 50))
def test_a_cut_is_said(text, limit):
    shown = safe(text, limit=limit)
    assert shown.endswith(f"[{len(text) - limit} more characters]") is (len(text) > limit)


def test_a_flood_stays_small():
    assert len(safe("\x00" * 10_000_000)) < 2000 * 4 + 40


@given(st.text(alphabet=st.characters(max_codepoint=126, min_codepoint=32), max_size=100))
def test_plain_text_is_left_alone(text):
    assert safe(text) == text
