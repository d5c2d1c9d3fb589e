from __future__ import annotations

import asyncio

import pytest

from checks import jsonable
from checks.network.captive import KNOWN, Captive, CaptiveSeen, Probe
from checks.vantage import Shared, Vantage
from checks.wire.http import Exchange, Phases, Trouble
from checks.words import Status, worst
from tests.checks import hostile

TWO = Captive(
    probes=(
        Probe(url="http://one.example.com/204"),
        Probe(url="http://two.example.com/text", status=200, body="All Is Well"),
    )
)


def answer(number: int, status: int | None, body: bytes = b"", **more) -> Exchange:
    more.setdefault("complete", status is not None)
    return Exchange(
        url=TWO.probes[number].url, method="GET", phases=Phases(), status=status, body=body, **more
    )


def silent(number: int) -> Exchange:
    return answer(number, None, trouble=Trouble(phase="connect", kind="unreachable", detail="timeout"))


LOGIN = (("location", "http://portal.example.net/login"),)
OK0, OK1 = answer(0, 204), answer(1, 200, b"All Is Well\r\n")


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ((OK0, OK1), "pass"),
        ((OK0, silent(1)), "pass"),
        ((OK0, answer(1, 503)), "pass"),
        ((silent(0), silent(1)), "inconclusive"),  # offline is not a portal
        ((answer(0, 404), answer(1, 503)), "inconclusive"),
        ((answer(0, 302, headers=LOGIN), answer(1, 302, headers=LOGIN)), "fail"),
        ((OK0, answer(1, 302, headers=LOGIN)), "fail"),  # a portal that lets one probe through
        ((answer(0, 200, b"<html>Welcome"), silent(1)), "fail"),
        ((answer(0, 200), silent(1)), "fail"),
        ((silent(0), answer(1, 200, b"<html>All Is Well")), "fail"),
        ((answer(0, 511), silent(1)), "fail"),
        ((answer(0, 204, complete=False, trouble=silent(0).trouble), silent(1)), "fail"),
        ((silent(0), answer(1, 200, b"All Is", complete=False)), "fail"),
        ((OK0,), "pass"),
        ((), "inconclusive"),
    ],
)
def test_judge(answers, status):
    seen = CaptiveSeen(answers=answers)
    assert jsonable.from_json(CaptiveSeen, jsonable.to_json(seen)) == seen
    findings = list(TWO.judge(seen))
    assert worst(finding.status for finding in findings) == status


def test_the_portal_is_named():
    (finding,) = [
        finding
        for finding in TWO.judge(CaptiveSeen(answers=(OK0, answer(1, 302, headers=LOGIN))))
        if finding.status is Status.FAIL
    ]
    assert "it sends to http://portal.example.net/login" in finding.message


def test_a_hostile_portal_is_harmless():
    evil = (("location", hostile.ESCAPES),)
    answers = (answer(0, 302, headers=evil), answer(1, 200, hostile.ESCAPES.encode()))
    hostile.assert_harmless(TWO.judge(CaptiveSeen(answers=answers)))


def live(handler, other=None) -> list[Status]:
    async def go():
        async with hostile.serve(handler) as one, hostile.serve(other or handler) as two:
            check = Captive(
                probes=(
                    Probe(url=f"http://127.0.0.1:{one}/204"),
                    Probe(url=f"http://127.0.0.1:{two}/", status=200, body="hi"),
                )
            )
            return [f.status for f in check.judge(await check.observe(Vantage(Shared(), allowance=3)))]

    return asyncio.run(go())


def test_live():
    right = hostile.answers(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert (
        live(right, hostile.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n")) == [Status.PASS] * 2
    )
    assert live(hostile.yes_to_everything) == [Status.FAIL] * 2
    assert live(hostile.endless_redirect) == [Status.FAIL] * 2
    assert live(hostile.reset) == [Status.INCONCLUSIVE] * 2
    assert live(right, hostile.endless_chunks) == [Status.PASS, Status.FAIL]


def test_refused_parameters():
    with pytest.raises(ValueError, match="plain http"):
        Captive(probes=(Probe(url="https://one.example.com/"),))
    with pytest.raises(ValueError, match="give the body"):
        Captive(probes=(Probe(url="http://one.example.com/", status=200),))
    assert Captive().probes == KNOWN
    assert Captive().needs_link()
