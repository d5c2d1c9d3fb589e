"""check_host() of RFC 7208: its results, limits and explanations, section by section."""

from __future__ import annotations

import asyncio
import time

import pytest

from checks.wire.spf_check import MAX_STEPS, check_host
from checks.wire.spf_dns import Reply
from checks.wire.spf_sender import sender_of
from tests.checks.wire.spf_zone import Fake

IP, IP6 = "192.0.2.10", "2001:db8::10"
BASE = {
    "mail.example": ["A 192.0.2.10", "AAAA 2001:db8::10"],
    "other.example": ["A 198.51.100.1", "AAAA 2001:db8:ffff::1"],
    "yes.example": ["TXT v=spf1 ip4:192.0.2.10 ip6:2001:db8::10 -all"],
    "no.example": ["TXT v=spf1 -all"],
    "soft.example": ["TXT v=spf1 ~all"],
    "open.example": ["TXT v=spf1 ?all"],
    "broken.example": ["TXT v=spf1 moo"],
    "text.example": ["TXT hello", "A 192.0.2.99"],
    "slow.example": ["TIMEOUT"],
}


def evaluate(zone, *, ip=IP, mail_from="me@test.example", helo="helo.example", **options):
    ask = zone if callable(zone) else Fake({**BASE, **zone})
    return asyncio.run(check_host(sender_of(ip, mail_from, helo), ask, **options))


def result(*terms, ip=IP, zone=None, own=(), **options):
    rows = [f"TXT v=spf1 {' '.join(terms)}", *own]
    return evaluate({"test.example": rows, **(zone or {})}, ip=ip, **options).result


SELECTION = {
    "no such domain": ({}, "none"),
    "no TXT record": ({"test.example": ["A 192.0.2.1"]}, "none"),
    "no SPF record": ({"test.example": ["TXT hello", "TXT v=spf10 -all"]}, "none"),
    "a blank before it": ({"test.example": ["TXT  v=spf1 -all"]}, "none"),
    "among other records": ({"test.example": [b"TXT \xff\xfe", "TXT v=spf1 -all"]}, "fail"),
    "capital letters": ({"test.example": ["TXT V=SPF1 -ALL"]}, "fail"),
    "nothing in it": ({"test.example": ["TXT v=spf1"]}, "neutral"),
    "two of them": ({"test.example": ["TXT v=spf1 -all", "TXT v=spf1 +all"]}, "permerror"),
    "two in capitals and not": ({"test.example": ["TXT v=spf1", "TXT V=SPF1"]}, "permerror"),
    "two, and one broken": ({"test.example": ["TXT v=spf1 moo", "TXT v=spf1"]}, "permerror"),
    "not ASCII": ({"test.example": [b"TXT v=spf1 a:\xc3\xa9.example +all"]}, "permerror"),
    "a lookup that fails": ({"test.example": ["TIMEOUT"]}, "temperror"),
    "an alias": ({"test.example": ["CNAME no.example"]}, "fail"),
    "an alias of itself": ({"test.example": ["CNAME test.example"]}, "temperror"),
}  # fmt: skip


@pytest.mark.parametrize("case", SELECTION)
def test_which_record_counts(case):
    zone, expected = SELECTION[case]
    got = evaluate(zone)
    assert (got.result, got.lookups, got.void_lookups) == (expected, 0, 0)


@pytest.mark.parametrize(
    ("mail_from", "helo", "expected"),
    [
        ("me@no.example", "yes.example", "fail"),
        ("", "no.example", "fail"),
        ("<>", "no.example", "fail"),
        ("@no.example", "x", "fail"),
        ("no.example", "x", "fail"),
        ("me@NO.Example.", "x", "fail"),
        ('"a@yes.example b"@no.example', "x", "fail"),
        ("me@", "no.example", "none"),
        ("me", "no.example", "none"),
        ("", "", "none"),
        ("", "localhost", "none"),
        ("", "[192.0.2.10]", "none"),
        ("", "192.0.2.10", "none"),
        ("me@[192.0.2.10]", "no.example", "none"),
        ("me@no..example", "no.example", "none"),
        ("me@.no.example", "no.example", "none"),
        ("me@no.example..", "x", "none"),
        ("", "no.example..", "none"),
        (f"me@{'a' * 64}.no.example", "no.example", "none"),
        (f"me@{'a.' * 130}no.example", "no.example", "none"),
        ("me@bücher.example", "x", "pass"),
        ("me@\ud800.example", "x", "none"),
        ("me@a b.example", "x", "none"),
    ],
)
def test_whose_record_counts(mail_from, helo, expected):
    zone = {"xn--bcher-kva.example": ["TXT v=spf1 +all"]}
    assert evaluate(zone, mail_from=mail_from, helo=helo).result == expected


