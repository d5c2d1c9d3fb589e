"""m365.health: Microsoft's own words, none of them guessed."""

from __future__ import annotations

import json

import pytest

from checks.m365.health import Health, HealthSeen, _service
from checks.words import Status
from tests.beside import DATA
from tests.checks import hostile
from tests.checks.m365.graph_run import access, judged, run, said
from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import CLIENT, TENANT, microsoft


@pytest.fixture
def cloud():
    with microsoft() as found:
        yield found


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("serviceOperational", Status.PASS), ("ServiceOperational", Status.PASS),
        ("serviceRestored", Status.PASS), ("falsePositive", Status.PASS),
        ("postIncidentReviewPublished", Status.PASS), ("serviceDegradation", Status.FAIL),
        ("serviceInterruption", Status.FAIL), ("confirmed", Status.FAIL), ("investigating", Status.WARN),
        ("restoringService", Status.WARN), ("verifyingService", Status.WARN),
        ("extendedRecovery", Status.WARN), ("mitigated", Status.WARN), ("", Status.INCONCLUSIVE),
        ("unknownFutureValue", Status.INCONCLUSIVE), ("operational", Status.INCONCLUSIVE),
        (hostile.ESCAPES.replace("\x00", ""), Status.INCONCLUSIVE),
    ],
)  # fmt: skip
def test_states(cloud, word, status):
    cloud.health = [replies.health("Exchange", word), replies.health("SharePoint", "serviceInterruption")]
    found, findings, _ = run(Health(**access(cloud)))
    assert found is status, findings
    assert len(findings) == 1


def test_services_are_found_by_id_and_by_name(cloud):
    cloud.health = [replies.health("Exchange"), replies.health("OrgLiveID", name="Identity Service")]
    assert run(Health(services=("exchange online", "Identity Service"), **access(cloud)))[0] is Status.PASS
    status, findings, _ = run(Health(services=("Exchange", "Exchnage"), **access(cloud)))
    assert (status, "OrgLiveID" in said(findings)) == (Status.INCONCLUSIVE, True)


def test_an_empty_list_is_no_pass(cloud):
    cloud.health = []
    assert run(Health(**access(cloud)))[0] is Status.INCONCLUSIVE


def test_the_permission_is_named(cloud):
    cloud.forbid("healthOverviews")
    status, findings, _ = run(Health(**access(cloud)))
    assert (status, "ServiceHealth.Read.All" in said(findings)) == (Status.INCONCLUSIVE, True)


def test_a_service_on_the_second_page_is_found(cloud):
    cloud.page_size = 1
    cloud.health = [replies.health("Forms"), replies.health("Exchange", "serviceDegradation")]
    assert run(Health(**access(cloud)))[0] is Status.FAIL


SAMPLE = DATA / "m365" / "graph" / "serviceHealth_healthOverviews.json"


@pytest.mark.skipif(not SAMPLE.exists(), reason="The sample data is not here.")
def test_the_documentation_s_sample():
    seen = HealthSeen(services=tuple(map(_service, json.loads(SAMPLE.read_text())["value"])))
    way = {"tenant_id": TENANT, "client_id": CLIENT, "secret": "env:X"}
    assert judged(Health(services=("Exchange", "OrgLiveID"), **way), seen)[0] is Status.PASS
