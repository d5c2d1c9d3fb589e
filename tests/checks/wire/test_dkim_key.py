"""DKIM key records as verifiers read them: RFC 6376, RFC 8301, RFC 8463."""

from __future__ import annotations

import base64
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import jsonable
from checks.wire.dkim_key import KeyRecord, parse_key

DER = serialization.Encoding.DER
SPKI, PKCS1 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


PUBLIC = rsa.generate_private_key(65537, 1024).public_key()
RSA = b64(PUBLIC.public_bytes(DER, SPKI))
ED = b64(
    ed25519.Ed25519PrivateKey.generate()
    .public_key()
    .public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
)
EC = b64(ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(DER, SPKI))


@pytest.mark.parametrize("bits", [1024, 1032, 2048, 4096])
@pytest.mark.parametrize("form", [SPKI, PKCS1])
def test_the_size_of_an_rsa_key(bits, form):
    public = rsa.generate_private_key(65537, bits).public_key()
    key = parse_key(f"v=DKIM1; k=rsa; p={b64(public.public_bytes(DER, form))}")
    assert (key.problem, key.kind, key.bits, key.usable) == (None, "rsa", bits, True)


RECORDS = [
    (f"v=DKIM1; k=rsa; p={RSA}", None),
    (f"v=DKIM1; p={RSA}", None),
    (f"p={RSA}", None),
    (f"k=rsa; p={RSA};", None),
    (f"v = DKIM1 ; p = {RSA[:50]} {RSA[50:]}", None),
    (f"v=DKIM1; h=sha1:sha256; s=email; t=s; n=a note; x=new; p={RSA}", None),
    (f"v=DKIM1; s=tlsrpt:email; p={RSA}", None),
    (f"v=DKIM1; k=ed25519; p={ED}", None),
    ("v=DKIM1; p=", None),
    ("", "not a key"),
    ("v=spf1 -all", "not a key"),
    ("v=DMARC1; rua=mailto:x@x", "not a key"),
    ("google-site-verification=abc", "not a key"),
    ("v=DMARC1; p=reject", "version"),
    (f"v=dkim1; p={RSA}", "version"),
    (f"v=DKIM2; p={RSA}", "version"),
    (f"p={RSA}; v=DKIM1", "version"),
    ("v=DKIM1; k=rsa", "no key data"),
    (f"v=DKIM1; k=rsa; p={RSA}; p={RSA}", "duplicate tag"),
    (f"v=DKIM1; rsa; p={RSA}", "syntax"),
    (f"v=DKIM1; ; p={RSA}", "syntax"),
    (f"v=DKIM1; n=\u00e4; p={RSA}", "syntax"),
    (f"v=DKIM1;{'a=b;' * 60} p={RSA}", "syntax"),
    (f"v=DKIM1; k=dsa; p={RSA}", "key type"),
    (f"v=DKIM1; k=RSA; p={RSA}", "key type"),
    (f"v=DKIM1; s=tlsrpt; p={RSA}", "service"),
    (f"v=DKIM1; h=sha1; p={RSA}", "hash"),
    (f"v=DKIM1; p={RSA[:-8]}", "key data"),
    (f"v=DKIM1; p={RSA[:-1]}", "key data"),
    (f"v=DKIM1; p={RSA[:20]}*{RSA[20:]}", "key data"),
    (f"v=DKIM1; p={ED}", "key data"),
    (f"v=DKIM1; p={EC}", "key data"),
    (f"v=DKIM1; k=ed25519; p={RSA}", "key data"),
    ("v=DKIM1; p=" + b64(b"\x30\x84" + b"\xff" * 40), "key data"),
    ("v=DKIM1; p=" + b64(b"\x30" * 5000), "key data"),
    ("v=DKIM1; p=MIIBIjANBgkqhkiG9w0BAQ", "key data"),
]


@pytest.mark.parametrize(
    ("text", "problem"), RECORDS, ids=[f"{number} {problem}" for number, (_, problem) in enumerate(RECORDS)]
)
def test_what_a_verifier_can_use(text, problem):
    key = parse_key(text)
    assert key.problem == problem
    assert key.usable is (problem is None and not text.endswith("p="))


def test_flags_and_revocation():
    key = parse_key(f"v=DKIM1; t=y:s; p={RSA}")
    assert (key.testing, key.strict, key.revoked) == (True, True, False)
    key = parse_key("v=DKIM1; k=rsa; p= ;")
    assert (key.revoked, key.usable, key.bits) == (True, False, None)
    assert not parse_key(f"v=DKIM1; t=yes; p={RSA}").testing


def test_equal_keys_have_equal_data():
    assert parse_key(f"p={RSA}").data == parse_key(f"v=DKIM1; k=rsa; p={RSA[:9]} {RSA[9:]}").data == RSA


def test_a_huge_text_is_read_in_no_time():
    begun = time.perf_counter()
    for filling in (";", "a=", "p=;", " ", "A", "=", "p=A;"):
        key = parse_key("v=DKIM1; p=" + filling * (65000 // len(filling)))
        assert len(key.text) + len(key.data) + len(key.detail) <= 6000
        assert not key.usable or key.bits is None
    assert time.perf_counter() - begun < 2


NOISE = st.lists(
    st.sampled_from(
        ["v=DKIM1", ";", "p=", RSA, ED, "k=", "rsa", "ed25519", "t=y", " ", "=", "h=", ":", "\x00"]
    )
    | st.text(max_size=5),
    max_size=20,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(NOISE)
def test_any_text_is_read_without_raising(text):
    key = parse_key(text)
    assert jsonable.from_json(KeyRecord, jsonable.to_json(key)) == key
    if key.usable and key.kind == "rsa":
        assert key.bits


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 200), st.integers(0, 200))
def test_a_mangled_key_is_read_as_a_library_reads_it_or_not_at_all(noise, start, end):
    raw = base64.b64decode(RSA)
    mangled = raw[:start] + noise + raw[end:]
    key = parse_key(f"v=DKIM1; p={b64(mangled)}")
    if not mangled:
        return
    try:
        public = serialization.load_der_public_key(mangled)
    except Exception:
        return
    if isinstance(public, rsa.RSAPublicKey) and key.problem is None:
        assert key.bits == public.key_size
