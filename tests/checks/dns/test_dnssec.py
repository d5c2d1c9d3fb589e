"""Is the chain of trust whole: what would make it lie first, then real zones and resolvers that lie."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from datetime import timedelta

import dns.flags
import dns.message
import dns.query
import dns.rdata
import dns.rdatatype as rt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks import jsonable
from checks.contract import Status
from checks.dns.dnssec import AskedRecord, Dnssec, DnssecSeen
from checks.vantage import Shared, Vantage
from checks.wire.dnssec_fetch import Opinion
from checks.wire.dnssec_reply import Reply
from tests.checks.hostile import assert_harmless
from tests.checks.wire.dns_servers import framed, free_port, scripted
from tests.lab.signed import Domain, Signing, make_key, tree, unbound
from tests.lab.signed_zone import DAY, ECDSA, add, colliding, unsign, zone_name

S = Status
MAIL = "@ MX 10 mail\nmail A 127.0.0.1\n"


def crowded(zone):
    """Spoil a zone: many keys with the tag of the one that signs, and a signature that fits none of them."""
    right = zone.find_rdataset(zone.origin, rt.DNSKEY)[0]
    tag = zone.find_rdataset(zone.origin, rt.RRSIG, rt.MX)[0].key_tag
    body = colliding(tag)
    words = [body[n : n + 2] for n in range(0, 64, 2)]
    for turn in range(1, 12):
        key = b"".join(words[turn:] + words[:turn])
        add(zone, zone.origin, [right.replace(key=key, flags=256)])
    signature = zone.find_rdataset(zone.origin, rt.RRSIG, rt.MX)[0]
    unsign(zone, str(zone.origin), rt.MX)
    add(zone, zone.origin, [signature.replace(signature=bytes(64))])
    key = CROWDED.keys[0]
    unsign(zone, str(zone.origin), rt.DNSKEY)
    rdataset = zone.find_rdataset(zone.origin, rt.DNSKEY)
    add(zone, zone.origin, [CROWDED.signature(zone.origin, rdataset, zone.origin, key)])


CROWDED = Signing(spoil=crowded)
DOMAINS = [
    Domain("good.test", MAIL + "*.wild A 127.0.0.9\nreal.wild A 127.0.0.1\n"),
    Domain("plain.test", MAIL, None),
    Domain("soon.test", MAIL, Signing(begins=-12 * DAY, ends=DAY)),
    Domain("brief.test", MAIL, Signing(begins=-DAY, ends=DAY)),
    Domain("expired.test", MAIL, Signing(begins=-9 * DAY, ends=-2 * DAY)),
    Domain("future.test", MAIL, Signing(begins=2 * DAY, ends=9 * DAY)),
    Domain("badds.test", MAIL, ds=[make_key().ds("badds.test")]),
    Domain("nosig.test", MAIL, Signing(spoil=lambda zone: unsign(zone, "nosig.test.", rt.MX))),
    Domain("unknown.test", MAIL, ds=[dns.rdata.from_text("IN", "DS", "12345 99 2 " + "AB" * 32)]),
    Domain("hashing.test", MAIL, Signing(nsec3=True, iterations=151)),
    Domain("crowded.test", MAIL, CROWDED),
]


@pytest.fixture(scope="module")
def lab():
    with tree(*DOMAINS) as made:
        yield made


def check(lab, domain="good.test", **params):
    params.setdefault("resolvers", (lab.resolver,))
    params.setdefault("trust_anchor", lab.anchor)
    return Dnssec(domain=domain, **params)


def observed(one, allowance=None):
    async def go():
        shared = Shared()
        try:
            return await one.observe(Vantage(shared, "test", allowance or one.allowance()))
        finally:
            await shared.close()

    return asyncio.run(go())


def judged(one, seen):
    stored = jsonable.from_json(DnssecSeen, jsonable.to_json(seen))
    findings = list(one.judge(stored))
    assert findings == list(one.judge(seen))
    assert_harmless(findings)
    return findings


def run(one, allowance=None):
    return judged(one, observed(one, allowance))


def worst(findings):
    order = [S.FAIL, S.INCONCLUSIVE, S.WARN, S.PASS]
    return min((finding.status for finding in findings), key=order.index)


@pytest.mark.parametrize("ways", ["resolver", "authority"])
@pytest.mark.parametrize(
    ("domain", "expect", "status", "says"),
    [
        ("good.test", "secure", S.PASS, "whole"),
        ("good.test", "insecure", S.FAIL, "remove the DS"),
        ("plain.test", "secure", S.FAIL, "no DS"),
        ("plain.test", "insecure", S.PASS, "as planned"),
        ("brief.test", "secure", S.PASS, "whole"),
        ("soon.test", "secure", S.WARN, "still holds"),
        ("expired.test", "secure", S.FAIL, "expired"),
        ("expired.test", "insecure", S.FAIL, "expired"),
        ("badds.test", "secure", S.FAIL, "fits none of the zone's keys"),
        ("badds.test", "insecure", S.FAIL, "fits none of the zone's keys"),
        ("nosig.test", "secure", S.FAIL, "without a signature"),
        ("nosig.test", "insecure", S.FAIL, "without a signature"),
        ("unknown.test", "secure", S.FAIL, "only algorithms that resolvers do not know"),
        ("unknown.test", "insecure", S.PASS, "as planned"),
        ("crowded.test", "secure", S.FAIL, "more keys or signatures than any resolver tries"),
    ],
)
def test_real_zones(lab, ways, domain, expect, status, says):
    where = {"resolvers": (), "roots": lab.roots, "port": lab.port} if ways == "authority" else {}
    findings = run(check(lab, domain, expect=expect, **where))
    assert worst(findings) is status, findings
    assert any(says in f"{f.message} {f.fix}" for f in findings if f.status is status), findings
    assert not any(
        finding.status is S.PASS for finding in findings if status is S.FAIL and len(findings) == 1
    )


def test_too_much_hashing_proves_nothing(lab):
    records = (AskedRecord(name="hashing.test", rdtype="TXT"),)
    assert worst(run(check(lab, "hashing.test", records=records))) is S.FAIL
    assert worst(run(check(lab, "hashing.test", records=records, expect="insecure"))) is S.INCONCLUSIVE


@pytest.mark.parametrize("name", ["missing.test", "missing.good.test", "missing.plain.test", "missing"])
@pytest.mark.parametrize("expect", ["secure", "insecure"])
def test_a_name_that_does_not_exist_is_not_secured(lab, name, expect):
    findings = run(check(lab, name, expect=expect))
    assert worst(findings) is S.FAIL
    assert any("does not exist" in finding.message for finding in findings)


def test_a_listed_record_that_is_not_there(lab):
    records = (AskedRecord(name="good.test", rdtype="MX"), AskedRecord(name="good.test", rdtype="TXT"))
    findings = run(check(lab, records=records))
    assert [(f.subject, f.status) for f in findings[:2]] == [
        ("good.test MX", S.PASS),
        ("good.test TXT", S.WARN),
    ]


def test_a_chain_is_only_as_good_as_its_anchor(lab):
    wrong = (f". DS {make_key().ds('.').to_text()}",)
    (finding, *_) = run(check(lab, trust_anchor=wrong))
    assert finding.status is S.FAIL
    assert "trust_anchor" in finding.fix


def test_a_signature_in_the_future_may_be_this_laptop_s_clock(lab):
    one = check(lab, "future.test")
    seen = observed(one)
    assert worst(judged(one, seen)) is S.FAIL, "unbound refuses it too, by its own clock"
    alone = dataclasses.replace(seen, opinions=())
    (finding,) = judged(one, alone)
    assert finding.status is S.INCONCLUSIVE
    assert "clock" in finding.message


@pytest.mark.parametrize("days", [-30, 30])
def test_a_wrong_clock_is_not_held_against_the_domain(lab, days):
    one = check(lab)
    seen = observed(one)
    (finding,) = judged(one, dataclasses.replace(seen, at=seen.at + timedelta(days=days)))
    assert finding.status is S.INCONCLUSIVE
    assert "clock" in finding.message


def test_expired_stays_a_failure_without_a_second_opinion(lab):
    one = check(lab, "expired.test")
    seen = dataclasses.replace(observed(one), opinions=())
    assert worst(judged(one, seen)) is S.FAIL


def relayed(port, change):
    """Answer as the resolver on `port` does, after `change` was made to its reply."""

    def answer(query):
        asked = dns.message.from_wire(query)
        reply = dns.query.tcp(asked, "127.0.0.1", port=port, timeout=10)
        changed = change(asked, reply)
        if changed is None:
            return None
        wire = changed.to_wire()
        if len(wire) > 1232:
            changed.answer, changed.authority, changed.additional = [], [], []
            changed.flags |= dns.flags.TC
            return changed.to_wire()
        return wire

    def whole(query):
        asked = dns.message.from_wire(query)
        changed = change(asked, dns.query.tcp(asked, "127.0.0.1", port=port, timeout=10))
        return b"" if changed is None else changed.to_wire()

    return scripted(udp=answer, tcp=framed(whole))


def strip(asked, reply):
    """Leave every signature and proof out, as a home router may."""
    kinds = (rt.RRSIG, rt.NSEC, rt.NSEC3)
    for section in (reply.answer, reply.authority):
        section[:] = [rrset for rrset in section if rrset.rdtype not in kinds]
    reply.flags &= ~dns.flags.AD
    return reply


def without_ds(asked, reply):
    """Say that there is no DS, without a proof."""
    if asked.question[0].rdtype == rt.DS:
        reply.answer.clear()
        reply.authority.clear()
    return strip(asked, reply) if asked.question[0].rdtype == rt.DS else reply


def vouching(asked, reply):
    """Strip everything and set AD."""
    reply = strip(asked, reply)
    reply.flags |= dns.flags.AD
    return reply


def failing(asked, reply):
    """Fail for every DS."""
    if asked.question[0].rdtype == rt.DS:
        reply.answer.clear()
        reply.authority.clear()
        reply.set_rcode(2)
    return reply


def silent(asked, reply):
    """Say nothing."""
    return


def denying(asked, reply):
    """Take the parent's proof for one name as the proof for another."""
    if asked.question[0].rdtype == rt.DS and asked.question[0].name == zone_name("good.test"):
        other = dns.message.make_query("plain.test", "DS", want_dnssec=True)
        other.flags |= dns.flags.CD
        found = dns.query.tcp(other, "127.0.0.1", port=denying.port, timeout=10)
        reply.answer.clear()
        reply.authority[:] = found.authority
    return reply


