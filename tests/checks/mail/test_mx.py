"""Does mail go to the planned hosts: what would make it lie first, then the table, then a real server."""

from __future__ import annotations

import dataclasses

import pytest

from checks.contract import Status
from checks.mail._mx_targets import Target
from checks.mail.mx import Mx, MxAnswer, MxRecord, MxSeen
from checks.vantage import Shared, Vantage
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.wire.dns_servers import answering, free_port, knot, scripted

S = Status
NEW, OLD = "office-example.mail.protection.outlook.com", "mail.old.example"
TOKEN = "ms12345678.msv1.invalid"
ASSIGNED = "office-example.p-v1.mx.microsoft"


def plan(*records, **params):
    records = records or ((0, NEW),)
    expect = tuple(MxRecord(host=host, preference=preference) for preference, host in records)
    return Mx(domain="office.example", expect=expect, **params)


def told(*records, **changes):
    base = MxAnswer(server="192.0.2.53", outcome="found" if records else "no data", records=records)
    return dataclasses.replace(base, **changes)


def judged(check, *answers, **changes):
    findings = list(check.judge(MxSeen(answers=answers, **changes)))
    assert_harmless(findings)
    return findings


def status(check, *answers, **changes):
    found = [finding.status for finding in judged(check, *answers, **changes)]
    return max(found, key=[S.PASS, S.WARN, S.INCONCLUSIVE, S.FAIL].index)


LIES = {
    "no answer taken for none": (plan(), told(outcome="failed", detail="timeout"), S.INCONCLUSIVE),
    "no record": (plan(), told(), S.FAIL),
    "no such domain": (plan(), told(outcome="no such name"), S.FAIL),
    "the old host alone": (plan(), told((10, OLD)), S.FAIL),
    "the old host beside the new": (plan(), told((0, NEW), (10, OLD)), S.FAIL),
    "the new host missing while both take mail": (plan(match="includes"), told((10, OLD)), S.FAIL),
    "the proof of ownership taken for mail": (plan(), told((0, TOKEN)), S.FAIL),
    "a null MX": (plan(), told((0, ".")), S.FAIL),
    "a null MX beside the planned": (plan(), told((0, NEW), (0, ".")), S.FAIL),
    "a null MX while both take mail": (plan(match="includes"), told((0, NEW), (0, ".")), S.FAIL),
    "an address as host": (plan(match="includes"), told((0, NEW), (5, "192.0.2.1")), S.FAIL),
    "Microsoft's shape, another value": (plan(microsoft=True), told((0, ASSIGNED)), S.FAIL),
    "another tenant's value": (
        plan(microsoft=True), told((0, "other-example.mail.protection.outlook.com")), S.FAIL,
    ),
    "the order turned round": (plan((0, NEW), (20, OLD)), told((10, OLD), (20, NEW)), S.FAIL),
    "a tie where an order is planned": (plan((0, NEW), (20, OLD)), told((0, OLD), (0, NEW)), S.FAIL),
    "the new host behind one not planned": (plan(match="includes"), told((0, OLD), (30, NEW)), S.FAIL),
    "the planned host twice, once ahead": (plan((10, NEW)), told((0, NEW), (10, NEW)), S.WARN),
    "a retired host": (
        plan((0, "x.mail.eo.outlook.com")), told((0, "x.mail.eo.outlook.com")), S.FAIL,
    ),
    "a value without Microsoft's shape": (plan((0, OLD), microsoft=True), told((0, OLD)), S.WARN),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_it_does_not_lie(lie):
    check, answer, expected = LIES[lie]
    assert status(check, answer) is expected


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (plan(), told((0, NEW))),
        (plan(), told((0, NEW), (99, TOKEN))),
        (plan(microsoft=True), told((0, NEW))),
        (plan((0, ASSIGNED), microsoft=True), told((0, ASSIGNED))),
        (plan((20, NEW), match="includes"), told((0, OLD), (20, NEW))),
        (plan((0, NEW), (20, OLD)), told((0, NEW), (20, OLD))),
    ],
)
def test_what_is_planned_passes(check, answer):
    (finding,) = judged(check, answer)
    assert finding.status is S.PASS
    assert finding.subject == "192.0.2.53"


def test_each_server_has_its_finding_by_name_and_address():
    other = told((0, NEW), server="ns1.office.example=192.0.2.54")
    first, second = judged(plan(), told((10, OLD)), other)
    assert (first.status, first.subject) == (S.FAIL, "192.0.2.53")
    assert (second.status, second.subject) == (S.PASS, "ns1.office.example (192.0.2.54)")


def test_the_same_order_by_other_numbers_is_a_warning():
    (finding,) = judged(plan((0, NEW), (20, OLD)), told((10, NEW), (30, OLD)))
    assert finding.status is S.WARN


def test_no_record_beside_an_address_says_where_mail_goes():
    (finding,) = judged(plan(), told(), implicit=("192.0.2.80",))
    assert "192.0.2.80" in finding.message


