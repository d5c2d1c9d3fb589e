"""Names, record data and messages, with dnspython as the oracle and hypothesis as the enemy."""

from __future__ import annotations

import random
import struct
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.wire.dns_codec import Malformed, decode, encode, question_of, reply_to
from checks.wire.dns_names import name_wire, read_name, tidy_name
from checks.wire.dns_text import FIELDS, canonical, read_data, txt_value

ZONE = [
    ("A", "192.0.2.1"), ("A", "255.255.255.255"), ("AAAA", "2001:db8::1"), ("AAAA", "::ffff:192.0.2.1"),
    ("CNAME", "Target.Example."), ("NS", "."), ("PTR", r"a\.b.example."), ("DNAME", "x.example."),
    ("MX", "10 Mx.Example."), ("MX", "0 ."), ("SRV", "100 1 5061 sipfed.online.lync.com."),
    ("SOA", "ns.example. host\\.master.example. 4294967295 7200 900 1209600 300"),
    ("TXT", '"v=spf1 include:x.example " "-all"'), ("TXT", '"quote \\" back \\\\ byte \\200 \\000" ""'),
    ("CAA", '0 issue "letsencrypt.org; x=\\"y\\""'), ("TLSA", "3 1 1 " + "ab" * 32),
    ("SSHFP", "4 2 " + "cd" * 32), ("DS", "12345 13 2 " + "0f" * 32), ("DNSKEY", "257 3 13 AwEAAcw="),
]  # fmt: skip


def wire(rdtype, text):
    """Return the uncompressed data of a record by dnspython."""
    return dns.rdata.from_text("IN", rdtype, text).to_wire()


def oracle(rdtype, data):
    """Return dnspython's text of some data, in this project's spelling of names."""
    rdata = dns.rdata.from_wire("IN", rdtype, data, 0, len(data))
    text = rdata.to_text()
    if rdtype in ("TXT", "CAA", "DNSKEY"):
        return text
    words = [word.removesuffix(".") or "." for word in text.lower().split()]
    return " ".join(words)


@pytest.mark.parametrize(("rdtype", "text"), ZONE)
def test_data_reads_as_dnspython_reads_it(rdtype, text):
    data = wire(rdtype, text)
    ours = read_data(rdtype, data, 0, len(data))
    assert ours.isascii()
    assert ours.isprintable()
    if rdtype == "AAAA":
        assert wire("AAAA", ours) == data
    else:
        assert ours == oracle(rdtype, data)
    assert canonical(rdtype, text) == canonical(rdtype, ours)


@pytest.mark.parametrize("rdtype", sorted(FIELDS))
@given(data=st.binary(max_size=80))
@settings(max_examples=200)
def test_any_bytes_are_read_alike_or_refused(rdtype, data):
    try:
        ours = read_data(rdtype, data, 0, len(data))
    except Malformed:
        if rdtype not in ("DNSKEY", "DS", "SSHFP", "TLSA"):  # dnspython takes those without a digest or key
            with pytest.raises((dns.exception.DNSException, ValueError, struct.error, IndexError)):
                dns.rdata.from_wire("IN", rdtype, data, 0, len(data))
        return
    assert ours.isascii()
    assert ours.isprintable()
    assert canonical(rdtype, ours) == canonical(rdtype, canonical(rdtype, ours))


@given(
    st.lists(st.binary(min_size=1, max_size=63), min_size=0, max_size=5).filter(
        lambda ls: sum(map(len, ls)) < 240
    )
)
def test_names_of_any_bytes_survive_and_agree_with_dnspython(labels):
    raw = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    text, end = read_name(raw, 0)
    assert end == len(raw)
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text
    assert name_wire(text) == raw.lower()
    assert text == (dns.name.Name([*labels, b""]).to_text(omit_final_dot=bool(labels)).lower())
    assert tidy_name(text + "." if labels else ".") == text


def test_a_name_ends_with_an_escaped_dot_or_a_plain_one():
    assert name_wire(r"a\.") == b"\x02a.\0"
    assert name_wire(r"a\\.") == b"\x02a\\\0"
    assert name_wire("a.") == name_wire("a")
    assert name_wire("bücher.example") == b"\x0dxn--bcher-kva\x07example\0"


