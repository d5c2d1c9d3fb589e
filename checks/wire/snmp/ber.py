"""The part of BER that SNMP v1 and v2c need: questions are encoded, responses are decoded, nothing else.

There is no SET in here. Every length is checked against what holds it; indefinite lengths, identifiers of
more than 128 arcs, arcs beyond 32 bits and numbers beyond 64 bits are refused, so a datagram costs at most
its own length in time and memory. Source: RFC 1157, RFC 3416, RFC 3417 section 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from checks.wire.snmp.agent import Index, Oid, Value

GET: Final = 0xA0
GETNEXT: Final = 0xA1
GETBULK: Final = 0xA5
RESPONSE: Final = 0xA2

INTEGER, STRING, NULL, OID = 0x02, 0x04, 0x05, 0x06
ADDRESS, COUNTER32, GAUGE32, TICKS, OPAQUE, NSAP, COUNTER64, UNSIGNED32 = range(0x40, 0x48)
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW = 0x80, 0x81, 0x82

MAX_ARCS = 128
MAX_ARC = (1 << 32) - 1
_MAX_OID_BYTES = MAX_ARCS * 5
_UNSIGNED = frozenset((COUNTER32, GAUGE32, TICKS, COUNTER64, UNSIGNED32))
_BYTES = frozenset((STRING, ADDRESS, OPAQUE, NSAP))
_EMPTY = frozenset((NULL, NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW))

Binding = tuple[bytes, int, Value | None]
"""Object identifier as it is encoded, tag, and value; None for NULL and the three exceptions."""


class MalformedError(ValueError):
    """The bytes are no response of SNMP v1 or v2c."""


class Reply(NamedTuple):
    """The head of a response; `bindings` reads the rest of it."""

    version: int
    community: bytes
    ident: int
    error: int
    culprit: int
    """Number of the binding that the error is about, counted from 1; 0 for none."""
    data: bytes
    position: int
    """Where the list of bindings begins in `data`."""
    whole: bool
    """Whether the datagram is as long as its lengths say."""


def encode_oid(oid: Sequence[int]) -> bytes:
    """Return the content octets of an identifier; raise ValueError for one that cannot be."""
    if not 2 <= len(oid) <= MAX_ARCS or not (
        0 <= oid[0] < 3 and oid[1] >= 0 and (oid[0] == 2 or oid[1] < 40)
    ):
        raise ValueError(f"{'.'.join(map(str, oid[:20]))} is no object identifier.")
    return encode_arcs((oid[0] * 40 + oid[1], *oid[2:]))


def encode_arcs(arcs: Sequence[int]) -> bytes:
    """Return arcs in base 128, such as those of an index."""
    out = bytearray()
    for arc in arcs:
        if arc < 0x80:
            if arc < 0:
                raise ValueError("The arcs of an object identifier are not negative.")
            out.append(arc)
            continue
        if arc > MAX_ARC:
            raise ValueError("The arcs of an object identifier have 32 bits.")
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        out += bytes(reversed(groups))
    return bytes(out)


def decode_oid(content: bytes) -> Oid:
    """Return an identifier from its content octets; no octets at all are 0.0, as some agents mean it."""
    if not content:
        return (0, 0)
    arcs = decode_arcs(content)
    first = arcs[0]
    return (first // 40, first % 40, *arcs[1:]) if first < 80 else (2, first - 80, *arcs[1:])


def decode_arcs(content: bytes) -> Index:
    """Return the arcs that octets in base 128 hold."""
    arcs = tuple(content) if content.isascii() else _long_arcs(content)
    if len(arcs) > MAX_ARCS:
        raise MalformedError("an object identifier has too many arcs")
    return arcs


def _long_arcs(content: bytes) -> Index:
    if len(content) > _MAX_OID_BYTES:
        raise MalformedError("an object identifier is too long")
    arcs: list[int] = []
    arc, begun = 0, False
    for octet in content:
        if octet == 0x80 and not begun:
            raise MalformedError("an arc is not written in the shortest way")
        arc = arc << 7 | octet & 0x7F
        if arc > MAX_ARC:
            raise MalformedError("an arc is larger than 32 bits")
        begun = octet > 0x7F
        if not begun:
            arcs.append(arc)
            arc = 0
    if begun:
        raise MalformedError("an object identifier is cut off")
    return tuple(arcs)


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes((size,))
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def _item(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + _length(len(content)) + content


def _integer(value: int) -> bytes:
    return _item(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def request(
    version: int, community: bytes, kind: int, ident: int, oids: Sequence[bytes], repetitions: int = 0
) -> bytes:
    """Return a question: GET, GETNEXT or GETBULK (`repetitions`) of identifiers in content octets.

    `version` is the number on the wire: 0 for v1, 1 for v2c.
    """
    if kind not in (GET, GETNEXT, GETBULK) or (kind == GETBULK and not version):
        raise ValueError("Only GET, GETNEXT and, from v2c on, GETBULK are ever asked.")
    names = b"".join([_item(0x30, _item(OID, oid) + b"\x05\x00") for oid in oids])
    most = _integer(repetitions if kind == GETBULK else 0)
    pdu = _item(kind, _integer(ident) + b"\x02\x01\x00" + most + _item(0x30, names))
    return _item(0x30, _integer(version) + _item(STRING, community) + pdu)


def _head(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Return where the content of the item at `position` begins and ends."""
    size = data[position + 1]
    begin = position + 2
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4:
            raise MalformedError("a length is indefinite or absurd")
        begin += count
        if begin > end:
            raise MalformedError("a length is cut off")
        size = int.from_bytes(data[position + 2 : begin], "big")
    if begin + size > end:
        raise MalformedError("an item is longer than what holds it")
    return begin, begin + size


