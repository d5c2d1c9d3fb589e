from __future__ import annotations

import asyncio
import socket

import pytest

from checks import jsonable
from checks.network.tcp import MAX_ADDRESSES, Tcp, TcpSeen
from checks.vantage import Shared, Vantage
from checks.wire.names import Resolved
from checks.wire.tcp import Attempt
from checks.words import Status, worst
from tests.checks import hostile


def run(check: Tcp, allowance: float = 6.0):
    seen = asyncio.run(check.observe(Vantage(Shared(), allowance=allowance)))
    again = jsonable.from_json(TcpSeen, jsonable.to_json(seen))
    assert again == seen
    return seen, list(check.judge(again))


def attempt(address: str, outcome: str, seconds: float = 0.01, detail: str = "") -> Attempt:
    return Attempt(address=address, port=445, outcome=outcome, seconds=seconds, detail=detail)


def seen(*attempts: Attempt, **names) -> TcpSeen:
    names.setdefault("addresses", tuple(item.address for item in attempts))
    return TcpSeen(names=Resolved(host="files.example.com", **names), attempts=attempts)


V4, V6 = "192.0.2.10", "2001:db8::10"
OPEN4, OPEN6 = attempt(V4, "open"), attempt(V6, "open")


@pytest.mark.parametrize(
    ("what", "settings", "status"),
    [
        (seen(OPEN4), {}, "pass"),
        (seen(OPEN4, OPEN6), {}, "pass"),
        (seen(attempt(V4, "refused")), {}, "fail"),
        (seen(attempt(V4, "timeout")), {}, "fail"),
        (seen(attempt(V4, "unreachable")), {}, "fail"),
        (seen(attempt(V4, "reset")), {}, "fail"),
        (seen(attempt(V4, "no_route")), {}, "fail"),
        (seen(attempt(V4, "barred")), {}, "inconclusive"),
        (seen(attempt(V4, "local")), {}, "inconclusive"),
        (seen(OPEN4, attempt(V6, "timeout")), {}, "fail"),  # IPv6 alone is broken
        (seen(OPEN4, attempt(V6, "timeout")), {"addresses": "one"}, "warn"),
        (seen(attempt(V4, "refused"), attempt(V6, "timeout")), {"addresses": "one"}, "fail"),
        (seen(OPEN4, attempt(V6, "no_route")), {}, "warn"),  # an office without IPv6
        (seen(OPEN6, attempt(V6, "no_route")), {"family": "ipv6"}, "fail"),
        (seen(OPEN4, attempt(V6, "barred")), {"addresses": "one"}, "inconclusive"),
        (seen(error="Name or service not known", addresses=()), {}, "fail"),
        (seen(error="Temporary failure", addresses=(), temporary=True), {}, "inconclusive"),
        (seen(addresses=()), {}, "fail"),
        (seen(OPEN4, addresses=(V4, V6)), {}, "warn"),  # more addresses than were tried
        (seen(attempt(V4, "open", 0.05)), {"max_connect": 0.1}, "pass"),
        (seen(attempt(V4, "open", 0.08)), {"max_connect": 0.1}, "warn"),
        (seen(attempt(V4, "open", 0.11)), {"max_connect": 0.1}, "fail"),
    ],
)
def test_judge(what, settings, status):
    findings = list(Tcp(target="files.example.com", port=445, **settings).judge(what))
    assert worst(finding.status for finding in findings) == status


def test_each_way_to_fail_has_its_own_words_and_its_own_fix():
    outcomes = ("refused", "timeout", "unreachable", "no_route", "reset", "barred", "local")
    findings = [
        finding
        for outcome in outcomes
        for finding in Tcp(target="x", port=445).judge(seen(attempt(V4, outcome)))
    ]
    assert len({finding.message for finding in findings}) == len(outcomes)
    assert len({finding.fix for finding in findings}) == len(outcomes)


def test_a_broken_address_is_named():
    findings = list(Tcp(target="x", port=445).judge(seen(OPEN4, attempt(V6, "timeout"))))
    assert [f.subject for f in findings if f.status is Status.FAIL] == ["[2001:db8::10]:445"]


def test_what_the_system_said_is_made_harmless():
    what = seen(attempt(V4, "local", detail=hostile.ESCAPES), error=None)
    hostile.assert_harmless(Tcp(target="x", port=445).judge(what))
    what = seen(error=hostile.ESCAPES, addresses=())
    hostile.assert_harmless(Tcp(target="x", port=445).judge(what))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_live_server(host):
    async def go():
        async with hostile.serve(hostile.silence, host=host) as port:
            check = Tcp(target=host, port=port)
            return [*check.judge(await check.observe(Vantage(Shared())))]

    if host == "localhost":
        check = Tcp(target=host, port=1, family="ipv4")
        assert run(check)[1][0].status is Status.FAIL
        return
    assert [finding.status for finding in asyncio.run(go())] == [Status.PASS]


def test_a_flooding_server_costs_nothing():
    async def go():
        async with hostile.serve(hostile.banner) as port:
            check = Tcp(target="127.0.0.1", port=port, hold=0.2)
            return [*check.judge(await check.observe(Vantage(Shared())))]

    assert [finding.status for finding in asyncio.run(go())] == [Status.PASS]


def test_a_reset_after_accepting_needs_hold():
    async def go(hold: float):
        async with hostile.serve(hostile.reset) as port:
            check = Tcp(target="127.0.0.1", port=port, hold=hold)
            return [finding.status for finding in check.judge(await check.observe(Vantage(Shared())))]

    assert asyncio.run(go(2.0)) == [Status.FAIL]


def test_an_address_of_the_other_family():
    _, findings = run(Tcp(target="127.0.0.1", port=1, family="ipv6"))
    assert findings[0].status is Status.FAIL
    assert "not an ipv6 address" in findings[0].observed


def test_many_addresses_are_bounded(monkeypatch):
    many = [(socket.AF_INET, 0, 0, "", (f"127.0.1.{n}", 0)) for n in range(1, 60)]

    async def lookup(self, *args, **kwargs):
        return many

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", lookup)
    what, findings = run(Tcp(target="many.example.com", port=1))
    assert len(what.attempts) == MAX_ADDRESSES
    assert any("left out" in finding.message for finding in findings)


def test_parameters():
    with pytest.raises(ValueError, match="longer than zero"):
        Tcp(target="x", port=1, max_connect=0.0)
    assert Tcp(target="::1", port=80).subject() == "[::1]:80"
    assert not Tcp(target="localhost", port=80).needs_link()
    assert Tcp(target="x", port=1, hold=2.0).allowance() == 8.0