TERMS = [
    (["+all"], IP, "pass"), (["all"], IP, "pass"), (["-all"], IP, "fail"), (["~all"], IP, "softfail"),
    (["?all"], IP, "neutral"), ([""], IP, "neutral"), (["-all", "+all"], IP, "fail"),
    (["ip4:192.0.2.10", "-all"], IP, "pass"), (["ip4:192.0.2.11", "-all"], IP, "fail"),
    (["ip4:192.0.2.11/31", "-all"], IP, "pass"), (["ip4:0.0.0.1/0", "-all"], IP, "pass"),
    (["ip4:0.0.0.0/0", "-all"], IP6, "fail"), (["ip6:::/0", "-all"], IP, "fail"),
    (["ip6:2001:db8::11/127", "-all"], IP6, "pass"), (["ip6:2001:db8::11", "-all"], IP6, "fail"),
    (["ip4:192.0.2.10", "-all"], "::ffff:192.0.2.10", "pass"),
    (["ip6:::ffff:192.0.2.10", "-all"], "::ffff:192.0.2.10", "fail"),
    (["ip6:::/0", "-all"], "::ffff:192.0.2.10", "fail"),
    (["a:mail.example", "-all"], IP, "pass"), (["a:mail.example", "-all"], IP6, "pass"),
    (["a:other.example", "-all"], IP, "fail"), (["a:other.example/0", "-all"], IP, "pass"),
    (["a:other.example/0", "-all"], IP6, "fail"), (["a:other.example//0", "-all"], IP6, "pass"),
    (["a:other.example//32", "-all"], IP6, "pass"), (["a:other.example//33", "-all"], IP6, "fail"),
    (["a:missing.example/0", "-all"], IP, "fail"), (["a:text.example", "-all"], IP6, "fail"),
    (["a:MAIL.example.", "-all"], IP, "pass"), (["-a:mail.example", "+all"], IP, "fail"),
    (["a:slow.example", "+all"], IP, "temperror"), (["a:a..b.example", "-all"], IP, "fail"),
    ([f"a:{'x' * 64}.example", "-all"], IP, "fail"),
    (["exists:mail.example", "-all"], IP6, "pass"), (["exists:missing.example", "-all"], IP, "fail"),
    (["exists:slow.example", "+all"], IP, "temperror"), (["exists:%{i}.ok.example", "-all"], IP, "pass"),
    (["exists:%{l}.ok.example", "-all"], IP, "fail"),
    (["include:yes.example", "-all"], IP, "pass"), (["-include:yes.example", "+all"], IP, "fail"),
    (["include:no.example", "~all"], IP, "softfail"), (["include:soft.example", "+all"], IP, "pass"),
    (["include:open.example", "+all"], IP, "pass"), (["include:broken.example", "+all"], IP, "permerror"),
    (["include:slow.example", "+all"], IP, "temperror"), (["include:text.example", "+all"], IP, "permerror"),
    (["include:missing.example", "+all"], IP, "permerror"), (["include:a..example", "+all"], IP, "permerror"),
    (["include:%{d1}", "+all"], IP, "permerror"),
    (["redirect=no.example"], IP, "fail"), (["redirect=no.example", "ip4:192.0.2.10"], IP, "pass"),
    (["redirect=missing.example", "?all"], IP, "neutral"), (["redirect=missing.example"], IP, "permerror"),
    (["redirect=text.example"], IP, "permerror"), (["redirect=slow.example"], IP, "temperror"),
    (["redirect=a..example"], IP, "permerror"), (["redirect=broken.example"], IP, "permerror"),
    (["+all", "moo"], IP, "permerror"), (["+all", "redirect=x"], IP, "permerror"),
    (["unknown=%{d}", "-all"], IP, "fail"), (["default=pass"], IP, "neutral"),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "ip", "expected"), TERMS)
def test_terms(terms, ip, expected):
    assert result(*terms, ip=ip, zone={"192.0.2.10.ok.example": ["A 127.0.0.2"]}) == expected