@pytest.mark.parametrize(
    "bad", ["", "..", "a..b", ".a", "a" * 64, ".".join(["a" * 63] * 4), "a\\", r"\999.x", r"\1"]
)
def test_names_that_are_none_are_refused(bad):
    with pytest.raises(ValueError):
        name_wire(bad)


@pytest.mark.parametrize(
    "message",
    [b"\xc0\x00", b"\xc0\x02\xc0\x00", b"\x01a\xc0\x00", b"\x40", b"\x80", b"\x05ab", b"\xc0", b"", b"\x01a",
     (b"\x3f" + b"x" * 63) * 5 + b"\0"],
)  # fmt: skip
def test_names_that_loop_or_run_away_are_malformed(message):
    with pytest.raises(Malformed):
        read_name(message, 0)


def test_txt_is_compared_by_its_value():
    bare = "v=spf1 include:spf.example -all"
    assert canonical("TXT", bare) == canonical("TXT", '"v=spf1 include:" "spf.example -all"')
    assert canonical("TXT", bare) != canonical("TXT", bare.upper())
    assert txt_value('"a\\"b" "c\\100"') == b'a"bcd'
    assert canonical("TXT", "grün \\ x") == '"gr\\195\\188n \\\\ x"'


@pytest.mark.parametrize(
    ("rdtype", "text"),
    [("A", "2001:db8::1"), ("A", "192.0.2.256"), ("A", "192.0.2.1 192.0.2.2"), ("A", ""),
     ("AAAA", "fe80::1%eth0"), ("MX", "mx.example"), ("MX", "65536 mx.example"), ("MX", "-1 mx.example"),
     ("MX", "10 mx..example"),
     ("SRV", "1 2 x.example"), ("TXT", '"open'), ("TXT", '"a" b"'), ("TLSA", "3 1 1 xyz"),
     ("DNSKEY", "1 2 3 ?"), ("SVCB", "1 ."), ("SVCB", "\\# 3 00")],
)  # fmt: skip
def test_data_that_is_none_is_refused_in_words(rdtype, text):
    with pytest.raises(ValueError, match=r"\w+ \w+ \w+"):
        canonical(rdtype, text)


def reply(name="www.example", records=(), **flags):
    query = dns.message.make_query(name, "A")
    message = dns.message.make_response(query)
    for owner, ttl, rdtype, text in records:
        message.answer.append(dns.rrset.from_text(owner, ttl, "IN", rdtype, text))
    for flag in flags:
        message.flags |= getattr(dns.flags, flag)
    return message


def test_a_whole_message_reads_as_dnspython_wrote_it():
    names = ["www.example.", "Mixed.Case.Example.", "."]
    message = reply(records=[(random.choice(names), 60, rdtype, text) for rdtype, text in ZONE], AA=1, RA=1)
    ours = decode(message.to_wire())
    assert ours.rcode == "NOERROR"
    assert ours.flags & 0x0480 == 0x0480
    assert len(ours.answer) == len(ZONE)
    want = [
        (r.name.to_text().lower().removesuffix(".") or ".", dns.rdatatype.to_text(r.rdtype))
        for r in message.answer
    ]
    assert [(record.name, record.rdtype) for record in ours.answer] == want
    assert [canonical(r.rdtype, r.text) for r in ours.answer] == [canonical(t, text) for t, text in ZONE]


def test_a_query_is_one_that_dnspython_reads():
    query = dns.message.from_wire(encode(4711, question_of("_sip._tls.Example.com", "SRV"), dnssec=True))
    assert query.id == 4711
    assert query.flags == dns.flags.RD
    assert query.question[0].to_text() == "_sip._tls.Example.com. IN SRV"
    assert (query.edns, query.payload, query.ednsflags) == (0, 1232, dns.flags.DO)
    plain = dns.message.from_wire(encode(1, question_of(".", "TYPE65534"), recursion=False, edns=False))
    assert (plain.flags, plain.edns, plain.question[0].rdtype) == (0, -1, 65534)


