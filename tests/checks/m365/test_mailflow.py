"""m365.mailflow: mail from outside that was delivered, and nothing else, counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from checks.m365.mailflow import Mailflow
from checks.words import Status
from tests.checks.m365.graph_run import access, run, said
from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import microsoft

ME = "user@contoso.example"


@pytest.fixture
def cloud():
    with microsoft() as found:
        yield found


def flow(cloud, **more):
    return Mailflow(domain="contoso.example", **access(cloud), **more)


def many(status, number, **more):
    return [replies.trace(ME, status, **more) for _ in range(number)]


@pytest.mark.parametrize(
    ("traces", "more", "status"),
    [
        (many("delivered", 1), {}, Status.PASS),
        (many("Delivered", 5), {"min_delivered": 5}, Status.PASS),
        (many("delivered", 4), {"min_delivered": 5}, Status.FAIL),
        ([], {}, Status.INCONCLUSIVE),
        (many("pending", 9), {}, Status.INCONCLUSIVE),
        (many("gettingStatus", 1) + many("delivered", 4), {"min_delivered": 5}, Status.INCONCLUSIVE),
        (many("pending", 1) + many("failed", 9), {"min_delivered": 5}, Status.FAIL),
        (many("quarantined", 9), {}, Status.FAIL),
        (many("filteredAsSpam", 9), {}, Status.FAIL),
        (many("expanded", 9), {}, Status.FAIL),
        (many("delivered", 9) + many("failed", 1), {}, Status.WARN),
        (many("delivered", 99) + many("failed", 1), {}, Status.PASS),
        (many("delivered", 8) + many("failed", 2), {}, Status.FAIL),
        (many("delivered", 8) + many("failed", 2), {"max_failed": 50.0}, Status.PASS),
        (many("delivered", 99) + many("failed", 1), {"max_failed": 0.0}, Status.FAIL),
        (many("delivered", 9, sender="colleague@contoso.example"), {}, Status.INCONCLUSIVE),
        (many("delivered", 9, sender="news@mail.contoso.example"), {}, Status.INCONCLUSIVE),
        (many("delivered", 9, sender="admin@contoso.onmicrosoft.com"), {}, Status.INCONCLUSIVE),
        (many("delivered", 9, sender="boss@other.example"), {"own": ("other.example",)}, Status.INCONCLUSIVE),
        (many("delivered", 9, sender="boss@notcontoso.example"), {}, Status.PASS),
        ([replies.trace("user@other.example")], {}, Status.INCONCLUSIVE),
        ([replies.trace("user@sub.contoso.example")], {}, Status.INCONCLUSIVE),
        ([replies.trace("USER@CONTOSO.example")], {}, Status.PASS),
        (many("delivered", 1, minutes_ago=26 * 60), {}, Status.INCONCLUSIVE),
        (many("delivered", 1, minutes_ago=90), {"window": 3600.0}, Status.INCONCLUSIVE),
    ],
)
def test_counts(cloud, traces, more, status):
    cloud.traces = traces
    found, findings, _ = run(flow(cloud, **more))
    assert found is status, findings


def test_bounces_without_a_sender_may_be_exchanges_own(cloud):
    cloud.traces = many("delivered", 2, sender="")
    assert run(flow(cloud))[0] is Status.INCONCLUSIVE


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", "soon", None, "2999-01-01T00:00:00Z"])
def test_a_window_that_the_service_ignores_is_none(cloud, at):
    """A filter that is not understood is left out in silence: old messages would count as new."""
    body = {"value": [replies.trace(ME) | {"receivedDateTime": at}]}
    cloud.fail("messageTraces", 200, body)
    assert run(flow(cloud))[0] is Status.INCONCLUSIVE


def test_times_are_read_with_all_the_digits_that_graph_writes(cloud):
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    cloud.fail("messageTraces", 200, {"value": [replies.trace(ME) | {"receivedDateTime": f"{now}.1234567Z"}]})
    assert run(flow(cloud))[0] is Status.PASS


def test_pages_are_counted_to_the_last(cloud):
    cloud.page_size = 7
    cloud.traces = many("delivered", 50) + many("failed", 50)
    status, findings, seen = run(flow(cloud))
    assert status is Status.FAIL
    assert {item.status: item.count for item in seen.inbound} == {"delivered": 50, "failed": 50}
    assert "someone@elsewhere.example to user@contoso.example" in said(findings)


def test_a_page_that_fails_is_no_count(cloud):
    cloud.page_size = 7
    cloud.traces = many("delivered", 50)
    cloud.fail("skiptoken=14", 400)
    assert run(flow(cloud))[0] is Status.INCONCLUSIVE


@pytest.mark.parametrize("name", ["gcc-high", "dod", "china"])
def test_other_clouds_have_no_traces(cloud, name):
    check = Mailflow(domain="contoso.example", **(access(cloud) | {"cloud": name}))
    status, findings, _ = run(check)
    assert (status, "no message traces" in said(findings)) == (Status.INCONCLUSIVE, True)
    assert cloud.requests == []


def test_the_permission_is_named(cloud):
    cloud.forbid("messageTraces")
    status, findings, _ = run(flow(cloud))
    assert (status, "ExchangeMessageTrace.Read.All" in said(findings)) == (Status.INCONCLUSIVE, True)


def test_many_words_for_a_status_stay_bounded(cloud):
    cloud.traces = [replies.trace(ME, f"status{n}\x1b[2J" + "x" * 300) for n in range(300)]
    status, _, seen = run(flow(cloud))
    assert status is Status.FAIL
    assert len(seen.inbound) <= 21
    assert sum(item.count for item in seen.inbound) == 300


def test_the_filter_asks_for_times_and_nothing_that_graph_ignores(cloud):
    run(flow(cloud))
    (path,) = [path for _, path in cloud.requests if "messageTraces" in path]
    assert " or " not in path.replace("%20", " ")
    assert "receivedDateTime" in path
