"""The words: worst wins, nothing said is inconclusive, a finding says what to do."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.words import WORST_FIRST, Finding, Measure, Note, Result, Status, from_rfc3339, rfc3339, worst

TIMES = st.datetimes(
    min_value=datetime(1970, 1, 2),
    max_value=datetime(9000, 1, 1),
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


def test_nothing_said_is_inconclusive():
    assert worst([]) is Status.INCONCLUSIVE


@pytest.mark.parametrize("pair", list(itertools.combinations(WORST_FIRST, 2)))
def test_the_worse_of_two_wins_in_any_order(pair):
    assert worst(pair) is worst(reversed(pair)) is pair[0]


def test_only_passes_make_a_pass():
    assert worst([Status.PASS, Status.PASS]) is Status.PASS
    assert all(worst([Status.PASS, other]) is not Status.PASS for other in Status if other is not Status.PASS)


@pytest.mark.parametrize("status", [Status.WARN, Status.FAIL, Status.INCONCLUSIVE])
def test_a_finding_that_is_no_pass_needs_a_fix(status):
    with pytest.raises(ValueError, match="what to do"):
        Finding(status=status, subject="a", message="It is bad.")


def test_no_finding_is_blocked():
    with pytest.raises(ValueError, match="only the engine"):
        Finding(status=Status.BLOCKED, subject="a", message="x", fix="y")


FINDINGS = st.builds(
    Finding,
    status=st.sampled_from([Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE]),
    subject=st.text(),
    message=st.text(),
    expected=st.text(),
    observed=st.text(),
    fix=st.text(min_size=1),
    reference=st.text(),
    measure=st.none()
    | st.builds(
        Measure,
        name=st.text(),
        value=st.floats(allow_nan=False, allow_infinity=False),
        unit=st.text(),
        warn=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        fail=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        source=st.text(),
    ),
)


@given(FINDINGS)
def test_a_finding_survives_json(finding):
    assert Finding.from_json(json.loads(json.dumps(finding.as_json()))) == finding


@given(TIMES)
def test_times_are_written_in_utc_with_microseconds_and_read_back(moment):
    text = rfc3339(moment)
    assert text.endswith("Z")
    assert len(text) == len("2026-12-05T21:30:00.000000Z")
    assert from_rfc3339(text) == moment


def test_a_time_without_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        from_rfc3339("2026-12-05T21:30:00")


@given(st.lists(FINDINGS, max_size=3), TIMES, st.sampled_from(Status))
def test_a_result_survives_json_and_a_later_version_s_keys(findings, moment, status):
    result = Result(
        check="dns", type="dns.record", milestone="m", target="t", required=True, status=status,
        started=moment.astimezone(UTC), duration_s=0.25, attempts=2, findings=tuple(findings),
        observation={"a": [1, None]}, digest="d", run="r", vantage="v",
        notes=(Note(at=moment.astimezone(UTC), text="n"),), blocked_by="link",
    )  # fmt: skip
    data = json.loads(json.dumps(result.as_json()))
    assert Result.from_json(data) == result
    assert Result.from_json(data | {"new_in_2030": 1}) == result
