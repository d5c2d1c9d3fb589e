"""type manual: a statement of a person, and only for what it was made."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from checks import jsonable
from checks.contract import Status, Vantage, worst
from checks.manual import Manual, ManualSeen
from checks.vantage import Attestation, Shared

NOW = datetime(2026, 12, 5, 20, 0, tzinfo=UTC)
STATEMENT = "The old lines are labelled."


def stated(*, holds=True, age=timedelta(hours=1), **other):
    made = Attestation(check="lines", holds=holds, by="Ann", at=NOW - age, statement=STATEMENT)
    return jsonable.from_json(Attestation, jsonable.to_json(made) | other)


@pytest.mark.parametrize(
    ("attestation", "max_age", "status"),
    [
        (None, None, Status.INCONCLUSIVE),
        (stated(), None, Status.PASS),
        (stated(holds=False), None, Status.FAIL),
        (stated(age=timedelta(days=3)), 86400.0, Status.INCONCLUSIVE),
        (stated(age=timedelta(hours=23)), 86400.0, Status.PASS),
        (stated(age=timedelta(days=3), holds=False), 86400.0, Status.INCONCLUSIVE),
        (stated(age=timedelta(hours=-1)), None, Status.INCONCLUSIVE),
        (stated(age=timedelta(minutes=-1)), None, Status.PASS),
        (stated(statement="Another one."), None, Status.INCONCLUSIVE),
        (stated(statement=""), None, Status.INCONCLUSIVE),
    ],
)
def test_judgement(attestation, max_age, status):
    check = Manual(statement=STATEMENT, max_age=max_age)
    found = ManualSeen(check="lines", at=NOW, attestation=attestation)
    assert jsonable.from_json(ManualSeen, jsonable.to_json(found)) == found
    findings = list(check.judge(found))
    assert worst(finding.status for finding in findings) is status
    if status is Status.INCONCLUSIVE:
        assert "gonogo attest FILE lines --holds" in findings[0].fix


def test_it_is_read_from_the_vantage_and_needs_no_network():
    check = Manual(statement=STATEMENT)
    shared = Shared(attestations={"lines": stated()})
    found = asyncio.run(check.observe(Vantage(shared, "lines")))
    assert found.attestation == stated()
    assert asyncio.run(check.observe(Vantage(shared, "other"))).attestation is None
    assert check.needs_link() is False


def test_what_the_person_wrote_is_harmless_and_attachments_are_named():
    said = stated(by="\x1b[2JAnn", note="n" * 9000, attachments=[["a\x07.jpg", "ab" * 32]])
    (finding,) = Manual(statement=STATEMENT).judge(ManualSeen(check="lines", at=NOW, attestation=said))
    assert finding.observed.isprintable()
    assert "abab" in finding.observed
    assert len(finding.observed) < 1000


@pytest.mark.parametrize("params", [{"statement": " "}, {"statement": "x", "max_age": 0.0}])
def test_what_asserts_nothing_is_refused(params):
    with pytest.raises(ValueError, match="statement"):
        Manual(**params)