def _expect(data: bytes, position: int, end: int, tag: int) -> tuple[int, int]:
    if position + 2 > end:
        raise MalformedError("the message is cut off")
    if data[position] != tag:
        raise MalformedError(f"tag {data[position]:#04x} stands where {tag:#04x} belongs")
    return _head(data, position, end)


def _small(data: bytes, position: int, end: int) -> tuple[int, int]:
    begin, stop = _expect(data, position, end, INTEGER)
    if not 1 <= stop - begin <= 5:
        raise MalformedError("a number has no octets or too many")
    return int.from_bytes(data[begin:stop], "big", signed=True), stop


def reply(data: bytes) -> Reply:
    """Return the head of a response; raise MalformedError for anything else.

    A response that is cut off, but not in its head, has `whole` false.
    """
    if len(data) < 2 or data[0] != 0x30:
        raise MalformedError("no SNMP message")
    size = len(data)
    position, end, whole = _outer(data, 0, size)
    version, position = _small(data, position, end)
    if version not in (0, 1):
        raise MalformedError("neither SNMP v1 nor v2c")
    begin, position = _expect(data, position, end, STRING)
    community = data[begin:position]
    if position >= end or data[position] != RESPONSE:
        raise MalformedError("no response")
    position, stop, fits = _outer(data, position, end)
    whole = whole and fits
    ident, position = _small(data, position, stop)
    error, position = _small(data, position, stop)
    index, position = _small(data, position, stop)
    return Reply(version, community, ident, error, index, data, position, whole)


def _outer(data: bytes, position: int, end: int) -> tuple[int, int, bool]:
    """As `_head`, but one that claims more than there is ends with the data and is told."""
    if position + 2 > end:
        raise MalformedError("the message is cut off")
    size, begin = data[position + 1], position + 2
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or begin + count > end:
            raise MalformedError("a length is indefinite or absurd")
        size = int.from_bytes(data[begin : begin + count], "big")
        begin += count
    return begin, min(begin + size, end), begin + size <= end


def bindings(answer: Reply) -> list[Binding]:
    """Return what a response binds; raise MalformedError where any of it cannot be read."""
    data, end = answer.data, len(answer.data)
    if not answer.whole:
        raise MalformedError("the response is cut off")
    position, end = _expect(data, answer.position, end, 0x30)
    found: list[Binding] = []
    add = found.append
    to_int = int.from_bytes
    try:
        while position < end:
            if data[position] != 0x30:
                raise MalformedError("a binding is no sequence")
            size = data[position + 1]
            if size < 0x80:
                position += 2
                stop = position + size
                if stop > end:
                    raise MalformedError("a binding is longer than the response")
            else:
                position, stop = _head(data, position, end)
            if data[position] != 6:
                raise MalformedError("a binding has no name")
            size = data[position + 1]
            if size < 0x80:
                position += 2
                at = position + size
            else:
                position, at = _head(data, position, stop)
            name = data[position:at]
            tag = data[at]
            size = data[at + 1]
            if size < 0x80:
                begin = at + 2
                if begin + size != stop:
                    raise MalformedError("a value does not fill its binding")
            else:
                begin, last = _head(data, at, stop)
                if last != stop:
                    raise MalformedError("a value does not fill its binding")
                size = last - begin
            if not name or data[at - 1] > 0x7F:
                raise MalformedError("a name is empty or cut off")
            if tag == 4:
                add((name, 4, data[begin:stop]))
            elif tag == 2:
                if not 1 <= size <= 9:
                    raise MalformedError("a number has no octets or too many")
                add((name, 2, to_int(data[begin:stop], "big", signed=True)))
            elif tag in _UNSIGNED:
                if not 1 <= size <= 8 and (size != 9 or data[begin]):
                    raise MalformedError("a number has no octets or too many")
                add((name, tag, to_int(data[begin:stop], "big")))
            elif tag == OID:
                add((name, tag, decode_oid(data[begin:stop])))
            elif tag in _BYTES:
                add((name, tag, data[begin:stop]))
            elif tag in _EMPTY:
                add((name, tag, None))
            else:
                raise MalformedError(f"a value has the unknown tag {tag:#04x}")
            position = stop
    except IndexError:
        raise MalformedError("the response is cut off") from None
    return found
