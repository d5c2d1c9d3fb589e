"""Where DMARC reports are to go, and whether they may and can (RFC 9990 section 4, RFC 9991 section 5)."""

from __future__ import annotations

from typing import Literal

from checks.dataclass import dataclass
from checks.wire.dmarc import PolicyRecord, destination, organizational, parse, walk_names
from checks.wire.dmarc_walk import Records

Known = Literal["yes", "no", "unknown"]
"""`unknown`: a lookup failed, so that nothing is known."""
MAX_DESTINATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One reporting URI (raw), and what the DNS says of it.

    `external`: its host belongs to another organisation than the policy record, so that it must consent by
    a record at `consent_name`. `consent` is None where none is needed. `mail`: its host takes mail (by MX,
    or by an address); None for a URI that is not mailto:. `host` is None where the URI names none.
    """

    tag: Literal["rua", "ruf"]
    uri: str
    host: str | None
    external: Known = "unknown"
    consent: Known | None = None
    consent_name: str = ""
    mail: Known | None = None
    detail: str = ""

    def works(self) -> Known:
        """Return whether reports can get there, as far as the DNS says."""
        if self.host is None:
            return "no"
        said = [known for known in (self.consent, self.mail) if known is not None]
        return "no" if "no" in said else "unknown" if "unknown" in said else "yes"


async def destinations(records: Records, place: str, record: PolicyRecord) -> tuple[Destination, ...]:
    """Look at the reporting URIs of `record`, which was found for the domain `place`."""
    uris = list(dict.fromkeys([("rua", uri) for uri in record.rua] + [("ruf", uri) for uri in record.ruf]))
    found: list[Destination] = []
    for tag, uri in uris[:MAX_DESTINATIONS]:
        found.append(await _look(records, place, "rua" if tag == "rua" else "ruf", uri))
    return tuple(found)


async def _look(records: Records, place: str, tag: Literal["rua", "ruf"], uri: str) -> Destination:
    host = destination(uri)
    if host is None:
        return Destination(tag=tag, uri=uri, host=None)
    mail = await _takes_mail(records, host) if uri[:7].lower() == "mailto:" else None
    external = await _external(records, place, host)
    if external == "no":
        return Destination(tag=tag, uri=uri, host=host, external=external, mail=mail)
    name = f"{place}._report._dmarc.{host}"
    answer, texts = await records.texts(name)
    consents = [consent for consent in map(parse, texts) if consent is not None]
    consent: Known = "unknown" if answer.outcome == "failed" else "yes" if consents else "no"
    detail = answer.detail
    # The consent may send the reports on, but only within the same host.
    onward = [uri for one in consents for uri in (one.rua if tag == "rua" else one.ruf)]
    elsewhere = [uri for uri in onward if destination(uri) != host]
    if elsewhere:
        consent, detail = "no", f"the consent sends them on to another host: {elsewhere[0]}"
    if external == "unknown" and consent == "no":
        consent = "unknown"
    return Destination(
        tag=tag, uri=uri, host=host, external=external, consent=consent, consent_name=name, mail=mail,
        detail=detail,
    )  # fmt: skip


async def _external(records: Records, place: str, host: str) -> Known:
    """Return whether `host` has another Organizational Domain than `place`."""
    if host == place:
        return "no"
    under, over = sorted((host, place), key=len, reverse=True)
    if under.endswith(f".{over}"):
        # Both walks go the same way above the shorter name: only a boundary up to there can part them.
        names = [name for name in walk_names(under) if name.endswith(f".{over}")]
        steps = await records.walk([*names, over])
        if steps[-1].outcome == "failed":
            return "unknown"
        found = records.known([step.domain for step in steps])
        parted = any(found[name].psd != "u" for name in names if name in found)
        return "yes" if parted or (over in found and found[over].psd == "y") else "no"
    owners: list[str] = []
    for start in (place, host):
        steps = await records.walk(walk_names(start))
        if steps[-1].outcome == "failed":
            return "unknown"
        owners.append(organizational(start, records.known([step.domain for step in steps])))
    return "no" if owners[0] == owners[1] else "yes"


async def _takes_mail(records: Records, host: str) -> Known:
    found = await records.lookup(host, "MX")
    if found.outcome == "failed":
        return "unknown"
    if found.outcome == "found":
        null = all(text.split(" ")[-1] == "." for text in found.texts)
        return "no" if null else "yes"
    if found.outcome == "no such name":
        return "no"
    for rdtype in ("A", "AAAA"):  # a host without MX takes mail itself (RFC 5321 section 5.1)
        found = await records.lookup(host, rdtype)
        if found.outcome != "no data":
            return "unknown" if found.outcome == "failed" else "yes" if found.outcome == "found" else "no"
    return "no"