@pytest.mark.parametrize("domain", ["good.test", "plain.test"])
@pytest.mark.parametrize("expect", ["secure", "insecure"])
@pytest.mark.parametrize("lie", [strip, without_ds, vouching, failing, silent, denying])
def test_a_resolver_that_keeps_back_or_lies_proves_nothing(lab, lie, expect, domain):
    port = int(lab.resolver.partition(":")[2])
    denying.port = port
    with relayed(port, lie) as liar:
        one = check(lab, domain, expect=expect, resolvers=(f"127.0.0.1:{liar}",))
        findings = run(one, allowance=4 if lie is silent else None)
    status = worst(findings)
    if lie is denying and domain == "plain.test":
        assert status is (S.PASS if expect == "insecure" else S.FAIL)
    elif lie is denying:
        assert status is S.FAIL, findings
        assert "proof" in findings[0].message
    else:
        assert status is S.INCONCLUSIVE, findings
        assert all(finding.status is S.INCONCLUSIVE for finding in findings)


def expanding(asked, reply):
    """Give the wildcard's signed address for a name that has one of its own."""
    if asked.question[0].name == zone_name("real.wild.good.test"):
        other = dns.message.make_query("x.wild.good.test", "A", want_dnssec=True)
        other.flags |= dns.flags.CD
        found = dns.query.tcp(other, "127.0.0.1", port=denying.port, timeout=10)
        for rrset in found.answer:
            rrset.name = asked.question[0].name
        reply.answer[:], reply.authority[:] = found.answer, found.authority
    return reply


