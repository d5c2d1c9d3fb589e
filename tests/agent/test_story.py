"""A check's past: what would make the history strip, the numbers or "what changed" lie."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ledger import Known
from agent.story import DEFINITION, GAP, MARKS, MOST_SERIES, SEEN_FROM, range_in_words, sparkline, story
from checks.words import Finding, Measure, Status
from tests.agent.ledger.making import NOON, a_result

P, W, F, INC, B = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE, Status.BLOCKED


def finding(status=P, subject="peer", observed="seen", value=None, unit="ms", name="rtt", **rest):
    measure = None if value is None else Measure(name=name, value=value, unit=unit, **rest)
    return Finding(
        status=status, subject=subject, message="It is so.", observed=observed,
        fix="" if status is P else "Mend it.", measure=measure,
    )  # fmt: skip


def past(*items, digest="d", vantage="laptop"):
    """Return executions an hour apart, the newest first, as the ledger gives them."""
    made = []
    for number, item in enumerate(items):
        status, findings, changes = item if isinstance(item, tuple) else (item, None, {})
        if findings is None:
            findings = () if status is B else (finding(status),)
        known = Known.of(number + 1, a_result(check="c", status=status))
        known.started = NOON + timedelta(hours=number)
        known.finished = known.started + timedelta(minutes=1)
        known.digest, known.vantage_name = digest, vantage
        known.findings_json = Known.of(1, _with(findings)).findings_json
        for key, value in changes.items():
            setattr(known, key, value)
        made.append(known)
    return made[::-1]


def _with(findings):
    from dataclasses import replace

    return replace(a_result(), findings=tuple(findings))


def at(hours):
    return NOON + timedelta(hours=hours)


def test_nothing_is_a_story_without_an_end():
    told = story("c", [])
    assert (told.past, told.series, told.changed, told.last_pass, told.first_trouble) == (
        (),
        (),
        (),
        None,
        None,
    )


def test_trouble_begins_after_the_last_pass_and_warnings_are_trouble():
    told = story("c", past(P, F, P, W, F))
    assert told.statuses == (P, F, P, W, F)
    assert told.last_pass == at(2) + timedelta(minutes=1)
    assert told.first_trouble == at(3)


def test_what_passes_has_no_trouble_and_nothing_changed():
    told = story("c", past(F, (P, (finding(observed="other"),), {})))
    assert told.first_trouble is None
    assert told.changed == ()


def test_what_never_passed_was_in_trouble_from_the_start_and_has_nothing_to_compare_with():
    told = story("c", past(F, INC))
    assert (told.last_pass, told.first_trouble, told.changed) == (None, at(0), ())


def test_a_later_pass_of_an_overlapping_run_does_not_end_the_trouble_that_counts():
    executions = past(P, F, P)
    told = story("c", executions, counts=executions[1].seq)
    assert told.statuses == (P, F, P)
    assert told.last_pass == at(0) + timedelta(minutes=1)
    assert told.first_trouble == at(1)
    assert told.changed


def test_what_changed_is_told_by_subject_the_worst_first():
    then = (
        finding(subject="a", observed="1"),
        finding(subject="b", observed="2"),
        finding(subject="c", observed="3"),
    )
    now = (
        finding(subject="a", observed="1"),
        finding(subject="b", observed="9", status=W),
        finding(subject="d", observed="4", status=F),
    )
    told = story("c", past((P, then, {}), (F, now, {})))
    assert [(one.subject, one.before, one.after) for one in told.changed] == [
        ("d", "", "4"), ("c", "3", ""), ("b", "2", "9"),
    ]  # fmt: skip


def test_equal_words_with_another_status_are_a_change():
    told = story("c", past((P, (finding(observed="18 ms"),), {}), (F, (finding(F, observed="18 ms"),), {})))
    assert [(one.before, one.after) for one in told.changed] == [("18 ms (pass)", "18 ms (fail)")]


def test_a_subject_seen_both_times_is_never_told_as_new_or_gone():
    twice = (finding(observed="1"), finding(observed="2", status=F))
    told = story("c", past((P, (finding(observed="1"),), {}), (F, twice, {})))
    assert [(one.before, one.after) for one in told.changed] == [("1", "2")]


def test_a_blocked_check_does_not_say_that_its_subjects_are_gone():
    told = story("c", past(P, (B, None, {"blocked_by": "files"})))
    (changed,) = told.changed
    assert changed.after == "waits for files"


def test_another_definition_and_another_place_are_said_first():
    executions = past(
        P,
        (F, None, {"digest": "new", "vantage_name": "elsewhere"}),
        (F, None, {"digest": "new", "vantage_name": "elsewhere"}),
    )
    told = story("c", executions)
    assert [one.subject for one in told.changed[:2]] == [DEFINITION, SEEN_FROM]
    assert told.redefined == at(1)
    assert story("c", past(P, F)).redefined is None


def test_each_subject_and_unit_has_a_series_of_its_own():
    def one(a, b):
        return (P, (finding(subject="a", value=a), finding(subject="b", value=b)), {})

    told = story("c", past(one(1.0, 50.0), one(2.0, 60.0)))
    assert [(s.name, s.values) for s in told.series] == [("rtt of a", (1.0, 2.0)), ("rtt of b", (50.0, 60.0))]
    mixed = story("c", past((P, (finding(value=1.0, unit="s"),), {}), (P, (finding(value=900.0),), {})))
    assert [(s.unit, s.values) for s in mixed.series] == [("ms", (None, 900.0)), ("s", (1.0, None))]


def test_the_series_of_what_is_worst_now_comes_first_and_there_are_few():
    many = [finding(subject=f"s{n}", value=float(n)) for n in range(40)]
    many[33] = finding(F, subject="s33", value=33.0, warn=10.0, fail=20.0)
    told = story("c", past((P, tuple(many[:5]), {}), (F, tuple(many), {})))
    assert len(told.series) == MOST_SERIES
    first = told.series[0]
    assert (first.subject, first.values, first.warn, first.fail) == ("s33", (None, 33.0), 10.0, 20.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None, "12", True, 10**400])
def test_what_is_no_finite_number_is_a_gap(bad):
    executions = past((P, (finding(value=1.0),), {}), (P, (finding(value=2.0),), {}))
    executions[0].findings_json = executions[0].findings_json.replace("2.0", _json(bad))
    told = story("c", executions)
    assert told.series[0].values == (1.0, None)
    assert "no value the last time" in range_in_words(told.series[0])


def _json(value):
    import json

    return json.dumps(value)


def test_values_stay_beside_their_executions():
    none = (F, (finding(F),), {})
    told = story("c", past((P, (finding(value=1.0),), {}), none, (P, (finding(value=3.0),), {})))
    assert told.series[0].values == (1.0, None, 3.0)
    assert sparkline(told.series[0].values) == f"{MARKS[0]}{GAP}{MARKS[-1]}"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), ""),
        ((None, None), "  "),
        ((5.0,), MARKS[1]),
        ((5.0, 5.0, None), MARKS[1] * 2 + GAP),
        ((0.0, 1.0, 2.0, 3.0), MARKS),
        ((-1.7e308, 1.7e308), MARKS[0] + MARKS[-1]),
        ((math.nan, 1.0, math.inf, 2.0), f"{GAP}{MARKS[0]}{GAP}{MARKS[-1]}"),
    ],
)
def test_sparkline(values, expected):
    assert sparkline(values) == expected


@given(st.lists(st.none() | st.floats()))
def test_a_sparkline_has_a_known_mark_for_every_value(values):
    line = sparkline(values)
    assert len(line) == len(values)
    assert set(line) <= set(MARKS) | {GAP}
    for value, mark in zip(values, line, strict=True):
        assert (mark == GAP) == (value is None or not math.isfinite(value))


def test_the_range_is_said_with_unit_and_limits():
    told = story("c", past(*((P, (finding(value=v, warn=100.0, fail=300.0),), {}) for v in (18.0, 140.0))))
    assert range_in_words(told.series[0]) == "18 to 140 ms, last 140 ms (warn 100 ms, fail 300 ms)"
    same = story("c", past(*((P, (finding(value=18.0),), {}) for _ in range(2))))
    assert range_in_words(same.series[0]) == "18 ms, last 18 ms"
