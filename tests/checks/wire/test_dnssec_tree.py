"""The walk down a real signed tree: each zone right or wrong in one way, and unbound as second opinion."""

from __future__ import annotations

import asyncio
import time

import dns.rdata
import dns.rdatatype as rt
import pytest

from checks.vantage import Shared, Vantage
from checks.wire.dns import Dns
from checks.wire.dnssec_anchors import read_anchors
from checks.wire.dnssec_fetch import Authority, Walk, opinion, through
from tests.lab.signed import Domain, Signing, make_key, tree
from tests.lab.signed_zone import DAY, RSA, add, unsign

MAIL = "@ MX 10 mail\nmail A 127.0.0.1\n"


def without(rdtype, at=""):
    """Spoil a zone by taking signatures away."""
    return lambda zone: unsign(zone, f"{at}{zone.origin}", rdtype)


def by_another(rdtype):
    """Spoil a zone by a signature of another key that claims the tag of the right one."""

    def spoil(zone):
        at = zone.origin
        right = zone.find_rdataset(at, rt.RRSIG, rdtype)[0]
        wrong = Signing(keys=[make_key()])
        made = wrong.signature(at, zone.find_rdataset(at, rdtype), at, wrong.keys[0])
        zone.delete_rdataset(at, rt.RRSIG, rdtype)
        add(zone, at, [made.replace(key_tag=right.key_tag)])

    return spoil


def uncovering(zone):
    """Spoil a zone: each of its NSEC records is replaced by one that covers next to nothing, well signed."""
    signing = SIGNINGS["uncovered"]
    for at in list(zone.nodes):
        if zone.get_rdataset(at, rt.NSEC):
            zone.delete_rdataset(at, rt.NSEC)
            zone.delete_rdataset(at, rt.RRSIG, rt.NSEC)
            made = dns.rdata.from_text("IN", "NSEC", f"\\000.{at} NS SOA MX RRSIG NSEC DNSKEY")
            add(zone, at, [made])
            key = signing.keys[0]
            add(zone, at, [signing.signature(at, zone.find_rdataset(at, rt.NSEC), zone.origin, key)])


def wrong_hash(zone):
    """Spoil a zone: its NSEC3 records are moved to hashes of nothing, well signed."""
    signing = SIGNINGS["hashless"]
    for number, at in enumerate([one for one in zone.nodes if zone.get_rdataset(one, rt.NSEC3)]):
        data = zone.find_rdataset(at, rt.NSEC3)[0]
        zone.delete_node(at)
        name = dns.name.Name((b"0" * 31 + b"%d" % (number % 10), *zone.origin.labels))
        add(zone, name, [data.replace(next=bytes(19) + bytes([number + 100]))])
        made = zone.find_rdataset(name, rt.NSEC3)
        add(zone, name, [signing.signature(name, made, zone.origin, signing.keys[0])])


ROLLED = [make_key(), make_key()]
UNKNOWN = "12345 99 2 " + "AB" * 32
SIGNINGS = {
    "uncovered": Signing(spoil=uncovering),
    "hashless": Signing(nsec3=True, spoil=wrong_hash),
}
DOMAINS = [
    Domain(
        "good.test",
        MAIL + "alias CNAME mail\nout CNAME mail.plain.test.\n*.wild A 127.0.0.9\na.b A 127.0.0.1\n",
    ),
    Domain("rsa.test", MAIL, Signing(keys=[make_key(RSA)])),
    Domain("split.test", MAIL, Signing(keys=[make_key(), make_key(flags=256)])),
    Domain(
        "nsec3.test",
        MAIL + "*.wild A 127.0.0.9\na.b A 127.0.0.1\n",
        Signing(nsec3=True, salt=b"\xab\xcd", iterations=3),
    ),
    Domain("optout.test", MAIL, Signing(nsec3=True, opt_out=True)),
    Domain("child.optout.test", MAIL, None),
    Domain("sub.good.test", MAIL),
    Domain("bare.good.test", MAIL, None),
    Domain("plain.test", MAIL, None),
    Domain("nods.test", MAIL, ds=[]),
    Domain("unknown.test", MAIL, ds=[dns.rdata.from_text("IN", "DS", UNKNOWN)]),
    Domain("digest.test", MAIL, ds=[dns.rdata.from_text("IN", "DS", "12345 13 99 " + "AB" * 32)]),
    Domain("rolled.test", MAIL, Signing(keys=ROLLED[:1]), ds=[key.ds("rolled.test") for key in ROLLED]),
    Domain("expired.test", MAIL, Signing(begins=-9 * DAY, ends=-2 * DAY)),
    Domain("future.test", MAIL, Signing(begins=2 * DAY, ends=9 * DAY)),
    Domain("badds.test", MAIL, ds=[make_key().ds("badds.test")]),
    Domain("nokey.test", MAIL, None, ds=[make_key().ds("nokey.test")]),
    Domain("nosig.test", MAIL, Signing(spoil=without(rt.MX))),
    Domain("tag.test", MAIL, Signing(spoil=by_another(rt.MX))),
    Domain("uncovered.test", MAIL, SIGNINGS["uncovered"]),
    Domain("hashless.test", MAIL, SIGNINGS["hashless"]),
    Domain("hashing.test", MAIL, Signing(nsec3=True, iterations=151)),
    Domain("dname.test", MAIL + "old DNAME new\nmail.new A 127.0.0.1\n"),
]