MX = [
    (["MX 10 mail.example"], IP, "pass"), (["MX 10 mail.example"], IP6, "pass"),
    (["MX 10 other.example", "MX 5 mail.example"], IP, "pass"), (["MX 10 other.example"], IP, "fail"),
    (["MX 0 ."], IP, "fail"), ([], IP, "fail"), (["A 192.0.2.10"], IP, "fail"),
    (["MX 10 slow.example"], IP, "temperror"),
    (["MX 5 mail.example", "MX 10 slow.example"], IP, "pass"),
    (["MX 10 mail.example", "MX 5 slow.example"], IP, "temperror"),
    ([f"MX {n} other.example" for n in range(9)] + ["MX 99 mail.example"], IP, "pass"),
    ([f"MX {n} other.example" for n in range(1, 11)] + ["MX 0 mail.example"], IP, "permerror"),
]  # fmt: skip


@pytest.mark.parametrize(("own", "ip", "expected"), MX)
def test_mx(own, ip, expected):
    assert result("mx", "-all", ip=ip, own=own) == expected


def named(*names, ip="10.2.0.192.in-addr.arpa"):
    return {ip: [f"PTR {name}" for name in names]}


MINE = {"host.test.example": ["A 192.0.2.10"], "test.example.evil.example": ["A 192.0.2.10"]}
PTR = [
    ("ptr", named("host.test.example"), "pass"),
    ("ptr:test.example", named("host.test.example"), "pass"),
    ("ptr:HOST.Test.example", named("host.test.example"), "pass"),
    ("ptr:st.example", named("host.test.example"), "fail"),
    ("ptr", named("test.example.evil.example"), "fail"),
    ("ptr", named("mail.example"), "fail"),
    ("ptr:mail.example", named("mail.example"), "pass"),
    ("ptr", named("liar.test.example"), "fail"),
    ("ptr", {}, "fail"),
    ("ptr", {"10.2.0.192.in-addr.arpa": ["TIMEOUT"]}, "fail"),
    ("ptr", named("slow.example", "host.test.example"), "pass"),
    ("ptr", named(*[f"n{n}.example" for n in range(10)], "host.test.example"), "fail"),
]


@pytest.mark.parametrize(("term", "zone", "expected"), PTR)
def test_ptr(term, zone, expected):
    more = {f"n{n}.example": ["A 198.51.100.1"] for n in range(10)}
    assert result(term, "-all", zone={**MINE, **more, **zone}) == expected


def test_a_dot_inside_a_label_is_no_border():
    """The one label `x.test` below `example` is not below `test.example`."""
    zone = {r"10.2.0.192.in-addr.arpa": [r"PTR x\.test.example"], r"x\.test.example": ["A 192.0.2.10"]}
    assert result("ptr", "-all", zone=zone) == "fail"


