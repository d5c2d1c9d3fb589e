"""The DHCP codec: what it sends, and any message that it may be sent."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.jsonable import from_json, to_json
from checks.wire.frames.dhcp import Malformed, Message, client_id, decode, discover, heard, xid_of
from checks.wire.frames.dhcp_options import read
from checks.wire.frames.udp_frame import read_udp, untagged
from tests.checks.wire.frames.dhcp_messages import addresses, frame, message, offer_options, option

MAC = "00:1b:21:3c:4d:5e"


@pytest.mark.parametrize("vlan", [None, 30, 4094])
def test_a_discover_is_one_for_every_reader(vlan: int | None) -> None:
    raw = discover(MAC, 0xCAFE, secs=4, vendor_class="Cisco AP", vlan=vlan)
    from scapy.layers.dhcp import BOOTP, DHCP
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Dot1Q, Ether

    seen = Ether(raw)
    assert (seen.src, seen.dst) == (MAC, "ff:ff:ff:ff:ff:ff")
    assert (seen[Dot1Q].vlan if Dot1Q in seen else None) == vlan
    assert (seen[IP].src, seen[IP].dst) == ("0.0.0.0", "255.255.255.255")
    assert (seen[UDP].sport, seen[UDP].dport) == (68, 67)
    again = Ether(raw)
    del again[IP].chksum, again[UDP].chksum
    again = Ether(bytes(again))
    assert (seen[IP].chksum, seen[UDP].chksum) == (again[IP].chksum, again[UDP].chksum)
    assert (seen[BOOTP].op, seen[BOOTP].xid, int(seen[BOOTP].flags), seen[BOOTP].secs) == (
        1,
        0xCAFE,
        0x8000,
        4,
    )
    assert seen[BOOTP].chaddr[:6] == bytes.fromhex(MAC.replace(":", ""))
    options = {item[0]: item[1] for item in seen[DHCP].options if isinstance(item, tuple)}
    assert options["message-type"] == 1
    assert options["client_id"] == b"\1\x02\x1b\x21\x3c\x4d\x5e"
    assert options["vendor_class_id"] == b"Cisco AP"
    assert options["max_dhcp_size"] == 1500
    assert {1, 3, 6, 15, 42, 43, 51, 54, 66, 67, 119, 121, 150} <= set(options["param_req_list"])
    assert len(raw) >= 14 + 20 + 8 + 300


def test_the_client_identifier_is_locally_administered_and_stays() -> None:
    assert client_id(MAC) == client_id(MAC) == b"\1\x02\x1b\x21\x3c\x4d\x5e"


def test_our_own_discover_is_no_reply() -> None:
    raw = discover(MAC, 7)
    assert heard(raw) is None
    datagram = read_udp(raw)
    assert datagram is not None
    assert xid_of(datagram.payload) is None
    assert decode(datagram.payload).kind == "DISCOVER"


def decoded(*options: bytes, **fields: object) -> Message:
    return decode(message(*options, **fields))  # type: ignore[arg-type]


def test_a_healthy_offer() -> None:
    found = decoded(*offer_options(), relay="10.20.0.254", following="10.20.0.9", name=b"boot", file=b"pxe.0")
    assert (found.kind, found.yours, found.relay, found.next_server) == (
        "OFFER", "10.20.0.50", "10.20.0.254", "10.20.0.9",
    )  # fmt: skip
    assert (found.server_name, found.boot_file) == ("boot", "pxe.0")
    assert found.values(6) == ("10.20.0.53", "10.20.0.54")
    assert (found.values(51), found.values(15), found.values(1)) == (
        ("28800",),
        ("corp.example",),
        ("255.255.255.0",),
    )
    assert found.flaws == ()
    assert from_json(Message, to_json(found)) == found


READ = [
    ("tftp-addresses", 150, addresses("10.0.0.1", "10.0.0.2"), ("10.0.0.1", "10.0.0.2")),
    ("text-with-zero", 66, b"tftp.example\0", ("tftp.example",)),
    ("search-compressed", 119, b"\4corp\7example\0\3lab\xc0\5\xc0\0",
     ("corp.example", "lab.example", "corp.example")),
    ("search-root", 119, b"\0", (".",)),
    ("sip-names", 120, b"\0\3sip\7example\0", ("sip.example",)),
    ("sip-addresses", 120, b"\1" + addresses("172.22.178.234"), ("172.22.178.234",)),
    ("routes", 121, b"\x18\x0a\x01\x02" + addresses("10.0.0.1") + b"\0" + addresses("10.0.0.254"),
     ("10.1.2.0/24 10.0.0.1", "0.0.0.0/0 10.0.0.254")),
    ("relay-info", 82, b"\1\4Gi/7\2\2\0\1\5\4\x0a\1\2\3",
     ("circuit-id=Gi/7", "remote-id=0x0001", "link=10.1.2.3")),
    ("vendor-raw", 43, b"\xf1\x04\x0a\0\0\1", ("0xf1040a000001",)),
    ("mtu", 26, b"\x05\x78", ("1400",)),
    ("offset", 2, b"\xff\xff\xb9\xb0", ("-18000",)),
    ("unknown-text", 224, b"hello", ("hello",)),
    ("unknown-bytes", 224, b"\1\2", ("0x0102",)),
    ("unknown-empty", 224, b"", ("0x",)),
    ("parameters", 55, b"\1\3\6", ("1", "3", "6")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "raw", "values"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_values(code: int, raw: bytes, values: tuple[str, ...]) -> None:
    found = read(code, raw)
    assert (found.values, found.flaw, found.raw) == (values, "", raw)


FLAWED = [
    ("addresses-of-7", 6, b"1234567"), ("no-address", 3, b""), ("server-of-8", 54, b"12345678"),
    ("mtu-of-1", 26, b"1"), ("type-of-2", 53, b"\2\2"), ("name-cut", 119, b"\4cor"),
    ("pointer-to-itself", 119, b"\xc0\0"), ("pointer-forward", 119, b"\xc0\4\3abc\0"),
    ("pointer-cut", 119, b"\1a\xc0"), ("pointer-loop", 119, b"\1a\xc0\0"), ("label-type", 119, b"\x41a\0"),
    ("name-too-long", 119, (b"\x3f" + b"a" * 63) * 5 + b"\0"), ("too-many-names", 119, b"\1a\0" * 65),
    ("no-name", 119, b""), ("route-mask-33", 121, b"\x21" + b"1" * 9), ("route-cut", 121, b"\x18\x0a\1"),
    ("sub-option-long", 82, b"\1\5abc"), ("sub-option-cut", 82, b"\1"), ("sip-unknown", 120, b"\2abc"),
    ("odd-pairs", 33, b"1234"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "raw"), [row[1:] for row in FLAWED], ids=[row[0] for row in FLAWED])
def test_a_flawed_value_is_told_and_kept_raw(code: int, raw: bytes) -> None:
    found = read(code, raw)
    assert found.values == (f"0x{raw.hex()}",)
    assert found.raw == raw
    assert found.flaw.startswith("The ")
    assert found.flaw.endswith(".")


def test_a_long_option_is_put_together() -> None:
    names = b"".join(b"\x09building%d\7example\0" % n for n in range(10, 20))
    found = decoded(
        option(53, b"\2"), option(119, names[:100]), option(6, addresses("1.1.1.1")), option(119, names[100:])
    )
    assert len(found.values(119)) == 10 or found.option(119).flaw  # type: ignore[union-attr]
    assert found.option(119).raw == names  # type: ignore[union-attr]


@pytest.mark.parametrize("overload", [1, 2, 3])
def test_overloaded_fields_hold_options(overload: int) -> None:
    file = option(6, addresses("10.0.0.1")) + b"\xff"
    name = option(6, addresses("10.0.0.2")) + b"\xff"
    found = decoded(option(53, b"\2"), option(52, bytes((overload,))), file=file, name=name)
    wanted = {1: ("10.0.0.1",), 2: ("10.0.0.2",), 3: ("10.0.0.1", "10.0.0.2")}
    assert found.values(6) == wanted[overload]
    assert bool(found.boot_file) == (overload == 2)
    assert bool(found.server_name) == (overload == 1)


@pytest.mark.parametrize(
    ("tail", "flaw"),
    [
        (b"\x06\x08\1\2\3\4", "longer"),
        (b"\x06", "longer"),
        (b"\x34\x01\x07", "overload"),
        (b"\x34\x02\1\1", "overload"),
    ],
    ids=["length-lies", "length-missing", "overload-of-7", "overload-of-two-bytes"],
)
def test_lies_are_flaws(tail: bytes, flaw: str) -> None:
    found = decoded(option(53, b"\2"), tail, end=b"")
    assert any(flaw in text.lower() for text in found.flaws), found
    assert found.kind == "OFFER"


def test_without_the_cookie_there_are_no_options() -> None:
    assert decoded(*offer_options(), cookie=b"\1\2\3\4").kind == "BOOTP"
    assert decoded(*offer_options(), cookie=b"\1\2\3\4").flaws
    assert decode(message(cookie=b"", end=b"")).flaws == ()


def test_what_follows_the_end_is_not_read() -> None:
    assert decoded(option(53, b"\2"), b"\xff", option(6, b"1")).option(6) is None


@pytest.mark.parametrize("size", [0, 1, 8, 235])
def test_no_message_at_all(size: int) -> None:
    with pytest.raises(Malformed):
        decode(message()[:size])


def test_an_operation_that_is_none() -> None:
    with pytest.raises(Malformed):
        decode(message(op=3))


def test_only_what_goes_to_a_client_is_heard() -> None:
    payload = message(*offer_options())
    assert heard(frame(payload)) is not None
    assert heard(frame(payload, ports=(67, 67))) is None
    whole = frame(payload)
    for place, value in ((12, 0x86), (14, 0x65), (14, 0x44), (23, 6), (20, 0x20)):
        broken = bytearray(whole)
        broken[place] = value
        assert heard(bytes(broken)) is None, place
    for size in range(42):
        assert heard(whole[:size]) is None


def test_tags_are_taken_off() -> None:
    payload = message(*offer_options())
    found = heard(frame(payload, vlan=0x6000 | 30))
    assert found is not None
    assert found.vlans == (30,)
    assert found.payload == payload
    double = frame(payload, vlan=30)
    double = double[:12] + struct.pack("!HH", 0x88A8, 200) + double[12:]
    bare = untagged(double)
    assert bare is not None
    assert bare.vlans == (200, 30)
    endless = double[:12] + struct.pack("!HH", 0x8100, 1) * 100
    assert untagged(endless) is None


def test_a_datagram_that_is_cut_off_says_so() -> None:
    found = heard(frame(message(*offer_options()))[:200])
    assert found is not None
    assert found.cut


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=700))
def test_noise_is_decoded_or_refused(noise: bytes) -> None:
    heard(noise)
    for data in (noise, message(noise, end=b"")):
        try:
            found = decode(data)
        except Malformed:
            continue
        assert from_json(Message, to_json(found)) == found
        assert sum(len(item.raw) for item in found.options) <= len(data)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 255), st.binary(max_size=600))
def test_any_value_of_any_option_is_read(code: int, raw: bytes) -> None:
    found = read(code, raw)
    assert found.raw == raw
    assert sum(map(len, found.values)) <= 64 * 1100 + 8 * len(raw)
