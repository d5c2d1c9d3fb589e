"""A number against its limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.judging import cannot_tell, failed, passed, warned, within
from checks.words import Measure, Status


def judge(value, warn, fail, *, least=False, source="a page"):
    measure = Measure(name="Round trip", value=value, unit="ms", warn=warn, fail=fail, source=source)
    return within("192.0.2.1", measure, fix="Mend it.", least=least)


@pytest.mark.parametrize(
    ("value", "warn", "fail", "least", "status", "expected"),
    [
        (50, 66.7, 100, False, Status.PASS, "at most 100 ms (a page)"),
        (66.7, 66.7, 100, False, Status.PASS, "at most 100 ms (a page)"),
        (66.8, 66.7, 100, False, Status.WARN, "at most 66.7 ms (a page)"),
        (100, 66.7, 100, False, Status.WARN, "at most 66.7 ms (a page)"),
        (100.1, 66.7, 100, False, Status.FAIL, "at most 100 ms (a page)"),
        (30, 30, 14, True, Status.PASS, "at least 14 ms (a page)"),
        (29, 30, 14, True, Status.WARN, "at least 30 ms (a page)"),
        (13, 30, 14, True, Status.FAIL, "at least 14 ms (a page)"),
        (5, 3, None, False, Status.WARN, "at most 3 ms (a page)"),
        (5, None, 3, False, Status.FAIL, "at most 3 ms (a page)"),
    ],
)
def test_within(value, warn, fail, least, status, expected):
    finding = judge(value, warn, fail, least=least)
    assert (finding.status, finding.expected) == (status, expected)
    assert bool(finding.fix) is (status is not Status.PASS)
    assert finding.observed == f"{value:.4g} ms"


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_is_never_better(value, one, other):
    warn, fail = sorted((one, other))
    order = [Status.PASS, Status.WARN, Status.FAIL]
    now, later = judge(value, warn, fail), judge(value * 2 + 1, warn, fail)
    assert order.index(now.status) <= order.index(later.status)


def test_not_a_number_is_never_within_a_limit():
    assert judge(float("nan"), 1, 2).status is not Status.PASS


def test_words():
    assert passed("a", "Fine.").status is Status.PASS
    assert warned("a", "Hm.", fix="x").status is Status.WARN
    assert failed("a", "No.", fix="x").status is Status.FAIL
    assert cannot_tell("a", "Who knows.", fix="x").status is Status.INCONCLUSIVE
