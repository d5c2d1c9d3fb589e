"""The decoders of announcements on made and on any bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.frames import cdp, lldp, stp
from checks.wire.frames.announced import NamedVlan, Policy
from checks.wire.frames.discovery import read_frame
from checks.wire.frames.mau import of_mau
from checks.wire.frames.vlan_tags import Tag, open_frame
from tests.checks.wire.frames import made
from tests.checks.wire.frames.held import hold, seeds


def lldp_of(*parts: bytes) -> lldp.Announced:
    return lldp.decode(made.lldp(*parts)[14:])


def test_the_parts_of_8021_and_8023() -> None:
    said = lldp_of(
        made.pvid(20),
        made.org(0x0080C2, 2, b"\x06\0\x1e"),
        made.org(0x0080C2, 3, b"\0\x14\5staff"),
        made.org(0x0080C2, 3, b"\0\x1e\5voice"),
        made.org(0x00120F, 3, b"\3\0\0\0\x11"),
        made.org(0x00120F, 4, b"\5\xee"),
        made.mau(16),
    )
    assert said.faults == ()
    assert (said.vlan, said.mtu, said.lag, said.speed_mbps, said.duplex) == (20, 1518, 17, 100, "full")
    assert said.vlans == (NamedVlan(id=20, name="staff"), NamedVlan(id=30, name="voice"))


def test_a_policy_of_lldp_med() -> None:
    said = lldp_of(
        made.voice(30), made.voice(0, application=2, unknown=True), made.org(0x0012BB, 3, b"\2\x10\0")
    )
    assert said.voice_vlan == 30
    assert said.policies[0] == Policy(application="voice", vlan=30, tagged=True, priority=5, dscp=46)
    assert said.policies[1].unknown
    assert said.faults == ()


def test_one_odd_part_costs_that_part_only() -> None:
    said = lldp_of(made.org(0x0080C2, 1, b"\1"), made.tlv(8, b"\x20\1"), made.mau(30), made.tlv(127, b"\0"))
    assert (said.name, said.port, said.duplex, said.vlan) == ("sw-idf1", "Gi1/0/7", "full", None)
    assert len(said.faults) == 3


def test_a_part_that_comes_twice_does_not_replace_the_first() -> None:
    said = lldp.decode(made.lldp(made.tlv(5, b"other"))[14:])
    assert said.name == "sw-idf1"
    assert said.faults == ("TLV 5 came twice",)


def test_an_announcement_cut_anywhere_names_no_other_port() -> None:
    whole = made.lldp(made.pvid(20), made.voice(30))[14:]
    for end in range(len(whole)):
        said = lldp.decode(whole[:end])
        assert said.port in ("", "Gi1/0/7")
        assert said.vlan in (None, 20)


def test_cdp_cut_anywhere_names_no_other_port() -> None:
    whole = made.cdp(made.native(20), made.appliance(30))[22:]
    for end in range(len(whole)):
        said = cdp.decode(whole[:end])
        assert said.port in ("", "GigabitEthernet1/0/7")
        assert said.voice_vlan in (None, 30)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (10, (10, "half")), (11, (10, "full")), (15, (100, "half")), (16, (100, "full")),
        (29, (1000, "half")), (30, (1000, "full")), (54, (10_000, "full")), (103, (2500, "full")),
        (0, (None, None)), (5, (10, None)),
    ],
    ids=["10-half", "10-full", "100-half", "100-full", "1000-half", "1000-full", "10G", "2.5G", "none", "10"],
)  # fmt: skip
def test_speed_and_duplex_of_a_mau(kind: int, told: tuple[int | None, str | None]) -> None:
    assert of_mau(kind) == told


def test_tags_within_tags() -> None:
    plain = made.ethernet(b"body", 0x0806)
    opened = open_frame(made.tagged(made.tagged(plain, 0xE005), 7, 0x88A8))
    assert opened is not None
    assert opened.tags == (Tag(kind="802.1ad", vlan=7, priority=0), Tag(kind="802.1Q", vlan=5, priority=7))
    assert (opened.vlan, opened.ethertype, opened.payload) == (7, 0x0806, b"body")


def test_a_thousand_tags_end() -> None:
    frame = made.LLDP_GROUP + made.SWITCH + b"\x81\0\0\1" * 1000
    opened = open_frame(frame)
    assert opened is not None
    assert len(opened.tags) == 8


def test_the_padding_behind_a_short_frame_is_not_read() -> None:
    frame = made.cdp()
    said = read_frame(frame + made.native(99))
    assert said is not None
    assert said.neighbor is not None
    assert said.neighbor.vlan is None


_MNDP = (
    (1, made.SWITCH), (5, b"tik"), (8, b"MikroTik"), (16, b"bridge/ether3"), (17, b"\xc6\x33\x64\1"),
)  # fmt: skip


def test_mndp_of_a_router() -> None:
    body = bytes(4) + b"".join(
        struct.pack("!HH", kind, len(value)) + value
        for kind, value in (
            (1, made.SWITCH),
            (5, b"tik"),
            (8, b"MikroTik"),
            (16, b"bridge/ether3"),
            (17, b"\xc6\x33\x64\1"),
        )
    )
    udp = struct.pack("!HHHH", 5678, 5678, 8 + len(body), 0) + body
    packet = b"\x45\0" + (20 + len(udp)).to_bytes(2, "big") + bytes(5) + b"\x11" + bytes(10) + udp
    said = read_frame(made.ethernet(packet, 0x0800, to=made.BROADCAST))
    assert said is not None
    assert said.neighbor is not None
    assert (said.neighbor.name, said.neighbor.port, said.neighbor.addresses) == (
        "tik",
        "bridge/ether3",
        ("198.51.100.1",),
    )


@pytest.mark.parametrize(
    ("oui", "protocol", "name"),
    [(0x0C, 0x0111, "udld"), (0x0C, 0x0104, "pagp"), (0x0C, 0x2003, "vtp"), (0x0C, 0x2004, "dtp")],
    ids=["udld", "pagp", "vtp", "dtp"],
)
def test_the_protocols_of_cisco_are_told_by_name(oui: int, protocol: int, name: str) -> None:
    said = read_frame(made.snap(oui, protocol, b"\1" + bytes(20)))
    assert said is not None
    assert said.protocol == name


def test_a_topology_change_notification_has_no_root() -> None:
    unit = stp.decode(b"\0\0\0\x80")
    assert unit is not None
    assert (unit.kind, unit.root) == ("topology change", None)


@pytest.mark.parametrize("seed", seeds(), ids=range(len(seeds())))
@given(data=st.data())
def test_a_changed_announcement_is_read_to_its_end(seed: bytes, data: st.DataObject) -> None:
    frame = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    hold(bytes(frame[: data.draw(st.integers(0, len(frame)))]))


@given(st.binary(max_size=1600))
def test_any_bytes_are_read_to_their_end(data: bytes) -> None:
    hold(data)
    hold(made.LLDP_GROUP + made.SWITCH + b"\x88\xcc" + data)
    hold(made.snap(0x00000C, 0x2000, b"\2\xb4\0\0" + data))
