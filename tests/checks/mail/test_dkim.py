"""mail.dkim against a real name space, and against servers that fail."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from checks.mail.dkim import Dkim
from checks.words import Status, worst
from tests.checks.hostile import ESCAPES
from tests.checks.mail.root_zone import judged, run, unbound, world
from tests.checks.wire.dns_servers import answering, free_port, scripted

P, W, F, Q = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE


def made(bits):
    public = rsa.generate_private_key(65537, bits).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(public.public_bytes(serialization.Encoding.DER, form)).decode()


def txt(text):
    return " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))


STRONG, OTHER, WEAK = (f"v=DKIM1; k=rsa; p={made(bits)}" for bits in (2048, 2048, 1024))
RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw
ED = base64.b64encode(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*RAW)).decode()
NEW = "selector{}-contoso-com._domainkey.contoso.r-v1.dkim.mail.microsoft"
OLD = "selector{}-contoso-com._domainkey.contoso.onmicrosoft.com"
FORMER = "selector1-contoso-com._domainkey.formertenant.onmicrosoft.com"


def cname(domain, first, second=None):
    """Return the two CNAME records of `domain`."""
    lines = [f"selector1._domainkey.{domain}. CNAME {first}."]
    return "\n".join(lines + ([f"selector2._domainkey.{domain}. CNAME {second}."] if second else [])) + "\n"


ZONE = (
    f"{NEW.format(1)}. TXT {txt(STRONG)}\n{NEW.format(2)}. TXT {txt(OTHER)}\n"
    f"{OLD.format(1)}. TXT {txt(WEAK)}\n{FORMER}. TXT {txt(STRONG)}\n"
    + cname("both.test", NEW.format(1), NEW.format(2))
    + cname("waiting.test", NEW.format(1), OLD.format(2))
    + cname("off.test", OLD.format(2), "selector2-x._domainkey.x.onmicrosoft.com")
    + cname("old.test", OLD.format(1), OLD.format(2))
    + cname("former.test", FORMER, NEW.format(2))
    + cname("foreign.test", "s1.domainkey.u1.provider.test", NEW.format(2))
    + cname("drift.test", "selector1-x._domainkey.x.somewhere.new.microsoft", NEW.format(2))
    + cname("one.test", NEW.format(1))
    + cname("loop.test", "a.loop.test", NEW.format(2))
    + "a.loop.test. CNAME b.loop.test.\nb.loop.test. CNAME a.loop.test.\n"
    + cname("self.test", "selector1._domainkey.self.test", NEW.format(2))
    + cname("via.test", "alias.via.test", NEW.format(2))
    + f"alias.via.test. CNAME {NEW.format(1)}.\n"
    + f"selector1._domainkey.flat.test. TXT {txt(STRONG)}\n"
    + f"selector2._domainkey.flat.test. CNAME {NEW.format(2)}.\n"
    + f"selector1._domainkey.taken.test. TXT {txt(OTHER)}\n"
    + f"selector2._domainkey.taken.test. CNAME {NEW.format(2)}.\n"
    + '*.wild.test. TXT "v=spf1 -all"\n'
    + f"good._domainkey.plain.test. TXT {txt(STRONG)}\n"
    + f"weak._domainkey.plain.test. TXT {txt(WEAK)}\n"
    + f"tiny._domainkey.plain.test. TXT {txt(f'v=DKIM1; p={made(1024)[:-1]}')}\n"
    + f'ed._domainkey.plain.test. TXT "v=DKIM1; k=ed25519; p={ED}"\n'
    + 'gone._domainkey.plain.test. TXT "v=DKIM1; k=rsa; p="\n'
    + f"trial._domainkey.plain.test. TXT {txt(STRONG.replace('k=rsa', 't=y'))}\n"
    + f"two._domainkey.plain.test. TXT {txt(STRONG)}\ntwo._domainkey.plain.test. TXT {txt(OTHER)}\n"
    + f'beside._domainkey.plain.test. TXT {txt(STRONG)}\nbeside._domainkey.plain.test. TXT "hello"\n'
    + 'text._domainkey.plain.test. TXT "hello"\n'
    + f"sha1._domainkey.plain.test. TXT {txt(STRONG.replace('k=rsa', 'h=sha1'))}\n"
    + "far._domainkey.plain.test. CNAME good._domainkey.plain.test.\n"
    + "empty._domainkey.plain.test. A 192.0.2.1\n"
)


@pytest.fixture(scope="module")
def authority():
    with world(ZONE) as server:
        yield server


EXPECT = {"selector1": NEW.format(1), "selector2": NEW.format(2)}
BOTH = ("selector1", "selector2")


@pytest.mark.parametrize(
    ("domain", "settings", "status", "words"),
    [
        ("both", {"expect": EXPECT}, P, "planned name"),
        # Rule: a shape is no value. Without `expect` the best is a warning.
        ("both", {}, W, "value unverified"),
        ("both", {"expect": {"selector1": NEW.format(1)}}, W, "value unverified"),
        ("waiting", {"expect": {**EXPECT, "selector2": OLD.format(2)}}, W, "Nothing to do now"),
        ("waiting", {"expect": {**EXPECT, "selector2": OLD.format(2)}, "active": BOTH}, F, "not published"),
        ("off", {}, F, "Microsoft Defender portal"),
        ("off", {"keys": "later"}, W, "switch on DKIM"),
        ("off", {"keys": "later", "active": ("selector1",)}, W, "switch on DKIM"),
        ("off", {"active": ("selector1",)}, F, "switch on DKIM"),
        ("old", {"expect": {"selector1": OLD.format(1), "selector2": OLD.format(2)}}, W, "1024 bits"),
        ("former", {"expect": EXPECT}, F, "old tenant"),
        ("former", {"expect": EXPECT, "keys": "later", "active": ("selector2",)}, F, "old tenant"),
        ("former", {}, W, "value unverified"),
        ("foreign", {}, F, "does not lead to Microsoft"),
        ("foreign", {"expect": EXPECT}, F, "Point the CNAME"),
        ("drift", {}, W, "no shape that is known"),
        ("one", {"expect": EXPECT}, F, "missing"),
        ("one", {"expect": EXPECT, "keys": "later"}, F, NEW.format(2)),
        ("none", {"expect": EXPECT, "keys": "later"}, F, "missing"),
        ("none", {}, F, "missing"),
        ("loop", {"expect": EXPECT}, F, "circle"),
        ("self", {"expect": EXPECT, "keys": "later"}, F, "circle"),
        ("via", {"expect": EXPECT}, W, "by way of another"),
        ("flat", {"expect": EXPECT}, W, "flattened"),
        ("flat", {}, W, "flattened"),
        ("taken", {"expect": EXPECT}, F, "another key than the planned"),
        ("wild", {"expect": EXPECT}, F, "missing"),
    ],
)
def test_microsoft_s_selectors(authority, domain, settings, status, words):
    check = Dkim(domain=f"{domain}.test", selectors=BOTH, microsoft=True, resolvers=(authority,), **settings)
    findings = judged(check, run(check))
    assert worst(finding.status for finding in findings) is status, findings
    assert any(words in f"{f.message} {f.fix}" and f.status is status for f in findings), findings
    assert {f.subject for f in findings} <= {f"{one}._domainkey.{domain}.test" for one in BOTH}


@pytest.mark.parametrize(
    ("selector", "status", "words"),
    [
        ("good", P, "2048 bits"),
        ("far", P, "2048 bits"),
        ("ed", P, "Ed25519"),
        ("weak", W, "1024 bits"),
        ("tiny", F, "cannot be read"),
        ("gone", F, "revoked"),
        ("trial", W, "t=y"),
        ("two", F, "2 TXT records"),
        ("beside", W, "other TXT records"),
        ("text", F, "no DKIM key"),
        ("sha1", F, "SHA-256"),
        ("empty", F, "no key"),
        ("missing", F, "no key"),
    ],
)
def test_keys(authority, selector, status, words):
    check = Dkim(domain="plain.test", selectors=(selector,), resolvers=(authority,))
    findings = judged(check, run(check))
    assert worst(finding.status for finding in findings) is status, findings
    assert any(words in f.message for f in findings), findings
    if status is F:
        later = Dkim(domain="plain.test", selectors=(selector,), resolvers=(authority,), keys="later")
        assert worst(finding.status for finding in judged(later, run(later))) is W


def test_an_own_limit_of_bits(authority):
    check = Dkim(domain="plain.test", selectors=("good",), resolvers=(authority,), min_bits=4096)
    assert [finding.status for finding in judged(check, run(check))] == [F]


def test_the_same_through_a_resolver(authority):
    with unbound(authority) as server:
        for domain, status in (("both", P), ("former", F), ("loop", F), ("waiting", F), ("one", F)):
            check = Dkim(domain=f"{domain}.test", selectors=BOTH, expect=EXPECT, resolvers=(server,))
            findings = judged(check, run(check))
            assert worst(finding.status for finding in findings) is status, findings


@pytest.mark.parametrize("keys", ["required", "later"])
def test_a_lookup_that_failed_is_never_absence(keys):
    with scripted(udp=answering(rcode="SERVFAIL", flags=("RA",))) as port:
        check = Dkim(
            domain="x.test", selectors=("s",), microsoft=True, resolvers=(f"127.0.0.1:{port}",), keys=keys
        )
        assert [finding.status for finding in judged(check, run(check))] == [Q]
    check = Dkim(domain="x.test", selectors=("s",), resolvers=(f"127.0.0.1:{free_port()}",), keys=keys)
    assert [finding.status for finding in judged(check, run(check))] == [Q]


@pytest.mark.parametrize(("keys", "status"), [("required", Q), ("later", W)])
def test_a_key_that_could_not_be_looked_up_is_not_called_missing(keys, status):
    import dns.message

    def answer(query):
        asked = dns.message.from_wire(query).question[0]
        if asked.rdtype == 5 and asked.name.to_text() == "s._domainkey.x.test.":
            return answering(("@", 60, "CNAME", f"{NEW.format(1)}."), flags=("RA",))(query)
        rcode = "NOERROR" if asked.rdtype == 5 else "SERVFAIL"
        return answering(rcode=rcode, flags=("RA",))(query)

    with scripted(udp=answer) as port:
        check = Dkim(
            domain="x.test", selectors=("s",), resolvers=(f"127.0.0.1:{port}",), keys=keys,
            expect={"s": NEW.format(1)},
        )  # fmt: skip
        findings = judged(check, run(check))
    assert [finding.status for finding in findings] == [P, status]
    assert "lookup of the key failed" in findings[1].message


def only_txt(record):
    """Answer a question for TXT by `record`, and any other by nothing."""
    import dns.message

    def answer(query):
        asked = dns.message.from_wire(query).question[0]
        records = [("@", 60, "TXT", record)] if asked.rdtype == 16 else []
        return answering(*records, flags=("RA",))(query)

    return answer


def test_hostile_records_do_no_harm():
    text = "".join(f"\\{byte:03d}" for byte in ESCAPES.encode("utf-8"))
    for record in (f'"v=DKIM1; k={text}; p=AAAA"', f'"v=DKIM1; p={text}"', f'"{text}"', f'"v={text}; p="'):
        with scripted(udp=only_txt(record)) as port:
            check = Dkim(domain="x.test", selectors=("s",), resolvers=(f"127.0.0.1:{port}",))
            assert worst(finding.status for finding in judged(check, run(check))) is F


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"domain": "."}, "domain that signs"),
        ({"selectors": ()}, "each selector once"),
        ({"selectors": ("s", "s")}, "each selector once"),
        (
            {"selectors": ("s" * 60, "s" * 60 + "." + "x" * 60 + "." + "y" * 60 + "." + "z" * 60)},
            "domain name",
        ),
        ({"expect": {}}, "asserts nothing"),
        ({"active": ()}, "asserts nothing"),
        ({"expect": {"t": "x.test"}}, "does not: "),
        ({"active": ("t",)}, "does not: "),
    ],
)
def test_what_makes_no_sense_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Dkim(**{"domain": "x.test", "selectors": ("s",), **settings})
