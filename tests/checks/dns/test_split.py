"""Inside against outside: lies first, then real servers on both sides."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from checks import jsonable
from checks.contract import Status
from checks.dns import split
from checks.dns.split import Split, SplitSeen
from checks.vantage import Shared, Vantage
from checks.wire.dns import Answer
from checks.wire.dns import Record as Resource
from tests.checks.hostile import assert_harmless
from tests.checks.wire.dns_servers import answering, dnsmasq, free_port, knot, scripted, unbound

S = Status
NAME = "www.office.example"
IN, OUT, OTHER = "10.0.0.25", "192.0.2.25", "203.0.113.66"
BOTH = {"expect_inside": (IN,), "expect_outside": (OUT,)}


def records(*texts, name=NAME, rdtype="A"):
    return tuple(Resource(name=name, ttl=300, rdtype=rdtype, text=text) for text in texts)


def answer(*texts, **changes):
    base = Answer(
        server="192.0.2.53", address="192.0.2.53", name=NAME, rdtype="A", rcode="NOERROR", ra=True,
        rtt_ms=1.0, records=records(*texts),
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


GONE = answer(rcode="NXDOMAIN")
SILENT = answer(rcode=None, error="timeout")


def judge(inside, outside, **params):
    check = Split(name=NAME, rdtype="A", inside=("10.0.0.53",), outside=("1.1.1.1",), **(params or BOTH))
    one = lambda given: given if isinstance(given, tuple) else (given,)  # noqa: E731
    findings = list(check.judge(SplitSeen(inside=one(inside), outside=one(outside))))
    assert_harmless(findings)
    return [finding.status for finding in findings]


@pytest.mark.parametrize(
    ("inside", "outside", "status"),
    [
        (answer(IN), answer(OUT), [S.PASS, S.PASS]),
        (answer(OUT), answer(OUT), [S.FAIL, S.PASS]),
        (answer(IN), answer(IN), [S.PASS, S.FAIL]),
        (answer(OUT), answer(IN), [S.FAIL, S.FAIL]),
        (answer(IN, OTHER), answer(OUT), [S.FAIL, S.PASS]),
        (answer(), answer(OUT), [S.FAIL, S.PASS]),
        (GONE, answer(OUT), [S.FAIL, S.PASS]),
        (answer(IN, rcode="NXDOMAIN"), answer(OUT), [S.FAIL, S.PASS]),
        (SILENT, answer(OUT), [S.INCONCLUSIVE, S.PASS]),
        (answer(IN), answer(OUT, rcode="SERVFAIL"), [S.PASS, S.INCONCLUSIVE]),
        (answer(IN), answer(rcode="REFUSED"), [S.PASS, S.INCONCLUSIVE]),
        (answer(IN, error="truncated"), answer(OUT), [S.INCONCLUSIVE, S.PASS]),
        (answer(ra=False), answer(OUT), [S.INCONCLUSIVE, S.PASS]),
        (answer(records=records(NAME, rdtype="CNAME")), answer(OUT), [S.FAIL, S.PASS]),
        (answer(records=records("x.example", rdtype="CNAME"), ra=False, aa=True), answer(OUT),
         [S.INCONCLUSIVE, S.PASS]),
        ((answer(IN), answer(OUT)), answer(OUT), [S.PASS, S.FAIL, S.PASS]),
    ],
)  # fmt: skip
def test_each_side_has_its_own_plan(inside, outside, status):
    assert judge(inside, outside) == status


@pytest.mark.parametrize(
    ("outside", "status"),
    [
        (GONE, S.PASS), (answer(), S.PASS), (answer(IN), S.FAIL), (answer(OTHER), S.FAIL),
        (SILENT, S.INCONCLUSIVE), (answer(rcode="SERVFAIL"), S.INCONCLUSIVE),
        (answer(ra=False), S.INCONCLUSIVE),
        (answer(ra=False, rcode="NXDOMAIN"), S.INCONCLUSIVE),
        (answer(records=records("x.example", rdtype="CNAME")), S.FAIL),
        (answer(records=records("x.example", rdtype="CNAME"), rcode="NXDOMAIN"), S.FAIL),
    ],
)  # fmt: skip
def test_what_must_not_be_seen_outside(outside, status):
    assert judge(answer(IN), outside, expect_inside=(IN,), absent="outside") == [S.PASS, status]


@pytest.mark.parametrize(
    ("inside", "outside", "status"),
    [
        (answer(IN), answer(IN), [S.PASS]),
        (answer(IN, OUT), answer(OUT, IN), [S.PASS]),
        (answer(IN), answer(OUT), [S.FAIL]),
        (answer(IN), GONE, [S.FAIL]),
        (answer(IN), answer(), [S.FAIL]),
        (GONE, GONE, [S.INCONCLUSIVE]),
        (answer(), GONE, [S.INCONCLUSIVE]),
        (SILENT, answer(IN), [S.INCONCLUSIVE]),
        (SILENT, SILENT, [S.INCONCLUSIVE] * 2),
        ((SILENT, answer(IN)), answer(OUT), [S.INCONCLUSIVE, S.FAIL]),
        ((SILENT, answer(IN)), answer(IN), [S.INCONCLUSIVE]),
    ],
)
def test_the_same_on_both_sides(inside, outside, status):
    assert judge(inside, outside, same=True) == status


def test_the_same_as_planned():
    assert judge(answer(IN), answer(IN), same=True, expect_outside=(IN,)) == [S.PASS, S.PASS]
    assert judge(answer(OUT), answer(OUT), same=True, expect_inside=(IN,)) == [S.FAIL, S.FAIL]
    assert judge(GONE, GONE, same=True, expect_inside=(IN,)) == [S.FAIL, S.FAIL]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "Nothing is expected inside"),
        ({"expect_inside": (IN,)}, "Nothing is expected outside"),
        ({"expect_inside": (IN,), "absent": "inside"}, "leaves nothing to expect"),
        ({"same": True, "absent": "inside"}, "do not fit together"),
        ({"same": True, **BOTH}, "are not the same"),
        ({**BOTH, "outside": ("10.0.0.53",)}, "on both sides"),
        ({**BOTH, "inside": ("10.0.0.53", "10.0.0.53")}, "same server twice"),
        ({**BOTH, "expect_inside": ("mail",)}, "no data of a A record"),
    ],
)
def test_what_asserts_nothing_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        Split(**{"name": NAME, "rdtype": "A", "inside": ("10.0.0.53",), "outside": ("1.1.1.1",), **params})


def run(**params):
    check = Split(name="mail.office.example", rdtype="A", **params)
    assert check.needs_link() != ("outside" in params)

    async def work():
        shared = Shared()
        try:
            return await check.observe(Vantage(shared, "split", check.allowance()))
        finally:
            await shared.close()

    seen = asyncio.run(work())
    assert jsonable.from_json(SplitSeen, jsonable.to_json(seen)) == seen
    findings = list(check.judge(seen))
    assert_harmless(findings)
    return [(finding.subject, finding.status) for finding in findings]


def test_real_servers_on_both_sides():
    outside = ("192.0.2.25", "192.0.2.26")
    with (
        knot() as zone,
        unbound(stubs={"office.example": zone}, probe="mail.office.example") as world,
        dnsmasq(f"--host-record=mail.office.example,{IN}", probe="mail.office.example") as own,
    ):
        inner, public = f"127.0.0.1:{own}", (f"127.0.0.1:{world.port}", f"127.0.0.1:{zone}")
        plan = {"inside": (inner,), "outside": public, "expect_outside": outside}
        apart = run(**plan, expect_inside=(IN,))
        assert apart == [(inner, S.PASS), *((one, S.PASS) for one in public)]
        forgotten = run(**plan, expect_inside=outside)
        assert forgotten == [(inner, S.FAIL), *((one, S.PASS) for one in public)]
        closed = f"127.0.0.1:{free_port()}"
        assert run(inside=(closed,), outside=public, same=True)[0] == (closed, S.INCONCLUSIVE)


def test_left_out_outside_is_the_public_panel(monkeypatch):
    with (
        dnsmasq(f"--host-record=mail.office.example,{IN}", probe="mail.office.example") as own,
        knot() as zone,
    ):
        monkeypatch.setattr(split, "PANEL", (f"127.0.0.1:{zone}",))
        found = run(inside=(f"127.0.0.1:{own}",), same=True)
    assert found == [("mail.office.example A", S.FAIL)]


@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
def test_a_network_that_answers_everything_with_nothing_proves_no_absence(rcode):
    with scripted(udp=answering(rcode=rcode, flags=("RA", "AA"))) as port, knot() as real:
        inside, outside = f"127.0.0.1:{port}", f"127.0.0.1:{real}"
        said = run(
            inside=(inside,), outside=(outside,), absent="inside",
            expect_outside=("192.0.2.25", "192.0.2.26"),
        )  # fmt: skip
    assert said == [(inside, S.INCONCLUSIVE), (outside, S.PASS)]