def test_ptr_of_ipv6():
    zone = named("six.test.example", ip="0.1." + "0." * 22 + "8.b.d.0.1.0.0.2.ip6.arpa")
    assert result("ptr", "-all", ip=IP6, zone={**zone, "six.test.example": ["AAAA 2001:db8::10"]}) == "pass"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["mail.example"], "mail.example"),
        (["mail.example", "host.test.example"], "host.test.example"),
        (["host.test.example", "test.example"], "test.example"),
        (["liar.example"], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_name_that_p_stands_for(names, expected):
    zone = {
        **MINE, **named(*names), "why.example": ["TXT %{p}"],
        "test.example": ["TXT v=spf1 -all exp=why.example", "A 192.0.2.10"],
    }  # fmt: skip
    got = evaluate(zone)
    assert (got.result, got.explanation, got.void_lookups) == ("fail", expected, 0)


LIMITS = {
    "ten terms": (["a:other.example"] * 10 + ["ip4:192.0.2.10"], {}, "pass", 10),
    "eleven terms": (["a:other.example"] * 11 + ["ip4:192.0.2.10"], {}, "permerror", 11),
    "eleven, but an earlier match": (["a:mail.example"] + ["a:other.example"] * 10, {}, "pass", 1),
    "eleven by includes": (
        ["include:five.example"] + ["a:other.example"] * 5, {"five.example": 5}, "permerror", 11,
    ),
    "ten by includes": (
        ["include:five.example"] + ["a:other.example"] * 4 + ["+all"], {"five.example": 5}, "pass", 10,
    ),
    "a redirect counts": (["a:other.example"] * 10 + ["redirect=yes.example"], {}, "permerror", 11),
    "exp does not": (["a:other.example"] * 10 + ["-all", "exp=mail.example"], {}, "fail", 10),
    "ip4, ip6 and all do not": (["ip4:198.51.100.1", "ip6:2001:db8:ffff::1"] * 50 + ["-all"], {}, "fail", 0),
    "an include of itself": (["include:test.example"], {}, "permerror", 11),
    "a redirect to itself": (["redirect=test.example"], {}, "permerror", 11),
    "a circle": (["include:round.example"], {"round.example": "include:test.example"}, "permerror", 11),
}  # fmt: skip


@pytest.mark.parametrize("case", LIMITS)
def test_ten_terms_may_look_up(case):
    terms, more, expected, lookups = LIMITS[case]
    zone = {"test.example": [f"TXT v=spf1 {' '.join(terms)}"]}
    for name, content in more.items():
        inner = "a:other.example " * content if isinstance(content, int) else content
        zone[name] = [f"TXT v=spf1 {inner}"]
    got = evaluate(zone)
    assert (got.result, got.lookups) == (expected, lookups)


VOIDS = {
    "two": (["a:x.example", "mx:y.example", "+all"], "pass", 2),
    "three": (["a:x.example", "exists:y.example", "mx:z.example", "+all"], "permerror", 3),
    "the same name three times": (["a:x.example"] * 3 + ["+all"], "permerror", 3),
    "the third is the last term": (["a:x.example", "a:x.example", "a:x.example"], "permerror", 3),
    "no data counts too": (
        ["mx:mail.example", "mx:other.example", "mx:text.example", "+all"],
        "permerror",
        3,
    ),
    "across an include": (["a:x.example", "include:void.example", "a:z.example", "+all"], "permerror", 3),
    "behind a match": (["a:x.example", "a:x.example", "+all", "a:x.example"], "pass", 2),
    "hosts of an mx": (["mx:gone.example", "+all"], "permerror", 3),
    "the explanation is free": (["a:x.example", "a:x.example", "-all", "exp=x.example"], "fail", 2),
}


@pytest.mark.parametrize("case", VOIDS)
def test_two_lookups_may_be_void(case):
    terms, expected, voids = VOIDS[case]
    zone = {
        "test.example": [f"TXT v=spf1 {' '.join(terms)}"],
        "void.example": ["TXT v=spf1 a:y.example -all"],
        "gone.example": ["MX 1 a.gone.example", "MX 2 b.gone.example", "MX 3 c.gone.example"],
    }
    got = evaluate(zone)
    assert (got.result, got.void_lookups) == (expected, voids)


EXPLAINED = [
    ("exp=why.example -all", "TXT Sorry, %{s}.", "Sorry, me@test.example."),
    (
        "exp=why.example -all",
        "TXT %{i} %{c} %{v} %{h} %{r} %{t}%%%_%-",
        "192.0.2.10 192.0.2.10 in-addr helo.example here.example 7% %20",
    ),
    ("exp=why.example ~all", "TXT unseen", ""),
    ("exp=why.example ip4:198.51.100.0/24", "TXT unseen", ""),
    ("exp=why.example -all", "A 192.0.2.1", ""),
    ("exp=why.example -all", "TXT %{x}", ""),
    ("exp=why.example -all", "TXT 100%", ""),
    ("exp=why.example -all", b"TXT caf\xc3\xa9", ""),
    ("exp=why.example -all", "TIMEOUT", ""),
    ("exp=%{d2}..why.example -all", "TXT unseen", ""),
    ("exp=why.example redirect=no.example", "TXT unseen", ""),
    ("exp=why.example redirect=own.example", "TXT unseen", "own"),
    ("exp=why.example include:own.example -all", "TXT mine", "mine"),
    ("exp=%{o}.why.example -all", "TXT unseen", "by the sender"),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "why", "expected"), EXPLAINED)
def test_explanations(terms, why, expected):
    zone = {
        "test.example": [f"TXT v=spf1 {terms}"], "why.example": [why],
        "own.example": ["TXT v=spf1 -all exp=own-why.example"], "own-why.example": ["TXT own"],
        "test.example.why.example": ["TXT by the sender"],
    }  # fmt: skip
    assert evaluate(zone, receiver="here.example", now=7.9).explanation == expected


def test_two_texts_explain_nothing_and_strange_letters_of_the_sender_neither():
    zone = {"test.example": ["TXT v=spf1 -all exp=why.example"], "why.example": ["TXT one", "TXT two"]}
    assert evaluate(zone).explanation == ""
    zone["why.example"] = ["TXT %{l} and %{L}"]
    assert evaluate(zone, mail_from="grün@test.example").explanation == ""
    assert evaluate(zone, mail_from="Macro Error@test.example").explanation == "Macro Error and Macro%20Error"


