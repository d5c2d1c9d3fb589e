"""DKIM key records: what a verifier reads in the TXT record of a selector (RFC 6376, RFC 8301, RFC 8463).

Pure and bounded: any text gives a `KeyRecord`, whose `problem` says why a verifier cannot use it.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Literal

from checks.dataclass import dataclass

Kind = Literal["rsa", "ed25519", "other"]
Problem = Literal[
    "not a key",
    "syntax",
    "duplicate tag",
    "version",
    "no key data",
    "key type",
    "key data",
    "service",
    "hash",
]
"""Why a verifier cannot use the record. `not a key`: it has no tag p and does not say v=DKIM1."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VALUE = re.compile(r"[\t\r\n !-:<-~]*")
_BLANKS = re.compile(r"[ \t\r\n]+")
_MAX_TAGS = 50
_MAX_KEY = 4096
_MAX_KEPT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One TXT record as a DKIM key: `text` and `detail` are raw.

    `revoked` says that p is empty. `bits` is the size of an RSA modulus; None for another kind or where the
    key cannot be read. `testing` and `strict` are the flags y and s of the tag t.
    """

    text: str
    problem: Problem | None = None
    detail: str = ""
    kind: Kind = "rsa"
    bits: int | None = None
    revoked: bool = False
    testing: bool = False
    strict: bool = False
    data: str = ""
    """The base64 of the key without blanks: equal for equal keys."""

    @property
    def usable(self) -> bool:
        """Return whether a verifier takes it for a key that may have signed."""
        return self.problem is None and not self.revoked


def parse_key(text: str) -> KeyRecord:
    """Read the value of a TXT record at a selector's name."""
    tags, problem, detail = _tags(text)
    kept = text[:_MAX_KEPT]
    if "p" not in tags and tags.get("v") != "DKIM1":
        return KeyRecord(text=kept, problem="not a key")
    if problem is not None:
        return KeyRecord(text=kept, problem=problem, detail=detail)
    version = tags.get("v")
    if version is not None and (version != "DKIM1" or next(iter(tags)) != "v"):
        why = "v must be the first tag" if version == "DKIM1" else f"v={version}"
        return KeyRecord(text=kept, problem="version", detail=why)
    if "p" not in tags:
        return KeyRecord(text=kept, problem="no key data")
    kind = tags.get("k", "rsa")
    flags = tags.get("t", "").split(":")
    known: Kind = "rsa" if kind == "rsa" else "ed25519" if kind == "ed25519" else "other"
    data = _BLANKS.sub("", tags["p"])
    bits, problem, detail = _read(known, data) if data and known != "other" else (None, None, "")
    if known == "other":
        problem, detail = "key type", f"k={kind}"
    elif not {"*", "email"} & set(tags.get("s", "*").split(":")):
        problem, detail = "service", f"s={tags['s']}"
    elif "h" in tags and "sha256" not in tags["h"].split(":"):
        problem, detail = "hash", f"h={tags['h']}"
    return KeyRecord(
        text=kept, problem=problem, detail=detail[:_MAX_KEPT], kind=known, bits=bits, revoked=not data,
        testing="y" in flags, strict="s" in flags, data=data[:_MAX_KEPT],
    )  # fmt: skip


def _tags(text: str) -> tuple[dict[str, str], Problem | None, str]:
    """Return the tag list (RFC 6376 section 3.2) and the first thing that makes all of it invalid."""
    tags: dict[str, str] = {}
    problem: Problem | None = None
    detail = ""
    parts = text.split(";", _MAX_TAGS)
    if len(parts) > _MAX_TAGS:
        problem, detail = "syntax", f"more than {_MAX_TAGS} tags"
        parts.pop()
    if not parts[-1].strip(" \t\r\n"):
        parts.pop()
    for part in parts:
        name, mark, value = part.partition("=")
        name, value = name.strip(" \t\r\n"), value.strip(" \t\r\n")
        if not mark or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            problem, detail = problem or "syntax", detail or part[:200]
        elif name in tags:
            problem, detail = problem or "duplicate tag", detail or name[:200]
        else:
            tags[name] = _BLANKS.sub("", value) if name in ("v", "k", "h", "s", "t") else value
    return tags, problem, detail


def _read(kind: Kind, data: str) -> tuple[int | None, Problem | None, str]:
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None, "key data", "p is not base64"
    if kind == "ed25519":
        return (None, None, "") if len(raw) == 32 else (None, "key data", f"{len(raw)} bytes, not 32")
    if len(raw) > _MAX_KEY:
        return None, "key data", f"the key has {len(raw)} bytes"
    modulus = _modulus(raw)
    if modulus is None:
        return None, "key data", "p is not an RSA public key"
    return modulus.bit_length(), None, ""


_RSA_OID = bytes.fromhex("06092a864886f70d010101")


def _modulus(raw: bytes) -> int | None:
    """Return the modulus of an RSA key: SubjectPublicKeyInfo (as deployed) or RSAPublicKey (RFC 8017)."""
    outer = _element(raw, 0x30)
    if outer is None or outer[1]:
        return None
    inside = outer[0]
    head = _element(inside, 0x30)
    if head is not None:
        if not head[0].startswith(_RSA_OID):
            return None
        bits = _element(head[1], 0x03)
        if bits is None or bits[1] or bits[0][:1] != b"\0":
            return None
        key = _element(bits[0][1:], 0x30)
        if key is None or key[1]:
            return None
        inside = key[0]
    modulus = _element(inside, 0x02)
    exponent = _element(modulus[1], 0x02) if modulus else None
    if modulus is None or exponent is None or exponent[1]:
        return None
    number, power = int.from_bytes(modulus[0], "big", signed=True), int.from_bytes(exponent[0], "big")
    return number if number > 0 and number & 1 and power & 1 and power > 1 else None


def _element(raw: bytes, tag: int) -> tuple[bytes, bytes] | None:
    """Return the content of the DER element that `raw` begins with, and what follows it."""
    if len(raw) < 2 or raw[0] != tag:
        return None
    size, at = raw[1], 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 3 or len(raw) < 2 + count:
            return None
        size, at = int.from_bytes(raw[2 : 2 + count], "big"), 2 + count
    return (raw[at : at + size], raw[at + size :]) if len(raw) >= at + size else None