def test_a_wildcard_does_not_stand_for_a_name_that_is_there(lab):
    denying.port = int(lab.resolver.partition(":")[2])
    with relayed(denying.port, expanding) as liar:
        for name, status in (("x.wild.good.test", S.PASS), ("real.wild.good.test", S.FAIL)):
            records = (AskedRecord(name=name, rdtype="A"),)
            findings = run(check(lab, records=records, resolvers=(f"127.0.0.1:{liar}",)))
            assert worst(findings) is status, findings


def test_another_resolver_may_still_prove_it(lab):
    port = int(lab.resolver.partition(":")[2])
    with relayed(port, strip) as liar:
        findings = run(check(lab, resolvers=(f"127.0.0.1:{liar}", lab.resolver)))
    assert worst(findings) is S.PASS


def test_a_dead_resolver_says_nothing(lab):
    findings = run(check(lab, resolvers=(f"127.0.0.1:{free_port()}",)))
    assert worst(findings) is S.INCONCLUSIVE
    assert worst(
        run(check(lab, "plain.test", expect="insecure", resolvers=(f"127.0.0.1:{free_port()}",)))
    ) is (S.INCONCLUSIVE)


def test_a_resolver_that_finds_it_bogus_is_named(lab):
    stale = dataclasses.replace(lab, anchor=(f". DS {make_key().ds('.').to_text()}",))
    with unbound(stale) as refusing:
        findings = run(check(lab, resolvers=(lab.resolver, refusing)))
    failing_ = [finding for finding in findings if finding.status is S.FAIL]
    assert [finding.subject for finding in failing_] == [refusing]
    assert "trust anchor" in failing_[0].fix


