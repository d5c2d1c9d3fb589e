"""Which serial of a zone is the newer one: RFC 1982 arithmetic, where numbers go round. Pure."""

from __future__ import annotations

from collections.abc import Collection

from checks.wire.dns import Answer, Record

HALF = 1 << 31


def newer(one: int, other: int) -> bool | None:
    """Return whether `one` is later than `other`; None where RFC 1982 section 3.2 does not say."""
    if one == other:
        return False
    ahead = (one - other) % (1 << 32)
    return None if ahead == HALF else ahead < HALF


def newest(serials: Collection[int]) -> int | None:
    """Return the serial that is later than every other one; None where there is no such serial."""
    for one in sorted(set(serials)):
        if all(newer(one, other) for other in serials if other != one):
            return one
    return None


def soas(answer: Answer, domain: str) -> tuple[Record, ...]:
    """Return the different SOA records of `domain` in the answer: a sound answer has one."""
    found = {r.text: r for r in answer.records if r.rdtype == "SOA" and r.name == domain}
    return tuple(found.values())


def serial_of(record: Record) -> int:
    """Return the serial of a SOA record."""
    return int(record.text.split(" ")[2])
