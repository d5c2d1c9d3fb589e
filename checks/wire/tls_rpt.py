"""TLS-RPT: the TXT record that says where senders report failed TLS (RFC 8460 section 3). Pure, bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from checks.dataclass import dataclass
from checks.params import parse_domain, parse_host

_RECORD = "v=TLSRPTv1;"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z")
_VALUE = re.compile(r"[\x21-\x3a\x3c\x3e-\x7e]+\Z")
_URI = re.compile(r"[\x21-\x7e]{1,2000}\Z")
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}\Z")
_BLANK = " \t"
MAX_URIS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRecord:
    """A record as a sender reads it; with `problem` it counts as none. `wrong` are URIs that cannot be used,
    each with the reason. Texts are raw."""

    uris: tuple[str, ...] = ()
    wrong: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def records_of(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the TXT values that are TLS-RPT records, and those that were meant to be."""
    found = [text for text in texts if text.startswith(_RECORD)]
    meant = [
        text for text in texts
        if text not in found and re.match(r"[\s\"']{0,8}v\s{0,8}=\s{0,8}tlsrptv1", text[:40], re.IGNORECASE)
    ]  # fmt: skip
    return found, meant


def read_record(text: str) -> ReportRecord:
    """Return what one record says."""
    fields = [field.strip(_BLANK) for field in text.split(";")]
    if fields[-1] == "":
        fields.pop()
    if not fields or fields[0] != "v=TLSRPTv1":
        return ReportRecord(problem="it does not begin with v=TLSRPTv1;")
    places: list[str] = []
    for field in fields[1:]:
        name, mark, value = field.partition("=")
        if mark and name == "rua":
            places.append(value)
        elif not mark or not _NAME.match(name) or not _VALUE.match(value):
            return ReportRecord(problem=f"{field[:60]!r} is not a field")
    if not places:
        return ReportRecord(problem="it has no rua")
    if len(places) > 1:
        return ReportRecord(problem="it has more than one rua")
    uris: list[str] = []
    wrong: list[tuple[str, str]] = []
    for uri in places[0].split(",")[:MAX_URIS]:
        uri = uri.strip(_BLANK)  # noqa: PLW2901 - the same, tidied
        trouble = trouble_with(uri)
        if trouble:
            wrong.append((uri[:200], trouble))
        else:
            uris.append(uri)
    return ReportRecord(
        uris=tuple(uris), wrong=tuple(wrong), problem="" if uris else "no address in its rua can be used"
    )


def trouble_with(uri: str) -> str:
    """Return why a report URI cannot be used, or an empty text. There are mailto and https."""
    if not _URI.match(uri):
        return "it is empty, too long, or has characters that a URI must encode"
    if "!" in uri:
        return "an exclamation mark must be encoded as %21"
    scheme, mark, rest = uri.partition(":")
    if not mark:
        return "it has no scheme: write mailto: before an address"
    try:
        if scheme.lower() == "mailto":
            local, at, domain = unquote(rest.partition("?")[0]).rpartition("@")
            if not at or not _LOCAL.match(local):
                return "it is not a mail address"
            parse_domain(domain)
            return "" if "." in domain else "its domain is not complete"
        if scheme.lower() == "https":
            parts = urlsplit(uri)
            parse_host(parts.hostname or "")
            return "" if parts.port != 0 else "its port is 0"
    except ValueError as error:
        return str(error)
    return f"{scheme[:40]} is not mailto or https"
