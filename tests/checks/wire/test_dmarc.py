"""DMARC records as receivers read them, and the tree walk as pure functions: RFC 9989."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import jsonable
from checks.wire.dmarc import (
    MAX_QUERIES,
    POLICIES,
    PolicyRecord,
    assess,
    destination,
    governing,
    is_policy_record,
    organizational,
    parse,
    walk_names,
)

RUA = "rua=mailto:d@example.com"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("v=DMARC1", True),
        ("v=DMARC1;", True),
        ("v=DMARC1; p=none", True),
        ("v=DMARC1;p=none", True),
        ("v=DMARC1 ; p=none", True),
        ("v = DMARC1; p=none", True),
        ("v\t=\tDMARC1\t;p=none", True),
        ("V=DMARC1; p=none", True),
        ("v=dmarc1; p=none", False),
        ("v=Dmarc1; p=none", False),
        (" v=DMARC1; p=none", False),
        ('"v=DMARC1; p=none"', False),
        ("v=DMARC1 p=none", False),
        ("v=DMARC10; p=none", False),
        ("v=DMARC1x", False),
        ("v=DMARC1\n; p=none", False),
        ("p=none; v=DMARC1", False),
        ("vv=DMARC1; p=none", False),
        ("v=spf1 -all", False),
        ("DMARC1; p=none", False),
        ("", False),
    ],
)
def test_the_version_comes_first_and_exactly(text, is_one):
    assert is_policy_record(text) is is_one
    assert (parse(text) is not None) is is_one


@pytest.mark.parametrize(
    ("tags", "policy"),
    [
        ("p=none", "none"),
        ("p=quarantine", "quarantine"),
        ("p=reject", "reject"),
        ("p=Reject", "reject"),
        ("P=REJECT", "reject"),
        ("p = reject", "reject"),
        ("p=reject;", "reject"),
        ("p=reject ; ", "reject"),
        (f"{RUA}; p=reject", "reject"),
        ("sp=none; p=reject", "reject"),
        ("p=reject; pct=0", "reject"),
        ("p=reject; nonsense", "reject"),
        ("p=reject; =x", "reject"),
        ("p=reject;; adkim=s", "reject"),
        ("p=reject; x1=y", "reject"),
        ("p=reject; t=y", "quarantine"),
        ("p=reject; t=Y", "quarantine"),
        ("p=quarantine; t=y", "none"),
        ("p=none; t=y", "none"),
        ("p=reject; t=yes", "reject"),
        ("p=reject; t=n", "reject"),
        # No valid policy: none where reports are asked for, else no DMARC (section 4.10.1).
        (RUA, "none"),
        ("adkim=s", None),
        ("", None),
        ("p=block", None),
        (f"p=block; {RUA}", "none"),
        ("p=", None),
        (f"p=; {RUA}", "none"),
        ("p=reject; sp=block", None),
        (f"p=reject; sp=block; {RUA}", "none"),
        (f"p=reject; np=; {RUA}", "none"),
        ("p=reject; np=x; rua=mailto:a@x!10m", "none"),
        ("p=reject; np=x; rua=bogus, https://r.example/x", "none"),
        ("p=reject; np=x; rua=bogus", None),
        ("p=reject; np=x; rua=mailto:a b@x", None),
        ("p=reject; np=x; rua=mailto:", None),
        ("p=reject; np=x; rua=mailto:, mailto:a@x", "none"),
        ("p=reject; np=x; rua=mailto:a!b@x", None),
        ("p=reject; np=x; rua=<mailto:a@x>", None),
        ("p=reject; np=x; rua=", None),
        ("p=reje\u0441t", None),
        ("p=reject none", None),
        # Twice: what is not alike is not there.
        ("p=none; p=reject", None),
        (f"p=none; p=reject; {RUA}", "none"),
        ("p=reject; p=reject", "reject"),
    ],
)
def test_the_policy_of_the_domain_s_own_record(tags, policy):
    assert assess(parse(f"v=DMARC1; {tags}"), inherited=False, exists=True).effective == policy


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("testing", [True, False])
@pytest.mark.parametrize("np", [None, *POLICIES])
@pytest.mark.parametrize("sp", [None, *POLICIES])
@pytest.mark.parametrize("p", POLICIES)
def test_a_subdomain_falls_back_from_np_to_sp_to_p(p, sp, np, testing, exists):
    text = f"v=DMARC1; p={p}" + (f"; sp={sp}" if sp else "") + (f"; np={np}" if np else "")
    wanted = (sp or p) if exists else (np or sp or p)
    said = assess(parse(text + ("; t=y" if testing else "")), inherited=True, exists=exists)
    assert said.published == wanted
    lower = {"none": "none", "quarantine": "none", "reject": "quarantine"}
    assert said.effective == (lower[wanted] if testing else wanted)


@pytest.mark.parametrize(
    ("tags", "kinds"),
    [
        ("p=none", []),
        ("p=none; pct=50; rf=afrf; ri=86400", ["removed"] * 3),
        ("p=none; pp=x", ["unknown"]),
        ("p=none; rua=mailto:a@x!10m", ["size"]),
        ("p=none; adkim=x; aspf=strict", ["syntax"] * 2),
        ("p=none; fo=0:1", ["syntax"]),
        ("p=none; fo=1:d:s", []),
        ("p=none; fo=d:d", ["syntax"]),
        ("p=none; fo=", ["syntax"]),
        ("p=none; psd=x", ["syntax"]),
        ("p=none; t=maybe", ["syntax"]),
        ("p=none; v=DMARC1", ["duplicate"]),
        ("p=none; \u212a=1", ["syntax"]),
        ("p=none; adm\u212am=s", ["syntax"]),
        ("p=none; x=\x07", ["syntax"]),
        ("p=none p=reject", ["policy"]),
    ],
)
def test_flaws_are_told(tags, kinds):
    assert [flaw.kind for flaw in parse(f"v=DMARC1; {tags}").flaws] == kinds


def test_tags_that_are_valid_are_read():
    text = "v=DMARC1; p=none; adkim=S; aspf=s; fo=D:S; psd=N; rua=mailto:A@X.example, https://r.example/p!1k"
    record = parse(f"{text}; ruf=mailto:f@x.example")
    assert (record.adkim, record.aspf, record.fo, record.psd) == ("s", "s", "d:s", "n")
    assert record.rua == ("mailto:A@X.example", "https://r.example/p")
    assert record.ruf == ("mailto:f@x.example",)
    assert record.tags["adkim"] == "S"
    assert parse("v=DMARC1; p=none; adkim=x").adkim == "r"


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("mailto:d@example.com", "example.com"),
        ("MAILTO:d@Example.COM", "example.com"),
        ("mailto:d@example.com?subject=x@y", "example.com"),
        ("mailto:a%40b@example.com", "example.com"),
        ("mailto:d%2Cx@example.com", "example.com"),
        ("https://r.example.com:8443/x", "r.example.com"),
        ("mailto:", None),
        ("mailto:example.com", None),
        ("mailto:d@", None),
        ("mailto:d@exa%20mple.com", None),
        ("mailto:d@" + "a" * 3000, None),
        ("mailto:d@" + "%C3%A4" * 30000, None),
        ("https://[::1/", None),
        ("urn:x", None),
    ],
)
def test_the_host_of_a_report_address(uri, host):
    assert destination(uri) == host


def test_names_of_the_walk():
    assert walk_names("com") == ("com",)
    assert walk_names("a.mail.example.com") == (
        "a.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    )
    eight = "a.b.c.d.e.f.example.com"
    assert walk_names(eight)[:2] == (eight, "b.c.d.e.f.example.com")
    assert len(walk_names(eight)) == 8
    nine = f"x.{eight}"
    assert walk_names(nine)[:2] == (nine, "b.c.d.e.f.example.com")
    long = "a.b.c.d.e.f.g.h.i.j.mail.example.com"  # the example of section 4.10
    assert walk_names(long) == (
        long, "g.h.i.j.mail.example.com", "h.i.j.mail.example.com", "i.j.mail.example.com",
        "j.mail.example.com", "mail.example.com", "example.com", "com",
    )  # fmt: skip


def zone(**records: str) -> dict[str, PolicyRecord]:
    return {name.replace("_", "."): parse(f"v=DMARC1; p=none; {tags}") for name, tags in records.items()}


@pytest.mark.parametrize(
    ("domain", "found", "owner", "governs"),
    [
        # Examples of section 4.10.2 and of appendix B.4.
        ("a.mail.example.com", zone(mail_example_com="", example_com=""), "example.com",
         ("organizational", "example.com")),
        ("a.mail.example.com", zone(mail_example_com="psd=n"), "mail.example.com",
         ("organizational", "mail.example.com")),
        ("a.mail.example.com", zone(com="psd=y"), "example.com", ("psd", "com")),
        ("giant.bank.example", zone(giant_bank_example="", bank_example="psd=y"), "giant.bank.example",
         ("author", "giant.bank.example")),
        ("mail.giant.bank.example", zone(giant_bank_example="", bank_example="psd=y"), "giant.bank.example",
         ("organizational", "giant.bank.example")),
        ("mail.mega.bank.example", zone(bank_example="psd=y"), "mega.bank.example", ("psd", "bank.example")),
        # A record below the Organizational Domain is not the one that applies.
        ("x.y.mega.bank.example", zone(y_mega_bank_example="", bank_example="psd=y"), "mega.bank.example",
         ("psd", "bank.example")),
        ("bank.example", zone(bank_example="psd=y"), "bank.example", ("author", "bank.example")),
        ("a.b.example.com", zone(b_example_com="", example_com=""), "example.com",
         ("organizational", "example.com")),
        ("a.example.com", zone(com=""), "com", ("organizational", "com")),
        ("a.example.com", {}, "a.example.com", None),
        # One label below is counted in the name, not in the names asked.
        ("a.b.c.d.e.f.g.example.com", zone(c_d_e_f_g_example_com="psd=y"), "b.c.d.e.f.g.example.com",
         ("psd", "c.d.e.f.g.example.com")),
    ],
)  # fmt: skip
def test_whose_record_applies(domain, found, owner, governs):
    assert organizational(domain, found) == owner
    assert governing(domain, found) == governs


def test_a_huge_text_is_read_in_no_time_and_cut():
    begun = time.perf_counter()
    for filling in (";", "p=", "a=b;", "rua=mailto:a@b,", "!1", "%", "a:", "=;", " ", "v=DMARC1;"):
        record = parse("v=DMARC1; " + filling * (65000 // len(filling)))
        assert len(record.flaws) <= 50
        assert len(record.rua) <= 50
        assert len(record.text) <= 4000
        record = parse("v=DMARC1; rua=" + filling * (65000 // len(filling)))
        assert len(record.rua) <= 50
    assert time.perf_counter() - begun < 5


NOISE = st.lists(
    st.sampled_from(
        ["v=DMARC1", "p=", "sp=", "np=", "none", "reject", ";", " ", "=", "t=y", "psd=", "y", "rua=",
         "mailto:", "@", "x.example", "!", "10m", ",", "%", "fo=", ":", "\x00", "\u00e4", "\t"]
    ) | st.text(max_size=5),
    max_size=40,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(NOISE)
def test_any_text_is_read_without_raising(noise):
    for text in (noise, f"v=DMARC1;{noise}"):
        record = parse(text)
        assert (record is not None) is is_policy_record(text)
        if record is None:
            continue
        assert jsonable.from_json(PolicyRecord, jsonable.to_json(record)) == record
        for inherited in (True, False):
            said = assess(record, inherited=inherited, exists=not inherited)
            assert said.effective in (None, *POLICIES)
            assert (said.effective is None) == (said.published is None)
            if said.published is not None and said.effective != said.published:
                assert record.testing
        for uri in (*record.rua, *record.ruf):
            destination(uri)


LABELS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(LABELS, st.dictionaries(st.integers(0, 11), st.sampled_from("ynu"), max_size=6))
def test_the_walk_agrees_with_the_rfc_s_steps_taken_literally(labels, published):
    domain = ".".join(labels)
    name = {count: ".".join(labels[-count:]) for count in range(1, len(labels) + 1)}
    records = {name[count]: psd for count, psd in published.items() if count in name}

    asked, target = [], list(labels)
    while target:
        asked.append(".".join(target))
        if records.get(asked[-1], "u") != "u":
            break
        target = target[1:] if len(target) < 8 else target[-7:]
    assert len(asked) <= MAX_QUERIES
    assert tuple(asked) == walk_names(domain)[: len(asked)]

    retrieved = {place: records[place] for place in asked if place in records}
    owner = domain
    for place in asked:
        if retrieved.get(place) == "n":
            owner = place
            break
        if retrieved.get(place) == "y" and place != domain:
            owner = name[place.count(".") + 2]
            break
    else:
        if retrieved:
            owner = min(retrieved, key=lambda place: place.count("."))
    parsed = {place: parse(f"v=DMARC1; p=none; psd={psd}") for place, psd in retrieved.items()}
    assert organizational(domain, parsed) == owner
    expected = domain if domain in retrieved else owner if owner in retrieved else None
    if expected is None:
        expected = next((place for place, psd in retrieved.items() if psd == "y"), None)
    where = governing(domain, parsed)
    assert (where[1] if where else None) == expected
