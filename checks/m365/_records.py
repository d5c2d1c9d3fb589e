"""Service records of a domain: as Graph or the project lists them, and held against what DNS answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import DomainName, parse_domain
from checks.safe import safe
from checks.wire.dns_lookup import Lookup
from checks.wire.dns_text import txt_value
from checks.wire.graph_json import Drift, count, flag, text, text_or
from checks.words import Finding

Kind = Literal["MX", "TXT", "CNAME", "SRV"]
_SRV = re.compile(r"(\d{1,5}) +(\d{1,5}) +(\d{1,5}) +(\S{1,255})\Z")
_MX = re.compile(r"(?:(\d{1,5}) +)?(\S{1,255})\Z")
# A sample of Microsoft's own documentation has a space behind the colon.
_INCLUDE = re.compile(r"include:\s{0,4}([^\s]{1,255})", re.IGNORECASE)
_VERIFICATION = re.compile(r"ms\d+\.msv1\.invalid\Z")
_ENROLMENT = frozenset({
    "enterpriseenrollment.manage.microsoft.com", "enterpriseenrollment-s.manage.microsoft.com",
})  # fmt: skip
_KINDS: dict[str, Kind] = {"mx": "MX", "txt": "TXT", "cname": "CNAME", "srv": "SRV"}
_RETIRED = ("sip", "lyncdiscover", "_sip._tls")
"""Records of Skype for Business Online, which ended on 31 July 2021."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """A record that the domain needs: its value as in a zone file, names in full.

    `0 contoso-com.mail.protection.outlook.com` for an MX record, `100 1 5061 sipfed.online.lync.com` for SRV.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    type: Kind
    name: DomainName
    value: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A record that Graph lists and that is of no documented kind, or cannot be made: why."""

    label: str
    kind: str
    detail: str


def is_spf(record: ServiceRecord) -> bool:
    """Return whether it is the SPF record."""
    return record.type == "TXT" and record.value.strip().lower().startswith("v=spf1")


def written(record: ServiceRecord) -> ServiceRecord:
    """Return a record whose value can be compared; raise ValueError with a sentence."""
    value = record.value.strip()
    if not value:
        raise ValueError(
            f"The {record.type} record of {record.name} has no value, which would assert nothing."
        )
    if record.type == "CNAME":
        parse_domain(value)
    match = {"SRV": _SRV, "MX": _MX}.get(record.type)
    found = match.match(value) if match else None
    if match and found is None:
        form = "100 1 5061 sipfed.online.lync.com" if record.type == "SRV" else "0 mx.example.com"
        raise ValueError(f"The value of an {record.type} record is written like {form}, not {value!r}.")
    if found is not None and "." not in parse_domain(found.groups()[-1]):
        raise ValueError(f"The value of an {record.type} record ends with a host in full, unlike {value!r}.")
    return record


def from_graph(item: dict[str, Any]) -> tuple[str, ServiceRecord | Unknown]:
    """Return service and record of one of serviceConfigurationRecords; raise Drift for another shape."""
    kind = text(item, "recordType")
    label, service = text(item, "label"), text_or(item, "supportedService")
    odata = text_or(item, "@odata.type").rpartition(".")[2].lower()
    makers = {"mx": _mx, "txt": _txt, "cname": _cname, "srv": _srv}
    maker = makers.get(kind.lower())
    if maker is None or odata == "domaindnsunavailablerecord":
        return service, Unknown(label=label, kind=kind, detail=text_or(item, "description"))
    value = maker(item)
    try:
        record = ServiceRecord(
            type=_KINDS[kind.lower()],
            name=parse_domain(label),
            value=value,
            optional=flag(item, "isOptional"),
        )
        return service, written(record)
    except ValueError as error:
        raise Drift(f"the {kind} record of {label} cannot be read: {error}") from None


def _mx(item: dict[str, Any]) -> str:
    return f"{count(item, 'preference', most=65535)} {text(item, 'mailExchange')}"


def _txt(item: dict[str, Any]) -> str:
    return text(item, "text")


def _cname(item: dict[str, Any]) -> str:
    return text(item, "canonicalName")


def _srv(item: dict[str, Any]) -> str:
    numbers = (count(item, name, most=65535) for name in ("priority", "weight", "port"))
    return f"{' '.join(map(str, numbers))} {text(item, 'nameTarget')}"


def compare(record: ServiceRecord, found: Lookup, domain: str) -> Iterable[Finding]:
    """Judge one record by what DNS answered for it."""
    subject = f"{safe(record.name, limit=253)} {record.type}"
    expected = safe(record.value.strip(), limit=300)
    if found.outcome == "failed":
        yield cannot_tell(
            subject,
            "The record could not be looked up: no resolver gave an answer.",
            expected=expected,
            observed=safe(found.detail, limit=300),
            fix="Mend the resolver or the zone's servers (dns.authority tells more), then run again.",
        )
        return
    if _retired(record, domain):
        yield from _legacy(record, found, subject, expected)
        return
    if found.outcome != "found":
        if not record.optional:
            yield _absent(record, found, subject, expected)
        return
    judges = {"MX": _judge_mx, "TXT": _judge_txt, "CNAME": _judge_cname, "SRV": _judge_srv}
    yield judges[record.type](record, found, subject, expected)


def _retired(record: ServiceRecord, domain: str) -> bool:
    label = record.name.removesuffix("." + domain)
    return label in _RETIRED and record.name.endswith("." + domain)


def _legacy(record: ServiceRecord, found: Lookup, subject: str, expected: str) -> Iterable[Finding]:
    """A record of Skype for Business Online: its absence is no fault; one that points elsewhere is."""
    if found.outcome != "found":
        return
    wanted = _name(record.value.split()[-1])
    got = [_name(value.split()[-1]) for value in found.texts if value.split()]
    if wanted not in got:
        yield warned(
            subject,
            "This record of Skype for Business is retired, and it points elsewhere than to the cloud.",
            expected=f"{expected}, or no such record",
            observed=_shown(found),
            fix="Remove the record, unless a Skype for Business server of your own still needs it.",
        )


def _absent(record: ServiceRecord, found: Lookup, subject: str, expected: str) -> Finding:
    return failed(
        subject,
        "The record is missing.",
        expected=expected,
        observed="no such name" if found.outcome == "no such name" else f"no {record.type} record",
        fix=f"Add this record to the zone: {safe(record.name, limit=253)} {record.type} {expected}",
    )


def _wrong(record: ServiceRecord, found: Lookup, subject: str, expected: str, message: str) -> Finding:
    return failed(
        subject,
        message,
        expected=expected,
        observed=_shown(found),
        fix=f"Change the record in the zone to: {safe(record.name, limit=253)} {record.type} {expected}",
    )


def _right(found: Lookup, subject: str, expected: str) -> Finding:
    return passed(subject, "The record is as planned.", expected=expected, observed=_shown(found))


def _judge_mx(record: ServiceRecord, found: Lookup, subject: str, expected: str) -> Finding:
    wanted = _name(record.value.split()[-1])
    hosts: dict[str, int] = {}
    for value in found.texts:
        match = _MX.match(value.strip())
        if match is None or match[1] is None:
            return _unread(found, subject, expected)
        host = _name(match[2])
        if not _VERIFICATION.match(host):
            hosts[host] = min(int(match[1]), hosts.get(host, 65536))
    if wanted not in hosts:
        return _wrong(record, found, subject, expected, "Mail is not directed to the planned host.")
    others = [host for host, preference in hosts.items() if host != wanted and preference <= hosts[wanted]]
    if others:
        return _wrong(
            record, found, subject, expected,
            "The planned host is there, and another one is preferred to it or equal.",
        )  # fmt: skip
    return _right(found, subject, expected)


def _judge_txt(record: ServiceRecord, found: Lookup, subject: str, expected: str) -> Finding:
    texts = [_joined(value) for value in found.texts]
    if not is_spf(record):
        if record.value.strip() in (value.strip() for value in texts):
            return _right(found, subject, expected)
        return failed(
            subject,
            "None of the TXT records has the planned text.",
            expected=expected,
            observed=_shown(found),
            fix=f"Add this record beside the others: {safe(record.name, limit=253)} TXT {expected}",
        )
    spf = [value for value in texts if value.lower() == "v=spf1" or value.lower().startswith("v=spf1 ")]
    if len(spf) != 1:
        return failed(
            subject,
            "There is more than one SPF record, which is an error for every receiver (permerror)."
            if spf else "There is no SPF record.",
            expected=expected,
            observed=safe(" | ".join(spf) or "TXT records without v=spf1", limit=400),
            fix="Merge them: one TXT record that begins with v=spf1 and has all mechanisms."
            if spf else f"Add this record to the zone: {safe(record.name, limit=253)} TXT {expected}",
        )  # fmt: skip
    wanted = {_name(domain) for domain in _INCLUDE.findall(record.value)}
    missing = sorted(wanted - _included(spf[0]))
    if missing or not wanted:
        return failed(
            subject,
            f"The SPF record does not include {safe(', '.join(missing), limit=200) or 'what is planned'}.",
            expected=expected,
            observed=safe(spf[0], limit=400),
            fix=f"Add include:{safe(missing[0] if missing else '', limit=200)} before 'all'. If it stands "
            "within another include, leave SPF out here by 'skip' and prove it by mail.spf.",
        )
    return passed(
        subject, "The SPF record includes the service.", expected=expected, observed=safe(spf[0], limit=400)
    )


def _judge_cname(record: ServiceRecord, found: Lookup, subject: str, expected: str) -> Finding:
    wanted = {_name(record.value)}
    if wanted & _ENROLMENT:
        wanted |= _ENROLMENT
    if len(found.texts) == 1 and _name(found.texts[0]) in wanted:
        return _right(found, subject, expected)
    return _wrong(record, found, subject, expected, "The alias leads elsewhere.")


def _judge_srv(record: ServiceRecord, found: Lookup, subject: str, expected: str) -> Finding:
    wanted = _SRV.match(record.value.strip())
    got = [match for match in map(_SRV.match, found.texts) if match is not None]
    if wanted is None or len(got) != len(found.texts):
        return _unread(found, subject, expected)
    same = [m for m in got if m[3] == wanted[3] and _name(m[4]) == _name(wanted[4])]
    if not same:
        return _wrong(record, found, subject, expected, "The service is said to be elsewhere.")
    if len(got) > 1 or (same[0][1], same[0][2]) != (wanted[1], wanted[2]):
        return warned(
            subject,
            "The service is named rightly, beside others or with another priority or weight.",
            expected=expected,
            observed=_shown(found),
            fix=f"Leave this record alone: {safe(record.name, limit=253)} SRV {expected}",
        )
    return _right(found, subject, expected)


def _unread(found: Lookup, subject: str, expected: str) -> Finding:
    return cannot_tell(
        subject,
        "The answer holds a record that cannot be read.",
        expected=expected,
        observed=_shown(found),
        fix="Look at the record by dns.record, and at the server that answers so.",
    )


def _name(name: str) -> str:
    return name.strip().rstrip(".").lower()


def _joined(value: str) -> str:
    """Return the text of a TXT record given in presentation form: its strings joined without a space."""
    try:
        return txt_value(value).decode("utf-8", "replace")
    except ValueError:
        return value


def _included(spf: str) -> set[str]:
    """Return the domains that a published SPF record lets pass by include, as a receiver reads it.

    Nothing after `all` is looked at, and an include that does not pass (`-include:`) lets nobody in.
    """
    found: set[str] = set()
    for term in spf.split()[1:]:
        word = term.lower().lstrip("+")
        if word.lstrip("?~-") == "all":
            break
        if word.startswith("include:"):
            found.add(_name(word.removeprefix("include:")))
    return found


def _shown(found: Lookup) -> str:
    return safe(" | ".join(found.texts[:10]) or found.outcome, limit=400)
