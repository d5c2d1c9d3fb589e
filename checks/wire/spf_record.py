"""SPF records: which TXT record is one, and its terms (RFC 7208 sections 4.5, 4.6.1, 5, 6 and 12).

The whole record is read before any of it is used: an error anywhere in it is found. Pure, no I/O.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

from checks.dataclass import dataclass
from checks.wire.spf_macro import Part, SpfSyntax, ends_in_macro, read

__all__ = ["Mechanism", "SpfRecord", "SpfSyntax", "is_spf", "parse"]

Result = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_QUALIFIERS: dict[str, Result] = {"": "pass", "+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=")
_MECHANISM = re.compile(r"([+\-?~]?)([A-Za-z0-9]+)(.*)\Z", re.DOTALL)
_DUAL = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_PREFIX = re.compile(r"/(0|[1-9][0-9]{0,2})\Z")
_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_LOOKUPS = frozenset({"include", "a", "mx", "ptr", "exists"})
MAX_PROBLEMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """One mechanism: `result` is what a match gives, `target` the macro string of its domain (empty: the
    current one), `ip4` and `ip6` the lengths of the prefix, `network` what ip4 and ip6 name."""

    text: str
    name: str
    result: Result
    target: tuple[Part, ...] = ()
    ip4: int = 32
    ip6: int = 128
    network: Network | None = None

    @property
    def looks_up(self) -> bool:
        """Whether it counts against the limit of 10 (section 4.6.4)."""
        return self.name in _LOOKUPS


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfRecord:
    """A record without errors; `redirect` and `exp` are the macro strings, empty where there is none."""

    text: str
    mechanisms: tuple[Mechanism, ...]
    redirect: tuple[Part, ...] = ()
    redirect_text: str = ""
    exp: tuple[Part, ...] = ()
    others: tuple[str, ...] = ()
    """Modifiers that this version of SPF does not know, which are ignored."""


def is_spf(raw: bytes) -> bool:
    """Return whether a TXT record's strings, joined, are an SPF record (section 4.5)."""
    return raw[:6].lower() == b"v=spf1" and raw[6:7] in (b"", b" ")


def parse(raw: bytes) -> SpfRecord:
    """Return the record that `raw` is; raise SpfSyntax with what is wrong with it."""
    if not is_spf(raw):
        raise SpfSyntax("it does not begin with 'v=spf1' followed by a space")
    if not raw.isascii():
        at = next(place for place, byte in enumerate(raw) if byte > 0x7F)
        raise SpfSyntax(f"byte {at + 1} (0x{raw[at]:02x}) is not ASCII")
    text = raw.decode("ascii")
    problems: list[str] = []
    mechanisms: list[Mechanism] = []
    known: dict[str, tuple[str, tuple[Part, ...]]] = {}
    others: list[str] = []
    for term in filter(None, text.split(" ")[1:]):
        try:
            modifier = _MODIFIER.match(term)
            if modifier is None:
                mechanisms.append(_mechanism(term))
                continue
            name, value = modifier.group(1).lower(), term[modifier.end() :]
            if name in ("redirect", "exp"):
                if name in known:
                    raise SpfSyntax(f"the modifier {name} stands in it twice")
                known[name] = term, _domain_spec(value)
            else:
                read(value)
                others.append(term)
        except SpfSyntax as error:
            if len(problems) < MAX_PROBLEMS:
                problems.append(f"{term[:80]!r}: {error}")
    if problems:
        raise SpfSyntax("; ".join(problems))
    redirect_text, redirect = known.get("redirect", ("", ()))
    return SpfRecord(
        text=text, mechanisms=tuple(mechanisms), redirect=redirect, redirect_text=redirect_text,
        exp=known.get("exp", ("", ()))[1], others=tuple(others),
    )  # fmt: skip


def _mechanism(term: str) -> Mechanism:
    found = _MECHANISM.match(term)
    if found is None:
        raise SpfSyntax("it is no term of an SPF record")
    qualifier, name, rest = found.group(1), found.group(2).lower(), found.group(3)
    result = _QUALIFIERS[qualifier]
    if name == "all":
        if rest:
            raise SpfSyntax("'all' takes nothing behind it")
        return Mechanism(text=term, name=name, result=result)
    if name in ("a", "mx"):
        return _address(term, name, result, rest)
    if name in ("ip4", "ip6"):
        return Mechanism(text=term, name=name, result=result, network=_network(name, rest))
    if name in ("include", "exists") or (name == "ptr" and rest):
        if not rest.startswith(":"):
            raise SpfSyntax(f"'{name}' needs a colon and a domain, and nothing else")
        return Mechanism(text=term, name=name, result=result, target=_domain_spec(rest[1:]))
    if name == "ptr":
        return Mechanism(text=term, name=name, result=result)
    raise SpfSyntax("there is no such mechanism")


def _address(term: str, name: str, result: Result, rest: str) -> Mechanism:
    lengths = _DUAL.search(rest)
    ip4, ip6 = lengths.groups() if lengths else (None, None)
    spec = rest[: lengths.start()] if lengths else rest
    if spec and not spec.startswith(":"):
        raise SpfSyntax(f"'{name}' takes a colon and a domain, and lengths of prefixes such as /24//64")
    if int(ip4 or 0) > 32 or int(ip6 or 0) > 128:
        raise SpfSyntax("the length of a prefix is at most 32 for IPv4 and 128 for IPv6")
    return Mechanism(
        text=term, name=name, result=result, target=_domain_spec(spec[1:]) if spec else (),
        ip4=32 if ip4 is None else int(ip4), ip6=128 if ip6 is None else int(ip6),
    )  # fmt: skip


def _network(name: str, rest: str) -> Network:
    if not rest.startswith(":"):
        raise SpfSyntax(f"'{name}' needs a colon and an address")
    size = _PREFIX.search(rest)
    address = rest[1 : size.start()] if size else rest[1:]
    most = 32 if name == "ip4" else 128
    length = int(size.group(1)) if size else most
    if length > most:
        raise SpfSyntax(f"the length of the prefix is at most {most}")
    spare = most - length
    try:
        if name == "ip4":
            return ipaddress.IPv4Network((int(ipaddress.IPv4Address(address)) >> spare << spare, length))
        if "%" in address:
            raise ValueError(address)
        return ipaddress.IPv6Network((int(ipaddress.IPv6Address(address)) >> spare << spare, length))
    except ValueError:
        raise SpfSyntax(f"{address[:60]!r} is no IPv{name[2]} address") from None


def _domain_spec(text: str) -> tuple[Part, ...]:
    """Return the parts of a domain-spec: it ends in a macro, or in a dot and a top label (section 12)."""
    parts = read(text)
    if not parts:
        raise SpfSyntax("the domain is missing: no blank may stand before it")
    if ends_in_macro(text):
        return parts
    _, dot, label = text.removesuffix(".").rpartition(".")
    if not dot or not _is_top(label):
        hint = "; an IPv4 address goes with ip4" if re.fullmatch(r"[0-9.]{7,15}", text) else ""
        raise SpfSyntax(f"{text[:60]!r} does not end in a domain such as .example{hint}")
    return parts


def _is_top(label: str) -> bool:
    if not label or label[0] not in _ALNUM or label[-1] not in _ALNUM:
        return False
    rest = label.replace("-", "")
    return not set(rest) - _ALNUM and (rest != label or not label.isdigit())
