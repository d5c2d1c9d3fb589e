"""m365.licences: what is bought and assigned, counted."""

from __future__ import annotations

import json

import pytest

from checks.m365.licences import Licences, LicencesSeen, _sku
from checks.words import Status
from tests.beside import DATA
from tests.checks.m365.graph_run import access, judged, run, said
from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import CLIENT, TENANT, microsoft


@pytest.fixture
def cloud():
    with microsoft() as found:
        yield found


@pytest.mark.parametrize(
    ("skus", "need", "status", "words"),
    [
        ([("SPE_E3", 10, 3)], {"SPE_E3": 7}, Status.PASS, "7 free"),
        ([("SPE_E3", 10, 3)], {"spe_e3": 7}, Status.PASS, "7 free"),
        ([("SPE_E3", 10, 3)], {"SPE_E3": 8}, Status.FAIL, "1 licences are missing"),
        ([("SPE_E3", 10, 12)], {"SPE_E3": 0}, Status.FAIL, "2 licences are missing"),
        ([("SPE_E3", 10, 10)], {"SPE_E3": 0}, Status.PASS, "0 free"),
        ([("SPE_E3", 10, 3)], {"SPE_E5": 1}, Status.FAIL, "no subscription of this name"),
        ([("SPE_E3", 10, 3)], {"SPE_E3": 5, "SPE_E5": 1}, Status.FAIL, "no subscription"),
        ([], {"SPE_E3": 1}, Status.INCONCLUSIVE, "no subscription at all"),
        ([("SPE_E3", 5, 3), ("SPE_E3", 5, 0)], {"SPE_E3": 7}, Status.PASS, "7 free"),
    ],
)
def test_counts(cloud, skus, need, status, words):
    cloud.skus = [replies.sku(*one) for one in skus]
    found, findings, _ = run(Licences(need=need, **access(cloud)))
    assert (found, words in said(findings)) == (status, True), findings


@pytest.mark.parametrize(
    ("sku", "status"),
    [
        (replies.sku("A", 10, 0, status="Suspended"), Status.FAIL),
        (replies.sku("A", 10, 0, status="Deleted"), Status.FAIL),
        (replies.sku("A", 10, 0, status="LockedOut"), Status.FAIL),
        (replies.sku("A", 10, 0, status="SomethingNew"), Status.FAIL),
        (replies.sku("A", 10, 0, status="enabled"), Status.PASS),
        (replies.sku("A", 0, 0, status="Warning", warning=10), Status.WARN),
        (replies.sku("A", 4, 0, warning=10), Status.WARN),
        (replies.sku("A", 5, 0, warning=10), Status.PASS),
        (replies.sku("A", 0, 6, status="Warning", warning=10), Status.FAIL),
    ],
)
def test_states(cloud, sku, status):
    cloud.skus = [sku]
    found, findings, _ = run(Licences(need={"A": 5}, **access(cloud)))
    assert found is status, findings


@pytest.mark.parametrize("need", [{" ": 1}, {"A": 1, "a": 2}])
def test_what_asserts_nothing_is_refused(cloud, need):
    with pytest.raises(ValueError):
        Licences(need=need, **access(cloud))


SAMPLES = DATA / "m365" / "graph"


@pytest.mark.skipif(not SAMPLES.exists(), reason="The sample data is not here.")
@pytest.mark.parametrize("name", ["subscribedSkus.json", "list_subscribed_skus.tf.json"])
def test_the_documentation_s_samples(name):
    skus = tuple(map(_sku, json.loads((SAMPLES / name).read_text())["value"]))
    way = {"tenant_id": TENANT, "client_id": CLIENT, "secret": "env:X"}
    seen = LicencesSeen(skus=skus)
    assert judged(Licences(need={"ENTERPRISEPREMIUM": 11}, **way), seen)[0] is Status.PASS
    assert judged(Licences(need={"ENTERPRISEPREMIUM": 12}, **way), seen)[0] is Status.FAIL
    assert judged(Licences(need={"CRMSTANDARD": 0}, **way), seen)[0] is Status.FAIL
