"""DNS messages: questions out, replies in (RFC 1035 section 4, EDNS RFC 6891). Pure, bounded, no I/O.

Small on purpose: one question, class IN, the common types by their fields (`checks.wire.dns_text`) and every
other one in the generic form. Whatever is not well formed raises Malformed.
"""

from __future__ import annotations

import functools
import re
import struct

from checks.dataclass import dataclass
from checks.wire.dns_names import Malformed, name_wire, read_name
from checks.wire.dns_text import read_data

__all__ = ["Malformed", "Message", "Record", "decode", "encode", "question_of", "reply_to"]

TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
    "NAPTR": 35, "DNAME": 39, "OPT": 41, "DS": 43, "SSHFP": 44, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48,
    "NSEC3": 50, "NSEC3PARAM": 51, "TLSA": 52, "CDS": 59, "CDNSKEY": 60, "SVCB": 64, "HTTPS": 65,
    "ANY": 255, "CAA": 257,
}  # fmt: skip
"""IANA's numbers of the record types that have a name here; any other is `TYPE1234` (RFC 3597 section 5)."""
_TYPE_NAMES = {number: name for name, number in TYPES.items()}
RCODES = (
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
    "NOTAUTH", "NOTZONE",
)  # fmt: skip
UDP_SIZE = 1232
"""Bytes of a reply that fit every path unfragmented: the value agreed on DNS flag day 2020."""
MAX_RECORDS = 2000
_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHIH")
_OPT = b"\0" + _FIXED.pack(TYPES["OPT"], UDP_SIZE, 0, 0)
_OPT_DNSSEC = b"\0" + _FIXED.pack(TYPES["OPT"], UDP_SIZE, 0x8000, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    r"""One resource record of class IN.

    `name` is lower case without the final dot; `ttl` is in seconds; `text` is the data in presentation form:
    ASCII, escaped, lossless except for the case of names. Compare by `dns_text.canonical(rdtype, text)`.
    """

    name: str
    ttl: int
    rdtype: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """A decoded reply; of one that was cut short (TC) only the records that are whole."""

    rcode: str
    flags: int
    answer: tuple[Record, ...]
    authority: tuple[Record, ...]
    additional: tuple[Record, ...]
    edns: bool = False
    """Whether the sender put an OPT record in: it knows EDNS."""


def type_number(rdtype: str) -> int:
    """Return the number of a record type's name; raise ValueError for an unknown one."""
    number = TYPES.get(rdtype)
    if number is None:
        found = re.fullmatch(r"TYPE([0-9]{1,5})", rdtype)
        if found is None or int(found.group(1)) > 0xFFFF:
            raise ValueError(f"{rdtype!r} is not a DNS record type; an unnamed one is written like TYPE1234.")
        number = int(found.group(1))
    return number


@functools.lru_cache(4096)
def question_of(name: str, rdtype: str) -> bytes:
    """Return the question section for `name`, letters in the case given; raise ValueError for a bad name."""
    return name_wire(name) + struct.pack("!HH", type_number(rdtype), 1)


def encode(
    ident: int,
    question: bytes,
    *,
    recursion: bool = True,
    edns: bool = True,
    dnssec: bool = False,
    checking_disabled: bool = False,
) -> bytes:
    """Return a query; `dnssec` asks for signatures (DO), `checking_disabled` for unvalidated data (CD)."""
    flags = (0x0100 if recursion else 0) | (0x0010 if checking_disabled else 0)
    header = _HEADER.pack(ident, flags, 1, 0, 0, 1 if edns else 0)
    return header + question + ((_OPT_DNSSEC if dnssec else _OPT) if edns else b"")


def reply_to(message: bytes, question: bytes) -> bool:
    """Return whether `message` is a standard reply that repeats `question` byte for byte.

    A server that could not read the question may leave it out (RFC 1035 section 4.1.1): then only an error
    counts.
    """
    if len(message) < 12 or message[2] & 0xF8 != 0x80:
        return False
    if message[4:6] == b"\0\1":
        return message.startswith(question, 12)
    return message[4:6] == b"\0\0" and message[3] & 0x0F in (1, 2, 4, 5) and message[6:8] == b"\0\0"


def decode(message: bytes, question: bytes = b"", name: str = "") -> Message:
    """Decode a reply of at most 64 KiB; a truncated one (TC) gives the records that are whole.

    `question` and the `name` in it, where the caller knows them, save reading them again.
    """
    if len(message) < 12:
        raise Malformed("The message is shorter than its header.")
    _, flags, questions, *counts = _HEADER.unpack_from(message)
    if sum(counts) > MAX_RECORDS or questions > 1:
        raise Malformed(f"The message claims {questions} questions and {sum(counts)} records.")
    names: dict[int, str] = {}
    at = 12
    if questions and question and message.startswith(question, 12):
        at += len(question)
        names[12] = name
    elif questions:
        at = read_name(message, at)[1] + 4
    rcode = flags & 0x0F
    edns = False
    sections: tuple[list[Record], ...] = ([], [], [])
    try:
        for section, count in zip(sections, counts, strict=True):
            for _ in range(count):
                if message[at] == 0xC0:
                    offset = message[at + 1]
                    owner = names.get(offset) or names.setdefault(offset, read_name(message, at)[0])
                    at += 2
                elif message[at] == 0:
                    owner, at = ".", at + 1
                else:
                    owner, at = read_name(message, at)
                number, klass, ttl, size = _FIXED.unpack_from(message, at)
                at += 10
                end = at + size
                if end > len(message):
                    raise Malformed("The data of a record runs past the end of the message.")
                if number == 41:
                    edns = True
                    rcode |= ttl >> 24 << 4
                elif klass == 1:
                    rdtype = _TYPE_NAMES.get(number) or f"TYPE{number}"
                    text = read_data(rdtype, message, at, end)
                    # A time to live with the highest bit set counts as zero (RFC 2181 section 8).
                    ttl = ttl if ttl < 1 << 31 else 0
                    section.append(Record(name=owner, ttl=ttl, rdtype=rdtype, text=text))
                at = end
    except (struct.error, IndexError):
        if not flags & 0x0200:
            raise Malformed("A record is cut short.") from None
    except Malformed:
        if not flags & 0x0200:
            raise
    answer, authority, additional = map(tuple, sections)
    return Message(
        RCODES[rcode] if rcode < len(RCODES) else f"RCODE{rcode}", flags, answer, authority, additional, edns
    )
