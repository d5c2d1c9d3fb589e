"""Will senders that follow DANE deliver: a signed tree of zones, postfix behind it, and lies."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta

import dns.message
import dns.query
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.contract import Status
from checks.mail.dane import Dane, DaneSeen
from checks.vantage import Shared, Vantage
from checks.wire.dane import digest_of, match, read_tlsa
from tests.checks import pki
from tests.checks.hostile import assert_harmless
from tests.checks.wire.dns_servers import framed, free_port, scripted
from tests.lab import need
from tests.lab.certs import KeyPair
from tests.lab.mailserver import postfix
from tests.lab.signed import Domain, Signing, tree
from tests.lab.signed_zone import DAY, unsign

S = Status
TLSA = 52
NAMES = ("mx.ee.test", "mx.ta.test", "mx.roll.test")


def der(pair):
    return pair.certificate.public_bytes(Encoding.DER)


def key(pair):
    return pair.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sha(data):
    return hashlib.sha256(data).hexdigest()


ROOT = pki.make("DANE Root", authority=True)
MIDDLE = pki.make("DANE Issuing", by=ROOT, authority=True)
LEAF = pki.make(NAMES[0], by=MIDDLE, names=NAMES)
CHAIN = [der(LEAF), der(MIDDLE), der(ROOT)]
NOW = datetime.now(UTC)


def domain(name, *records, signing=None, mx=None, **changes):
    text = f"@ MX {mx or f'10 mx.{name}.'}\nmx A 127.0.0.1\n"
    text += "".join(f"_25._tcp.mx TLSA {record}\n" for record in records)
    return Domain(name, text, signing or Signing(), **changes)


RIGHT, WRONG = f"3 1 1 {sha(key(LEAF))}", f"3 1 1 {'ab' * 32}"
DOMAINS = [
    domain("ee.test", RIGHT),
    domain("ta.test", f"2 1 1 {sha(key(ROOT))}"),
    domain("taname.test", f"2 1 1 {sha(key(ROOT))}"),
    domain("wrong.test", WRONG),
    domain("roll.test", WRONG, f"3 0 2 {hashlib.sha512(der(LEAF)).hexdigest()}"),
    domain("pkix.test", f"1 1 1 {sha(key(LEAF))}"),
    domain("none.test"),
    dataclasses.replace(domain("plain.test", WRONG), signing=None),
    domain("mixed.test", mx="10 mx.ee.test.\n@ MX 20 mx.none.test."),
    domain(
        "stripped.test", RIGHT, signing=Signing(spoil=lambda z: unsign(z, "_25._tcp.mx.stripped.test.", TLSA))
    ),
    domain("expired.test", RIGHT, signing=Signing(begins=-9 * DAY, ends=-2 * DAY)),
    domain("null.test", mx="0 ."),
    dataclasses.replace(domain("outside.test", mx="10 mx.ee.test."), signing=None),
    Domain("many.test", "".join(f"@ MX {number} mx{number}.none.test.\n" for number in range(10, 22))),
    domain("wide.test", RIGHT + "\n" + "".join(f"mx A 127.0.0.{number}\n" for number in range(2, 7))),
    Domain("implicit.test", f"@ A 127.0.0.1\n_25._tcp TLSA {RIGHT}\n"),
]


@pytest.fixture(scope="module")
def lab():
    with tree(*DOMAINS) as made:
        yield made


@pytest.fixture(scope="module")
def mail(tmp_path_factory):
    need("postfix")
    folder = tmp_path_factory.mktemp("keys")
    whole = pki.Pair(LEAF.certificate, LEAF.key, LEAF.chain + pki.pem(ROOT.certificate))
    with postfix(certificate=KeyPair(*whole.write(folder, "leaf"))) as server:
        yield server


def check(lab, name, smtp, /, **params):
    params.setdefault("resolvers", (lab.resolver,))
    return Dane(domain=name, trust_anchor=lab.anchor, smtp_port=smtp, **params)


def run(one):
    async def go():
        shared = Shared()
        try:
            return await one.observe(Vantage(shared, "test", 30))
        finally:
            await shared.close()

    seen = asyncio.run(go())
    stored = jsonable.from_json(DaneSeen, jsonable.to_json(seen))
    findings = list(one.judge(stored))
    assert findings == list(one.judge(seen))
    assert_harmless(findings)
    return findings


def worst(findings):
    order = [S.FAIL, S.INCONCLUSIVE, S.WARN, S.PASS]
    return min((finding.status for finding in findings), key=order.index)


@pytest.mark.parametrize(
    ("name", "optional", "present", "says"),
    [
        ("ee.test", S.PASS, S.PASS, "TLSA 3 1 1"),
        ("ta.test", S.PASS, S.PASS, "TLSA 2 1 1"),
        ("taname.test", S.FAIL, S.FAIL, "do not deliver"),
        ("wrong.test", S.FAIL, S.FAIL, "do not deliver"),
        ("roll.test", S.PASS, S.PASS, "TLSA 3 0 2"),
        ("pkix.test", S.WARN, S.FAIL, "authenticate nobody"),
        ("none.test", S.PASS, S.FAIL, "no TLSA records"),
        ("plain.test", S.PASS, S.FAIL, "not signed"),
        ("mixed.test", S.WARN, S.FAIL, ""),
        ("stripped.test", S.FAIL, S.FAIL, "bogus"),
        ("expired.test", S.FAIL, S.FAIL, "bogus"),
        ("null.test", S.FAIL, S.FAIL, "null MX"),
        ("outside.test", S.PASS, S.FAIL, ""),
        ("implicit.test", S.PASS, S.PASS, "TLSA 3 1 1"),
        ("missing.test", S.FAIL, S.FAIL, "does not exist"),
    ],
)
def test_what_senders_do(lab, mail, name, optional, present, says):
    findings = run(check(lab, name, mail.port))
    assert worst(findings) is optional, findings
    assert any(says in finding.message for finding in findings), findings
    assert worst(run(check(lab, name, mail.port, expect="present"))) is present


def test_planned_hosts_before_the_switch(lab, mail):
    assert worst(run(check(lab, "none.test", mail.port, hosts=("mx.ee.test",), expect="present"))) is S.PASS
    assert worst(run(check(lab, "ee.test", mail.port, hosts=("mx.wrong.test",)))) is S.FAIL


def test_from_the_authoritative_servers(lab, mail):
    where = {"resolvers": (), "roots": lab.roots, "port": lab.port}
    assert worst(run(check(lab, "ee.test", mail.port, expect="present", **where))) is S.PASS
    assert worst(run(check(lab, "wrong.test", mail.port, **where))) is S.FAIL


def test_what_is_left_out_is_said(lab):
    findings = run(check(lab, "many.test", free_port()))
    assert any("2 mail hosts were not looked at" in one.message for one in findings)
    (wide,) = [one for one in run(check(lab, "wide.test", free_port())) if "were not tried" in one.message]
    assert (wide.status, wide.message[:1]) == (S.INCONCLUSIVE, "2")


def test_the_record_to_publish_is_told(lab, mail):
    findings = run(check(lab, "wrong.test", mail.port))
    assert RIGHT in next(finding.fix for finding in findings if finding.status is S.FAIL)


def test_port_25_closed_from_here_proves_nothing(lab):
    findings = run(check(lab, "ee.test", free_port()))
    assert worst(findings) is S.INCONCLUSIVE
    assert "25" in findings[0].fix


def test_a_server_without_starttls_gets_no_mail(lab, mail):
    certificate = mail.setting.certificate
    mail.change(certificate=None)
    try:
        findings = run(check(lab, "ee.test", mail.port))
        assert worst(findings) is S.FAIL
        assert "does not offer TLS" in findings[0].message
        assert worst(run(check(lab, "none.test", mail.port))) is S.PASS
    finally:
        mail.change(certificate=certificate)


def relayed(lab, fails):
    """Resolve as the lab's resolver does, and answer SERVFAIL where `fails` says so."""

    def answer(query):
        asked = dns.message.from_wire(query)
        question = asked.question[0]
        if fails(question.name.to_text(), question.rdtype):
            made = dns.message.make_response(asked)
            made.set_rcode(2)
            return made.to_wire()
        port = int(lab.resolver.partition(":")[2])
        return dns.query.tcp(asked, "127.0.0.1", port=port, timeout=10).to_wire()

    return scripted(udp=answer, tcp=framed(answer))