SECURE, INSECURE, BOGUS = "secure", "insecure", "bogus"
CASES = [
    ("good.test", "SOA", SECURE, "", "found"),
    ("good.test", "MX", SECURE, "", "found"),
    ("good.test", "TXT", SECURE, "", "no data"),
    ("good.test", "DS", SECURE, "", "found"),
    ("good.test", "DNSKEY", SECURE, "", "found"),
    ("none.good.test", "A", SECURE, "", "no such name"),
    ("b.good.test", "A", SECURE, "", "no data"),
    ("x.wild.good.test", "A", SECURE, "", "found"),
    ("x.wild.good.test", "TXT", SECURE, "", "no data"),
    ("alias.good.test", "A", SECURE, "", "found"),
    ("alias.good.test", "TXT", SECURE, "", "no data"),
    ("out.good.test", "A", INSECURE, "no DS", "found"),
    ("sub.good.test", "MX", SECURE, "", "found"),
    ("bare.good.test", "MX", INSECURE, "no DS", "found"),
    ("mail.bare.good.test", "A", INSECURE, "no DS", "found"),
    ("none.bare.good.test", "A", INSECURE, "no DS", "no such name"),
    ("bare.good.test", "DS", SECURE, "", "no data"),
    ("rsa.test", "MX", SECURE, "", "found"),
    ("split.test", "MX", SECURE, "", "found"),
    ("nsec3.test", "MX", SECURE, "", "found"),
    ("nsec3.test", "TXT", SECURE, "", "no data"),
    ("none.nsec3.test", "A", SECURE, "", "no such name"),
    ("b.nsec3.test", "A", SECURE, "", "no data"),
    ("x.wild.nsec3.test", "A", SECURE, "", "found"),
    ("x.wild.nsec3.test", "TXT", SECURE, "", "no data"),
    ("optout.test", "MX", SECURE, "", "found"),
    ("optout.test", "TXT", SECURE, "", "no data"),
    ("none.optout.test", "A", INSECURE, "opt-out", "no such name"),
    ("child.optout.test", "MX", INSECURE, "opt-out", "found"),
    ("plain.test", "MX", INSECURE, "no DS", "found"),
    ("nods.test", "MX", INSECURE, "no DS", "found"),
    ("unknown.test", "MX", INSECURE, "unsupported algorithm", "found"),
    ("digest.test", "MX", INSECURE, "unsupported algorithm", "found"),
    ("rolled.test", "MX", SECURE, "", "found"),
    ("expired.test", "MX", BOGUS, "expired", None),
    ("future.test", "MX", BOGUS, "not yet valid", None),
    ("badds.test", "MX", BOGUS, "DS without matching DNSKEY", None),
    ("nokey.test", "MX", BOGUS, "DS without matching DNSKEY", None),
    ("nosig.test", "MX", BOGUS, "missing RRSIG", None),
    ("nosig.test", "SOA", SECURE, "", "found"),
    ("tag.test", "MX", BOGUS, "signature does not verify", None),
    ("uncovered.test", "MX", SECURE, "", "found"),
    ("none.uncovered.test", "A", BOGUS, "no proof of absence", None),
    ("hashless.test", "MX", SECURE, "", "found"),
    ("none.hashless.test", "A", BOGUS, "no proof of absence", None),
    ("hashing.test", "MX", SECURE, "", "found"),
    ("none.hashing.test", "A", INSECURE, "iterations", None),
    ("mail.old.dname.test", "A", SECURE, "", "found"),
    ("none.test", "A", SECURE, "", "no such name"),
]  # fmt: skip


@pytest.fixture(scope="module")
def signed_tree():
    with tree(*DOMAINS) as made:
        yield made


@pytest.fixture(scope="module")
def said(signed_tree):
    """Return, for each case, the verdict by either way, that of the replay, and unbound's opinion."""

    async def go():
        shared = Shared()
        vantage = Vantage(shared, "test", 60)
        client = await vantage.client(Dns)
        anchors, now = read_anchors(signed_tree.anchor), int(time.time())
        found = {}
        for name, rdtype, *_ in CASES:
            ways = {}
            for label, ask in (
                ("resolver", through(vantage, client, signed_tree.resolver)),
                ("authority", Authority(vantage, client, signed_tree.roots, signed_tree.port).ask),
            ):
                walk = Walk(label, ask, anchors, now)
                await walk.ahead(name, [(name, rdtype)])
                ways[label] = await walk.verdict(name, rdtype)
                again = walk.path().verdicts(anchors, now, [(name, rdtype)])[1]
                assert again[name, rdtype] == ways[label]
            ways["unbound"] = await opinion(vantage, client, signed_tree.resolver, name, rdtype)
            found[name, rdtype] = ways
        await shared.close()
        return found

    return asyncio.run(go())


@pytest.mark.parametrize(("name", "rdtype", "word", "reason", "outcome"), CASES)
def test_the_walk(said, name, rdtype, word, reason, outcome):
    for way in ("resolver", "authority"):
        verdict = said[name, rdtype][way]
        assert (verdict.word, verdict.reason) == (word, reason), (way, verdict)
        if outcome is not None:
            assert verdict.outcome == outcome, (way, verdict)


@pytest.mark.parametrize(("name", "rdtype", "word"), [case[:3] for case in CASES])
def test_unbound_agrees(said, name, rdtype, word):
    opinion = said[name, rdtype]["unbound"]
    if word == SECURE:
        assert opinion.ad, opinion
    elif word == BOGUS:
        assert opinion.refused, opinion
    else:
        assert opinion.rcode in ("NOERROR", "NXDOMAIN"), opinion
        assert not opinion.ad, opinion
