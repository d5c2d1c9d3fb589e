"""Does each sender get its result, is the record in order: what would make it lie first, then by DNS."""

from __future__ import annotations

import dataclasses
import json

import dns.flags
import pytest
from pydantic import TypeAdapter, ValidationError

from checks import jsonable
from checks.contract import CannotTell, Status
from checks.mail._spf_form import Published
from checks.mail.spf import Spf, SpfSeen, SpfSender
from checks.vantage import Shared, Vantage
from checks.wire.dns_text import quoted
from checks.wire.spf_check import Evaluation
from checks.wire.spf_cost import Line, Survey
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.wire.dns_servers import answering, free_port, knot, scripted
from tests.checks.wire.spf_zone import serving

S = Status
WORST = [S.PASS, S.WARN, S.INCONCLUSIVE, S.FAIL]
CHEAP = Survey(lookups=1, ending="-")


def check(*senders, **params):
    return Spf(domain="test.example", senders=senders, **params)


def published(*texts, cost=CHEAP, **changes):
    base = Published(outcome="found", records=tuple(quoted(text.encode()) for text in texts), cost=cost)
    return dataclasses.replace(base, **changes)


def sender(**changes):
    return SpfSender(**{"ip": "192.0.2.10", "mail_from": "me@test.example", **changes})


def evaluation(result, **changes):
    base = Evaluation(ip="192.0.2.10", mail_from="me@test.example", helo="h", result=result, reason="as said")
    return dataclasses.replace(base, **changes)


def judged(of, seen):
    findings = list(of.judge(seen))
    assert_harmless(findings)
    return findings


def status(of, seen):
    return max((finding.status for finding in judged(of, seen)), key=WORST.index)


GOOD = published("v=spf1 a -all")
LIES = {
    "temperror taken for a result": ((sender(),), evaluation("temperror"), S.INCONCLUSIVE),
    "temperror as expected": ((sender(expect="temperror"),), evaluation("temperror"), S.INCONCLUSIVE),
    "softfail taken for pass": ((sender(),), evaluation("softfail"), S.FAIL),
    "neutral taken for pass": ((sender(),), evaluation("neutral"), S.FAIL),
    "none taken for pass": ((sender(),), evaluation("none"), S.FAIL),
    "permerror taken for fail": ((sender(expect="fail"),), evaluation("permerror"), S.FAIL),
    "pass where it must not": ((sender(expect=("fail", "softfail")),), evaluation("pass"), S.FAIL),
    "a stranger's nothing": ((sender(),), evaluation("pass", unsure=("x.example A",)), S.INCONCLUSIVE),
    "a sender that was not evaluated": ((sender(), sender()), evaluation("pass"), S.INCONCLUSIVE),
}


@pytest.mark.parametrize("lie", LIES)
def test_senders_do_not_lie(lie):
    senders, got, expected = LIES[lie]
    assert status(check(*senders), SpfSeen(published=GOOD, evaluations=(got,))) is expected


@pytest.mark.parametrize(
    ("expect", "result"), [("pass", "pass"), (("fail", "softfail"), "softfail"), ("permerror", "permerror")]
)
def test_the_planned_result_passes_and_says_by_what(expect, result):
    got = evaluation(result, lookups=3, void_lookups=1, reason="ip4:192.0.2.10 of test.example matches")
    *_, finding = judged(check(sender(expect=expect)), SpfSeen(published=GOOD, evaluations=(got,)))
    assert finding.status is S.PASS
    assert finding.subject == "192.0.2.10 as me@test.example"
    assert "ip4:192.0.2.10 of test.example matches" in finding.observed
    assert "3 of 10 lookups, 1 void" in finding.observed


