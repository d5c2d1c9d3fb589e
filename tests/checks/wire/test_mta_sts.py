"""MTA-STS and TLS-RPT texts as a sender reads them: exact, first of two, unknown ignored, never a crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire import mta_sts, tls_rpt

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


def test_a_policy_as_the_rfc_has_it():
    policy = mta_sts.read_policy(GOOD)
    assert policy == mta_sts.StsPolicy(
        mode="enforce", max_age=604800, hosts=("mail.example.com", "*.example.net")
    )


@pytest.mark.parametrize(
    "body",
    [
        GOOD.replace(b"\r\n", b"\n"),
        GOOD.rstrip(),
        GOOD.replace(b"\r\n", b"  \t\r\n"),
        GOOD.replace(b": ", b":"),
        GOOD.replace(b": ", b": \t "),
        GOOD + b"other_field: some value; with = anything\n",
        GOOD + "note: grüße\n".encode(),
        GOOD.replace(b"mail.example.com", b"MAIL.Example.COM"),
        b"max_age: 604800\nmx: mail.example.com\nmx: *.example.net\nmode: enforce\nversion: STSv1\n",
    ],
)
def test_the_same_policy_in_other_clothes(body):
    policy = mta_sts.read_policy(body)
    assert (policy.problem, policy.flaws) == ("", ())
    assert policy.hosts == ("mail.example.com", "*.example.net")
    assert policy.mode == "enforce"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Not found</body></html>",
        GOOD.replace(b"STSv1", b"STSv2"),
        GOOD.replace(b"STSv1", b"stsv1"),
        GOOD.replace(b"version: STSv1\r\n", b""),
        GOOD.replace(b"mode: enforce\r\n", b""),
        GOOD.replace(b"enforce", b"Enforce"),
        GOOD.replace(b"mode:", b"Mode:"),
        GOOD.replace(b"mode:", b" mode:"),
        GOOD.replace(b"mode:", b"mode :"),
        GOOD.replace(b"max_age: 604800\r\n", b""),
        GOOD.replace(b"604800", b"one week"),
        GOOD.replace(b"604800", b"-1"),
        GOOD.replace(b"604800", b"99999999999"),
        GOOD.replace(b"604800", "\u0661".encode()),
        b"version: STSv1\nmode: enforce\nmax_age: 1\n",
        GOOD.replace(b"*.example.net", b"*"),
        GOOD.replace(b"*.example.net", b"mail.*.example.net"),
        GOOD.replace(b"*.example.net", b"*.*.example.net"),
        GOOD.replace(b"*.example.net", b"mx1.example.net, mx2.example.net"),
        GOOD.replace(b"*.example.net", b"192.0.2.1/24"),
        GOOD.replace(b"*.example.net", b".example.net"),
        GOOD + b"\xff\xfe",
        GOOD + b"x" * 65536,
        GOOD.replace(b"\r\n", b"\r"),
        GOOD + b"just words\n",
    ],
)
def test_what_is_no_policy(body):
    assert mta_sts.read_policy(body).problem


def test_mode_none_needs_no_host():
    assert mta_sts.read_policy(b"version: STSv1\nmode: none\nmax_age: 86400\n").problem == ""


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (b"mode: testing\n", "mode is there twice"),
        (b"\n", "empty"),
        (b"MX: new.example.com\n", "case matters"),
    ],
)
def test_flaws_do_not_change_what_counts(more, says):
    policy = mta_sts.read_policy(GOOD + more)
    assert policy.mode == "enforce"
    assert policy.hosts == ("mail.example.com", "*.example.net")
    assert says in policy.flaws[0]


@pytest.mark.parametrize(
    ("pattern", "host", "allowed"),
    [
        ("mail.example.com", "mail.example.com", True),
        ("Mail.Example.com", "mail.EXAMPLE.com.", True),
        ("mail.example.com", "xmail.example.com", False),
        ("mail.example.com", "a.mail.example.com", False),
        ("*.example.com", "mail.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", ".example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "mail.example.com.evil.net", False),
        ("*.example.com", "mailexample.com", False),
        ("*.mail.protection.outlook.com", "contoso-com.mail.protection.outlook.com", True),
        ("*.mx.microsoft", "contoso-com.p-v1.mx.microsoft", False),
        ("*.p-v1.mx.microsoft", "contoso-com.p-v1.mx.microsoft", True),
    ],
)
def test_a_star_is_one_label(pattern, host, allowed):
    assert mta_sts.allows(pattern, host) is allowed


@pytest.mark.parametrize(
    ("text", "ident"),
    [
        ("v=STSv1; id=20160831085700Z;", "20160831085700Z"),
        ("v=STSv1;id=a", "a"),
        ("v=STSv1 ; id=a1 ; ext=some.value:x ;", "a1"),
        ("v=STSv1; other=1; id=b", "b"),
    ],
)
def test_records(text, ident):
    assert mta_sts.read_record(text) == mta_sts.StsRecord(id=ident)


@pytest.mark.parametrize(
    "text",
    [
        "v=STSv1;",
        "v=STSv1",
        "v=STSv1; id=",
        "v=STSv1; id=a-b",
        "v=STSv1; id=" + "a" * 33,
        "v=STSv1; id=a; id=b",
        "v=STSv1; ID=a",
        "v=STSv1;; id=a",
        "v=STSv1; id = a",
        "v=STSv1; id=a b",
        "v=STSv1; words",
        "",
        "v=stsv1; id=a",
        "id=a; v=STSv1;",
        "v=STSv1; id=é",
    ],
)
def test_records_that_are_none(text):
    assert mta_sts.read_record(text).problem


def test_only_an_exact_beginning_counts():
    texts = [
        "v=STSv1; id=1",
        "v=STSv1 ; id=1",
        " v=STSv1; id=2",
        "V=STSv1; id=3",
        "v=spf1 -all",
        "v=STSv10; id=4",
    ]
    found, meant = mta_sts.records_of(texts)
    assert found == texts[:1]
    assert meant == [texts[1], texts[2], texts[3], texts[5]]


@given(st.binary(max_size=400))
def test_any_bytes_are_read(body):
    policy = mta_sts.read_policy(body)
    assert policy.problem or policy.mode


@given(
    st.lists(
        st.sampled_from(
            [
                b"version: STSv1",
                b"mode: enforce",
                b"mode: none",
                b"mx: a.b",
                b"mx: *.c",
                b"max_age: 9",
                b"x:y",
                b"",
                b":",
                b"mx:",
                b"\t",
                b"max_age: \xd9\xa1",
            ]
        ),
        max_size=9,
    ),
    st.sampled_from([b"\n", b"\r\n"]),
)
def test_a_policy_that_counts_has_all_it_needs(lines, end):
    policy = mta_sts.read_policy(end.join(lines))
    if not policy.problem:
        assert b"version: STSv1" in lines
        assert any(line.startswith(b"mode:") for line in lines)
        assert b"max_age: 9" in lines
        assert policy.hosts or policy.mode == "none"


@given(st.text(max_size=200))
def test_any_text_is_read_as_a_record(text):
    for module in (mta_sts, tls_rpt):
        module.records_of([text])
        assert module.read_record(text)
    mta_sts.allows(text, text)
    tls_rpt.trouble_with(text)


@given(st.text(alphabet="v=STSLRPT1;id rua:mailtohps@/,.!%", max_size=80))
def test_near_records_are_read(text):
    for module, begin in ((mta_sts, "v=STSv1;"), (tls_rpt, "v=TLSRPTv1;")):
        read = module.read_record(begin + text)
        assert read.problem or getattr(read, "id", "") or getattr(read, "uris", ())


def test_the_time_to_read_grows_with_the_size_only():
    """A quarter of a megabyte of each awkward kind: what is quadratic would not end in time."""
    for part in ("v=", " ", ";", "mx: *.", "=", "a.", "id=a;", "rua=mailto:,"):
        text = "v=STSv1;" + part * (250_000 // len(part))
        mta_sts.read_record(text)
        mta_sts.records_of([text, part * 1000])
        mta_sts.read_policy(text.encode())
        mta_sts.read_policy((part * 30_000).encode()[:65536])
        tls_rpt.read_record("v=TLSRPTv1;" + text)
        tls_rpt.records_of([text])


@pytest.mark.parametrize(
    ("text", "uris"),
    [
        ("v=TLSRPTv1; rua=mailto:reports@example.com", ("mailto:reports@example.com",)),
        (
            "v=TLSRPTv1;rua=https://reporting.example.com/v1/tlsrpt;",
            ("https://reporting.example.com/v1/tlsrpt",),
        ),
        (
            "v=TLSRPTv1; rua=mailto:a@example.com , https://example.net/x",
            ("mailto:a@example.com", "https://example.net/x"),
        ),
        ("v=TLSRPTv1; ext=1; rua=MAILTO:a%2Bb@example.com", ("MAILTO:a%2Bb@example.com",)),
    ],
)
def test_reports_go_to(text, uris):
    read = tls_rpt.read_record(text)
    assert (read.uris, read.wrong, read.problem) == (uris, (), "")


@pytest.mark.parametrize(
    "text",
    [
        "v=TLSRPTv1;",
        "v=TLSRPTv1; rua=",
        "v=TLSRPTv1; rua=reports@example.com",
        "v=TLSRPTv1; rua=http://example.com/x",
        "v=TLSRPTv1; rua=mailto:example.com",
        "v=TLSRPTv1; rua=mailto:a@",
        "v=TLSRPTv1; rua=mailto:a@localhost",
        "v=TLSRPTv1; rua=mailto:a@example.com!10m",
        "v=TLSRPTv1; rua=https://",
        "v=TLSRPTv1; rua=ftp://example.com",
        "v=TLSRPTv1; rua=mailto:a@example.com; rua=mailto:b@example.com",
        "v=TLSRPTv1; RUA=mailto:a@example.com",
        "v=TLSRPTv1; rua=https://example.com:99999/",
        "v=tlsrptv1; rua=mailto:a@example.com",
        "v=TLSRPTv1; rua=mailto:a b@example.com",
        "v=TLSRPTv1; rua=https://[::1",
        "v=TLSRPTv1; rua=mailto:a@exa mple.com",
    ],
)
def test_reports_go_nowhere(text):
    assert tls_rpt.read_record(text).problem


def test_one_bad_address_leaves_the_other():
    read = tls_rpt.read_record("v=TLSRPTv1; rua=reports@example.com,mailto:a@example.com")
    assert read.uris == ("mailto:a@example.com",)
    assert "mailto:" in read.wrong[0][1]