def test_a_reply_counts_only_with_the_question_byte_for_byte():
    question = question_of("wWw.example", "A")
    good = encode(1, question)
    assert not reply_to(good, question), "a query is no reply"
    good = good[:2] + b"\x81\x80" + good[4:]
    assert reply_to(good, question)
    assert not reply_to(good, question_of("www.example", "A")), "case counts"
    assert not reply_to(good, question_of("wWw.example", "AAAA"))
    assert not reply_to(good, question_of("other.example", "A"))
    assert not reply_to(good[:11], question)
    assert not reply_to(b"\0\1\x81\x80" + bytes(8), question), "no question and no error"
    assert reply_to(b"\0\1\x80\x01" + bytes(8), question), "FORMERR without question"
    assert not reply_to(b"\0\1\x80\x03" + bytes(8), question), "NXDOMAIN of nothing"


def test_truncation_keeps_whole_records_and_only_with_the_flag():
    raw = reply(
        records=[("www.example.", 60, "A", "192.0.2.1"), ("www.example.", 60, "A", "192.0.2.2")]
    ).to_wire()
    raw = raw.replace(raw[:4], raw[:2] + bytes((raw[2] | 2, raw[3])), 1)
    assert [record.text for record in decode(raw[:-3]).answer] in (["192.0.2.1"], ["192.0.2.2"])
    with pytest.raises(Malformed):
        decode(reply(records=[("www.example.", 60, "A", "192.0.2.1")]).to_wire()[:-3])


def test_a_time_to_live_with_the_highest_bit_is_zero():
    raw = reply(records=[("www.example.", 7, "A", "192.0.2.1")]).to_wire()
    raw = raw.replace(b"\0\1\0\1\0\0\0\7", b"\0\1\0\1\xff\0\0\7")
    assert decode(raw).answer[0].ttl == 0


def test_another_class_is_no_record():
    message = reply(records=[("www.example.", 7, "A", "192.0.2.1")])
    message.answer[0].rdclass = dns.rdataclass.CH
    assert decode(message.to_wire()).answer == ()


OWNERS = st.lists(
    st.text(alphabet="abcXYZ019-_", min_size=1, max_size=20), min_size=0, max_size=5
).map(lambda labels: ".".join((*labels, "")) or ".")  # fmt: skip
RECORDS = st.lists(st.tuples(OWNERS, st.integers(0, (1 << 31) - 1), st.sampled_from(ZONE)), max_size=25)


@given(RECORDS, RECORDS, st.booleans())
@settings(max_examples=150)
def test_any_message_of_dnspython_reads_alike(answer, additional, signed):
    message = reply()
    for section, records in ((message.answer, answer), (message.additional, additional)):
        for owner, ttl, (rdtype, text) in records:
            section.append(dns.rrset.from_text(owner, ttl, "IN", rdtype, text))
    message.use_edns(0, 0x8000 if signed else 0, 1232)
    ours = decode(message.to_wire(max_size=65535))
    assert ours.edns
    for got, records in ((ours.answer, answer), (ours.additional, additional)):
        assert [(r.name, r.ttl, r.rdtype, canonical(r.rdtype, r.text)) for r in got] == [
            (owner.lower().removesuffix(".") or ".", ttl, rdtype, canonical(rdtype, text))
            for owner, ttl, (rdtype, text) in records
        ]


@given(st.binary(max_size=400))
@settings(max_examples=400)
def test_no_bytes_at_all_crash_the_decoder(data):
    for message in (data, b"\0\1\x81\x80\0\1\0\5\0\5\0\5" + data):
        try:
            decode(message)
        except Malformed:
            pass


WHOLE = reply(records=[("www.example.", 60, rdtype, text) for rdtype, text in ZONE]).to_wire()


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=400)
def test_a_mutated_message_is_read_or_malformed(changes):
    message = bytearray(WHOLE)
    for at, byte in changes:
        message[at] = byte
    try:
        decode(bytes(message))
    except Malformed:
        pass


def test_the_largest_hostile_message_costs_little():
    chain = b"".join(b"\x01a" for _ in range(125)) + b"\0"
    head = b"\0\1\x81\x80\0\0\xff\xff\0\0\0\0"
    with pytest.raises(Malformed):
        decode(head + chain)
    record = b"\xc0\x0c\0\x02\0\1\0\0\0\0\0\2\xc0\x0c"
    message = b"\0\1\x81\x80\0\1\x07\xd0\0\0\0\0" + chain + b"\0\1\0\1" + record * 2000
    before = time.process_time()
    assert len(decode(message).answer) == 2000
    assert time.process_time() - before < 5