def test_a_failing_tlsa_of_an_unsigned_zone_means_nothing(lab, mail):
    """As below Microsoft's unsigned zone: TLSA, and even AAAA, answer SERVFAIL."""
    with relayed(lab, lambda name, kind: kind in (TLSA, 28)) as port:
        findings = run(check(lab, "plain.test", mail.port, resolvers=(f"127.0.0.1:{port}",)))
    assert worst(findings) is S.PASS


def test_a_failing_tlsa_of_a_signed_zone_is_no_absence(lab, mail):
    with relayed(lab, lambda name, kind: kind == TLSA) as port:
        for name in ("ee.test", "none.test"):
            findings = run(check(lab, name, mail.port, resolvers=(f"127.0.0.1:{port}",)))
            assert worst(findings) is S.INCONCLUSIVE
            assert "hold mail back" in findings[0].message


def test_no_proof_that_the_zone_is_unsigned_is_no_pass(lab, mail):
    with relayed(lab, lambda name, kind: kind == 43) as port:
        findings = run(check(lab, "plain.test", mail.port, resolvers=(f"127.0.0.1:{port}",)))
    assert worst(findings) is S.INCONCLUSIVE


def tlsa(usage, selector, matching, data):
    return read_tlsa((f"{usage} {selector} {matching} {data.hex()}",))


