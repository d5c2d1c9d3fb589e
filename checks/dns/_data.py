"""What an answer's data is beside the plan: planned, old, other or none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from checks.safe import in_line
from checks.wire.dns import Answer
from checks.wire.dns_text import canonical

PANEL = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
"""Public resolvers that much of the world asks: Cloudflare, Google, Quad9."""
Data = frozenset[str]
"""A record set in canonical form."""
Verdict = Literal["planned", "old", "other", "nothing", "no such name", "circle", "elsewhere", "failed"]
"""`failed`: there is no answer that says anything. `elsewhere`: the server does not resolve, and the name (or
where its alias leads) is not in its zones."""


def data_of(rdtype: str, texts: Sequence[str], key: str) -> Data:
    """Return what a person wrote in canonical form; raise ValueError for what is no data, or named twice."""
    found: set[str] = set()
    for text in texts:
        try:
            one = canonical(rdtype, text)
        except ValueError as error:
            raise ValueError(
                f"'{key}' holds {text!r}, which is no data of a {rdtype} record: {error}"
            ) from None
        if one in found:
            raise ValueError(f"'{key}' names the same record twice.")
        found.add(one)
    return frozenset(found)


def verdict(answer: Answer, planned: Data, old: Data = frozenset()) -> Verdict:
    """Return what an answer is beside the plan; an empty `old` is not known, and nothing is ever old."""
    if answer.error is not None or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        return "failed"
    chain = answer.chain()
    if chain.loop:
        return "circle"
    if answer.rcode == "NXDOMAIN":
        return "no such name" if answer.ra or (answer.aa and not chain.aliases) else "elsewhere"
    got = frozenset(canonical(answer.rdtype, record.text) for record in chain.records)
    if not got:
        silent = answer.referral() or not (answer.ra or (answer.aa and not chain.aliases))
        return "elsewhere" if silent else "nothing"
    if got == planned:
        return "planned"
    return "old" if old and got == old else "other"


def shelf_life(answer: Answer) -> int | None:
    """Return the seconds after which nothing of the answer may be kept; None where it does not say.

    Of several records on the way it is the longest: which of them is out of date cannot be seen. An answer
    that there is nothing is kept as long as the SOA record beside it (RFC 2308 section 5).
    """
    chain = answer.chain()
    if chain.records:
        way = {answer.name, *chain.aliases}
        return max(
            record.ttl
            for record in answer.records
            if record in chain.records or (record.name in way and record.rdtype == "CNAME")
        )
    negative = [record.ttl for record in answer.authority if record.rdtype == "SOA"]
    return max(negative) if negative else None


def listed(data: Data) -> str:
    """Return a record set in one line."""
    return in_line(sorted(data))
