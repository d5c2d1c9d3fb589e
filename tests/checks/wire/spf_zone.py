"""A small DNS for SPF tests: names with records as one writes them, answered in memory or on loopback.

`{"a.example": ["TXT v=spf1 -all", "A 192.0.2.1"], "slow.example": ["TIMEOUT"]}`: a TXT record is its value
(bytes for odd ones); `TIMEOUT` fails every type that the name has no record of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset

from checks.wire.dns_names import tidy_name
from checks.wire.dns_text import canonical, quoted
from checks.wire.spf_dns import Reply
from tests.checks.wire.dns_servers import Answerer

Zone = Mapping[str, Sequence[str | bytes]]
_ALIASES = 8


def rows_of(zone: Zone, name: str) -> list[tuple[str, bytes]] | None:
    """Return the records of `name` as (type, value)."""
    for owner, rows in zone.items():
        if tidy_name(owner) == tidy_name(name):
            found = []
            for row in rows:
                raw = row.encode() if isinstance(row, str) else row
                rdtype, _, value = raw.partition(b" ")
                found.append((rdtype.decode(), value))
            return found
    return None


class Fake:
    """Answers in memory; `asked` are the lookups in their order."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, name: str, rdtype: str) -> Reply:
        """Return what the zone has; see `checks.wire.spf_dns.Ask`."""
        self.asked.append((name, rdtype))
        for _ in range(_ALIASES):
            rows = rows_of(self.zone, name)
            if rows is None:
                return Reply(outcome="no such name")
            values = [value for kind, value in rows if kind == rdtype]
            if values:
                return Reply(outcome="found", data=tuple(_text(rdtype, value) for value in values))
            if any(kind == "TIMEOUT" for kind, _ in rows):
                return Reply(outcome="failed", detail=f"{name} {rdtype}: timeout")
            alias = next((value for kind, value in rows if kind == "CNAME"), None)
            if alias is None:
                return Reply(outcome="no data")
            name = alias.decode()
        return Reply(outcome="failed", detail="the aliases lead in a circle")


def _text(rdtype: str, value: bytes) -> str:
    return quoted(value) if rdtype == "TXT" else canonical(rdtype, value.decode())


def serving(zone: Zone, *, flags: int = dns.flags.AA) -> Answerer:
    """Return an answerer for `scripted` that serves `zone` with these flags, aliases not followed."""

    def answer(query: bytes) -> bytes | None:
        asked = dns.message.from_wire(query)
        reply = dns.message.make_response(asked)
        reply.flags |= flags
        question = asked.question[0]
        rows = rows_of(zone, question.name.to_text())
        if rows is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
            return reply.to_wire()
        kind = dns.rdatatype.to_text(question.rdtype)
        chosen = [row for row in rows if row[0] == kind] or [row for row in rows if row[0] == "CNAME"]
        if not chosen and any(row[0] == "TIMEOUT" for row in rows):
            return None
        for rdtype, value in chosen:
            found = dns.rrset.RRset(question.name, dns.rdataclass.IN, dns.rdatatype.from_text(rdtype))
            found.add(_rdata(rdtype, value), 60)
            reply.answer.append(found)
        return reply.to_wire()

    return answer


def _rdata(rdtype: str, value: bytes) -> dns.rdata.Rdata:
    if rdtype == "TXT":
        pieces = [value[at : at + 255] for at in range(0, len(value), 255)] or [b""]
        return dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, pieces)
    return dns.rdata.from_text("IN", rdtype, value.decode(), origin=dns.name.root, relativize=False)