def digest(data, matching):
    return data if matching == 0 else (hashlib.sha256 if matching == 1 else hashlib.sha512)(data).digest()


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize(
    ("usage", "pair", "good"),
    [(3, LEAF, True), (3, MIDDLE, False), (3, ROOT, False), (2, ROOT, True), (2, MIDDLE, True)],
)
def test_every_way_to_match(usage, pair, good, selector, matching):
    data = digest(der(pair) if selector == 0 else key(pair), matching)
    (record,) = records = tlsa(usage, selector, matching, data)
    assert not record.unusable
    assert digest_of(record, der(pair)) == data
    assert (match(records, CHAIN, NAMES[:1], NOW).by == record) is good
    other = digest(b"x" + data, matching)
    assert match(tlsa(usage, selector, matching, other), CHAIN, NAMES[:1], NOW).by is None


def test_an_anchor_asks_for_name_date_and_chain():
    records = tlsa(2, 1, 1, hashlib.sha256(key(ROOT)).digest())
    assert match(records, CHAIN, ("mx.other.test", NAMES[1]), NOW).by
    assert "not for" in match(records, CHAIN, ("mx.other.test",), NOW).why
    assert "out of date" in match(records, CHAIN, NAMES, NOW + timedelta(days=400)).why
    assert "must send its anchor" in match(records, CHAIN[:2], NAMES, NOW).why
    stranger = pki.make(NAMES[0], by=pki.make("Stranger", authority=True), names=NAMES)
    assert "does not lead" in match(records, [der(stranger), der(MIDDLE), der(ROOT)], NAMES, NOW).why
    powerless = pki.make("No authority", by=ROOT)
    below = pki.make(NAMES[0], by=powerless, names=NAMES)
    assert "no authority" in match(records, [der(below), der(powerless), der(ROOT)], NAMES, NOW).why
    full = tlsa(2, 0, 0, der(ROOT))
    assert match(full, CHAIN[:2], NAMES, NOW).by, "the record itself holds the anchor"


def test_the_end_entity_s_date_and_name_do_not_count():
    old = pki.make("whatever", names=("whatever.test",), end=-5)
    records = tlsa(3, 1, 1, hashlib.sha256(key(old)).digest())
    assert match(records, [der(old)], ("mx.ee.test",), NOW).by


@pytest.mark.parametrize(
    "text",
    ["0 1 1 " + "ab" * 32, "1 0 1 " + "ab" * 32, "4 1 1 " + "ab" * 32, "3 2 1 " + "ab" * 32,
     "3 1 3 " + "ab" * 32, "3 1 1 " + "ab" * 31, "3 1 2 " + "ab" * 32, "3 1 1 a", "3 1 1", "", "x"],
)  # fmt: skip
def test_records_that_cannot_be_used(text):
    (record,) = records = read_tlsa((text,))
    assert record.unusable
    assert match(records, CHAIN, NAMES, NOW).by is None


@given(st.lists(st.binary(max_size=200), max_size=3), st.text(max_size=60))
def test_any_certificate_and_record_is_read(chain, text):
    records = (*read_tlsa((text, RIGHT, WRONG, f"2 1 1 {'cd' * 32}")), *tlsa(2, 0, 0, b"\0" * 40))
    assert match(records, chain, NAMES, NOW).by is None


@given(st.data())
def test_a_changed_certificate_never_matches_its_digest(data):
    """Below an anchor only what is signed counts: the bytes around it may be written in other ways."""
    spoilt = bytearray(CHAIN[0])
    at = data.draw(st.integers(0, len(spoilt) - 1))
    spoilt[at] ^= data.draw(st.integers(1, 255))
    chain = [bytes(spoilt), *CHAIN[1:]]
    assert match(tlsa(3, 0, 1, hashlib.sha256(CHAIN[0]).digest()), chain, NAMES, NOW).by is None
    signed = x509.load_der_x509_certificate(CHAIN[0]).tbs_certificate_bytes
    begin = CHAIN[0].index(signed)
    if begin <= at < begin + len(signed):
        anchor = tlsa(2, 1, 1, hashlib.sha256(key(ROOT)).digest())
        assert match(anchor, chain, NAMES, NOW).by is None