@pytest.mark.parametrize(
    ("target", "expected", "words"),
    [
        (Target(host=NEW, ipv4=("192.0.2.1",), ipv6=("2001:db8::1",)), S.PASS, "has addresses"),
        (Target(host=NEW, ipv4=("192.0.2.1",)), S.PASS, "no IPv6 address"),
        (Target(host=NEW, ipv4=("192.0.2.1",), failed=("AAAA: SERVFAIL",)), S.WARN, "IPv6 ones could not"),
        (Target(host=NEW, ipv6=("2001:db8::1",)), S.WARN, "only IPv6"),
        (Target(host=NEW, ipv6=("2001:db8::1",), failed=("A: timeout",)), S.WARN, "could not be looked up"),
        (Target(host=NEW), S.FAIL, "has no address"),
        (Target(host=NEW, failed=("A: timeout",)), S.INCONCLUSIVE, "could not be looked up"),
        (Target(host=NEW, ipv4=("192.0.2.1",), aliases=(OLD,)), S.FAIL, "is an alias"),
        (Target(host=NEW, aliases=(ESCAPES,), failed=(ESCAPES,)), S.FAIL, "is an alias"),
        (Target(host=OLD, aliases=("x.example",)), S.WARN, "is an alias"),
        (Target(host=OLD), S.WARN, "has no address"),
    ],
)
def test_targets(target, expected, words):
    *_, finding = judged(plan(), told((0, NEW)), targets=(target,))
    assert finding.status is expected
    assert words in finding.message
    assert finding.subject == target.host


def test_hosts_that_were_left_out_are_not_passed_over():
    assert status(plan(), told((0, NEW)), left_out=3) is S.INCONCLUSIVE


def test_hostile_names_are_shown_harmless():
    judged(plan(), told((0, f"{ESCAPES}.example")))


@pytest.mark.parametrize(
    "records",
    [((0, NEW), (5, NEW)), ((0, "."),), ((0, "192.0.2.1"),), ((0, TOKEN),)],
)
def test_a_plan_that_cannot_be_is_refused(records):
    with pytest.raises(ValueError, match="'expect'"):
        plan(*records)


async def observed(check):
    shared = Shared()
    try:
        return await check.observe(Vantage(shared, allowance=check.allowance()))
    finally:
        await shared.close()


async def test_a_real_server_with_authority():
    with knot() as port:
        server = f"ns.office.example=127.0.0.1:{port}"
        check = plan((10, "mail.office.example"), servers=(server,), resolvers=(f"127.0.0.1:{port}",))
        findings = list(check.judge(await observed(check)))
    assert [finding.status for finding in findings] == [S.PASS] * 3
    assert findings[0].subject == f"ns.office.example (127.0.0.1:{port})"
    assert findings[2].subject == "mail.office.example"


@pytest.mark.parametrize("records", [(("@", 300, "MX", f"0 {NEW}."),), ()])
@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
async def test_what_a_cache_holds_is_not_what_the_zone_says(records, rcode):
    """A resolver that is named among 'servers' neither passes nor fails for the zone."""
    with scripted(udp=answering(*records, rcode=rcode, flags=("RA",))) as port, knot() as other:
        check = plan((0, NEW), servers=(f"127.0.0.1:{port}",), resolvers=(f"127.0.0.1:{other}",))
        seen = await observed(check)
    (finding,) = [one for one in check.judge(seen) if one.subject == f"127.0.0.1:{port}"]
    assert (finding.status, "without authority" in finding.observed) == (S.INCONCLUSIVE, True)


ZONE = """
$ORIGIN office.example.
$TTL 300
@     SOA ns hostmaster 7 7200 900 1209600 60
@     NS ns
@     MX 10 alias
@     MX 20 gone
@     MX 30 six
ns    A 127.0.0.1
mail  A 192.0.2.25
six   AAAA 2001:db8::6
alias CNAME mail
"""


async def test_real_targets_with_faults():
    hosts = ["alias", "gone", "six"]
    with knot(ZONE) as port:
        records = [(10 * (n + 1), f"{host}.office.example") for n, host in enumerate(hosts)]
        check = plan(*records, resolvers=(f"127.0.0.1:{port}",))
        findings = list(check.judge(await observed(check)))
    assert [finding.status for finding in findings] == [S.PASS, S.FAIL, S.FAIL, S.WARN]


async def test_no_mx_record_beside_an_address():
    zone = ZONE.replace("MX 10 alias", "A 192.0.2.80").replace("@     MX 20 gone", "").replace(
        "@     MX 30 six", ""
    )  # fmt: skip
    with knot(zone) as port:
        check = plan(resolvers=(f"127.0.0.1:{port}",))
        seen = await observed(check)
    assert seen.implicit == ("192.0.2.80",)
    assert next(f.status for f in check.judge(seen)) is S.FAIL


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
async def test_a_server_that_fails_is_no_absence(rcode):
    with scripted(udp=answering(rcode=rcode)) as port:
        check = plan(resolvers=(f"127.0.0.1:{port}",))
        findings = list(check.judge(await observed(check)))
    assert {finding.status for finding in findings} == {S.INCONCLUSIVE}


async def test_silence_is_no_absence():
    check = plan(resolvers=(f"127.0.0.1:{free_port()}",))
    findings = list(check.judge(await observed(check)))
    assert {finding.status for finding in findings} == {S.INCONCLUSIVE}
