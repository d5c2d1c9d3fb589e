"""Record sets kept as they were: what a server holds of them, and the zone file that puts them back. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from checks.dataclass import dataclass
from checks.dns._holders import Held
from checks.dns._sets import content, plain
from checks.safe import safe
from checks.wire.dns import Answer, Record
from checks.words import minute

_NAMES = {"CNAME": (0,), "NS": (0,), "PTR": (0,), "DNAME": (0,), "MX": (1,), "SRV": (3,), "SOA": (0, 1)}
"""Where names stand in a type's data: evidence writes them without the final dot, a zone file with it."""
Texts = tuple[str, ...]
"""The data of a set in canonical form, with its type (`CNAME` where an alias stands in its place), sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSet:
    """One set; without records it was not there. An alias at the name stands for the set asked for."""

    name: str
    rdtype: str
    records: tuple[Record, ...] = ()

    @property
    def key(self) -> str:
        """Name and type in one."""
        return f"{self.name} {self.rdtype}"

    @property
    def texts(self) -> Texts:
        """The set in the form in which equal sets are equal; times to live do not count."""
        return tuple(sorted({f"{r.rdtype} {plain(r.rdtype, r.text)}" for r in self.records}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Record sets as one server held them, and as the text of a zone file."""

    at: datetime
    server: str
    serial: int | None
    sets: tuple[KeptSet, ...]
    text: str


def kept_set(answer: Answer) -> KeptSet | None:
    """Return what an answer says of the set itself; None where it says nothing with authority."""
    if content(answer) is None:
        return None
    own = [r for r in answer.records if r.name == answer.name and r.rdtype in (answer.rdtype, "CNAME")]
    return KeptSet(name=answer.name, rdtype=answer.rdtype, records=tuple(dict.fromkeys(own)))


def sets_of(held: Held) -> dict[str, KeptSet]:
    """Return the sets that a server tells with authority, by name and type."""
    return {one.key: one for answer in held.answers if (one := kept_set(answer)) is not None}


def absolute(name: str) -> str:
    """Return a name with the final dot that makes it absolute."""
    return name if name == "." else f"{name}."


def line(record: Record) -> str:
    """Return one record as a line of a zone file, names in full."""
    data = record.text
    places = _NAMES.get(record.rdtype, ())
    if places:
        parts = data.split(" ")
        data = " ".join(absolute(part) if at in places else part for at, part in enumerate(parts))
    return f"{absolute(record.name)} {record.ttl} IN {record.rdtype} {data}"


def keep(domain: str, at: datetime, server: str, serial: int | None, sets: Iterable[KeptSet]) -> Kept:
    """Return sets with the zone file that puts them back; what was not there is said in a comment."""
    sets = tuple(sets)
    lines = [
        f"; {domain} as {safe(server, limit=200)} had it on {minute(at)}, serial {serial}",
        "; raise the serial above the present one when this is put back",
    ]
    for one in sets:
        lines += [line(record) for record in one.records] or [f"; there was no {one.key}"]
    return Kept(at=at, server=server, serial=serial, sets=sets, text="\n".join(dict.fromkeys(lines)) + "\n")
