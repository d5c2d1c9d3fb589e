"""One person in two writings is no second person; two people are two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.persons import two_people, words

ONE = [
    ("Ann Rey", "ann rey"), ("Ann Rey", " ANN   REY "), ("Ann Rey", "Ann\u00a0Rey"), ("Ann Rey", "Ann Rey."),
    ("Ann Rey", "Ann Rey ..."), ("Ann Rey", "\uff21\uff4e\uff4e \uff32\uff45\uff59"),
    ("Ann Rey", "Ann\u200b Rey"), ("Ann Rey", "A\u200dnn Rey"), ("Ann Rey", "\u202eAnn Rey"),
    ("Ann Rey", "Ann\u00ad Rey"), ("Ann Rey", "Ann\ufeff Rey"), ("Ann Rey", "Ann\u034f Rey"),
    ("Ann Rey", "Ann Rey\ufe0f"), ("Ann Rey", "Ann Rey\U000e0041"), ("Ann Rey", "Ann\u3164 Rey"),
    ("Ann Rey", "\u0410nn Rey"), ("Ann Rey", "\u0391nn Rey"), ("Bob", "\u0412\u041e\u0412"),
    ("Ann Rey", "Rey, Ann"), ("Ann Rey", "REY Ann"), ("Ann Rey", "ann.rey"), ("Ann Rey", "ann_rey"),
    ("Ann Rey", "Ann-Rey"), ("Ann Rey", "annrey"), ("Ann", "ann@contoso.example"),
    ("Ann Rey", "ann.rey@contoso.example"), ("Ann Rey", "Ann Rey <arey@contoso.example>"),
    ("Ann Rey", "Ann Rey (IT)"), ("Ann Rey", "Ann Rey [Contoso]"), ("Ann", "Ann Rey"), ("A. Rey", "Ann Rey"),
    ("Dr. Ann Rey", "Ann Rey"), ("Ann M. Rey", "Ann Rey"), ("Jose\u0301", "Jos\u00e9"), ("Jos\u00e9", "Jose"),
    ("M\u00fcller", "Mueller"), ("M\u00fcller", "Muller"), ("S\u00f8ren", "Soren"), ("O'Brien", "OBrien"),
    ("Wei\u00df", "WEISS"), ("\u0130lker", "ilker"), ("<ann@x.example>", "ann"), ("Ann\nRey", "Ann Rey"),
]  # fmt: skip
TWO = [
    ("ann", "bob"), ("Ann Rey", "Bob Rey"), ("Ann Rey", "Ann Keller"), ("j.doe", "m.doe"), ("A", "B"),
    ("j.doe@contoso.example", "m.lind@contoso.example"), ("Ann Rey (IT)", "Urs Lind (IT)"), ("Ann", "Anna"),
    ("tech 1", "tech 10"), ("\u738b\u4f1f", "\u674e\u5a1c"), ("Ian Chen", "Lan Chen"),
    ("\u0418\u0432\u0430\u043d \u041f\u0430\u043a", "\u041e\u043b\u044f \u041f\u0430\u043a"),
    ("\u0938\u0940\u0924\u093e", "\u0938\u0941\u0924\u093e"),
]  # fmt: skip
NOBODY = ["", " ", ".", "...", "\u200b", "\u3164", "()", "<>", "-- --", "\ufeff\u00ad", "\x00"]


@pytest.mark.parametrize(("one", "other"), ONE)
def test_one_person(one: str, other: str) -> None:
    assert not two_people(one, other)
    assert not two_people(other, one)


@pytest.mark.parametrize(("one", "other"), TWO)
def test_two_people(one: str, other: str) -> None:
    assert two_people(one, other)
    assert two_people(other, one)


@pytest.mark.parametrize("name", NOBODY)
def test_nobody_is_no_second_person(name: str) -> None:
    assert words(name) == ()
    assert not two_people("Ann Rey", name)
    assert not two_people(name, name)


@given(st.text(max_size=30), st.text(max_size=30))
def test_it_does_not_matter_who_is_named_first(one: str, other: str) -> None:
    assert two_people(one, other) == two_people(other, one)
    assert not two_people(one, one)
    assert not two_people(one, f" {one}\u200b ")
