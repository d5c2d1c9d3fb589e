"""What a server of the parent zone says of a domain, read from its answer to the question for NS. Pure."""

from __future__ import annotations

from checks.dns._zone import ParentView, Says, Server, inside
from checks.wire.dns import Answer, Record

_ADDRESS = ("A", "AAAA")
MAX_NAMES = 16
"""NS names of one zone that are followed: more than any zone has that is run with care."""


def view(server: Server, answer: Answer, domain: str, zone: str = ".") -> ParentView:
    """Return what `server` says of `domain` by its `answer` to the question for the domain's NS records.

    Only what the answer says of the domain itself counts: records of other names are nothing. Glue counts
    for names in `zone`, that of the server, as resolvers take it: of others it has no right to tell.
    """
    says, target = _says(answer, domain)
    ns: tuple[str, ...] = ()
    if says == "serves":
        ns = _ns(answer.records, domain)
    elif says == "delegates":
        ns = _ns(answer.authority, domain)
    names = {name for name in ns if inside(name, zone)}
    glue = tuple(dict.fromkeys(r for r in answer.additional if r.rdtype in _ADDRESS and r.name in names))
    return ParentView(server=server, says=says, answer=answer, ns=ns, glue=glue, target=target)


def _says(answer: Answer, domain: str) -> tuple[Says, str]:
    if answer.error is not None or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        return "failed", ""
    alias = next((r.text for r in answer.records if r.name == domain and r.rdtype == "CNAME"), "")
    if not alias and any(r.rdtype == "DNAME" and inside(domain, r.name) for r in answer.records):
        alias = next((r.text for r in answer.records if r.rdtype == "DNAME"), "")
    if alias:
        return ("alias", alias) if answer.aa else ("no authority", alias)
    if answer.rcode == "NXDOMAIN":
        return ("no such name" if answer.aa else "no authority"), ""
    if _ns(answer.records, domain):
        return ("serves" if answer.aa else "no authority"), ""
    if answer.records:
        return "failed", ""
    owners = [r.name for r in answer.authority if r.rdtype == "NS"]
    if any(r.rdtype == "SOA" for r in answer.authority):
        return ("no delegation" if answer.aa else "no authority"), ""
    if domain in owners:
        return "delegates", ""
    if owners and not answer.aa:
        return "elsewhere", min(owners, key=len)
    return ("no delegation" if answer.aa else "no authority"), ""


def _ns(records: tuple[Record, ...], domain: str) -> tuple[str, ...]:
    return tuple(sorted({r.text for r in records if r.rdtype == "NS" and r.name == domain}))


def referral(
    answer: Answer, name: str, beyond: str
) -> tuple[str, tuple[str, ...], tuple[Record, ...]] | None:
    """Return zone, NS names and glue of a referral towards `name` that leads below the zone `beyond`.

    None for anything else: a referral sideways, upwards or to where we are ends a walk. Glue for names
    that are not below `beyond` is left out.
    """
    if not answer.referral() or answer.error is not None:
        return None
    owners = {r.name for r in answer.authority if r.rdtype == "NS"}
    down = [o for o in owners if inside(name, o) and inside(o, beyond) and o != beyond]
    if not down:
        return None
    zone = max(down, key=len)
    names = _ns(answer.authority, zone)[:MAX_NAMES]
    told = {name for name in names if inside(name, beyond)}
    glue = tuple(r for r in answer.additional if r.rdtype in _ADDRESS and r.name in told)
    return zone, names, glue