def test_vouching_for_the_unsigned_is_doubted(lab):
    one = check(lab, "plain.test", expect="insecure")
    seen = observed(one)
    opinions = (Opinion(server="192.0.2.53", name="plain.test", rdtype="MX", rcode="NOERROR", ad=True),)
    assert worst(judged(one, dataclasses.replace(seen, opinions=opinions))) is S.WARN


def test_nothing_seen_is_nothing_said(lab):
    one = check(lab)
    seen = observed(one)
    assert list(one.judge(dataclasses.replace(seen, paths=()))) == []


@pytest.fixture(scope="module")
def evidence(lab):
    """Return, for a secure, an unsigned and a broken domain, what was seen."""
    return {name: observed(check(lab, name)) for name in ("good.test", "plain.test", "badds.test")}


def words(one, seen):
    return {finding.status for finding in one.judge(seen) if finding.status in (S.PASS, S.FAIL)}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_loss_or_change_of_evidence_proves_another_thing(lab, evidence, data):
    """Whatever is dropped, swapped or flipped: never unsigned where it is signed, never whole where not."""
    domain = data.draw(st.sampled_from(sorted(evidence)))
    seen = evidence[domain]
    replies = list(seen.paths[0].replies)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(replies) - 1))
        reply = replies[at]
        kind = data.draw(st.sampled_from(["drop", "flip", "cut", "swap", "rcode"]))
        wire = bytearray(reply.wire)
        if kind == "flip" and len(wire) > 12:
            place = data.draw(st.integers(12, len(wire) - 1))
            wire[place] ^= data.draw(st.integers(1, 255))
        elif kind == "cut":
            wire = wire[: data.draw(st.integers(0, len(wire)))]
        elif kind == "swap":
            other = data.draw(st.sampled_from(replies))
            wire = bytearray(other.wire)
        changed = dataclasses.replace(reply, wire=b"" if kind == "drop" else bytes(wire))
        if kind == "rcode":
            changed = dataclasses.replace(
                changed, rcode=data.draw(st.sampled_from(["NXDOMAIN", "SERVFAIL", ""]))
            )
        replies[at] = changed
    path = dataclasses.replace(seen.paths[0], replies=tuple(replies))
    told = dataclasses.replace(seen, paths=(path,), opinions=())
    as_secure = list(check(lab, domain, expect="secure").judge(told))
    as_insecure = list(check(lab, domain, expect="insecure").judge(told))
    assert_harmless([*as_secure, *as_insecure])
    if domain != "good.test":
        assert not any(finding.message == "The chain of trust is whole." for finding in as_secure)
    if domain != "plain.test":
        assert not any(finding.status is S.PASS for finding in as_insecure)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(wires=st.lists(st.binary(max_size=300), min_size=1, max_size=8))
