"""DMARC policy records: their syntax, the names of the tree walk, and which policy applies (RFC 9989).

Pure functions over text that anybody may have published: nothing raises, everything is linear in its size.
How the names are asked is in `checks.wire.dmarc_walk`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args
from urllib.parse import unquote, urlsplit

from checks.dataclass import dataclass
from checks.params import parse_domain

Policy = Literal["none", "quarantine", "reject"]
"""A Domain Owner Assessment Policy, from the weakest to the strongest."""
Psd = Literal["y", "n", "u"]
Alignment = Literal["r", "s"]
Source = Literal["author", "organizational", "psd"]
"""Whose record applies, in the order of preference of section 4.10.1."""
Kind = Literal["policy", "syntax", "duplicate", "unknown", "removed", "size"]
"""`policy`: p, sp or np is not valid. `syntax`: a part of the record is ignored, or its default is used."""

POLICIES: tuple[Policy, ...] = get_args(Policy)
MAX_QUERIES = 8
_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_ALPHA = re.compile(r"[A-Za-z]+")
_VALUE = re.compile(r"[ -:<-~]+")
_SIZE = re.compile(r"![0-9]+[kmgtKMGT]?\Z")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+;=-]|%[0-9A-Fa-f]{2})+")
_BLANK = " \t"
_FO = {"0", "1", "d", "s"}
_POLICY: dict[str, Policy] = {policy: policy for policy in POLICIES}
_YES_OR_NO = {"y": True, "n": False}
_PSD: dict[str, Psd] = {"y": "y", "n": "n", "u": "u"}
_ALIGNMENT: dict[str, Alignment] = {"r": "r", "s": "s"}
_CHECKED = ("p", "sp", "np", "t", "psd", "adkim", "aspf", "fo", "rua", "ruf")
"""Tags whose value is held to a rule of its own."""
REMOVED = ("pct", "rf", "ri")
"""Tags of RFC 7489 that no longer mean anything."""
_KNOWN = ("v", *_CHECKED, *REMOVED)
_MAX_HOST = 254
_MAX_KEPT = 50
MAX_TEXT = 4000
"""Characters of a text that are kept to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with one tag, or with a part that is no tag (then `tag` is the part); texts are raw."""

    kind: Kind
    tag: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """A DMARC policy record as a receiver reads it.

    `p`, `sp` and `np` are None where the tag is missing or not valid; `broken` says that one of them is there
    and not valid. `rua` and `ruf` hold the URIs that are syntactically valid, without the obsolete size.
    """

    text: str
    p: Policy | None = None
    sp: Policy | None = None
    np: Policy | None = None
    broken: bool = False
    testing: bool = False
    psd: Psd = "u"
    adkim: Alignment = "r"
    aspf: Alignment = "r"
    fo: str = "0"
    rua: tuple[str, ...] = ()
    ruf: tuple[str, ...] = ()
    tags: Mapping[str, str] | None = None
    """Every well-formed tag by its name in lower case, as published."""
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a record says for one domain: the tag that decides, its policy, and what test mode makes of it.

    No `published` policy: the record is no basis for DMARC processing (section 4.10.1).
    """

    published: Policy | None
    effective: Policy | None
    tag: str = ""


def is_policy_record(text: str) -> bool:
    """Return whether a TXT record's value begins with the version tag, and so counts as a policy record."""
    return _VERSION.match(text) is not None


def parse(text: str) -> PolicyRecord | None:
    """Read a TXT record's value; None if it is no DMARC policy record."""
    if not is_policy_record(text):
        return None
    tags, flaws = _tags(text)
    values: dict[str, str] = {}
    for name, given in tags.items():
        alike = len({value.lower() for value in given}) == 1
        values[name] = given[0] if alike else ""
        if len(given) > 1:
            flaws.append(Flaw(kind="duplicate", tag=name, value=" / ".join(given[:_MAX_KEPT])))
    bad = [name for name in ("p", "sp", "np") if name in values and values[name].lower() not in _POLICY]
    flaws += [Flaw(kind="policy", tag=name, value=tags[name][0]) for name in bad]
    for name, allowed in (("t", _YES_OR_NO), ("psd", _PSD), ("adkim", _ALIGNMENT), ("aspf", _ALIGNMENT)):
        if name in values and values[name].lower() not in allowed:
            flaws.append(Flaw(kind="syntax", tag=name, value=tags[name][0]))
    fo = values.get("fo", "0").lower()
    if not _fo(fo):
        flaws.append(Flaw(kind="syntax", tag="fo", value=tags["fo"][0]))
        fo = "0"
    for name in (name for name in tags if name not in ("v", *_CHECKED)):
        kind: Kind = "removed" if name in REMOVED else "unknown"
        flaws.append(Flaw(kind=kind, tag=name, value=tags[name][0]))
    low = {name: value.lower() for name, value in values.items()}
    return PolicyRecord(
        text=text[:MAX_TEXT],
        p=_POLICY.get(low.get("p", "")), sp=_POLICY.get(low.get("sp", "")), np=_POLICY.get(low.get("np", "")),
        broken=bool(bad), testing=low.get("t") == "y", psd=_PSD.get(low.get("psd", ""), "u"),
        adkim=_ALIGNMENT.get(low.get("adkim", ""), "r"), aspf=_ALIGNMENT.get(low.get("aspf", ""), "r"), fo=fo,
        rua=_uris("rua", values, flaws), ruf=_uris("ruf", values, flaws),
        tags={name: tags[name][0] for name in sorted(tags, key=_rank)[:_MAX_KEPT]},
        flaws=tuple(flaws[:_MAX_KEPT]),
    )  # fmt: skip


