"""What is to be said of the keys that a selector leads to."""

from __future__ import annotations

from collections.abc import Iterable

from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._dkim_lookup import SelectorSeen
from checks.safe import safe
from checks.wire.dkim_key import KeyRecord, Problem
from checks.words import Finding

GOOD_BITS = 2048
_PROBLEMS: dict[Problem, str] = {
    "not a key": "The TXT record there is no DKIM key",
    "syntax": "The key record is not a list of tags like name=value",
    "duplicate tag": "The key record has a tag twice, which makes all of it invalid",
    "version": "The key record does not begin with v=DKIM1, so verifiers discard it",
    "no key data": "The key record has no tag p",
    "key type": "The key is of a type that verifiers do not know",
    "key data": "The key itself cannot be read",
    "service": "The key is not for mail",
    "hash": "The key does not allow SHA-256, the only hash that verifiers accept",
}


def key_findings(
    one: SelectorSeen,
    *,
    min_bits: int,
    required: bool,
    cname: bool,
    microsoft: bool = False,
    other_signs: bool = False,
) -> Iterable[Finding]:
    """Judge the keys of one selector; one that is not required is a warning at worst.

    `other_signs` says that another selector of the domain has a key that can be used.
    """
    worse = failed if required else warned
    expected = "one DKIM key record"
    at = safe(one.chain[-1] if one.chain else one.name, limit=300)
    if one.key == "failed":
        observed = safe(one.key_detail, limit=300) or "no answer"
        if required:
            yield cannot_tell(
                one.name, "The lookup of the key failed, so it is not known whether there is one.",
                expected=expected, observed=observed,
                fix=f"Run it again; if it stays so, ask the operator of {at}.",
            )  # fmt: skip
        else:
            yield warned(
                one.name, "The lookup of the key failed; it is not needed yet.", expected=expected,
                observed=observed, fix=f"Run it again; if it stays so, ask the operator of {at}.",
            )  # fmt: skip
        return
    if not one.keys:
        if one.chain:
            what = "The CNAME record is there, and the key is not published yet."
            fix = f"Have the signing side switch on DKIM for the domain: it then publishes the key at {at}."
            if microsoft and other_signs and not required:
                what = "The CNAME record is there; Microsoft publishes the key when it rotates next."
                fix = "Nothing to do now; Rotate-DkimSigningConfig would start a rotation."
            elif microsoft:
                fix = (
                    "In the Microsoft Defender portal (Email authentication settings, DKIM) switch on DKIM "
                    f"for the domain: Microsoft then publishes the key at {at}."
                )
        elif cname:
            return  # the missing CNAME record has been told
        else:
            what = "The selector has no key."
            fix = f"Publish the key that the signing side gives as a TXT record at {one.name}."
        yield worse(one.name, what, expected=expected, observed=f"{one.key} at {at}", fix=fix)
        return
    real = [key for key in one.keys if key.problem != "not a key"]
    if len(real) > 1 or one.count > len(one.keys):
        yield worse(
            one.name, f"There are {one.count} TXT records, of which a verifier takes any one.",
            expected=expected, observed=safe(" | ".join(key.text for key in one.keys), limit=400),
            fix=f"Delete all but the planned TXT record at {at}.", reference="RFC 6376 section 3.6.2.2",
        )  # fmt: skip
    elif real and one.count > 1:
        yield warned(
            one.name, "Beside the key there are other TXT records, and a verifier may take one of them.",
            expected=expected, observed=safe(" | ".join(key.text for key in one.keys), limit=400),
            fix=f"Delete the other TXT records at {at}.", reference="RFC 6376 section 3.6.2.2",
        )  # fmt: skip
    for key in real or one.keys[:1]:
        yield from _key(one.name, key, at, min_bits=min_bits, required=required)


def _key(name: str, key: KeyRecord, at: str, *, min_bits: int, required: bool) -> Iterable[Finding]:
    worse = failed if required else warned
    text = safe(key.text, limit=200)
    if key.problem is not None:
        why = f" ({safe(key.detail, limit=100)})" if key.detail else ""
        yield worse(
            name, f"{_PROBLEMS[key.problem]}{why}.", expected='"v=DKIM1; k=rsa; p=..."', observed=text,
            fix=f"Publish the key record at {at} again, exactly as the signing side gives it.",
            reference="RFC 6376 section 3.6.1",
        )  # fmt: skip
        return
    if key.revoked:
        yield worse(
            name, "The key is revoked (p is empty): every signature with it fails.", expected="a key in p",
            observed=text, fix=f"Sign with another selector, or publish the new key at {at}.",
            reference="RFC 6376 section 3.6.1",
        )  # fmt: skip
        return
    if key.testing:
        yield warned(
            name, "The key is marked as a test (t=y): verifiers may treat signed mail as unsigned.",
            expected="no t=y", observed=text, fix=f"Remove t=y from the key record at {at}.",
            reference="RFC 6376 section 3.6.1",
        )  # fmt: skip
    if key.kind == "ed25519":
        yield passed(
            name, "The key is Ed25519.", expected="an accepted key",
            observed="Ed25519; verifiers that know only RSA ignore it",
        )  # fmt: skip
        return
    bits = key.bits or 0
    expected = f"at least {max(min_bits, GOOD_BITS)} bits"
    if bits < min_bits:
        yield worse(
            name, f"The RSA key has {bits} bits, which is too short.", expected=f"at least {min_bits} bits",
            observed=f"{bits} bits", fix=f"Have the signing side rotate to a key of {GOOD_BITS} bits.",
            reference="RFC 8301 section 3.2",
        )  # fmt: skip
    elif bits < GOOD_BITS:
        yield warned(
            name, f"The RSA key has {bits} bits: accepted, and weak.", expected=expected,
            observed=f"{bits} bits", fix=f"Have the signing side rotate to a key of {GOOD_BITS} bits.",
            reference="RFC 8301 section 3.2",
        )  # fmt: skip
    else:
        yield passed(name, f"The RSA key has {bits} bits.", expected=expected, observed=f"{bits} bits")
