"""Macros of SPF: the examples of RFC 7208 section 7.4, and what else the grammar allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.spf_macro import SpfSyntax, ends_in_macro, expand, fit, letters, read
from checks.wire.spf_sender import sender_of

SENDER = sender_of("192.0.2.3", "strong-bad@email.example.com", "mx.example.org")
SIX = sender_of("2001:db8::cb01", "strong-bad@email.example.com", "mx.example.org")
VALUES = {
    **SENDER.values(),
    "d": "email.example.com",
    "p": "mx.example.org",
    "r": "here.example",
    "t": "1700000000",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{d2R}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{h}", "mx.example.org"),
        ("%{p}", "mx.example.org"),
        ("%%%_%-x", "% %20x"),
        ("%{d000002}", "example.com"),
        ("%{d99999999}", "email.example.com"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_expansion(text, expected):
    assert expand(read(text), VALUES) == expected


def test_an_ipv6_address_is_written_in_nibbles():
    dotted = expand(read("%{ir}.%{v}._spf.%{d2}"), VALUES | SIX.values())
    assert dotted.lower() == (
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    )
    assert expand(read("%{c}", explain=True), VALUES | SIX.values()) == "2001:db8::cb01"


def test_capital_letters_escape_all_that_is_not_unreserved():
    values = VALUES | {"l": "~jack&jill=up-a_b3.c/%ü"}
    assert expand(read("%{L}"), values) == "~jack%26jill%3Dup-a_b3.c%2F%25%C3%BC"


@pytest.mark.parametrize("letter", "crtCRT")
def test_some_letters_are_for_explanations_only(letter):
    with pytest.raises(SpfSyntax, match="explanation only"):
        read(f"%{{{letter}}}")
    assert letters(read(f"see %{{{letter}}}!", explain=True)) == {letter.lower()}


def test_explanations_may_have_spaces_and_nothing_else_that_a_record_may_not():
    assert read("two words", explain=True) == ("two words",)
    for text in ("two words", "tab\t", "\x00", "ü"):
        with pytest.raises(SpfSyntax):
            read(text)
    with pytest.raises(SpfSyntax):
        read("tab\t", explain=True)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("%{d}", True),
        ("x%%", True),
        ("%{d}.x", False),
        ("%%{d}", False),
        ("%%%{d}", True),
        ("x", False),
        ("", False),
    ],
)
def test_which_domain_ends_in_a_macro(text, ends):
    assert ends_in_macro(text) is ends


def test_a_long_name_loses_labels_on_the_left():
    name = ".".join(["a" * 10] * 30)
    assert fit(name) == ".".join(["a" * 10] * 23)
    assert len(fit("x." + "a" * 251)) == 253
    assert fit("xy." + "a" * 251) == "a" * 251
    assert fit("a" * 300) == "a" * 300
    assert fit("short.example.") == "short.example"


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_read_or_refused_and_expands(text, value):
    for explain in (False, True):
        try:
            parts = read(text, explain=explain)
        except SpfSyntax:
            continue
        assert isinstance(expand(parts, dict.fromkeys("slodiphcrtv", value)), str)


@pytest.mark.parametrize(
    ("ip", "mail_from", "helo", "local", "domain"),
    [
        ("192.0.2.1", "a@b.example", "h.example", "a", "b.example"),
        ("192.0.2.1", "", "h.example", "postmaster", "h.example"),
        ("192.0.2.1", "<>", "h.example", "postmaster", "h.example"),
        ("192.0.2.1", "<a@b.example>", "h.example", "a", "b.example"),
        ("192.0.2.1", "@b.example", "h.example", "postmaster", "b.example"),
        ("192.0.2.1", "b.example", "h.example", "postmaster", "b.example"),
        ("192.0.2.1", "a@", "h.example", "a", ""),
        ("192.0.2.1", '"x@y z"@b.example', "h.example", '"x@y z"', "b.example"),
        ("192.0.2.1", "a@bücher.example", "h.example", "a", "xn--bcher-kva.example"),
        ("192.0.2.1", "a@b.example.", "h.example", "a", "b.example"),
        ("192.0.2.1", "a@b.example..", "h.example", "a", "b.example.."),
        ("192.0.2.1", "", "h.example.", "postmaster", "h.example"),
        ("192.0.2.1", "a@\u2028.example", "h", "a", "\u2028.example"),
    ],
)
def test_who_is_checked(ip, mail_from, helo, local, domain):
    sender = sender_of(ip, mail_from, helo)
    assert (sender.local, sender.domain) == (local, domain)
    assert (sender.helo, sender.values()["h"]) == (helo, helo.removesuffix("."))


@pytest.mark.parametrize(
    ("ip", "checked", "family"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1", "in-addr"),
        ("::192.0.2.1", "::c000:201", "ip6"),
        ("fe80::1%eth0", "fe80::1", "ip6"),
    ],
)
def test_mapped_addresses_count_as_ipv4(ip, checked, family):
    sender = sender_of(ip, "", "h.example")
    assert (str(sender.ip), sender.values()["v"], sender.given) == (checked, family, ip)