def test_a_long_explanation_is_cut():
    zone = {"test.example": ["TXT v=spf1 -all exp=why.example"], "why.example": ["TXT " + "%{s}" * 10_000]}
    got = evaluate(zone, mail_from=f"{'x' * 1000}@test.example")
    assert len(got.explanation) == 4000


def test_a_long_name_loses_labels_on_the_left():
    long = ".".join(["test.example"] * 18)
    zone = {"test.example": [f"TXT v=spf1 exists:{'%{d}.' * 25}{long} -all"]}
    ask = Fake({**BASE, **zone})
    got = evaluate(ask)
    assert got.result == "fail"
    name, rdtype = ask.asked[-1]
    assert (len(name) <= 253, name.endswith(long), rdtype) == (True, True, "A")
    assert len(name) > 240


def test_odd_bytes_of_a_sender_are_asked_for_as_they_are():
    ask = Fake(
        {
            **BASE,
            "test.example": ["TXT v=spf1 exists:%{l}.x.example -all"],
            r"a\032\\\195\188.x.example": ["A 127.0.0.2"],
        }
    )
    assert evaluate(ask, mail_from="a \\ü@test.example").result == "pass"


def test_the_trace_tells_each_term_with_its_cost_in_the_order_of_the_record():
    zone = {
        "test.example": ["TXT v=spf1 a:other.example include:inner.example mx -all"],
        "inner.example": ["TXT v=spf1 a:x.example ip4:192.0.2.10 -all"],
    }
    got = evaluate(zone)
    assert [(s.depth, s.domain, s.term, s.outcome, s.lookups, s.void_lookups) for s in got.trace] == [
        (0, "test.example", "a:other.example", "no match", 1, 0),
        (0, "test.example", "include:inner.example", "match", 2, 1),
        (1, "inner.example", "a:x.example", "no match", 1, 1),
        (1, "inner.example", "ip4:192.0.2.10", "match", 0, 0),
    ]
    assert (got.result, got.lookups, got.void_lookups, got.term) == ("pass", 3, 1, "include:inner.example")


def test_an_error_leaves_its_place_in_the_trace():
    got = evaluate(
        {
            "test.example": ["TXT v=spf1 include:deep.example -all"],
            "deep.example": ["TXT v=spf1 a:slow.example"],
        }
    )
    assert got.result == "temperror"
    assert [(step.term, step.outcome) for step in got.trace] == [
        ("include:deep.example", "ends in an error"), ("a:slow.example", "ends in an error"),
    ]  # fmt: skip
    assert "slow.example" in got.reason


def test_a_tree_of_includes_without_end_ends():
    async def grow(name, rdtype):
        fake.append(name)
        return Reply(outcome="found", data=(f'"v=spf1 include:a.{name} include:b.{name} -all"',))

    fake: list[str] = []
    got = evaluate(grow)
    assert (got.result, got.lookups) == ("permerror", 11)
    assert len(fake) == 11


def test_a_record_of_thousands_of_terms_stays_bounded():
    terms = " ".join(f"ip4:10.{n // 250}.{n % 250}.0/24" for n in range(4000))
    got = evaluate({"test.example": [f"TXT v=spf1 {terms} -all"]})
    assert got.result == "fail"
    assert len(got.trace) <= MAX_STEPS


def test_what_takes_too_long_is_a_temporary_error():
    async def never(name, rdtype):
        await asyncio.sleep(3600)

    begun = time.monotonic()
    got = evaluate(never, seconds=0.05)
    assert got.result == "temperror"
    assert "longer than 0.05 s" in got.reason
    assert time.monotonic() - begun < 5


def test_an_answer_of_a_stranger_is_kept_in_mind():
    async def strange(name, rdtype):
        if rdtype == "TXT":
            return Reply(outcome="found", data=('"v=spf1 -a:x.example +all"',))
        return Reply(outcome="no data", sure=False)

    got = evaluate(strange)
    assert (got.result, got.unsure) == ("pass", ("x.example A",))


def test_the_lookups_follow_each_other_and_stop_with_a_match():
    ask = Fake(
        {
            **BASE,
            "test.example": ["TXT v=spf1 a:other.example mx:mx.example a:text.example -all"],
            "mx.example": ["MX 5 mail.example", "MX 9 other.example"],
        }
    )
    assert evaluate(ask).result == "pass"
    assert ask.asked == [
        ("test.example", "TXT"), ("other.example", "A"), ("mx.example", "MX"), ("mail.example", "A"),
    ]  # fmt: skip
