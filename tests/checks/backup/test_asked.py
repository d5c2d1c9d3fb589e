"""What follows from age and size alone."""

from __future__ import annotations

import pytest

from checks.backup._asked import Asked, compared, fresh, shrunk
from checks.backup._ladder import COMPLETE, FRESH, Past

HOUR = 3600.0


def asked(**other):
    given = {
        "rpo_s": 26 * HOUR, "rto_s": None, "rebuild_s": 0.0, "min_level": 4, "newer_than": None,
        "size_drop": 30.0, "size_growth": 100.0, "history": 10, **other,
    }  # fmt: skip
    return Asked(**given)


@pytest.mark.parametrize(
    ("age", "outcome", "words"),
    [
        (0.0, "proven", "0 s old"),
        (26 * HOUR, "proven", "1 d 2 h old"),
        (26 * HOUR + 1, "failed", "recovery point objective"),
        (-1.0, "proven", "0 s old"),
        (-2.5, "failed", "in the future"),
        (-86400.0, "failed", "in the future"),
    ],
    ids=["now", "at-the-limit", "over", "begun-while-we-looked", "future", "tomorrow"],
)
def test_fresh(age, outcome, words):
    step = fresh(age, asked())
    assert (step.level, step.outcome) == (FRESH, outcome)
    assert words in step.detail
    assert bool(step.fix) == (outcome == "failed")


def past(*rows):
    return [
        Past(id=f"{i}", at=f"2026-11-{20 - i}T01:00:00Z", bytes=b, files=f) for i, (b, f) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("size", "files", "earlier", "which"),
    [
        (100, 10, [], []),
        (None, None, [(100, 10)], []),
        (70, 7, [(100, 10)], []),
        (69, 10, [(100, 10)], ["bytes"]),
        (100, 6, [(100, 10)], ["files"]),
        (0, 0, [(100, 10)], ["bytes", "files"]),
        (0, 0, [(0, 0)], []),
        (100, 10, [(None, None), (0, 0)], []),
        (50, 10, [(100, 10), (40, 10), (50, 10)], []),
    ],
    ids=[
        "no-history", "unknown", "at-the-limit", "bytes", "files", "emptied", "always-empty", "nothing-known",
        "median",
    ],
)  # fmt: skip
def test_shrunk(size, files, earlier, which):
    steps = shrunk(size, files, past(*earlier), asked())
    assert [step.how.split()[0] for step in steps] == which
    for step in steps:
        assert (step.level, step.outcome) == (COMPLETE, "failed")
        assert step.fix


def test_only_so_many_earlier_ones_are_compared():
    rows = past((100, None), (100, None), (1, None), (1, None), (1, None))
    assert compared(100, None, rows, asked(history=2)) == [("bytes", 100, 100.0)]
    assert compared(100, None, rows, asked(history=0)) == []
