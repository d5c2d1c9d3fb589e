"""SPF records are read as RFC 7208 section 12 writes them, and an error anywhere is found."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.wire.spf_record import SpfSyntax, is_spf, parse


@pytest.mark.parametrize(
    ("raw", "is_one"),
    [
        (b"v=spf1", True),
        (b"v=spf1 -all", True),
        (b"V=SpF1 -all", True),
        (b"v=spf1  ", True),
        (b" v=spf1 -all", False),
        (b"v=spf10 -all", False),
        (b"v=spf1-all", False),
        (b"v=spf1\t-all", False),
        (b"v=spf2.0/pra -all", False),
        (b"spf1 -all", False),
        (b"v=spf1\xa0-all", False),
        (b"", False),
    ],
)
def test_which_txt_record_is_one(raw, is_one):
    assert is_spf(raw) is is_one


GOOD = [
    "", " ", "-all", "~ALL", "?All", "+all", "all -all", "a", "A", "a:x.example", "a/24", "a//64",
    "a/0//0", "a/32//128", "a:x.example/24", "a:x.example//64", "a:x.example/24//64", "a:x.example.",
    "a:x.xn--p1ai", "a:x.1a", "a:x.a-1", "a:%{d}", "a:%{d}/24", "a:%{d2r.-}.x.example",
    "a:odd:name/with.example", "a:.example", "a:x.%%", "a:x%-", "a:%%%_%-.example", "mx",
    "MX:x.example/24//64", "mx//33", "ptr", "ptr:x.example", "ip4:192.0.2.1", "ip4:0.0.0.0/0",
    "ip4:192.0.2.1/32", "IP4:192.0.2.77/8", "ip6:::", "ip6:::/0", "ip6:2001:DB8::1/128",
    "ip6:::ffff:192.0.2.1", "ip6:2001:db8:0:0:0:0:0:1/33", "include:x.example", "-include:x.example",
    "exists:%{ir}.x.example", "exists:%{L1R+-,/_=.}.x.example", "redirect=x.example",
    "REDIRECT=x.example", "exp=x.example", "x=", "x.y-z_0=%{s}:/anything!", "x=y x=y", "v=spf1",
    "redirect=x.example exp=y.example", "exists:%{i127}.x.example", "exists:%{i99999}.x.example",
]  # fmt: skip

BAD = [
    "moo", "all.", "all:x.example", "all/8", "-all moo", "--all", "=all", "1x=y", "_x=y", "a:", "a:/24",
    "a/33", "a//129", "a/24/64", "a/", "a//", "a/08", "a/024", "a/x", "a///64", "a:x", "a:x.",
    "a:museum.", "a:192.0.2.1", "a:x.123", "a:x.-y", "a:x.y-", "a:x.exa_mple", "a:x.example:8080",
    "a:x.example,", "a:x..", "a:x.example/24/", "a:%{d}x", "a:%{d}.", "ax:x.example", "mx:", "mx/33",
    "mx:x.example/33", "ptr:", "ptr/24", "ptr:x.example/24", "ip4", "ip4:", "ip4:192.0.2",
    "ip4:192.0.2.256", "ip4:192.0.2.01", "ip4:192.0.2.1/33", "ip4:192.0.2.1/", "ip4:192.0.2.1/08",
    "ip4:192.0.2.1//32", "ip4:192.0.2.1:25", "ip4=192.0.2.1x/%", "ip4:2001:db8::1", "ip4:192.0.2.1/-1",
    "ip4:x.example", "ip6", "ip6:", "ip6:192.0.2.1", "ip6::2001::", "ip6:2001:db8::1/129",
    "ip6:2001:db8::1//64", "ip6:fe80::1%eth0", "ip6:1:2:3:4:5:6:7:8:9", "include", "include:",
    "include/24", "include:x.example/24", "exists", "exists:", "exists:x.example/24", "redirect=",
    "redirect=x", "redirect=-all", "redirect:x.example", "exp=", "exp=x", "exp:x.example",
    "redirect=x.example redirect=x.example", "exp=x.example Exp=x.example", "redirect=x.example/24",
    "x=%", "x=%a", "x=%{", "x=%{}", "x=%{q}", "x=%{d0}", "x=%{d00r}", "x=%{dr2}", "x=%{d;}", "x=%(d)",
    "x=%{c}", "x=%{r}", "x=%{T}", "a:%{c}.example", "a:x%.example", "exp=%{r}.example",
    "a:x\x00.example", "a:x.example\x00", "a:x.example\tb", "a\r\n-all", "a\x0b-all", "'-all",
    "-all\x7f", "a:b.example\x1b[31m", "\xe9", "x=\u2013all", "a:b\u0661.example",
]  # fmt: skip


@pytest.mark.parametrize("terms", GOOD)
def test_what_the_grammar_allows_is_read(terms):
    parse(f"v=spf1 {terms}".encode())


@pytest.mark.parametrize("terms", BAD)
@pytest.mark.parametrize("place", ["{}", "+all {}", "{} -all", "a mx {} -all"])
def test_what_it_does_not_allow_is_found_anywhere(terms, place):
    with pytest.raises(SpfSyntax):
        parse(b"v=spf1 " + place.format(terms).encode())


def test_the_terms_are_what_is_written():
    record = parse(
        b"v=spf1  ~a:x.example/24//64 -IP4:192.0.2.77/24 ?mx  redirect=y.example x=1 exp=z.example "
    )
    a, ip4, mx = record.mechanisms
    assert (a.name, a.result, a.ip4, a.ip6, a.target) == ("a", "softfail", 24, 64, ("x.example",))
    assert (ip4.name, ip4.result, str(ip4.network)) == ("ip4", "fail", "192.0.2.0/24")
    assert (mx.name, mx.result, mx.ip4, mx.ip6, mx.target) == ("mx", "neutral", 32, 128, ())
    assert (record.redirect_text, record.redirect) == ("redirect=y.example", ("y.example",))
    assert (record.exp, record.others) == (("z.example",), ("x=1",))


def test_each_error_is_named_up_to_a_few():
    with pytest.raises(SpfSyntax, match=r"'moo'.*'ip4:1'") as caught:
        parse(b"v=spf1 moo ip4:1 " + b"x=% " * 1000)
    assert len(str(caught.value)) < 1000


def test_an_address_behind_a_is_told_where_it_belongs():
    with pytest.raises(SpfSyntax, match="goes with ip4"):
        parse(b"v=spf1 a:192.0.2.1 -all")


def test_a_blank_behind_the_colon_is_told_as_such():
    with pytest.raises(SpfSyntax, match="no blank may stand before it"):
        parse(b"v=spf1 include: spf.protection.outlook.com -all")


def test_a_byte_that_is_not_ascii_is_named():
    with pytest.raises(SpfSyntax, match=r"byte 10 .*0xe2"):
        parse(b"v=spf1 x=\xe2\x80\x93all")


_TERMS = st.text(alphabet="amxptrincludeexists4610:/%{}dlsr.-+~?= v0123456789\x00\x7f", max_size=60)


@given(_TERMS)
@settings(max_examples=600)
def test_any_text_is_a_record_or_an_error(terms):
    try:
        record = parse(b"v=spf1 " + terms.encode())
    except SpfSyntax:
        return
    again = parse(b"v=spf1 " + b" ".join(m.text.encode() for m in record.mechanisms))
    assert again.mechanisms == record.mechanisms


@given(st.binary(max_size=80))
def test_any_bytes_are_a_record_or_an_error(raw):
    for text in (raw, b"v=spf1 " + raw):
        try:
            parse(text)
        except SpfSyntax:
            continue


@pytest.mark.parametrize(
    "term",
    ["/" * 60_000, "a:" + "/24" * 20_000, "a:" + "." * 60_000, "x=" + "%{d" * 20_000, "a:%{d" + "1" * 60_000,
     "a:x." + "a-" * 30_000, "ip4:" + "1" * 60_000, "ip6:" + ":" * 60_000, "x=%{d" + "." * 60_000,
     "+" * 60_000, "ip4:192.0.2.1 " * 4_000, "a:" + "%%" * 30_000, "a" * 60_000 + "="],
)  # fmt: skip
def test_long_records_take_no_time(term):
    begun = time.perf_counter()
    try:
        parse(b"v=spf1 " + term.encode())
    except SpfSyntax as error:
        assert len(str(error)) < 1000  # noqa: PT017
    assert time.perf_counter() - begun < 2