def _rank(name: str) -> int:
    return _KNOWN.index(name) if name in _KNOWN else len(_KNOWN)


def _tags(text: str) -> tuple[dict[str, list[str]], list[Flaw]]:
    """Return the values of every tag, by its name in lower case, and the parts that are no tag."""
    tags: dict[str, list[str]] = {}
    flaws: list[Flaw] = []
    parts = text.split(";")
    if not parts[-1].strip(_BLANK):
        parts.pop()
    for part in parts:
        name, mark, value = part.partition("=")
        name, value = name.strip(_BLANK), value.strip(_BLANK)
        if not mark or not _ALPHA.fullmatch(name):
            flaws.append(Flaw(kind="syntax", tag=part.strip(_BLANK)))
            continue
        name = name.lower()
        if _VALUE.fullmatch(value) or name in _CHECKED:
            tags.setdefault(name, []).append(value)
        else:
            flaws.append(Flaw(kind="syntax", tag=name, value=value))
    return tags, flaws


def _fo(value: str) -> bool:
    options = value.split(":", len(_FO))
    return set(options) <= _FO and len(set(options)) == len(options) and not {"0", "1"} <= set(options)


def _uris(tag: str, values: Mapping[str, str], flaws: list[Flaw]) -> tuple[str, ...]:
    found: list[str] = []
    for part in values[tag].split(",") if tag in values else ():
        whole = part.strip(_BLANK)
        uri = _SIZE.sub("", whole)
        if not _URI.fullmatch(uri):
            flaws.append(Flaw(kind="syntax", tag=tag, value=whole))
            continue
        if uri != whole:
            flaws.append(Flaw(kind="size", tag=tag, value=whole))
        found.append(uri)
    return tuple(found[:_MAX_KEPT])


def destination(uri: str) -> str | None:
    """Return the host that a reporting URI leads to as a domain name, or None where it names none."""
    if uri[:7].lower() == "mailto:":
        user, _, host = unquote(uri[7:].partition("?")[0]).rpartition("@")
        if not user:
            return None
    else:
        try:
            host = urlsplit(uri).hostname or ""
        except ValueError:
            return None
    try:
        name: str = parse_domain(host if len(host) <= _MAX_HOST else "")
    except ValueError:
        return None
    return None if name == "." else name


def walk_names(domain: str) -> tuple[str, ...]:
    """Return the domains whose records a tree walk from `domain` asks for, in order (section 4.10)."""
    labels = domain.split(".")
    above = labels[-(MAX_QUERIES - 1) :] if len(labels) > MAX_QUERIES else labels[1:]
    return (domain, *(".".join(above[number:]) for number in range(len(above))))


def organizational(domain: str, found: Mapping[str, PolicyRecord]) -> str:
    """Return the Organizational Domain of `domain` from the records that its tree walk found (4.10.2)."""
    names = [name for name in walk_names(domain) if name in found]
    for name in names:
        if found[name].psd == "n":
            return name
        if found[name].psd == "y":
            return domain if name == domain else _one_below(domain, name)
    return names[-1] if names else domain


def _one_below(domain: str, above: str) -> str:
    return ".".join(domain.split(".")[-(above.count(".") + 2) :])


def governing(domain: str, found: Mapping[str, PolicyRecord]) -> tuple[Source, str] | None:
    """Return whose record applies to mail from `domain` and where it is, or None if none does (4.10.1)."""
    if domain in found:
        return "author", domain
    owner = organizational(domain, found)
    if owner in found:
        return "organizational", owner
    suffix = next((name for name in walk_names(domain) if name in found and found[name].psd == "y"), None)
    return None if suffix is None else ("psd", suffix)


def inherits_by_existence(record: PolicyRecord) -> bool:
    """Return whether a subdomain's policy depends on whether that subdomain exists (np against sp)."""
    present, missing = (assess(record, inherited=True, exists=exists) for exists in (True, False))
    return present.published != missing.published


def assess(record: PolicyRecord, *, inherited: bool, exists: bool) -> Applied:
    """Return what `record` says for a domain: its own (not `inherited`), or one below it (4.7, 4.10.1)."""
    if record.p is None or record.broken:
        if not record.rua:
            return Applied(published=None, effective=None)
        return Applied(published="none", effective="none", tag="p")
    order = ("p",) if not inherited else ("sp", "p") if exists else ("np", "sp", "p")
    said = {"p": record.p, "sp": record.sp, "np": record.np}
    tag, published = next((tag, policy) for tag in order if (policy := said[tag]) is not None)
    lowered = POLICIES[max(0, POLICIES.index(published) - 1)] if record.testing else published
    return Applied(published=published, effective=lowered, tag=tag)