def test_rubbish_is_inconclusive(lab, evidence, wires):
    seen = evidence["good.test"]
    replies = tuple(
        Reply(name=reply.name, rdtype=reply.rdtype, server="s", rcode="NOERROR", wire=wires[n % len(wires)])
        for n, reply in enumerate(seen.paths[0].replies)
    )
    path = dataclasses.replace(seen.paths[0], replies=replies)
    told = dataclasses.replace(seen, paths=(path,), opinions=())
    findings = list(check(lab).judge(told))
    assert_harmless(findings)
    assert worst(findings) is not S.PASS


def test_a_flood_of_keys_and_signatures_takes_no_time(lab, evidence):
    """Each reply made as large and as costly as a message allows (CVE-2023-50387, CVE-2023-50868)."""
    seen = evidence["good.test"]
    heavy = []
    for reply in seen.paths[0].replies:
        message = dns.message.from_wire(reply.wire)
        for rrset in (*message.answer, *message.authority):
            first = rrset[0]
            for number in range(60):
                if rrset.rdtype == rt.DNSKEY:
                    rrset.add(first.replace(key=number.to_bytes(2, "big") * 200))
                elif rrset.rdtype == rt.RRSIG:
                    rrset.add(first.replace(signature=number.to_bytes(1, "big") * 64))
                elif rrset.rdtype == rt.DS:
                    rrset.add(first.replace(digest=number.to_bytes(1, "big") * 32))
        heavy.append(dataclasses.replace(reply, wire=message.to_wire(max_size=65535)))
    path = dataclasses.replace(seen.paths[0], replies=tuple(heavy))
    began = time.process_time()
    findings = list(check(lab).judge(dataclasses.replace(seen, paths=(path,), opinions=())))
    assert time.process_time() - began < 3
    assert worst(findings) is not S.PASS


@pytest.mark.parametrize(
    ("anchor", "says"),
    [
        (("nonsense",), "DS or DNSKEY"),
        ((". DS 1 13 2 zz",), "cannot be read"),
        (("other.test. DS 1 13 2 " + "AB" * 32,), "not below"),
        ((". DS 1 13 2 " + "AB" * 32, "test. DS 1 13 2 " + "AB" * 32), "different zones"),
    ],
)
def test_anchors_that_are_none(anchor, says):
    with pytest.raises(ValueError, match=says):
        Dnssec(domain="good.test", trust_anchor=anchor)


def test_the_shipped_anchors_are_those_of_the_root():
    from checks.wire.dnssec_anchors import read_anchors

    found = read_anchors(())
    assert found.zone.to_text() == "."
    assert [(one.key_tag, one.algorithm, one.digest_type) for one in found.records] == [
        (20326, 8, 2),
        (38696, 8, 2),
    ]


def test_the_root_s_own_key_of_2017_fits_its_anchor():
    """The DNSKEY as published since 2018 hashes to the digest that is shipped."""
    from checks.wire.dnssec_anchors import read_anchors, vouches

    key = dns.rdata.from_text(
        "IN", "DNSKEY",
        "257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN"
        "7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8"
        "efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLY"
        "A4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=",
    )  # fmt: skip
    anchors = read_anchors(())
    assert [vouches(anchors.zone, one, key, 20326) for one in anchors.records] == [True, False]
    assert ECDSA == 13