RECORDS = {
    "none": (published(outcome="no data", cost=None), S.FAIL, "has no SPF record"),
    "no domain": (published(outcome="no such name", cost=None), S.FAIL, "does not exist"),
    "almost one": (
        published(outcome="found", near=('" v=spf1 -all"',), cost=None), S.FAIL, "looks like one and is none",
    ),
    "not looked up": (published(outcome="failed", cost=None), S.INCONCLUSIVE, "could not be looked up"),
    "a stranger's nothing": (published(outcome="no data", sure=False, cost=None), S.INCONCLUSIVE, "not be"),
    "two": (published("v=spf1 a -all", "v=spf1 mx -all", cost=None), S.FAIL, "2 SPF records"),
    "an error": (published("v=spf1 moo -all", cost=None), S.FAIL, "'moo'"),
    "not read on": (published("v=spf1 -all", cost=None), S.INCONCLUSIVE, "was not looked up"),
    "everybody": (published("v=spf1 +all", cost=Survey(ending="+")), S.FAIL, "lets everybody"),
    "neutral": (published("v=spf1 ?all", cost=Survey(ending="?")), S.WARN, "?all"),
    "no end": (published("v=spf1 a", cost=Survey(ending="")), S.WARN, "no all"),
    "an unknown end": (
        published("v=spf1 redirect=x.example", cost=Survey(ending="unknown")), S.INCONCLUSIVE, "found out",
    ),
    "ptr": (published("v=spf1 ptr -all"), S.WARN, "uses ptr"),
    "terms behind all": (published("v=spf1 -all ip4:192.0.2.1"), S.WARN, "ip4:192.0.2.1"),
    "a redirect beside all": (published("v=spf1 redirect=x.example ~all"), S.WARN, "redirect=x.example"),
    "two pasted together": (published("v=spf1 a v=spf1 mx -all"), S.WARN, "pasted together"),
    "nine lookups": (published("v=spf1 a -all", cost=Survey(lookups=9, ending="-")), S.WARN, "9 of 10"),
    "eleven lookups": (published("v=spf1 a -all", cost=Survey(lookups=11, ending="-")), S.FAIL, "too many"),
    "three void": (published("v=spf1 a -all", cost=Survey(voids4=3, ending="-")), S.FAIL, "void"),
    "three void by IPv6": (published("v=spf1 a -all", cost=Survey(voids6=3, ending="-")), S.WARN, "IPv6"),
    "not to the end": (
        published("v=spf1 a -all", cost=Survey(ending="-", complete=False)), S.INCONCLUSIVE, "to the end",
    ),
    "a broken include": (
        published("v=spf1 a -all", cost=Survey(ending="-", lines=(
            Line(depth=0, domain="test.example", term="include:x.example", problem="x.example has none"),
        ))), S.FAIL, "x.example has none",
    ),
    "an include that does not answer": (
        published("v=spf1 a -all", cost=Survey(ending="-", lines=(
            Line(depth=0, domain="test.example", term="include:x.example", unknown="timeout"),
        ))), S.INCONCLUSIVE, "could not be looked up",
    ),
    "an include that lets everybody": (
        published("v=spf1 a -all", cost=Survey(ending="-", lines=(
            Line(depth=1, domain="x.example", term="+all", lets_all=True),
        ))), S.FAIL, "lets every address",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RECORDS)
def test_the_record_does_not_lie(case):
    seen, expected, words = RECORDS[case]
    findings = judged(check(), SpfSeen(published=seen))
    worst = max(findings, key=lambda finding: WORST.index(finding.status))
    assert worst.status is expected
    assert words in worst.message
    assert worst.subject == "test.example"


def test_a_cost_that_is_not_known_to_the_end_does_not_pass():
    _, _, price = judged(
        check(), SpfSeen(published=published("v=spf1 a -all", cost=RECORDS["not to the end"][0].cost))
    )
    assert price.status is S.INCONCLUSIVE


def test_both_records_are_named():
    (finding,) = judged(check(), SpfSeen(published=published("v=spf1 a -all", "v=spf1 mx -all", cost=None)))
    assert "v=spf1 a -all" in finding.observed
    assert "v=spf1 mx -all" in finding.observed


@pytest.mark.parametrize("ending", ["-", "~"])
def test_a_good_record_passes_with_its_cost(ending):
    cost = Survey(
        lookups=8, ending=ending,
        lines=(
            Line(depth=0, domain="test.example", term="include:big.example", lookups=6),
            Line(depth=0, domain="test.example", term="include:small.example", lookups=2),
        ),
    )  # fmt: skip
    form, price = judged(check(), SpfSeen(published=published(f"v=spf1 a {ending}all", cost=cost)))
    assert {form.status, price.status} == {S.PASS}
    assert "include:big.example costs 6, include:small.example costs 2" in price.message
    assert (price.measure.value, price.measure.warn, price.measure.fail) == (8, 8, 10)


def test_hostile_text_is_shown_harmless():
    cost = Survey(
        ending="-", lines=(
            Line(depth=0, domain=ESCAPES, term=ESCAPES, problem=ESCAPES, lookups=5),
            Line(depth=0, domain=ESCAPES, term=ESCAPES, unknown=ESCAPES, lets_all=True, voids4=3),
        ), voids4=3, voids6=3, lookups=11,
    )  # fmt: skip
    raw = ESCAPES.encode()
    seen = published("v=spf1 a -all", cost=cost)
    got = evaluation("fail", reason=ESCAPES, explanation=ESCAPES, term=ESCAPES, domain=ESCAPES)
    judged(check(sender()), SpfSeen(published=seen, evaluations=(got,)))
    judged(check(), SpfSeen(published=published(cost=None, near=(quoted(raw), quoted(b"x" * 5000)))))
    judged(check(), SpfSeen(published=published(f"v=spf1 {ESCAPES}" + "x" * 5000, cost=None)))
    twice = (quoted(b"v=spf1 " + raw), quoted(b"v=spf1 " + raw))
    judged(check(), SpfSeen(published=published(cost=None, records=twice)))
    for result in ("temperror", "permerror", "none", "neutral"):
        judged(check(sender()), SpfSeen(published=seen, evaluations=(evaluation(result, reason=ESCAPES),)))


@pytest.mark.parametrize(
    "params",
    [
        {"planned": ""}, {"planned": " \n"}, {"planned": '"open'}, {"planned": "x" * 70_000},
        {"senders": [{"ip": "192.0.2.300"}]}, {"senders": [{"ip": "192.0.2.1", "expect": []}]},
        {"senders": [{"ip": "192.0.2.1", "expect": "PASS"}]}, {"senders": [{"mail_from": "a@b.example"}]},
        {"max_lookups": 11}, {"max_lookups": 0},
    ],
)  # fmt: skip
def test_what_cannot_be_tested_is_refused(params):
    with pytest.raises(ValidationError):
        TypeAdapter(Spf).validate_json(_json({"domain": "test.example", **params}))


def test_senders_of_any_kind_are_taken():
    senders = [
        {"ip": "192.0.2.1"},
        {"ip": "::ffff:192.0.2.1", "mail_from": "", "helo": "[192.0.2.1]"},
        {
            "ip": "2001:DB8::1",
            "mail_from": "Macro Error@\u2028..",
            "helo": "OEM COMPUTER",
            "expect": ["none", "fail"],
        },
    ]
    made = TypeAdapter(Spf).validate_json(_json({"domain": "test.example", "senders": senders}))
    assert [one.results() for one in made.senders] == [("pass",), ("pass",), ("none", "fail")]


@pytest.mark.parametrize("domain", ["A..", f"{'a' * 64}.example", "[192.0.2.1]", "a..b"])
async def test_what_stands_behind_the_at_sign_and_is_no_domain_has_no_record(domain):
    made = TypeAdapter(Spf).validate_json(_json({"domain": domain}))
    seen, findings = await run(dataclasses.replace(made, senders=(sender(mail_from=f"me@{domain}"),)))
    assert [got.result for got in seen.evaluations] == ["none"]
    assert all(finding.status == S.FAIL for finding in findings), findings


@pytest.mark.parametrize("domain", ["", "https://example.com", "example com", "a@example.com", "x" * 2000])
def test_what_cannot_stand_there_is_refused(domain):
    with pytest.raises(ValidationError):
        TypeAdapter(Spf).validate_json(_json({"domain": domain}))


def _json(data):
    return json.dumps(data)


ZONE = {
    "test.example": ["TXT v=spf1 ip4:192.0.2.10 include:part.example -all", "TXT other", "A 192.0.2.80"],
    "part.example": ["TXT v=spf1 a:host.example -all"],
    "host.example": ["A 192.0.2.20", "AAAA 2001:db8::20"],
    "new.example": ["TXT v=spf1 ip4:203.0.113.0/24 -all"],
    "strict.example": ["TXT v=spf1 -all exp=why.example"],
    "why.example": ["TXT %{i} may not"],
    "slow.example": ["TIMEOUT"],
}


async def run(of, zone=None, *, flags=dns.flags.AA, resolvers=(), **params):
    with scripted(udp=serving(zone or ZONE, flags=flags)) as port:
        made = dataclasses.replace(of, resolvers=(*resolvers, f"127.0.0.1:{port}"), **params)
        shared = Shared()
        try:
            seen = await made.observe(Vantage(shared, allowance=made.allowance()))
        finally:
            await shared.close()
    assert jsonable.from_json(SpfSeen, jsonable.to_json(seen)) == seen
    return seen, judged(made, seen)


async def test_by_dns():
    senders = (
        sender(),
        sender(ip="192.0.2.20", mail_from=None, helo="x"),
        sender(ip="203.0.113.5", expect=("fail", "softfail")),
        sender(ip="203.0.113.5", mail_from="", helo="new.example"),
        sender(ip="203.0.113.5", mail_from="a@strict.example", expect="fail"),
        sender(ip="203.0.113.5", mail_from="a@slow.example"),
    )
    seen, findings = await run(check(*senders))
    results = [(got.mail_from, got.result, got.lookups) for got in seen.evaluations]
    assert results == [
        ("me@test.example", "pass", 0), ("postmaster@test.example", "pass", 2),
        ("me@test.example", "fail", 2),
        ("", "pass", 0), ("a@strict.example", "fail", 0), ("a@slow.example", "temperror", 0),
    ]  # fmt: skip
    assert seen.evaluations[4].explanation == "203.0.113.5 may not"
    assert [finding.status for finding in findings] == [*[S.PASS] * 7, S.INCONCLUSIVE]
    assert seen.published.cost.lookups == 2


async def test_the_planned_record_stands_in_for_the_published_one_and_for_no_other():
    senders = (
        sender(expect="fail"),
        sender(ip="203.0.113.5"),
        sender(mail_from="a@part.example", expect="fail"),
    )
    planned = "v=spf1 include:new.example -all"
    seen, findings = await run(check(*senders, planned=planned))
    assert [got.result for got in seen.evaluations] == ["fail", "pass", "fail"]
    assert {finding.status for finding in findings} == {S.PASS}
    assert findings[0].message.startswith("The planned SPF record")


@pytest.mark.parametrize(
    ("planned", "words"),
    [
        ("v=spf1 a -all\nv=spf1 mx -all\n", "2 SPF records"),
        ("v=spf1 ip4:203.0.113.300 -all", "'203.0.113.300' is no IPv4 address"),
        ("v=spf1a -all", "is no SPF record"),
        ('" v=spf1 a" " -all"', "is no SPF record"),
        ("v=spf1 include:gone.example -all", "gone.example has no SPF record"),
        ("v=spf1 a:\u200bhost.example -all", "not ASCII"),
        ("v=spf1 " + "a:host.example " * 11 + "-all", "too many"),
    ],
)
async def test_faults_of_the_planned_record_are_found_before_it_is_published(planned, words):
    seen, findings = await run(check(sender(ip="198.51.100.1"), planned=planned))
    assert any(words in finding.message for finding in findings if finding.status is S.FAIL)
    assert seen.evaluations[0].result in ("permerror", "none")


async def test_strings_of_the_planned_record_are_joined():
    seen, _ = await run(check(sender(ip="203.0.113.5"), planned='"v=spf1 ip4:203.0." "113.0/24 -all"'))
    assert seen.evaluations[0].result == "pass"


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
async def test_servers_that_fail_prove_nothing(rcode):
    with scripted(udp=answering(rcode=rcode)) as port:
        seen, findings = await _observed(check(sender(), resolvers=(f"127.0.0.1:{port}",)))
    assert seen.evaluations[0].result == "temperror"
    assert {finding.status for finding in findings} == {S.INCONCLUSIVE}


async def test_silence_proves_nothing():
    seen, findings = await _observed(check(sender(), resolvers=(f"127.0.0.1:{free_port()}",)))
    assert seen.evaluations[0].result == "temperror"
    assert {finding.status for finding in findings} == {S.INCONCLUSIVE}


async def _observed(of):
    shared = Shared()
    try:
        seen = await of.observe(Vantage(shared, allowance=of.allowance()))
    finally:
        await shared.close()
    return seen, judged(of, seen)


async def test_a_stranger_s_nothing_is_no_pass():
    _, findings = await run(
        check(sender(ip="203.0.113.5", expect="fail")), {"test.example": ["TXT v=spf1 a -all"]}, flags=0
    )
    assert findings[-1].status is S.INCONCLUSIVE


async def test_many_senders_share_what_was_looked_up():
    asked = []
    answer = serving(ZONE)

    def counted(query):
        asked.append(query)
        return answer(query)

    senders = tuple(sender(ip=f"192.0.2.{n}", expect=("pass", "fail")) for n in range(1, 100))
    with scripted(udp=counted) as port:
        seen, findings = await _observed(check(*senders, resolvers=(f"127.0.0.1:{port}",)))
    assert len(asked) == 4
    assert {got.lookups for got in seen.evaluations} == {0, 2}
    assert {finding.status for finding in findings} == {S.PASS}


REAL = (
    """
$ORIGIN office.example.
$TTL 300
@        SOA ns hostmaster 7 7200 900 1209600 60
@        NS ns
@        TXT "v=spf1 mx include:long " "exists:%{ir}.%{l}.list.office.example -all exp=why.office.example"
@        TXT "MS=ms12345678"
@        MX 10 mail
ns       A 127.0.0.1
mail     A 192.0.2.25
mail     AAAA 2001:db8::25
why      TXT "%{i} is not ours"
*.sales.list A 127.0.0.2
""".replace("include:long", "include:long.office.example")
    + (
        "long TXT "
        + " ".join(f'"{part}"' for part in ["v=spf1 ", *[f"ip4:10.{n}.0.0/16 " for n in range(150)]])
    )
)


async def test_against_a_real_server_with_a_record_that_needs_tcp():
    senders = (
        sender(ip="192.0.2.25", mail_from="me@office.example"),
        sender(ip="2001:db8::25", mail_from="", helo="office.example"),
        sender(ip="10.149.0.1", mail_from="me@office.example"),
        sender(ip="198.51.100.7", mail_from="sales@office.example"),
        sender(ip="198.51.100.7", mail_from="me@office.example", expect="fail"),
    )
    with knot(REAL) as port:
        seen, findings = await _observed(
            Spf(domain="office.example", senders=senders, resolvers=(f"127.0.0.1:{port}",))
        )
    assert [got.result for got in seen.evaluations] == ["pass", "pass", "pass", "pass", "fail"]
    assert seen.evaluations[-1].explanation == "198.51.100.7 is not ours"
    assert {finding.status for finding in findings} == {S.PASS}


async def test_a_record_that_is_cut_short_is_not_read():
    """The answer does not fit a datagram, and TCP is closed."""
    record = b"TXT v=spf1 +all " + b"ip4:10.0.0.0/8 " * 10

    def cut(query):
        reply = bytearray(serving({"test.example": [record]})(query))
        reply[2] |= 0x02
        return bytes(reply)

    with scripted(udp=cut) as port:
        seen, findings = await _observed(check(sender(), resolvers=(f"127.0.0.1:{port}",)))
    assert seen.evaluations[0].result == "temperror"
    assert {finding.status for finding in findings} == {S.INCONCLUSIVE}


async def test_without_a_resolver_nothing_is_known(monkeypatch):
    async def none(vantage):
        raise CannotTell("There is none.", "Name one.")

    monkeypatch.setattr("checks.mail.spf.handed", none)
    with pytest.raises(CannotTell):
        await _observed(check(sender()))
