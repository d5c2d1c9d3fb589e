"""The deepest rung that is proven: never above one that failed, is unknown, or was left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup._ladder import (
    COMPLETE,
    EXISTS,
    FRESH,
    INTEGRITY,
    NAMES,
    QUERIED,
    SAMPLE,
    Step,
    proof_level,
)

RUNGS = tuple(range(EXISTS, QUERIED + 1))


def step(level: int, outcome: str = "proven") -> Step:
    return Step(level=level, outcome=outcome, how="a look", detail="seen")


def steps(words: str) -> list[Step]:
    """Return the steps of `1 2? 3! 4-`: proven, unknown, failed, absent."""
    means = {"?": "unknown", "!": "failed", "-": "absent"}
    return [step(int(word[0]), means.get(word[1:], "proven")) for word in words.split()]


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("", 0),
        ("1", 1),
        ("1!", 0),
        ("1?", 0),
        ("1-", 0),
        ("2", 0),
        ("3 4 5 6", 0),
        ("1 2", 2),
        ("1 2!", 1),
        ("1 2 3", 3),
        ("1 2! 3", 3),
        ("1 2? 3 4", 4),
        ("1 3 4", 4),
        ("1 2 4", 2),
        ("1 2 3? 4", 2),
        ("1 2 3! 4 5", 2),
        ("1 2 3- 4", 4),
        ("1 2 3-", 2),
        ("1 2 3- 4- 5", 5),
        ("1 2 3 3! 4", 2),
        ("1 2 3 4 4? 5", 3),
        ("1 2 3 4 3-", 4),
        ("1 1! 2 3", 0),
        ("1- 3 4", 0),
        ("1 2 3 4 5 6", 6),
        ("6 5 4 3 2 1", 6),
    ],
    ids=lambda value: value.replace(" ", "_") or "none" if isinstance(value, str) else None,
)
def test_the_level_of_steps(words, level):
    assert proof_level(steps(words)) == level


MANY = st.lists(
    st.builds(step, st.sampled_from(RUNGS), st.sampled_from(["proven", "failed", "unknown", "absent"])),
    max_size=14,
)


@given(MANY, st.randoms(use_true_random=False))
def test_no_order_of_steps_gives_a_level_above_what_failed_or_is_unknown(tried, random):
    level = proof_level(tried)
    random.shuffle(tried)
    assert proof_level(tried) == level
    for one in tried:
        if one.outcome in ("failed", "unknown"):
            assert level < one.level or (one.level == FRESH and level != FRESH)
    for below in range(EXISTS, level + 1):
        outcomes = {one.outcome for one in tried if one.level == below}
        assert "proven" in outcomes or below == FRESH or "absent" in outcomes
    if level:
        assert "proven" in {one.outcome for one in tried if one.level == level}
        assert "proven" in {one.outcome for one in tried if one.level == EXISTS}


@given(MANY, st.sampled_from(RUNGS), st.sampled_from(["failed", "unknown"]))
def test_one_more_bad_step_never_lifts_the_level(tried, rung, outcome):
    assert proof_level([*tried, step(rung, outcome)]) <= proof_level(tried)


def test_every_rung_has_a_name():
    assert len(NAMES) == QUERIED + 1
    assert NAMES[EXISTS] == "exists"
    assert NAMES[COMPLETE] == "complete"
    assert NAMES[INTEGRITY] == "integrity"
    assert NAMES[SAMPLE] == "restored sample"
