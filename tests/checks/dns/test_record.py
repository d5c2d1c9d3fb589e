"""Are the records the planned ones: what would make it lie first, then the table, then real daemons."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from checks import jsonable
from checks.contract import CannotTell, Status
from checks.dns.record import Record, RecordSeen
from checks.vantage import Shared, Vantage
from checks.wire.dns import Answer
from checks.wire.dns import Record as Resource
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.wire.dns_servers import answering, dnsmasq, free_port, knot, scripted, unbound
from tests.checks.wire.private import Authority

S = Status
NAME = "www.office.example"
A1, A2, OLD = "192.0.2.25", "192.0.2.26", "192.0.2.99"
SOA = Resource(name="office.example", ttl=60, rdtype="SOA", text="ns.x host.x 1 2 3 4 5")
NS = Resource(name="office.example", ttl=60, rdtype="NS", text="ns.x")


def records(*texts, name=NAME, rdtype="A", ttl=300):
    return tuple(Resource(name=name, ttl=ttl, rdtype=rdtype, text=text) for text in texts)


def answer(*texts, **changes):
    base = Answer(
        server="192.0.2.53", address="192.0.2.53", name=NAME, rdtype="A", rcode="NOERROR", aa=True,
        rtt_ms=1.0, records=records(*texts),
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


ALIAS = records("mail.office.example", rdtype="CNAME")
VIA = (*ALIAS, *records(A1, name="mail.office.example"))


def judge(*answers, **params):
    if params.get("match") != "absent":
        params.setdefault("expect", (A1,))
    check = Record(name=NAME, servers=("192.0.2.53",), **params)
    findings = list(check.judge(RecordSeen(answers=answers)))
    assert_harmless(findings)
    return findings


LIES = {
    "an empty answer counted as a match": (answer(), {}, S.FAIL),
    "a subset counted as exact": (answer(A1), {"expect": (A1, A2)}, S.FAIL),
    "more than planned counted as exact": (answer(A1, OLD), {}, S.FAIL),
    "another name's record counted": (answer(records=records(A1, name="other.example")), {}, S.FAIL),
    "another type's record counted": (answer(records=records(A1, rdtype="TXT")), {}, S.FAIL),
    "an alias to nowhere": (answer(rcode="NXDOMAIN", records=ALIAS), {}, S.FAIL),
    "records beside NXDOMAIN": (answer(A1, rcode="NXDOMAIN"), {}, S.FAIL),
    "aliases in a circle": (answer(records=records(NAME, rdtype="CNAME")), {}, S.FAIL),
    "records beside SERVFAIL": (answer(A1, rcode="SERVFAIL"), {}, S.FAIL),
    "a cut answer": (answer(A1, error="truncated", tc=True), {}, S.INCONCLUSIVE),
    "a referral as absence": (answer(aa=False, authority=(NS,)), {"match": "absent"}, S.INCONCLUSIVE),
    "nothing from a stranger as absence": (answer(aa=False), {"match": "absent"}, S.INCONCLUSIVE),
    "NXDOMAIN from a stranger": (answer(aa=False, rcode="NXDOMAIN"), {"match": "absent"}, S.INCONCLUSIVE),
    "silence as absence": (answer(rcode=None, error="timeout"), {"match": "absent"}, S.FAIL),
    "refusal as absence": (answer(rcode="REFUSED"), {"match": "absent"}, S.FAIL),
    "an alias as absence": (answer(records=ALIAS), {"match": "absent"}, S.FAIL),
    "a wildcard as absence": (answer(OLD), {"match": "absent"}, S.FAIL),
    "included is missing": (answer(A1), {"match": "includes", "expect": (A1, A2)}, S.FAIL),
    "another case of a TXT value": (
        answer(rdtype="TXT", records=records('"V=SPF1"', rdtype="TXT")),
        {"rdtype": "TXT", "expect": ("v=spf1",)},
        S.FAIL,
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_it_does_not_lie(lie):
    given, params, status = LIES[lie]
    findings = judge(given, **params)
    assert [finding.status for finding in findings] == [status]


@pytest.mark.parametrize(
    ("given", "params"),
    [
        (answer(A1), {}),
        (answer(A2, A1), {"expect": (A1, A2)}),
        (answer(A1, A1), {}),
        (answer(records=VIA), {}),
        (answer(records=VIA, aa=False, ra=True), {}),
        (answer(A1, OLD), {"match": "includes"}),
        (answer(rcode="NXDOMAIN", authority=(SOA,)), {"match": "absent"}),
        (answer(authority=(SOA,)), {"match": "absent"}),
        (answer(aa=False, ra=True), {"match": "absent"}),
        (
            answer(rdtype="MX", records=records("10 mx.example", rdtype="MX")),
            {"rdtype": "MX", "expect": ("10 MX.Example.",)},
        ),
        (
            answer(rdtype="TXT", records=records('"v=spf1 " "-all"', rdtype="TXT")),
            {"rdtype": "TXT", "expect": ("v=spf1 -all",)},
        ),
        (
            answer(rdtype="AAAA", records=records("2001:db8::1", rdtype="AAAA")),
            {"rdtype": "AAAA", "expect": ("2001:DB8:0::0001",)},
        ),
    ],
)
def test_what_is_planned_passes(given, params):
    (finding,) = judge(given, **params)
    assert finding.status is S.PASS
    assert finding.subject == "192.0.2.53"
    assert finding.expected
    assert finding.observed


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        (answer(rcode=None, error="timeout", detail="2 s", ignored=3), S.FAIL, "did not answer"),
        (answer(rcode=None, error="refused (port closed)"), S.FAIL, "nothing serves DNS"),
        (answer(rcode=None, error="unreachable"), S.FAIL, "unreachable"),
        (answer(rcode=None, error="malformed reply", detail=ESCAPES), S.FAIL, "is not a DNS message"),
        (answer(rcode=None, error="not sent"), S.INCONCLUSIVE, "no way"),
        (answer(rcode=None, error="unknown host", detail=ESCAPES), S.INCONCLUSIVE, "no address"),
        (answer(rcode=None, error="untrusted certificate", detail=ESCAPES), S.FAIL, "not to be trusted"),
        (answer(rcode=None, error="TLS failed", detail=ESCAPES), S.FAIL, "does not speak TLS"),
        (answer(rcode=None, error="HTTP error", detail="HTTP status 404"), S.FAIL, "refuses the question"),
        (answer(A1, error="truncated", tc=True, transport="tls"), S.INCONCLUSIVE, "cut short"),
        (answer(rcode="SERVFAIL"), S.FAIL, "SERVFAIL"),
        (answer(rcode="REFUSED"), S.FAIL, "refuses"),
        (answer(rcode="RCODE23"), S.FAIL, "RCODE23"),
        (answer(rcode="NXDOMAIN"), S.FAIL, "does not exist"),
        (answer(), S.FAIL, "has no A record"),
        (
            answer(rcode="NXDOMAIN", records=ALIAS),
            S.FAIL,
            "is an alias of mail.office.example, which does not exist",
        ),
        (answer(records=ALIAS), S.INCONCLUSIVE, "where the alias leads"),
        (answer(records=ALIAS, ra=True, aa=False), S.FAIL, "has no A record"),
        (answer(A1, OLD), S.FAIL, f"not planned: {OLD}"),
        (answer(OLD), S.FAIL, f"missing: {A1}; not planned: {OLD}"),
    ],
)
def test_each_fault_has_its_own_words(given, status, words):
    (finding,) = judge(given)
    assert finding.status is status
    assert words in finding.message


def test_hostile_records_are_shown_harmless():
    text = '"' + "x" * 5000 + '\\027]52;c;aGk=\\007"'
    given = answer(rdtype="TXT", records=records(*[text + str(n) for n in range(50)], rdtype="TXT"))
    judge(
        dataclasses.replace(given, records=records(*[text] * 50, rdtype="TXT")), rdtype="TXT", expect=("x",)
    )


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (answer(A1), S.PASS),
        (answer(records=records(A1, ttl=0)), S.PASS),
        (answer(records=records(A1, ttl=301)), S.FAIL),
        (answer(records=(*records("m.x", rdtype="CNAME", ttl=900), *records(A1, name="m.x"))), S.FAIL),
        (answer(A1, aa=False, ra=True), S.INCONCLUSIVE),
        (answer(records=records(A1, ttl=0), aa=False, ra=True), S.INCONCLUSIVE),
        (answer(records=records(A1, ttl=900), aa=False, ra=True), S.FAIL),
    ],
)
def test_time_to_live_is_proven_by_authority_only(given, status):
    assert [finding.status for finding in judge(given, max_ttl=300.0)] == [S.PASS, status]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "assert nothing"),
        ({"match": "includes"}, "assert nothing"),
        ({"match": "absent", "expect": (A1,)}, "nothing to expect"),
        ({"match": "absent", "max_ttl": 1.0}, "nothing to expect"),
        ({"expect": ("mail.example",)}, "not an IPv4 address"),
        ({"expect": ("192.0.2.1", "192.0.2.1")}, "same record twice"),
        ({"rdtype": "MX", "expect": ("10 a.x", "10 A.x.")}, "same record twice"),
        ({"expect": (A1,), "servers": ("ns", "ns")}, "same server twice"),
        ({"name": "192.0.2.1", "rdtype": "PTR", "expect": ("a.x",)}, "1.2.0.192.in-addr.arpa"),
        ({"name": "192.0.2.1", "expect": (A1,)}, "is the address"),
    ],
)
def test_what_asserts_nothing_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        Record(**{"name": NAME, **params})


def test_it_needs_the_link_unless_every_server_is_here():
    assert Record(name=NAME, expect=(A1,)).needs_link()
    assert Record(name=NAME, expect=(A1,), servers=("127.0.0.1", "192.0.2.1")).needs_link()
    assert not Record(name=NAME, expect=(A1,), servers=("127.0.0.1:5353", "[::1]:53")).needs_link()


def run(check):
    async def work():
        shared = Shared()
        try:
            return await check.observe(Vantage(shared, "record", check.allowance()))
        finally:
            await shared.close()

    found = asyncio.run(work())
    assert jsonable.from_json(RecordSeen, jsonable.to_json(found)) == found
    findings = list(check.judge(found))
    assert_harmless(findings)
    return findings


def test_real_servers_each_with_its_own_finding():
    host = "--host-record=mail.office.example,192.0.2.25"
    with knot() as right, dnsmasq(host) as less, dnsmasq("--address=/#/203.0.113.66") as hijack:
        closed = free_port()
        servers = tuple(f"127.0.0.1:{port}" for port in (right, less, hijack, closed))
        findings = run(Record(name="mail.office.example", servers=servers, expect=(A2, A1)))
        assert [(f.subject, f.status) for f in findings] == list(
            zip(servers, (S.PASS, *[S.FAIL] * 3), strict=True)
        )
        assert f"missing: {A2}" in findings[1].message
        assert "not planned: 203.0.113.66" in findings[2].message
        gone = run(
            Record(
                name="msoid.office.example", rdtype="CNAME", match="absent", servers=(servers[0], servers[2])
            )
        )
        assert gone[0].status is S.PASS
        assert (
            run(Record(name="msoid.office.example", match="absent", servers=servers[2:3]))[0].status is S.FAIL
        )


def test_servers_over_tls_and_https(office, tmp_path):
    authority = Authority(tmp_path)
    zone = {"office.example": int(office.partition(":")[2])}
    with unbound(stubs=zone, tls=authority.files(), probe="office.example") as ports:
        servers = (
            f"tls://127.0.0.1:{ports.tls}#dns.example", f"https://127.0.0.1:{ports.https}/dns-query",
            f"tls://127.0.0.1:{ports.tls}#other.example", f"https://127.0.0.1:{ports.https}/nowhere",
        )  # fmt: skip
        check = Record(
            name="mail.office.example", servers=servers, expect=(A1, A2), ca_file=authority.ca_file
        )
        assert not check.needs_link()
        findings = run(check)
    assert [(f.subject, f.status) for f in findings] == list(
        zip(servers, (S.PASS, S.PASS, S.FAIL, S.FAIL), strict=True)
    )
    assert "not to be trusted" in findings[2].message


@pytest.mark.parametrize(
    ("name", "rdtype", "expect", "status"),
    [
        ("big", "TXT", tuple(f"{n:03d} {'x' * 200}" for n in range(30)), S.PASS),
        ("odd", "TXT", (r'"semi;colon \"quoted\" \\ \200\027[31m"',), S.PASS),
        ("_sip._tls", "SRV", ("100 1 5061 mail.office.example",), S.PASS),
        ("hop", "A", (A1, A2), S.PASS),
        ("zero", "A", ("192.0.2.9",), S.PASS),
        ("nowhere", "A", (A1,), S.FAIL),
        ("round", "A", (A1,), S.FAIL),
        ("outside", "A", (A1,), S.INCONCLUSIVE),
        ("x.child", "A", (A1,), S.INCONCLUSIVE),
        ("any.wild", "A", ("192.0.2.99",), S.PASS),
    ],
)
def test_a_real_zone(office, name, rdtype, expect, status):
    (finding,) = run(Record(name=f"{name}.office.example", rdtype=rdtype, servers=(office,), expect=expect))
    assert finding.status is status, finding


def test_a_wildcard_is_not_absent(office):
    (finding,) = run(Record(name="gone.wild.office.example", match="absent", servers=(office,)))
    assert finding.status is S.FAIL
    assert "wildcard" in finding.fix


def test_a_time_to_live_from_authority_and_from_a_cache(office):
    with dnsmasq(f"--server=127.0.0.1#{office.partition(':')[2]}", probe="mail.office.example") as cache:
        check = Record(
            name="mail.office.example", servers=(office, f"127.0.0.1:{cache}"), expect=(A1, A2), max_ttl=300.0
        )
        findings = [finding for finding in run(check) if "live" in finding.message]
    assert [finding.status for finding in findings] == [S.PASS, S.INCONCLUSIVE]


@pytest.fixture(scope="module")
def office():
    with knot() as port:
        yield f"127.0.0.1:{port}"


def test_left_out_servers_are_this_laptop_s_own(monkeypatch):
    from checks.local import facts

    async def handed(shared, *addresses):
        found = tuple(facts.ResolverFact(address=address) for address in addresses)
        return facts.LocalHost(hostname="h", user="u", os="o", resolvers=found)

    with scripted(udp=answering(("@", 60, "A", A1), flags=("RA",))) as port:
        monkeypatch.setattr("checks.wire.dns.PORT", port)
        monkeypatch.setattr(facts, "read_local", lambda shared: handed(shared, "127.0.0.1", "127.0.0.1"))
        (finding,) = run(Record(name=NAME, expect=(A1,)))
        assert (finding.status, finding.subject) == (S.PASS, "127.0.0.1")
    monkeypatch.setattr(facts, "read_local", handed)
    with pytest.raises(CannotTell, match="no DNS server"):
        run(Record(name=NAME, expect=(A1,)))


def test_the_stub_of_this_laptop_is_named():
    (finding,) = judge(answer(A1, server="127.0.0.53", aa=False, ra=True))
    assert "stub" in finding.observed


@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
def test_a_network_that_answers_everything_with_nothing_proves_no_absence(rcode):
    with scripted(udp=answering(rcode=rcode, flags=("RA", "AA"))) as port:
        check = Record(
            name="msoid.office.example", rdtype="CNAME", match="absent", servers=(f"127.0.0.1:{port}",)
        )
        (finding,) = run(check)
    assert finding.status is S.INCONCLUSIVE
    assert "no zone" in finding.message


def test_an_absence_that_a_zone_stands_behind_is_one(office):
    (finding,) = run(Record(name="msoid.office.example", match="absent", servers=(office,)))
    assert finding.status is S.PASS
