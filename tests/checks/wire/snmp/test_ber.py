"""The codec, with pysnmp as the oracle and hypothesis as the enemy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ
from pysnmp.proto import rfc1905
from pysnmp.proto.api import v1, v2c

from checks.wire.snmp import ber

SYS_DESCR = (1, 3, 6, 1, 2, 1, 1, 1, 0)
OIDS = [
    (0, 0), (1, 3), (2, 47), (2, 999, 3), (1, 3, 6, 1, 4, 1, 4294967295, 127, 128, 16383, 16384), SYS_DESCR,
    (1, 3, *[7] * 126), (1, 3, *[2**32 - 1] * 126), (2, 2**32 - 81),
]  # fmt: skip
arcs = st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1))
oids = st.builds(
    lambda first, second, rest: (first, second, *rest),
    st.integers(0, 1), st.integers(0, 39), st.lists(arcs, max_size=126),
)  # fmt: skip
values = st.one_of(
    st.builds(v2c.Integer32, st.integers(-(2**31), 2**31 - 1)),
    st.builds(v2c.OctetString, st.binary(max_size=400)),
    st.builds(v2c.ObjectIdentifier, oids),
    st.builds(v2c.IpAddress, st.lists(st.integers(0, 255), min_size=4, max_size=4).map(bytes)),
    st.builds(v2c.Counter32, st.integers(0, 2**32 - 1)),
    st.builds(v2c.Gauge32, st.integers(0, 2**32 - 1)),
    st.builds(v2c.TimeTicks, st.integers(0, 2**32 - 1)),
    st.builds(v2c.Counter64, st.integers(0, 2**64 - 1)),
    st.builds(v2c.Opaque, st.binary(max_size=40)),
    st.sampled_from([v2c.null, rfc1905.noSuchObject, rfc1905.noSuchInstance, rfc1905.endOfMibView]),
)  # fmt: skip


def theirs(bindings, ident=7, error=0, culprit=0, community="public"):
    """Return a response as pysnmp writes it."""
    pdu = v2c.ResponsePDU()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, ident)
    v2c.apiPDU.set_error_status(pdu, error)
    v2c.apiPDU.set_error_index(pdu, culprit)
    v2c.apiPDU.set_varbinds(pdu, [(v2c.ObjectIdentifier(oid), value) for oid, value in bindings])
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, community)
    v2c.apiMessage.set_pdu(message, pdu)
    return encoder.encode(message)


def plain(value):
    """Return a value of pysnmp as ours."""
    if isinstance(value, univ.Null):
        return None
    if isinstance(value, univ.ObjectIdentifier):
        return tuple(value)
    return bytes(value) if isinstance(value, univ.OctetString) else int(value)


def response(*bindings, ident=b"\x02\x01\x07", error=b"\x02\x01\x00", tag=0xA2, version=1):
    """Return a response around raw bindings."""
    pdu = ident + error + b"\x02\x01\x00" + ber._item(0x30, b"".join(bindings))
    return ber._item(0x30, bytes((2, 1, version)) + b"\x04\x06public" + ber._item(tag, pdu))


def bound(value, name=b"\x06\x03\x2b\x06\x01"):
    return ber._item(0x30, name + value)


def read(data):
    return ber.bindings(ber.reply(data))


@pytest.mark.parametrize("oid", OIDS, ids=range(len(OIDS)))
def test_identifiers_come_back_and_are_written_as_pysnmp_does(oid):
    content = ber.encode_oid(oid)
    assert ber.decode_oid(content) == oid
    assert encoder.encode(v2c.ObjectIdentifier(oid)) == ber._item(6, content)


@pytest.mark.parametrize(
    "oid", [(), (1,), (3, 1), (1, 40), (1, 3, -1), (1, 3, 2**32), (1, 3, *[1] * 127), (2, 2**32 - 1)],
    ids=["none", "one", "root", "second", "negative", "large", "long", "first"],
)  # fmt: skip
def test_identifiers_that_cannot_be_are_refused(oid):
    with pytest.raises(ValueError):
        ber.encode_oid(oid)


NO_IDENTIFIERS = {
    "padded": b"\x2b\x80\x01",
    "cut": b"\x2b\x81",
    "arc of 33 bits": b"\x2b\x90\x80\x80\x80\x00",
    "129 arcs": b"\x2b" + b"\x01" * 128,
    "endless arc": b"\x2b" + b"\x81" * 700,
    "129 long arcs": b"\x2b" + b"\x81\x01" * 128,
}


@pytest.mark.parametrize("content", NO_IDENTIFIERS.values(), ids=NO_IDENTIFIERS.keys())
def test_identifiers_from_outside_that_cannot_be_are_refused(content):
    with pytest.raises(ber.MalformedError):
        ber.decode_oid(content)


@given(oids)
def test_any_identifier_comes_back(oid):
    assert ber.decode_oid(ber.encode_oid(oid)) == oid


@given(
    st.sampled_from([ber.GET, ber.GETNEXT, ber.GETBULK]), st.integers(1, 2**31 - 1),
    st.lists(oids, min_size=1, max_size=20), st.integers(0, 1000), st.binary(max_size=60),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_questions_are_what_pysnmp_reads(kind, ident, names, repetitions, community):
    wire = ber.request(1, community, kind, ident, [ber.encode_oid(name) for name in names], repetitions)
    message, rest = decoder.decode(wire, asn1Spec=v2c.Message())
    assert not rest
    assert bytes(v2c.apiMessage.get_community(message)) == community
    pdu = v2c.apiMessage.get_pdu(message)
    assert int(v2c.apiPDU.get_request_id(pdu)) == ident
    assert [(tuple(name), bytes(encoder.encode(value))) for name, value in v2c.apiPDU.get_varbinds(pdu)] == [
        (name, b"\x05\x00") for name in names
    ]
    asked = {ber.GET: "GetRequestPDU", ber.GETNEXT: "GetNextRequestPDU", ber.GETBULK: "GetBulkRequestPDU"}
    assert type(pdu).__name__ == asked[kind]
    if kind == ber.GETBULK:
        assert int(v2c.apiBulkPDU.get_max_repetitions(pdu)) == repetitions
        assert int(v2c.apiBulkPDU.get_non_repeaters(pdu)) == 0
    else:
        assert wire == _as_pysnmp(type(pdu), ident, names, community)


def _as_pysnmp(kind, ident, names, community):
    pdu = kind()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, ident)
    v2c.apiPDU.set_varbinds(pdu, [(v2c.ObjectIdentifier(name), v2c.null) for name in names])
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, community)
    v2c.apiMessage.set_pdu(message, pdu)
    return encoder.encode(message)


def test_a_question_of_v1_is_what_pysnmp_reads():
    wire = ber.request(0, b"public", ber.GETNEXT, 5, [ber.encode_oid(SYS_DESCR)])
    message, _ = decoder.decode(wire, asn1Spec=v1.Message())
    assert int(message["version"]) == 0
    assert tuple(v1.apiPDU.get_varbinds(v1.apiMessage.get_pdu(message))[0][0]) == SYS_DESCR


@pytest.mark.parametrize("kind", [0xA3, 0xA2, 0xA4, 0xA6, 0xA7, 0], ids=hex)
def test_nothing_but_questions_can_be_written(kind):
    with pytest.raises(ValueError):
        ber.request(1, b"public", kind, 1, [ber.encode_oid(SYS_DESCR)])


def test_v1_has_no_getbulk():
    with pytest.raises(ValueError):
        ber.request(0, b"public", ber.GETBULK, 1, [ber.encode_oid(SYS_DESCR)], 10)


@given(st.lists(st.tuples(oids, values), max_size=12), st.integers(-(2**31), 2**31 - 1))
@settings(max_examples=150, deadline=None)
def test_what_pysnmp_writes_is_read(bindings, ident):
    answer = ber.reply(theirs(bindings, ident))
    assert (answer.version, answer.community, answer.ident, answer.whole) == (1, b"public", ident, True)
    assert [(ber.decode_oid(name), value) for name, _, value in ber.bindings(answer)] == [
        (oid, plain(value)) for oid, value in bindings
    ]


VALUES = {
    "-1": (b"\x02\x01\xff", -1),
    "smallest": (b"\x02\x04\x80\x00\x00\x00", -(2**31)),
    "unsigned as integer": (b"\x02\x05\x00\xff\xff\xff\xff", 2**32 - 1),
    "padded": (b"\x02\x02\x00\x01", 1),
    "counter without zero": (b"\x41\x04\xff\xff\xff\xff", 2**32 - 1),
    "gauge": (b"\x42\x05\x00\xff\xff\xff\xff", 2**32 - 1),
    "counter64 with zero": (b"\x46\x09\x00" + b"\xff" * 8, 2**64 - 1),
    "counter64 without zero": (b"\x46\x08" + b"\xff" * 8, 2**64 - 1),
    "counter64": (b"\x46\x01\x05", 5),
    "ticks": (b"\x43\x01\x00", 0),
    "long form": (b"\x04\x81\x02hi", b"hi"),
    "longer form": (b"\x04\x82\x00\x02hi", b"hi"),
    "longest form": (b"\x04\x84\x00\x00\x00\x02hi", b"hi"),
    "empty": (b"\x04\x00", b""),
    "address": (b"\x40\x04\x7f\x00\x00\x01", b"\x7f\x00\x00\x01"),
    "null": (b"\x05\x00", None),
    "no object": (b"\x80\x00", None),
    "no instance": (b"\x81\x00", None),
    "end": (b"\x82\x00", None),
    "0.0": (b"\x06\x01\x00", (0, 0)),
    "no octets": (b"\x06\x00", (0, 0)),
    "opaque float": (b"\x44\x07\x9f\x78\x04\x42\xc8\x00\x00", b"\x9f\x78\x04\x42\xc8\x00\x00"),
    "nsap": (b"\x45\x02ab", b"ab"),
    "unsigned32": (b"\x47\x01\x09", 9),
}


@pytest.mark.parametrize(("value", "expected"), VALUES.values(), ids=VALUES.keys())
def test_values_are_read_as_agents_write_them(value, expected):
    assert read(response(bound(value)))[0][2] == expected


NO_VALUES = {
    "integer of nothing": b"\x02\x00",
    "counter of nothing": b"\x41\x00",
    "80 bits": b"\x02\x0a" + b"\x01" * 10,
    "65 bits": b"\x46\x09\x01" + b"\x00" * 8,
    "80 bits of zeros": b"\x46\x0a" + b"\x00" * 10,
    "indefinite": b"\x04\x80hi\x00\x00",
    "longer than its binding": b"\x04\x05hi",
    "shorter than its binding": b"\x04\x01hi",
    "length of five octets": b"\x04\x85\x00\x00\x00\x00\x02hi",
    "no length": b"\x04",
    "nothing": b"",
    "sequence": b"\x30\x00",
    "unknown exception": b"\x83\x00",
    "high tag": b"\x1f\x01\x00",
    "padded arc": b"\x06\x02\x80\x01",
    "cut arc": b"\x06\x01\x81",
    "reserved length": b"\x04\xff",
}


@pytest.mark.parametrize("value", NO_VALUES.values(), ids=NO_VALUES.keys())
def test_values_that_cannot_be_are_refused(value):
    with pytest.raises(ber.MalformedError):
        read(response(bound(value)))


NO_RESPONSES = {
    "nothing": b"",
    "tag": b"\x30",
    "indefinite": b"\x30\x80",
    "set": b"\x31\x02\x00\x00",
    "length only": b"\x30\x84\xff\xff\xff\xff",
    "empty": b"\x30\x00",
    "question": response(tag=0xA0),
    "set request": response(tag=0xA3),
    "report": response(tag=0xA8),
    "v3": response(version=3),
    "v2p": response(version=2),
    "id of nothing": response(ident=b"\x02\x00"),
    "id of 48 bits": response(ident=b"\x02\x06" + b"\x01" * 6),
    "id of text": response(ident=b"\x04\x01\x07"),
    "version only": b"\x30\x03\x02\x01\x01",
    "no pdu": b"\x30\x0b\x02\x01\x01\x04\x06public",
}


@pytest.mark.parametrize("data", NO_RESPONSES.values(), ids=NO_RESPONSES.keys())
def test_what_is_no_response_is_refused(data):
    with pytest.raises(ber.MalformedError):
        ber.reply(data)


NO_BINDINGS = {
    "set": b"\x31\x00",
    "empty": b"\x30\x00",
    "name only": b"\x30\x02\x06\x00",
    "no name": b"\x30\x04\x06\x00\x05\x00",
    "cut name": b"\x30\x05\x06\x01\x81\x05\x00",
    "text as name": b"\x30\x06\x04\x02ab\x05\x00",
    "indefinite": b"\x30\x80\x06\x01\x2b\x05\x00\x00\x00",
    "too long": b"\x30\x7f",
    "cut": b"\x30",
}


@pytest.mark.parametrize("bindings", NO_BINDINGS.values(), ids=NO_BINDINGS.keys())
def test_bindings_that_cannot_be_are_refused(bindings):
    with pytest.raises(ber.MalformedError):
        read(response(bindings))


@given(st.integers(1, 120))
def test_a_response_that_is_cut_off_gives_no_objects(missing):
    data = theirs([((1, 3, 6, 1, number), v2c.OctetString("text")) for number in range(20)])
    try:
        answer = ber.reply(data[:-missing])
    except ber.MalformedError:
        return
    assert not answer.whole
    with pytest.raises(ber.MalformedError):
        ber.bindings(answer)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    try:
        ber.bindings(ber.reply(data))
    except ber.MalformedError:
        pass


@given(st.binary(max_size=120), st.data())
@settings(max_examples=300, deadline=None)
def test_any_change_of_a_response_is_read_or_refused(noise, data):
    whole = bytearray(
        theirs([(SYS_DESCR, v2c.OctetString("text")), ((1, 3, 6, 1, 2**31), v2c.Counter64(2**63))])
    )
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place : place + data.draw(st.integers(0, 4))] = noise[: data.draw(st.integers(0, 6))]
    try:
        for name, _, value in ber.bindings(ber.reply(bytes(whole))):
            ber.decode_oid(name)
            assert value is None or isinstance(value, (int, bytes, tuple))
    except ber.MalformedError:
        pass
