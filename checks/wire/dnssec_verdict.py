"""What a walk down the chain of trust can say, and of whom: its words as data. Pure."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from checks.dataclass import dataclass
from checks.wire.dnssec_reply import Opened, Reply
from checks.wire.dnssec_rrset import Checked, Why

if TYPE_CHECKING:
    import dns.name

Word = Literal["secure", "insecure", "bogus", "indeterminate"]
Reason = (
    Why
    | Literal[
        "", "no DS", "opt-out", "iterations", "DS without matching DNSKEY", "no proof of absence",
        "no reply", "signatures stripped", "too long",
    ]
)  # fmt: skip
Outcome = Literal["", "found", "no data", "no such name"]
RANK: dict[Word, int] = {"secure": 0, "insecure": 1, "indeterminate": 2, "bogus": 3}
MAX_RECORDS = 100
_CNAME = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the chain says of a question; `zone` is where in it that was decided. Texts are raw."""

    word: Word
    zone: str
    reason: Reason = ""
    detail: str = ""
    outcome: Outcome = ""
    end: str = ""
    records: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    at: int = 0
    """When the signature ended, or begins (seconds since 1970), where that is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One zone of the chain: the keys that its parent vouches for, its algorithms, the digests in use."""

    zone: str
    tags: tuple[int, ...]
    algorithms: tuple[int, ...]
    digests: tuple[int, ...]


def text_of(name: dns.name.Name) -> str:
    """Return a name in lower case without its final dot; the root is `.`."""
    return name.to_text(omit_final_dot=len(name) > 1).lower()


def type_text(number: int) -> str:
    """Return a record type's name."""
    import dns.rdatatype

    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(number))


def texts_of(rrset: Any) -> tuple[str, ...]:
    """Return the data of a set as text, at most `MAX_RECORDS`."""
    return tuple(record.to_text() for record in list(rrset)[:MAX_RECORDS])


def renamed(name: Any, owner: Any, target: Any) -> Any | None:
    """Return the name that a DNAME makes of `name`, None if it is too long (RFC 6672 section 2.2)."""
    import dns.exception

    try:
        return name.relativize(owner).concatenate(target).canonicalize()
    except dns.exception.DNSException:
        return None


def first_questions(name: str, anchor: str = ".") -> list[tuple[str, str]]:
    """Return the questions that every walk down to the zone `name` asks: they can be asked at once."""
    labels = name.split(".") if name != "." else []
    zones = [".".join(labels[number:]) for number in range(len(labels) - 1, -1, -1)]
    below = [zone for zone in zones if anchor == "." or zone.endswith(f".{anchor}")]
    return [(anchor, "DNSKEY"), *((zone, rdtype) for zone in below for rdtype in ("DS", "DNSKEY"))]


def replay(
    walk: Generator[tuple[str, str], Reply, Verdict], replies: Mapping[tuple[str, str], Reply]
) -> Verdict:
    """Run a walk against replies that were kept."""
    try:
        wanted = next(walk)
        while True:
            name, rdtype = wanted
            missing = Reply(name=name, rdtype=rdtype, server="", detail="it was not asked")
            wanted = walk.send(replies.get(wanted, missing))
    except StopIteration as done:
        verdict: Verdict = done.value
        return verdict


def lost(name: Any, opened: Opened) -> Verdict:
    """Return that a reply which the walk needs was not to be had."""
    reply = opened.reply
    by = f"{reply.server}: " if reply.server else ""
    return Verdict(
        word="indeterminate", zone=text_of(name), reason="no reply",
        detail=f"{by}{text_of(name)} {reply.rdtype}: {opened.trouble}",
    )  # fmt: skip


def stripped(where: str, detail: str) -> Verdict:
    """Return that the server keeps back what DNSSEC needs, so that nothing is known."""
    return Verdict(word="indeterminate", zone=where, reason="signatures stripped", detail=detail)


def bogus(where: str, found: Checked, what: str) -> Verdict:
    """Return that no signature of a set holds."""
    detail = f"{what}: {found.detail}" if found.detail else what
    return Verdict(word="bogus", zone=where, reason=found.why, detail=detail, at=found.at)


def unsigned(zone: Verdict, opened: Opened, name: Any, kind: int) -> tuple[Verdict, Any]:
    """Return the zone's verdict with what the answer holds, as it stands, and where an alias leads."""
    positive, alias = opened.find(name, kind), opened.find(name, _CNAME)
    outcome: Outcome = "no such name" if opened.reply.rcode == "NXDOMAIN" else "no data"
    made = Verdict(
        word=zone.word, zone=zone.zone, reason=zone.reason, detail=zone.detail,
        outcome=outcome if positive is None else "found",
        records=texts_of(positive) if positive is not None else (),
    )  # fmt: skip
    if positive is not None or alias is None or zone.word != "insecure":
        return made, None
    return made, alias[0].target.canonicalize()
