"""What one DNS server answered to one question, or how it did not."""

from __future__ import annotations

from typing import Literal

from checks.dataclass import dataclass
from checks.wire.dns_codec import Malformed, Record, decode
from checks.wire.dns_failures import Failure

Path = Literal["udp", "tcp", "tls", "https"]
CUT = "the reply is cut short (TC)"
MAX_ALIASES = 100
"""Aliases in one answer that are followed; resolvers stop long before (unbound 11, BIND 16)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where a question led: the aliases passed, the name at the end, and its records of the type asked."""

    aliases: tuple[str, ...]
    end: str
    records: tuple[Record, ...]
    loop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one server answered to one question, or how it did not.

    `rcode` is None if there was no reply that can be read; `error` then says why. With the error `truncated`
    the reply's beginning is there: it proves no absence. `rtt_ms` is the time of the exchange that gave the
    answer. `ignored` counts datagrams that came from the server's address on the
    same socket meanwhile and answered nothing that was asked: late, mangled or forged. `edns` says whether
    the reply speaks EDNS; None where the question did not (asked so, or after the server refused it).
    """

    server: str
    address: str
    name: str
    rdtype: str
    rcode: str | None = None
    error: Failure | None = None
    detail: str = ""
    aa: bool = False
    tc: bool = False
    ra: bool = False
    ad: bool = False
    edns: bool | None = None
    transport: Path = "udp"
    rtt_ms: float | None = None
    tries: int = 1
    ignored: int = 0
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    wire: bytes = b""
    """The reply as it came, where `keep_wire` asked for it: the evidence for DNSSEC."""

    def chain(self) -> Chain:
        """Follow the aliases from the name asked to the records (RFC 1034 section 3.6.2)."""
        wanted, name = self.rdtype, self.name
        aliases: list[str] = []
        passed: set[str] = {name}
        known: dict[str, str] = {}
        while True:
            found = tuple(r for r in self.records if r.name == name and wanted in (r.rdtype, "ANY"))
            if found or wanted == "CNAME" or len(found) == len(self.records):
                return Chain(aliases=tuple(aliases), end=name, records=found)
            if not known:
                known = {r.name: r.text for r in reversed(self.records) if r.rdtype == "CNAME"}
            alias = known.get(name)
            if alias is None:
                return Chain(aliases=tuple(aliases), end=name, records=())
            if alias in passed or len(aliases) >= MAX_ALIASES:
                return Chain(aliases=tuple(aliases), end=name, records=(), loop=True)
            aliases.append(alias)
            passed.add(alias)
            name = alias

    def referral(self) -> bool:
        """Return whether the server only points to other servers: that says nothing about the name."""
        kinds = {record.rdtype for record in self.authority}
        empty = self.rcode == "NOERROR" and not self.aa and not self.records
        return empty and "NS" in kinds and "SOA" not in kinds


@dataclass(slots=True, kw_only=True)
class Asked:
    """What was asked so far: makes the answers."""

    server: str
    address: str
    name: str
    rdtype: str
    question: bytes
    edns: bool
    tries: int = 0
    ignored: int = 0
    keep_wire: bool = False

    def failed(self, error: Failure, detail: str, transport: Path = "udp") -> Answer:
        """Return the answer that there is none."""
        return Answer(
            server=self.server, address=self.address, name=self.name, rdtype=self.rdtype, error=error,
            detail=detail, transport=transport, tries=self.tries, ignored=self.ignored,
        )  # fmt: skip

    def answered(self, reply: bytes, transport: Path, rtt_s: float) -> Answer:
        """Return what `reply` says; only over UDP may the rest of one that is cut short be had."""
        try:
            message = decode(reply, self.question, self.name)
        except Malformed as error:
            return self.failed("malformed reply", str(error), transport)
        flags = message.flags
        cut = flags & 0x0200 and transport != "udp"
        return Answer(
            server=self.server, address=self.address, name=self.name, rdtype=self.rdtype,
            rcode=message.rcode, error="truncated" if cut else None, detail=CUT if cut else "",
            aa=bool(flags & 0x0400), tc=bool(flags & 0x0200), ra=bool(flags & 0x0080),
            ad=bool(flags & 0x0020), edns=message.edns if self.edns else None, transport=transport,
            rtt_ms=round(rtt_s * 1000, 3), tries=self.tries, ignored=self.ignored, records=message.answer,
            authority=message.authority, additional=message.additional,
            wire=reply if self.keep_wire else b"",
        )  # fmt: skip

    def cut(self, answer: Answer, by_tcp: Answer) -> Answer:
        """Return `answer`, which was cut short over UDP, with how TCP gave nothing."""
        return Answer(
            server=self.server, address=self.address, name=self.name, rdtype=self.rdtype,
            rcode=answer.rcode, error="truncated", detail=f"over TCP: {by_tcp.error}, {by_tcp.detail}",
            aa=answer.aa, tc=True, ra=answer.ra, ad=answer.ad, rtt_ms=answer.rtt_ms, tries=self.tries,
            ignored=self.ignored, records=answer.records, authority=answer.authority,
            additional=answer.additional,
        )  # fmt: skip
